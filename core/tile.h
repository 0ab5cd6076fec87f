// SPDX-License-Identifier: BSD-3-Clause
//
// struct aml_tile: elements of one size, laid out in memory by one stride per dimension. Tilings
// make tiles, dmas move them, bindings place them, scratchpads cache them; a whole datum is a tile
// too.
//
//     a row-major 3 x 4 matrix of doubles          the same matrix, transposed (no byte moves)
//     extent       { 3,  4 }                       extent       { 4,  3 }
//     stride_bytes { 32, 8 }                       stride_bytes { 8, 32 }
//
// The element at coordinates c is at base + sum(c[d] * stride_bytes[d]). Dimension 0 is by
// convention the slowest. A stride may be 0 (one element seen many times; for sources only) or
// negative (a dimension seen backwards).
//
// An address is an address in the space of its area: where the host cannot touch that space (a
// GPU, a file reached by I/O, another rank's window), arithmetic on it is right, and
// dereferencing it is not. Nothing in this header dereferences one.
//
// Threads: thread-compatible; a tile is a plain value. No function allocates.

#ifndef AML_CORE_TILE_H
#define AML_CORE_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The most dimensions that a tile or a tiling can have. */
#define AML_MAX_DIMS 8

struct aml_area;

/**
 * A view of elements in memory; owns nothing.
 *
 * Valid if aml_tile_check() says so: 1 <= ndims <= AML_MAX_DIMS, element_size >= 1, no extent is
 * 0, and every byte that it reaches has an address (no sum above wraps). Entries of the arrays
 * from ndims on are not read and may be left uninitialised.
 */
struct aml_tile {
  void *base;                           /**< where the element at coordinates 0, …, 0 is */
  struct aml_area *area;                /**< whose addresses these are; null: plain host memory */
  size_t element_size;                  /**< bytes */
  size_t ndims;                         /**< dimensions */
  size_t extent[AML_MAX_DIMS];          /**< elements */
  ptrdiff_t stride_bytes[AML_MAX_DIMS]; /**< from one element to the next along the dimension */
};

/** Which dimension of a dense array is contiguous. */
enum aml_order {
  AML_ORDER_ROW = 0, /**< the last one: C's order */
  AML_ORDER_COLUMN   /**< the first one: Fortran's order */
};

/** The tile of `size` contiguous bytes at `base`. Size must not be 0. */
static inline struct aml_tile aml_tile_bytes(void *base, size_t size) {
  struct aml_tile tile;
  tile.base = base;
  tile.area = NULL;
  tile.element_size = 1;
  tile.ndims = 1;
  tile.extent[0] = size;
  tile.stride_bytes[0] = 1;
  return tile;
}

/**
 * Describe a dense array.
 *
 * @param tile          the result.
 * @param area          whose memory it is; null: plain host memory.
 * @param base          its lowest address.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        `ndims` extents in elements, none 0.
 * @param order         which dimension is contiguous.
 *
 * Returns: 0; -AML_EINVAL for an argument outside the above; -AML_EOVERFLOW if the array ends
 * behind the last address.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_dense(struct aml_tile *tile, struct aml_area *area,
                                             void *base, size_t element_size, size_t ndims,
                                             const size_t extent[], enum aml_order order);

/**
 * Check that a tile is valid, as the struct says; for those who take tiles.
 *
 * @param tile      may be null, which is refused.
 * @param call      the public function on whose behalf the check is made.
 * @param argument  the name of its parameter.
 *
 * Returns: 0; -AML_EINVAL or -AML_EOVERFLOW, with a sentence on `call` and `argument`.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_check(const struct aml_tile *tile, const char *call,
                                             const char *argument);

/** The number of elements of a valid tile. */
static inline size_t aml_tile_count(const struct aml_tile *tile) {
  size_t count = 1;
  for (size_t d = 0; d < tile->ndims; ++d)
    count *= tile->extent[d];
  return count;
}

/** The bytes of a valid tile's elements, without what lies between them. */
static inline size_t aml_tile_size(const struct aml_tile *tile) {
  return aml_tile_count(tile) * tile->element_size;
}

