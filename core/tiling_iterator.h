// SPDX-License-Identifier: BSD-3-Clause
//
// Visits the tiles of a tiling: all, or those of a box of its grid, in an order, by one thread or
// by several that share nothing.
//
//     struct aml_tiling_iterator iterator;
//     err = aml_tiling_iterate(tiling, AML_TILING_ROW, NULL, NULL, &iterator);
//     if (!err)
//       err = aml_tiling_iterator_split(&iterator, thread, threads);
//     if (!err)
//       AML_TILING_FOR_EACH(id, &iterator)
//         …
//
// C++ has aml::Tiles() for a range-based loop (aml/core/tiling_range.h).
//
// Threads: thread-compatible. No function allocates.

#ifndef AML_CORE_TILING_ITERATOR_H
#define AML_CORE_TILING_ITERATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/morton.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** In which order an iterator visits the tiles of a box of the grid. */
enum aml_tiling_order {
  AML_TILING_ROW = 0,        /**< the last coordinate fastest */
  AML_TILING_ROW_REVERSE,    /**< AML_TILING_ROW from its end */
  AML_TILING_COLUMN,         /**< the first coordinate fastest */
  AML_TILING_COLUMN_REVERSE, /**< AML_TILING_COLUMN from its end */
  AML_TILING_MORTON,         /**< along the Z curve through the box (aml/core/morton.h) */
  AML_TILING_MORTON_REVERSE, /**< AML_TILING_MORTON from its end */
  AML_TILING_FORWARD,        /**< ids ascend; the box is the whole grid */
  AML_TILING_BACKWARD        /**< AML_TILING_FORWARD from its end */
};

/**
 * Where an iteration stands; a plain value that owns nothing. Copy it to fork the iteration.
 *
 * Tiles are loaded in runs whose ids are evenly spaced: `run_left` of the last run are still to
 * come, then those from position `next` of the order to position `end`.
 */
struct aml_tiling_iterator {
  const struct aml_tiling *tiling; /**< borrowed */
  enum aml_tiling_order order;
  size_t id;                        /**< of the next tile, if run_left is not 0 */
  size_t run_left;                  /**< tiles */
  size_t run_step;                  /**< from id to id, modulo 2^64 */
  size_t next;                      /**< tiles of the box before the first one that is not loaded */
  size_t end;                       /**< tiles of the box before the end */
  size_t count;                     /**< tiles of the box */
  size_t ndims;                     /**< of the box: the grid's; or 1, of ids */
  size_t offset[AML_MAX_DIMS];      /**< of the box */
  size_t id_step[AML_MAX_DIMS];     /**< as struct aml_tiling_info has it */
  size_t axes;                      /**< of ROW and COLUMN: dimensions, those merged that run on */
  size_t axis_extent[AML_MAX_DIMS]; /**< of each, the fastest first, in tiles */
  size_t axis_step[AML_MAX_DIMS];   /**< of ids */
  struct aml_morton box;            /**< the box's extents */
};

/**
 * Begin a visit of tiles, each once.
 *
 * @param tiling  must outlive the iterator.
 * @param offset  the box's first coordinates in the grid; null: zeros.
 * @param extent  the box's tiles along each coordinate, none 0; null: up to the grid's end.
 *
 * Returns: 0; -AML_EINVAL for null, an unknown order, a box that leaves the grid, or one that is
 * not the whole grid in an order that takes no other; -AML_EOVERFLOW for a box with more tiles than
 * the Z curve can number (2^56 are always possible).
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_iterate(const struct aml_tiling *tiling,
                                                 enum aml_tiling_order order, const size_t offset[],
                                                 const size_t extent[],
                                                 struct aml_tiling_iterator *iterator);

/** How many tiles are still to be visited; 0 for null. */
AML_PUBLIC size_t aml_tiling_iterator_count(const struct aml_tiling_iterator *iterator);

/**
 * Keep of what an iteration has still to visit one of `parts` balanced parts, for `parts` threads
 * that share nothing.
 *
 * @param part   below `parts`; the parts in ascending order are the whole iteration.
 * @param parts  not 0; more than there are tiles leaves some parts empty.
 *
 * Returns: 0; -AML_EINVAL.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_iterator_split(struct aml_tiling_iterator *iterator,
                                                        size_t part, size_t parts);

/** Load the next run of an iterator, of which none is left; false if that was all, or for null. */
AML_PUBLIC AML_MUST_CHECK bool aml_tiling_iterator_load(struct aml_tiling_iterator *iterator);

/**
 * Take the next tile of an iteration.
 *
 * Returns: true and its id; false, with *id untouched, when all were visited, or for null.
 * Cost: two additions, and some tens of nanoseconds at the end of each row. Along the Z curve, and
 * of a tiling whose ids do not ascend evenly in its rows, a computation per tile.
 */
inline AML_PUBLIC AML_MUST_CHECK bool aml_tiling_next(struct aml_tiling_iterator *iterator,
                                                      size_t *id) {
  if (iterator == NULL || id == NULL)
    return false;
  if (iterator->run_left == 0 && !aml_tiling_iterator_load(iterator))
    return false;
  --iterator->run_left;
  *id = iterator->id;
  iterator->id += iterator->run_step;
  return true;
}

/** Run a statement for each tile left to an iterator, with its id in the variable `id`. */
#define AML_TILING_FOR_EACH(id, iterator) for (size_t id; aml_tiling_next((iterator), &(id));)

#ifdef __cplusplus
}
#endif

#endif
