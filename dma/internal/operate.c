// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/operate.h"

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/tile.h"

enum {
  BUFFER = 8192,   // bytes that are packed at once, of each tile
  SHORT_RUN = 256, // bytes of a run below which packing pays
  ROWS = 32        // that are packed together where the source runs across them
};

static int operate_on_runs(const struct aml_internal_plan *plan,
                           const struct aml_dma_operation *operation) {
  size_t coords[AML_MAX_DIMS] = {0};
  char *dst = plan->dst;
  const char *src = plan->src;
  do {
    const int result = operation->run(dst, src, plan->run_count, operation->argument);
    if (result)
      return result;
  } while (aml_internal_plan_advance(plan, plan->ndims, coords, &dst, &src));
  return 0;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/** How much is packed at once: from the last dimension on, and some of that of the source. */
static void choose_block(const struct aml_internal_plan *plan, size_t run_size, size_t block[]) {
  size_t room = BUFFER / run_size;
  size_t row = plan->ndims;
  if (aml_internal_plan_find_transpose(plan, &row)) {
    block[row] = least(plan->extent[row], ROWS);
    room /= block[row];
  }
  for (size_t d = plan->ndims; d-- > 0;) {
    if (d == row)
      continue;
    block[d] = least(plan->extent[d], room);
    room /= block[d];
  }
}

/** Part of one side of a plan. */
static struct aml_tile side_of(const struct aml_internal_plan *plan, const size_t extent[],
                               const void *base, size_t element_size, const ptrdiff_t stride[]) {
  struct aml_tile tile = {.base = (void *)base, .element_size = element_size, .ndims = plan->ndims};
  for (size_t d = 0; d < plan->ndims; ++d) {
    tile.extent[d] = extent[d];
    tile.stride_bytes[d] = stride[d];
  }
  if (plan->run_count > 1) {
    tile.extent[tile.ndims] = plan->run_count;
    tile.stride_bytes[tile.ndims++] = (ptrdiff_t)element_size;
  }
  return tile;
}

/** The same elements without gaps, in a buffer. */
static struct aml_tile packed(const struct aml_tile *tile, void *buffer) {
  struct aml_tile pack = *tile;
  size_t stride = tile->element_size;
  pack.base = buffer;
  for (size_t d = tile->ndims; d-- > 0;) {
    pack.stride_bytes[d] = (ptrdiff_t)stride;
    stride *= tile->extent[d];
  }
  return pack;
}

static void copy_tile(const struct aml_internal_copy_engine *engine, const struct aml_tile *dst,
                      const struct aml_tile *src) {
  struct aml_internal_plan plan;
  aml_internal_plan_make(dst, src, NULL, &plan);
  aml_internal_copy_run(engine, &plan, AML_DMA_USE_SOON, aml_internal_plan_size(&plan));
}

/** Operates on what is left of a block at some coordinates. */
static int operate_on_block(const struct aml_internal_copy_engine *engine,
                            const struct aml_internal_plan *plan,
                            const struct aml_dma_operation *operation, const size_t extent[],
                            char *dst, const char *src) {
  _Alignas(64) char dst_buffer[BUFFER];
  _Alignas(64) char src_buffer[BUFFER];
  const struct aml_tile from = side_of(plan, extent, src, plan->src_element_size, plan->src_stride);
  const struct aml_tile to = side_of(plan, extent, dst, plan->dst_element_size, plan->dst_stride);
  const struct aml_tile packed_from = packed(&from, src_buffer);
  const struct aml_tile packed_to = packed(&to, dst_buffer);
  size_t count = plan->run_count;
  for (size_t d = 0; d < plan->ndims; ++d)
    count *= extent[d];
  copy_tile(engine, &packed_from, &from);
  copy_tile(engine, &packed_to, &to);
  const int result = operation->run(dst_buffer, src_buffer, count, operation->argument);
  copy_tile(engine, &to, &packed_to);
  return result;
}

/** Moves on to the next block. Returns: false after the last one. */
static bool next_block(const struct aml_internal_plan *plan, const size_t block[],
                       size_t coords[]) {
  for (size_t d = plan->ndims; d-- > 0;) {
    coords[d] += block[d];
    if (coords[d] < plan->extent[d])
      return true;
    coords[d] = 0;
  }
  return false;
}

static int operate_on_blocks(const struct aml_internal_copy_engine *engine,
                             const struct aml_internal_plan *plan,
                             const struct aml_dma_operation *operation, const size_t block[]) {
  size_t coords[AML_MAX_DIMS] = {0};
  int result;
  do {
    size_t extent[AML_MAX_DIMS];
    char *dst = plan->dst;
    const char *src = plan->src;
    for (size_t d = 0; d < plan->ndims; ++d) {
      extent[d] = least(block[d], plan->extent[d] - coords[d]);
      dst += (ptrdiff_t)coords[d] * plan->dst_stride[d];
      src += (ptrdiff_t)coords[d] * plan->src_stride[d];
    }
    result = operate_on_block(engine, plan, operation, extent, dst, src);
  } while (!result && next_block(plan, block, coords));
  return result;
}

int aml_internal_operate(const struct aml_internal_copy_engine *engine,
                         const struct aml_internal_plan *plan,
                         const struct aml_dma_operation *operation) {
  const size_t element_size = plan->dst_element_size > plan->src_element_size
                                  ? plan->dst_element_size
                                  : plan->src_element_size;
  const size_t run_size = plan->run_count * element_size;
  size_t block[AML_MAX_DIMS] = {0};
  if (plan->ndims == 0 || run_size >= SHORT_RUN)
    return operate_on_runs(plan, operation);
  choose_block(plan, run_size, block);
  return operate_on_blocks(engine, plan, operation, block);
}
