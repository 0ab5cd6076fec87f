// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/fixed.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aml/area/internal/extents.h"
#include "aml/area/internal/mappings.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static const unsigned HOST = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
static const unsigned GIVEN = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE | AML_AREA_SHARED |
                              AML_AREA_FILE_BACKED | AML_AREA_DEVICE;

struct aml_area_fixed_state {
  pthread_mutex_t lock; /**< guards extents */
  struct aml_internal_extents extents;
  char *base; /**< to make addresses of */
  size_t total;
  size_t granularity;
  size_t max_alignment;
  unsigned capabilities;
  struct aml_nodeset devices;
};

typedef struct aml_area_fixed_state fixed_state;

static fixed_state *state_of(const struct aml_area *area) {
  return ((const struct aml_area_fixed *)area)->state;
}

static int check(const char *call, const struct aml_area *area) {
  if (area == NULL || area->ops != &aml_area_fixed_ops || state_of(area) == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, of another type, or not initialised");
  return 0;
}

static unsigned capabilities(const struct aml_area *area) {
  const fixed_state *const state = state_of(area);
  return state == NULL ? 0 : state->capabilities;
}

/** The pointer of a piece; made from the region's, so that it is a pointer into it. */
static char *pointer_of(const fixed_state *state, const struct aml_internal_mapping *piece) {
  return state->base + (piece->range.start - (uintptr_t)state->base);
}

static int refuse(const char *call, const char *size_name, enum aml_internal_extents_result result,
                  size_t size) {
  if (result == AML_INTERNAL_EXTENTS_NO_MEMORY)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the record of a mapping");
  return aml_error_set_value(-AML_ENOMEM, call, size_name, size, "is more than there is room for");
}

/** Cuts out a piece where the options ask for it; under the lock. */
static enum aml_internal_extents_result cut(fixed_state *state, size_t size,
                                            const struct aml_area_map_options *options,
                                            struct aml_internal_mapping **piece) {
  const size_t alignment =
      options->alignment > state->granularity ? options->alignment : state->granularity;
  const uintptr_t hint = (uintptr_t)options->hint;
  const bool is_exact = (options->flags & AML_AREA_MAP_EXACT) != 0;
  if (hint != 0 && hint % alignment == 0) {
    const enum aml_internal_extents_result result =
        aml_internal_extents_take_at(&state->extents, hint, size, piece);
    if (is_exact || result != AML_INTERNAL_EXTENTS_NO_ROOM)
      return result;
  }
  if (is_exact)
    return AML_INTERNAL_EXTENTS_NO_ROOM;
  return aml_internal_extents_take(&state->extents, size, alignment, piece);
}

/** Makes memory of a piece what the flags ask for; what is not zeroed stays if it can be read. */
static void prepare(const fixed_state *state, char *bytes, size_t size, unsigned flags) {
  static const size_t smallest_page = 4096;
  if ((state->capabilities & AML_AREA_HOST_WRITABLE) == 0)
    return;
  volatile char *const touched = bytes;
  if ((state->capabilities & AML_AREA_ZEROED) != 0 && (flags & AML_AREA_MAP_NO_ZERO) == 0)
    memset(bytes, 0, size);
  else if ((flags & AML_AREA_MAP_POPULATE) != 0)
    for (size_t offset = 0; offset < size; offset += smallest_page)
      touched[offset] = (state->capabilities & HOST) == HOST ? touched[offset] : 0;
}

static int check_options(const fixed_state *state, const struct aml_area_map_options *options) {
  static const char call[] = "aml_area_map";
  if (options->alignment > state->max_alignment)
    return aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                               "is more than any place in the region has");
  if ((options->flags & AML_AREA_MAP_POPULATE) != 0 &&
      (state->capabilities & AML_AREA_HOST_WRITABLE) == 0)
    return aml_error_set(-AML_ENOTSUP, call, "flags",
                         "asks to populate what the host cannot write");
  return 0;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  fixed_state *const state = state_of(area);
  struct aml_internal_mapping *piece = NULL;
  char *bytes = NULL;
  size_t rounded = 0;
  int err = check(call, area);
  if (!err)
    err = check_options(state, options);
  if (err)
    return err;
  if (!aml_checked_round_up(size, state->granularity, &rounded))
    return refuse(call, "size", AML_INTERNAL_EXTENTS_NO_ROOM, size);
  (void)pthread_mutex_lock(&state->lock);
  const enum aml_internal_extents_result result = cut(state, rounded, options, &piece);
  if (result == AML_INTERNAL_EXTENTS_OK)
    bytes = pointer_of(state, piece);
  (void)pthread_mutex_unlock(&state->lock);
  if (result == AML_INTERNAL_EXTENTS_NO_ROOM && (options->flags & AML_AREA_MAP_EXACT) != 0)
    return aml_error_set(-AML_EEXIST, call, "hint", "is not free, aligned and in the region");
  if (result != AML_INTERNAL_EXTENTS_OK)
    return refuse(call, "size", result, size);
  prepare(state, bytes, rounded, options->flags);
  *pointer = bytes;
  return 0;
}

