// SPDX-License-Identifier: BSD-3-Clause
//
// The kernel keeps the account: a mapping is what mmap made, a policy is a property of its
// addresses, and all calls are one system call each where they can be. Alignment above a page is
// had by mapping too much and giving back what lies before and behind.
//
// mmap(2), mremap(2), madvise(2).

#include "aml/area/linux.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aml/area/internal/huge_pages.h"
#include "aml/area/internal/numa.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { MAX_ALIGNMENT = 1 << 30 };

static const unsigned CAPABILITIES = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE |
                                     AML_AREA_ZEROED | AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE |
                                     AML_AREA_CAN_MOVE | AML_AREA_CAN_RESIZE | AML_AREA_CAN_PURGE;

static struct aml_area_linux *self_of(struct aml_area *area) {
  return (struct aml_area_linux *)area;
}

static void *align_down(void *pointer, size_t alignment) {
  return (char *)pointer - ((uintptr_t)pointer & (alignment - 1));
}

/** Checks that a pointer can be what map returned. */
static int check_start(const struct aml_area_linux *self, const char *call, const void *pointer) {
  if (((uintptr_t)pointer & (self->page_size - 1)) != 0)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is not the start of a page");
  return 0;
}

/** Widens a range to whole pages; refuses one that wraps. */
static int widen(const struct aml_area_linux *self, const char *call, void **pointer,
                 size_t *size) {
  char *const start = align_down(*pointer, self->page_size);
  size_t end;
  if (!aml_checked_add((uintptr_t)*pointer, *size, &end) ||
      !aml_checked_round_up(end, self->page_size, &end))
    return aml_error_set(-AML_EINVAL, call, "size", "reaches past the range of addresses");
  *pointer = start;
  *size = end - (uintptr_t)start;
  return 0;
}

static unsigned capabilities(const struct aml_area *area) {
  (void)area;
  return CAPABILITIES;
}

