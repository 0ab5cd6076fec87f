// SPDX-License-Identifier: BSD-3-Clause
//
// Reducing a pair of strided arrays is what loop optimisers do: drop loops of one turn, make all
// destination strides positive, order loops by them, and coalesce (Allen and Kennedy, Optimizing
// Compilers for Modern Architectures, chapter 5). What is left is one of
//
//   one run           memcpy, or stores past the caches
//   rows              memcpy of each run
//   elements          a loop over single elements, of a size that the compiler knows
//   a transpose       the destination runs along one dimension and the source along another: both
//                     are visited block by block, so that each line is used up while in cache

#include "aml/dma/internal/copy.h"

#include <stdint.h>
#include <string.h>

#include "aml/dma/internal/stream.h"

static void drop_dimension(struct aml_internal_copy_plan *plan, size_t d) {
  for (--plan->ndims; d < plan->ndims; ++d) {
    plan->extent[d] = plan->extent[d + 1];
    plan->dst_stride[d] = plan->dst_stride[d + 1];
    plan->src_stride[d] = plan->src_stride[d + 1];
  }
}

/** Adds a dimension where its stride belongs, running it backwards if that stride is negative. */
static void add_dimension(struct aml_internal_copy_plan *plan, size_t extent, ptrdiff_t dst_stride,
                          ptrdiff_t src_stride) {
  if (dst_stride < 0) {
    plan->dst += (ptrdiff_t)(extent - 1) * dst_stride;
    plan->src += (ptrdiff_t)(extent - 1) * src_stride;
    dst_stride = -dst_stride;
    src_stride = -src_stride;
  }
  size_t d = plan->ndims++;
  for (; d > 0 && plan->dst_stride[d - 1] < dst_stride; --d) {
    plan->extent[d] = plan->extent[d - 1];
    plan->dst_stride[d] = plan->dst_stride[d - 1];
    plan->src_stride[d] = plan->src_stride[d - 1];
  }
  plan->extent[d] = extent;
  plan->dst_stride[d] = dst_stride;
  plan->src_stride[d] = src_stride;
}

/** Makes neighbours one where the slower one continues the faster one in both tiles. */
static void coalesce(struct aml_internal_copy_plan *plan) {
  for (size_t d = plan->ndims; d-- > 1;) {
    const ptrdiff_t extent = (ptrdiff_t)plan->extent[d];
    ptrdiff_t dst;
    ptrdiff_t src;
    if (__builtin_mul_overflow(extent, plan->dst_stride[d], &dst) ||
        __builtin_mul_overflow(extent, plan->src_stride[d], &src) ||
        plan->dst_stride[d - 1] != dst || plan->src_stride[d - 1] != src)
      continue;
    plan->extent[d] *= plan->extent[d - 1];
    drop_dimension(plan, d - 1);
  }
}

void aml_internal_copy_make_plan(const struct aml_tile *dst, const struct aml_tile *src,
                                 struct aml_internal_copy_plan *plan) {
  plan->dst = dst->base;
  plan->src = src->base;
  plan->dst_element_size = dst->element_size;
  plan->src_element_size = src->element_size;
  plan->run_count = 1;
  plan->ndims = 0;
  for (size_t d = 0; d < dst->ndims; ++d)
    if (dst->extent[d] > 1)
      add_dimension(plan, dst->extent[d], dst->stride_bytes[d], src->stride_bytes[d]);
  coalesce(plan);
  const size_t last = plan->ndims - 1;
  if (plan->ndims == 0 || plan->dst_stride[last] != (ptrdiff_t)plan->dst_element_size ||
      plan->src_stride[last] != (ptrdiff_t)plan->src_element_size)
    return;
  plan->run_count = plan->extent[last];
  plan->ndims = last;
}

/**
 * Moves on to the next run of the outermost `ndims` dimensions.
 *
 * Returns: false after the last one; dst and src then are at the first one again.
 */
