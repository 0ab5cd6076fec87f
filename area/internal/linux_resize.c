// SPDX-License-Identifier: BSD-3-Clause
//
// A plain mapping is resized by mremap(2), which takes all that was told of it along. Pages of a
// pool cannot grow so, and between guards nothing can: those shrink by munmap, grow in place by
// mapping, or opening, what is behind, and are copied where they have to move.
//
// A mapping with guards opens the first part of the guard behind it, after as much was reserved
// behind that; so at no time is there an end without a guard.

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "aml/area/internal/populate.h"
#include "aml/core/checked.h"
#include "area/internal/linux_mapping.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { ACCESS = PROT_READ | PROT_WRITE };

static bool fail(struct aml_internal_linux_trouble *trouble, const char *what, int number) {
  *trouble = (struct aml_internal_linux_trouble){.what = what, .number = number};
  return false;
}

static bool locks(const struct aml_area_linux *self) {
  return (self->flags & (AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT)) != 0;
}

/** mremap; without the lock where that is in the way and only a wish. */
static void *remap(const struct aml_area_linux *self, char *pointer, size_t old_size,
                   size_t new_size, int flags) {
  void *const moved = mremap(pointer, old_size, new_size, flags);
  if (moved != MAP_FAILED || errno != EAGAIN || !locks(self) ||
      (self->wishes & AML_AREA_GRANT_LOCKED) == 0)
    return moved;
  (void)munlock(pointer, old_size);
  return mremap(pointer, old_size, new_size, flags);
}

/** What mremap does not do for the new part: 0 or errno. */
static int finish(const struct aml_area_linux *self, char *base, size_t old_size, size_t new_size) {
  if (self->huge_pages != AML_AREA_LINUX_HUGE_NONE && old_size < self->advised_size &&
      new_size >= self->advised_size)
    (void)madvise(base, new_size, MADV_HUGEPAGE);
  return (self->flags & AML_AREA_LINUX_POPULATE) == 0
             ? 0
             : aml_internal_populate(base + old_size, new_size - old_size, self->page_size,
                                     self->populate_threads);
}

static bool resize_plain(const struct aml_area_linux *self, char *pointer, size_t old_size,
                         size_t new_size, unsigned flags, void **result,
                         struct aml_internal_linux_trouble *trouble) {
  char *const moved = remap(self, pointer, old_size, new_size,
                            (flags & AML_AREA_RESIZE_MAY_MOVE) != 0 ? MREMAP_MAYMOVE : 0);
  if (moved == MAP_FAILED) {
    // EINVAL is what newer kernels say of more than the address space; our arguments are valid.
    const int number = errno == EINVAL && new_size > old_size ? ENOMEM : errno;
    return fail(trouble, "mremap", number);
  }
  const int number = new_size > old_size ? finish(self, moved, old_size, new_size) : 0;
  // One that has moved cannot be moved back: its former addresses may be taken.
  if (number != 0 && moved == pointer && (self->wishes & AML_AREA_GRANT_POPULATED) == 0) {
    (void)munmap(pointer + old_size, new_size - old_size);
    return fail(trouble, "madvise(MADV_POPULATE_WRITE)", number);
  }
  *result = moved;
  return true;
}

static bool shrink(const struct aml_area_linux *self, char *pointer, size_t old_size,
                   size_t new_size, struct aml_internal_linux_trouble *trouble) {
  char *const end = pointer + new_size;
  const size_t less = old_size - new_size;
  const size_t guard = self->guard_size;
  if (less == 0)
    return true;
  if (guard == 0)
    return munmap(end, less) == 0 || fail(trouble, "munmap", errno);
  if (mprotect(end, less, PROT_NONE) != 0)
    return fail(trouble, "mprotect", errno);
  if (munmap(end + guard, less) != 0) {
    (void)fail(trouble, "munmap", errno);
    (void)mprotect(end, less, ACCESS);
    return false;
  }
  // What has become a guard keeps no pages.
  const size_t kept = less < guard ? less : guard;
  if (locks(self))
    (void)munlock(end, kept);
  (void)madvise(end, kept, MADV_DONTNEED);
  return true;
}

