// SPDX-License-Identifier: BSD-3-Clause
//
// How a tile in a file and another tile are cut into pieces that one transfer each can move.

#ifndef AML_DMA_INTERNAL_FILE_PLAN_H
#define AML_DMA_INTERNAL_FILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/tile.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What limits the pieces. */
struct aml_internal_file_limits {
  size_t piece_size;    /**< bytes of the file that one spans; a multiple of 4096 */
  size_t sieve_percent; /**< bytes in 100 that must be wanted; above 100: no holes */
  size_t hole_size;     /**< bytes that one hole may have at most */
};

/**
 * A request, cut. In `copy` the destination is the file, whichever way the data goes: runs are
 * ordered by its offsets. Pieces are numbered by the outer `outer` dimensions, and then along what
 * is cut: the next dimension (`step` indices each), the run (at file offsets that `step` bytes
 * divide), or nothing.
 */
struct aml_internal_file_plan {
  struct aml_internal_plan copy;
  uint64_t offset; /**< in the file, of the first run */
  size_t outer;
  enum {
    AML_INTERNAL_FILE_CUT_NOTHING,
    AML_INTERNAL_FILE_CUT_DIMENSION,
    AML_INTERNAL_FILE_CUT_RUN
  } cut;
  size_t step;
  size_t chunks; /**< along what is cut */
  size_t count;  /**< pieces in all */
};

/** A piece: what lies from `offset` on in the file. */
struct aml_internal_file_piece {
  struct aml_internal_plan copy; /**< as in the plan */
  uint64_t offset;
  size_t span;   /**< bytes of the file, holes included; 0: there is nothing to do */
  bool is_dense; /**< no holes, and in the order of `copy` */
};

/**
 * Cuts a request.
 *
 * @param file    a valid tile; nothing at its addresses is touched.
 * @param offset  of file->base in the file.
 * @param other   a valid tile of the same extents and element size.
 * @param only_runs  pieces are parts of one run, which are contiguous in both tiles.
 */
void aml_internal_file_plan_make(const struct aml_tile *file, uint64_t offset,
                                 const struct aml_tile *other,
                                 const struct aml_internal_file_limits *limits, bool only_runs,
                                 struct aml_internal_file_plan *plan);

/** Tells piece `index`, below the plan's count. */
void aml_internal_file_plan_piece(const struct aml_internal_file_plan *plan, size_t index,
                                  struct aml_internal_file_piece *piece);

/** Copies a piece's elements from its memory to `buffer`, which is as its range of the file. */
void aml_internal_file_piece_gather(const struct aml_internal_copy_engine *engine,
                                    const struct aml_internal_file_piece *piece, char *buffer);

/** Copies them the other way. */
void aml_internal_file_piece_scatter(const struct aml_internal_copy_engine *engine,
                                     const struct aml_internal_file_piece *piece,
                                     const char *buffer, enum aml_dma_use use);

#ifdef __cplusplus
}
#endif

#endif
