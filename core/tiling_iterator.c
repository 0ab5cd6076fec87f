// SPDX-License-Identifier: BSD-3-Clause
//
// An order numbers the tiles of its box, from 0, so that splitting is a matter of two numbers. A
// number becomes coordinates, by division or along the Z curve, and these an id: by a sum where
// the tiling's ids are one, else by asking it. Rows whose ids are evenly spaced are loaded whole.

#include "aml/core/tiling_iterator.h"

#include "aml/core/error.h"

// The hot function is inline in the header; this is where its symbol lives.
extern inline bool aml_tiling_next(struct aml_tiling_iterator *iterator, size_t *id);

static bool is_reverse(enum aml_tiling_order order) {
  return order == AML_TILING_ROW_REVERSE || order == AML_TILING_COLUMN_REVERSE ||
         order == AML_TILING_MORTON_REVERSE || order == AML_TILING_BACKWARD;
}

static bool is_morton(enum aml_tiling_order order) {
  return order == AML_TILING_MORTON || order == AML_TILING_MORTON_REVERSE;
}

static bool is_of_ids(enum aml_tiling_order order) {
  return order == AML_TILING_FORWARD || order == AML_TILING_BACKWARD;
}

/** The dimension of the box that is the i-th fastest of a row or column order. */
static size_t axis_at(const struct aml_tiling_iterator *it, size_t i) {
  const bool column = it->order == AML_TILING_COLUMN || it->order == AML_TILING_COLUMN_REVERSE;
  return column ? i : it->ndims - 1 - i;
}

static bool is_linear(const struct aml_tiling_iterator *it) {
  return it->id_step[0] != 0;
}

/**
 * Sets the axes of a row or column order. Where ids are a sum, dimensions of one tile are left out,
 * and two axes are merged if the ids of one go on in the other.
 */
static void set_axes(struct aml_tiling_iterator *it, const size_t extent[]) {
  it->axes = 0;
  for (size_t i = 0; i < it->ndims; ++i) {
    const size_t d = axis_at(it, i);
    const size_t last = it->axes - 1;
    if (is_linear(it) && extent[d] == 1)
      continue;
    if (is_linear(it) && it->axes > 0 &&
        it->axis_step[last] * it->axis_extent[last] == it->id_step[d]) {
      it->axis_extent[last] *= extent[d];
      continue;
    }
    it->axis_extent[it->axes] = extent[d];
    it->axis_step[it->axes++] = it->id_step[d];
  }
  if (it->axes == 0) { // one tile
    it->axis_extent[0] = 1;
    it->axis_step[0] = 1;
    it->axes = 1;
  }
}

/** Takes the box; extents behind the grid, and none, are refused. */
static int set_box(struct aml_tiling_iterator *it, const struct aml_tiling_info *info,
                   const size_t offset[], const size_t extent[], size_t box[]) {
  static const char call[] = "aml_tiling_iterate";
  bool is_whole = true;
  it->count = 1;
  for (size_t d = 0; d < info->grid_ndims; ++d) {
    it->offset[d] = offset == NULL ? 0 : offset[d];
    if (it->offset[d] >= info->grid[d])
      return aml_error_set_value(-AML_EINVAL, call, "offset", it->offset[d], "is outside the grid");
    const size_t room = info->grid[d] - it->offset[d];
    box[d] = extent == NULL ? room : extent[d];
    if (box[d] == 0 || box[d] > room)
      return aml_error_set_value(-AML_EINVAL, call, "extent", box[d],
                                 "is 0 or reaches outside the grid");
    it->count *= box[d];
    is_whole = is_whole && box[d] == info->grid[d];
    it->id_step[d] = info->id_step[d];
  }
  it->ndims = info->grid_ndims;
  if (!is_of_ids(it->order))
    return 0;
  if (!is_whole)
    return aml_error_set(-AML_EINVAL, call, "extent",
                         "is not the whole grid, which an order of ids must visit");
  it->ndims = 1;
  it->id_step[0] = 1;
  box[0] = it->count;
  return 0;
}