static bool advance(const struct aml_internal_copy_plan *plan, size_t ndims, size_t coords[],
                    char **dst, const char **src) {
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

/** Copies `extent` pieces of `size` bytes; `size` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void copy_pieces(char *dst, const char *src,
                                                              size_t extent, ptrdiff_t dst_stride,
                                                              ptrdiff_t src_stride, size_t size) {
  for (size_t i = 0; i < extent; ++i) {
    memcpy(dst, src, size);
    dst += dst_stride;
    src += src_stride;
  }
}

/** Copies along the fastest dimension. */
static void copy_row_of_runs(const struct aml_internal_copy_plan *plan, char *dst, const char *src,
                             size_t run_size) {
  const size_t d = plan->ndims - 1;
  const size_t extent = plan->extent[d];
  const ptrdiff_t dst_stride = plan->dst_stride[d];
  const ptrdiff_t src_stride = plan->src_stride[d];
  switch (run_size) {
  case 1:
    copy_pieces(dst, src, extent, dst_stride, src_stride, 1);
    break;
  case 2:
    copy_pieces(dst, src, extent, dst_stride, src_stride, 2);
    break;
  case 4:
    copy_pieces(dst, src, extent, dst_stride, src_stride, 4);
    break;
  case 8:
    copy_pieces(dst, src, extent, dst_stride, src_stride, 8);
    break;
  case 16:
    copy_pieces(dst, src, extent, dst_stride, src_stride, 16);
    break;
  default:
    copy_pieces(dst, src, extent, dst_stride, src_stride, run_size);
  }
}

enum { BLOCK = 32, MIN_STREAMED_RUN = 4096 };

/**
 * Copies a plane whose destination runs along its columns and whose source runs along its rows.
 * Within a block the destination's order is kept, so that its lines fill at once.
 */
static inline __attribute__((always_inline)) void
transpose_plane(char *dst, const char *src, size_t rows, size_t columns, ptrdiff_t dst_stride,
                ptrdiff_t src_stride, size_t size) {
  for (size_t row = 0; row < rows; row += BLOCK) {
    const size_t row_end = rows - row < BLOCK ? rows : row + BLOCK;
    for (size_t column = 0; column < columns; column += BLOCK) {
      const size_t column_end = columns - column < BLOCK ? columns : column + BLOCK;
      for (size_t i = row; i < row_end; ++i) {
        char *to = dst + (ptrdiff_t)i * dst_stride + (ptrdiff_t)(column * size);
        const char *from = src + i * size + (ptrdiff_t)column * src_stride;
        for (size_t j = column; j < column_end; ++j) {
          memcpy(to, from, size);
          to += size;
          from += src_stride;
        }
      }
    }
  }
}

/** Transposes one plane: `row` is the dimension that the source runs along. */
static void copy_plane(const struct aml_internal_copy_plan *plan, size_t row, char *dst,
                       const char *src) {
  const size_t column = plan->ndims - 1;
  const size_t rows = plan->extent[row];
  const size_t columns = plan->extent[column];
  const ptrdiff_t dst_stride = plan->dst_stride[row];
  const ptrdiff_t src_stride = plan->src_stride[column];
  switch (plan->dst_element_size) {
  case 1:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, 1);
    break;
  case 2:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, 2);
    break;
  case 4:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, 4);
    break;
  case 8:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, 8);
    break;
  case 16:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, 16);
    break;
  default:
    transpose_plane(dst, src, rows, columns, dst_stride, src_stride, plan->dst_element_size);
  }
}

/** The dimension that the source runs along while the destination runs along the last one. */
static bool find_transpose(const struct aml_internal_copy_plan *plan, size_t *row) {
  const ptrdiff_t size = (ptrdiff_t)plan->dst_element_size;
  if (plan->ndims < 2 || plan->run_count != 1 || plan->dst_stride[plan->ndims - 1] != size)
    return false;
  for (size_t d = plan->ndims - 1; d-- > 0;) {
    if (plan->src_stride[d] != size)
      continue;
    *row = d;
    return true;
  }
  return false;
}

