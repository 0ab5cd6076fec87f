// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/source.h"

#include <stdint.h>

#include "aml/arena/internal/poison.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

static int check_options(const char *call, const struct aml_area *area,
                         const struct aml_internal_source_options *options) {
  if (options->region == NULL && options->region_size != 0)
    return aml_error_set(-AML_EINVAL, call, "region", "is null, yet region_size is not 0");
  if (options->region == NULL)
    return area != NULL
               ? 0
               : aml_error_set(-AML_EINVAL, call, "area", "is null, and there is no region");
  if (options->region_size == 0)
    return aml_error_set(-AML_EINVAL, call, "region_size", "is 0");
  if (options->region_size > UINTPTR_MAX - (uintptr_t)options->region)
    return aml_error_set(-AML_EINVAL, call, "region_size", "reaches past the range of addresses");
  if (options->chunk_size != 0 || options->limit != 0)
    return aml_error_set(-AML_EINVAL, call, "region",
                         "never grows, so chunk_size and limit must be 0");
  return 0;
}

int aml_internal_source_init(struct aml_internal_source *source, const char *call,
                             struct aml_area *area,
                             const struct aml_internal_source_options *options,
                             size_t default_chunk_size) {
  struct aml_area_info info = {.capabilities = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE,
                               .granularity = 1,
                               .max_alignment = 1,
                               .page_size = 1};
  int err = check_options(call, area, options);
  if (!err && area != NULL)
    err = aml_area_get_info(area, NULL, &info);
  if (err)
    return err;
  *source = (struct aml_internal_source){
      .area = area,
      .chunk_size = options->chunk_size == 0 ? default_chunk_size : options->chunk_size,
      .limit = options->limit == 0 ? SIZE_MAX : options->limit,
      .reserved_size = options->region_size,
      .granularity = info.granularity,
      .max_alignment = info.max_alignment,
      .page_size = info.page_size,
      .is_region = options->region != NULL,
      .is_readable = (info.capabilities & AML_AREA_HOST_READABLE) != 0,
      .is_writable = (info.capabilities & AML_AREA_HOST_WRITABLE) != 0,
      .is_zeroed = (info.capabilities & AML_AREA_ZEROED) != 0 && options->region == NULL,
      .can_purge = (info.capabilities & AML_AREA_CAN_PURGE) != 0,
  };
  return 0;
}

/** A chunk that is to be mapped, in bytes. */
struct plan {
  size_t alignment;
  size_t least; /**< that hold the block */
  size_t size;  /**< that it is to have */
};

/** Plans a chunk for a block: as large as chunks are to be, but within the limit. */
static int plan_chunk(const struct aml_internal_source *source, size_t size, size_t alignment,
                      struct plan *plan) {
  const size_t room = (source->limit - source->reserved_size) & ~(source->granularity - 1);
  plan->alignment = alignment;
  if (alignment > source->max_alignment) {
    plan->alignment = source->max_alignment;
    if (!aml_checked_add(size, alignment - source->max_alignment, &size))
      size = SIZE_MAX;
  }
  // A block of no bytes needs a chunk too.
  if (!aml_checked_round_up(size == 0 ? 1 : size, source->granularity, &plan->least))
    return aml_error_set(-AML_ENOMEM, "aml_arena_alloc", "size",
                         "is larger than the range of addresses");
  if (plan->least > room)
    return aml_error_set(-AML_ENOMEM, "aml_arena_alloc", NULL, "the arena's limit is reached");
  if (!aml_checked_round_up(source->chunk_size, source->granularity, &plan->size) ||
      plan->size > room)
    plan->size = room;
  if (plan->size < plan->least)
    plan->size = plan->least;
  return 0;
}

void *aml_internal_source_map(struct aml_internal_source *source, const char *label, size_t size,
                              size_t alignment, size_t *chunk_size) {
  struct plan plan = {0};
  if (source->is_region) {
    (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", NULL, "the arena's region is full");
    return NULL;
  }
  if (plan_chunk(source, size, alignment, &plan))
    return NULL;
  const struct aml_area_map_options options = {
      .alignment = plan.alignment, .flags = source->map_flags, .label = label};
  void *base = aml_area_map(source->area, plan.size, &options);
  if (base == NULL && aml_error_code() == -AML_ENOMEM && plan.least < plan.size) {
    plan.size = plan.least;
    base = aml_area_map(source->area, plan.size, &options);
  }
  if (base == NULL)
    return NULL;
  source->reserved_size += plan.size;
  *chunk_size = plan.size;
  return base;
}

bool aml_internal_source_fits(const struct aml_internal_source *source, size_t size,
                              size_t alignment, size_t returned) {
  struct aml_internal_source then = *source;
  struct plan plan = {0};
  then.reserved_size -= returned;
  return !source->is_region && plan_chunk(&then, size, alignment, &plan) == 0;
}

int aml_internal_source_unmap(struct aml_internal_source *source, void *base, size_t chunk_size) {
  const int err = aml_area_unmap(source->area, base, chunk_size);
  if (err)
    return err;
  // Whoever is given these addresses next may touch them.
  aml_internal_poison_none(base, chunk_size);
  source->reserved_size -= chunk_size;
  return 0;
}
