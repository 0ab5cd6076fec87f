// SPDX-License-Identifier: BSD-3-Clause
//
// Alignment above a page, and room for guards, is had by mapping too much and giving back what lies
// before and behind. What is given back may be another thread's at once, so it is never touched
// again; and no address is mapped over that is not ours.
//
// mmap(2), mprotect(2), munmap(2).

#include "area/internal/linux_mapping.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "aml/area/internal/numa.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { ACCESS = PROT_READ | PROT_WRITE, PLAIN = MAP_PRIVATE | MAP_ANONYMOUS };

// How often the room between guards may be lost to another thread.
enum { ATTEMPTS = 8 };

// More is not mapped too much in accessible memory.
enum { LARGE_ALIGNMENT = 4 << 20 };

static const char AT_HINT[] = "mmap at the hint";
static const char FROM_POOL[] = "mmap from the pool of huge pages";

/** Where a mapping is to be; body and guards. */
struct room {
  void *hint; /**< of the body; null: anywhere */
  size_t size;
  size_t guard;
  size_t alignment; /**< of the body */
};

static bool fail(struct aml_internal_linux_trouble *trouble, const char *what, int number) {
  *trouble = (struct aml_internal_linux_trouble){.what = what, .number = number};
  return false;
}

int aml_internal_linux_refuse(const struct aml_area_linux *self, const char *call,
                              const struct aml_internal_linux_trouble *trouble) {
  if (trouble->what == NULL)
    return aml_internal_numa_refuse_bind(call, trouble->number, self->policy, &self->devices);
  // Of mmap as of mremap; the former where a process locks all that it maps.
  if (trouble->number == EAGAIN)
    return aml_error_set(-AML_ENOMEM, call, trouble->what,
                         "needs more locked memory than RLIMIT_MEMLOCK allows");
  return aml_error_set_system(call, trouble->what, trouble->number);
}

bool aml_internal_linux_has_pool(const struct aml_area_linux *self) {
  return self->huge_pages == AML_AREA_LINUX_HUGE_POOL;
}

/** Maps at an address or not at all. */
static bool map_fixed(void *place, size_t size, int protection, int flags, const char *what,
                      struct aml_internal_linux_trouble *trouble) {
  void *const base = mmap(place, size, protection, PLAIN | MAP_FIXED_NOREPLACE | flags, -1, 0);
  if (base == MAP_FAILED)
    return fail(trouble, what, errno);
  if (base == place)
    return true;
  // A kernel before 4.17, to which the flag means nothing.
  (void)munmap(base, size);
  return fail(trouble, what, EEXIST);
}

bool aml_internal_linux_map_at(const struct aml_area_linux *self, void *place, size_t size,
                               bool from_pool, struct aml_internal_linux_trouble *trouble) {
  return map_fixed(place, size, ACCESS, from_pool ? self->pool_flags : 0,
                   from_pool ? FROM_POOL : AT_HINT, trouble);
}

/** Gives back what lies before and behind [kept, kept + size) of a mapping. */
static bool trim(char *base, size_t total, char *kept, size_t size,
                 struct aml_internal_linux_trouble *trouble) {
  const size_t before = (size_t)(kept - base);
  const size_t behind = total - before - size;
  char *rest = base;
  size_t rest_size = total;
  int failed = before == 0 ? 0 : munmap(base, before);
  if (!failed) {
    rest += before;
    rest_size -= before;
    failed = behind == 0 ? 0 : munmap(rest + size, behind);
  }
  if (!failed)
    return true;
  (void)fail(trouble, "munmap", errno);
  (void)munmap(rest, rest_size);
  return false;
}

