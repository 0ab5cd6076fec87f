// SPDX-License-Identifier: BSD-3-Clause
//
// What matmul shows: a progress bar while it works, and figures when it is done.

#ifndef MATMUL_REPORT_H
#define MATMUL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/examples/matmul/kernel.h"
#include "aml/examples/matmul/multiply.h"
#include "aml/examples/matmul/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Resident memory besides the tiles is at most this: the program and its libraries, the kernel's
 * packed panels, the scratchpads' bookkeeping.
 */
#define REPORT_CONSTANT_SIZE ((size_t)24 << 20)

/** A multiplication that was done. */
struct report {
  size_t m;
  size_t n;
  size_t k;
  size_t element_size;
  size_t budget;  /**< bytes for tiles */
  double seconds; /**< from the first byte read to the last one written */
  bool is_empty;  /**< there was nothing to multiply, so what follows is zeroed */
  struct plan plan;
  struct kernel kernel;
  struct multiply_stats stats;
};

/** A bar on standard error, if that is a terminal. */
struct progress {
  bool is_shown;
  int percent; /**< that the bar shows; -1: there is none */
};

/** Find out whether to show a bar. */
struct progress progress_start(void);

/** Show how much is done; for multiply_task::progress. `argument` is a struct progress. */
void progress_update(void *argument, uint64_t done, uint64_t total);

/** Take the bar away. */
void progress_end(struct progress *progress);

/** The most memory that was resident so far (VmHWM), in bytes; 0 if the system does not tell. */
size_t report_peak_memory(void);

/** Print the figures to standard output. */
void report_print(const struct report *report);

#ifdef __cplusplus
}
#endif

#endif
