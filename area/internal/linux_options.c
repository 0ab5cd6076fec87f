// SPDX-License-Identifier: BSD-3-Clause
//
// Options are checked as far as this can be done without a mapping.

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aml/area/internal/huge_pages.h"
#include "aml/area/internal/numa.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"
#include "area/internal/linux_mapping.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static int refuse_init(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, "aml_area_linux_init", argument, reason);
}

static int check_policy(const struct aml_area_linux_options *options) {
  const size_t device_count = aml_nodeset_count(&options->devices);
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
  int missing = -1;
  if ((options->wishes & AML_AREA_GRANT_POLICY) != 0 &&
      aml_internal_numa_find_missing(&options->devices, &missing) != 0)
    return 0;
  return aml_internal_numa_check_devices("aml_area_linux_init", &options->devices);
}

static int check_options(const struct aml_area_linux_options *options) {
  static const unsigned bind_flags = AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT;
  static const unsigned locks = AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT;
  if ((unsigned)options->huge_pages > AML_AREA_LINUX_HUGE_POOL)
    return refuse_init("huge_pages", "is no kind of huge pages");
  if ((options->bind_flags & ~bind_flags) != 0)
    return refuse_init("bind_flags", "has an unknown bit");
  if ((options->flags & ~((AML_AREA_LINUX_NO_MERGE << 1) - 1u)) != 0)
    return refuse_init("flags", "has an unknown bit");
  if ((options->flags & locks) == locks)
    return refuse_init("flags", "has both AML_AREA_LINUX_LOCK and LOCK_ON_FAULT");
  if ((options->wishes & ~((AML_AREA_GRANT_POLICY << 1) - 1u)) != 0)
    return refuse_init("wishes", "has an unknown bit");
  if (options->pool_page_size != 0 && options->huge_pages != AML_AREA_LINUX_HUGE_POOL)
    return refuse_init("pool_page_size", "is not 0, yet huge_pages is not of a pool");
  if (options->pool_page_size != 0 && !aml_is_power_of_two(options->pool_page_size))
    return refuse_init("pool_page_size", "is not a power of two");
  if (options->guard_size > SIZE_MAX / 8)
    return refuse_init("guard_size", "is larger than the range of addresses");
  return check_policy(options);
}

/** Finds the pool that mappings come from; none, if they may do without, leaves the default. */
static int find_pool(struct aml_area_linux *self, size_t page_size) {
  const size_t size = page_size != 0 ? page_size : aml_internal_huge_pool_default();
  if (size > self->page_size && aml_internal_huge_pool_exists(size)) {
    self->pool_flags = (int)(MAP_HUGETLB | (unsigned)__builtin_ctzll(size) << MAP_HUGE_SHIFT);
    self->granularity = size;
    self->granted |= AML_AREA_GRANT_HUGE_POOL;
    return 0;
  }
  if ((self->wishes & AML_AREA_GRANT_HUGE_POOL) == 0)
    return aml_error_set_value(-AML_ENOTSUP, "aml_area_linux_init", "pool_page_size", page_size,
                               "names no pool of huge pages that this system has");
  self->huge_pages = AML_AREA_LINUX_HUGE_DEFAULT;
  return 0;
}

/** Finds out what of transparent huge pages mappings will get. */
static int find_transparent(struct aml_area_linux *self) {
  const bool is_asked = self->huge_pages == AML_AREA_LINUX_HUGE_TRANSPARENT;
  self->advised_size = SIZE_MAX;
  if (self->huge_pages == AML_AREA_LINUX_HUGE_NONE)
    return 0;
  if (!aml_internal_huge_pages_are_used(true))
    return !is_asked || (self->wishes & AML_AREA_GRANT_HUGE_TRANSPARENT) != 0
               ? 0
               : aml_error_set(-AML_ENOTSUP, "aml_area_linux_init", "huge_pages",
                               "are to be transparent, which this system or process has off");
  const size_t size = aml_internal_huge_page_size();
  if (self->huge_pages != AML_AREA_LINUX_HUGE_POOL)
    self->granted |= AML_AREA_GRANT_HUGE_TRANSPARENT;
  if (size <= AML_INTERNAL_LINUX_MAX_ALIGNMENT)
    self->huge_page_size = size;
  if (is_asked)
    self->advised_size = 0;
  else if (!aml_internal_huge_pages_are_used(false) && size != 0)
    self->advised_size = size;
  return 0;
}

static unsigned grants_of(const struct aml_area_linux_options *options) {
  const unsigned flags = options->flags;
  unsigned granted = 0;
  granted |= options->policy != AML_POLICY_DEFAULT ? AML_AREA_GRANT_POLICY : 0;
  granted |= options->guard_size != 0 ? AML_AREA_GRANT_GUARDED : 0;
  granted |=
      (flags & (AML_AREA_LINUX_POPULATE | AML_AREA_LINUX_LOCK)) != 0 ? AML_AREA_GRANT_POPULATED : 0;
  granted |= (flags & (AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT)) != 0
                 ? AML_AREA_GRANT_LOCKED
                 : 0;
  granted |= (flags & AML_AREA_LINUX_NO_DUMP) != 0 ? AML_AREA_GRANT_NO_DUMP : 0;
  granted |= (flags & AML_AREA_LINUX_NO_MERGE) != 0 ? AML_AREA_GRANT_NO_MERGE : 0;
  return granted;
}

int aml_internal_linux_configure(const struct aml_area_linux_options *options,
                                 struct aml_area_linux *result) {
  int err = check_options(options);
  if (err)
    return err;
  struct aml_area_linux made = {
      .policy = options->policy,
      .huge_pages = options->huge_pages,
      .bind_flags = options->bind_flags,
      .flags = options->flags,
      .wishes = options->wishes,
      .granted = grants_of(options),
      .populate_threads = options->populate_threads,
      .page_size = (size_t)sysconf(_SC_PAGESIZE),
      .devices = options->devices,
  };
  made.granularity = made.page_size;
  if (made.huge_pages == AML_AREA_LINUX_HUGE_POOL)
    err = find_pool(&made, options->pool_page_size);
  if (!err)
    err = find_transparent(&made);
  if (err)
    return err;
  made.guard_size = (options->guard_size + made.granularity - 1) & ~(made.granularity - 1);
  *result = made;
  return 0;
}
