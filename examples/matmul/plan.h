// SPDX-License-Identifier: BSD-3-Clause
//
// How large the tiles are, and how many of each matrix are kept in memory, so that the budget is
// kept and as few bytes as possible are moved.
//
// One tile of C is pinned while all products that it is the sum of are added up. The outer loop
// runs through the tile rows of C, or its tile columns; the two inner loops turn round at their
// ends (boustrophedon), so that the tiles that were used last are used first on the way back.
// With least-recently-used replacement each slot beyond the first then saves one transfer in each
// turn, and the number of transfers is known beforehand.
//
// Nothing here touches memory or files.

#ifndef MATMUL_PLAN_H
#define MATMUL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** C (m x n) = A (m x k) * B (k x n); no extent is 0. */
struct plan_problem {
  size_t m;
  size_t n;
  size_t k;
  size_t element_size;  /**< bytes */
  bool a_fortran_order; /**< of the file */
  bool b_fortran_order; /**< likewise */
  size_t granularity;   /**< bytes that the memory of each matrix's slots rounds up to */
};

struct plan {
  size_t tile_m;
  size_t tile_n;
  size_t tile_k;
  size_t a_slots;     /**< tiles of A in memory; of C there is always one */
  size_t b_slots;     /**< tiles of B in memory */
  bool columns_first; /**< the outer loop runs through the tile columns of C */
  size_t memory;      /**< bytes of all slots; at most the budget */
  uint64_t read_size; /**< bytes that will be read from the files of A and B */
};

/**
 * Plan a multiplication.
 *
 * @param budget  bytes that all slots together may have.
 * @param plan    the result.
 *
 * Returns: whether there is one; if not, the budget is too small for three tiles of the smallest
 * size, and `plan` is untouched.
 */
bool plan_make(const struct plan_problem *problem, size_t budget, struct plan *plan);

/** Bytes of the slots that a plan describes, as scratchpads will map them. */
size_t plan_memory(const struct plan_problem *problem, const struct plan *plan);

#ifdef __cplusplus
}
#endif

#endif
