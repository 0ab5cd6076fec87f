// SPDX-License-Identifier: BSD-3-Clause
//
// The copy engine of all host dmas: runs plans.

#ifndef AML_DMA_INTERNAL_COPY_H
#define AML_DMA_INTERNAL_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/kernels.h"
#include "aml/dma/internal/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

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

/**
 * Copies by a plan whose element sizes are equal. The tiles do not overlap.
 *
 * @param use         what becomes of the destination: whether stores bypass the caches depends on
 *                    it, and on
 * @param whole_size  the bytes of all that is copied, of which this may be a part.
 */
void aml_internal_copy_run(const struct aml_internal_copy_engine *engine,
                           const struct aml_internal_plan *plan, enum aml_dma_use use,
                           size_t whole_size);

/** Whether there is an order of copying that needs no buffer where tiles overlap. */
bool aml_internal_copy_can_overlap(const struct aml_internal_plan *plan);

/** Copies by a plan for which that holds, as if the source were read first. */
void aml_internal_copy_run_overlapping(const struct aml_internal_plan *plan);

#ifdef __cplusplus
}
#endif

#endif
