// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of probes share: the CPUs that this process has, and options that take a moment.

#ifndef AML_CORE_PROBE_TESTING_H
#define AML_CORE_PROBE_TESTING_H

#include <sched.h>

#include <cstddef>

#include "aml/core/cpuset.h"
#include "aml/core/probe.h"

inline aml_cpuset Affinity() {
  cpu_set_t set[AML_CPUSET_CAPACITY / CPU_SETSIZE] = {};
  aml_cpuset cpus = {};
  if (sched_getaffinity(0, sizeof set, set) == 0) {
    for (int cpu = 0; cpu < AML_CPUSET_CAPACITY; ++cpu)
      if (CPU_ISSET_S(static_cast<size_t>(cpu), sizeof set, set))
        aml_cpuset_add(&cpus, cpu);
  }
  return cpus;
}

// The first `count` of them, or all.
inline aml_cpuset SomeCpus(size_t count) {
  const aml_cpuset all = Affinity();
  aml_cpuset cpus = {};
  for (size_t i = 0; i < count; ++i)
    aml_cpuset_add(&cpus, aml_cpuset_at(&all, i));
  return cpus;
}

inline aml_probe_options Brief() {
  aml_probe_options options = {};
  options.repetitions = 2;
  options.time_ms = 1;
  options.size = size_t{1} << 20;
  return options;
}

#endif
