// SPDX-License-Identifier: BSD-3-Clause
//
// Reducing a pair of strided arrays is what loop optimisers do: drop loops of one turn, make all
// destination strides positive, order loops by them, and coalesce (Allen and Kennedy, Optimizing
// Compilers for Modern Architectures, chapter 5).

#include "aml/dma/internal/plan.h"

#include <stdint.h>
#include <string.h>

void aml_internal_plan_drop(struct aml_internal_plan *plan, size_t d) {
  for (--plan->ndims; d < plan->ndims; ++d) {
    plan->extent[d] = plan->extent[d + 1];
    plan->dst_stride[d] = plan->dst_stride[d + 1];
    plan->src_stride[d] = plan->src_stride[d + 1];
  }
}

/** Adds a dimension where its stride belongs, running it backwards if that stride is negative. */
static void add_dimension(struct aml_internal_plan *plan, size_t extent, ptrdiff_t dst_stride,
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
static void coalesce(struct aml_internal_plan *plan) {
  for (size_t d = plan->ndims; d-- > 1;) {
    const ptrdiff_t extent = (ptrdiff_t)plan->extent[d];
    ptrdiff_t dst;
    ptrdiff_t src;
    if (__builtin_mul_overflow(extent, plan->dst_stride[d], &dst) ||
        __builtin_mul_overflow(extent, plan->src_stride[d], &src) ||
        plan->dst_stride[d - 1] != dst || plan->src_stride[d - 1] != src)
      continue;
    plan->extent[d] *= plan->extent[d - 1];
    aml_internal_plan_drop(plan, d - 1);
  }
}

static void make(const struct aml_tile *dst, const struct aml_tile *src,
                 struct aml_internal_plan *plan) {
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

// What the caller keeps: the shape that it is for, and the plan, whose addresses are offsets from
// those of the tiles. Filled once, by whoever is first, and only read afterwards.

enum kept_state { EMPTY, BEING_FILLED, FULL };

struct kept {
  uint64_t state; /**< enum kept_state; atomic */
  size_t ndims;
  size_t extent[AML_MAX_DIMS];
  ptrdiff_t dst_stride[AML_MAX_DIMS];
  ptrdiff_t src_stride[AML_MAX_DIMS];
  ptrdiff_t dst_offset;
  ptrdiff_t src_offset;
  struct aml_internal_plan plan;
};

_Static_assert(sizeof(struct kept) <= sizeof(struct aml_dma_plan), "what is kept fits");

/** Whether what is kept is for such tiles. */
static bool is_for(const struct kept *kept, const struct aml_tile *dst,
                   const struct aml_tile *src) {
  if (kept->ndims != dst->ndims || kept->plan.dst_element_size != dst->element_size ||
      kept->plan.src_element_size != src->element_size)
    return false;
  bool is_same = true;
  for (size_t d = 0; d < dst->ndims; ++d)
    is_same &= kept->extent[d] == dst->extent[d] && kept->dst_stride[d] == dst->stride_bytes[d] &&
               kept->src_stride[d] == src->stride_bytes[d];
  return is_same;
}

static void keep(struct kept *kept, const struct aml_tile *dst, const struct aml_tile *src,
                 const struct aml_internal_plan *plan) {
  uint64_t expected = EMPTY;
  if (!__atomic_compare_exchange_n(&kept->state, &expected, BEING_FILLED, false, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED))
    return;
  kept->ndims = dst->ndims;
  memcpy(kept->extent, dst->extent, sizeof kept->extent);
  memcpy(kept->dst_stride, dst->stride_bytes, sizeof kept->dst_stride);
  memcpy(kept->src_stride, src->stride_bytes, sizeof kept->src_stride);
  kept->plan = *plan;
  kept->dst_offset = plan->dst - (char *)dst->base;
  kept->src_offset = plan->src - (const char *)src->base;
  __atomic_store_n(&kept->state, FULL, __ATOMIC_RELEASE);
}

void aml_internal_plan_make(const struct aml_tile *dst, const struct aml_tile *src,
                            struct aml_dma_plan *kept, struct aml_internal_plan *plan) {
  struct kept *const own = (struct kept *)kept;
  if (own == NULL) {
    make(dst, src, plan);
  } else if (__atomic_load_n(&own->state, __ATOMIC_ACQUIRE) == FULL && is_for(own, dst, src)) {
    *plan = own->plan;
    plan->dst = (char *)dst->base + own->dst_offset;
    plan->src = (const char *)src->base + own->src_offset;
  } else {
    make(dst, src, plan);
    keep(own, dst, src, plan);
  }
}

size_t aml_internal_plan_size(const struct aml_internal_plan *plan) {
  size_t size = plan->run_count * plan->dst_element_size;
  for (size_t d = 0; d < plan->ndims; ++d)
    size *= plan->extent[d];
  return size;
}

bool aml_internal_plan_find_transpose(const struct aml_internal_plan *plan, size_t *row) {
  const ptrdiff_t size = (ptrdiff_t)plan->dst_element_size;
  if (plan->ndims < 2 || plan->run_count != 1 || plan->dst_stride[plan->ndims - 1] != size)
    return false;
  for (size_t d = plan->ndims - 1; d-- > 0;) {
    if (plan->src_stride[d] != (ptrdiff_t)plan->src_element_size)
      continue;
    *row = d;
    return true;
  }
  return false;
}

// A plan is cut along its slowest dimension that makes enough pieces, runs counting as the last
// one. Where rows are pages of the source, the rows of a transpose are cut too: so each part is
// what a thread would visit in one go, had it all.

enum { CUT_BYTES = 4096, CUT_ELEMENTS = 64 };

/** A dimension, plan->ndims being its runs, in `count` pieces of whole grains. */
struct cut {
  size_t dimension;
  size_t grain;
  size_t count;
};

static size_t extent_of(const struct aml_internal_plan *plan, size_t d) {
  return d < plan->ndims ? plan->extent[d] : plan->run_count;
}

/** How many elements stay together: pages of a run, or as many as the loops take at once. */
static size_t grain_of(const struct aml_internal_plan *plan, size_t d, bool is_transpose) {
  if (d == plan->ndims)
    return plan->dst_element_size < CUT_BYTES ? CUT_BYTES / plan->dst_element_size : 1;
  const bool is_column = is_transpose && d == plan->ndims - 1;
  const bool is_long = plan->extent[d] >= (size_t)CUT_ELEMENTS * CUT_ELEMENTS;
  return is_column || is_long ? CUT_ELEMENTS : 1;
}

/** Cuts the rows of a transpose in at most `count` pieces of about a page of the source. */
static struct cut cut_rows(const struct aml_internal_plan *plan, size_t row, size_t count) {
  const size_t page = grain_of(plan, plan->ndims, true);
  const size_t pages = plan->extent[row] / page + (plan->extent[row] % page != 0);
  const size_t grains = plan->extent[row] / CUT_ELEMENTS;
  size_t most = pages < grains ? pages : grains;
  most = most < count ? most : count;
  return (struct cut){row, CUT_ELEMENTS, most == 0 ? 1 : most};
}

/** Cuts another dimension than `row`, if there is such a row, in at most `count` pieces. */
static struct cut cut_other(const struct aml_internal_plan *plan, size_t row, size_t count) {
  struct cut best = {plan->ndims, 1, 0};
  for (size_t d = 0; d <= plan->ndims && best.count < count; ++d) {
    const size_t grain = grain_of(plan, d, row < plan->ndims);
    const size_t grains = extent_of(plan, d) / grain;
    if (d != row && (grains > best.count || best.count == 0))
      best = (struct cut){d, grain, grains < count ? grains : count};
  }
  best.count += best.count == 0;
  return best;
}

/** Cuts a plan in at most `count` parts, of which there are cuts[0].count times cuts[1].count. */
static void cut_all(const struct aml_internal_plan *plan, size_t count, struct cut cuts[2]) {
  size_t row = SIZE_MAX;
  cuts[0] = (struct cut){plan->ndims, 1, 1};
  if (aml_internal_plan_find_transpose(plan, &row))
    cuts[0] = cut_rows(plan, row, count);
  cuts[1] = cut_other(plan, row, count / cuts[0].count);
}

size_t aml_internal_plan_parts(const struct aml_internal_plan *plan, size_t size, size_t most) {
  const size_t fitting = aml_internal_plan_size(plan) / size;
  const size_t wanted = fitting < most ? fitting : most;
  struct cut cuts[2];
  cut_all(plan, wanted == 0 ? 1 : wanted, cuts);
  return cuts[0].count * cuts[1].count;
}

/** Where a piece begins; the one behind the last begins where all ends. */
static size_t begin_of(const struct aml_internal_plan *plan, const struct cut *cut, size_t index) {
  const size_t extent = extent_of(plan, cut->dimension);
  const size_t grains = extent / cut->grain;
  if (index == cut->count)
    return extent;
  // Without a product that could wrap.
  return (grains / cut->count * index + grains % cut->count * index / cut->count) * cut->grain;
}

/** Leaves a piece of a plan. */
static void keep_piece(struct aml_internal_plan *plan, const struct cut *cut, size_t index) {
  const size_t d = cut->dimension;
  const size_t begin = begin_of(plan, cut, index);
  const size_t extent = begin_of(plan, cut, index + 1) - begin;
  if (d == plan->ndims) {
    plan->run_count = extent;
    plan->dst += begin * plan->dst_element_size;
    plan->src += begin * plan->src_element_size;
    return;
  }
  plan->extent[d] = extent;
  plan->dst += (ptrdiff_t)begin * plan->dst_stride[d];
  plan->src += (ptrdiff_t)begin * plan->src_stride[d];
}

void aml_internal_plan_part(const struct aml_internal_plan *plan, size_t count, size_t index,
                            struct aml_internal_plan *part) {
  struct cut cuts[2];
  cut_all(plan, count, cuts);
  *part = *plan;
  keep_piece(part, &cuts[0], index / cuts[1].count);
  keep_piece(part, &cuts[1], index % cuts[1].count);
}

char *aml_internal_plan_middle(const struct aml_internal_plan *plan) {
  char *middle = plan->dst + plan->run_count / 2 * plan->dst_element_size;
  for (size_t d = 0; d < plan->ndims; ++d)
    middle += (ptrdiff_t)(plan->extent[d] / 2) * plan->dst_stride[d];
  return middle;
}
