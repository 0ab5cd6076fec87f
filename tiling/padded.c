// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/padded.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aml/core/area.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static void fini(struct aml_tiling *tiling) {
  *(struct aml_tiling_padded *)tiling =
      (struct aml_tiling_padded){.grid.tiling.ops = &aml_tiling_padded_ops};
}

/** The elements along a dimension with its padding. */
static size_t padded_extent(const struct aml_internal_grid *it, size_t d) {
  return it->tiles[d].divisor * it->tile_extent[d];
}

static void info(const struct aml_tiling *tiling, struct aml_tiling_info *result) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  aml_internal_grid_info(tiling, result);
  result->cover = AML_TILING_PADDED;
  result->storage_size = it->element_size;
  for (size_t d = 0; d < it->ndims; ++d)
    result->storage_size *= padded_extent(it, d);
}

static int tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  const int err = aml_internal_grid_check_id(it, "aml_tiling_tile_extent", id);
  for (size_t d = 0; d < it->ndims && !err; ++d)
    extent[d] = it->tile_extent[d];
  return err;
}

/**
 * Adds a dimension to the bytes that faster ones take; false if its stride does not step over them.
 * Where a dimension has one element, its stride leads nowhere.
 */
static bool add_span(const struct aml_internal_grid *it, const struct aml_tile *datum, size_t d,
                     size_t *span) {
  const ptrdiff_t stride = datum->stride_bytes[d];
  const size_t steps = padded_extent(it, d) - 1;
  size_t distance;
  if (steps == 0)
    return true;
  return stride > 0 && (size_t)stride >= *span &&
         aml_checked_multiply(steps, (size_t)stride, &distance) &&
         aml_checked_add(*span, distance, span);
}

/** Tells the next dimension by ascending stride, after the one of `stride` and number `d`. */
static size_t next_by_stride(const struct aml_tile *datum, ptrdiff_t stride, size_t d) {
  size_t next = datum->ndims;
  for (size_t k = 0; k < datum->ndims; ++k) {
    const ptrdiff_t each = datum->stride_bytes[k];
    if ((each > stride || (each == stride && k > d)) &&
        (next == datum->ndims || each < datum->stride_bytes[next]))
      next = k;
  }
  return next;
}

/** Whether the padding of a datum lies neither on elements nor on other padding. */
static bool has_room(const struct aml_internal_grid *it, const struct aml_tile *datum) {
  const size_t ndims = it->ndims;
  size_t span = it->element_size;
  size_t end;
  // As a rule dimensions are in the order of their strides.
  size_t d = ndims;
  while (d > 0 && add_span(it, datum, d - 1, &span))
    --d;
  if (d > 0) {
    span = it->element_size;
    size_t left = ndims;
    ptrdiff_t stride = PTRDIFF_MIN;
    for (d = ndims; left > 0; --left) {
      d = next_by_stride(datum, stride, d);
      if (d == ndims)
        return false;
      stride = datum->stride_bytes[d];
      if (!add_span(it, datum, d, &span))
        return false;
    }
  }
  return aml_checked_add((uintptr_t)datum->base, span, &end);
}

static int check_tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id) {
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  if (!aml_internal_grid_accepts(it, datum, id))
    return aml_internal_grid_refuse_tile(it, id);
  if (!has_room(it, datum))
    return aml_error_set(-AML_EINVAL, "aml_tiling_tile", "datum",
                         "has strides that leave no room for padding");
  return 0;
}

static int tile(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                struct aml_tile *result) {
  const int err = check_tile(tiling, datum, id);
  if (!err)
    aml_tiling_padded_tile(tiling, datum, id, result);
  return err;
}

const struct aml_tiling_ops aml_tiling_padded_ops = {
    .name = "padded",
    .fini = fini,
    .info = info,
    .count = aml_internal_grid_count,
    .id = aml_internal_grid_id,
    .coords = aml_internal_grid_coords,
    .tile_extent = tile_extent,
    .tile = tile,
};

