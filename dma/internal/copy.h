// SPDX-License-Identifier: BSD-3-Clause
//
// The copy engine of all host dmas. A plan is what two tiles of equal extents come down to once
// dimensions of one element are gone, the rest is sorted by the destination's strides, and
// neighbours that run on in both tiles are one. Running it visits contiguous runs.

#ifndef AML_DMA_INTERNAL_COPY_H
#define AML_DMA_INTERNAL_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A copy, reduced.
 *
 * Runs of `run_count` elements lie at every combination of the `ndims` dimensions, slowest first;
 * destination strides are positive and descend. ndims == 0 is one run.
 */
struct aml_internal_copy_plan {
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

/** Bytes from which on copies go past the caches if their destination is streamed out. */
enum { AML_INTERNAL_MIN_STREAM_SIZE = 4096 };

/** How copies are done: the loops that this CPU has, and when they bypass the caches. */
struct aml_internal_copy_engine {
  const struct aml_internal_kernels *kernels;
  size_t stream_size; /**< bytes from which on copies of unknown use do; SIZE_MAX: never */
};

/**
 * Chooses kernels and a size.
 *
 * @param call         the public function on whose behalf that is done.
 * @param kernels      null: the best ones that this CPU has.
 * @param stream_size  0: half of the largest cache of this machine.
 *
 * Returns: 0; -AML_ENOTSUP, with a sentence on `kernels`.
 */
int aml_internal_copy_engine_init(struct aml_internal_copy_engine *engine, const char *call,
                                  const char *kernels, size_t stream_size);

/** Reduces two valid tiles of equal extents. */
void aml_internal_copy_make_plan(const struct aml_tile *dst, const struct aml_tile *src,
                                 struct aml_internal_copy_plan *plan);

/**
 * Copies by a plan whose element sizes are equal. The tiles do not overlap.
 *
 * @param use  what becomes of the destination: whether stores bypass the caches depends on it.
 */
void aml_internal_copy_run(const struct aml_internal_copy_engine *engine,
                           const struct aml_internal_copy_plan *plan, enum aml_dma_use use);

/** Whether there is an order of copying that needs no buffer where tiles overlap. */
bool aml_internal_copy_can_overlap(const struct aml_internal_copy_plan *plan);

/** Copies by a plan for which that holds, as if the source were read first. */
void aml_internal_copy_run_overlapping(const struct aml_internal_copy_plan *plan);

/** Runs an operation over each run. Returns: 0, or the first result that is not. */
int aml_internal_copy_operate(const struct aml_internal_copy_plan *plan,
                              const struct aml_dma_operation *operation);

/** In how many parts of about `size` bytes a plan can be cut; at least 1. */
size_t aml_internal_copy_parts(const struct aml_internal_copy_plan *plan, size_t size);

/** Tells the part `index` of `count`, which is at most what aml_internal_copy_parts() said. */
void aml_internal_copy_part(const struct aml_internal_copy_plan *plan, size_t count, size_t index,
                            struct aml_internal_copy_plan *part);

#ifdef __cplusplus
}
#endif

#endif
