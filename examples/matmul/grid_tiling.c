// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/grid_tiling.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

static const struct grid_tiling *grid_of(const struct aml_tiling *tiling) {
  return (const struct grid_tiling *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct grid_tiling *)tiling = (struct grid_tiling){.tiling = {.ops = tiling->ops}};
}

static size_t count(const struct aml_tiling *tiling) {
  return grid_of(tiling)->grid[0] * grid_of(tiling)->grid[1];
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *info) {
  const struct grid_tiling *const grid = grid_of(tiling);
  const size_t element_size = grid->element_size;
  *info = (struct aml_tiling_info){
      .type = tiling->ops->name,
      .cover = AML_TILING_PARTITION,
      .element_size = element_size,
      .ndims = 2,
      .extent = {grid->extent[0], grid->extent[1]},
      .tile_extent = {grid->tile_extent[0], grid->tile_extent[1]},
      .grid_ndims = 2,
      .grid = {grid->grid[0], grid->grid[1]},
      .count = count(tiling),
      .max_tile_size = grid->tile_extent[0] * grid->tile_extent[1] * element_size,
      .storage_size = grid->extent[0] * grid->extent[1] * element_size,
  };
}

static int id_of(const struct aml_tiling *tiling, const size_t coords[], size_t *id) {
  const struct grid_tiling *const grid = grid_of(tiling);
  if (coords[0] >= grid->grid[0] || coords[1] >= grid->grid[1])
    return aml_error_set(-AML_EINVAL, "aml_tiling_id", "coords", "are outside the grid");
  *id = coords[0] * grid->grid[1] + coords[1];
  return 0;
}

static int check_id(const struct aml_tiling *tiling, const char *call, size_t id) {
  if (id < count(tiling))
    return 0;
  return aml_error_set_value(-AML_EINVAL, call, "id", id, "is not below the number of tiles");
}

static int coords_of(const struct aml_tiling *tiling, size_t id, size_t coords[]) {
  const struct grid_tiling *const grid = grid_of(tiling);
  const int err = check_id(tiling, "aml_tiling_coords", id);
  if (err)
    return err;
  coords[0] = id / grid->grid[1];
  coords[1] = id % grid->grid[1];
  return 0;
}

static size_t extent_at(const struct grid_tiling *grid, size_t d, size_t coord) {
  const size_t left = grid->extent[d] - coord * grid->tile_extent[d];
  return left < grid->tile_extent[d] ? left : grid->tile_extent[d];
}

static int extent_of(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  const struct grid_tiling *const grid = grid_of(tiling);
  const int err = check_id(tiling, "aml_tiling_tile_extent", id);
  if (err)
    return err;
  extent[0] = extent_at(grid, 0, id / grid->grid[1]);
  extent[1] = extent_at(grid, 1, id % grid->grid[1]);
  return 0;
}

static int cut(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
               struct aml_tile *tile) {
  static const char call[] = "aml_tiling_tile";
  const struct grid_tiling *const grid = grid_of(tiling);
  const int err = check_id(tiling, call, id);
  if (err)
    return err;
  if (datum->ndims != 2 || datum->element_size != grid->element_size ||
      datum->extent[0] != grid->extent[0] || datum->extent[1] != grid->extent[1])
    return aml_error_set(-AML_EINVAL, call, "datum", "has another shape than the tiling");
  const size_t coords[2] = {id / grid->grid[1], id % grid->grid[1]};
  struct aml_tile result = *datum;
  char *base = datum->base;
  for (size_t d = 0; d < 2; ++d) {
    const size_t first = coords[d] * grid->tile_extent[d];
    const size_t left = grid->extent[d] - first;
    base += (ptrdiff_t)first * datum->stride_bytes[d];
    result.extent[d] = left < grid->tile_extent[d] ? left : grid->tile_extent[d];
  }
  result.base = base;
  *tile = result;
  return 0;
}

const struct aml_tiling_ops grid_tiling_ops = {
    .name = "matmul grid",
    .fini = fini,
    .info = info,
    .count = count,
    .id = id_of,
    .coords = coords_of,
    .tile_extent = extent_of,
    .tile = cut,
};

int grid_tiling_init(struct aml_tiling *tiling, size_t element_size, const size_t extent[2],
                     const size_t tile_extent[2]) {
  static const char call[] = "grid_tiling_init";
  if (tiling == NULL || tiling->ops != &grid_tiling_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling", "was not declared as a grid tiling");
  if (element_size == 0)
    return aml_error_set(-AML_EINVAL, call, "element_size", "is 0");
  if (extent == NULL || extent[0] == 0 || extent[1] == 0)
    return aml_error_set(-AML_EINVAL, call, "extent", "is null or has a 0");
  if (tile_extent == NULL || tile_extent[0] == 0 || tile_extent[1] == 0)
    return aml_error_set(-AML_EINVAL, call, "tile_extent", "is null or has a 0");
  size_t size = 0;
  if (!aml_checked_multiply(extent[0], extent[1], &size) ||
      !aml_checked_multiply(size, element_size, &size) || size > PTRDIFF_MAX)
    return aml_error_set(-AML_EOVERFLOW, call, "extent", "is larger than the range of addresses");
  struct grid_tiling *const grid = (struct grid_tiling *)tiling;
  grid->element_size = element_size;
  for (size_t d = 0; d < 2; ++d) {
    grid->extent[d] = extent[d];
    grid->tile_extent[d] = tile_extent[d] < extent[d] ? tile_extent[d] : extent[d];
    grid->grid[d] = (extent[d] - 1) / grid->tile_extent[d] + 1;
  }
  return 0;
}

int grid_tiling_create(struct aml_tiling **tiling, size_t element_size, const size_t extent[2],
                       const size_t tile_extent[2]) {
  struct aml_tiling *const made = aml_block_create("grid_tiling_create", "tiling", tiling,
                                                   sizeof(struct grid_tiling), &grid_tiling_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = grid_tiling_init(made, element_size, extent, tile_extent);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}
