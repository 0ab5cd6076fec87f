// SPDX-License-Identifier: BSD-3-Clause
//
// Measures what firmware does not tell: bandwidth and latency between CPUs and a memory device.
//
//     struct aml_probe_result result;
//     if (aml_probe(&aml_devices_at(devices, 0)->near_cpus, 2, NULL, &result))
//       return fprintf(stderr, "%s\n", aml_error_detail()), 1;
//     const struct aml_device_performance figures = aml_probe_performance(&result);
//     int err = aml_devices_set_performance(devices, 0, 2, &figures);
//
// Method. A buffer on the device, in huge pages where the system has them, is written once. For
// bandwidth, one thread on each CPU goes over a part of it of its own, again and again, as STREAM's
// and likwid-bench's load and store kernels do: reading into several accumulators; writing by
// ordinary stores, for which caches read a line before they write it; and by non-temporal ones,
// which do without. Bytes are those that the program reads or writes. For latency, one thread on
// the first CPU follows pointers that lead over all cache lines of half the buffer in one random
// cycle, as lat_mem_rd of lmbench and Intel's Memory Latency Checker do: each load waits for the
// one before. Under load, the other CPUs stream over the other half meanwhile.
//
// Buffers smaller than the default measure caches, and pages of the base size measure the TLB too.
// What runs on the machine meanwhile counts: best is what the least disturbed repetition had.
//
// Threads: thread-safe; but probes that run at once measure each other.

#ifndef AML_CORE_PROBE_H
#define AML_CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device_facts.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As a target: wherever the memory policy of the calling thread puts memory. */
#define AML_PROBE_ANY (-1)

/** What is measured. */
enum aml_probe_measurement {
  AML_PROBE_READ = 1 << 0,
  AML_PROBE_WRITE = 1 << 1,
  AML_PROBE_NONTEMPORAL_WRITE = 1 << 2, /**< on x86-64 */
  AML_PROBE_LATENCY = 1 << 3,
  AML_PROBE_LOADED_LATENCY = 1 << 4 /**< if there are two CPUs at least */
};

/** What the other CPUs do while loaded latency is measured. */
enum aml_probe_load { AML_PROBE_LOAD_READ = 0, AML_PROBE_LOAD_WRITE };

/** How to measure; each field's zero is its default. */
struct aml_probe_options {
  unsigned measurements;    /**< bits of enum aml_probe_measurement; 0: all */
  unsigned threads;         /**< that stream, each on a CPU of its own, the first ones of the set;
                                 0: one on each CPU */
  unsigned load_threads;    /**< those under loaded latency, on the CPUs behind the first; 0: all */
  enum aml_probe_load load; /**< by ordinary stores, if to write */
  unsigned repetitions;     /**< of each measurement; 0: 3; at most AML_PROBE_MAX_REPETITIONS */
  unsigned time_ms;         /**< of each repetition, at least; 0: 100 */
  size_t size;              /**< of the buffer, rounded down to 4 KiB for each thread; 0: 64 MiB or
                                 more: 4 times the last-level caches of the CPUs together and 8
                                 times one of them; but half of what the device has to give */
  /** Called by the calling thread before each repetition; false: no more. Null: none. */
  bool (*progress)(unsigned done, unsigned total, void *context);
  void *context; /**< for `progress` */
};

enum { AML_PROBE_MAX_REPETITIONS = 1000 };

/** A figure of several repetitions; both are AML_UNKNOWN where it was not measured, and never 0. */
struct aml_probe_figure {
  uint64_t best;   /**< the largest bandwidth, the smallest latency */
  uint64_t median; /**< the worse one of the two in the middle */
};

/** What was measured. */
struct aml_probe_result {
  size_t size;                  /**< of the buffer that was used */
  size_t huge_size;             /**< of it, in transparent huge pages; 0 also if not told */
  unsigned threads;             /**< that streamed */
  enum aml_answer is_on_target; /**< YES: all pages were, as the kernel told or as there is but
                                     one node; UNKNOWN: bound, and not told, or AML_PROBE_ANY */
  struct aml_probe_figure read_bandwidth_mib_s;
  struct aml_probe_figure write_bandwidth_mib_s;             /**< by ordinary stores */
  struct aml_probe_figure nontemporal_write_bandwidth_mib_s; /**< by non-temporal ones */
  struct aml_probe_figure read_latency_ns;                   /**< of one load, all else idle */
  struct aml_probe_figure loaded_read_latency_ns;            /**< under load */
  struct aml_probe_figure load_bandwidth_mib_s;              /**< that the load itself had then */
};

/**
 * Measure bandwidth and latency between CPUs and a device.
 *
 * The affinity, signals and memory policy of the calling thread are left alone: what measures is
 * threads of its own, bound to one CPU each.
 *
 * @param cpus     not empty.
 * @param target   a device that is online and has memory for this process, or AML_PROBE_ANY.
 * @param options  null: the defaults.
 * @param result   untouched on failure.
 *
 * Returns: 0; -AML_EINVAL: null, an empty set, an option that is no such, more threads than CPUs,
 * less than 8 KiB for each, or a CPU that is offline or not allowed to this
 * process; -AML_ENODEV: no such device, or it is offline or has no memory; -AML_EPERM: the device
 * is not allowed to this process, or the system forbids binding, of which a machine with one device
 * has no need; -AML_ENOTSUP: the kernel lacks it; -AML_ENOMEM: no memory for the buffer, or more
 * asked for than the device has to give now; -AML_EAGAIN: no more threads, or pages left the
 * device; -AML_ECANCELED: by `progress`.
 * Cost: touches the buffer; measurements x repetitions x time, the buffer's preparation apart.
 */
AML_PUBLIC AML_MUST_CHECK int aml_probe(const struct aml_cpuset *cpus, int target,
                                        const struct aml_probe_options *options,
                                        struct aml_probe_result *result);

/**
 * Tell a result in the form in which aml_devices_set_performance() takes it: the medians.
 *
 * Writing is what non-temporal stores had, if they were measured, since that is what the memory
 * takes. Latency is idle latency. That of writing is unknown: no store waits for one.
 * Null: all unknown.
 */
AML_PUBLIC struct aml_device_performance
aml_probe_performance(const struct aml_probe_result *result);

#ifdef __cplusplus
}
#endif

#endif
