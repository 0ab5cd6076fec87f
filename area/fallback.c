// SPDX-License-Identifier: BSD-3-Clause
//
// Each mapping has a record that says which area served it, found by address. As for area:tracked,
// the lock is not held while an area works, and a record is out of the set while its mapping is
// given back or resized.

#include "aml/area/fallback.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aml/area/internal/mappings.h"
#include "aml/area/internal/ranges.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/nodeset.h"
#include "area/internal/fallback_state.h"

enum { NONE_OF_THEM = -1 };

static const unsigned BY_HOST = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;

static struct aml_area_fallback *self_of(struct aml_area *area) {
  return (struct aml_area_fallback *)area;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static unsigned capabilities(const struct aml_area *area) {
  const struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  return state == NULL ? 0 : state->capabilities;
}

/** What a member is asked for, so that its granularity becomes the coarsest one. */
static size_t size_for(const struct aml_area_fallback_state *state, size_t index, size_t size) {
  if (state->members[index].granularity != state->granularity)
    (void)aml_checked_round_up(size, state->granularity, &size);
  return size;
}

/** Tries to map from one member; null: it cannot, and `reasons` says why. */
static void *map_from(struct aml_area_fallback_state *state, size_t index, size_t size,
                      const struct aml_area_map_options *options,
                      struct aml_internal_fallback_reasons *reasons) {
  struct aml_internal_fallback_member *const member = &state->members[index];
  struct aml_area_map_options its = *options;
  if (member->granularity != state->granularity)
    its.alignment = larger(its.alignment, state->granularity);
  void *const mapped = aml_area_map(member->area, size_for(state, index, size), &its);
  if (mapped == NULL)
    aml_internal_fallback_add_reason(reasons, index, member->area);
  uint64_t *const count = mapped == NULL ? &member->stats.failures : &member->stats.maps;
  (void)__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
  return mapped;
}

/** Whether the next member is tried after what failed last. */
static bool is_passed_on(const struct aml_area_fallback_state *state,
                         const struct aml_internal_fallback_reasons *reasons) {
  return reasons->err < 0 && reasons->err >= -AML_ESYSTEM &&
         (state->reasons & AML_AREA_FALLBACK_ON(-reasons->err)) != 0;
}

/** Maps from the first member that can, but for the one to skip; *index is its index then. */
static void *map_from_first(struct aml_area_fallback_state *state, int skip, size_t size,
                            const struct aml_area_map_options *options,
                            struct aml_internal_fallback_reasons *reasons, size_t *index) {
  for (size_t i = 0; i < state->count; ++i) {
    if ((int)i == skip)
      continue;
    void *const mapped = map_from(state, i, size, options, reasons);
    if (mapped != NULL)
      *index = i;
    if (mapped != NULL || !is_passed_on(state, reasons))
      return mapped;
  }
  return NULL;
}

static int refuse(const struct aml_internal_fallback_reasons *reasons) {
  return aml_error_set(reasons->err, reasons->call, NULL, reasons->text);
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  size_t rounded = 0;
  int err = aml_internal_fallback_require(call, area, 0);
  if (err)
    return err;
  if (!aml_checked_round_up(size, state->granularity, &rounded))
    return aml_error_set_value(-AML_ENOMEM, call, "size", size, "cannot be rounded up");
  if (options->alignment > state->max_alignment)
    return aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                               "is more than each of the areas can align to");
  struct aml_internal_fallback_record *const record = malloc(sizeof *record);
  if (record == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for a record");
  *record =
      (struct aml_internal_fallback_record){.mapping = {.range = {.size = rounded}, .size = size}};
  struct aml_internal_fallback_reasons reasons = {.call = call, .count = state->count};
  void *const mapped = map_from_first(state, NONE_OF_THEM, size, options, &reasons, &record->index);
  if (mapped == NULL) {
    free(record);
    return refuse(&reasons);
  }
  aml_internal_fallback_put(state, mapped, record);
  *pointer = mapped;
  return 0;
}

/** Gives the memory of a record back to where it came from. */
static int unmap_record(struct aml_area_fallback_state *state,
                        const struct aml_internal_fallback_record *record) {
  return aml_area_unmap(state->members[record->index].area, (void *)record->mapping.range.start,
                        size_for(state, record->index, record->mapping.size));
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  struct aml_internal_fallback_record *record = NULL;
  int err = aml_internal_fallback_require(call, area, 0);
  if (!err)
    err = aml_internal_fallback_take(state, call, pointer, "size", size, &record);
  if (err)
    return err;
  err = unmap_record(state, record);
  if (err)
    aml_internal_fallback_put(state, pointer, record);
  else
    free(record);
  return err;
}

/** Moves a mapping, whose record is out of the set, to another member, by a copy; or null. */
static void *resize_elsewhere(struct aml_area_fallback_state *state,
                              struct aml_internal_fallback_record *record,
                              const struct aml_internal_mapping *wanted,
                              struct aml_internal_fallback_reasons *reasons) {
  static const struct aml_area_map_options defaults = {0};
  struct aml_internal_fallback_record moved = {.mapping = *wanted};
  void *const pointer =
      map_from_first(state, (int)record->index, wanted->size, &defaults, reasons, &moved.index);
  if (pointer == NULL)
    return NULL;
  moved.mapping.range.start = (uintptr_t)pointer;
  const size_t old_size = record->mapping.range.size;
  const size_t new_size = wanted->range.size;
  memcpy(pointer, (void *)record->mapping.range.start, old_size < new_size ? old_size : new_size);
  if (unmap_record(state, record)) {
    aml_internal_fallback_add_reason(reasons, record->index, state->members[record->index].area);
    (void)unmap_record(state, &moved);
    return NULL;
  }
  *record = moved;
  return pointer;
}

/** Resizes a mapping, whose record is out of the set, where it is or else elsewhere. */
static int resize_record(struct aml_area_fallback_state *state,
                         struct aml_internal_fallback_record *record,
                         const struct aml_internal_mapping *wanted, unsigned flags,
                         void **new_pointer) {
  const size_t index = record->index;
  struct aml_area *const inner = state->members[index].area;
  struct aml_internal_fallback_reasons reasons = {.call = "aml_area_resize", .count = state->count};
  void *resized = aml_area_resize(inner, (void *)record->mapping.range.start,
                                  size_for(state, index, record->mapping.size),
                                  size_for(state, index, wanted->size), flags);
  if (resized != NULL) {
    record->mapping = *wanted;
  } else {
    aml_internal_fallback_add_reason(&reasons, index, inner);
    if (state->count > 1 && (flags & AML_AREA_RESIZE_MAY_MOVE) != 0 &&
        (state->capabilities & BY_HOST) == BY_HOST && is_passed_on(state, &reasons))
      resized = resize_elsewhere(state, record, wanted, &reasons);
  }
  if (resized == NULL)
    return refuse(&reasons);
  *new_pointer = resized;
  return 0;
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  struct aml_internal_mapping wanted = {.size = new_size};
  struct aml_internal_fallback_record *record = NULL;
  void *resized = pointer;
  int err = aml_internal_fallback_require(call, area, AML_AREA_CAN_RESIZE);
  if (err)
    return err;
  if (!aml_checked_round_up(new_size, state->granularity, &wanted.range.size))
    return aml_error_set_value(-AML_ENOMEM, call, "new_size", new_size, "cannot be rounded up");
  err = aml_internal_fallback_take(state, call, pointer, "old_size", old_size, &record);
  if (err)
    return err;
  err = resize_record(state, record, &wanted, flags, &resized);
  aml_internal_fallback_put(state, resized, record);
  if (!err)
    *new_pointer = resized;
  return err;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *result) {
  static const char call[] = "aml_area_get_info";
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  struct aml_internal_fallback_record record = {.mapping = {.size = AML_UNKNOWN}};
  struct aml_area_info made = {0};
  int err = aml_internal_fallback_require(call, area, 0);
  if (!err && pointer != NULL && !aml_internal_fallback_find(state, pointer, &record))
    err = aml_error_set(-AML_EINVAL, call, "pointer", "is in no mapping");
  if (err)
    return err;
  err = pointer == NULL ? aml_internal_fallback_whole_info(state, &made)
                        : aml_area_get_info(state->members[record.index].area, pointer, &made);
  if (err)
    return err;
  made.type = aml_area_fallback_ops.name;
  made.capabilities = state->capabilities;
  made.granularity = state->granularity;
  made.max_alignment = state->max_alignment;
  made.size = record.mapping.size;
  *result = made;
  return 0;
}

static void fini(struct aml_area *area) {
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  if (state != NULL) {
    for (struct aml_internal_range *range;
         (range = aml_internal_ranges_from(&state->mappings, 0)) != NULL; free(range))
      aml_internal_ranges_remove(&state->mappings, range);
    (void)pthread_mutex_destroy(&state->lock);
  }
  free(state);
  *self_of(area) = (struct aml_area_fallback){.area = {.ops = &aml_area_fallback_ops}};
}

const struct aml_area_ops aml_area_fallback_ops = {
    .name = "fallback",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .bind = aml_internal_fallback_bind,
    .locate = aml_internal_fallback_locate,
    .move = aml_internal_fallback_move,
    .resize = resize,
    .purge = aml_internal_fallback_purge,
    .sync = aml_internal_fallback_sync,
};

/** Checks the areas, and finds what they have in common. */
static int configure(const char *call, struct aml_area *area, size_t count,
                     struct aml_area *const areas[], struct aml_area_fallback_state *state) {
  struct aml_area_info joined = {0};
  for (size_t i = 0; i < count; ++i) {
    struct aml_area_info next = {0};
    if (areas[i] == NULL || areas[i] == area)
      return aml_error_set_value(-AML_EINVAL, call, "areas: number", i,
                                 "is null, or the area itself");
    const int err = aml_area_get_info(areas[i], NULL, &next);
    if (err)
      return err;
    state->members[i] =
        (struct aml_internal_fallback_member){.area = areas[i], .granularity = next.granularity};
  }
  const int err = aml_internal_fallback_whole_info(state, &joined);
  if (err)
    return err;
  if (joined.granularity > joined.max_alignment)
    return aml_error_set_value(-AML_EINVAL, call, "areas: granularity", joined.granularity,
                               "of one is more than another can align to");
  state->capabilities = joined.capabilities;
  state->granularity = joined.granularity;
  state->max_alignment = joined.max_alignment;
  return 0;
}

static int check_arguments(const char *call, const struct aml_area *area, size_t count,
                           struct aml_area *const areas[], unsigned reasons) {
#define BIT_OF_CODE(name, number, text) | AML_AREA_FALLBACK_ON(number)
  static const unsigned known = 0U AML_ERRORS(BIT_OF_CODE);
#undef BIT_OF_CODE
  if (area == NULL || area->ops != &aml_area_fallback_ops)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "is null, or was not declared by AML_AREA_FALLBACK_DECL");
  if (areas == NULL)
    return aml_error_set(-AML_EINVAL, call, "areas", "is null");
  if (count == 0)
    return aml_error_set(-AML_EINVAL, call, "count", "is 0");
  if ((reasons & ~known) != 0)
    return aml_error_set(-AML_EINVAL, call, "reasons", "has a bit that is no code's");
  return 0;
}

