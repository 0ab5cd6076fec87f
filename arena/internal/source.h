// SPDX-License-Identifier: BSD-3-Clause
//
// Where an arena's memory comes from: chunks of an area, up to a limit, or one region and no more.

#ifndef AML_ARENA_INTERNAL_SOURCE_H
#define AML_ARENA_INTERNAL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the options of every arena say of its memory; each zero is a default. */
struct aml_internal_source_options {
  size_t chunk_size; /**< bytes that are mapped at once, or more for a larger block */
  size_t limit;      /**< the most bytes to hold from the area; 0: no limit */
  void *region;      /**< work in this memory alone; null: grow over the area */
  size_t region_size;
};

/** A source; plain fields. reserved_size <= limit. */
struct aml_internal_source {
  struct aml_area *area; /**< borrowed; null: a region of host memory */
  size_t chunk_size;
  size_t limit; /**< SIZE_MAX: none */
  size_t reserved_size;
  size_t granularity;   /**< of the area */
  size_t max_alignment; /**< of the area */
  size_t page_size;     /**< of the area */
  unsigned map_flags;   /**< bits of enum aml_area_map_flag for chunks; 0 at first */
  bool is_region;
  bool is_readable; /**< by the host */
  bool is_writable; /**< by the host */
  bool is_zeroed;   /**< fresh memory is */
  bool can_purge;   /**< memory of the area, the region's too */
};

/**
 * Checks options, and asks the area what it is. The region is the caller's to adopt.
 *
 * @param call  the public init on whose behalf that is done.
 * @param area  may be null if there is a region.
 *
 * Returns: 0; -AML_EINVAL with a sentence on `call`; what asking the area failed with.
 */
int aml_internal_source_init(struct aml_internal_source *source, const char *call,
                             struct aml_area *area,
                             const struct aml_internal_source_options *options,
                             size_t default_chunk_size);

/**
 * Maps a chunk that has room for `size` bytes at `alignment`, as large as chunks are to be if limit
 * and area allow it; the least that will do if not.
 *
 * @param label       borrowed until unmap.
 * @param chunk_size  what was mapped, in bytes.
 *
 * Returns: its base; null, with a sentence on aml_arena_alloc(): -AML_ENOMEM (limit, region, no
 * more memory), or what the area failed with.
 */
void *aml_internal_source_map(struct aml_internal_source *source, const char *label, size_t size,
                              size_t alignment, size_t *chunk_size);

/**
 * Tells whether the limit would allow a chunk that has room for `size` bytes at `alignment`, if
 * `returned` of the bytes that are held were given back. No region ever grows.
 */
bool aml_internal_source_fits(const struct aml_internal_source *source, size_t size,
                              size_t alignment, size_t returned);

/** Gives a whole chunk back. Returns: 0; what the area failed with: then it is held still. */
int aml_internal_source_unmap(struct aml_internal_source *source, void *base, size_t chunk_size);

#ifdef __cplusplus
}
#endif

#endif
