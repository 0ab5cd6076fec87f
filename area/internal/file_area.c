// SPDX-License-Identifier: BSD-3-Clause
//
// Which addresses are which piece of the file.

#include "aml/area/internal/file_area.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "aml/area/internal/extents.h"
#include "aml/area/internal/file_state.h"
#include "aml/area/internal/mappings.h"
#include "aml/area/internal/ranges.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

typedef struct aml_area_file_state file_state;

/** A mapping, by address, and its piece of the file. */
struct record {
  struct aml_internal_mapping mapping;
  struct aml_internal_mapping *piece;
};

static file_state *state_of(const struct aml_area *area) {
  return ((const struct aml_internal_file_area *)area)->state;
}

int aml_internal_file_area_check(const char *call, const struct aml_area *area) {
  if (area == NULL || area->ops->map != aml_internal_file_area_map || state_of(area) == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, of another type, or not initialised");
  return 0;
}

unsigned aml_internal_file_area_capabilities(const struct aml_area *area) {
  const file_state *const state = state_of(area);
  if (state == NULL)
    return 0;
  unsigned result = AML_AREA_HOST_READABLE | AML_AREA_FILE_BACKED | AML_AREA_CAN_RESIZE;
  if (!state->is_read_only)
    result |= AML_AREA_HOST_WRITABLE;
  if (!state->is_private)
    result |= AML_AREA_SHARED | (area->ops->sync != NULL ? AML_AREA_CAN_SYNC : 0);
  if (state->is_made)
    result |= AML_AREA_ZEROED;
  return result;
}

/** Makes a record findable; one that it overlaps is of what was unmapped past the area. */
static void put(file_state *state, void *pointer, struct record *record) {
  for (struct aml_internal_mapping *stale;
       (stale = aml_internal_mappings_put(&state->live, pointer, &record->mapping)) != NULL;) {
    aml_internal_extents_give(&state->extents, ((struct record *)stale)->piece);
    free(stale);
  }
}

static int refuse_room(const char *call, enum aml_internal_extents_result result, bool is_placed,
                       const char *size_name, size_t size) {
  if (result == AML_INTERNAL_EXTENTS_NO_MEMORY)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the record of a mapping");
  if (is_placed)
    return aml_error_set(-AML_EBUSY, call, "offset",
                         "and size are not in the range, or partly mapped already");
  return aml_error_set_value(-AML_ENOMEM, call, size_name, size,
                             "is more than there is room for in the range");
}

static int check_options(const file_state *state, const char *call,
                         const struct aml_area_map_options *options) {
  if (options->alignment > AML_INTERNAL_FILE_MAX_ALIGNMENT)
    return aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                               "is more than 1 GiB");
  const size_t alignment =
      options->alignment > state->page_size ? options->alignment : state->page_size;
  if ((options->flags & AML_AREA_MAP_EXACT) != 0 && (uintptr_t)options->hint % alignment != 0)
    return aml_error_set(-AML_EINVAL, call, "hint", "is not aligned as AML_AREA_MAP_EXACT needs");
  return 0;
}

/** Has a piece's part of the file, and maps it. */
static int map_piece(file_state *state, const char *call, struct record *record, bool is_placed,
                     const struct aml_area_map_options *options, void **pointer) {
  const struct aml_internal_range *const range = &record->piece->range;
  const bool is_dirty = is_placed || (options->flags & AML_AREA_MAP_NO_ZERO) != 0;
  int err = aml_internal_file_have(state, call, range->start, range->size, is_dirty);
  if (!err)
    err = aml_internal_file_map(state, call, range->start, range->size, options, pointer);
  if (!err && !is_dirty && state->is_cleared_by_stores)
    memset(*pointer, 0, range->size);
  return err;
}

/** Maps the first piece that there is, or the one at *offset. */
static int map_any(file_state *state, const char *call, const uint64_t *offset, size_t size,
                   const struct aml_area_map_options *options, void **pointer) {
  size_t rounded = 0;
  if (!aml_checked_round_up(size, state->page_size, &rounded))
    return refuse_room(call, AML_INTERNAL_EXTENTS_NO_ROOM, false, "size", size);
  struct record *const record = calloc(1, sizeof *record);
  if (record == NULL)
    return refuse_room(call, AML_INTERNAL_EXTENTS_NO_MEMORY, false, "size", size);
  record->mapping.size = size;
  record->mapping.range.size = rounded;
  (void)pthread_mutex_lock(&state->lock);
  const enum aml_internal_extents_result result =
      offset != NULL
          ? aml_internal_extents_take_at(&state->extents, *offset, rounded, &record->piece)
          : aml_internal_extents_take(&state->extents, rounded, state->page_size, &record->piece);
  (void)pthread_mutex_unlock(&state->lock);
  const int err = result != AML_INTERNAL_EXTENTS_OK
                      ? refuse_room(call, result, offset != NULL, "size", size)
                      : map_piece(state, call, record, offset != NULL, options, pointer);
  (void)pthread_mutex_lock(&state->lock);
  if (!err)
    put(state, *pointer, record);
  else if (result == AML_INTERNAL_EXTENTS_OK)
    aml_internal_extents_give(&state->extents, record->piece);
  (void)pthread_mutex_unlock(&state->lock);
  if (err)
    free(record);
  return err;
}

