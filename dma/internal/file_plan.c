// SPDX-License-Identifier: BSD-3-Clause
//
// Pieces grow from the run outwards: a dimension is taken in whole while the piece stays within its
// size and the file is dense enough; the first one that does not fit is cut. Reading the range that
// strided elements span is data sieving (Thakur, Gropp and Lusk, Data Sieving and Collective I/O in
// ROMIO, 1999).

#include "aml/dma/internal/file_plan.h"

#include <string.h>

/** What the dimensions taken in so far come to. */
struct block {
  size_t bytes; /**< of elements */
  size_t span;
  bool is_dense;
};

static size_t run_size_of(const struct aml_internal_plan *copy) {
  return copy->run_count * copy->dst_element_size;
}

/** Whether a block may be repeated each `stride` bytes. */
static bool may_repeat(const struct block *block, size_t stride,
                       const struct aml_internal_file_limits *limits) {
  if (block->is_dense && stride == block->span)
    return true;
  // Pieces are of at most 1 GiB, so that nothing wraps.
  return limits->sieve_percent <= 100 && stride <= limits->piece_size &&
         stride <= block->span + limits->hole_size &&
         block->bytes * 100 >= stride * limits->sieve_percent;
}

/** Takes dimensions in until one does not fit; that one is cut, or stays outside. */
static void grow(const struct aml_internal_file_limits *limits,
                 struct aml_internal_file_plan *plan) {
  const struct aml_internal_plan *const copy = &plan->copy;
  const size_t run_size = run_size_of(copy);
  struct block block = {run_size, run_size, true}; // no run is empty
  while (plan->outer > 0 && block.bytes > 0) {
    const size_t d = plan->outer - 1;
    const size_t stride = (size_t)copy->dst_stride[d];
    if (!may_repeat(&block, stride, limits))
      return;
    const size_t fit = stride == 0 ? limits->piece_size / block.bytes
                                   : 1 + (limits->piece_size - block.span) / stride;
    if (fit < 2)
      return;
    plan->outer = d;
    if (fit < copy->extent[d]) {
      plan->cut = AML_INTERNAL_FILE_CUT_DIMENSION;
      plan->step = fit;
      plan->chunks = (copy->extent[d] - 1) / fit + 1;
      return;
    }
    block.is_dense = block.is_dense && stride == block.span;
    block.span += (copy->extent[d] - 1) * stride;
    block.bytes *= copy->extent[d];
    if (block.bytes > limits->piece_size)
      return;
  }
}

void aml_internal_file_plan_make(const struct aml_tile *file, uint64_t offset,
                                 const struct aml_tile *other,
                                 const struct aml_internal_file_limits *limits, bool only_runs,
                                 struct aml_internal_file_plan *plan) {
  aml_internal_plan_make(file, other, NULL, &plan->copy);
  const size_t run_size = run_size_of(&plan->copy);
  plan->offset = offset + ((uintptr_t)plan->copy.dst - (uintptr_t)file->base);
  plan->outer = plan->copy.ndims;
  plan->cut = AML_INTERNAL_FILE_CUT_NOTHING;
  plan->step = 0;
  plan->chunks = 1;
  if (run_size >= limits->piece_size) {
    plan->cut = AML_INTERNAL_FILE_CUT_RUN;
    plan->step = limits->piece_size;
    // A run need not begin where it could be cut: there may be one more, and the last one be empty.
    plan->chunks = (run_size - 1) / plan->step + 2;
  } else if (!only_runs) {
    grow(limits, plan);
  }
  plan->count = plan->chunks;
  for (size_t d = 0; d < plan->outer; ++d)
    plan->count *= plan->copy.extent[d];
}

/** Cuts a piece that is one run to the chunk of it that one step holds. */
static void cut_run(const struct aml_internal_file_plan *plan, size_t chunk,
                    struct aml_internal_file_piece *piece) {
  const uint64_t step = plan->step;
  const uint64_t begin = piece->offset;
  const uint64_t end = begin + run_size_of(&plan->copy);
  uint64_t from = (begin / step + chunk) * step;
  uint64_t to = from + step;
  from = from < begin ? begin : from;
  to = to > end ? end : to;
  piece->span = from < to ? (size_t)(to - from) : 0;
  piece->offset = from;
  piece->copy.dst += from - begin;
  piece->copy.src += from - begin;
  piece->copy.dst_element_size = piece->copy.src_element_size = 1;
  piece->copy.run_count = piece->span;
}