int aml_area_fallback_init(struct aml_area *area, size_t count, struct aml_area *const areas[],
                           const struct aml_area_fallback_options *options) {
  static const char call[] = "aml_area_fallback_init";
  const unsigned reasons = options == NULL ? 0 : options->reasons;
  struct aml_area_fallback_state *state = NULL;
  size_t size;
  int err = check_arguments(call, area, count, areas, reasons);
  if (err)
    return err;
  if (aml_checked_multiply(count, sizeof state->members[0], &size) &&
      aml_checked_add(size, sizeof *state, &size))
    state = malloc(size);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, "count", "of areas is more than memory is there for");
  *state = (struct aml_area_fallback_state){
      .lock = PTHREAD_MUTEX_INITIALIZER,
      .reasons = reasons == 0 ? AML_AREA_FALLBACK_REASONS : reasons,
      .count = count,
  };
  err = configure(call, area, count, areas, state);
  if (err)
    free(state);
  else
    self_of(area)->state = state;
  return err;
}

int aml_area_fallback_create(struct aml_area **area, size_t count, struct aml_area *const areas[],
                             const struct aml_area_fallback_options *options) {
  struct aml_area *const made =
      aml_block_create("aml_area_fallback_create", "area", area, sizeof(struct aml_area_fallback),
                       &aml_area_fallback_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_fallback_init(made, count, areas, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

static int check(const char *call, const struct aml_area *area) {
  if (area == NULL || area->ops != &aml_area_fallback_ops ||
      aml_internal_fallback_state_of(area) == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, of another type, or not initialised");
  return 0;
}

int aml_area_fallback_index_of(struct aml_area *area, const void *pointer, size_t *index) {
  static const char call[] = "aml_area_fallback_index_of";
  struct aml_internal_fallback_record record = {.index = 0};
  const int err = check(call, area);
  if (err)
    return err;
  if (index == NULL)
    return aml_error_set(-AML_EINVAL, call, "index", "is null");
  if (!aml_internal_fallback_find(aml_internal_fallback_state_of(area), pointer, &record))
    return aml_error_set(-AML_ENOENT, call, "pointer", "is in no mapping");
  *index = record.index;
  return 0;
}

int aml_area_fallback_get_stats(struct aml_area *area, size_t index,
                                struct aml_area_fallback_stats *stats) {
  static const char call[] = "aml_area_fallback_get_stats";
  const int err = check(call, area);
  if (err)
    return err;
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  if (index >= state->count)
    return aml_error_set_value(-AML_EINVAL, call, "index", index, "is not of one of the areas");
  if (stats == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  const struct aml_area_fallback_stats *const its = &state->members[index].stats;
  (void)pthread_mutex_lock(&state->lock);
  *stats = (struct aml_area_fallback_stats){
      .live_count = its->live_count,
      .live_size = its->live_size,
      .maps = __atomic_load_n(&its->maps, __ATOMIC_RELAXED),
      .failures = __atomic_load_n(&its->failures, __ATOMIC_RELAXED),
  };
  (void)pthread_mutex_unlock(&state->lock);
  return 0;
}