int aml_internal_file_area_map(struct aml_area *area, size_t size,
                               const struct aml_area_map_options *options, void **pointer) {
  static const char call[] = "aml_area_map";
  int err = aml_internal_file_area_check(call, area);
  if (!err)
    err = check_options(state_of(area), call, options);
  void *mapped = NULL;
  if (!err)
    err = map_any(state_of(area), call, NULL, size, options, &mapped);
  if (!err)
    *pointer = mapped;
  return err;
}

/** Takes a record out of those that are found. */
static int take(struct aml_area *area, const char *call, const void *pointer, const char *size_name,
                size_t size, struct record **record) {
  file_state *const state = state_of(area);
  struct aml_internal_mapping *mapping = NULL;
  int err = aml_internal_file_area_check(call, area);
  if (err)
    return err;
  (void)pthread_mutex_lock(&state->lock);
  err = aml_internal_mappings_take(&state->live, call, pointer, size_name, size, state->page_size,
                                   &mapping);
  (void)pthread_mutex_unlock(&state->lock);
  *record = (struct record *)mapping;
  return err;
}

int aml_internal_file_area_unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  file_state *const state = state_of(area);
  struct record *record = NULL;
  int err = take(area, call, pointer, "size", size, &record);
  if (err)
    return err;
  if (munmap(pointer, record->mapping.range.size) != 0)
    err = aml_internal_file_refuse(state, call, "munmap", errno);
  else
    aml_internal_file_drop(state, record->piece->range.start, record->piece->range.size);
  (void)pthread_mutex_lock(&state->lock);
  if (err)
    put(state, pointer, record);
  else
    aml_internal_extents_give(&state->extents, record->piece);
  (void)pthread_mutex_unlock(&state->lock);
  if (!err)
    free(record);
  return err;
}

/** Changes the size of a piece; under no lock. */
static int resize_piece(file_state *state, struct aml_internal_mapping *piece, size_t rounded,
                        size_t size) {
  (void)pthread_mutex_lock(&state->lock);
  const enum aml_internal_extents_result result =
      aml_internal_extents_resize(&state->extents, piece, rounded);
  (void)pthread_mutex_unlock(&state->lock);
  return result == AML_INTERNAL_EXTENTS_OK
             ? 0
             : refuse_room("aml_area_resize", result, false, "new_size", size);
}

/** Grows or shrinks a mapping with its piece of the file. */
static int resize_record(file_state *state, struct record *record, size_t rounded, size_t size,
                         unsigned flags, void **pointer) {
  static const char call[] = "aml_area_resize";
  const size_t old = record->mapping.range.size;
  int err = resize_piece(state, record->piece, rounded, size);
  if (err)
    return err;
  const uint64_t offset = record->piece->range.start;
  if (rounded > old)
    err = aml_internal_file_have(state, call, offset + old, rounded - old, false);
  void *const mapped = err ? MAP_FAILED
                           : mremap(*pointer, old, rounded,
                                    (flags & AML_AREA_RESIZE_MAY_MOVE) != 0 ? MREMAP_MAYMOVE : 0);
  if (mapped == MAP_FAILED) {
    if (!err)
      err = aml_internal_file_refuse(state, call, "mremap", errno);
    // The room before is free still, or was given back a moment ago and is not lost.
    (void)resize_piece(state, record->piece, old, size);
    return err;
  }
  if (rounded < old)
    aml_internal_file_drop(state, offset + rounded, old - rounded);
  if (rounded > old && state->is_cleared_by_stores)
    memset((char *)mapped + old, 0, rounded - old);
  record->mapping.size = size;
  record->mapping.range.size = rounded;
  *pointer = mapped;
  return 0;
}

int aml_internal_file_area_resize(struct aml_area *area, void *pointer, size_t old_size,
                                  size_t new_size, unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  file_state *const state = state_of(area);
  struct record *record = NULL;
  size_t rounded = 0;
  int err = take(area, call, pointer, "old_size", old_size, &record);
  if (err)
    return err;
  if (aml_checked_round_up(new_size, state->page_size, &rounded))
    err = resize_record(state, record, rounded, new_size, flags, &pointer);
  else
    err = refuse_room(call, AML_INTERNAL_EXTENTS_NO_ROOM, false, "new_size", new_size);
  (void)pthread_mutex_lock(&state->lock);
  put(state, pointer, record);
  (void)pthread_mutex_unlock(&state->lock);
  if (!err)
    *new_pointer = pointer;
  return err;
}