/** Maps `size` bytes at a multiple of `alignment`, which is more than a page. */
static int map_aligned(void *hint, size_t size, size_t alignment, size_t page_size,
                       void **pointer) {
  size_t total;
  if (!aml_checked_add(size, alignment - page_size, &total))
    return aml_error_set(-AML_ENOMEM, "aml_area_map", "size",
                         "is larger than the range of addresses");
  char *const base = mmap(hint, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return aml_error_set_system("aml_area_map", "mmap", errno);
  const size_t before = (size_t)(0 - (uintptr_t)base) & (alignment - 1);
  const size_t behind = total - before - size;
  // What is given back may be another thread's at once, so it is never touched again.
  char *rest = base;
  size_t rest_size = total;
  int failed = before == 0 ? 0 : munmap(base, before);
  if (!failed) {
    rest += before;
    rest_size -= before;
    failed = behind == 0 ? 0 : munmap(rest + size, behind);
  }
  if (failed) {
    const int number = errno;
    (void)munmap(rest, rest_size);
    return aml_error_set_system("aml_area_map", "munmap", number);
  }
  *pointer = base + before;
  return 0;
}

/** Maps `size` bytes at the hint or not at all. */
static int map_exact(void *hint, size_t size, void **pointer) {
  void *const base = mmap(hint, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (base == MAP_FAILED)
    return aml_error_set_system("aml_area_map", "mmap at the hint", errno);
  if (base != hint) {
    // A kernel before 4.17, to which the flag means nothing.
    (void)munmap(base, size);
    return aml_error_set_system("aml_area_map", "mmap at the hint", EEXIST);
  }
  *pointer = base;
  return 0;
}

/** Maps `size` bytes, a multiple of the page, as options say. */
static int reserve(const struct aml_area_linux *self, size_t size,
                   const struct aml_area_map_options *options, void **pointer) {
  static const char call[] = "aml_area_map";
  size_t alignment = options->alignment;
  if (alignment > MAX_ALIGNMENT)
    return aml_error_set_value(-AML_EINVAL, call, "alignment", alignment, "is more than 1 GiB");
  if (alignment < self->page_size)
    alignment = self->page_size;
  if ((options->flags & AML_AREA_MAP_EXACT) != 0) {
    if (((uintptr_t)options->hint & (alignment - 1)) != 0)
      return aml_error_set(-AML_EINVAL, call, "hint", "is not aligned as AML_AREA_MAP_EXACT needs");
    return map_exact(options->hint, size, pointer);
  }
  if (size >= self->huge_page_size && alignment < self->huge_page_size)
    alignment = self->huge_page_size;
  if (alignment > self->page_size)
    return map_aligned(options->hint, size, alignment, self->page_size, pointer);
  void *const base =
      mmap(options->hint, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return aml_error_set_system(call, "mmap", errno);
  *pointer = base;
  return 0;
}

/** Makes every page of a fresh mapping present. */
static int populate(const struct aml_area_linux *self, char *base, size_t size) {
  if (madvise(base, size, MADV_POPULATE_WRITE) == 0)
    return 0;
  if (errno == EINVAL) {
    // A kernel before 5.14.
    for (size_t offset = 0; offset < size; offset += self->page_size)
      *(volatile char *)(base + offset) = 0;
    return 0;
  }
  return aml_error_set_system("aml_area_map", "madvise(MADV_POPULATE_WRITE)",
                              errno == EFAULT ? ENOMEM : errno);
}

/** Tells the kernel what it should know before the first page is touched. */
static int prepare(const struct aml_area_linux *self, char *base, size_t size, unsigned flags) {
  static const char call[] = "aml_area_map";
  if (self->policy != AML_POLICY_DEFAULT) {
    const int err =
        aml_internal_numa_bind(call, base, size, self->policy, &self->devices, self->bind_flags);
    if (err)
      return err;
  }
  if (self->huge_pages != AML_AREA_LINUX_HUGE_DEFAULT) {
    const bool wanted = self->huge_pages == AML_AREA_LINUX_HUGE_TRANSPARENT;
    // EINVAL: a kernel without huge pages, as `granted` tells.
    if (madvise(base, size, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0 && errno != EINVAL)
      return aml_error_set_system(call, "madvise", errno);
  }
  return (flags & AML_AREA_MAP_POPULATE) != 0 ? populate(self, base, size) : 0;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  const struct aml_area_linux *const self = self_of(area);
  void *base = NULL;
  if (!aml_checked_round_up(size, self->page_size, &size))
    return aml_error_set(-AML_ENOMEM, "aml_area_map", "size",
                         "is larger than the range of addresses");
  int err = reserve(self, size, options, &base);
  if (err)
    return err;
  err = prepare(self, base, size, options->flags);
  if (err) {
    (void)munmap(base, size);
    return err;
  }
  *pointer = base;
  return 0;
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  const struct aml_area_linux *const self = self_of(area);
  int err = check_start(self, call, pointer);
  if (!err)
    err = widen(self, call, &pointer, &size);
  if (err)
    return err;
  return munmap(pointer, size) == 0 ? 0 : aml_error_set_system(call, "munmap", errno);
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *result) {
  const struct aml_area_linux *const self = self_of(area);
  enum aml_policy policy = self->policy;
  struct aml_nodeset devices = self->devices;
  // Where the kernel does not tell, it has taken no policy either but the area's own.
  if (pointer != NULL &&
      aml_internal_numa_get_policy("aml_area_get_info", pointer, &policy, &devices) == -AML_EINVAL)
    return -AML_EINVAL;
  *result = (struct aml_area_info){
      .type = aml_area_linux_ops.name,
      .capabilities = CAPABILITIES,
      .granularity = self->page_size,
      .max_alignment = MAX_ALIGNMENT,
      .page_size = self->page_size,
      .size = AML_UNKNOWN,
      .granted = self->granted,
      .policy = policy,
      .devices = devices,
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  return 0;
}

static int bind_range(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
                      const struct aml_nodeset *devices, unsigned flags) {
  static const char call[] = "aml_area_bind";
  int err = widen(self_of(area), call, &pointer, &size);
  // The kernel itself refuses a single device that does not exist.
  if (!err && policy > AML_POLICY_LOCAL && aml_nodeset_count(devices) > 1)
    err = aml_internal_numa_check_devices(call, devices);
  return err ? err : aml_internal_numa_bind(call, pointer, size, policy, devices, flags);
}

static int locate(struct aml_area *area, size_t count, void *const pointers[], int devices[]) {
  (void)area;
  return aml_internal_numa_locate(count, pointers, devices);
}

static int move(struct aml_area *area, size_t count, void *const pointers[], const int devices[],
                int results[]) {
  (void)area;
  return aml_internal_numa_move(count, pointers, devices, results);
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  const struct aml_area_linux *const self = self_of(area);
  int err = check_start(self, call, pointer);
  if (!err)
    err = widen(self, call, &pointer, &old_size);
  if (err)
    return err;
  if (!aml_checked_round_up(new_size, self->page_size, &new_size))
    return aml_error_set(-AML_ENOMEM, call, "new_size", "is larger than the range of addresses");
  void *const moved = mremap(pointer, old_size, new_size,
                             (flags & AML_AREA_RESIZE_MAY_MOVE) != 0 ? MREMAP_MAYMOVE : 0);
  if (moved != MAP_FAILED) {
    *new_pointer = moved;
    return 0;
  }
  // What newer kernels say of more than the address space; the rest of our arguments is valid.
  if (errno == EINVAL && new_size > old_size)
    return aml_error_set_system(call, "mremap", ENOMEM);
  if (errno == EFAULT)
    return aml_error_set(-AML_EINVAL, call, "pointer",
                         "is no mapping of that size, or one that was bound in pieces");
  return aml_error_set_system(call, "mremap", errno);
}

static int purge(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_purge";
  const size_t page_size = self_of(area)->page_size;
  size_t start;
  size_t end;
  if (!aml_checked_add((uintptr_t)pointer, size, &end))
    return aml_error_set(-AML_EINVAL, call, "size", "reaches past the range of addresses");
  end &= ~(page_size - 1);
  if (!aml_checked_round_up((uintptr_t)pointer, page_size, &start) || start >= end)
    return 0;
  if (madvise((char *)pointer + (start - (uintptr_t)pointer), end - start, MADV_DONTNEED) == 0)
    return 0;
  if (errno == ENOMEM)
    return aml_error_set(-AML_EINVAL, call, "pointer", "and size span addresses without a mapping");
  return aml_error_set_system(call, "madvise(MADV_DONTNEED)", errno);
}

static void fini(struct aml_area *area) {
  *self_of(area) = (struct aml_area_linux){.area = {.ops = &aml_area_linux_ops}};
}

const struct aml_area_ops aml_area_linux_ops = {
    .name = "linux",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .bind = bind_range,
    .locate = locate,
    .move = move,
    .resize = resize,
    .purge = purge,
};

static int refuse_init(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, "aml_area_linux_init", argument, reason);
}

static int check_options(const struct aml_area_linux_options *options) {
  static const unsigned known_flags = AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT;
  const size_t device_count = aml_nodeset_count(&options->devices);
  if ((unsigned)options->huge_pages > AML_AREA_LINUX_HUGE_TRANSPARENT)
    return refuse_init("huge_pages", "is no kind of huge pages");
  if ((options->bind_flags & ~known_flags) != 0)
    return refuse_init("bind_flags", "has an unknown bit");
  switch (options->policy) {
  case AML_POLICY_DEFAULT:
  case AML_POLICY_LOCAL:
    return device_count == 0 ? 0
                             : refuse_init("devices", "is not empty, and the policy takes none");
  case AML_POLICY_PREFERRED:
    if (device_count != 1)
      return refuse_init("devices", "must be exactly one for AML_POLICY_PREFERRED");
    break;
  case AML_POLICY_BIND:
  case AML_POLICY_PREFERRED_MANY:
  case AML_POLICY_INTERLEAVE:
  case AML_POLICY_WEIGHTED_INTERLEAVE:
    if (device_count == 0)
      return refuse_init("devices", "is empty, and the policy needs some");
    break;
  default:
    return refuse_init("policy", "is no policy");
  }
  return aml_internal_numa_check_devices("aml_area_linux_init", &options->devices);
}

/** Finds out what of huge pages mappings will get. */
static void find_huge_pages(struct aml_area_linux *self) {
  const bool asked = self->huge_pages == AML_AREA_LINUX_HUGE_TRANSPARENT;
  if (self->huge_pages == AML_AREA_LINUX_HUGE_NONE || !aml_internal_huge_pages_are_used(asked))
    return;
  self->granted = AML_AREA_GRANT_HUGE_TRANSPARENT;
  const size_t size = asked ? aml_internal_huge_page_size() : 0;
  if (size <= MAX_ALIGNMENT)
    self->huge_page_size = size;
}

int aml_area_linux_init(struct aml_area *area, const struct aml_area_linux_options *options) {
  static const struct aml_area_linux_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (area == NULL || area->ops != &aml_area_linux_ops)
    return refuse_init("area", "is null, or was not declared by AML_AREA_LINUX_DECL");
  const int err = check_options(options);
  if (err)
    return err;
  struct aml_area_linux made = {
      .area = {.ops = &aml_area_linux_ops},
      .policy = options->policy,
      .huge_pages = options->huge_pages,
      .bind_flags = options->bind_flags,
      .page_size = (size_t)sysconf(_SC_PAGESIZE),
      .devices = options->devices,
  };
  find_huge_pages(&made);
  *self_of(area) = made;
  return 0;
}

int aml_area_linux_create(struct aml_area **area, const struct aml_area_linux_options *options) {
  struct aml_area *const made = aml_block_create(
      "aml_area_linux_create", "area", area, sizeof(struct aml_area_linux), &aml_area_linux_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_linux_init(made, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}
