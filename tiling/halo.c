// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/halo.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_tiling_halo *halo_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_halo *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_halo *)tiling =
      (struct aml_tiling_halo){.grid.tiling.ops = &aml_tiling_halo_ops};
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  const struct aml_tiling_halo *const it = halo_of(tiling);
  aml_internal_grid_info(tiling, result);
  result->max_tile_size = it->grid.element_size;
  result->storage_size = it->grid.element_size;
  for (size_t d = 0; d < it->grid.ndims; ++d) {
    if (it->options.before[d] != 0 || it->options.after[d] != 0)
      result->cover = AML_TILING_OVERLAPPING;
    result->extent[d] = it->whole[d];
    result->tile_extent[d] = it->most[d];
    result->max_tile_size *= it->most[d];
    result->storage_size *= it->whole[d];
  }
}

static bool accepts(const struct aml_tiling_halo *it, const struct aml_tile *datum, size_t id) {
  if (id >= it->grid.count || datum->ndims != it->grid.ndims ||
      datum->element_size != it->grid.element_size)
    return false;
  for (size_t d = 0; d < it->grid.ndims; ++d)
    if (datum->extent[d] != it->whole[d])
      return false;
  return true;
}

/** The extent of tile number `coord` of a dimension, with its halo. */
static size_t extent_at(const struct aml_tiling_halo *it, size_t d, size_t coord) {
  const size_t first = it->origin[d] + coord * it->grid.tile_extent[d];
  const size_t end = first + aml_internal_grid_extent(&it->grid, d, coord);
  const size_t before = first < it->options.before[d] ? first : it->options.before[d];
  const size_t room = it->whole[d] - end;
  return before + (end - first) + (room < it->options.after[d] ? room : it->options.after[d]);
}

static int tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  const struct aml_tiling_halo *const it = halo_of(tiling);
  size_t coords[AML_MAX_DIMS] = {0};
  const int err = aml_internal_grid_check_id(&it->grid, "aml_tiling_tile_extent", id);
  if (err)
    return err;
  aml_internal_grid_split_n(&it->grid, id, coords, it->grid.ndims);
  for (size_t d = 0; d < it->grid.ndims; ++d)
    extent[d] = extent_at(it, d, coords[d]);
  return 0;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                struct aml_tile *result) {
  if (!accepts(halo_of(tiling), datum, id))
    return aml_internal_grid_refuse_tile(aml_internal_grid_of(tiling), id);
  aml_tiling_halo_tile(tiling, datum, id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_halo_ops = {
    .name = "halo",
    .fini = fini,
    .info = info,
    .count = aml_internal_grid_count,
    .id = aml_internal_grid_id,
    .coords = aml_internal_grid_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

/** Tells what of the array is no border; refuses a border that leaves none. */
static int shrink(const char *call, const struct aml_tiling_halo_options *options, size_t ndims,
                  const size_t extent[], size_t inner[]) {
  for (size_t d = 0; d < ndims; ++d) {
    inner[d] = extent[d];
    if (!options->has_border)
      continue;
    if (options->before[d] >= extent[d] || options->after[d] >= extent[d] - options->before[d])
      return aml_error_set_value(-AML_EINVAL, call, "extent of dimension", d,
                                 "is no larger than its border");
    inner[d] = extent[d] - options->before[d] - options->after[d];
  }
  return 0;
}

/**
 * Finds the largest extent of any tile along a dimension. But for the last tile, which may be
 * clipped, extents rise until the halo before the interior is whole, and fall once the one behind
 * it is not.
 */
static size_t most_extent(const struct aml_tiling_halo *it, size_t d) {
  const size_t tile_extent = it->grid.tile_extent[d];
  const size_t last = it->grid.tiles[d].divisor - 1;
  const size_t before = it->options.before[d] / tile_extent;
  const size_t after = it->options.after[d] / tile_extent;
  const size_t candidates[] = {last,
                               last > 0 ? last - 1 : 0,
                               before,
                               before + 1,
                               after < last ? last - after : 0,
                               after + 1 < last ? last - after - 1 : 0,
                               after + 2 < last ? last - after - 2 : 0};
  size_t most = 0;
  for (size_t i = 0; i < sizeof candidates / sizeof *candidates; ++i) {
    const size_t coord = candidates[i] < last ? candidates[i] : last;
    const size_t extent = extent_at(it, d, coord);
    most = extent > most ? extent : most;
  }
  return most;
}

static const struct aml_tiling_halo_options defaults = {.has_border = false};

int aml_tiling_halo_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                         const size_t extent[], const size_t tile_extents[],
                         const struct aml_tiling_halo_options *options) {
  static const char call[] = "aml_tiling_halo_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_halo_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_HALO_DECL");
  if (options == NULL)
    options = &defaults;
  struct aml_tiling_halo made = {.grid.tiling = *tiling, .options = *options};
  struct aml_internal_grid_shape shape = {.element_size = element_size,
                                          .ndims = ndims,
                                          .extent = extent,
                                          .tile_extent = tile_extents,
                                          .order = options->order};
  // First the array as a whole, which checks all arguments.
  int err = aml_internal_grid_init(call, &shape, &made.grid);
  size_t inner[AML_MAX_DIMS];
  if (!err)
    err = shrink(call, options, ndims, extent, inner);
  shape.extent = inner;
  if (!err)
    err = aml_internal_grid_init(call, &shape, &made.grid);
  if (err)
    return err;
  for (size_t d = 0; d < ndims; ++d) {
    made.whole[d] = extent[d];
    made.origin[d] = options->has_border ? options->before[d] : 0;
    made.most[d] = most_extent(&made, d);
  }
  *(struct aml_tiling_halo *)tiling = made;
  return 0;
}

int aml_tiling_halo_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                           const size_t extent[], const size_t tile_extents[],
                           const struct aml_tiling_halo_options *options) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_halo_create", "tiling", tiling, sizeof(struct aml_tiling_halo),
                       &aml_tiling_halo_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_halo_init(made, element_size, ndims, extent, tile_extents, options);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}

