// SPDX-License-Identifier: BSD-3-Clause
//
// See mbind(2), get_mempolicy(2) and move_pages(2); what those pages leave out is said below.

#include "aml/area/internal/numa.h"

#include <errno.h>
#include <limits.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "aml/core/error.h"

// A nodeset is handed to the kernel as it is.
_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "words of the kernel's node masks");

enum {
  // The kernel takes one off the number of bits that it is told.
  MASK_BITS = AML_NODESET_CAPACITY + 1,
  // Modes of the kernel that libnuma's header may not know yet.
  MODE_PREFERRED_MANY = 5,
  MODE_WEIGHTED_INTERLEAVE = 6,
  MODE_FLAGS = 1 << 15 | 1 << 14 | 1 << 13,
  // Pages a system call: moving has a fixed cost of some tens of pages.
  CHUNK = 1024,
  UNTRIED = INT_MIN,
};

static const int modes[] = {
    [AML_POLICY_DEFAULT] = MPOL_DEFAULT,
    [AML_POLICY_LOCAL] = MPOL_LOCAL,
    [AML_POLICY_BIND] = MPOL_BIND,
    [AML_POLICY_PREFERRED] = MPOL_PREFERRED,
    [AML_POLICY_PREFERRED_MANY] = MODE_PREFERRED_MANY,
    [AML_POLICY_INTERLEAVE] = MPOL_INTERLEAVE,
    [AML_POLICY_WEIGHTED_INTERLEAVE] = MODE_WEIGHTED_INTERLEAVE,
};

enum { MODE_COUNT = sizeof modes / sizeof modes[0] };

static bool takes_devices(enum aml_policy policy) {
  return policy != AML_POLICY_DEFAULT && policy != AML_POLICY_LOCAL;
}

/** Records that a system call failed, with what most likely is behind it. */
static int fail(const char *call, const char *plain, const char *forbidden, const char *lacking,
                int number) {
  const char *what = plain;
  if (number == EPERM || number == EACCES)
    what = forbidden;
  else if (number == ENOSYS)
    what = lacking;
  return aml_error_set_system(call, what, number);
}

#define FAIL(call, name, number)                                                                   \
  fail(call, name, name ", which containers often forbid", name ", which needs a NUMA kernel",     \
       number)

int aml_internal_numa_find_missing(const struct aml_nodeset *devices, int *missing) {
  struct aml_nodeset allowed = {{0}};
  if (get_mempolicy(NULL, (unsigned long *)allowed.words, MASK_BITS, NULL, MPOL_F_MEMS_ALLOWED))
    return errno;
  struct aml_nodeset rest = *devices;
  aml_nodeset_subtract(&rest, &allowed);
  *missing = aml_nodeset_next(&rest, -1);
  return 0;
}

static int refuse_device(const char *call, int device) {
  return aml_error_set_value(-AML_EINVAL, call, "device", (uint64_t)device,
                             "has no memory that this process may use");
}

int aml_internal_numa_check_devices(const char *call, const struct aml_nodeset *devices) {
  int missing = -1;
  const int number = aml_internal_numa_find_missing(devices, &missing);
  if (number != 0)
    return FAIL(call, "get_mempolicy", number);
  return missing < 0 ? 0 : refuse_device(call, missing);
}

/** Says that the kernel is too old for a policy, and which one it is. */
static int refuse_policy(const char *call, const char *need) {
  struct utsname system;
  char reason[sizeof system.release + 80];
  const bool is_known = uname(&system) == 0;
  (void)snprintf(reason, sizeof reason, "%s or later, and this is %s", need,
                 is_known ? system.release : "an unknown one");
  return aml_error_set(-AML_ENOTSUP, call, "policy", reason);
}

/** Says why the kernel holds arguments of mbind for invalid, which we know to be well-formed. */
static int explain_invalid(const char *call, enum aml_policy policy,
                           const struct aml_nodeset *devices) {
  int missing = -1;
  if (takes_devices(policy) && aml_internal_numa_find_missing(devices, &missing) == 0 &&
      missing >= 0)
    return refuse_device(call, missing);
  if (policy == AML_POLICY_PREFERRED_MANY)
    return refuse_policy(call, "PREFERRED_MANY needs Linux 5.15");
  if (policy == AML_POLICY_WEIGHTED_INTERLEAVE)
    return refuse_policy(call, "WEIGHTED_INTERLEAVE needs Linux 6.9");
  return FAIL(call, "mbind", EINVAL);
}

int aml_internal_numa_try_bind(void *start, size_t size, enum aml_policy policy,
                               const struct aml_nodeset *devices, unsigned flags) {
  const bool has_devices = takes_devices(policy);
  const unsigned kernel_flags =
      ((flags & AML_AREA_BIND_MOVE) != 0 ? (unsigned)MPOL_MF_MOVE : 0) |
      ((flags & AML_AREA_BIND_STRICT) != 0 ? (unsigned)MPOL_MF_STRICT : 0);
  return mbind(start, size, modes[policy],
               has_devices ? (const unsigned long *)devices->words : NULL,
               has_devices ? MASK_BITS : 0, kernel_flags) == 0
             ? 0
             : errno;
}

