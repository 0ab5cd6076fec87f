// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/ragged.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/tiling/internal/line.h"

static const struct aml_tiling_ragged *ragged_of(const struct aml_tiling *tiling) {
  return (const struct aml_tiling_ragged *)tiling;
}

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_ragged *)tiling =
      (struct aml_tiling_ragged){.tiling.ops = &aml_tiling_ragged_ops};
}

static size_t count(const struct aml_tiling *tiling) {
  return ragged_of(tiling)->count;
}

static size_t elements(const struct aml_tiling_ragged *it) {
  return it->offsets[it->count];
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  const struct aml_tiling_ragged *const it = ragged_of(tiling);
  *result = (struct aml_tiling_info){
      .type = aml_tiling_ragged_ops.name,
      .cover = AML_TILING_PARTITION,
      .element_size = it->element_size,
      .ndims = 1,
      .extent = {elements(it)},
      .tile_extent = {it->most},
      .grid_ndims = 1,
      .grid = {it->count},
      .id_step = {1},
      .count = it->count,
      .max_tile_size = it->most * it->element_size,
      .storage_size = elements(it) * it->element_size,
  };
}

static int refuse_empty(const char *call, size_t tile_id) {
  return aml_error_set_value(-AML_ENOENT, call, "id", tile_id, "is of a tile without elements");
}

static int tile_extent(const struct aml_tiling *tiling, size_t tile_id, size_t extent[]) {
  static const char call[] = "aml_tiling_tile_extent";
  const int err = aml_internal_line_check(tiling, call, tile_id);
  if (err)
    return err;
  const size_t found = aml_tiling_ragged_extent(tiling, tile_id);
  if (found == 0)
    return refuse_empty(call, tile_id);
  extent[0] = found;
  return 0;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t tile_id,
                struct aml_tile *result) {
  static const char call[] = "aml_tiling_tile";
  const struct aml_tiling_ragged *const it = ragged_of(tiling);
  if (tile_id >= it->count)
    return aml_internal_line_check(tiling, call, tile_id);
  if (datum->ndims != 1 || datum->extent[0] != elements(it) ||
      datum->element_size != it->element_size)
    return aml_error_set(-AML_EINVAL, call, "datum", "is not of the shape that the tiling cuts");
  if (aml_tiling_ragged_extent(tiling, tile_id) == 0)
    return refuse_empty(call, tile_id);
  aml_tiling_ragged_tile(tiling, datum, tile_id, result);
  return 0;
}

const struct aml_tiling_ops aml_tiling_ragged_ops = {
    .name = "ragged",
    .fini = fini,
    .info = info,
    .count = count,
    .id = aml_internal_line_id,
    .coords = aml_internal_line_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

/** Finds the largest tile, if offsets are as they must be. */
static int measure(const char *call, size_t tiles, const size_t offsets[], size_t *most) {
  if (offsets[0] != 0)
    return aml_error_set(-AML_EINVAL, call, "offsets", "do not begin with 0");
  *most = 0;
  for (size_t i = 0; i < tiles; ++i) {
    if (offsets[i + 1] < offsets[i])
      return aml_error_set_value(-AML_EINVAL, call, "offsets", i + 1,
                                 "is less than the one before it");
    const size_t extent = offsets[i + 1] - offsets[i];
    *most = extent > *most ? extent : *most;
  }
  if (offsets[tiles] == 0)
    return aml_error_set(-AML_EINVAL, call, "offsets", "are all 0");
  return 0;
}

int aml_tiling_ragged_init(struct aml_tiling *tiling, size_t element_size, size_t tiles,
                           const size_t offsets[]) {
  static const char call[] = "aml_tiling_ragged_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_ragged_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_RAGGED_DECL");
  if (element_size == 0)
    return aml_error_set(-AML_EINVAL, call, "element_size", "is 0");
  if (tiles == 0)
    return aml_error_set(-AML_EINVAL, call, "count", "is 0");
  if (offsets == NULL)
    return aml_error_set(-AML_EINVAL, call, "offsets", "is null");
  size_t most = 0;
  size_t size;
  const int err = measure(call, tiles, offsets, &most);
  if (err)
    return err;
  if (!aml_checked_multiply(offsets[tiles], element_size, &size) || size > PTRDIFF_MAX)
    return aml_error_set(-AML_EOVERFLOW, call, "offsets",
                         "times element_size are larger than the range of addresses");
  *(struct aml_tiling_ragged *)tiling = (struct aml_tiling_ragged){
      .tiling = *tiling,
      .element_size = element_size,
      .count = tiles,
      .offsets = offsets,
      .most = most,
  };
  return 0;
}

int aml_tiling_ragged_create(struct aml_tiling **tiling, size_t element_size, size_t tiles,
                             const size_t offsets[]) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_ragged_create", "tiling", tiling,
                       sizeof(struct aml_tiling_ragged), &aml_tiling_ragged_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_ragged_init(made, element_size, tiles, offsets);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}

int aml_tiling_ragged_find(const struct aml_tiling *tiling, size_t element, size_t *found) {
  static const char call[] = "aml_tiling_ragged_find";
  if (tiling == NULL || tiling->ops != &aml_tiling_ragged_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling", "is null, or no tiling by prefix sums");
  if (found == NULL)
    return aml_error_set(-AML_EINVAL, call, "id", "is null");
  const struct aml_tiling_ragged *const it = ragged_of(tiling);
  if (it->count == 0 || element >= elements(it))
    return aml_error_set_value(-AML_EINVAL, call, "element", element, "is not in the datum");
  // offsets[low] <= element < offsets[high]
  size_t low = 0;
  size_t high = it->count;
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (it->offsets[middle] <= element)
      low = middle;
    else
      high = middle;
  }
  *found = low;
  return 0;
}
