// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:nested: the tiles of another tiling, cut again. What is bound to a node by large tiles is
// shared out to its cores by smaller ones, and these to caches by yet smaller ones: a nested tiling
// may be the outer one of the next.
//
//     outer: tiles of 6, extent 10        |  0  0  0  0  0  0 |  1  1  1  1 |
//     nested: tiles of 4                  |  0  0  0  0 |  1  1 |  2  2  2  2 |
//
//     AML_TILING_NESTED_DECL(tiling);
//     int err = aml_tiling_nested_init(tiling, outer, tile_extent, NULL);
//
// Ids run through the first outer tile, then through the second: the grid has one dimension, since
// clipped outer tiles hold fewer inner ones. aml_tiling_nested_split() tells which outer tile a
// tile is of, and its number there. Data are those of the outer tiling.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_NESTED_H
#define AML_TILING_NESTED_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling of tiles; use functions. */
struct aml_tiling_nested {
  struct aml_tiling tiling;
  const struct aml_tiling *outer; /**< borrowed */
  enum aml_order order;
  size_t ndims;
  size_t tile_extent[AML_MAX_DIMS]; /**< of inner tiles */
  size_t most[AML_MAX_DIMS];        /**< the largest of any */
  size_t max_tile_size;             /**< bytes */
  size_t outer_count;               /**< outer tiles */
  size_t *first;                    /**< outer_count + 1: the id of the first tile in each; owned */
};

/** How tiles are numbered within an outer one; each field's zero is its default. */
struct aml_tiling_nested_options {
  enum aml_order order; /**< AML_ORDER_ROW: ids run along the last dimension first */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_nested_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling of tiles. */
#define AML_TILING_NESTED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_tiling_nested, aml_tiling, tiling, aml_tiling_nested_ops, name)

/**
 * Initialise a tiling of tiles.
 *
 * @param tiling       declared by AML_TILING_NESTED_DECL, not initialised.
 * @param outer        any tiling; borrowed, must outlive this one.
 * @param tile_extent  one per dimension of outer's tiles, in elements, none 0; more than an outer
 *                     tile's is the outer tile's. Tiles are clipped at the outer tile's edge.
 * @param options      null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, an unknown order; -AML_ENOENT if no
 * outer tile has an element; -AML_EOVERFLOW if the tiles cannot be counted; -AML_ENOMEM.
 * Owns: eight bytes per outer tile, until fini.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_nested_init(struct aml_tiling *tiling, const struct aml_tiling *outer,
                       const size_t tile_extent[], const struct aml_tiling_nested_options *options);

/** Allocate and initialise one; else as aml_tiling_nested_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_nested_create(struct aml_tiling **tiling, const struct aml_tiling *outer,
                         const size_t tile_extent[],
                         const struct aml_tiling_nested_options *options);

/**
 * Tell which outer tile a tile is of, and its number there.
 *
 * Returns: 0; -AML_EINVAL: null, a tiling of another type, an id that is not below the count.
 * Cost: O(log(outer tiles)).
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_nested_split(const struct aml_tiling *tiling, size_t id,
                                                      size_t *outer_id, size_t *inner_id);

/**
 * Tell the ids of the tiles of one outer tile: from *first on, *count of them; 0 if it is empty.
 *
 * Returns: 0; -AML_EINVAL: null, a tiling of another type, an id that is none of the outer tiling.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_nested_range(const struct aml_tiling *tiling,
                                                      size_t outer_id, size_t *first,
                                                      size_t *count);

#ifdef __cplusplus
}
#endif

#endif
