// SPDX-License-Identifier: BSD-3-Clause
//
// area:fixed: a region that the caller owns, as an area: a static buffer, a mapping of a DAX
// device, memory of another library.
//
//     static _Alignas(4096) char buffer[1 << 20];
//     AML_AREA_FIXED_DECL(area);
//     int err = aml_area_fixed_init(area, &(struct aml_area_fixed_options){
//         .pointer = buffer, .size = sizeof buffer});
//
// Mappings are cut from the region first fit, by address; what is given back merges with its free
// neighbours. What is known of them lies on the C heap and nothing in the region, so it may be
// memory that the host cannot touch. Memory that the host can write is zeroed by the host unless
// AML_AREA_MAP_NO_ZERO, or AML_AREA_FIXED_NO_ZERO for all of the area, says otherwise.
//
// Threads: thread-safe. After a fork the child may use the area if no other thread was in a call on
// it, or on the C heap, as for every lock.
// Cost: map looks at the free pieces in turn; all else is O(log n) in mappings. unmap and get_info
// check that they are given a mapping. No system call.

#ifndef AML_AREA_FIXED_H
#define AML_AREA_FIXED_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bits of aml_area_fixed_options::flags. */
enum aml_area_fixed_flag {
  AML_AREA_FIXED_NO_ZERO = 1 << 0 /**< every map is AML_AREA_MAP_NO_ZERO, the area not ZEROED; what
                                       lies in the region stays until it is written to */
};

/** What the region is; each field's zero is its default, but for pointer and size. */
struct aml_area_fixed_options {
  void *pointer;      /**< borrowed until fini */
  size_t size;        /**< bytes; what is no whole granule at either end is not used */
  size_t granularity; /**< a power of two; 0: 64 */
  /** Bits of enum aml_area_capability up to AML_AREA_DEVICE; 0: the host can read and write it. */
  unsigned capabilities;
  unsigned flags;             /**< bits of enum aml_area_fixed_flag */
  struct aml_nodeset devices; /**< where the memory is; empty: not known */
};

/** How a region stands; bytes. */
struct aml_area_fixed_room {
  size_t total; /**< that mappings can have */
  size_t free;
  size_t largest; /**< the largest mapping that there is room for */
};

/** A region as an area; use functions. */
struct aml_area_fixed {
  struct aml_area area;
  struct aml_area_fixed_state *state; /**< owned; null: not initialised */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_fixed_ops;

/** Declare `struct aml_area *name`, to be initialised as a region. */
#define AML_AREA_FIXED_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_area_fixed, aml_area, area, aml_area_fixed_ops, name)

/**
 * Initialise an area of a region.
 *
 * Beyond core/area.h, map fails with -AML_ENOMEM where there is no room, and for the record;
 * shrinking too, for the record of what becomes free. A mapping that may move does so by a copy,
 * if the host can read and write it, and is then aligned to the granularity only.
 *
 * @param area     declared by AML_AREA_FIXED_DECL, not initialised.
 * @param options  not null. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a granularity that is no power of two, a
 * region that wraps or holds no whole granule, an unknown capability or flag; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_fixed_init(struct aml_area *area,
                                                  const struct aml_area_fixed_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_fixed_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_fixed_create(struct aml_area **area,
                                                    const struct aml_area_fixed_options *options);

/**
 * Tell how the region stands.
 *
 * Returns: 0; -AML_EINVAL: null, or an area of another type. Cost: O(n) in free pieces.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_fixed_get_room(struct aml_area *area,
                                                      struct aml_area_fixed_room *room);

#ifdef __cplusplus
}
#endif

#endif
