// SPDX-License-Identifier: BSD-3-Clause
//
// binding:grid: the tiles of an array of N dimensions, block-cyclic over a grid of devices, as
// ScaLAPACK distributes a matrix over processes: in every dimension, blocks of tiles go round the
// devices of that dimension.
//
//     tiles { any, 5 }, block { 1, 2 }, grid { 2, 2 }, devices { 0, 1, 2, 3 }:
//
//         0 0 1 1 0
//         2 2 3 3 2
//         0 0 1 1 0      and so on downwards
//
//     AML_BINDING_GRID_DECL(binding);
//     int err = aml_binding_grid_init(binding, &options);
//
// An item is a tile by its id, which numbers a grid of tiles along rows or columns. The slowest
// dimension has no end, so that every number is that of a tile.
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_GRID_H
#define AML_BINDING_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"
#include "aml/core/reciprocal.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is distributed, and over what. Of the arrays, entries from ndims on are not read. */
struct aml_binding_grid_options {
  size_t ndims;               /**< 1 to AML_MAX_DIMS */
  size_t tiles[AML_MAX_DIMS]; /**< in each dimension, not 0; of the slowest one it is not read */
  size_t block[AML_MAX_DIMS]; /**< how many consecutive tiles a device has; 0: 1 */
  size_t grid[AML_MAX_DIMS];  /**< devices in each dimension; 0: 1 */
  const int *devices;         /**< the grid's, in row-major order; they may repeat. Not kept */
  enum aml_order order;       /**< of the ids of tiles; 0: along rows, the last dimension fastest */
};

/** One dimension of a grid binding. */
struct aml_binding_grid_dim {
  struct aml_reciprocal tiles;
  struct aml_reciprocal block;
  struct aml_reciprocal grid;
  size_t step; /**< in `devices`, from one to the next along the dimension */
};

/** A grid binding; use functions. */
struct aml_binding_grid {
  struct aml_binding binding;
  size_t ndims;                                  /**< 0: not initialised */
  struct aml_binding_grid_dim dim[AML_MAX_DIMS]; /**< the fastest first */
  size_t count;                                  /**< of devices, those that repeat counted again */
  uint16_t devices[AML_NODESET_CAPACITY];
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_grid_ops;

/** Declare `struct aml_binding *name`, to be initialised as a grid binding. */
#define AML_BINDING_GRID_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_binding_grid, aml_binding, binding, aml_binding_grid_ops, name)

/**
 * Initialise a grid binding.
 *
 * @param binding  declared by AML_BINDING_GRID_DECL, not initialised.
 * @param options  not null. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, dimensions, an extent, an order or a
 * device's number outside of the above; -AML_EOVERFLOW: more tiles than can be numbered, or a grid
 * of more than AML_NODESET_CAPACITY devices.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_grid_init(struct aml_binding *binding,
                                                    const struct aml_binding_grid_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_grid_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_grid_create(struct aml_binding **binding,
                        const struct aml_binding_grid_options *options);

/** What a coordinate adds to the place of the device. */
static inline size_t aml_binding_grid_part(const struct aml_binding_grid_dim *dim, size_t coord) {
  size_t rest;
  const size_t block = aml_reciprocal_divide(&dim->block, coord, &rest);
  (void)aml_reciprocal_divide(&dim->grid, block, &rest);
  return rest * dim->step;
}

/** aml_binding_device_of() for any number of items, without checks, to be inlined. */
static inline int aml_binding_grid_device_of(const struct aml_binding *binding, size_t index) {
  const struct aml_binding_grid *const it = (const struct aml_binding_grid *)binding;
  size_t place = 0;
  size_t d = 0;
  for (; d + 1 < it->ndims; ++d) {
    size_t coord;
    index = aml_reciprocal_divide(&it->dim[d].tiles, index, &coord);
    place += aml_binding_grid_part(&it->dim[d], coord);
  }
  return it->devices[place + aml_binding_grid_part(&it->dim[d], index)];
}

#ifdef __cplusplus
}
#endif

#endif
