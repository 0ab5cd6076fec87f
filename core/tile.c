// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/tile.h"

#include <stdint.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

/** The distance in bytes from a dimension's first element to its last one, in absolute value. */
static bool reach(size_t extent, ptrdiff_t stride_bytes, size_t *result) {
  const size_t step = stride_bytes < 0 ? 0 - (size_t)stride_bytes : (size_t)stride_bytes;
  return aml_checked_multiply(extent - 1, step, result) && *result <= PTRDIFF_MAX;
}

/** How far a tile reaches below and above its base; false where that is no range of addresses. */
static bool reaches(const struct aml_tile *tile, size_t *below, size_t *above) {
  *below = 0;
  *above = tile->element_size;
  for (size_t d = 0; d < tile->ndims; ++d) {
    size_t distance;
    if (!reach(tile->extent[d], tile->stride_bytes[d], &distance))
      return false;
    size_t *const side = tile->stride_bytes[d] < 0 ? below : above;
    if (!aml_checked_add(*side, distance, side))
      return false;
  }
  size_t end;
  return *below <= (uintptr_t)tile->base && aml_checked_add((uintptr_t)tile->base, *above, &end) &&
         *below + *above <= PTRDIFF_MAX;
}

int aml_tile_check(const struct aml_tile *tile, const char *call, const char *argument) {
  if (tile == NULL)
    return aml_error_set(-AML_EINVAL, call, argument, "is null");
  if (tile->ndims == 0 || tile->ndims > AML_MAX_DIMS)
    return aml_error_set_value(-AML_EINVAL, call, argument, tile->ndims,
                               "dimensions: a tile has 1 to 8");
  if (tile->element_size == 0)
    return aml_error_set(-AML_EINVAL, call, argument, "has an element size of 0");
  if (tile->base == NULL)
    return aml_error_set(-AML_EINVAL, call, argument, "has a null base");
  size_t count = 1;
  for (size_t d = 0; d < tile->ndims; ++d) {
    if (tile->extent[d] == 0)
      return aml_error_set(-AML_EINVAL, call, argument, "has an extent of 0");
    if (!aml_checked_multiply(count, tile->extent[d], &count))
      return aml_error_set(-AML_EOVERFLOW, call, argument, "has more elements than can be counted");
  }
  size_t size;
  size_t below;
  size_t above;
  if (!aml_checked_multiply(count, tile->element_size, &size) || !reaches(tile, &below, &above))
    return aml_error_set(-AML_EOVERFLOW, call, argument, "reaches past the range of addresses");
  return 0;
}

int aml_tile_dense(struct aml_tile *tile, struct aml_area *area, void *base, size_t element_size,
                   size_t ndims, const size_t extent[], enum aml_order order) {
  static const char call[] = "aml_tile_dense";
  if (tile == NULL)
    return aml_error_set(-AML_EINVAL, call, "tile", "is null");
  if (extent == NULL)
    return aml_error_set(-AML_EINVAL, call, "extent", "is null");
  if (ndims == 0 || ndims > AML_MAX_DIMS)
    return aml_error_set_value(-AML_EINVAL, call, "ndims", ndims, "is not 1 to 8");
  if (order != AML_ORDER_ROW && order != AML_ORDER_COLUMN)
    return aml_error_set(-AML_EINVAL, call, "order", "is no order");

  struct aml_tile made = {.base = base, .area = area, .element_size = element_size, .ndims = ndims};
  size_t stride = element_size;
  for (size_t i = 0; i < ndims; ++i) {
    const size_t d = order == AML_ORDER_ROW ? ndims - 1 - i : i;
    if (stride > PTRDIFF_MAX)
      return aml_error_set(-AML_EOVERFLOW, call, "extent", "is larger than the range of addresses");
    made.extent[d] = extent[d];
    made.stride_bytes[d] = (ptrdiff_t)stride;
    if (!aml_checked_multiply(stride, extent[d], &stride))
      return aml_error_set(-AML_EOVERFLOW, call, "extent", "is larger than the range of addresses");
  }
  const int err = aml_tile_check(&made, call, "tile");
  if (err)
    return err;
  *tile = made;
  return 0;
}

