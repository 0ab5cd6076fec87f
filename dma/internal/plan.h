// SPDX-License-Identifier: BSD-3-Clause
//
// A plan is what two tiles of equal extents come down to once dimensions of one element are gone,
// the rest is sorted by the destination's strides, and neighbours that run on in both tiles are
// one. Whoever runs it visits contiguous runs.

#ifndef AML_DMA_INTERNAL_PLAN_H
#define AML_DMA_INTERNAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A copy, reduced.
 *
 * Runs of `run_count` elements lie at every combination of the `ndims` dimensions, slowest first;
 * destination strides are positive and descend. ndims == 0 is one run.
 */
struct aml_internal_plan {
  char *dst;
  const char *src;
  size_t dst_element_size;
  size_t src_element_size;
  size_t run_count;
  size_t ndims;
  size_t extent[AML_MAX_DIMS];
  ptrdiff_t dst_stride[AML_MAX_DIMS];
  ptrdiff_t src_stride[AML_MAX_DIMS];
};

/**
 * Reduces two valid tiles of equal extents.
 *
 * @param kept  what the caller keeps between requests of one shape; null: nothing.
 */
void aml_internal_plan_make(const struct aml_tile *dst, const struct aml_tile *src,
                            struct aml_dma_plan *kept, struct aml_internal_plan *plan);

/** The bytes that a plan writes. */
size_t aml_internal_plan_size(const struct aml_internal_plan *plan);

/** Takes a dimension out. */
void aml_internal_plan_drop(struct aml_internal_plan *plan, size_t dimension);

/** The dimension that the source runs along while the destination runs along the last one. */
bool aml_internal_plan_find_transpose(const struct aml_internal_plan *plan, size_t *row);

/** In how many parts of `size` bytes at least, `most` of them, a plan can be cut; at least 1. */
size_t aml_internal_plan_parts(const struct aml_internal_plan *plan, size_t size, size_t most);

/** Tells the part `index` of `count`, which is what aml_internal_plan_parts() said. */
void aml_internal_plan_part(const struct aml_internal_plan *plan, size_t count, size_t index,
                            struct aml_internal_plan *part);

/** The byte of the destination in the middle of a plan. */
char *aml_internal_plan_middle(const struct aml_internal_plan *plan);

/**
 * Moves on to the next run of the outermost `ndims` dimensions.
 *
 * Returns: false after the last one; dst and src then are at the first one again.
 */
static inline bool aml_internal_plan_advance(const struct aml_internal_plan *plan, size_t ndims,
                                             size_t coords[], char **dst, const char **src) {
  for (size_t d = ndims; d-- > 0;) {
    *dst += plan->dst_stride[d];
    *src += plan->src_stride[d];
    if (++coords[d] < plan->extent[d])
      return true;
    *dst -= (ptrdiff_t)plan->extent[d] * plan->dst_stride[d];
    *src -= (ptrdiff_t)plan->extent[d] * plan->src_stride[d];
    coords[d] = 0;
  }
  return false;
}

#ifdef __cplusplus
}
#endif

#endif
