// SPDX-License-Identifier: BSD-3-Clause
//
// Where the threads of a dma run.

#ifndef AML_DMA_INTERNAL_AFFINITY_H
#define AML_DMA_INTERNAL_AFFINITY_H

#include <pthread.h>
#include <stddef.h>

#include "aml/core/cpuset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Thread i on CPU cpus[i % cpu_count] only, or each on any of a set, or anywhere. */
struct aml_internal_affinity {
  const int *cpus;
  size_t cpu_count;
  const struct aml_cpuset *cpu_set;
};

/** Refuses, on behalf of `call`, what says both, or is no CPU. */
int aml_internal_affinity_check(const struct aml_internal_affinity *affinity, const char *call);

/**
 * How many threads are right where nobody says: one for each of `cpus`; else one less than the CPUs
 * they may run on, as the one that waits copies too, and 1 at least.
 */
size_t aml_internal_affinity_thread_count(const struct aml_internal_affinity *affinity);

/** The CPUs that they run on: a set that may be in `storage`; null: anywhere. */
const struct aml_cpuset *aml_internal_affinity_cpus(const struct aml_internal_affinity *affinity,
                                                    struct aml_cpuset *storage);

/** Says in its attributes where thread `index` runs. Returns: 0, or a value of errno. */
int aml_internal_affinity_set(const struct aml_internal_affinity *affinity, size_t index,
                              pthread_attr_t *attributes);

#ifdef __cplusplus
}
#endif

#endif