bool aml_tile_has_shape_of(const struct aml_tile *a, const struct aml_tile *b) {
  if (a->ndims != b->ndims || a->element_size != b->element_size)
    return false;
  for (size_t d = 0; d < a->ndims; ++d)
    if (a->extent[d] != b->extent[d])
      return false;
  return true;
}

void aml_tile_span(const struct aml_tile *tile, void **lowest, size_t *size) {
  size_t below = 0;
  size_t above = 0;
  (void)reaches(tile, &below, &above);
  *lowest = (char *)tile->base - below;
  *size = below + above;
}

/** Whether spans meet; *total is the bytes of both together, each of which is a ptrdiff_t. */
static bool spans_overlap(const struct aml_tile *a, const struct aml_tile *b, size_t *total) {
  void *a_lowest;
  void *b_lowest;
  size_t a_size;
  size_t b_size;
  aml_tile_span(a, &a_lowest, &a_size);
  aml_tile_span(b, &b_lowest, &b_size);
  *total = a_size + b_size;
  return (uintptr_t)a_lowest < (uintptr_t)b_lowest + b_size &&
         (uintptr_t)b_lowest < (uintptr_t)a_lowest + a_size;
}

/** Two tiles of the same strides: what tells whether elements of them meet. */
struct meeting {
  size_t ndims;
  ptrdiff_t stride[AML_MAX_DIMS]; // descending, positive
  ptrdiff_t below[AML_MAX_DIMS];  // how far the coordinate of one can be below that of the other
  ptrdiff_t above[AML_MAX_DIMS];  // and above
  ptrdiff_t element_size;
};

/**
 * Whether elements meet whose addresses, as far as dimensions from `d` on have to make up for it,
 * are `distance` apart. Strides are nested, so only two differences of coordinates come close.
 */
static bool meets(const struct meeting *it, size_t d, ptrdiff_t distance) {
  if (d == it->ndims)
    return distance < it->element_size && -distance < it->element_size;
  const ptrdiff_t down = distance / it->stride[d] - (distance % it->stride[d] < 0);
  for (ptrdiff_t k = down; k <= down + 1; ++k)
    if (k >= -it->below[d] && k <= it->above[d] && meets(it, d + 1, distance - k * it->stride[d]))
      return true;
  return false;
}

/** Enters a dimension where its stride belongs. */
static void enter_dimension(struct meeting *it, ptrdiff_t stride, ptrdiff_t below,
                            ptrdiff_t above) {
  size_t d = it->ndims++;
  for (; d > 0 && it->stride[d - 1] < stride; --d) {
    it->stride[d] = it->stride[d - 1];
    it->below[d] = it->below[d - 1];
    it->above[d] = it->above[d - 1];
  }
  it->stride[d] = stride;
  it->below[d] = below;
  it->above[d] = above;
}

/** Whether each stride steps over all that faster dimensions reach. */
static bool is_nested(const struct meeting *it) {
  ptrdiff_t span = it->element_size;
  for (size_t d = it->ndims; d-- > 0;) {
    if (it->stride[d] < span)
      return false;
    span += it->stride[d] * (it->below[d] > it->above[d] ? it->below[d] : it->above[d]);
  }
  return true;
}

/** Compares two tiles; false if their strides are not the same, or not nested. */
static bool compare_strides(const struct aml_tile *a, const struct aml_tile *b,
                            struct meeting *it) {
  it->ndims = 0;
  it->element_size = (ptrdiff_t)a->element_size;
  if (a->ndims != b->ndims || a->element_size != b->element_size)
    return false;
  for (size_t d = 0; d < a->ndims; ++d) {
    const ptrdiff_t stride = a->stride_bytes[d];
    const ptrdiff_t a_last = (ptrdiff_t)a->extent[d] - 1;
    const ptrdiff_t b_last = (ptrdiff_t)b->extent[d] - 1;
    if (a_last == 0 && b_last == 0)
      continue;
    if (stride != b->stride_bytes[d] || stride == 0)
      return false;
    // Backwards, the roles of the two sides are exchanged.
    enter_dimension(it, stride < 0 ? -stride : stride, stride < 0 ? a_last : b_last,
                    stride < 0 ? b_last : a_last);
  }
  return is_nested(it);
}

