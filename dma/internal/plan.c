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

// A plan is cut along its longest dimension, runs counting as one, in pieces of whole pages of a
// run or of as many elements as the loops take at once.

enum { CUT_BYTES = 4096, CUT_ELEMENTS = 64 };

/** The dimension that a plan is cut along; ndims for its runs. */
static size_t find_cut(const struct aml_internal_plan *plan) {
  size_t longest = 0;
  for (size_t d = 1; d < plan->ndims; ++d)
    if (plan->extent[d] > plan->extent[longest])
      longest = d;
  return longest;
}

/** How many elements of the dimension that is cut stay together. */
static size_t grain_of(const struct aml_internal_plan *plan) {
  if (plan->ndims == 0)
    return CUT_BYTES / plan->dst_element_size + (plan->dst_element_size > CUT_BYTES);
  return plan->extent[find_cut(plan)] >= (size_t)CUT_ELEMENTS * CUT_ELEMENTS ? CUT_ELEMENTS : 1;
}

static size_t cut_extent_of(const struct aml_internal_plan *plan) {
  return plan->ndims == 0 ? plan->run_count : plan->extent[find_cut(plan)];
}

size_t aml_internal_plan_parts(const struct aml_internal_plan *plan, size_t size) {
  const size_t wanted = aml_internal_plan_size(plan) / size;
  const size_t grains = cut_extent_of(plan) / grain_of(plan);
  const size_t parts = wanted < grains ? wanted : grains;
  return parts == 0 ? 1 : parts;
}

/** Where the part `index` of `count` begins; the last one ends where all does. */
static size_t begin_of(const struct aml_internal_plan *plan, size_t count, size_t index) {
  if (index == count)
    return cut_extent_of(plan);
  const size_t grain = grain_of(plan);
  const size_t grains = cut_extent_of(plan) / grain;
  // Without a product that could wrap.
  return (grains / count * index + grains % count * index / count) * grain;
}

void aml_internal_plan_part(const struct aml_internal_plan *plan, size_t count, size_t index,
                            struct aml_internal_plan *part) {
  const size_t begin = begin_of(plan, count, index);
  const size_t extent = begin_of(plan, count, index + 1) - begin;
  const size_t d = find_cut(plan);
  *part = *plan;
  if (plan->ndims == 0) {
    part->run_count = extent;
    part->dst += begin * plan->dst_element_size;
    part->src += begin * plan->src_element_size;
    return;
  }
  part->extent[d] = extent;
  part->dst += (ptrdiff_t)begin * plan->dst_stride[d];
  part->src += (ptrdiff_t)begin * plan->src_stride[d];
}