/** Where a mapping is, in the process and in the file. */
struct place {
  char *start;
  size_t size;
  uint64_t offset;
};

/** Tells where the mapping is that a range is in. */
static int find(struct aml_area *area, const char *call, void *pointer, size_t size,
                struct place *place) {
  const int err = aml_internal_file_area_check(call, area);
  if (err)
    return err;
  file_state *const state = state_of(area);
  (void)pthread_mutex_lock(&state->lock);
  const struct record *const record =
      (const struct record *)aml_internal_mappings_find(&state->live, pointer);
  const size_t skew = record == NULL ? 0 : (uintptr_t)pointer - record->mapping.range.start;
  const bool is_in = record != NULL && size <= record->mapping.range.size - skew;
  if (is_in)
    *place = (struct place){.start = (char *)pointer - skew,
                            .size = record->mapping.range.size,
                            .offset = record->piece->range.start};
  (void)pthread_mutex_unlock(&state->lock);
  return is_in ? 0 : aml_error_set(-AML_EINVAL, call, "pointer", "and size are in no one mapping");
}

int aml_internal_file_area_info(struct aml_area *area, const void *pointer,
                                struct aml_area_info *info) {
  static const char call[] = "aml_area_get_info";
  struct place place = {.size = AML_UNKNOWN};
  const int err = pointer == NULL ? aml_internal_file_area_check(call, area)
                                  : find(area, call, (void *)pointer, 1, &place);
  if (err)
    return err;
  const file_state *const state = state_of(area);
  *info = (struct aml_area_info){
      .type = area->ops->name,
      .capabilities = aml_internal_file_area_capabilities(area),
      .granularity = state->page_size,
      .max_alignment = AML_INTERNAL_FILE_MAX_ALIGNMENT,
      .page_size = state->page_size,
      .size = place.size,
      .granted = state->is_durable ? AML_AREA_GRANT_SYNC : 0,
      .native = {.kind = AML_NATIVE_FILE,
                 .origin = place.start,
                 .as = {.file = {.descriptor = state->descriptor, .offset = place.offset}}},
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  return 0;
}

int aml_internal_file_area_sync(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_sync";
  struct place place;
  const int err = find(area, call, pointer, size, &place);
  if (err)
    return err;
  const file_state *const state = state_of(area);
  if (state->is_private)
    return aml_error_set(-AML_ENOTSUP, call, "area", "is private, and nothing goes to the file");
  const size_t skew = (uintptr_t)pointer % state->page_size;
  return msync((char *)pointer - skew, size + skew, MS_SYNC) == 0
             ? 0
             : aml_internal_file_refuse(state, call, "msync", errno);
}

void aml_internal_file_area_fini(struct aml_area *area) {
  file_state *const state = state_of(area);
  if (state == NULL)
    return;
  for (struct aml_internal_range *at; (at = aml_internal_ranges_from(&state->live, 0)) != NULL;) {
    aml_internal_ranges_remove(&state->live, at);
    free((struct record *)at);
  }
  aml_internal_file_close(state);
  (void)pthread_mutex_destroy(&state->lock);
  free(state);
  ((struct aml_internal_file_area *)area)->state = NULL;
}

void *aml_internal_file_area_map_at(const char *call, struct aml_area *area, uint64_t offset,
                                    size_t size, const struct aml_area_map_options *options) {
  static const struct aml_area_map_options defaults = {0};
  void *pointer = NULL;
  if (aml_internal_file_area_check(call, area))
    return NULL;
  const file_state *const state = state_of(area);
  if (options == NULL)
    options = &defaults;
  if (size == 0)
    (void)aml_error_set(-AML_EINVAL, call, "size", "is 0");
  else if (offset % state->page_size != 0)
    (void)aml_error_set_value(-AML_EINVAL, call, "offset", offset, "is not a multiple of a page");
  else if (options->alignment != 0 && !aml_is_power_of_two(options->alignment))
    (void)aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                              "is not a power of two");
  else if (check_options(state, call, options) ||
           map_any(state_of(area), call, &offset, size, options, &pointer))
    return NULL;
  return pointer;
}

int aml_internal_file_area_check_range(const char *call, struct aml_area *area, const void *pointer,
                                       size_t size) {
  struct place place = {0};
  if (pointer == NULL || size == 0)
    return aml_error_set(-AML_EINVAL, call, pointer == NULL ? "pointer" : "size",
                         pointer == NULL ? "is null" : "is 0");
  const int err = find(area, call, (void *)pointer, size, &place);
  if (err)
    return err;
  const size_t skew = (size_t)((const char *)pointer - place.start);
  return aml_internal_file_check_end(state_of(area), call, place.offset + skew + size);
}
