// SPDX-License-Identifier: BSD-3-Clause
//
// An iterator counts the tiles of its box from 0 and turns each number into coordinates, so that
// splitting is a matter of two numbers and any order is a matter of which coordinate is fastest.

#include "aml/core/tiling.h"

#include <stdlib.h>

// The hot function is inline in the header; this is where its symbol lives.
extern inline int aml_tiling_tile(const struct aml_tiling *tiling, const struct aml_tile *datum,
                                  size_t id, struct aml_tile *tile);

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

int aml_tiling_refuse_tile(const struct aml_tiling *tiling, const struct aml_tile *datum) {
  return refuse_null("aml_tiling_tile",
                     tiling == NULL ? "tiling" : (datum == NULL ? "datum" : "tile"));
}

size_t aml_tiling_count(const struct aml_tiling *tiling) {
  return tiling == NULL ? 0 : tiling->ops->count(tiling);
}

int aml_tiling_get_info(const struct aml_tiling *tiling, struct aml_tiling_info *info) {
  if (tiling == NULL || info == NULL)
    return refuse_null("aml_tiling_get_info", tiling == NULL ? "tiling" : "info");
  tiling->ops->info(tiling, info);
  return 0;
}

int aml_tiling_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id) {
  static const char call[] = "aml_tiling_id";
  if (tiling == NULL)
    return refuse_null(call, "tiling");
  if (coords == NULL || id == NULL)
    return refuse_null(call, coords == NULL ? "coords" : "id");
  return tiling->ops->id(tiling, coords, id);
}

int aml_tiling_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]) {
  if (tiling == NULL || coords == NULL)
    return refuse_null("aml_tiling_coords", tiling == NULL ? "tiling" : "coords");
  return tiling->ops->coords(tiling, id, coords);
}

int aml_tiling_iterate(const struct aml_tiling *tiling, enum aml_tiling_order order,
                       const size_t offset[], const size_t extent[],
                       struct aml_tiling_iterator *iterator) {
  static const char call[] = "aml_tiling_iterate";
  if (tiling == NULL || iterator == NULL)
    return refuse_null(call, tiling == NULL ? "tiling" : "iterator");
  if ((unsigned)order > AML_TILING_COLUMN_REVERSE)
    return aml_error_set(-AML_EINVAL, call, "order", "is no order");
  struct aml_tiling_info info;
  tiling->ops->info(tiling, &info);
  struct aml_tiling_iterator made = {
      .tiling = tiling, .order = order, .ndims = info.grid_ndims, .end = 1};
  for (size_t d = 0; d < made.ndims; ++d) {
    made.offset[d] = offset == NULL ? 0 : offset[d];
    if (made.offset[d] >= info.grid[d])
      return aml_error_set_value(-AML_EINVAL, call, "offset", made.offset[d],
                                 "is outside the grid");
    const size_t room = info.grid[d] - made.offset[d];
    made.extent[d] = extent == NULL ? room : extent[d];
    if (made.extent[d] == 0 || made.extent[d] > room)
      return aml_error_set_value(-AML_EINVAL, call, "extent", made.extent[d],
                                 "is 0 or reaches outside the grid");
    made.end *= made.extent[d];
  }
  *iterator = made;
  return 0;
}

int aml_tiling_iterator_split(struct aml_tiling_iterator *iterator, size_t part, size_t parts) {
  static const char call[] = "aml_tiling_iterator_split";
  if (iterator == NULL)
    return refuse_null(call, "iterator");
  if (part >= parts)
    return aml_error_set_value(-AML_EINVAL, call, "part", part, "is not below parts");
  const size_t count = iterator->end - iterator->next;
  const size_t each = count / parts;
  const size_t more = count % parts; // the first `more` parts have one tile more
  iterator->next += part * each + (part < more ? part : more);
  iterator->end = iterator->next + each + (part < more ? 1 : 0);
  return 0;
}

bool aml_tiling_next(struct aml_tiling_iterator *iterator, size_t *id) {
  if (iterator == NULL || id == NULL || iterator->next >= iterator->end)
    return false;
  const bool reverse =
      iterator->order == AML_TILING_ROW_REVERSE || iterator->order == AML_TILING_COLUMN_REVERSE;
  const bool row = iterator->order == AML_TILING_ROW || iterator->order == AML_TILING_ROW_REVERSE;
  size_t rest = iterator->next;
  if (reverse) {
    size_t count = 1;
    for (size_t d = 0; d < iterator->ndims; ++d)
      count *= iterator->extent[d];
    rest = count - 1 - rest;
  }
  size_t coords[AML_MAX_DIMS];
  for (size_t i = 0; i < iterator->ndims; ++i) {
    const size_t d = row ? iterator->ndims - 1 - i : i;
    coords[d] = iterator->offset[d] + rest % iterator->extent[d];
    rest /= iterator->extent[d];
  }
  if (iterator->tiling->ops->id(iterator->tiling, coords, id))
    return false;
  ++iterator->next;
  return true;
}

void aml_tiling_fini(struct aml_tiling *tiling) {
  if (tiling != NULL)
    tiling->ops->fini(tiling);
}

void aml_tiling_destroy(struct aml_tiling **tiling) {
  if (tiling == NULL)
    return;
  aml_tiling_fini(*tiling);
  free(*tiling);
  *tiling = NULL;
}
