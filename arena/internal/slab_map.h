// SPDX-License-Identifier: BSD-3-Clause
//
// Which span an address of arena:slab lies in, without a hash. The kinds of units, which tell the
// classes of blocks, are one array, from the lowest chunk to the highest one; but chunks that lie
// far from all others are not in it. Spans are found by a table with an entry for each 2 MiB: the
// span that it lies in as a whole, or else a leaf.
//
// Threads: find and kind_in take no lock, for addresses in live blocks. They may read an array or a
// table that has been replaced; it stays until the map ends. Of an array, threads keep the window
// for as long as they like, so those that were replaced are kept true as far as they reach; a table
// has what was true of any block when it was handed out. All other functions are for one thread at
// a time.

#ifndef AML_ARENA_INTERNAL_SLAB_MAP_H
#define AML_ARENA_INTERNAL_SLAB_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_classes.h"
#include "aml/arena/internal/slab_pages.h"
#include "aml/arena/internal/slab_span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_SLAB_LEAF_SHIFT = 21,
  AML_INTERNAL_SLAB_LEAF_UNITS = 1 << (AML_INTERNAL_SLAB_LEAF_SHIFT - AML_INTERNAL_SLAB_UNIT_SHIFT)
};

/** What a unit is; from FIRST_CLASS on, part of a span of blocks of the class kind - FIRST_CLASS.
 */
enum aml_internal_slab_kind {
  AML_INTERNAL_SLAB_NO_CLASS = 0, /**< as far as the array knows */
  AML_INTERNAL_SLAB_FIRST_CLASS = 1,
  AML_INTERNAL_SLAB_KINDS = AML_INTERNAL_SLAB_FIRST_CLASS + AML_INTERNAL_SLAB_CLASS_COUNT
};

/**
 * The kinds of blocks of most sizes are looked up in a table: by sixteens up to SMALL_SIZE, then by
 * steps of STEP bytes. Sizes of both sorts in turn cost less so than with what is computed.
 */
enum {
  AML_INTERNAL_SLAB_SMALL_SIZE = 1024,
  AML_INTERNAL_SLAB_SMALL_ENTRIES = AML_INTERNAL_SLAB_SMALL_SIZE / 16 + 1,
  AML_INTERNAL_SLAB_STEP = 128,
  AML_INTERNAL_SLAB_TABLE_SIZE = 32768, /**< the largest size in the table */
  AML_INTERNAL_SLAB_TABLE_ENTRIES =
      AML_INTERNAL_SLAB_SMALL_ENTRIES +
      (AML_INTERNAL_SLAB_TABLE_SIZE - AML_INTERNAL_SLAB_SMALL_SIZE) / AML_INTERNAL_SLAB_STEP
};

extern const uint8_t aml_internal_slab_kinds_by_size[AML_INTERNAL_SLAB_TABLE_ENTRIES];

/** The kind of blocks of up to AML_INTERNAL_SLAB_TABLE_SIZE bytes. */
static inline size_t aml_internal_slab_kind_in_table(size_t size) {
  const size_t skipped =
      AML_INTERNAL_SLAB_SMALL_ENTRIES * AML_INTERNAL_SLAB_STEP - AML_INTERNAL_SLAB_SMALL_SIZE;
  if (__builtin_expect(size <= AML_INTERNAL_SLAB_SMALL_SIZE, 1))
    return aml_internal_slab_kinds_by_size[(size + 15) / 16];
  return aml_internal_slab_kinds_by_size[(size + skipped - 1) / AML_INTERNAL_SLAB_STEP];
}

/** The kind of blocks of up to AML_INTERNAL_SLAB_MAX_SIZE bytes. */
static inline size_t aml_internal_slab_kind_for(size_t size) {
  if (__builtin_expect(size <= AML_INTERNAL_SLAB_TABLE_SIZE, 1))
    return aml_internal_slab_kind_in_table(size);
  return AML_INTERNAL_SLAB_FIRST_CLASS + aml_internal_slab_class_of(size);
}

/** Which units an array tells the kinds of. */
struct aml_internal_slab_window {
  size_t first; /**< address >> UNIT_SHIFT */
  size_t count;
  uintptr_t origin; /**< where the kind of unit 0 would be: a subtraction less on the hot path */
};

/** The kinds of units. */
struct aml_internal_slab_kinds {
  struct aml_internal_slab_window window;
  struct aml_internal_slab_kinds *older; /**< replaced by this one */
  uint8_t kinds[];
};

/**
 * The spans of 2 MiB of addresses. Units that are in no chunk have none. Of free runs the first and
 * the last unit name it; the others name what they were in.
 */
