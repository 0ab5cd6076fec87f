// SPDX-License-Identifier: BSD-3-Clause
//
// The kernel keeps the account: a mapping is what mmap made, a policy is a property of its
// addresses, and what a mapping got is read from the kernel where a wish leaves that open. How
// mappings are made is in internal/linux_mapping.c, what the kernel is told of them in
// linux_prepare.c, how they grow and shrink in linux_resize.c.

#include "aml/area/linux.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aml/area/internal/numa.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/internal/smaps.h"
#include "area/internal/linux_mapping.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static const unsigned CAPABILITIES = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE |
                                     AML_AREA_ZEROED | AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE |
                                     AML_AREA_CAN_MOVE | AML_AREA_CAN_RESIZE | AML_AREA_CAN_PURGE;

static struct aml_area_linux *self_of(struct aml_area *area) {
  return (struct aml_area_linux *)area;
}

static void *align_down(void *pointer, size_t alignment) {
  return (char *)pointer - ((uintptr_t)pointer & (alignment - 1));
}

static int refuse_declared(const char *call) {
  return aml_error_set(-AML_EINVAL, call, "area", "was not initialised");
}

static int refuse_large(const char *call, const char *argument) {
  return aml_error_set(-AML_ENOMEM, call, argument, "is larger than the range of addresses");
}

/** Checks that a pointer can be what map returned. */
static int check_start(const struct aml_area_linux *self, const char *call, const void *pointer) {
  if (self->page_size == 0)
    return refuse_declared(call);
  if (((uintptr_t)pointer & (self->granularity - 1)) != 0 || (uintptr_t)pointer <= self->guard_size)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is not the start of a page");
  return 0;
}

/** Widens a range to whole granules; refuses one that, with the guard behind it, wraps. */
static int widen(const char *call, size_t granule, size_t guard, void **pointer, size_t *size) {
  char *const start = align_down(*pointer, granule);
  size_t end;
  size_t behind;
  if (!aml_checked_add((uintptr_t)*pointer, *size, &end) ||
      !aml_checked_round_up(end, granule, &end) || !aml_checked_add(end, guard, &behind))
    return aml_error_set(-AML_EINVAL, call, "size", "reaches past the range of addresses");
  *pointer = start;
  *size = end - (uintptr_t)start;
  return 0;
}

static unsigned capabilities(const struct aml_area *area) {
  (void)area;
  return CAPABILITIES;
}

static size_t max_alignment(const struct aml_area_linux *self) {
  return self->granularity > AML_INTERNAL_LINUX_MAX_ALIGNMENT ? self->granularity
                                                              : AML_INTERNAL_LINUX_MAX_ALIGNMENT;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  struct aml_area_linux *const self = self_of(area);
  struct aml_internal_linux_trouble trouble;
  if (self->page_size == 0)
    return refuse_declared(call);
  if (options->alignment > max_alignment(self))
    return aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                               "is more than 1 GiB");
  const size_t alignment =
      options->alignment > self->granularity ? options->alignment : self->granularity;
  if ((options->flags & AML_AREA_MAP_EXACT) != 0 &&
      ((uintptr_t)options->hint & (alignment - 1)) != 0)
    return aml_error_set(-AML_EINVAL, call, "hint", "is not aligned as AML_AREA_MAP_EXACT needs");
  if (!aml_checked_round_up(size, self->granularity, &size))
    return refuse_large(call, "size");
  if (aml_internal_linux_map(self, size, options, pointer, &trouble))
    return 0;
  return aml_internal_linux_refuse(self, call, &trouble);
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  const struct aml_area_linux *const self = self_of(area);
  struct aml_internal_linux_trouble trouble;
  int err = check_start(self, call, pointer);
  if (!err)
    err = widen(call, self->granularity, self->guard_size, &pointer, &size);
  if (err || aml_internal_linux_unmap(self, pointer, size, &trouble))
    return err;
  return aml_internal_linux_refuse(self, call, &trouble);
}

/** What the kernel says that a mapping got; whether populated, of all that it takes for one. */
static unsigned reported(const struct aml_area_linux *self,
                         const struct aml_internal_smaps_entry *mapping) {
  const unsigned flags = mapping->flags;
  const bool is_pool = (flags & AML_INTERNAL_SMAPS_POOL) != 0;
  // Where no mapping is advised, huge pages are used unasked, or not at all.
  const bool may_be_huge =
      self->huge_page_size != 0 && (flags & AML_INTERNAL_SMAPS_NO_HUGE) == 0 &&
      (self->advised_size == SIZE_MAX || (flags & AML_INTERNAL_SMAPS_HUGE) != 0);
  unsigned granted = 0;
  granted |= is_pool ? AML_AREA_GRANT_HUGE_POOL : 0;
  granted |= !is_pool && may_be_huge ? AML_AREA_GRANT_HUGE_TRANSPARENT : 0;
  granted |= mapping->resident_size == mapping->end - mapping->start ? AML_AREA_GRANT_POPULATED : 0;
  granted |= is_pool || (flags & AML_INTERNAL_SMAPS_LOCKED) != 0 ? AML_AREA_GRANT_LOCKED : 0;
  granted |= (flags & AML_INTERNAL_SMAPS_NO_DUMP) != 0 ? AML_AREA_GRANT_NO_DUMP : 0;
  granted |= (flags & AML_INTERNAL_SMAPS_MERGEABLE) == 0 ? AML_AREA_GRANT_NO_MERGE : 0;
  return granted;
}

