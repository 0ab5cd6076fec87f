// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/1d.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/tiling/internal/line.h"

static const struct aml_tiling_1d *tiling_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_1d *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_1d *)tiling = (struct aml_tiling_1d){.tiling = {.ops = &aml_tiling_1d_ops}};
}

static size_t count(const struct aml_tiling *tiling) {
  return tiling_of(tiling)->tiles;
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  const struct aml_tiling_1d *const it = tiling_of(tiling);
  *result = (struct aml_tiling_info){
      .type = aml_tiling_1d_ops.name,
      .cover = AML_TILING_PARTITION,
      .element_size = it->element_size,
      .ndims = 1,
      .extent = {it->count},
      .tile_extent = {it->tile_count},
      .grid_ndims = 1,
      .grid = {it->tiles},
      .id_step = {1},
      .count = it->tiles,
      .max_tile_size = it->tile_count * it->element_size,
      .storage_size = it->count * it->element_size,
  };
}

static int tile_extent(const struct aml_tiling *tiling, size_t tile_id, size_t extent[]) {
  const struct aml_tiling_1d *const it = tiling_of(tiling);
  const int err = aml_internal_line_check(tiling, "aml_tiling_tile_extent", tile_id);
  if (!err)
    extent[0] = tile_id + 1 == it->tiles ? it->last_count : it->tile_count;
  return err;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t tile_id,
                struct aml_tile *result) {
  static const char call[] = "aml_tiling_tile";
  const struct aml_tiling_1d *const it = tiling_of(tiling);
  if (tile_id >= it->tiles)
    return aml_internal_line_check(tiling, call, tile_id);
  if (datum->ndims != 1 || datum->extent[0] != it->count || datum->element_size != it->element_size)
    return aml_error_set(-AML_EINVAL, call, "datum", "is not of the shape that the tiling cuts");
  aml_tiling_1d_tile(tiling, datum, tile_id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_1d_ops = {
    .name = "1d",
    .fini = fini,
    .info = info,
    .count = count,
    .id = aml_internal_line_id,
    .coords = aml_internal_line_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

int aml_tiling_1d_init(struct aml_tiling *tiling, size_t elements, size_t element_size,
                       size_t tile_count) {
  static const char call[] = "aml_tiling_1d_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_1d_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_1D_DECL");
  if (elements == 0)
    return aml_error_set(-AML_EINVAL, call, "count", "is 0");
  if (element_size == 0)
    return aml_error_set(-AML_EINVAL, call, "element_size", "is 0");
  if (tile_count == 0)
    return aml_error_set(-AML_EINVAL, call, "tile_count", "is 0");
  size_t size;
  if (!aml_checked_multiply(elements, element_size, &size) || size > PTRDIFF_MAX)
    return aml_error_set(-AML_EOVERFLOW, call, "count",
                         "times element_size is larger than the range of addresses");
  if (tile_count > elements)
    tile_count = elements;
  const size_t whole = (elements - 1) / tile_count;
  *(struct aml_tiling_1d *)tiling = (struct aml_tiling_1d){
      .tiling = {.ops = &aml_tiling_1d_ops},
      .count = elements,
      .element_size = element_size,
      .tile_count = tile_count,
      .last_count = elements - whole * tile_count,
      .tiles = whole + 1,
  };
  return 0;
}

int aml_tiling_1d_create(struct aml_tiling **tiling, size_t elements, size_t element_size,
                         size_t tile_count) {
  struct aml_tiling *const made = aml_block_create(
      "aml_tiling_1d_create", "tiling", tiling, sizeof(struct aml_tiling_1d), &aml_tiling_1d_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_1d_init(made, elements, element_size, tile_count);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}
