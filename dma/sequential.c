// SPDX-License-Identifier: BSD-3-Clause
//
// A request is checked, planned and run in submit. Small contiguous copies are most of what a
// runtime asks for, so they are told apart first and cost little more than their memcpy.

#include "aml/dma/sequential.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "aml/core/area.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/kernels.h"

static const char submit_call[] = "aml_dma_submit";

static const struct aml_dma_sequential *sequential_of(const struct aml_dma *dma) {
  return (const struct aml_dma_sequential *)dma;
}

/** Refuses memory that the host cannot load from, resp. store to. */
static int check_reach(const struct aml_tile *dst, const struct aml_tile *src) {
  if (dst->area != NULL && (aml_area_capabilities(dst->area) & AML_AREA_HOST_WRITABLE) == 0)
    return aml_error_set(-AML_ENOTSUP, submit_call, "dst",
                         "is in memory that the host cannot write");
  if (src->area != NULL && (aml_area_capabilities(src->area) & AML_AREA_HOST_READABLE) == 0)
    return aml_error_set(-AML_ENOTSUP, submit_call, "src",
                         "is in memory that the host cannot read");
  return 0;
}

static bool is_same_tile(const struct aml_tile *dst, const struct aml_tile *src) {
  if (dst->base != src->base || dst->element_size != src->element_size)
    return false;
  for (size_t d = 0; d < dst->ndims; ++d)
    if (dst->extent[d] > 1 && dst->stride_bytes[d] != src->stride_bytes[d])
      return false;
  return true;
}

/** Copies between tiles that have been found to be sound. */
static int copy(const struct aml_dma_sequential *sequential,
                const struct aml_dma_request *request) {
  const struct aml_dma_options *const options = request->options;
  const bool is_same = is_same_tile(request->dst, request->src);
  const bool overlaps = !is_same && (options->flags & AML_DMA_DISTINCT) == 0 &&
                        aml_tile_may_overlap(request->dst, request->src);
  struct aml_internal_copy_plan plan;
  if (overlaps && (options->flags & AML_DMA_OVERLAP) == 0)
    return aml_error_set(-AML_EINVAL, submit_call, "dst",
                         "overlaps src without being the same tile");
  if (is_same && options->operation == NULL)
    return 0;
  aml_internal_copy_make_plan(request->dst, request->src, &plan);
  if (!overlaps) {
    const struct aml_internal_copy_engine engine = {sequential->kernels, sequential->stream_size};
    aml_internal_copy_run(&engine, &plan, options->use);
    return 0;
  }
  if (aml_internal_copy_run_overlapping(&plan))
    return 0;
  return aml_error_set(-AML_ENOTSUP, submit_call, "dst",
                       "overlaps src with other strides, which would need a buffer");
}

/** Runs the request's operation; *result is what the request is done with. */
static int operate(const struct aml_dma_request *request, int *result) {
  struct aml_internal_copy_plan plan;
  if ((request->options->flags & AML_DMA_OVERLAP) != 0)
    return aml_error_set(-AML_ENOTSUP, submit_call, "flags",
                         "ask for AML_DMA_OVERLAP, which is not for operations");
  if ((request->options->flags & AML_DMA_DISTINCT) == 0 &&
      !is_same_tile(request->dst, request->src) && aml_tile_may_overlap(request->dst, request->src))
    return aml_error_set(-AML_EINVAL, submit_call, "dst",
                         "overlaps src without being the same tile");
  aml_internal_copy_make_plan(request->dst, request->src, &plan);
  *result = aml_internal_copy_operate(&plan, request->options->operation);
  return 0;
}

/** Copies if both tiles are one run, apart from each other and not large; else says false. */
static bool copy_small(const struct aml_dma_sequential *sequential,
                       const struct aml_dma_request *request) {
  const struct aml_tile *const dst = request->dst;
  const struct aml_tile *const src = request->src;
  const ptrdiff_t element_size = (ptrdiff_t)dst->element_size;
  if (dst->ndims != 1 || dst->stride_bytes[0] != element_size ||
      src->stride_bytes[0] != element_size || request->options->operation != NULL ||
      request->options->after_count != 0)
    return false;
  const size_t size = dst->extent[0] * dst->element_size;
  const uintptr_t distance = (uintptr_t)dst->base - (uintptr_t)src->base;
  // Apart means that the distance, in either direction, is at least the size.
  if (size >= AML_INTERNAL_MIN_STREAM_SIZE || distance < size || 0 - distance < size ||
      size >= sequential->stream_size)
    return false;
  sequential->kernels->copy(dst->base, src->base, size);
  return true;
}

static unsigned capabilities(const struct aml_dma *dma) {
  (void)dma;
  return AML_DMA_THREAD_SAFE | AML_DMA_CAN_OVERLAP | AML_DMA_CAN_OPERATE;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  int result = 0;
  int err = check_reach(request->dst, request->src);
  if (err)
    return err;
  if (!copy_small(sequential_of(dma), request)) {
    err = aml_dma_request_await_others(request);
    if (err) {
      aml_dma_request_fail(request, err, aml_error_detail());
      return 0;
    }
    err = request->options->operation == NULL ? copy(sequential_of(dma), request)
                                              : operate(request, &result);
  }
  if (err)
    return err;
  if (result == 0)
    aml_dma_request_finish(request, 0);
  else
    aml_dma_request_fail(request, result, "the operation failed");
  return 0;
}

// A request is done before anybody could wait for it or call it off.

static void wait(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "has begun");
}

static void fini(struct aml_dma *dma) {
  *(struct aml_dma_sequential *)dma =
      (struct aml_dma_sequential){.dma = {.ops = &aml_dma_sequential_ops}};
}

const struct aml_dma_ops aml_dma_sequential_ops = {
    .name = "sequential",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait,
    .cancel = cancel,
};

int aml_dma_sequential_init(struct aml_dma *dma, const struct aml_dma_sequential_options *options) {
  if (dma == NULL || dma->ops != &aml_dma_sequential_ops)
    return aml_error_set(-AML_EINVAL, "aml_dma_sequential_init", "dma",
                         "is null, or was not declared by AML_DMA_SEQUENTIAL_DECL");
  struct aml_internal_copy_engine engine;
  const int err = aml_internal_copy_engine_init(&engine, "aml_dma_sequential_init",
                                                options == NULL ? NULL : options->kernels,
                                                options == NULL ? 0 : options->stream_size);
  if (err)
    return err;
  struct aml_dma_sequential *const sequential = (struct aml_dma_sequential *)dma;
  sequential->kernels = engine.kernels;
  sequential->stream_size = engine.stream_size;
  return 0;
}

int aml_dma_sequential_create(struct aml_dma **dma,
                              const struct aml_dma_sequential_options *options) {
  struct aml_dma *const made =
      aml_block_create("aml_dma_sequential_create", "dma", dma, sizeof(struct aml_dma_sequential),
                       &aml_dma_sequential_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_sequential_init(made, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