static void measure(struct aml_internal_file_piece *piece) {
  const struct aml_internal_plan *const copy = &piece->copy;
  piece->span = run_size_of(copy);
  piece->is_dense = true;
  for (size_t d = copy->ndims; d-- > 0;) {
    const size_t stride = (size_t)copy->dst_stride[d];
    piece->is_dense = piece->is_dense && stride == piece->span;
    piece->span += (copy->extent[d] - 1) * stride;
  }
}

void aml_internal_file_plan_piece(const struct aml_internal_file_plan *plan, size_t index,
                                  struct aml_internal_file_piece *piece) {
  const struct aml_internal_plan *const copy = &plan->copy;
  const size_t chunk = index % plan->chunks;
  size_t rest = index / plan->chunks;
  piece->copy = *copy;
  for (size_t d = plan->outer; d-- > 0;) {
    const ptrdiff_t coord = (ptrdiff_t)(rest % copy->extent[d]);
    rest /= copy->extent[d];
    piece->copy.dst += coord * copy->dst_stride[d];
    piece->copy.src += coord * copy->src_stride[d];
  }
  piece->copy.ndims = copy->ndims - plan->outer;
  for (size_t d = 0; d < piece->copy.ndims; ++d) {
    piece->copy.extent[d] = copy->extent[plan->outer + d];
    piece->copy.dst_stride[d] = copy->dst_stride[plan->outer + d];
    piece->copy.src_stride[d] = copy->src_stride[plan->outer + d];
  }
  if (plan->cut == AML_INTERNAL_FILE_CUT_DIMENSION) {
    const size_t first = chunk * plan->step;
    const size_t left = piece->copy.extent[0] - first;
    piece->copy.dst += (ptrdiff_t)first * piece->copy.dst_stride[0];
    piece->copy.src += (ptrdiff_t)first * piece->copy.src_stride[0];
    piece->copy.extent[0] = left < plan->step ? left : plan->step;
  }
  piece->offset = plan->offset + ((uintptr_t)piece->copy.dst - (uintptr_t)copy->dst);
  measure(piece);
  if (plan->cut == AML_INTERNAL_FILE_CUT_RUN)
    cut_run(plan, chunk, piece);
}

/** The two tiles that a piece is a plan of, the one in the file moved to `buffer`. */
static void tiles_of(const struct aml_internal_file_piece *piece, const char *buffer,
                     struct aml_tile *file, struct aml_tile *memory) {
  const struct aml_internal_plan *const copy = &piece->copy;
  memset(file, 0, sizeof *file);
  memset(memory, 0, sizeof *memory);
  size_t n = 0;
  for (; n < copy->ndims; ++n) {
    file->extent[n] = memory->extent[n] = copy->extent[n];
    file->stride_bytes[n] = copy->dst_stride[n];
    memory->stride_bytes[n] = copy->src_stride[n];
  }
  if (copy->run_count > 1 || n == 0) {
    file->extent[n] = memory->extent[n] = copy->run_count;
    file->stride_bytes[n] = memory->stride_bytes[n] = (ptrdiff_t)copy->dst_element_size;
    ++n;
  }
  file->ndims = memory->ndims = n;
  file->element_size = memory->element_size = copy->dst_element_size;
  // Written through only in the direction in which the caller may.
  file->base = (void *)(uintptr_t)buffer;
  memory->base = (void *)(uintptr_t)copy->src;
}

void aml_internal_file_piece_gather(const struct aml_internal_copy_engine *engine,
                                    const struct aml_internal_file_piece *piece, char *buffer) {
  struct aml_tile file;
  struct aml_tile memory;
  struct aml_internal_plan plan;
  tiles_of(piece, buffer, &file, &memory);
  aml_internal_plan_make(&file, &memory, NULL, &plan);
  aml_internal_copy_run(engine, &plan, AML_DMA_USE_SOON, aml_internal_plan_size(&plan));
}

void aml_internal_file_piece_scatter(const struct aml_internal_copy_engine *engine,
                                     const struct aml_internal_file_piece *piece,
                                     const char *buffer, enum aml_dma_use use) {
  struct aml_tile file;
  struct aml_tile memory;
  struct aml_internal_plan plan;
  tiles_of(piece, buffer, &file, &memory);
  aml_internal_plan_make(&memory, &file, NULL, &plan);
  aml_internal_copy_run(engine, &plan, use, aml_internal_plan_size(&plan));
}