/** Makes a guarded mapping's guard larger by `more`, and opens as much of it. */
static bool open_guard(const struct aml_area_linux *self, char *end, size_t more,
                       struct aml_internal_linux_trouble *trouble) {
  char *const place = end + self->guard_size;
  void *const reserved =
      mmap(place, more, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (reserved != place) {
    const int number = reserved == MAP_FAILED && errno != EEXIST ? errno : ENOMEM;
    if (reserved != MAP_FAILED)
      (void)munmap(reserved, more);
    return fail(trouble, "mmap behind the mapping", number);
  }
  if (mprotect(end, more, ACCESS) == 0)
    return true;
  (void)fail(trouble, "mprotect", errno);
  (void)munmap(place, more);
  return false;
}

/** Undoes open_guard(). */
static void close_guard(const struct aml_area_linux *self, char *end, size_t more) {
  (void)munlock(end, more);
  (void)madvise(end, more, MADV_DONTNEED);
  (void)mprotect(end, more, PROT_NONE);
  (void)munmap(end + self->guard_size, more);
}

static bool grow_guarded(const struct aml_area_linux *self, char *pointer, size_t old_size,
                         size_t new_size, struct aml_internal_linux_trouble *trouble) {
  char *const end = pointer + old_size;
  const size_t more = new_size - old_size;
  const struct aml_internal_linux_part part = {.base = end, .size = more, .whole_size = new_size};
  // Pages of a pool cannot be opened: the guard is none of its.
  if (aml_internal_linux_has_pool(self))
    return fail(trouble, "pages of a pool between guards cannot grow in place", ENOMEM);
  if (!open_guard(self, end, more, trouble))
    return false;
  if (aml_internal_linux_prepare(self, &part, trouble))
    return true;
  close_guard(self, end, more);
  return false;
}

static bool grow_pool(const struct aml_area_linux *self, char *pointer, size_t old_size,
                      size_t new_size, struct aml_internal_linux_trouble *trouble) {
  char *const end = pointer + old_size;
  struct aml_internal_linux_part part = {
      .base = end, .size = new_size - old_size, .whole_size = new_size};
  part.is_pool = aml_internal_linux_map_at(self, end, part.size, true, trouble);
  const bool may_do_without = (self->wishes & AML_AREA_GRANT_HUGE_POOL) != 0;
  if (!part.is_pool &&
      (!may_do_without || !aml_internal_linux_map_at(self, end, part.size, false, trouble))) {
    if (trouble->number == EEXIST)
      trouble->number = ENOMEM;
    return false;
  }
  if (aml_internal_linux_prepare(self, &part, trouble))
    return true;
  (void)munmap(end, part.size);
  return false;
}

/** Copies a mapping to a larger one. */
static bool replace(struct aml_area_linux *self, char *pointer, size_t old_size, size_t new_size,
                    void **result, struct aml_internal_linux_trouble *trouble) {
  static const struct aml_area_map_options defaults = {0};
  struct aml_internal_linux_trouble ignored;
  void *copy;
  if (!aml_internal_linux_map(self, new_size, &defaults, &copy, trouble))
    return false;
  memcpy(copy, pointer, old_size);
  if (!aml_internal_linux_unmap(self, pointer, old_size, trouble)) {
    (void)aml_internal_linux_unmap(self, copy, new_size, &ignored);
    return false;
  }
  *result = copy;
  return true;
}

bool aml_internal_linux_resize(struct aml_area_linux *self, char *pointer, size_t old_size,
                               size_t new_size, unsigned flags, void **new_pointer,
                               struct aml_internal_linux_trouble *trouble) {
  if (self->guard_size == 0 && !aml_internal_linux_has_pool(self))
    return resize_plain(self, pointer, old_size, new_size, flags, new_pointer, trouble);
  size_t end;
  bool is_done;
  if (new_size <= old_size)
    is_done = shrink(self, pointer, old_size, new_size, trouble);
  else if (!aml_checked_add((uintptr_t)pointer, new_size, &end) ||
           !aml_checked_add(end, self->guard_size, &end))
    is_done = fail(trouble, "mmap behind the mapping", ENOMEM);
  else if (self->guard_size != 0)
    is_done = grow_guarded(self, pointer, old_size, new_size, trouble);
  else
    is_done = grow_pool(self, pointer, old_size, new_size, trouble);
  if (is_done)
    *new_pointer = pointer;
  else if (new_size > old_size && (flags & AML_AREA_RESIZE_MAY_MOVE) != 0)
    is_done = replace(self, pointer, old_size, new_size, new_pointer, trouble);
  return is_done;
}