struct aml_internal_slab_leaf {
  struct aml_internal_slab_span *spans[AML_INTERNAL_SLAB_LEAF_UNITS];
};

/** A table; behind the leaves, wholes[i] is what lies everywhere in entry i: it has no leaf. */
struct aml_internal_slab_table {
  size_t first; /**< address >> LEAF_SHIFT of entry 0 */
  size_t count;
  struct aml_internal_slab_span **wholes;
  struct aml_internal_slab_table *older;   /**< replaced by this one */
  struct aml_internal_slab_leaf *leaves[]; /**< null where no chunk is, or one span */
};

/** Room for the first array, and for the first table. */
enum { AML_INTERNAL_SLAB_FIRST_KINDS = 1024, AML_INTERNAL_SLAB_FIRST_LEAVES = 4 };

struct aml_internal_slab_map {
  struct aml_internal_slab_pages *pages; /**< where leaves are */
  struct aml_internal_slab_kinds *kinds; /**< atomic, never null */
  struct aml_internal_slab_table *table; /**< atomic, never null */
  size_t metadata_size;                  /**< besides the map itself and leaves */
  size_t first_kinds[(sizeof(struct aml_internal_slab_kinds) + AML_INTERNAL_SLAB_FIRST_KINDS) /
                     sizeof(size_t)];
  size_t first_table[sizeof(struct aml_internal_slab_table) / sizeof(size_t) +
                     2 * AML_INTERNAL_SLAB_FIRST_LEAVES];
};

/** Which units are known now. */
static inline const struct aml_internal_slab_window *
aml_internal_slab_window_of(const struct aml_internal_slab_map *map) {
  return &__atomic_load_n(&map->kinds, __ATOMIC_ACQUIRE)->window;
}

/** The kind of the unit that an address lies in; NO_CLASS also if it is not in the window. */
static inline size_t aml_internal_slab_kind_in(const struct aml_internal_slab_window *window,
                                               const void *pointer) {
  const size_t unit = (uintptr_t)pointer >> AML_INTERNAL_SLAB_UNIT_SHIFT;
  if (__builtin_expect(unit - window->first >= window->count, 0))
    return AML_INTERNAL_SLAB_NO_CLASS;
  return __atomic_load_n((const uint8_t *)(window->origin + unit), __ATOMIC_RELAXED);
}

/** The span that an address of a live block lies in, or that begins or ends with a free unit. */
struct aml_internal_slab_span *aml_internal_slab_find_span(const struct aml_internal_slab_map *map,
                                                           const void *pointer);

/** Whether an address lies in a chunk of the map. */
bool aml_internal_slab_has(const struct aml_internal_slab_map *map, const void *pointer);

/**
 * Take up a chunk, which is one span: all of its units name it.
 *
 * @param has_classes  whether its units may be of a class later: the array is to reach over them.
 *
 * Returns: whether there was memory for that; else nothing has changed. It will do without the
 * array.
 */
bool aml_internal_slab_map_add(struct aml_internal_slab_map *map,
                               struct aml_internal_slab_span *span, bool has_classes);

/** Forget a chunk; none of its units is of a class. */
void aml_internal_slab_map_remove(struct aml_internal_slab_map *map, const char *base,
                                  size_t units);

/**
 * See to it that a free run may be cut before an address.
 *
 * Returns: whether there was memory for that.
 */
bool aml_internal_slab_map_cut(struct aml_internal_slab_map *map,
                               struct aml_internal_slab_span *run, const char *address);

/** Say of all units of a span which they are in. Its ends are where runs were cut, or chunks end.
 */
void aml_internal_slab_map_span(struct aml_internal_slab_map *map,
                                struct aml_internal_slab_span *span);

/** Likewise, of the first and the last unit of a free run. */
void aml_internal_slab_map_run(struct aml_internal_slab_map *map,
                               struct aml_internal_slab_span *run);

/** Do without leaves for what lies in a free run as a whole. */
void aml_internal_slab_map_join(struct aml_internal_slab_map *map,
                                struct aml_internal_slab_span *run);

/** Say of which kind the units of a span are. */
void aml_internal_slab_map_kind(struct aml_internal_slab_map *map,
                                const struct aml_internal_slab_span *span, size_t kind);

/** How many leaves there are. */
size_t aml_internal_slab_count_leaves(const struct aml_internal_slab_map *map);

/** Make a map that is empty; *map is zero. Leaves are in `pages`, and end with them. */
void aml_internal_slab_map_begin(struct aml_internal_slab_map *map,
                                 struct aml_internal_slab_pages *pages);

/** Free what the map has taken but for leaves; it is empty then. */
void aml_internal_slab_map_end(struct aml_internal_slab_map *map);

#ifdef __cplusplus
}
#endif

#endif
