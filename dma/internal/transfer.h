// SPDX-License-Identifier: BSD-3-Clause
//
// What every host dma does with a request: find out what it comes to, refuse what it cannot do,
// and run it, whole or in parts.

#ifndef AML_DMA_INTERNAL_TRANSFER_H
#define AML_DMA_INTERNAL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/kernels.h"
#include "aml/dma/internal/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Copies at once if that is a plain copy of less than `limit` bytes, of two runs that are apart,
 * into the caches, and comes after nothing. Returns: whether it was.
 */
static inline bool aml_internal_transfer_copy_small(const struct aml_internal_kernels *kernels,
                                                    size_t limit,
                                                    const struct aml_dma_request *request) {
  const struct aml_tile *const dst = request->dst;
  const struct aml_tile *const src = request->src;
  const ptrdiff_t element_size = (ptrdiff_t)dst->element_size;
  if (dst->ndims != 1 || dst->area != NULL || src->area != NULL ||
      dst->stride_bytes[0] != element_size || src->stride_bytes[0] != element_size ||
      request->options->operation != NULL || request->options->after_count != 0)
    return false;
  const size_t size = dst->extent[0] * dst->element_size;
  const uintptr_t distance = (uintptr_t)dst->base - (uintptr_t)src->base;
  // Apart means that the distance, in either direction, is at least the size.
  if (distance < size || 0 - distance < size || size >= limit ||
      (size >= AML_INTERNAL_MIN_STREAM_SIZE && request->options->use == AML_DMA_USE_STREAM))
    return false;
  kernels->copy((char *)dst->base, (const char *)src->base, size);
  return true;
}

/** What a request comes to. */
enum aml_internal_transfer_kind {
  AML_INTERNAL_TRANSFER_NOTHING, /**< both tiles are the same */
  AML_INTERNAL_TRANSFER_COPY,
  AML_INTERNAL_TRANSFER_MOVE, /**< they overlap, and are copied as if the source were read first */
  AML_INTERNAL_TRANSFER_OPERATE
};

struct aml_internal_transfer {
  enum aml_internal_transfer_kind kind;
  struct aml_internal_plan plan; /**< this and the next: unless there is nothing to do */
  size_t whole_size;             /**< bytes of what this is, perhaps, a part of */
};

/**
 * Finds out what a submitted request comes to.
 *
 * Returns: 0; -AML_ENOTSUP or -AML_EINVAL, with a sentence on aml_dma_submit().
 */
int aml_internal_transfer_check(const struct aml_dma_request *request,
                                enum aml_internal_transfer_kind *kind);

/** Plans a request that was found to be of a kind. */
void aml_internal_transfer_plan(const struct aml_dma_request *request,
                                enum aml_internal_transfer_kind kind,
                                struct aml_internal_transfer *transfer);

/** Both. Returns: as the first. */
int aml_internal_transfer_make(const struct aml_dma_request *request,
                               struct aml_internal_transfer *transfer);

/** Runs it. Returns: 0, or what the operation returned. */
int aml_internal_transfer_run(const struct aml_internal_copy_engine *engine,
                              const struct aml_dma_options *options,
                              const struct aml_internal_transfer *transfer);

/** In how many parts of `size` bytes at least, `most` of them, it can be run; at least 1. */
size_t aml_internal_transfer_parts(const struct aml_internal_transfer *transfer, size_t size,
                                   size_t most);

/** Tells the part `index` of `count`, as said; parts may be run in any order, and at once. */
void aml_internal_transfer_part(const struct aml_internal_transfer *transfer, size_t count,
                                size_t index, struct aml_internal_transfer *part);

/** Makes a request done that was run, with `result`. */
void aml_internal_transfer_finish(struct aml_dma_request *request, int result);

#ifdef __cplusplus
}
#endif

#endif
