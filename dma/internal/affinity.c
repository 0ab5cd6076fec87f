// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/affinity.h"

#include <sched.h>
#include <stdint.h>

#include "aml/core/error.h"

/** A set of CPUs as the system has it, for as many as there may be. */
struct mask {
  cpu_set_t sets[AML_CPUSET_CAPACITY / CPU_SETSIZE];
};

int aml_internal_affinity_check(const struct aml_internal_affinity *affinity, const char *call) {
  if ((affinity->cpus == NULL) != (affinity->cpu_count == 0))
    return aml_error_set(-AML_EINVAL, call, "cpus",
                         "is null where cpu_count is not 0, or the other way round");
  for (size_t i = 0; i < affinity->cpu_count; ++i)
    if (affinity->cpus[i] < 0 || affinity->cpus[i] >= AML_CPUSET_CAPACITY)
      return aml_error_set_value(-AML_EINVAL, call, "cpus", i, "is no CPU's number");
  if (affinity->cpu_set == NULL)
    return 0;
  if (affinity->cpus != NULL)
    return aml_error_set(-AML_EINVAL, call, "cpu_set", "is given, and so are cpus");
  if (aml_cpuset_is_empty(affinity->cpu_set))
    return aml_error_set(-AML_EINVAL, call, "cpu_set", "is empty");
  return 0;
}

/** How many CPUs the calling thread may run on; 1 if the system does not tell. */
static size_t count_own(void) {
  struct mask own;
  if (sched_getaffinity(0, sizeof own, own.sets) != 0)
    return 1;
  return (size_t)CPU_COUNT_S(sizeof own, own.sets);
}

size_t aml_internal_affinity_thread_count(const struct aml_internal_affinity *affinity) {
  if (affinity->cpus != NULL)
    return affinity->cpu_count;
  const size_t count =
      affinity->cpu_set == NULL ? count_own() : aml_cpuset_count(affinity->cpu_set);
  return count < 2 ? 1 : count - 1;
}

const struct aml_cpuset *aml_internal_affinity_cpus(const struct aml_internal_affinity *affinity,
                                                    struct aml_cpuset *storage) {
  if (affinity->cpus == NULL)
    return affinity->cpu_set;
  *storage = (struct aml_cpuset){{0}};
  for (size_t i = 0; i < affinity->cpu_count; ++i)
    (void)aml_cpuset_add(storage, affinity->cpus[i]);
  return storage;
}

int aml_internal_affinity_set(const struct aml_internal_affinity *affinity, size_t index,
                              pthread_attr_t *attributes) {
  struct mask mask;
  const struct aml_cpuset one =
      aml_cpuset_of(affinity->cpus == NULL ? -1 : affinity->cpus[index % affinity->cpu_count]);
  const struct aml_cpuset *const set = affinity->cpu_set != NULL ? affinity->cpu_set : &one;
  if (aml_cpuset_is_empty(set))
    return 0;
  CPU_ZERO_S(sizeof mask, mask.sets);
  for (int cpu = aml_cpuset_next(set, -1); cpu >= 0; cpu = aml_cpuset_next(set, cpu))
    CPU_SET_S((size_t)cpu, sizeof mask, mask.sets);
  return pthread_attr_setaffinity_np(attributes, sizeof mask, mask.sets);
}
