// SPDX-License-Identifier: BSD-3-Clause
//
// NUMA for areas of host memory: the system calls on memory policies and on where pages are, with
// their failures as codes and sentences of AML. Ranges are whole pages. Policies are given for
// ranges, never for the calling thread.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_NUMA_H
#define AML_AREA_INTERNAL_NUMA_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Check that this process may have memory from each device of a set.
 *
 * The kernel itself refuses a set only if it may use none of it, and else leaves out the rest
 * without a word; so a set of several devices must be checked before it is bound to.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOTSUP; -AML_EPERM.
 * Cost: one system call that touches no memory map.
 */
AML_MUST_CHECK int aml_internal_numa_check_devices(const char *call,
                                                   const struct aml_nodeset *devices);

/** The same without a record: 0 or errno, and the first device that is missing, or -1. */
int aml_internal_numa_find_missing(const struct aml_nodeset *devices, int *missing);

/**
 * Give a range of pages a policy; the kernel's mbind.
 *
 * @param devices  checked before if there are several; not read for policies that take none.
 * @param flags    bits of enum aml_area_bind_flag.
 *
 * Returns: 0 or errno, with nothing recorded.
 * Cost: one system call.
 */
int aml_internal_numa_try_bind(void *start, size_t size, enum aml_policy policy,
                               const struct aml_nodeset *devices, unsigned flags);

/** Records that the above failed; returns a code as aml_area_bind(). */
int aml_internal_numa_refuse_bind(const char *call, int number, enum aml_policy policy,
                                  const struct aml_nodeset *devices);

/**
 * Ask the kernel for the policy of the mapping around an address.
 *
 * Returns: 0; -AML_EINVAL: nothing is mapped there; -AML_ENOTSUP, with nothing recorded: the
 * kernel does not tell.
 */
AML_MUST_CHECK int aml_internal_numa_get_policy(const char *call, const void *pointer,
                                                enum aml_policy *policy,
                                                struct aml_nodeset *devices);

/** aml_area_locate() for memory of this process. */
AML_MUST_CHECK int aml_internal_numa_locate(size_t count, void *const pointers[], int devices[]);

/** aml_area_move() for memory of this process. */
AML_MUST_CHECK int aml_internal_numa_move(size_t count, void *const pointers[], const int devices[],
                                          int results[]);

#ifdef __cplusplus
}
#endif

#endif