/** Takes a live piece out of those that are. */
static int take(fixed_state *state, const char *call, const void *pointer, const char *size_name,
                size_t size, struct aml_internal_mapping **piece) {
  return aml_internal_mappings_take(&state->extents.live, call, pointer, size_name, size,
                                    state->granularity, piece);
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  fixed_state *const state = state_of(area);
  struct aml_internal_mapping *piece = NULL;
  int err = check(call, area);
  if (err)
    return err;
  (void)pthread_mutex_lock(&state->lock);
  err = take(state, call, pointer, "size", size, &piece);
  if (!err)
    aml_internal_extents_give(&state->extents, piece);
  (void)pthread_mutex_unlock(&state->lock);
  return err;
}

/** Moves a mapping to where there is room for it. */
static int move_piece(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                      void **new_pointer) {
  const struct aml_area_map_options options = {.flags = AML_AREA_MAP_NO_ZERO};
  void *moved = NULL;
  const int err = map(area, new_size, &options, &moved);
  if (err)
    return err;
  memcpy(moved, pointer, old_size);
  *new_pointer = moved;
  return unmap(area, pointer, old_size);
}

/** Resizes where it is; under the lock. */
static int resize_piece(fixed_state *state, const void *pointer, size_t old_size, size_t rounded,
                        enum aml_internal_extents_result *result) {
  struct aml_internal_mapping *piece = NULL;
  const int err = take(state, "aml_area_resize", pointer, "old_size", old_size, &piece);
  if (err)
    return err;
  *result = aml_internal_extents_resize(&state->extents, piece, rounded);
  (void)aml_internal_mappings_put(&state->extents.live, pointer, piece);
  return 0;
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  fixed_state *const state = state_of(area);
  enum aml_internal_extents_result result = AML_INTERNAL_EXTENTS_OK;
  size_t rounded = 0;
  size_t room = 0;
  int err = check(call, area);
  if (err)
    return err;
  if (!aml_checked_round_up(new_size, state->granularity, &rounded))
    return refuse(call, "new_size", AML_INTERNAL_EXTENTS_NO_ROOM, new_size);
  (void)pthread_mutex_lock(&state->lock);
  err = resize_piece(state, pointer, old_size, rounded, &result);
  (void)pthread_mutex_unlock(&state->lock);
  if (err)
    return err;
  // The old size could be rounded up, as a mapping has it.
  (void)aml_checked_round_up(old_size, state->granularity, &room);
  const bool can_move =
      (flags & AML_AREA_RESIZE_MAY_MOVE) != 0 && (state->capabilities & HOST) == HOST;
  if (result == AML_INTERNAL_EXTENTS_NO_ROOM && can_move &&
      move_piece(area, pointer, room, rounded, &pointer) == 0)
    result = AML_INTERNAL_EXTENTS_OK;
  if (result != AML_INTERNAL_EXTENTS_OK)
    return refuse(call, "new_size", result, new_size);
  if (rounded > room)
    prepare(state, (char *)pointer + room, rounded - room, 0);
  *new_pointer = pointer;
  return 0;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *info) {
  static const char call[] = "aml_area_get_info";
  fixed_state *const state = state_of(area);
  const int err = check(call, area);
  if (err)
    return err;
  uint64_t size = AML_UNKNOWN;
  if (pointer != NULL) {
    (void)pthread_mutex_lock(&state->lock);
    const struct aml_internal_mapping *const piece =
        aml_internal_mappings_find(&state->extents.live, pointer);
    size = piece == NULL ? 0 : piece->range.size;
    (void)pthread_mutex_unlock(&state->lock);
  }
  if (size == 0)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is in no mapping");
  *info = (struct aml_area_info){
      .type = aml_area_fixed_ops.name,
      .capabilities = state->capabilities,
      .granularity = state->granularity,
      .max_alignment = state->max_alignment,
      .page_size = state->granularity,
      .size = size,
      .devices = state->devices,
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  return 0;
}

static void fini(struct aml_area *area) {
  fixed_state *const state = state_of(area);
  if (state != NULL) {
    aml_internal_extents_clear(&state->extents);
    (void)pthread_mutex_destroy(&state->lock);
    free(state);
  }
  *(struct aml_area_fixed *)area = (struct aml_area_fixed){.area = {.ops = &aml_area_fixed_ops}};
}

const struct aml_area_ops aml_area_fixed_ops = {
    .name = "fixed",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .resize = resize,
};

/** The largest alignment of which there is a multiple with a granule behind it in the region. */
static size_t largest_alignment(uintptr_t start, size_t size, size_t granularity) {
  size_t alignment = granularity;
  for (size_t next = 2 * granularity; next != 0; next *= 2) {
    size_t place = 0;
    if (!aml_checked_round_up(start, next, &place) || place - start > size - granularity)
      return alignment;
    alignment = next;
  }
  return alignment;
}

/** Checks options, and tells the whole granules of the region. */
static int check_region(const struct aml_area_fixed_options *options, size_t granularity,
                        uintptr_t *start, size_t *size) {
  static const char call[] = "aml_area_fixed_init";
  size_t end = 0;
  if (!aml_is_power_of_two(granularity))
    return aml_error_set_value(-AML_EINVAL, call, "granularity", granularity,
                               "is not a power of two");
  if ((options->capabilities & ~GIVEN) != 0)
    return aml_error_set(-AML_EINVAL, call, "capabilities", "has a bit that is not the region's");
  if ((options->flags & ~(unsigned)AML_AREA_FIXED_NO_ZERO) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  if (options->pointer == NULL)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is null");
  if (!aml_checked_add((uintptr_t)options->pointer, options->size, &end) ||
      !aml_checked_round_up((uintptr_t)options->pointer, granularity, start))
    return aml_error_set(-AML_EINVAL, call, "size", "reaches past the range of addresses");
  end &= ~(granularity - 1);
  if (end <= *start)
    return aml_error_set_value(-AML_EINVAL, call, "size", options->size, "holds no whole granule");
  *size = end - *start;
  return 0;
}

int aml_area_fixed_init(struct aml_area *area, const struct aml_area_fixed_options *options) {
  static const char call[] = "aml_area_fixed_init";
  uintptr_t start = 0;
  size_t size = 0;
  if (area == NULL || area->ops != &aml_area_fixed_ops)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "is null, or was not declared by AML_AREA_FIXED_DECL");
  if (options == NULL)
    return aml_error_set(-AML_EINVAL, call, "options", "is null");
  const size_t granularity = options->granularity ? options->granularity : 64;
  const int err = check_region(options, granularity, &start, &size);
  if (err)
    return err;
  fixed_state *const state = malloc(sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the state of the area");
  const unsigned given = options->capabilities ? options->capabilities : HOST;
  const bool is_zeroed =
      (given & AML_AREA_HOST_WRITABLE) != 0 && (options->flags & AML_AREA_FIXED_NO_ZERO) == 0;
  *state = (fixed_state){
      .lock = PTHREAD_MUTEX_INITIALIZER,
      .base = options->pointer,
      .total = size,
      .granularity = granularity,
      .max_alignment = largest_alignment(start, size, granularity),
      .capabilities = given | (is_zeroed ? AML_AREA_ZEROED : 0) | AML_AREA_CAN_RESIZE,
      .devices = options->devices,
  };
  if (aml_internal_extents_add(&state->extents, start, size) != AML_INTERNAL_EXTENTS_OK) {
    free(state);
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the record of the region");
  }
  ((struct aml_area_fixed *)area)->state = state;
  return 0;
}

int aml_area_fixed_create(struct aml_area **area, const struct aml_area_fixed_options *options) {
  struct aml_area *const made = aml_block_create(
      "aml_area_fixed_create", "area", area, sizeof(struct aml_area_fixed), &aml_area_fixed_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_fixed_init(made, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

int aml_area_fixed_get_room(struct aml_area *area, struct aml_area_fixed_room *room) {
  static const char call[] = "aml_area_fixed_get_room";
  const int err = check(call, area);
  if (err)
    return err;
  if (room == NULL)
    return aml_error_set(-AML_EINVAL, call, "room", "is null");
  fixed_state *const state = state_of(area);
  (void)pthread_mutex_lock(&state->lock);
  *room = (struct aml_area_fixed_room){.total = state->total,
                                       .free = state->extents.free_size,
                                       .largest = aml_internal_extents_largest(&state->extents)};
  (void)pthread_mutex_unlock(&state->lock);
  return 0;
}