int aml_tiling_padded_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                           const size_t extent[], const size_t tile_extents[],
                           const struct aml_tiling_padded_options *options) {
  static const char call[] = "aml_tiling_padded_init";
  if (tiling == NULL || tiling->ops != &aml_tiling_padded_ops)
    return aml_error_set(-AML_EINVAL, call, "tiling",
                         "is null, or was not declared by AML_TILING_PADDED_DECL");
  return aml_internal_grid_init(
      call,
      &(struct aml_internal_grid_shape){.element_size = element_size,
                                        .ndims = ndims,
                                        .extent = extent,
                                        .tile_extent = tile_extents,
                                        .order = options == NULL ? AML_ORDER_ROW : options->order,
                                        .is_padded = true},
      &((struct aml_tiling_padded *)tiling)->grid);
}

int aml_tiling_padded_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                             const size_t extent[], const size_t tile_extents[],
                             const struct aml_tiling_padded_options *options) {
  struct aml_tiling *const made =
      aml_block_create("aml_tiling_padded_create", "tiling", tiling,
                       sizeof(struct aml_tiling_padded), &aml_tiling_padded_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_tiling_padded_init(made, element_size, ndims, extent, tile_extents, options);
  if (err)
    free(made);
  else
    *tiling = made;
  return err;
}

static int refuse_tiling(const char *call) {
  return aml_error_set(-AML_EINVAL, call, "tiling", "is null, or no tiling into padded boxes");
}

int aml_tiling_padded_datum(const struct aml_tiling *tiling, struct aml_area *area, void *base,
                            enum aml_order order, struct aml_tile *datum) {
  static const char call[] = "aml_tiling_padded_datum";
  if (tiling == NULL || tiling->ops != &aml_tiling_padded_ops)
    return refuse_tiling(call);
  if (datum == NULL)
    return aml_error_set(-AML_EINVAL, call, "datum", "is null");
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  size_t extent[AML_MAX_DIMS];
  for (size_t d = 0; d < it->ndims; ++d)
    extent[d] = padded_extent(it, d);
  struct aml_tile made;
  const int err = aml_tile_dense(&made, area, base, it->element_size, it->ndims, extent, order);
  if (err)
    return err;
  for (size_t d = 0; d < it->ndims; ++d)
    made.extent[d] = it->extent[d];
  *datum = made;
  return 0;
}

int aml_tiling_padded_interior(const struct aml_tiling *tiling, const struct aml_tile *datum,
                               size_t id, struct aml_tile *interior) {
  static const char call[] = "aml_tiling_padded_interior";
  if (tiling == NULL || tiling->ops != &aml_tiling_padded_ops)
    return refuse_tiling(call);
  if (datum == NULL || interior == NULL)
    return aml_error_set(-AML_EINVAL, call, datum == NULL ? "datum" : "interior", "is null");
  const int err = check_tile(tiling, datum, id);
  if (!err)
    aml_internal_grid_tile(aml_internal_grid_of(tiling), datum, id, interior);
  return err;
}

/** Writes a value to each element of a tile. */
static void fill(const struct aml_tile *tile, const void *value) {
  size_t coords[AML_MAX_DIMS] = {0};
  for (size_t left = aml_tile_count(tile); left > 0; --left) {
    memcpy(aml_tile_address(tile, coords), value, tile->element_size);
    for (size_t d = tile->ndims; d-- > 0;) {
      if (++coords[d] < tile->extent[d])
        break;
      coords[d] = 0;
    }
  }
}

int aml_tiling_padded_fill(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
                           const void *value) {
  static const char call[] = "aml_tiling_padded_fill";
  struct aml_tile interior;
  if (value == NULL)
    return aml_error_set(-AML_EINVAL, call, "value", "is null");
  const int err = aml_tiling_padded_interior(tiling, datum, id, &interior);
  if (err)
    return err;
  if (datum->area != NULL && (aml_area_capabilities(datum->area) & AML_AREA_HOST_WRITABLE) == 0)
    return aml_error_set(-AML_ENOTSUP, call, "datum", "is in an area that the host cannot write");
  // Behind the interior in one dimension, and as far as the tile goes in those after it: boxes
  // that are apart, and together the padding.
  const struct aml_internal_grid *const it = aml_internal_grid_of(tiling);
  for (size_t d = 0; d < it->ndims; ++d) {
    struct aml_tile box = interior;
    for (size_t after = d + 1; after < it->ndims; ++after)
      box.extent[after] = it->tile_extent[after];
    box.extent[d] = it->tile_extent[d] - interior.extent[d];
    box.base = (char *)box.base + (ptrdiff_t)interior.extent[d] * box.stride_bytes[d];
    if (box.extent[d] > 0)
      fill(&box, value);
  }
  return 0;
}
