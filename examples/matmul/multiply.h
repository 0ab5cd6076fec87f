// SPDX-License-Identifier: BSD-3-Clause
//
// The multiplication itself, put together from AML's blocks:
//
//     file area   ---.                                 .--- tiling: cuts the matrix
//     (A, B or C)    |--- dma ---- scratchpad ---------|
//     fast area   ---'    moves    keeps tiles in slots'--- pull, multiply, release
//
// Each matrix is a datum in an area whose addresses are offsets in its file. Its scratchpad caches
// tiles of it in slots, which are memory of the fast area, in the order that the file has.

#ifndef MATMUL_MULTIPLY_H
#define MATMUL_MULTIPLY_H

#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/scratchpad.h"
#include "aml/examples/matmul/kernel.h"
#include "aml/examples/matmul/npy_file.h"
#include "aml/examples/matmul/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is to be multiplied, and how. Extents are not 0, and fit together. */
struct multiply_task {
  const struct npy_file *a;
  const struct npy_file *b;
  const struct npy_file *c;
  const struct plan *plan;
  const struct kernel *kernel;
  struct aml_area *fast; /**< where slots are */
  /** Called after each product of two tiles; may be null. */
  void (*progress)(void *argument, uint64_t done, uint64_t total);
  void *progress_argument;
};

/** What was done. */
struct multiply_stats {
  struct aml_scratchpad_stats a;
  struct aml_scratchpad_stats b;
  struct aml_scratchpad_stats c;
  uint64_t read_size;    /**< bytes read from files */
  uint64_t written_size; /**< bytes written to files */
  uint64_t calls;        /**< of the system, to move them */
  double kernel_seconds; /**< in products of tiles */
};

/** Multiply. Returns: 0; or a code of AML, and aml_error_detail() says why. */
AML_MUST_CHECK int multiply(const struct multiply_task *task, struct multiply_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
