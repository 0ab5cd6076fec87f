// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:1d: a datum of one dimension, cut into tiles of as many elements each. The last tile is
// clipped: it ends where the datum ends.
//
//     count 10, tile_count 4:   | 0 0 0 0 | 1 1 1 1 | 2 2 |
//
//     AML_TILING_1D_DECL(tiling);
//     int err = aml_tiling_1d_init(tiling, count, sizeof(double), 4096);
//
// A datum may have any stride. Ids run along it.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_1D_H
#define AML_TILING_1D_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A tiling of one dimension; use functions.
 *
 * 1 <= tile_count <= count; (tiles - 1) * tile_count + last_count == count;
 * 1 <= last_count <= tile_count.
 */
struct aml_tiling_1d {
  struct aml_tiling tiling;
  size_t count;        /**< elements of a datum */
  size_t element_size; /**< bytes */
  size_t tile_count;   /**< elements of each tile but the last */
  size_t last_count;   /**< elements of the last tile */
  size_t tiles;
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_1d_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling of one dimension. */
#define AML_TILING_1D_DECL(name)                                                                   \
  AML_BLOCK_DECL(aml_tiling_1d, aml_tiling, tiling, aml_tiling_1d_ops, name)

/**
 * Initialise a tiling of one dimension.
 *
 * @param tiling        declared by AML_TILING_1D_DECL, not initialised.
 * @param count         elements of a datum, not 0.
 * @param element_size  bytes, not 0.
 * @param tile_count    elements of a tile, not 0; more than `count` is one tile of them all.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0; -AML_EOVERFLOW if a datum is larger
 * than the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_1d_init(struct aml_tiling *tiling, size_t count,
                                                 size_t element_size, size_t tile_count);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_1d_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_1d_create(struct aml_tiling **tiling, size_t count,
                                                   size_t element_size, size_t tile_count);

/**
 * aml_tiling_tile() without checks, to be inlined.
 *
 * @param tiling  a tiling of one dimension.
 * @param datum   of its shape.
 * @param id      below its count.
 */
static inline void aml_tiling_1d_tile(const struct aml_tiling *tiling, const struct aml_tile *datum,
                                      size_t id, struct aml_tile *tile) {
  const struct aml_tiling_1d *const it = (const struct aml_tiling_1d *)tiling;
  tile->base = (char *)datum->base + (ptrdiff_t)(id * it->tile_count) * datum->stride_bytes[0];
  tile->area = datum->area;
  tile->element_size = it->element_size;
  tile->ndims = 1;
  tile->extent[0] = id + 1 == it->tiles ? it->last_count : it->tile_count;
  tile->stride_bytes[0] = datum->stride_bytes[0];
}

#ifdef __cplusplus
}
#endif

#endif