/** Maps body and guards as one; `body` gets the address between. */
static bool map_room(const struct aml_area_linux *self, const struct room *room, int protection,
                     int flags, char **body, struct aml_internal_linux_trouble *trouble) {
  const size_t spare = room->alignment - self->page_size;
  size_t kept;
  size_t total;
  if (!aml_checked_add(room->size, 2 * room->guard, &kept) || !aml_checked_add(kept, spare, &total))
    return fail(trouble, "mmap", ENOMEM);
  char *const hint = (uintptr_t)room->hint <= room->guard ? NULL : (char *)room->hint - room->guard;
  char *const base = mmap(hint, total, protection, PLAIN | flags, -1, 0);
  if (base == MAP_FAILED)
    return fail(trouble, "mmap", errno);
  const size_t before = (size_t)(0 - ((uintptr_t)base + room->guard)) & (room->alignment - 1);
  if (!trim(base, total, base + before, kept, trouble))
    return false;
  *body = base + before + room->guard;
  return true;
}

/** Reserves body and guards, all of it inaccessible. */
static bool reserve(const struct aml_area_linux *self, const struct room *room, bool is_exact,
                    char **body, struct aml_internal_linux_trouble *trouble) {
  if (!is_exact)
    return map_room(self, room, PROT_NONE, MAP_NORESERVE, body, trouble);
  size_t total;
  if ((uintptr_t)room->hint <= room->guard || !aml_checked_add(room->size, 2 * room->guard, &total))
    return fail(trouble, AT_HINT, ENOMEM);
  if (!map_fixed((char *)room->hint - room->guard, total, PROT_NONE, MAP_NORESERVE, AT_HINT,
                 trouble))
    return false;
  *body = room->hint;
  return true;
}

bool aml_internal_linux_reserve(const struct aml_area_linux *self, void *hint, size_t size,
                                char **base) {
  const struct room room = {.size = size, .alignment = size};
  struct aml_internal_linux_trouble ignored;
  void *const start = mmap(hint, size, PROT_NONE, PLAIN, -1, 0);
  if (start == MAP_FAILED)
    return false;
  *base = start;
  if (((uintptr_t)start & (size - 1)) == 0)
    return true;
  (void)munmap(start, size);
  return map_room(self, &room, PROT_NONE, 0, base, &ignored);
}

/** Maps from the pool between guards, or at a larger alignment than the pool's. */
static bool map_pool_between(const struct aml_area_linux *self, const struct room *room,
                             bool is_exact, char **body,
                             struct aml_internal_linux_trouble *trouble) {
  for (int attempt = 1;; ++attempt) {
    if (!reserve(self, room, is_exact, body, trouble))
      return false;
    // Mapping over it could fail with the addresses lost, and perhaps another thread's by then.
    if (munmap(*body, room->size) != 0) {
      (void)fail(trouble, "munmap", errno);
      (void)munmap(*body - room->guard, room->size + 2 * room->guard);
      return false;
    }
    if (aml_internal_linux_map_at(self, *body, room->size, true, trouble))
      return true;
    if (room->guard != 0) {
      (void)munmap(*body - room->guard, room->guard);
      (void)munmap(*body + room->size, room->guard);
    }
    if (trouble->number != EEXIST || is_exact || attempt == ATTEMPTS)
      return false;
  }
}

static bool map_pool(const struct aml_area_linux *self, const struct room *room, bool is_exact,
                     char **body, struct aml_internal_linux_trouble *trouble) {
  if (room->guard != 0 || room->alignment > self->granularity)
    return map_pool_between(self, room, is_exact, body, trouble);
  if (is_exact) {
    *body = room->hint;
    return aml_internal_linux_map_at(self, room->hint, room->size, true, trouble);
  }
  void *const base = mmap(room->hint, room->size, ACCESS, PLAIN | self->pool_flags, -1, 0);
  if (base == MAP_FAILED)
    return fail(trouble, FROM_POOL, errno);
  *body = base;
  return true;
}

/** Maps base pages of a larger reservation. */
static bool map_reserved(const struct aml_area_linux *self, const struct room *room, bool is_exact,
                         char **body, struct aml_internal_linux_trouble *trouble) {
  if (!reserve(self, room, is_exact, body, trouble))
    return false;
  if (mprotect(*body, room->size, ACCESS) == 0)
    return true;
  (void)fail(trouble, "mprotect", errno);
  (void)munmap(*body - room->guard, room->size + 2 * room->guard);
  return false;
}

