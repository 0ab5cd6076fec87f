// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/clipped.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_clipped *)tiling =
      (struct aml_tiling_clipped){.grid.tiling.ops = &aml_tiling_clipped_ops};
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                struct aml_tile *result) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  if (!aml_internal_grid_accepts(it, datum, id))
    return aml_internal_grid_refuse_tile(it, id);
  aml_internal_grid_tile(it, datum, id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_clipped_ops = {
    .name = "clipped",
    .fini = fini,
    .info = aml_internal_grid_info,
    .count = aml_internal_grid_count,
    .id = aml_internal_grid_id,
    .coords = aml_internal_grid_coords,
    .tile_extent = aml_internal_grid_tile_extent,
    .tile = tile,
};

int aml_tiling_clipped_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                            const size_t extent[], const size_t tile_extent[],
                            const struct aml_tiling_clipped_options *options) {
  static const char call[] = "aml_tiling_clipped_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_clipped_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_CLIPPED_DECL");
  return aml_internal_grid_init(
      call,
      &(struct aml_internal_grid_shape){.element_size = element_size,
                                        .ndims = ndims,
                                        .extent = extent,
                                        .tile_extent = tile_extent,
                                        .order = options == NULL ? AML_ORDER_ROW : options->order},
      &((struct aml_tiling_clipped *)tiling)->grid);
}

int aml_tiling_clipped_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                              const size_t extent[], const size_t tile_extent[],
                              const struct aml_tiling_clipped_options *options) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_clipped_create", "tiling", tiling,
                       sizeof(struct aml_tiling_clipped), &aml_tiling_clipped_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_clipped_init(made, element_size, ndims, extent, tile_extent, options);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}