int aml_tiling_iterate(const struct aml_tiling *tiling, enum aml_tiling_order order,
                       const size_t offset[], const size_t extent[],
                       struct aml_tiling_iterator *iterator) {
  static const char call[] = "aml_tiling_iterate";
  struct aml_tiling_iterator made = {.tiling = tiling, .order = order};
  struct aml_tiling_info info;
  size_t box[AML_MAX_DIMS];
  if (iterator == NULL)
    return aml_error_set(-AML_EINVAL, call, "iterator", "is null");
  if (tiling == NULL)
    return aml_error_set(-AML_EINVAL, call, "tiling", "is null");
  if ((unsigned)order > AML_TILING_BACKWARD)
    return aml_error_set(-AML_EINVAL, call, "order", "is no order");
  tiling->ops->info(tiling, &info);
  const int err = set_box(&made, &info, offset, extent, box);
  if (err)
    return err;
  if (is_morton(order) && !aml_morton_init(&made.box, made.ndims, box))
    return aml_error_set(-AML_EOVERFLOW, call, "extent", "is of more tiles than have a Z code");
  if (!is_morton(order))
    set_axes(&made, box);
  made.end = made.count;
  *iterator = made;
  return 0;
}

size_t aml_tiling_iterator_count(const struct aml_tiling_iterator *iterator) {
  return iterator == NULL ? 0 : iterator->end - iterator->next + iterator->run_left;
}

int aml_tiling_iterator_split(struct aml_tiling_iterator *iterator, size_t part, size_t parts) {
  static const char call[] = "aml_tiling_iterator_split";
  if (iterator == NULL)
    return aml_error_set(-AML_EINVAL, call, "iterator", "is null");
  if (part >= parts)
    return aml_error_set_value(-AML_EINVAL, call, "part", part, "is not below parts");
  const size_t count = aml_tiling_iterator_count(iterator);
  const size_t each = count / parts;
  const size_t more = count % parts; // the first `more` parts have one tile more
  iterator->next = iterator->end - count + part * each + (part < more ? part : more);
  iterator->end = iterator->next + each + (part < more ? 1 : 0);
  iterator->run_left = 0;
  return 0;
}

/** The id of the tile at coordinates of the box. */
static bool id_at(const struct aml_tiling_iterator *it, const size_t coords[], size_t *id) {
  size_t grid[AML_MAX_DIMS];
  size_t sum = 0;
  for (size_t d = 0; d < it->ndims; ++d) {
    grid[d] = it->offset[d] + coords[d];
    sum += grid[d] * it->id_step[d];
  }
  if (!is_linear(it))
    return it->tiling->ops->id(it->tiling, grid, id) == 0;
  *id = sum;
  return true;
}

/** Loads a run from position `at`, of at most `most` tiles that follow, or precede, if reverse. */
static void load_row(struct aml_tiling_iterator *it, size_t at, size_t most) {
  size_t id = 0;
  for (size_t d = 0; d < it->ndims; ++d)
    id += it->offset[d] * it->id_step[d];
  size_t left = 0;
  for (size_t i = 0; i < it->axes; ++i) {
    const size_t coord = at % it->axis_extent[i];
    at /= it->axis_extent[i];
    id += coord * it->axis_step[i];
    if (i == 0)
      left = is_reverse(it->order) ? coord + 1 : it->axis_extent[0] - coord;
  }
  it->id = id;
  it->run_step = is_reverse(it->order) ? 0 - it->axis_step[0] : it->axis_step[0];
  it->run_left = left < most ? left : most;
}

/** Loads the one tile at position `at`. */
static bool load_one(struct aml_tiling_iterator *it, size_t at) {
  size_t coords[AML_MAX_DIMS] = {0};
  if (is_morton(it->order)) {
    aml_morton_coords(&it->box, at, coords);
  } else {
    for (size_t i = 0; i < it->axes; ++i) {
      coords[axis_at(it, i)] = at % it->axis_extent[i];
      at /= it->axis_extent[i];
    }
  }
  it->run_left = id_at(it, coords, &it->id) ? 1 : 0;
  return it->run_left != 0;
}

bool aml_tiling_iterator_load(struct aml_tiling_iterator *iterator) {
  if (iterator == NULL || iterator->next >= iterator->end)
    return false;
  const bool by_row = is_linear(iterator) && !is_morton(iterator->order);
  const size_t at =
      is_reverse(iterator->order) ? iterator->count - 1 - iterator->next : iterator->next;
  if (by_row)
    load_row(iterator, at, iterator->end - iterator->next);
  else if (!load_one(iterator, at))
    return false;
  iterator->next += iterator->run_left;
  return true;
}