/** Maps base pages where the kernel likes, if that is aligned as it happens. */
static bool map_by_luck(const struct room *room, char **body) {
  void *const base = mmap(NULL, room->size, ACCESS, PLAIN, -1, 0);
  if (base == MAP_FAILED)
    return false;
  *body = base;
  if (((uintptr_t)base & (room->alignment - 1)) == 0)
    return true;
  (void)munmap(base, room->size);
  return false;
}

/** Maps base pages at the alignment of `room`. */
static bool map_base(const struct aml_area_linux *self, const struct room *room, bool is_exact,
                     char **body, struct aml_internal_linux_trouble *trouble) {
  // Accessible memory counts as taken, be it for an instant, and a system may not have as much.
  if (room->guard != 0 || (!is_exact && room->alignment > LARGE_ALIGNMENT))
    return map_reserved(self, room, is_exact, body, trouble);
  if (is_exact) {
    *body = room->hint;
    return aml_internal_linux_map_at(self, room->hint, room->size, false, trouble);
  }
  // From Linux 6.7 on, what is a multiple of a huge page is aligned to it unasked.
  if (room->alignment == self->huge_page_size && room->hint == NULL &&
      (room->size & (room->alignment - 1)) == 0 && map_by_luck(room, body))
    return true;
  return map_room(self, room, ACCESS, 0, body, trouble);
}

/** Maps base pages, aligned to huge ones where that is worth it and there is room. */
static bool map_for_huge(const struct aml_area_linux *self, struct room room, bool is_exact,
                         char **body, struct aml_internal_linux_trouble *trouble) {
  const size_t asked = room.alignment;
  const bool is_large = self->huge_page_size != 0 && room.size >= self->huge_page_size;
  if (is_exact || !is_large || asked >= self->huge_page_size)
    return map_base(self, &room, is_exact, body, trouble);
  room.alignment = self->huge_page_size;
  if (map_base(self, &room, false, body, trouble))
    return true;
  room.alignment = asked;
  return trouble->number == ENOMEM && map_base(self, &room, false, body, trouble);
}

bool aml_internal_linux_map(struct aml_area_linux *self, size_t size,
                            const struct aml_area_map_options *options, void **pointer,
                            struct aml_internal_linux_trouble *trouble) {
  const bool is_exact = (options->flags & AML_AREA_MAP_EXACT) != 0;
  const size_t alignment =
      options->alignment < self->granularity ? self->granularity : options->alignment;
  const struct room room = {
      .hint = options->hint, .size = size, .guard = self->guard_size, .alignment = alignment};
  struct aml_internal_linux_part part = {
      .size = size,
      .whole_size = size,
      .is_populated = (options->flags & AML_AREA_MAP_POPULATE) != 0,
  };
  part.is_pool =
      aml_internal_linux_has_pool(self) && map_pool(self, &room, is_exact, &part.base, trouble);
  if (!part.is_pool) {
    if (aml_internal_linux_has_pool(self) && (self->wishes & AML_AREA_GRANT_HUGE_POOL) == 0)
      return false;
    part.is_advised = room.hint == NULL && room.guard == 0 &&
                      room.alignment <= self->huge_page_size &&
                      aml_internal_linux_map_piece(self, size, &part.base);
    if (!part.is_advised && !map_for_huge(self, room, is_exact, &part.base, trouble))
      return false;
  }
  if (!aml_internal_linux_prepare(self, &part, trouble)) {
    (void)munmap(part.base - room.guard, size + 2 * room.guard);
    return false;
  }
  *pointer = part.base;
  return true;
}

bool aml_internal_linux_unmap(const struct aml_area_linux *self, void *pointer, size_t size,
                              struct aml_internal_linux_trouble *trouble) {
  const size_t guard = self->guard_size;
  return munmap((char *)pointer - guard, size + 2 * guard) == 0 || fail(trouble, "munmap", errno);
}
