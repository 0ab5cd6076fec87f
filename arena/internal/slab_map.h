// SPDX-License-Identifier: BSD-3-Clause
//
// Which span an address of arena:slab lies in, without a hash: a table with an entry for each 4 MiB
// from the lowest chunk to the highest one, and a leaf for each entry that a chunk lies in, which
// tells for each unit its kind and its span.
//
// Threads: find and kind_of take no lock, for addresses in live blocks. They may read a table that
// has been replaced; it stays until the map ends, and has what was true of any block when it was
// handed out. All other functions are for one thread at a time.

#ifndef AML_ARENA_INTERNAL_SLAB_MAP_H
#define AML_ARENA_INTERNAL_SLAB_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_classes.h"
#include "aml/arena/internal/slab_span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_SLAB_LEAF_SHIFT = 22,
  AML_INTERNAL_SLAB_LEAF_UNITS = 1 << (AML_INTERNAL_SLAB_LEAF_SHIFT - AML_INTERNAL_SLAB_UNIT_SHIFT)
};

/** What a unit is; from FIRST_CLASS on, part of a span of blocks of the class kind - FIRST_CLASS.
 */
enum aml_internal_slab_kind {
  AML_INTERNAL_SLAB_NOTHING = 0, /**< none of the arena's, as far as a leaf knows */
  AML_INTERNAL_SLAB_HELD = 1,    /**< the arena's, and of no class */
  AML_INTERNAL_SLAB_FIRST_CLASS = 2
};

/** What is known of 4 MiB of addresses. Of free runs only the first and the last unit name it. */
struct aml_internal_slab_leaf {
  uint8_t kinds[AML_INTERNAL_SLAB_LEAF_UNITS];
  struct aml_internal_slab_span *spans[AML_INTERNAL_SLAB_LEAF_UNITS];
  size_t users; /**< chunks that lie in it */
};

struct aml_internal_slab_entry {
  struct aml_internal_slab_leaf *leaf;  /**< never null */
  struct aml_internal_slab_span *whole; /**< a huge block that lies everywhere here; or null */
};

struct aml_internal_slab_table {
  size_t first; /**< address >> LEAF_SHIFT of entry 0 */
  size_t count;
  struct aml_internal_slab_table *older; /**< replaced by this one */
  struct aml_internal_slab_entry entries[];
};

struct aml_internal_slab_map {
  struct aml_internal_slab_table *table; /**< atomic, never null */
  size_t metadata_size;
};

/** All units are NOTHING in it. */
extern struct aml_internal_slab_leaf aml_internal_slab_no_leaf;

/** The table of a map that is empty. */
extern struct aml_internal_slab_table aml_internal_slab_no_table;

/** The kind of the unit that an address lies in. */
static inline unsigned aml_internal_slab_kind_of(const struct aml_internal_slab_table *table,
                                                 const void *pointer) {
  const size_t number = (uintptr_t)pointer;
  const size_t index = (number >> AML_INTERNAL_SLAB_LEAF_SHIFT) - table->first;
  if (__builtin_expect(index >= table->count, 0))
    return AML_INTERNAL_SLAB_NOTHING;
  const struct aml_internal_slab_leaf *const leaf =
      __atomic_load_n(&table->entries[index].leaf, __ATOMIC_ACQUIRE);
  return __atomic_load_n(
      &leaf->kinds[(number >> AML_INTERNAL_SLAB_UNIT_SHIFT) % AML_INTERNAL_SLAB_LEAF_UNITS],
      __ATOMIC_RELAXED);
}

/** The span that an address of a live block lies in, or that begins or ends with a free unit. */
struct aml_internal_slab_span *aml_internal_slab_find_span(const struct aml_internal_slab_map *map,
                                                           const void *pointer);

/** Whether an address lies in a chunk of the map. */
bool aml_internal_slab_has(const struct aml_internal_slab_map *map, const void *pointer);

/**
 * Take up a chunk: units from `base` on, which are HELD from now on.
 *
 * @param whole  null; or a huge span that the chunk is, and then needs no leaf where it lies
 *               everywhere.
 *
 * Returns: whether there was memory for that; else nothing has changed.
 */
bool aml_internal_slab_map_add(struct aml_internal_slab_map *map, const char *base, size_t units,
                               struct aml_internal_slab_span *whole);

/** Forget a chunk that was taken up so. */
void aml_internal_slab_map_remove(struct aml_internal_slab_map *map, const char *base,
                                  size_t units);

/** Say of all units of a span which they are in, and of what kind they are. */
void aml_internal_slab_map_span(const struct aml_internal_slab_map *map,
                                struct aml_internal_slab_span *span, unsigned kind);

/** Say that units are HELD, and the first and last one in a free run. */
void aml_internal_slab_map_run(const struct aml_internal_slab_map *map,
                               struct aml_internal_slab_span *run);

/** Free what the map has taken; it is empty then. */
void aml_internal_slab_map_end(struct aml_internal_slab_map *map);

#ifdef __cplusplus
}
#endif

#endif
