// SPDX-License-Identifier: BSD-3-Clause

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/area/fallback.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "area/internal/fallback_state.h"

/** The area that has a range, or null, and then it is in no mapping. */
static struct aml_area *owner_of(const char *call, struct aml_area *area, unsigned capability,
                                 const void *pointer, size_t size, int *err) {
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  struct aml_internal_fallback_record record = {.index = 0};
  *err = aml_internal_fallback_require(call, area, capability);
  if (*err)
    return NULL;
  if (!aml_internal_fallback_find(state, pointer, &record)) {
    *err = aml_error_set(-AML_EINVAL, call, "pointer", "is in no mapping");
    return NULL;
  }
  const size_t offset = (uintptr_t)pointer - record.mapping.range.start;
  if (size <= record.mapping.range.size - offset)
    return state->members[record.index].area;
  *err = aml_error_set_value(-AML_EINVAL, call, "size", size, "reaches past the mapping");
  return NULL;
}

int aml_internal_fallback_bind(struct aml_area *area, void *pointer, size_t size,
                               enum aml_policy policy, const struct aml_nodeset *devices,
                               unsigned flags) {
  int err;
  struct aml_area *const owner =
      owner_of("aml_area_bind", area, AML_AREA_CAN_BIND, pointer, size, &err);
  return owner == NULL ? err : aml_area_bind(owner, pointer, size, policy, devices, flags);
}

int aml_internal_fallback_purge(struct aml_area *area, void *pointer, size_t size) {
  int err;
  struct aml_area *const owner =
      owner_of("aml_area_purge", area, AML_AREA_CAN_PURGE, pointer, size, &err);
  return owner == NULL ? err : aml_area_purge(owner, pointer, size);
}

int aml_internal_fallback_sync(struct aml_area *area, void *pointer, size_t size) {
  int err;
  struct aml_area *const owner =
      owner_of("aml_area_sync", area, AML_AREA_CAN_SYNC, pointer, size, &err);
  return owner == NULL ? err : aml_area_sync(owner, pointer, size);
}

/** Locates addresses of one area, or moves them where `to` is not null. */
static int place(struct aml_area *owner, size_t count, void *const pointers[], const int to[],
                 int results[]) {
  return to == NULL ? aml_area_locate(owner, count, pointers, results)
                    : aml_area_move(owner, count, pointers, to, results);
}

/** The area of the first of some addresses, and how many from there on it has; null: of none. */
static struct aml_area *row_of(struct aml_area_fallback_state *state, size_t count,
                               void *const pointers[], size_t *length) {
  struct aml_internal_fallback_record record = {.index = 0};
  if (!aml_internal_fallback_find(state, pointers[0], &record))
    return NULL;
  const size_t index = record.index;
  *length = 1;
  while (*length < count && aml_internal_fallback_find(state, pointers[*length], &record) &&
         record.index == index)
    ++*length;
  return state->members[index].area;
}

static void fill(int results[], size_t count, int code) {
  for (size_t i = 0; i < count; ++i)
    results[i] = code;
}

/** Does as place() for addresses of several areas. */
static int place_all(const char *call, struct aml_area *area, size_t count, void *const pointers[],
                     const int to[], int results[]) {
  struct aml_area_fallback_state *const state = aml_internal_fallback_state_of(area);
  size_t length = 0;
  for (size_t i = 0; i < count; i += length)
    if (row_of(state, count - i, pointers + i, &length) == NULL)
      return aml_error_set_value(-AML_EINVAL, call, "pointers: number", i, "is in no mapping");
  int err = 0;
  bool is_any_done = false;
  for (size_t i = 0; i < count; i += length) {
    struct aml_area *const owner = row_of(state, count - i, pointers + i, &length);
    const int row =
        owner == NULL ? -AML_EINVAL
                      : place(owner, length, pointers + i, to == NULL ? NULL : to + i, results + i);
    length = owner == NULL ? 1 : length;
    if (row && is_any_done)
      fill(results + i, length, row);
    else if (row)
      err = row;
    else if (!is_any_done)
      fill(results, i, err);
    is_any_done = is_any_done || row == 0;
  }
  return is_any_done ? 0 : err;
}

int aml_internal_fallback_locate(struct aml_area *area, size_t count, void *const pointers[],
                                 int devices[]) {
  static const char call[] = "aml_area_locate";
  const int err = aml_internal_fallback_require(call, area, AML_AREA_CAN_LOCATE);
  return err ? err : place_all(call, area, count, pointers, NULL, devices);
}

int aml_internal_fallback_move(struct aml_area *area, size_t count, void *const pointers[],
                               const int devices[], int results[]) {
  static const char call[] = "aml_area_move";
  const int err = aml_internal_fallback_require(call, area, AML_AREA_CAN_MOVE);
  return err ? err : place_all(call, area, count, pointers, devices, results);
}