/** Transposes every plane of the last dimension and `row`. */
static void copy_planes(const struct aml_internal_copy_plan *plan, size_t row) {
  struct aml_internal_copy_plan outer = *plan;
  --outer.ndims;
  drop_dimension(&outer, row);
  size_t coords[AML_MAX_DIMS] = {0};
  char *dst = plan->dst;
  const char *src = plan->src;
  do
    copy_plane(plan, row, dst, src);
  while (advance(&outer, outer.ndims, coords, &dst, &src));
}

static void copy_rows(const struct aml_internal_copy_plan *plan, size_t stream_size) {
  const size_t run_size = plan->run_count * plan->dst_element_size;
  size_t size = run_size;
  for (size_t d = 0; d < plan->ndims; ++d)
    size *= plan->extent[d];
  const bool is_streamed = run_size >= MIN_STREAMED_RUN && size >= stream_size;
  const size_t outer = is_streamed ? plan->ndims : plan->ndims - 1;
  size_t coords[AML_MAX_DIMS] = {0};
  char *dst = plan->dst;
  const char *src = plan->src;
  do {
    if (is_streamed)
      aml_internal_stream_copy(dst, src, run_size);
    else
      copy_row_of_runs(plan, dst, src, run_size);
  } while (advance(plan, outer, coords, &dst, &src));
}

void aml_internal_copy_run(const struct aml_internal_copy_plan *plan, size_t stream_size) {
  size_t row;
  if (plan->ndims == 0) {
    const size_t size = plan->run_count * plan->dst_element_size;
    if (size >= stream_size)
      aml_internal_stream_copy(plan->dst, plan->src, size);
    else
      memcpy(plan->dst, plan->src, size);
  } else if (find_transpose(plan, &row)) {
    copy_planes(plan, row);
  } else {
    copy_rows(plan, stream_size);
  }
}

/** Whether both tiles have the same strides, and visiting them in order is to go up in addresses.
 */
static bool is_ordered(const struct aml_internal_copy_plan *plan) {
  ptrdiff_t span = (ptrdiff_t)(plan->run_count * plan->dst_element_size);
  for (size_t d = plan->ndims; d-- > 0;) {
    if (plan->src_stride[d] != plan->dst_stride[d] || plan->dst_stride[d] < span)
      return false;
    span += (ptrdiff_t)(plan->extent[d] - 1) * plan->dst_stride[d];
  }
  return true;
}

bool aml_internal_copy_run_overlapping(const struct aml_internal_copy_plan *plan) {
  struct aml_internal_copy_plan it = *plan;
  if (!is_ordered(plan))
    return false;
  if ((uintptr_t)it.dst > (uintptr_t)it.src) {
    // A destination above its source is written from its end, so all dimensions run backwards.
    for (size_t d = 0; d < it.ndims; ++d) {
      it.dst += (ptrdiff_t)(it.extent[d] - 1) * it.dst_stride[d];
      it.src += (ptrdiff_t)(it.extent[d] - 1) * it.src_stride[d];
      it.dst_stride[d] = -it.dst_stride[d];
      it.src_stride[d] = -it.src_stride[d];
    }
  }
  const size_t run_size = it.run_count * it.dst_element_size;
  size_t coords[AML_MAX_DIMS] = {0};
  do
    memmove(it.dst, it.src, run_size);
  while (advance(&it, it.ndims, coords, &it.dst, &it.src));
  return true;
}

int aml_internal_copy_operate(const struct aml_internal_copy_plan *plan,
                              const struct aml_dma_operation *operation) {
  size_t coords[AML_MAX_DIMS] = {0};
  char *dst = plan->dst;
  const char *src = plan->src;
  do {
    const int result = operation->run(dst, src, plan->run_count, operation->argument);
    if (result)
      return result;
  } while (advance(plan, plan->ndims, coords, &dst, &src));
  return 0;
}
