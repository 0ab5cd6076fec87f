// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:ragged: a datum of one dimension, cut into tiles of given sizes: the rows of a sparse
// matrix, the sequences of a batch of tokens. Where each begins is told by prefix sums, which
// are those that such formats have anyway (CSR's row pointers).
//
//     offsets { 0, 3, 3, 4, 9 }:   | 0 0 0 | 2 | 3 3 3 3 3 |      tile 1 is empty
//
//     AML_TILING_RAGGED_DECL(tiling);
//     int err = aml_tiling_ragged_init(tiling, sizeof(double), rows, row_pointers);
//
// An empty tile has an id, and no elements: aml_tiling_tile() says -AML_ENOENT.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_RAGGED_H
#define AML_TILING_RAGGED_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling by prefix sums; use functions. offsets[0] == 0, and none is less than the one before.
 */
struct aml_tiling_ragged {
  struct aml_tiling tiling;
  size_t element_size;
  size_t count;          /**< tiles */
  const size_t *offsets; /**< count + 1; borrowed */
  size_t most;           /**< elements of the largest tile */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_ragged_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling by prefix sums. */
#define AML_TILING_RAGGED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_tiling_ragged, aml_tiling, tiling, aml_tiling_ragged_ops, name)

/**
 * Initialise a tiling by prefix sums.
 *
 * @param tiling        declared by AML_TILING_RAGGED_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param count         tiles, not 0.
 * @param offsets       count + 1: where each tile begins, in elements, and where the last one ends.
 *                      The first is 0, the last is not, and none is less than the one before.
 *                      Borrowed: must outlive the tiling, and not change.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, offsets that do not ascend;
 * -AML_EOVERFLOW if a datum is larger than the range of addresses.
 * Cost: reads the offsets once.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_ragged_init(struct aml_tiling *tiling, size_t element_size,
                                                     size_t count, const size_t offsets[]);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_ragged_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_ragged_create(struct aml_tiling **tiling,
                                                       size_t element_size, size_t count,
                                                       const size_t offsets[]);

/**
 * Tell the tile that an element is in.
 *
 * Returns: 0; -AML_EINVAL: null, a tiling of another type, an element that is not in the datum.
 * Cost: O(log(tiles)).
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_ragged_find(const struct aml_tiling *tiling,
                                                     size_t element, size_t *id);

/** The elements of a tile of an id below the count, without checks, to be inlined; may be 0. */
static inline size_t aml_tiling_ragged_extent(const struct aml_tiling *tiling, size_t id) {
  const struct aml_tiling_ragged *const it = (const struct aml_tiling_ragged *)tiling;
  return it->offsets[id + 1] - it->offsets[id];
}

/**
 * aml_tiling_tile() without checks, to be inlined; of an empty tile the extent is 0, which is no
 * valid tile.
 *
 * @param tiling  a tiling by prefix sums.
 * @param datum   of its shape.
 * @param id      below its count.
 */
static inline void aml_tiling_ragged_tile(const struct aml_tiling *tiling,
                                          const struct aml_tile *datum, size_t id,
                                          struct aml_tile *tile) {
  const struct aml_tiling_ragged *const it = (const struct aml_tiling_ragged *)tiling;
  tile->base = (char *)datum->base + (ptrdiff_t)it->offsets[id] * datum->stride_bytes[0];
  tile->area = datum->area;
  tile->element_size = it->element_size;
  tile->ndims = 1;
  tile->extent[0] = it->offsets[id + 1] - it->offsets[id];
  tile->stride_bytes[0] = datum->stride_bytes[0];
}

#ifdef __cplusplus
}
#endif

#endif
