// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of probes share: the CPUs that this process has, and options that take a moment.

#ifndef AML_CORE_PROBE_TESTING_H
#define AML_CORE_PROBE_TESTING_H

#include <sched.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

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

// The folders of this process's threads, one of which may end meanwhile.
inline std::vector<std::string> Tasks() {
  std::vector<std::string> tasks;
  std::error_code gone;
  std::filesystem::directory_iterator task("/proc/self/task", gone);
  for (; !gone && task != std::filesystem::directory_iterator(); task.increment(gone))
    tasks.push_back(task->path());
  return tasks;
}

// How many threads there are once they are `expected`, or after a while, since the kernel still
// lists one for a moment after it was joined.
inline size_t TaskCount(size_t expected) {
  for (int wait = 0; wait < 1000 && Tasks().size() != expected; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return Tasks().size();
}

// How many there are when none of ours runs: a sanitizer may have one of its own.
inline size_t IdleTaskCount() {
  const size_t before = Tasks().size();
  std::thread([] {}).join();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return before == TaskCount(before) ? before : Tasks().size();
}

inline aml_probe_options Brief() {
  aml_probe_options options = {};
  options.repetitions = 2;
  options.time_ms = 1;
  options.size = size_t{1} << 20;
  return options;
}

#endif
