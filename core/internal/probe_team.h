// SPDX-License-Identifier: BSD-3-Clause
//
// Threads that measure together, each bound to a CPU of its own.
//
// Threads: thread-safe; a team is one thread's.

#ifndef AML_CORE_INTERNAL_PROBE_TEAM_H
#define AML_CORE_INTERNAL_PROBE_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

enum aml_internal_probe_kind {
  AML_INTERNAL_PROBE_READ = 0,
  AML_INTERNAL_PROBE_WRITE,
  AML_INTERNAL_PROBE_WRITE_NONTEMPORAL,
  AML_INTERNAL_PROBE_CHASE,
  AML_INTERNAL_PROBE_MAKE_CYCLE
};

/** What one thread does with a block of its own, and what came of it. */
struct aml_internal_probe_job {
  enum aml_internal_probe_kind kind;
  int cpu;
  char *block;      /**< of a chase: the line to start from */
  size_t size;      /**< a multiple of AML_INTERNAL_PROBE_GRAIN; of a chase: not read */
  size_t line_size; /**< for MAKE_CYCLE */
  uint64_t sum;     /**< of what was read, or the word to write; of a cycle: its seed */
  uint64_t count;   /**< bytes streamed, or pointers followed */
  uint64_t time_ns; /**< taken for it */
  int ran_on;       /**< the CPU on which it ended */
};

/**
 * Run jobs at once, and wait for them.
 *
 * Streams go on for `time_ns`; once over their block for 0. Beside a chase, which must be the first
 * job then, they go on until it is done, and it starts to count after a tenth of its time.
 *
 * Returns: 0; -AML_EINVAL: a CPU that is offline or not allowed; -AML_EAGAIN, -AML_ENOMEM.
 */
AML_MUST_CHECK int aml_internal_probe_run(const char *call, struct aml_internal_probe_job jobs[],
                                          size_t count, uint64_t time_ns);

#ifdef __cplusplus
}
#endif

#endif
