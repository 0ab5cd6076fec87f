// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/internal/grid.h"

#include <stdint.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

static int check_shape(const char *call, const struct aml_internal_grid_shape *shape) {
  if (shape->element_size == 0)
    return aml_error_set(-AML_EINVAL, call, "element_size", "is 0");
  if (shape->ndims == 0 || shape->ndims > AML_MAX_DIMS)
    return aml_error_set_value(-AML_EINVAL, call, "ndims", shape->ndims, "is not 1 to 8");
  if (shape->extent == NULL)
    return aml_error_set(-AML_EINVAL, call, "extent", "is null");
  if (shape->tile_extent == NULL)
    return aml_error_set(-AML_EINVAL, call, "tile_extent", "is null");
  for (size_t d = 0; d < shape->ndims; ++d) {
    if (shape->extent[d] == 0)
      return aml_error_set_value(-AML_EINVAL, call, "extent of dimension", d, "is 0");
    if (shape->tile_extent[d] == 0)
      return aml_error_set_value(-AML_EINVAL, call, "tile_extent of dimension", d, "is 0");
  }
  if (shape->order != AML_ORDER_ROW && shape->order != AML_ORDER_COLUMN)
    return aml_error_set(-AML_EINVAL, call, "order", "is no order");
  return 0;
}

int aml_internal_grid_init(const char *call, const struct aml_internal_grid_shape *shape,
                           struct aml_internal_grid *grid) {
  const int err = check_shape(call, shape);
  if (err)
    return err;
  struct aml_internal_grid made = {
      .tiling = grid->tiling,
      .element_size = shape->element_size,
      .ndims = shape->ndims,
      .count = 1,
      .order = shape->order,
  };
  size_t size = shape->element_size;
  for (size_t i = 0; i < made.ndims; ++i) {
    const size_t d = made.order == AML_ORDER_ROW ? made.ndims - 1 - i : i;
    const size_t extent = shape->extent[d];
    const bool is_whole = shape->tile_extent[d] > extent && !shape->is_padded;
    const size_t tile_extent = is_whole ? extent : shape->tile_extent[d];
    const size_t tiles = (extent - 1) / tile_extent + 1;
    size_t elements = extent;
    if ((shape->is_padded && !aml_checked_multiply(tiles, tile_extent, &elements)) ||
        !aml_checked_multiply(size, elements, &size) || size > PTRDIFF_MAX)
      return aml_error_set(-AML_EOVERFLOW, call, "extent", "is larger than the range of addresses");
    made.extent[d] = extent;
    made.tile_extent[d] = tile_extent;
    made.last_extent[d] = extent - (tiles - 1) * tile_extent;
    made.id_step[d] = made.count;
    made.tiles[d] = aml_reciprocal_of(tiles);
    made.count *= tiles;
  }
  *grid = made;
  return 0;
}

void aml_internal_grid_info(const struct aml_tiling *tiling, struct aml_tiling_info *info) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  *info = (struct aml_tiling_info){
      .type = tiling->ops->name,
      .cover = AML_TILING_PARTITION,
      .element_size = it->element_size,
      .ndims = it->ndims,
      .grid_ndims = it->ndims,
      .count = it->count,
      .max_tile_size = it->element_size,
      .storage_size = it->element_size,
  };
  for (size_t d = 0; d < it->ndims; ++d) {
    info->extent[d] = it->extent[d];
    info->tile_extent[d] = it->tile_extent[d];
    info->grid[d] = it->tiles[d].divisor;
    info->id_step[d] = it->id_step[d];
    info->max_tile_size *= it->tile_extent[d];
    info->storage_size *= it->extent[d];
  }
}

size_t aml_internal_grid_count(const struct aml_tiling *tiling) {
  return aml_internal_grid_of(tiling)->count;
}

int aml_internal_grid_check_id(const struct aml_internal_grid *grid, const char *call, size_t id) {
  if (id < grid->count)
    return 0;
  return aml_error_set_value(-AML_EINVAL, call, "id", id, "is not below the number of tiles");
}

int aml_internal_grid_check_coords(const struct aml_internal_grid *grid, const size_t coords[]) {
  for (size_t d = 0; d < grid->ndims; ++d)
    if (coords[d] >= grid->tiles[d].divisor)
      return aml_error_set_value(-AML_EINVAL, "aml_tiling_id", "coords", coords[d],
                                 "is outside the grid");
  return 0;
}

int aml_internal_grid_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  const int err = aml_internal_grid_check_coords(it, coords);
  if (err)
    return err;
  size_t sum = 0;
  for (size_t d = 0; d < it->ndims; ++d)
    sum += coords[d] * it->id_step[d];
  *id = sum;
  return 0;
}

int aml_internal_grid_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  const int err = aml_internal_grid_check_id(it, "aml_tiling_coords", id);
  if (!err)
    aml_internal_grid_split_n(it, id, coords, it->ndims);
  return err;
}

int aml_internal_grid_tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  size_t coords[AML_MAX_DIMS];
  const int err = aml_internal_grid_check_id(it, "aml_tiling_tile_extent", id);
  if (err)
    return err;
  // By the operation, since a type may number its tiles otherwise.
  (void)tiling->ops->coords(tiling, id, coords);
  for (size_t d = 0; d < it->ndims; ++d)
    extent[d] = aml_internal_grid_extent(it, d, coords[d]);
  return 0;
}

int aml_internal_grid_refuse_tile(const struct aml_internal_grid *grid, size_t id) {
  static const char call[] = "aml_tiling_tile";
  const int err = aml_internal_grid_check_id(grid, call, id);
  if (err)
    return err;
  return aml_error_set(-AML_EINVAL, call, "datum", "is not of the shape that the tiling cuts");
}
