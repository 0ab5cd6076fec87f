// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/transfer.h"

#include <stdbool.h>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/operate.h"

static int refuse(int code, const char *argument, const char *reason) {
  return aml_error_set(code, "aml_dma_submit", argument, reason);
}

/** Refuses memory that the host cannot load from, resp. store to. */
static int check_reach(const struct aml_tile *dst, const struct aml_tile *src) {
  if (dst->area != NULL && (aml_area_capabilities(dst->area) & AML_AREA_HOST_WRITABLE) == 0)
    return refuse(-AML_ENOTSUP, "dst", "is in memory that the host cannot write");
  if (src->area != NULL && (aml_area_capabilities(src->area) & AML_AREA_HOST_READABLE) == 0)
    return refuse(-AML_ENOTSUP, "src", "is in memory that the host cannot read");
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

int aml_internal_transfer_check(const struct aml_dma_request *request,
                                enum aml_internal_transfer_kind *kind) {
  const struct aml_dma_options *const options = request->options;
  const struct aml_tile *const dst = request->dst;
  const struct aml_tile *const src = request->src;
  const bool operates = options->operation != NULL;
  const int err = dst->area == NULL && src->area == NULL ? 0 : check_reach(dst, src);
  if (err)
    return err;
  if (operates && (options->flags & AML_DMA_OVERLAP) != 0)
    return refuse(-AML_ENOTSUP, "flags", "ask for AML_DMA_OVERLAP, which is not for operations");
  const bool is_same = is_same_tile(dst, src);
  const bool overlaps =
      !is_same && (options->flags & AML_DMA_DISTINCT) == 0 && aml_tile_may_overlap(dst, src);
  if (overlaps && (options->flags & AML_DMA_OVERLAP) == 0)
    return refuse(-AML_EINVAL, "dst", "overlaps src without being the same tile");
  *kind = operates   ? AML_INTERNAL_TRANSFER_OPERATE
          : is_same  ? AML_INTERNAL_TRANSFER_NOTHING
          : overlaps ? AML_INTERNAL_TRANSFER_MOVE
                     : AML_INTERNAL_TRANSFER_COPY;
  if (*kind != AML_INTERNAL_TRANSFER_MOVE)
    return 0;
  struct aml_internal_plan plan;
  aml_internal_plan_make(dst, src, options->plan, &plan);
  if (!aml_internal_copy_can_overlap(&plan))
    return refuse(-AML_ENOTSUP, "dst",
                  "overlaps src with other strides, which would need a buffer");
  return 0;
}

void aml_internal_transfer_plan(const struct aml_dma_request *request,
                                enum aml_internal_transfer_kind kind,
                                struct aml_internal_transfer *transfer) {
  transfer->kind = kind;
  if (kind == AML_INTERNAL_TRANSFER_NOTHING)
    return;
  aml_internal_plan_make(request->dst, request->src, request->options->plan, &transfer->plan);
  transfer->whole_size = aml_internal_plan_size(&transfer->plan);
}

int aml_internal_transfer_make(const struct aml_dma_request *request,
                               struct aml_internal_transfer *transfer) {
  enum aml_internal_transfer_kind kind = AML_INTERNAL_TRANSFER_NOTHING;
  const int err = aml_internal_transfer_check(request, &kind);
  if (!err)
    aml_internal_transfer_plan(request, kind, transfer);
  return err;
}

int aml_internal_transfer_run(const struct aml_internal_copy_engine *engine,
                              const struct aml_dma_options *options,
                              const struct aml_internal_transfer *transfer) {
  switch (transfer->kind) {
  case AML_INTERNAL_TRANSFER_NOTHING:
    return 0;
  case AML_INTERNAL_TRANSFER_MOVE:
    aml_internal_copy_run_overlapping(&transfer->plan);
    return 0;
  case AML_INTERNAL_TRANSFER_OPERATE:
    return aml_internal_operate(engine, &transfer->plan, options->operation);
  case AML_INTERNAL_TRANSFER_COPY:
    break;
  }
  aml_internal_copy_run(engine, &transfer->plan, options->use, transfer->whole_size);
  return 0;
}

size_t aml_internal_transfer_parts(const struct aml_internal_transfer *transfer, size_t size,
                                   size_t most) {
  if (transfer->kind != AML_INTERNAL_TRANSFER_COPY &&
      transfer->kind != AML_INTERNAL_TRANSFER_OPERATE)
    return 1;
  return aml_internal_plan_parts(&transfer->plan, size, most);
}

void aml_internal_transfer_part(const struct aml_internal_transfer *transfer, size_t count,
                                size_t index, struct aml_internal_transfer *part) {
  part->kind = transfer->kind;
  part->whole_size = transfer->whole_size;
  aml_internal_plan_part(&transfer->plan, count, index, &part->plan);
}

void aml_internal_transfer_finish(struct aml_dma_request *request, int result) {
  if (result == 0)
    aml_dma_request_finish(request, 0);
  else
    aml_dma_request_fail(request, result, "the operation failed");
}
