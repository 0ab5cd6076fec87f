// SPDX-License-Identifier: BSD-3-Clause
//
// What a plan leaves to do is one of
//
//   one run           a copy, or stores past the caches
//   rows              several runs at a time, or past the caches
//   elements          a loop over single elements, of a size that the compiler knows
//   a fill            one element all along a run
//   a transpose       the destination runs along one dimension and the source along another: both
//                     are visited block by block, so that each line is used up while in cache
//
// Any permutation of any number of dimensions comes down to transposes of the two dimensions that
// the tiles run along.

#include "aml/dma/internal/copy.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aml/core/error.h"

enum { LINE = 64, DEFAULT_STREAM_SIZE = 16 << 20 };

/**
 * Half of the largest cache of the first CPU. From sysfs, since what libc says is that of the whole
 * host, also where a virtual machine has a part of it.
 */
static size_t default_stream_size(void) {
  char text[32] = "";
  const int file = open("/sys/devices/system/cpu/cpu0/cache/index3/size", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (read(file, text, sizeof text - 1) < 0)
      text[0] = '\0';
    (void)close(file);
  }
  const unsigned long kib = strtoul(text, NULL, 10); // "32768K"
  return kib == 0 || kib > SIZE_MAX / 2048 ? DEFAULT_STREAM_SIZE : kib * 1024 / 2;
}

int aml_internal_copy_engine_init(struct aml_internal_copy_engine *engine, const char *call,
                                  const char *kernels, size_t stream_size) {
  const struct aml_internal_kernels *const found = aml_internal_kernels_find(kernels);
  if (found == NULL)
    return aml_error_set(-AML_ENOTSUP, call, "kernels", "are none that this CPU has");
  engine->kernels = found;
  engine->stream_size = stream_size == 0 ? default_stream_size() : stream_size;
  return 0;
}

/** From how many bytes on a copy goes past the caches. */
static size_t stream_size_of(const struct aml_internal_copy_engine *engine, enum aml_dma_use use) {
  if (engine->stream_size == SIZE_MAX || !engine->kernels->can_stream)
    return SIZE_MAX;
  if (use == AML_DMA_USE_STREAM)
    return AML_INTERNAL_MIN_STREAM_SIZE;
  if (use == AML_DMA_USE_SOON && engine->stream_size <= SIZE_MAX / 2)
    return 2 * engine->stream_size;
  return engine->stream_size;
}

/** Runs along two dimensions, slowest first. */
struct runs {
  char *dst;
  const char *src;
  size_t size;
  size_t count[2];
  ptrdiff_t dst_stride[2];
  ptrdiff_t src_stride[2];
};

/**
 * Copies runs by moves of `part` bytes, and then of `last` ones up to their ends: moves may
 * overlap, so that these two serve many sizes. Both are constants wherever this is inlined.
 */
static inline __attribute__((always_inline)) void copy_by_parts(const struct runs *runs,
                                                                size_t part, size_t last) {
  const size_t rest = runs->size - last;
  const size_t count = runs->count[1];
  const ptrdiff_t dst_stride = runs->dst_stride[1];
  const ptrdiff_t src_stride = runs->src_stride[1];
  for (size_t row = 0; row < runs->count[0]; ++row) {
    char *dst = runs->dst + (ptrdiff_t)row * runs->dst_stride[0];
    const char *src = runs->src + (ptrdiff_t)row * runs->src_stride[0];
    for (size_t i = 0; i < count; ++i) {
      memcpy(dst, src, part);
      memcpy(dst + rest, src + rest, last);
      dst += dst_stride;
      src += src_stride;
    }
  }
}

/** Copies runs; where they are short, a call of memcpy for each takes several times as long. */
static void copy_runs(const struct runs *runs) {
  const size_t size = runs->size;
  switch (size) {
  case 1:
    copy_by_parts(runs, 1, 0);
    break;
  case 2:
    copy_by_parts(runs, 2, 0);
    break;
  case 3:
    copy_by_parts(runs, 2, 1);
    break;
  case 4:
    copy_by_parts(runs, 4, 0);
    break;
  case 8:
    copy_by_parts(runs, 8, 0);
    break;
  case 12:
    copy_by_parts(runs, 8, 4);
    break;
  case 16:
    copy_by_parts(runs, 16, 0);
    break;
  case 24:
    copy_by_parts(runs, 16, 8);
    break;
  case 32:
    copy_by_parts(runs, 32, 0);
    break;
  default:
    if (size < 4)
      copy_by_parts(runs, 2, 2);
    else if (size < 8)
      copy_by_parts(runs, 4, 4);
    else if (size < 16)
      copy_by_parts(runs, 8, 8);
    else if (size < 32)
      copy_by_parts(runs, 16, 16);
    else if (size <= 48)
      copy_by_parts(runs, 32, 16);
    else if (size <= 64)
      copy_by_parts(runs, 32, 32);
    else
      copy_by_parts(runs, size, 0);
  }
}

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