/** The address of the element at `coords`, each below its extent; nothing is checked. */
static inline void *aml_tile_address(const struct aml_tile *tile, const size_t coords[]) {
  char *address = (char *)tile->base;
  for (size_t d = 0; d < tile->ndims; ++d)
    address += (ptrdiff_t)coords[d] * tile->stride_bytes[d];
  return address;
}

/** Whether both have the same dimensions, extents and element size. */
AML_PUBLIC bool aml_tile_has_shape_of(const struct aml_tile *a, const struct aml_tile *b);

/**
 * Tell the range of addresses in which a valid tile lies.
 *
 * @param lowest  the address of its lowest byte.
 * @param size    bytes from there to behind its highest byte; holes are counted in.
 */
AML_PUBLIC void aml_tile_span(const struct aml_tile *tile, void **lowest, size_t *size);

/**
 * Whether two valid tiles of one address space may have a byte in common.
 *
 * Returns: false only if they have none. Exact for tiles whose spans are apart, and for tiles with
 * the same strides that do not overlap themselves (two columns of one matrix) and span no more
 * than PTRDIFF_MAX bytes together; true for others.
 */
AML_PUBLIC bool aml_tile_may_overlap(const struct aml_tile *a, const struct aml_tile *b);

/**
 * Rewrite a valid tile with the fewest dimensions that visit the same elements in the same order.
 *
 * Dimensions of extent 1 go, and two neighbours that run on from one to the other become one. A
 * dense array becomes one dimension whose stride is its element size; a single element too.
 * `merged` may be `tile`.
 */
AML_PUBLIC void aml_tile_merge(const struct aml_tile *tile, struct aml_tile *merged);

/** Whether a valid tile's elements are one contiguous run in their order. */
AML_PUBLIC bool aml_tile_is_contiguous(const struct aml_tile *tile);

/**
 * View a box of a valid tile.
 *
 * @param box     the result; may be `tile`.
 * @param offset  the first coordinate in each dimension.
 * @param extent  elements in each dimension, none 0.
 *
 * Returns: 0; -AML_EINVAL, with box untouched, if the box does not lie within the tile.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_slice(const struct aml_tile *tile, const size_t offset[],
                                             const size_t extent[], struct aml_tile *box);

/**
 * View a valid tile with its dimensions in another order; a transpose is the order {1, 0}.
 *
 * @param order     dimension d of the result is dimension order[d] of `tile`.
 * @param permuted  the result; may be `tile`.
 *
 * Returns: 0; -AML_EINVAL, with `permuted` untouched, if `order` is not a permutation.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_permute(const struct aml_tile *tile, const size_t order[],
                                               struct aml_tile *permuted);

/**
 * View the elements of a valid tile that have one coordinate in common: a row, a plane.
 *
 * @param dimension  the one that goes; the tile has another one.
 * @param coord      below its extent.
 * @param plane      the result, of one dimension fewer; may be `tile`.
 *
 * Returns: 0; -AML_EINVAL, with `plane` untouched, if there is no such dimension or coordinate, or
 * no other dimension.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_plane(const struct aml_tile *tile, size_t dimension,
                                             size_t coord, struct aml_tile *plane);

/**
 * View the bytes of a valid tile as elements of another size, in the same order.
 *
 * Smaller elements split each element: the last dimension grows, or, where its elements are not
 * one behind the other, one more dimension is last. Larger ones take several elements of the last
 * dimension, which must be one behind the other.
 *
 * @param element_size  bytes; divides the tile's element size, or is a multiple of it.
 * @param view          the result; may be `tile`. Alignment is the caller's business.
 *
 * Returns: 0; -AML_EINVAL, with `view` untouched, for another size, for elements that are not one
 * behind the other or no multiple in number, or if there is no dimension left.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tile_reinterpret(const struct aml_tile *tile, size_t element_size,
                                                   struct aml_tile *view);

#ifdef __cplusplus
}
#endif

#endif
