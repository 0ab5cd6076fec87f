// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/nested.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/tiling/internal/line.h"

static const struct aml_tiling_nested *nested_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_nested *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  free(nested_of(tiling)->first);
  *(struct aml_tiling_nested *)tiling =
      (struct aml_tiling_nested){.tiling.ops = &aml_tiling_nested_ops};
}

static size_t count(const struct aml_tiling *tiling) {
  const struct aml_tiling_nested *const it = nested_of(tiling);
  return it->first == NULL ? 0 : it->first[it->outer_count];
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  const struct aml_tiling_nested *const it = nested_of(tiling);
  *result = (struct aml_tiling_info){.type = aml_tiling_nested_ops.name};
  if (it->first == NULL)
    return;
  it->outer->ops->info(it->outer, result);
  result->type = aml_tiling_nested_ops.name;
  for (size_t d = 0; d < AML_MAX_DIMS; ++d) {
    result->tile_extent[d] = d < it->ndims ? it->most[d] : 0;
    result->grid[d] = d == 0 ? count(tiling) : 0;
    result->id_step[d] = d == 0 ? 1 : 0;
  }
  result->grid_ndims = 1;
  result->count = count(tiling);
  result->max_tile_size = it->max_tile_size;
}

/** The outer tile that a tile is of: the last that begins with it or before, and is not empty. */
static size_t find_outer(const struct aml_tiling_nested *it, size_t tile_id) {
  size_t low = 0; // first[low] <= tile_id < first[high]
  size_t high = it->outer_count;
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (it->first[middle] <= tile_id)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/** Where a tile begins in an outer tile of given extents, and how large it is. */
static void place(const struct aml_tiling_nested *it, const size_t outer_extent[], size_t inner_id,
                  size_t offset[], size_t extent[]) {
  for (size_t i = 0; i < it->ndims; ++i) {
    const size_t d = it->order == AML_ORDER_ROW ? it->ndims - 1 - i : i;
    const size_t tiles = (outer_extent[d] - 1) / it->tile_extent[d] + 1;
    offset[d] = inner_id % tiles * it->tile_extent[d];
    inner_id /= tiles;
    const size_t room = outer_extent[d] - offset[d];
    extent[d] = room < it->tile_extent[d] ? room : it->tile_extent[d];
  }
}

static int tile_extent(const struct aml_tiling *tiling, size_t tile_id, size_t extent[]) {
  const struct aml_tiling_nested *const it = nested_of(tiling);
  size_t outer_extent[AML_MAX_DIMS];
  size_t offset[AML_MAX_DIMS] = {0};
  int err = aml_internal_line_check(tiling, "aml_tiling_tile_extent", tile_id);
  if (err)
    return err;
  const size_t outer_id = find_outer(it, tile_id);
  err = it->outer->ops->tile_extent(it->outer, outer_id, outer_extent);
  if (!err)
    place(it, outer_extent, tile_id - it->first[outer_id], offset, extent);
  return err;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t tile_id,
                struct aml_tile *result) {
  const struct aml_tiling_nested *const it = nested_of(tiling);
  struct aml_tile outer_tile;
  int err = aml_internal_line_check(tiling, "aml_tiling_tile", tile_id);
  if (err)
    return err;
  const size_t outer_id = find_outer(it, tile_id);
  err = it->outer->ops->tile(it->outer, datum, outer_id, &outer_tile);
  if (err)
    return err;
  size_t offset[AML_MAX_DIMS] = {0};
  size_t extent[AML_MAX_DIMS];
  place(it, outer_tile.extent, tile_id - it->first[outer_id], offset, extent);
  outer_tile.base = aml_tile_address(&outer_tile, offset);
  for (size_t d = 0; d < it->ndims; ++d)
    outer_tile.extent[d] = extent[d];
  *result = outer_tile;
  return 0;
}

const struct aml_tiling_ops aml_tiling_nested_ops = {
    .name = "nested",
    .fini = fini,
    .info = info,
    .count = count,
    .id = aml_internal_line_id,
    .coords = aml_internal_line_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

static int check_arguments(const char *call, const struct aml_tiling *tiling,
                           const struct aml_tiling *outer, const size_t tile_extents[],
                           enum aml_order order) {
  if (tiling == NULL || tiling->ops != &aml_tiling_nested_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_NESTED_DECL");
  if (outer == NULL || aml_tiling_count(outer) == 0)
    return aml_error_set(-AML_EINVAL, call, "outer", "is null, or was not initialised");
  if (tile_extents == NULL)
    return aml_error_set(-AML_EINVAL, call, "tile_extent", "is null");
  if (order != AML_ORDER_ROW && order != AML_ORDER_COLUMN)
    return aml_error_set(-AML_EINVAL, call, "order", "is no order");
  return 0;
}

/** Counts the tiles of an outer tile, and notes the largest. */
static int count_in(const char *call, struct aml_tiling_nested *it, size_t outer_id,
                    size_t *tiles) {
  size_t extent[AML_MAX_DIMS];
  const int err = it->outer->ops->tile_extent(it->outer, outer_id, extent);
  *tiles = 0;
  if (err)
    return err == -AML_ENOENT ? 0 : err;
  struct aml_tiling_info outer_info;
  it->outer->ops->info(it->outer, &outer_info);
  size_t product = 1;
  size_t size = outer_info.element_size;
  for (size_t d = 0; d < it->ndims; ++d) {
    const size_t largest = extent[d] < it->tile_extent[d] ? extent[d] : it->tile_extent[d];
    if (!aml_checked_multiply(product, (extent[d] - 1) / it->tile_extent[d] + 1, &product))
      return aml_error_set(-AML_EOVERFLOW, call, "tile_extent", "cuts more tiles than are counted");
    it->most[d] = largest > it->most[d] ? largest : it->most[d];
    size *= largest;
  }
  it->max_tile_size = size > it->max_tile_size ? size : it->max_tile_size;
  *tiles = product;
  return 0;
}

/** Numbers the tiles of all outer tiles. */
static int number(const char *call, struct aml_tiling_nested *it) {
  it->first[0] = 0;
  for (size_t outer_id = 0; outer_id < it->outer_count; ++outer_id) {
    size_t tiles;
    const int err = count_in(call, it, outer_id, &tiles);
    if (err)
      return err;
    if (!aml_checked_add(it->first[outer_id], tiles, &it->first[outer_id + 1]))
      return aml_error_set(-AML_EOVERFLOW, call, "tile_extent", "cuts more tiles than are counted");
  }
  if (it->first[it->outer_count] == 0)
    return aml_error_set(-AML_ENOENT, call, "outer", "has no tile with elements");
  return 0;
}

int aml_tiling_nested_init(struct aml_tiling *tiling, const struct aml_tiling *outer,
                           const size_t tile_extents[],
                           const struct aml_tiling_nested_options *options) {
  static const char call[] = "aml_tiling_nested_init";
  const enum aml_order order = options == NULL ? AML_ORDER_ROW : options->order;
  int err = check_arguments(call, tiling, outer, tile_extents, order);
  if (err)
    return err;
  struct aml_tiling_info outer_info;
  outer->ops->info(outer, &outer_info);
  struct aml_tiling_nested made = {.tiling = *tiling,
                                   .outer = outer,
                                   .order = order,
                                   .ndims = outer_info.ndims,
                                   .outer_count = outer_info.count};
  for (size_t d = 0; d < made.ndims; ++d) {
    if (tile_extents[d] == 0)
      return aml_error_set_value(-AML_EINVAL, call, "tile_extent of dimension", d, "is 0");
    made.tile_extent[d] = tile_extents[d];
  }
  size_t size;
  made.first = outer_info.count < SIZE_MAX &&
                       aml_checked_multiply(outer_info.count + 1, sizeof *made.first, &size)
                   ? malloc(size)
                   : NULL;
  if (made.first == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the numbers of outer tiles");
  err = number(call, &made);
  if (err)
    free(made.first);
  else
    *(struct aml_tiling_nested *)tiling = made;
  return err;
}

int aml_tiling_nested_create(struct aml_tiling **tiling, const struct aml_tiling *outer,
                             const size_t tile_extents[],
                             const struct aml_tiling_nested_options *options) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_nested_create", "tiling", tiling,
                       sizeof(struct aml_tiling_nested), &aml_tiling_nested_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_nested_init(made, outer, tile_extents, options);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}

static int check_query(const char *call, const struct aml_tiling *tiling, const void *one,
                       const char *one_name, const void *other, const char *other_name) {
  if (tiling == NULL || tiling->ops != &aml_tiling_nested_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling", "is null, or no tiling of tiles");
  if (one == NULL || other == NULL)
    return aml_error_set(-AML_EINVAL, call, one == NULL ? one_name : other_name, "is null");
  return 0;
}

int aml_tiling_nested_split(const struct aml_tiling *tiling, size_t tile_id, size_t *outer_id,
                            size_t *inner_id) {
  static const char call[] = "aml_tiling_nested_split";
  int err = check_query(call, tiling, outer_id, "outer_id", inner_id, "inner_id");
  if (!err)
    err = aml_internal_line_check(tiling, call, tile_id);
  if (err)
    return err;
  *outer_id = find_outer(nested_of(tiling), tile_id);
  *inner_id = tile_id - nested_of(tiling)->first[*outer_id];
  return 0;
}

int aml_tiling_nested_range(const struct aml_tiling *tiling, size_t outer_id, size_t *first,
                            size_t *tiles) {
  static const char call[] = "aml_tiling_nested_range";
  const int err = check_query(call, tiling, first, "first", tiles, "count");
  if (err)
    return err;
  const struct aml_tiling_nested *const it = nested_of(tiling);
  if (outer_id >= it->outer_count)
    return aml_error_set_value(-AML_EINVAL, call, "outer_id", outer_id,
                               "is not below the number of outer tiles");
  *first = it->first[outer_id];
  *tiles = it->first[outer_id + 1] - it->first[outer_id];
  return 0;
}