/** Completes info by what the kernel says of a mapping. */
static int describe(const struct aml_area_linux *self, const void *pointer,
                    struct aml_area_info *result) {
  // Guards are had always.
  const unsigned open = self->wishes & self->granted & ~(unsigned)AML_AREA_GRANT_GUARDED;
  struct aml_internal_smaps_entry mapping;
  enum aml_policy policy = AML_POLICY_DEFAULT;
  struct aml_nodeset devices = {{0}};
  const int err = aml_internal_numa_get_policy("aml_area_get_info", pointer, &policy, &devices);
  if (err == -AML_EINVAL)
    return err;
  // Where the kernel does not tell, it has taken no policy either but the area's own, if that.
  if (!err || (open & AML_AREA_GRANT_POLICY) != 0) {
    result->policy = policy;
    result->devices = devices;
  }
  if (open == 0)
    return 0;
  result->granted &= ~open;
  if (policy == self->policy && aml_nodeset_is_equal(&devices, &self->devices))
    result->granted |= open & AML_AREA_GRANT_POLICY;
  if (!aml_internal_smaps_find(pointer, &mapping))
    return 0;
  const unsigned seen = reported(self, &mapping);
  result->granted |= seen & open;
  if ((open & AML_AREA_GRANT_HUGE_POOL) != 0) {
    result->granted |= seen & AML_AREA_GRANT_HUGE_TRANSPARENT;
    result->page_size = mapping.page_size != 0 ? mapping.page_size : self->page_size;
  }
  return 0;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *result) {
  const struct aml_area_linux *const self = self_of(area);
  struct aml_area_info made = {
      .type = aml_area_linux_ops.name,
      .capabilities = CAPABILITIES,
      .granularity = self->granularity,
      .max_alignment = max_alignment(self),
      .page_size = self->granularity,
      .size = AML_UNKNOWN,
      .granted = self->granted,
      .policy = self->policy,
      .devices = self->devices,
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  const int err = pointer == NULL ? 0 : describe(self, pointer, &made);
  if (!err)
    *result = made;
  return err;
}

static int bind_range(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
                      const struct aml_nodeset *devices, unsigned flags) {
  static const char call[] = "aml_area_bind";
  const struct aml_area_linux *const self = self_of(area);
  if (self->page_size == 0)
    return refuse_declared(call);
  int err = widen(call, self->page_size, 0, &pointer, &size);
  // The kernel itself refuses a single device that does not exist.
  if (!err && policy > AML_POLICY_LOCAL && aml_nodeset_count(devices) > 1)
    err = aml_internal_numa_check_devices(call, devices);
  if (err)
    return err;
  int number = aml_internal_numa_try_bind(pointer, size, policy, devices, flags);
  // A mapping that did not come from its pool can be bound by pages, one that did cannot.
  if (number == EINVAL && self->granularity != self->page_size) {
    err = widen(call, self->granularity, 0, &pointer, &size);
    if (err)
      return err;
    number = aml_internal_numa_try_bind(pointer, size, policy, devices, flags);
  }
  return number == 0 ? 0 : aml_internal_numa_refuse_bind(call, number, policy, devices);
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
  struct aml_area_linux *const self = self_of(area);
  struct aml_internal_linux_trouble trouble;
  int err = check_start(self, call, pointer);
  if (!err)
    err = widen(call, self->granularity, self->guard_size, &pointer, &old_size);
  if (err)
    return err;
  if (!aml_checked_round_up(new_size, self->granularity, &new_size))
    return refuse_large(call, "new_size");
  if (aml_internal_linux_resize(self, pointer, old_size, new_size, flags, new_pointer, &trouble))
    return 0;
  if (trouble.number == EFAULT)
    return aml_error_set(-AML_EINVAL, call, "pointer",
                         "is no mapping of that size, or one that was bound in pieces");
  return aml_internal_linux_refuse(self, call, &trouble);
}

/** Says why pages could not be given back. */
static int refuse_purge(const struct aml_area_linux *self, bool is_locked, int number) {
  static const char call[] = "aml_area_purge";
  if (number == ENOMEM)
    return aml_error_set(-AML_EINVAL, call, "pointer", "and size span addresses without a mapping");
  if (number == EINVAL && (is_locked || self->granularity != self->page_size))
    return aml_error_set(-AML_ENOTSUP, call, "area",
                         "is locked or from a pool, which needs Linux 5.18 or later");
  return aml_error_set_system(call, "madvise(MADV_DONTNEED)", number);
}

static int purge(struct aml_area *area, void *pointer, size_t size) {
  const struct aml_area_linux *const self = self_of(area);
  const bool is_locked = (self->flags & (AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT)) != 0;
  size_t start;
  size_t end;
  if (self->page_size == 0)
    return refuse_declared("aml_area_purge");
  if (!aml_checked_add((uintptr_t)pointer, size, &end))
    return aml_error_set(-AML_EINVAL, "aml_area_purge", "size",
                         "reaches past the range of addresses");
  end &= ~(self->granularity - 1);
  if (!aml_checked_round_up((uintptr_t)pointer, self->granularity, &start) || start >= end)
    return 0;
  if (madvise((char *)pointer + (start - (uintptr_t)pointer), end - start,
              is_locked ? MADV_DONTNEED_LOCKED : MADV_DONTNEED) == 0)
    return 0;
  return refuse_purge(self, is_locked, errno);
}

static void fini(struct aml_area *area) {
  aml_internal_linux_end_reservation(self_of(area));
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

int aml_area_linux_init(struct aml_area *area, const struct aml_area_linux_options *options) {
  static const struct aml_area_linux_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (area == NULL || area->ops != &aml_area_linux_ops)
    return aml_error_set(-AML_EINVAL, "aml_area_linux_init", "area",
                         "is null, or was not declared by AML_AREA_LINUX_DECL");
  struct aml_area_linux made;
  const int err = aml_internal_linux_configure(options, &made);
  if (err)
    return err;
  made.area.ops = &aml_area_linux_ops;
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