bool aml_tile_may_overlap(const struct aml_tile *a, const struct aml_tile *b) {
  struct meeting it;
  size_t total;
  if (!spans_overlap(a, b, &total))
    return false;
  // Bases, and coordinates times strides, are at most `total` apart, which must not wrap below.
  if (total > PTRDIFF_MAX)
    return true;
  return !compare_strides(a, b, &it) || meets(&it, 0, (char *)b->base - (char *)a->base);
}

void aml_tile_merge(const struct aml_tile *tile, struct aml_tile *merged) {
  struct aml_tile result = *tile;
  size_t ndims = 0; // of the result so far; its last dimension may still grow
  for (size_t d = 0; d < tile->ndims; ++d) {
    const size_t extent = tile->extent[d];
    const ptrdiff_t stride = tile->stride_bytes[d];
    if (extent == 1)
      continue;
    ptrdiff_t whole;
    // A product that is no ptrdiff_t is no stride either.
    if (ndims > 0 && !__builtin_mul_overflow((ptrdiff_t)extent, stride, &whole) &&
        result.stride_bytes[ndims - 1] == whole) {
      result.extent[ndims - 1] *= extent;
      result.stride_bytes[ndims - 1] = stride;
    } else {
      result.extent[ndims] = extent;
      result.stride_bytes[ndims] = stride;
      ++ndims;
    }
  }
  if (ndims == 0) {
    result.extent[0] = 1;
    result.stride_bytes[0] = (ptrdiff_t)tile->element_size;
    ndims = 1;
  }
  result.ndims = ndims;
  *merged = result;
}

bool aml_tile_is_contiguous(const struct aml_tile *tile) {
  ptrdiff_t expected = (ptrdiff_t)tile->element_size;
  for (size_t d = tile->ndims; d-- > 0;) {
    if (tile->extent[d] == 1)
      continue;
    if (tile->stride_bytes[d] != expected)
      return false;
    expected *= (ptrdiff_t)tile->extent[d];
  }
  return true;
}

int aml_tile_slice(const struct aml_tile *tile, const size_t offset[], const size_t extent[],
                   struct aml_tile *box) {
  static const char call[] = "aml_tile_slice";
  if (tile == NULL || offset == NULL || extent == NULL || box == NULL)
    return aml_error_set(-AML_EINVAL, call, NULL, "an argument is null");
  for (size_t d = 0; d < tile->ndims; ++d) {
    if (offset[d] >= tile->extent[d])
      return aml_error_set_value(-AML_EINVAL, call, "offset", offset[d], "is outside the tile");
    if (extent[d] == 0 || extent[d] > tile->extent[d] - offset[d])
      return aml_error_set_value(-AML_EINVAL, call, "extent", extent[d],
                                 "is 0 or reaches outside the tile");
  }
  struct aml_tile result = *tile;
  result.base = aml_tile_address(tile, offset);
  for (size_t d = 0; d < tile->ndims; ++d)
    result.extent[d] = extent[d];
  *box = result;
  return 0;
}