enum { BLOCK = 32 };

/** Transposes elements of a size that no vector has, block by block. */
static void transpose_odd(const struct aml_internal_plane *plane, size_t size) {
  const size_t block_columns = min(plane->columns, BLOCK * BLOCK / min(plane->rows, BLOCK));
  const size_t block_rows = min(plane->rows, BLOCK * BLOCK / block_columns);
  // Short rows are visited across.
  const bool is_row = plane->columns * size < 2 * LINE && plane->columns < plane->rows;
  struct runs runs = {.size = size};
  runs.dst_stride[is_row] = plane->dst_stride;
  runs.src_stride[is_row] = (ptrdiff_t)size;
  runs.dst_stride[!is_row] = (ptrdiff_t)size;
  runs.src_stride[!is_row] = plane->src_stride;
  for (size_t row = 0; row < plane->rows; row += block_rows)
    for (size_t column = 0; column < plane->columns; column += block_columns) {
      runs.dst = plane->dst + (ptrdiff_t)row * plane->dst_stride + column * size;
      runs.src = plane->src + row * size + (ptrdiff_t)column * plane->src_stride;
      runs.count[is_row] = min(plane->rows - row, block_rows);
      runs.count[!is_row] = min(plane->columns - column, block_columns);
      copy_runs(&runs);
    }
}

/** Transposes every plane of the last dimension and `row`. */
static void copy_planes(const struct aml_internal_kernels *kernels,
                        const struct aml_internal_plan *plan, size_t row, bool streams) {
  const size_t size = plan->dst_element_size;
  const size_t column = plan->ndims - 1;
  const bool is_vector = size <= 16 && (size & (size - 1)) == 0;
  struct aml_internal_plane plane = {
      .dst = plan->dst,
      .src = plan->src,
      .rows = plan->extent[row],
      .columns = plan->extent[column],
      .dst_stride = plan->dst_stride[row],
      .src_stride = plan->src_stride[column],
  };
  struct aml_internal_plan outer = *plan;
  --outer.ndims;
  aml_internal_plan_drop(&outer, row);
  size_t coords[AML_MAX_DIMS] = {0};
  do {
    if (is_vector)
      kernels->transpose[__builtin_ctzl(size)](&plane, streams);
    else
      transpose_odd(&plane, size);
  } while (aml_internal_plan_advance(&outer, outer.ndims, coords, &plane.dst, &plane.src));
}

/** Whether rows are such that storing them past the caches pays: most of their lines are whole. */
static bool has_whole_lines(const struct aml_internal_plan *plan, size_t run_size) {
  const ptrdiff_t stride = plan->dst_stride[plan->ndims - 1];
  return run_size >= (size_t)4 * LINE ||
         (run_size % LINE == 0 && stride % LINE == 0 && (uintptr_t)plan->dst % LINE == 0);
}

/**
 * The dimension along which long rows are visited: the destination's fastest one or, past the
 * caches, the source's, since such stores may be scattered sooner than loads may.
 */
static size_t find_rows(const struct aml_internal_plan *plan, bool streams) {
  size_t fastest = plan->ndims - 1;
  for (size_t d = fastest; streams && d-- > 0;)
    if (labs(plan->src_stride[d]) < labs(plan->src_stride[fastest]))
      fastest = d;
  return fastest;
}

/** Copies rows of a line and more. */
static void copy_long_rows(const struct aml_internal_kernels *kernels,
                           const struct aml_internal_plan *plan, size_t run_size, bool streams) {
  const size_t d = find_rows(plan, streams);
  struct aml_internal_rows rows = {
      .dst = plan->dst,
      .src = plan->src,
      .count = plan->extent[d],
      .size = run_size,
      .dst_stride = plan->dst_stride[d],
      .src_stride = plan->src_stride[d],
  };
  struct aml_internal_plan outer = *plan;
  aml_internal_plan_drop(&outer, d);
  size_t coords[AML_MAX_DIMS] = {0};
  do {
    if (streams)
      kernels->stream_rows(&rows);
    else
      kernels->copy_rows(&rows);
  } while (aml_internal_plan_advance(&outer, outer.ndims, coords, &rows.dst, &rows.src));
}

