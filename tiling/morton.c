// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/morton.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_tiling_morton *morton_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_morton *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_morton *)tiling =
      (struct aml_tiling_morton){.grid.tiling.ops = &aml_tiling_morton_ops};
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  aml_internal_grid_info(tiling, result);
  for (size_t d = 0; d < result->grid_ndims; ++d)
    result->id_step[d] = 0;
}

static int id(const struct aml_tiling *tiling, const size_t coords[], size_t *result) {
  const int err = aml_internal_grid_check_coords(aml_internal_grid_of(tiling), coords);
  if (!err)
    *result = aml_tiling_morton_id(tiling, coords);
  return err;
}

static int coords(const struct aml_tiling *tiling, size_t tile_id, size_t result[]) {
  const int err =
      aml_internal_grid_check_id(aml_internal_grid_of(tiling), "aml_tiling_coords", tile_id);
  if (!err)
    aml_morton_coords(&morton_of(tiling)->curve, tile_id, result);
  return err;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t tile_id,
                struct aml_tile *result) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  if (!aml_internal_grid_accepts(it, datum, tile_id))
    return aml_internal_grid_refuse_tile(it, tile_id);
  aml_tiling_morton_tile(tiling, datum, tile_id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_morton_ops = {
    .name = "morton",
    .fini = fini,
    .info = info,
    .count = aml_internal_grid_count,
    .id = id,
    .coords = coords,
    .tile_extent = aml_internal_grid_tile_extent,
    .tile = tile,
};

int aml_tiling_morton_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                           const size_t extent[], const size_t tile_extent[]) {
  static const char call[] = "aml_tiling_morton_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_morton_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_MORTON_DECL");
  struct aml_tiling_morton made = {.grid.tiling = *tiling};
  const int err =
      aml_internal_grid_init(call,
                             &(struct aml_internal_grid_shape){.element_size = element_size,
                                                               .ndims = ndims,
                                                               .extent = extent,
                                                               .tile_extent = tile_extent},
                             &made.grid);
  if (err)
    return err;
  size_t tiles[AML_MAX_DIMS];
  for (size_t d = 0; d < ndims; ++d)
    tiles[d] = made.grid.tiles[d].divisor;
  if (!aml_morton_init(&made.curve, ndims, tiles))
    return aml_error_set(-AML_EOVERFLOW, call, "tile_extent",
                         "cuts more tiles than the Z curve can number");
  *(struct aml_tiling_morton *)tiling = made;
  return 0;
}

int aml_tiling_morton_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                             const size_t extent[], const size_t tile_extent[]) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_morton_create", "tiling", tiling,
                       sizeof(struct aml_tiling_morton), &aml_tiling_morton_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_morton_init(made, element_size, ndims, extent, tile_extent);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}
