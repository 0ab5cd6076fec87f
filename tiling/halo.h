// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:halo: an array of any dimensions and strides, cut into boxes that reach into each other,
// as stencils need them. A tile is its interior and, around it, a halo of given width on each side
// of each dimension. Interiors are apart, and clipped at the far edges.
//
//     one dimension, extent 10, tile_extent 4, widths 1 and 2:
//
//                interiors                       | 0 0 0 0 | 1 1 1 1 | 2 2 |
//                tile 1 with its halo                   [h  1 1 1 1  h h]
//
// At the array's edges a halo ends with the array; or the array has a border as wide as the halo,
// which is in no interior, and each halo is whole (options.has_border).
//
//     AML_TILING_HALO_DECL(tiling);
//     err = aml_tiling_halo_init(tiling, sizeof(double), 2, extent, tile_extent,
//                                &(struct aml_tiling_halo_options){.before = {1, 1},
//                                                                  .after = {1, 1}});
//
// Threads: thread-safe once made.

#ifndef AML_TILING_HALO_H
#define AML_TILING_HALO_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/internal/grid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What surrounds tiles; each field's zero is its default. */
struct aml_tiling_halo_options {
  size_t before[AML_MAX_DIMS]; /**< elements of halo towards lower coordinates */
  size_t after[AML_MAX_DIMS];  /**< and towards higher ones */
  bool has_border;             /**< the outermost elements of the array, as many, are halo only */
  enum aml_order order;        /**< AML_ORDER_ROW: ids run along the last dimension first */
};

/** A tiling into boxes with halos; use functions. */
struct aml_tiling_halo {
  struct aml_internal_grid grid; /**< of interiors, in what of the array is no border */
  struct aml_tiling_halo_options options;
  size_t whole[AML_MAX_DIMS];  /**< the array's extents */
  size_t origin[AML_MAX_DIMS]; /**< where the first interior begins */
  size_t most[AML_MAX_DIMS];   /**< the largest extent of any tile */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_halo_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling into boxes with halos. */
#define AML_TILING_HALO_DECL(name)                                                                 \
  AML_BLOCK_DECL(aml_tiling_halo, aml_tiling, grid.tiling, aml_tiling_halo_ops, name)

/**
 * Initialise a tiling into boxes with halos.
 *
 * @param tiling        declared by AML_TILING_HALO_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        the array's, in elements, with its border if it has one; none 0, and more
 *                      than the border's.
 * @param tile_extent   an interior's, in elements, none 0.
 * @param options       null: no halos.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, a border without interior, an
 * unknown order; -AML_EOVERFLOW if the array is larger than the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_halo_init(struct aml_tiling *tiling, size_t element_size,
                                                   size_t ndims, const size_t extent[],
                                                   const size_t tile_extent[],
                                                   const struct aml_tiling_halo_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_halo_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_halo_create(struct aml_tiling **tiling,
                                                     size_t element_size, size_t ndims,
                                                     const size_t extent[],
                                                     const size_t tile_extent[],
                                                     const struct aml_tiling_halo_options *options);

/**
 * View the interior of a tile: what it alone writes.
 *
 * Returns: as aml_tiling_tile(); -AML_EINVAL for a tiling of another type too.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_halo_interior(const struct aml_tiling *tiling,
                                                       const struct aml_tile *datum, size_t id,
                                                       struct aml_tile *interior);

/**
 * View one part of a tile's halo: what a neighbour writes.
 *
 * @param direction  per dimension -1 (the halo before the interior), 0 (along the interior) or 1
 *                   (behind it); not all 0. { -1, 0 } is the rows above, { 1, 1 } the far corner.
 * @param part       apart from the interior and from the parts in other directions.
 *
 * Returns: as aml_tiling_halo_interior(); -AML_EINVAL for other directions; -AML_ENOENT if there is
 * no halo in that direction, by its width or at the array's edge.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_halo_part(const struct aml_tiling *tiling,
                                                   const struct aml_tile *datum, size_t id,
                                                   const int direction[], struct aml_tile *part);

/** The inline form below, of a tiling of `ndims` dimensions. */
static inline void aml_internal_halo_tile_n(const struct aml_tiling_halo *it,
                                            const struct aml_tile *datum, size_t id,
                                            struct aml_tile *tile, size_t ndims) {
  const struct aml_internal_grid *const grid = &it->grid;
  size_t coords[AML_MAX_DIMS] = {0};
  char *base = (char *)datum->base;
  aml_internal_grid_split_n(grid, id, coords, ndims);
  for (size_t d = 0; d < ndims; ++d) {
    const size_t first = it->origin[d] + coords[d] * grid->tile_extent[d];
    const size_t end = first + aml_internal_grid_extent(grid, d, coords[d]);
    const size_t from = first < it->options.before[d] ? 0 : first - it->options.before[d];
    const size_t room = it->whole[d] - end;
    base += (ptrdiff_t)from * datum->stride_bytes[d];
    tile->extent[d] = end + (room < it->options.after[d] ? room : it->options.after[d]) - from;
    tile->stride_bytes[d] = datum->stride_bytes[d];
  }
  tile->base = base;
  tile->area = datum->area;
  tile->element_size = grid->element_size;
  tile->ndims = ndims;
}

/**
 * aml_tiling_tile() without checks, to be inlined: interior and halo.
 *
 * @param tiling  a tiling into boxes with halos.
 * @param datum   of its shape.
 * @param id      below its count.
 */
static inline void aml_tiling_halo_tile(const struct aml_tiling *tiling,
                                        const struct aml_tile *datum, size_t id,
                                        struct aml_tile *tile) {
  const struct aml_tiling_halo *const it = (const struct aml_tiling_halo *)tiling;
  AML_INTERNAL_GRID_UNROLL(&it->grid, aml_internal_halo_tile_n, it, datum, id, tile);
}

#ifdef __cplusplus
}
#endif

#endif
