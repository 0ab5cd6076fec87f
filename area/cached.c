// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/cached.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "aml/area/internal/forward.h"
#include "aml/area/internal/mappings.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "area/internal/kept.h"
#include "area/internal/renew.h"

_Static_assert(offsetof(struct aml_area_cached, inner) ==
                   offsetof(struct aml_internal_forward, inner),
               "begins as every wrapper");

typedef struct aml_internal_kept_record record_type;

struct aml_area_cached_state {
  pthread_mutex_t lock; /**< guards what changes */
  size_t max_alignment; /**< of the inner area */
  size_t max_size;
  int64_t max_age_ns;
  struct aml_internal_ranges live;
  struct aml_internal_kept kept;
  uint64_t hits;
  uint64_t misses;
  uint64_t evictions;
};

typedef struct aml_area_cached_state cached_state;

static struct aml_area_cached *self_of(struct aml_area *area) {
  return (struct aml_area_cached *)area;
}

/** Refuses what is no initialised area of this type. */
static int check(const char *call, const struct aml_area *area) {
  if (area == NULL || area->ops != &aml_area_cached_ops ||
      ((const struct aml_area_cached *)area)->inner == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, of another type, or not initialised");
  return 0;
}

static void *pointer_of(const record_type *record) {
  return (void *)record->mapping.range.start; // NOLINT(performance-no-int-to-ptr)
}

static int64_t now_ns(const cached_state *state) {
  struct timespec now = {0};
  if (state->max_age_ns != 0)
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** Makes a mapping live, under the lock; of what it overlaps, which is none any more, frees
 * records. */
static void put(cached_state *state, const void *pointer, record_type *record) {
  for (struct aml_internal_mapping *stale;
       (stale = aml_internal_mappings_put(&state->live, pointer, &record->mapping)) != NULL;)
    free(stale);
}

/** Takes out the oldest record if more is kept than `size`, or it is too old; else null. */
static record_type *next_to_evict(cached_state *state, size_t size, int64_t now) {
  record_type *const oldest = aml_internal_kept_oldest(&state->kept);
  if (oldest == NULL)
    return NULL;
  const bool is_old = state->max_age_ns != 0 && now - oldest->released_ns >= state->max_age_ns;
  if (state->kept.size <= size && !is_old)
    return NULL;
  aml_internal_kept_remove(&state->kept, oldest);
  return oldest;
}

/** Gives a record's mapping back, or keeps it as the youngest if the inner area refuses. */
static int evict_one(struct aml_area_cached *self, record_type *record) {
  cached_state *const state = self->state;
  const int err = aml_area_unmap(self->inner, pointer_of(record), record->mapping.range.size);
  (void)pthread_mutex_lock(&state->lock);
  if (err)
    aml_internal_kept_add(&state->kept, record, true);
  else
    ++state->evictions;
  (void)pthread_mutex_unlock(&state->lock);
  if (!err)
    free(record);
  return err;
}

/** Gives back what is kept beyond `size` or too old; tries each once, and tells the last refusal.
 */
static int evict(struct aml_area_cached *self, size_t size) {
  cached_state *const state = self->state;
  const int64_t now = now_ns(state);
  int err = 0;
  (void)pthread_mutex_lock(&state->lock);
  size_t left = state->kept.count;
  (void)pthread_mutex_unlock(&state->lock);
  for (; left != 0; --left) {
    (void)pthread_mutex_lock(&state->lock);
    record_type *const record = next_to_evict(state, size, now);
    (void)pthread_mutex_unlock(&state->lock);
    if (record == NULL)
      break;
    const int refused = evict_one(self, record);
    err = refused ? refused : err;
  }
  return err;
}

/** Makes the first kept mapping of a size, and aligned as asked, live again; or null. */
static record_type *reuse(cached_state *state, size_t size, size_t alignment) {
  (void)pthread_mutex_lock(&state->lock);
  record_type *const found = aml_internal_kept_find(&state->kept, size, alignment);
  if (found != NULL) {
    aml_internal_kept_remove(&state->kept, found);
    put(state, pointer_of(found), found);
    ++state->hits;
  }
  (void)pthread_mutex_unlock(&state->lock);
  return found;
}

/** Maps from the inner area; gives back what is kept before it fails for lack of room. */
static void *map_inner(struct aml_area_cached *self, size_t size,
                       const struct aml_area_map_options *options) {
  struct aml_area_map_options ours = *options;
  // The caller's label may be gone while the mapping is kept.
  ours.label = "aml_area_cached";
  void *const pointer = aml_area_map(self->inner, size, &ours);
  const int err = pointer == NULL ? aml_error_code() : 0;
  // What is kept may be what is in the way, of memory or of an exact address.
  if (err != -AML_ENOMEM && err != -AML_ENOSPC && err != -AML_EEXIST)
    return pointer;
  (void)evict(self, 0);
  return aml_area_map(self->inner, size, &ours);
}

/** Maps anew, and records it. */
static int map_new(struct aml_area_cached *self, size_t size,
                   const struct aml_area_map_options *options, void **pointer) {
  static const char call[] = "aml_area_map";
  cached_state *const state = self->state;
  record_type *const record = calloc(1, sizeof *record);
  if (record == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the record of the mapping");
  record->mapping.size = size;
  record->mapping.range.size = size;
  void *const mapped = map_inner(self, size, options);
  if (mapped == NULL) {
    free(record);
    return aml_error_code();
  }
  (void)pthread_mutex_lock(&state->lock);
  put(state, mapped, record);
  ++state->misses;
  (void)pthread_mutex_unlock(&state->lock);
  *pointer = mapped;
  return 0;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  struct aml_area_cached *const self = self_of(area);
  const int refused = check(call, area);
  if (refused)
    return refused;
  if (!aml_checked_round_up(size, self->state->kept.granularity, &size))
    return aml_error_set(-AML_ENOMEM, call, "size", "is too large to be rounded up");
  if (self->state->max_age_ns != 0)
    (void)evict(self, self->state->max_size);
  const bool can_reuse = options->hint == NULL &&
                         options->alignment <= self->state->max_alignment &&
                         aml_internal_can_renew(self->inner, options);
  record_type *const record = can_reuse ? reuse(self->state, size, options->alignment) : NULL;
  if (record == NULL)
    return map_new(self, size, options, pointer);
  const int err = aml_internal_renew(self->inner, pointer_of(record), size, options);
  if (err) {
    (void)aml_area_unmap(area, pointer_of(record), size);
    return err;
  }
  *pointer = pointer_of(record);
  return 0;
}

/** Takes a live mapping out of those that are. */
static int take(struct aml_area *area, const char *call, const void *pointer, const char *size_name,
                size_t size, record_type **record) {
  cached_state *const state = self_of(area)->state;
  struct aml_internal_mapping *mapping = NULL;
  int err = check(call, area);
  if (err)
    return err;
  (void)pthread_mutex_lock(&state->lock);
  err = aml_internal_mappings_take(&state->live, call, pointer, size_name, size,
                                   state->kept.granularity, &mapping);
  (void)pthread_mutex_unlock(&state->lock);
  *record = (record_type *)mapping;
  return err;
}

/** Makes a mapping that was taken live again, where it was or elsewhere. */
static void put_back(cached_state *state, const void *pointer, record_type *record) {
  (void)pthread_mutex_lock(&state->lock);
  put(state, pointer, record);
  (void)pthread_mutex_unlock(&state->lock);
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  struct aml_area_cached *const self = self_of(area);
  cached_state *const state = self->state;
  record_type *record = NULL;
  int err = take(area, call, pointer, "size", size, &record);
  if (err)
    return err;
  if (record->is_changed || record->mapping.range.size > state->max_size) {
    err = aml_area_unmap(self->inner, pointer, size);
    if (err)
      put_back(state, pointer, record);
    else
      free(record);
    return err;
  }
  record->released_ns = now_ns(state);
  (void)pthread_mutex_lock(&state->lock);
  aml_internal_kept_add(&state->kept, record, true);
  const bool is_over = state->kept.size > state->max_size || state->max_age_ns != 0;
  (void)pthread_mutex_unlock(&state->lock);
  if (is_over)
    (void)evict(self, state->max_size);
  return 0;
}

/** Records that a mapping is to go back to the inner area, as it will not be as fresh ones are. */
static int change(struct aml_area *area, const char *call, size_t count, void *const pointers[]) {
  cached_state *const state = self_of(area)->state;
  size_t known = 0;
  const int err = check(call, area);
  if (err)
    return err;
  (void)pthread_mutex_lock(&state->lock);
  for (; known < count; ++known) {
    struct aml_internal_mapping *const mapping =
        aml_internal_mappings_find(&state->live, pointers[known]);
    if (mapping == NULL)
      break;
    ((record_type *)mapping)->is_changed = true;
  }
  (void)pthread_mutex_unlock(&state->lock);
  return known == count ? 0 : aml_error_set(-AML_EINVAL, call, "pointer", "is in no mapping");
}

static int bind_range(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
                      const struct aml_nodeset *devices, unsigned flags) {
  const int err = change(area, "aml_area_bind", 1, &pointer);
  return err ? err : aml_internal_forward_bind(area, pointer, size, policy, devices, flags);
}

static int move(struct aml_area *area, size_t count, void *const pointers[], const int devices[],
                int results[]) {
  const int err = change(area, "aml_area_move", count, pointers);
  return err ? err : aml_internal_forward_move(area, count, pointers, devices, results);
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  struct aml_area_cached *const self = self_of(area);
  record_type *record = NULL;
  void *resized = pointer;
  int err = take(area, call, pointer, "old_size", old_size, &record);
  if (err)
    return err;
  err = aml_internal_forward_resize(area, pointer, old_size, new_size, flags, &resized);
  if (!err) {
    // What could be mapped can be rounded up.
    (void)aml_checked_round_up(new_size, self->state->kept.granularity,
                               &record->mapping.range.size);
    *new_pointer = resized;
  }
  put_back(self->state, resized, record);
  return err;
}

/** Frees the state, and the records of live mappings, which are left to the inner area. */
static void free_state(cached_state *state) {
  for (struct aml_internal_range *at; (at = aml_internal_ranges_from(&state->live, 0)) != NULL;) {
    aml_internal_ranges_remove(&state->live, at);
    free((record_type *)at);
  }
  for (record_type *at; (at = aml_internal_kept_oldest(&state->kept)) != NULL;) {
    aml_internal_kept_remove(&state->kept, at);
    free(at);
  }
  (void)pthread_mutex_destroy(&state->lock);
  free(state);
}

static void fini(struct aml_area *area) {
  struct aml_area_cached *const self = self_of(area);
  if (self->inner != NULL) {
    (void)evict(self, 0);
    free_state(self->state);
  }
  *self = (struct aml_area_cached){.area = {.ops = &aml_area_cached_ops}};
}

const struct aml_area_ops aml_area_cached_ops = {
    .name = "cached",
    .fini = fini,
    .capabilities = aml_internal_forward_capabilities,
    .map = map,
    .unmap = unmap,
    .info = aml_internal_forward_info,
    .bind = bind_range,
    .locate = aml_internal_forward_locate,
    .move = move,
    .resize = resize,
    .purge = aml_internal_forward_purge,
    .sync = aml_internal_forward_sync,
};

int aml_area_cached_init(struct aml_area *area, struct aml_area *inner,
                         const struct aml_area_cached_options *options) {
  static const char call[] = "aml_area_cached_init";
  static const struct aml_area_cached_options defaults = {0};
  static const size_t default_size = (size_t)256 << 20;
  size_t granularity = 0;
  struct aml_area_info info = {0};
  int err = aml_internal_forward_check(call, area, &aml_area_cached_ops, inner, &granularity);
  if (!err)
    err = aml_area_get_info(inner, NULL, &info);
  if (err)
    return err;
  if (options == NULL)
    options = &defaults;
  cached_state *const state = malloc(sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the state of the area");
  const uint64_t age = options->max_age_ns;
  // What others see or a file holds would not be as fresh when it is used again.
  const bool is_private =
      (info.capabilities & (unsigned)(AML_AREA_SHARED | AML_AREA_FILE_BACKED)) == 0;
  const size_t max_size = options->max_size ? options->max_size : default_size;
  *state = (cached_state){.lock = PTHREAD_MUTEX_INITIALIZER,
                          .max_alignment = info.max_alignment,
                          .max_size = is_private ? max_size : 0,
                          .max_age_ns = age > INT64_MAX ? INT64_MAX : (int64_t)age};
  aml_internal_kept_init(&state->kept, granularity);
  *self_of(area) = (struct aml_area_cached){.area = *area, .inner = inner, .state = state};
  return 0;
}

int aml_area_cached_create(struct aml_area **area, struct aml_area *inner,
                           const struct aml_area_cached_options *options) {
  struct aml_area *const made = aml_block_create(
      "aml_area_cached_create", "area", area, sizeof(struct aml_area_cached), &aml_area_cached_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_cached_init(made, inner, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

int aml_area_cached_trim(struct aml_area *area, size_t keep_size) {
  const int err = check("aml_area_cached_trim", area);
  return err ? err : evict(self_of(area), keep_size);
}

int aml_area_cached_get_stats(struct aml_area *area, struct aml_area_cached_stats *stats) {
  static const char call[] = "aml_area_cached_get_stats";
  const int err = check(call, area);
  if (err)
    return err;
  if (stats == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  cached_state *const state = self_of(area)->state;
  (void)pthread_mutex_lock(&state->lock);
  *stats = (struct aml_area_cached_stats){.hits = state->hits,
                                          .misses = state->misses,
                                          .evictions = state->evictions,
                                          .kept_count = state->kept.count,
                                          .kept_size = state->kept.size};
  (void)pthread_mutex_unlock(&state->lock);
  return 0;
}