int aml_internal_numa_refuse_bind(const char *call, int number, enum aml_policy policy,
                                  const struct aml_nodeset *devices) {
  switch (number) {
  case EINVAL:
    return explain_invalid(call, policy, devices);
  case EFAULT:
    return aml_error_set(-AML_EINVAL, call, "pointer", "and size span addresses without a mapping");
  case EIO:
    return aml_error_set(-AML_EIO, call, NULL, "pages of the range are, or stay, elsewhere");
  default:
    return FAIL(call, "mbind", number);
  }
}

int aml_internal_numa_get_policy(const char *call, const void *pointer, enum aml_policy *policy,
                                 struct aml_nodeset *devices) {
  int mode;
  struct aml_nodeset nodes = {{0}};
  if (get_mempolicy(&mode, (unsigned long *)nodes.words, MASK_BITS, (void *)pointer, MPOL_F_ADDR))
    return errno == EFAULT
               ? aml_error_set(-AML_EINVAL, call, "pointer", "is an address without a mapping")
               : -AML_ENOTSUP;
  mode &= ~MODE_FLAGS;
  // Kernels before 5.14 call LOCAL a preference for no node.
  if (mode == MPOL_PREFERRED && aml_nodeset_is_empty(&nodes))
    mode = MPOL_LOCAL;
  for (int i = 0; i < MODE_COUNT; ++i) {
    if (modes[i] != mode)
      continue;
    *policy = (enum aml_policy)i;
    *devices = nodes;
    return 0;
  }
  return -AML_ENOTSUP;
}

/** What move_pages says of one page, as a device or a code of AML. */
static int device_of_status(int status) {
  if (status >= 0)
    return status;
  switch (-status) {
  case ENOENT:
  case EFAULT: // what kernels before 6.3 say of a page that was never touched
    return -AML_ENOENT;
  case ENOMEM:
    return -AML_ENOMEM;
  case EBUSY:
    return -AML_EBUSY;
  case EPERM:
  case EACCES: // another process maps the page too
    return -AML_EPERM;
  case EIO:
    return -AML_EIO;
  default:
    return -AML_ESYSTEM;
  }
}

static void store(size_t count, const int status[], int devices[]) {
  for (size_t i = 0; i < count; ++i)
    devices[i] = device_of_status(status[i]);
}

/** Asks where pages are; returns 0 or errno. */
static int query(size_t count, void *const pointers[], int status[]) {
  return move_pages(0, count, (void **)pointers, NULL, status, 0) < 0 ? errno : 0;
}

int aml_internal_numa_locate(size_t count, void *const pointers[], int devices[]) {
  int status[CHUNK];
  for (size_t first = 0; first < count; first += CHUNK) {
    const size_t length = count - first < CHUNK ? count - first : CHUNK;
    const int number = query(length, pointers + first, status);
    if (number != 0)
      return FAIL("aml_area_locate", "move_pages", number);
    store(length, status, devices + first);
  }
  return 0;
}

/**
 * Finds out what became of the pages at which move_pages stopped, from index `first` on; returns
 * the index to go on from.
 *
 * The kernel moves runs of pages with one destination, and stops at the first run of which it
 * cannot move everything. It then has told nothing about the pages of that run, moved or not, nor
 * about those behind it; a page that needed no move and ended the run may have its status.
 */
static size_t settle(size_t first, size_t count, void *const pointers[], const int devices[],
                     int status[], int failure) {
  while (first < count && status[first] != UNTRIED)
    ++first;
  size_t end = first;
  while (end < count && status[end] == UNTRIED && devices[end] == devices[first])
    ++end;
  if (end == first)
    return end;
  const int number = query(end - first, pointers + first, status + first);
  for (size_t i = first; i < end; ++i) {
    if (number != 0)
      status[i] = -number;
    else if (status[i] >= 0 && status[i] != devices[i])
      status[i] = -failure;
  }
  return end;
}

/** Moves at most CHUNK pages; returns 0 or errno. */
static int move_chunk(size_t count, void *const pointers[], const int devices[], int results[]) {
  int status[CHUNK];
  for (size_t i = 0; i < count; ++i)
    status[i] = UNTRIED;
  for (size_t first = 0; first < count;) {
    const long left = move_pages(0, count - first, (void **)pointers + first, devices + first,
                                 status + first, MPOL_MF_MOVE);
    if (left == 0)
      break;
    const int number = left > 0 ? EBUSY : errno;
    // ENOENT: there was nothing to move, in old kernels.
    if (number != EBUSY && number != ENOMEM && number != ENOENT)
      return number;
    first = settle(first, count, pointers, devices, status, number);
  }
  store(count, status, results);
  return 0;
}

int aml_internal_numa_move(size_t count, void *const pointers[], const int devices[],
                           int results[]) {
  static const char call[] = "aml_area_move";
  struct aml_nodeset destinations = {{0}};
  for (size_t i = 0; i < count; ++i)
    if (!aml_nodeset_add(&destinations, devices[i]))
      return aml_error_set(-AML_EINVAL, call, "devices", "has a number that is no device");
  const int err = aml_internal_numa_check_devices(call, &destinations);
  if (err)
    return err;
  for (size_t first = 0; first < count; first += CHUNK) {
    const size_t length = count - first < CHUNK ? count - first : CHUNK;
    const int number = move_chunk(length, pointers + first, devices + first, results + first);
    if (number != 0)
      return FAIL(call, "move_pages", number);
  }
  return 0;
}