/** Copies runs of less than a line. */
static void copy_short_runs(const struct aml_internal_plan *plan, size_t run_size) {
  struct aml_internal_plan outer = *plan;
  struct runs runs = {.dst = plan->dst, .src = plan->src, .size = run_size, .count = {1, 1}};
  for (size_t i = 2; i-- > 0 && outer.ndims > 0;) {
    const size_t d = --outer.ndims;
    runs.count[i] = plan->extent[d];
    runs.dst_stride[i] = plan->dst_stride[d];
    runs.src_stride[i] = plan->src_stride[d];
  }
  size_t coords[AML_MAX_DIMS] = {0};
  do
    copy_runs(&runs);
  while (aml_internal_plan_advance(&outer, outer.ndims, coords, &runs.dst, &runs.src));
}

enum { FILL = 4096 };

/** Fills `size` bytes with an element: doubles what is there, and then copies that from cache. */
static void fill(const struct aml_internal_kernels *kernels, char *dst, const char *element,
                 size_t element_size, size_t size, bool streams) {
  size_t filled = element_size;
  memcpy(dst, element, element_size);
  while (filled < size && filled < FILL) {
    const size_t more = filled < size - filled ? filled : size - filled;
    memcpy(dst + filled, dst, more);
    filled += more;
  }
  const size_t period = filled;
  for (size_t more; filled < size; filled += more) {
    more = period < size - filled ? period : size - filled;
    if (streams)
      kernels->stream(dst + filled, dst, more);
    else
      kernels->copy(dst + filled, dst, more);
  }
}

/** Fills the runs that the destination has along the last dimension. */
static void fill_runs(const struct aml_internal_kernels *kernels,
                      const struct aml_internal_plan *plan, bool streams) {
  const size_t last = plan->ndims - 1;
  const size_t size = plan->extent[last] * plan->dst_element_size;
  size_t coords[AML_MAX_DIMS] = {0};
  char *dst = plan->dst;
  const char *src = plan->src;
  do
    fill(kernels, dst, src, plan->dst_element_size, size, streams);
  while (aml_internal_plan_advance(plan, last, coords, &dst, &src));
}

/** Whether the source stands still while the destination runs on. */
static bool is_fill(const struct aml_internal_plan *plan) {
  const size_t last = plan->ndims - 1;
  return plan->run_count == 1 && plan->src_stride[last] == 0 &&
         plan->dst_stride[last] == (ptrdiff_t)plan->dst_element_size;
}

void aml_internal_copy_run(const struct aml_internal_copy_engine *engine,
                           const struct aml_internal_plan *plan, enum aml_dma_use use,
                           size_t whole_size) {
  const struct aml_internal_kernels *const kernels = engine->kernels;
  const size_t run_size = plan->run_count * plan->dst_element_size;
  const size_t size = aml_internal_plan_size(plan);
  const bool streams =
      size >= AML_INTERNAL_MIN_STREAM_SIZE && whole_size >= stream_size_of(engine, use);
  size_t row;
  if (plan->ndims == 0) {
    if (streams)
      kernels->stream(plan->dst, plan->src, size);
    else
      kernels->copy(plan->dst, plan->src, size);
  } else if (is_fill(plan)) {
    fill_runs(kernels, plan, streams);
  } else if (aml_internal_plan_find_transpose(plan, &row)) {
    copy_planes(kernels, plan, row, streams);
  } else if (run_size >= LINE) {
    copy_long_rows(kernels, plan, run_size, streams && has_whole_lines(plan, run_size));
  } else {
    copy_short_runs(plan, run_size);
  }
  if (streams)
    kernels->fence(); // whoever is told that the copy is done must see it
}

// That is so if both tiles have the same strides, and visiting them in order is to go up in
// addresses.
bool aml_internal_copy_can_overlap(const struct aml_internal_plan *plan) {
  ptrdiff_t span = (ptrdiff_t)(plan->run_count * plan->dst_element_size);
  for (size_t d = plan->ndims; d-- > 0;) {
    if (plan->src_stride[d] != plan->dst_stride[d] || plan->dst_stride[d] < span)
      return false;
    span += (ptrdiff_t)(plan->extent[d] - 1) * plan->dst_stride[d];
  }
  return true;
}

void aml_internal_copy_run_overlapping(const struct aml_internal_plan *plan) {
  struct aml_internal_plan it = *plan;
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
  while (aml_internal_plan_advance(&it, it.ndims, coords, &it.dst, &it.src));
}
