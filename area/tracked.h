// SPDX-License-Identifier: BSD-3-Clause
//
// area:tracked: over any area, an account of its mappings: which there are and who asked for them,
// how much they are and were at most, and what is left when the area ends.
//
//     AML_AREA_TRACKED_DECL(area);
//     int err = aml_area_tracked_init(area, inner, &(struct aml_area_tracked_options){
//         .report = aml_area_tracked_print, .context = stderr});
//     double *v = aml_area_map(area, n * sizeof *v, &(struct aml_area_map_options){
//         .label = "vectors"});
//
// A mapping's label is that of its map options, or else the area's. unmap and resize refuse, with a
// sentence, what is not a whole mapping that is live: a part, the inside of one, a foreign pointer,
// and what was given back already.
//
// Threads: thread-safe. A mapping that another thread is giving back or resizing is not told of.
// After a fork the child has an account of its own; it may use the area if no other thread was in
// a call on it, or on the C heap, as for every lock.
// Cost: a record on the C heap, a lock, and a walk down a balanced tree, for map, unmap and resize;
// nothing for the other operations but get_info of a mapping. Unmap allocates nothing.

#ifndef AML_AREA_TRACKED_H
#define AML_AREA_TRACKED_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A live mapping. */
struct aml_area_tracked_mapping {
  void *pointer;
  size_t size;       /**< as asked for */
  const char *label; /**< null: there is none; the caller's own, so valid as long as theirs */
  uint64_t number;   /**< of the map that made it, counted from 1 */
};

/** Looks at a mapping. Returns: 0 to go on; else aml_area_tracked_walk() ends, and returns it. */
typedef int (*aml_area_tracked_visit)(void *context,
                                      const struct aml_area_tracked_mapping *mapping);

/** How an account is kept; each field's zero is its default. */
struct aml_area_tracked_options {
  const char *label; /**< of maps that bring none; borrowed */
  /** Is told each mapping that is live when the area ends, by address, and what it returns is
      ignored; null: none. */
  aml_area_tracked_visit report;
  void *context; /**< for report; borrowed */
};

enum { AML_AREA_TRACKED_CLASSES = 64 };

/** What became of all maps; live_count == maps - unmaps - lost, while nothing is being resized. */
struct aml_area_tracked_stats {
  size_t live_count;
  size_t live_size;  /**< bytes of live mappings, each rounded up to the granularity */
  size_t peak_size;  /**< the most that live_size was */
  uint64_t maps;     /**< that worked */
  uint64_t unmaps;   /**< likewise */
  uint64_t resizes;  /**< likewise */
  uint64_t failures; /**< calls of map, unmap and resize that failed, refusals included */
  uint64_t refusals; /**< calls of unmap and resize for what is no whole mapping */
  uint64_t lost;     /**< mappings given back to the inner area itself, as was noticed when it gave
                          their memory again */
  /** [i]: how many maps that worked were of 2^i bytes to 2^(i+1) - 1. */
  uint64_t histogram[AML_AREA_TRACKED_CLASSES];
};

/** An area that keeps account; use functions. */
struct aml_area_tracked {
  struct aml_area area;
  struct aml_area *inner;                 /**< borrowed; null: not initialised */
  struct aml_area_tracked_account *state; /**< owned */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_tracked_ops;

/** Declare `struct aml_area *name`, to be initialised as an area that keeps account. */
#define AML_AREA_TRACKED_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_area_tracked, aml_area, area, aml_area_tracked_ops, name)

/**
 * Initialise an area that keeps account of what it maps from another one.
 *
 * Beyond core/area.h, map fails with -AML_ENOMEM for the record. Fini with live mappings reports
 * them, records a sentence on them (aml_error_detail()), and leaves them to `inner`.
 *
 * @param area     declared by AML_AREA_TRACKED_DECL, not initialised.
 * @param inner    borrowed; may be used beside, which then is not accounted for.
 * @param options  null: the defaults. Not kept, but for what it borrows.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type; -AML_ENOMEM; what aml_area_get_info() of
 * `inner` fails with.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_tracked_init(struct aml_area *area, struct aml_area *inner,
                                                    const struct aml_area_tracked_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_tracked_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_area_tracked_create(struct aml_area **area, struct aml_area *inner,
                        const struct aml_area_tracked_options *options);

/** Tell what became of all maps. Returns: 0; -AML_EINVAL: null, or an area of another type. */
AML_PUBLIC AML_MUST_CHECK int aml_area_tracked_get_stats(struct aml_area *area,
                                                         struct aml_area_tracked_stats *stats);

/**
 * Tell whose an address is.
 *
 * @param pointer  any address in a mapping, which reaches to the end of its last granule.
 * @param mapping  the mapping that it is in.
 *
 * Returns: 0; -AML_ENOENT: it is in none; -AML_EINVAL: null, or an area of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_tracked_find(struct aml_area *area, const void *pointer,
                                                    struct aml_area_tracked_mapping *mapping);

/**
 * Look at each live mapping, from the lowest address to the highest.
 *
 * The visit may call anything, and so map and unmap. Of mappings that come or go meanwhile some
 * are visited.
 *
 * Returns: 0; what a visit returned, if not 0; -AML_EINVAL: null, or an area of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_tracked_walk(struct aml_area *area,
                                                    aml_area_tracked_visit visit, void *context);

/** Print a mapping as one line: a visit whose context is a FILE *. Returns: 0. */
AML_PUBLIC int aml_area_tracked_print(void *file, const struct aml_area_tracked_mapping *mapping);

#ifdef __cplusplus
}
#endif

#endif