static int check_view(const char *call, const struct aml_tiling *tiling,
                      const struct aml_tile *datum, size_t id, const char *argument,
                      const struct aml_tile *result) {
  if (tiling == NULL || tiling->ops != &aml_tiling_halo_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling", "is null, or no tiling with halos");
  if (datum == NULL || result == NULL)
    return aml_error_set(-AML_EINVAL, call, datum == NULL ? "datum" : argument, "is null");
  if (!accepts(halo_of(tiling), datum, id))
    return aml_internal_grid_refuse_tile(aml_internal_grid_of(tiling), id);
  return 0;
}

int aml_tiling_halo_interior(const struct aml_tiling *tiling, const struct aml_tile *datum,
                             size_t id, struct aml_tile *interior) {
  static const char call[] = "aml_tiling_halo_interior";
  const int err = check_view(call, tiling, datum, id, "interior", interior);
  if (err)
    return err;
  const struct aml_tiling_halo *const it = halo_of(tiling);
  struct aml_tile inner = *datum;
  inner.base = aml_tile_address(datum, it->origin);
  aml_internal_grid_tile(&it->grid, &inner, id, interior);
  return 0;
}

int aml_tiling_halo_part(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                         const int direction[], struct aml_tile *part) {
  static const char call[] = "aml_tiling_halo_part";
  struct aml_tile whole;
  struct aml_tile interior;
  int err = check_view(call, tiling, datum, id, "part", part);
  if (!err && direction == NULL)
    err = aml_error_set(-AML_EINVAL, call, "direction", "is null");
  if (!err)
    err = aml_tiling_halo_interior(tiling, datum, id, &interior);
  if (err)
    return err;
  aml_tiling_halo_tile(tiling, datum, id, &whole);
  size_t coords[AML_MAX_DIMS] = {0};
  const struct aml_tiling_halo *const it = halo_of(tiling);
  aml_internal_grid_split_n(&it->grid, id, coords, it->grid.ndims);
  struct aml_tile result = interior;
  bool is_interior = true;
  for (size_t d = 0; d < it->grid.ndims; ++d) {
    if (direction[d] < -1 || direction[d] > 1)
      return aml_error_set(-AML_EINVAL, call, "direction", "has a number other than -1, 0 and 1");
    if (direction[d] == 0)
      continue;
    is_interior = false;
    const size_t first = it->origin[d] + coords[d] * it->grid.tile_extent[d];
    const size_t before = first < it->options.before[d] ? first : it->options.before[d];
    const size_t after = whole.extent[d] - before - interior.extent[d];
    const ptrdiff_t step = direction[d] < 0 ? -(ptrdiff_t)before : (ptrdiff_t)interior.extent[d];
    result.base = (char *)result.base + step * result.stride_bytes[d];
    result.extent[d] = direction[d] < 0 ? before : after;
  }
  if (is_interior)
    return aml_error_set(-AML_EINVAL, call, "direction", "is that of the interior");
  for (size_t d = 0; d < it->grid.ndims; ++d)
    if (result.extent[d] == 0)
      return aml_error_set(-AML_ENOENT, call, "direction", "has no halo");
  *part = result;
  return 0;
}
