// SPDX-License-Identifier: BSD-3-Clause
//
// area:fallback: several areas in order, of which the first that has memory serves a map: memory of
// high bandwidth first and ordinary one when it is full, or huge pages first and small ones then.
//
//     struct aml_area *const areas[] = {hbm, dram};
//     AML_AREA_FALLBACK_DECL(area);
//     int err = aml_area_fallback_init(area, 2, areas, NULL);
//     double *v = aml_area_map(area, n * sizeof *v, NULL);
//     size_t index;
//     if (!aml_area_fallback_index_of(area, v, &index))
//       printf("served by %s\n", index == 0 ? "HBM" : "DRAM");
//
// It can do what all of its areas can, and is AML_AREA_SHARED, FILE_BACKED or DEVICE if one of them
// is. Where some count NUMA nodes and others devices, it cannot bind, locate and move: which area
// has a mapping is known, and that one can. Its granularity is the coarsest of theirs, its largest
// alignment the smallest. All else of a mapping is done by the area that it came from, and
// get_info of a mapping tells what that one got. The areas' addresses must be apart.
//
// Threads: thread-safe. After a fork the child may use the area if no other thread was in a call on
// it, or on the C heap, as for every lock.
// Cost: a record on the C heap for each mapping, a lock, and a walk down a balanced tree; for
// locate and move two such walks for each address, and one call for each row of addresses of one
// area. Unmap allocates nothing.

#ifndef AML_AREA_FALLBACK_H
#define AML_AREA_FALLBACK_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The bit of aml_area_fallback_options::reasons for a code, as in AML_AREA_FALLBACK_ON(AML_EIO).
 */
#define AML_AREA_FALLBACK_ON(code) (1U << (code))

/** The reasons that are the default. */
#define AML_AREA_FALLBACK_REASONS                                                                  \
  (AML_AREA_FALLBACK_ON(AML_ENOMEM) | AML_AREA_FALLBACK_ON(AML_ENOSPC) |                           \
   AML_AREA_FALLBACK_ON(AML_ENOTSUP) | AML_AREA_FALLBACK_ON(AML_EPERM))

/** When the next area is tried; each field's zero is its default. */
struct aml_area_fallback_options {
  unsigned
      reasons; /**< failures upon which it is: bits by AML_AREA_FALLBACK_ON(); 0: the default */
};

/** What one of the areas did. */
struct aml_area_fallback_stats {
  size_t live_count;
  size_t live_size;  /**< bytes of live mappings, each rounded up to the granularity */
  uint64_t maps;     /**< that it served, those of a resize that moved a mapping here included */
  uint64_t failures; /**< maps, likewise, that it could not serve */
};

/** Areas in order; use functions. */
struct aml_area_fallback {
  struct aml_area area;
  struct aml_area_fallback_state *state; /**< owned; null: not initialised */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_fallback_ops;

/** Declare `struct aml_area *name`, to be initialised as areas in order. */
#define AML_AREA_FALLBACK_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_area_fallback, aml_area, area, aml_area_fallback_ops, name)

/**
 * Initialise an area that maps from the first of several that can.
 *
 * Beyond core/area.h: where map fails, its code is that of the area tried last, and the sentence
 * says what each one said. A resize that its area cannot do for one of the reasons, and that may
 * move, is a map from the first of the others that can, a copy and an unmap, if the host can read
 * and write all areas; it then has the alignment and label of a default map. unmap, resize, bind,
 * purge, sync and get_info refuse, with -AML_EINVAL, what is in no live mapping, or reaches past
 * its end. locate and move fail only if they do for all addresses; else those of an area that
 * refuses have its code.
 *
 * @param area     declared by AML_AREA_FALLBACK_DECL, not initialised.
 * @param count    of areas; not 0.
 * @param areas    borrowed, but not the array; they may be used beside.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, the area itself among the areas, an
 * unknown reason, areas of which one has a coarser granularity than another can align to;
 * -AML_ENOMEM; what aml_area_get_info() of one of the areas fails with.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_area_fallback_init(struct aml_area *area, size_t count, struct aml_area *const areas[],
                       const struct aml_area_fallback_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_fallback_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_area_fallback_create(struct aml_area **area, size_t count, struct aml_area *const areas[],
                         const struct aml_area_fallback_options *options);

/**
 * Tell which area served.
 *
 * @param pointer  any address in a mapping.
 * @param index    of the area, in the array that _init took.
 *
 * Returns: 0; -AML_ENOENT: the address is in no mapping; -AML_EINVAL: null, or an area of another
 * type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_fallback_index_of(struct aml_area *area, const void *pointer,
                                                         size_t *index);

/** Tell what one of the areas did. Returns: 0; -AML_EINVAL: null, another type, no such index. */
AML_PUBLIC AML_MUST_CHECK int aml_area_fallback_get_stats(struct aml_area *area, size_t index,
                                                          struct aml_area_fallback_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