int aml_tile_permute(const struct aml_tile *tile, const size_t order[], struct aml_tile *permuted) {
  static const char call[] = "aml_tile_permute";
  if (tile == NULL || order == NULL || permuted == NULL)
    return aml_error_set(-AML_EINVAL, call, NULL, "an argument is null");
  struct aml_tile result = *tile;
  unsigned seen = 0;
  for (size_t d = 0; d < tile->ndims; ++d) {
    const size_t from = order[d];
    if (from >= tile->ndims || (seen >> from & 1u) != 0)
      return aml_error_set_value(-AML_EINVAL, call, "order", from,
                                 "is no dimension of the tile, or stands twice");
    seen |= 1u << from;
    result.extent[d] = tile->extent[from];
    result.stride_bytes[d] = tile->stride_bytes[from];
  }
  *permuted = result;
  return 0;
}

int aml_tile_plane(const struct aml_tile *tile, size_t dimension, size_t coord,
                   struct aml_tile *plane) {
  static const char call[] = "aml_tile_plane";
  if (tile == NULL || plane == NULL)
    return aml_error_set(-AML_EINVAL, call, tile == NULL ? "tile" : "plane", "is null");
  if (tile->ndims == 1)
    return aml_error_set(-AML_EINVAL, call, "tile", "has one dimension only");
  if (dimension >= tile->ndims)
    return aml_error_set_value(-AML_EINVAL, call, "dimension", dimension, "is none of the tile");
  if (coord >= tile->extent[dimension])
    return aml_error_set_value(-AML_EINVAL, call, "coord", coord, "is outside the tile");
  struct aml_tile result = *tile;
  result.base = (char *)tile->base + (ptrdiff_t)coord * tile->stride_bytes[dimension];
  result.ndims = tile->ndims - 1;
  for (size_t d = dimension; d < result.ndims; ++d) {
    result.extent[d] = tile->extent[d + 1];
    result.stride_bytes[d] = tile->stride_bytes[d + 1];
  }
  *plane = result;
  return 0;
}

/** Takes `times` elements of the last dimension as one. */
static int join_elements(struct aml_tile *tile, size_t times) {
  static const char call[] = "aml_tile_reinterpret";
  const size_t last = tile->ndims - 1;
  if (tile->stride_bytes[last] != (ptrdiff_t)tile->element_size)
    return aml_error_set(-AML_EINVAL, call, "tile",
                         "has elements in its last dimension that are not one behind the other");
  if (tile->extent[last] % times != 0)
    return aml_error_set_value(-AML_EINVAL, call, "element_size", tile->element_size * times,
                               "does not divide the last dimension");
  tile->extent[last] /= times;
  tile->element_size *= times;
  tile->stride_bytes[last] = (ptrdiff_t)tile->element_size;
  return 0;
}

/** Takes each element as `times` ones. */
static int split_elements(struct aml_tile *tile, size_t times) {
  size_t last = tile->ndims - 1;
  if (tile->stride_bytes[last] == (ptrdiff_t)tile->element_size) {
    tile->extent[last] *= times;
  } else if (tile->ndims < AML_MAX_DIMS) {
    last = tile->ndims++;
    tile->extent[last] = times;
  } else {
    return aml_error_set(-AML_EINVAL, "aml_tile_reinterpret", "tile",
                         "has no dimension left for the parts of its elements");
  }
  tile->element_size /= times;
  tile->stride_bytes[last] = (ptrdiff_t)tile->element_size;
  return 0;
}

int aml_tile_reinterpret(const struct aml_tile *tile, size_t element_size, struct aml_tile *view) {
  static const char call[] = "aml_tile_reinterpret";
  if (tile == NULL || view == NULL)
    return aml_error_set(-AML_EINVAL, call, tile == NULL ? "tile" : "view", "is null");
  struct aml_tile result = *tile;
  int err = 0;
  if (element_size == 0 ||
      (element_size % tile->element_size != 0 && tile->element_size % element_size != 0))
    return aml_error_set_value(-AML_EINVAL, call, "element_size", element_size,
                               "neither divides the tile's nor is a multiple of it");
  if (element_size > tile->element_size)
    err = join_elements(&result, element_size / tile->element_size);
  else if (element_size < tile->element_size)
    err = split_elements(&result, tile->element_size / element_size);
  if (!err)
    *view = result;
  return err;
}
