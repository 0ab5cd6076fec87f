// SPDX-License-Identifier: BSD-3-Clause
//
// area:cached: over any area, keeps mappings that are given back, for maps of the same size. Saves
// the system calls, and the page faults, of programs that map and unmap again and again.
//
//     AML_AREA_CACHED_DECL(area);
//     int err = aml_area_cached_init(area, inner, &(struct aml_area_cached_options){
//         .max_size = 1 << 30, .max_age_ns = 10000000000});
//     void *p = aml_area_map(area, 2 << 20, &(struct aml_area_map_options){
//         .flags = AML_AREA_MAP_NO_ZERO});
//
// A map is served by the mapping of the same size, rounded up to the granularity, that was given
// back last and is aligned as asked; else by the inner area. What is reused has the pages and the
// policy that it had, so a mapping that was bound, or of which pages were moved, goes back to the
// inner area and not into the cache; so does all memory that is shared or file-backed, which after
// a fork two processes would use again, or which is not as a file says. A map with a hint is the
// inner area's.
//
// Fresh memory of an area that zeroes is zero here too: what is reused is zeroed by the host, or
// purged where the host cannot write. AML_AREA_MAP_NO_ZERO spares that, and is what makes it fast.
//
// Threads: thread-safe. A lock is held for some instructions only. There is no thread that trims:
// age is looked at by map, unmap and trim. After a fork parent and child each have the cache.
// Cost: a hit makes no system call, and touches no page but to zero or to populate; nor does an
// unmap that keeps, within the bounds. A miss allocates a record on the C heap; unmap never does.

#ifndef AML_AREA_CACHED_H
#define AML_AREA_CACHED_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is kept; each field's zero is its default. */
struct aml_area_cached_options {
  size_t max_size;     /**< bytes kept at most; 0: 256 MiB */
  uint64_t max_age_ns; /**< since it was given back; 0: any age */
};

/** What became of maps; counts from the beginning, but for what is kept now. */
struct aml_area_cached_stats {
  uint64_t hits;      /**< maps served by what was kept */
  uint64_t misses;    /**< maps served by the inner area */
  uint64_t evictions; /**< mappings that were kept and went back to the inner area */
  size_t kept_count;
  size_t kept_size; /**< bytes */
};

/** An area that keeps mappings; use functions. */
struct aml_area_cached {
  struct aml_area area;
  struct aml_area *inner;              /**< borrowed; null: not initialised */
  struct aml_area_cached_state *state; /**< owned */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_cached_ops;

/** Declare `struct aml_area *name`, to be initialised as an area that keeps mappings. */
#define AML_AREA_CACHED_DECL(name)                                                                 \
  AML_BLOCK_DECL(aml_area_cached, aml_area, area, aml_area_cached_ops, name)

/**
 * Initialise an area that keeps mappings of another one.
 *
 * Beyond core/area.h, map fails with -AML_ENOMEM for the record; what is kept is given back before
 * a map fails for lack of memory. unmap and resize refuse, with -AML_EINVAL, what is not a whole
 * mapping that is live. What `inner` refuses to take back stays kept, even beyond the bounds. Fini
 * gives back all that is kept.
 *
 * @param area     declared by AML_AREA_CACHED_DECL, not initialised.
 * @param inner    borrowed. What it accounts for includes what is kept, under the label
 *                 "aml_area_cached".
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type; -AML_ENOMEM; what aml_area_get_info() of
 * `inner` fails with.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_cached_init(struct aml_area *area, struct aml_area *inner,
                                                   const struct aml_area_cached_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_cached_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_cached_create(struct aml_area **area, struct aml_area *inner,
                                                     const struct aml_area_cached_options *options);

/**
 * Give back what is kept, the oldest first, until at most `keep_size` bytes are, and none of them
 * is too old.
 *
 * Returns: 0; -AML_EINVAL: null, or an area of another type; what the inner area's unmap fails
 * with, and then what it refused is still kept.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_cached_trim(struct aml_area *area, size_t keep_size);

/** Tell what became of maps. Returns: 0; -AML_EINVAL: null, or an area of another type. */
AML_PUBLIC AML_MUST_CHECK int aml_area_cached_get_stats(struct aml_area *area,
                                                        struct aml_area_cached_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
