// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/blocked.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_tiling_blocked *blocked_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_blocked *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_blocked *)tiling =
      (struct aml_tiling_blocked){.grid.tiling.ops = &aml_tiling_blocked_ops};
}

static bool is_padded(const struct aml_tiling *tiling) {
  return blocked_of(tiling)->options.edge == AML_TILING_BLOCKED_PADDED;
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  aml_internal_grid_info(tiling, result);
  if (!is_padded(tiling))
    return;
  result->cover = AML_TILING_PADDED;
  result->storage_size = result->count * blocked_of(tiling)->tile_size;
}

static int tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  if (!is_padded(tiling))
    return aml_internal_grid_tile_extent(tiling, id, extent);
  const int err = aml_internal_grid_check_id(it, "aml_tiling_tile_extent", id);
  for (size_t d = 0; d < it->ndims && !err; ++d)
    extent[d] = it->tile_extent[d];
  return err;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                struct aml_tile *result) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  if (!aml_internal_grid_accepts(it, datum, id))
    return aml_internal_grid_refuse_tile(it, id);
  if (!aml_tile_is_contiguous(datum))
    return aml_error_set(-AML_EINVAL, "aml_tiling_tile", "datum",
                         "is not dense and row-major, as the memory of contiguous tiles is given");
  aml_tiling_blocked_tile(tiling, datum, id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_blocked_ops = {
    .name = "blocked",
    .fini = fini,
    .info = info,
    .count = aml_internal_grid_count,
    .id = aml_internal_grid_id,
    .coords = aml_internal_grid_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

static const struct aml_tiling_blocked_options defaults = {AML_ORDER_ROW, AML_ORDER_ROW,
                                                           AML_TILING_BLOCKED_CLIPPED};

/** As the public one, on behalf of `call`. */
static int init(const char *call, struct aml_tiling *tiling,
                const struct aml_internal_grid_shape *shape,
                const struct aml_tiling_blocked_options *options) {
  if (tiling == NULL || tiling->ops != &aml_tiling_blocked_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_BLOCKED_DECL");
  if (options->tile_order != AML_ORDER_ROW && options->tile_order != AML_ORDER_COLUMN)
    return aml_error_set(-AML_EINVAL, call, "tile_order", "is no order");
  if (options->edge != AML_TILING_BLOCKED_CLIPPED && options->edge != AML_TILING_BLOCKED_PADDED)
    return aml_error_set(-AML_EINVAL, call, "edge", "is no kind of edge");
  struct aml_internal_grid_shape with_options = *shape;
  with_options.order = options->order;
  with_options.is_padded = options->edge == AML_TILING_BLOCKED_PADDED;
  struct aml_tiling_blocked *const it = (struct aml_tiling_blocked *)tiling;
  const int err = aml_internal_grid_init(call, &with_options, &it->grid);
  if (err)
    return err;
  it->options = *options;
  it->tile_size = it->grid.element_size;
  size_t after = 1;
  for (size_t i = 0; i < it->grid.ndims; ++i) {
    const size_t d = options->order == AML_ORDER_ROW ? it->grid.ndims - 1 - i : i;
    it->after[d] = after;
    it->tile_size *= it->grid.tile_extent[d];
    after *= with_options.is_padded ? it->grid.tiles[d].divisor * it->grid.tile_extent[d]
                                    : it->grid.extent[d];
  }
  return 0;
}

int aml_tiling_blocked_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                            const size_t extent[], const size_t tile_extents[],
                            const struct aml_tiling_blocked_options *options) {
  return init("aml_tiling_blocked_init", tiling,
              &(struct aml_internal_grid_shape){.element_size = element_size,
                                                .ndims = ndims,
                                                .extent = extent,
                                                .tile_extent = tile_extents},
              options == NULL ? &defaults : options);
}

int aml_tiling_blocked_init_2d_row(struct aml_tiling *tiling, size_t element_size, size_t rows,
                                   size_t columns, size_t tile_rows, size_t tile_columns) {
  return init(
      "aml_tiling_blocked_init_2d_row", tiling,
      &(struct aml_internal_grid_shape){.element_size = element_size,
                                        .ndims = 2,
                                        .extent = (const size_t[]){rows, columns},
                                        .tile_extent = (const size_t[]){tile_rows, tile_columns}},
      &defaults);
}

int aml_tiling_blocked_init_2d_column(struct aml_tiling *tiling, size_t element_size, size_t rows,
                                      size_t columns, size_t tile_rows, size_t tile_columns) {
  return init(
      "aml_tiling_blocked_init_2d_column", tiling,
      &(struct aml_internal_grid_shape){.element_size = element_size,
                                        .ndims = 2,
                                        .extent = (const size_t[]){rows, columns},
                                        .tile_extent = (const size_t[]){tile_rows, tile_columns}},
      &(struct aml_tiling_blocked_options){.order = AML_ORDER_COLUMN,
                                           .tile_order = AML_ORDER_COLUMN});
}

/** Takes what was allocated, if its initialisation went well. */
static int keep(struct aml_tiling *made, int err, struct aml_tiling **tiling) {
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}

static struct aml_tiling *allocate(const char *call, struct aml_tiling **tiling) {
  return aml_block_create(call, "tiling", tiling, sizeof(struct aml_tiling_blocked),
                          &aml_tiling_blocked_ops);
}

int aml_tiling_blocked_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                              const size_t extent[], const size_t tile_extents[],
                              const struct aml_tiling_blocked_options *options) {
  struct aml_tiling *const made = allocate("aml_tiling_blocked_create", tiling);
  if (made == NULL)
    return aml_error_code();
  return keep(made,
              aml_tiling_blocked_init(made, element_size, ndims, extent, tile_extents, options),
              tiling);
}

int aml_tiling_blocked_create_2d_row(struct aml_tiling **tiling, size_t element_size, size_t rows,
                                     size_t columns, size_t tile_rows, size_t tile_columns) {
  struct aml_tiling *const made = allocate("aml_tiling_blocked_create_2d_row", tiling);
  if (made == NULL)
    return aml_error_code();
  return keep(
      made,
      aml_tiling_blocked_init_2d_row(made, element_size, rows, columns, tile_rows, tile_columns),
      tiling);
}

int aml_tiling_blocked_create_2d_column(struct aml_tiling **tiling, size_t element_size,
                                        size_t rows, size_t columns, size_t tile_rows,
                                        size_t tile_columns) {
  struct aml_tiling *const made = allocate("aml_tiling_blocked_create_2d_column", tiling);
  if (made == NULL)
    return aml_error_code();
  return keep(
      made,
      aml_tiling_blocked_init_2d_column(made, element_size, rows, columns, tile_rows, tile_columns),
      tiling);
}
