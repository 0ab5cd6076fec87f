// SPDX-License-Identifier: BSD-3-Clause
//
// Leaves come and go with chunks. A leaf that was taken out is read by nobody: whoever asks for an
// address asks for a live block, and its chunk keeps the leaf. Arrays and tables grow to twice the
// size, so that those that were replaced take no more than the last one.

#include "aml/arena/internal/slab_map.h"

#include <stdlib.h>
#include <string.h>

typedef struct aml_internal_slab_map map_type;
typedef struct aml_internal_slab_kinds kinds_type;
typedef struct aml_internal_slab_table table_type;
typedef struct aml_internal_slab_leaf leaf_type;
typedef struct aml_internal_slab_span span_type;

const uint8_t aml_internal_slab_kinds_by_size[AML_INTERNAL_SLAB_TABLE_ENTRIES] = {
    1,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 17, 18, 18, 19, 19,
    20, 20, 21, 21, 22, 22, 23, 23, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27, 28,
    28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31, 31, 32, 32, 32, 32, 33, 34, 35, 36,
    37, 38, 39, 40, 41, 41, 42, 42, 43, 43, 44, 44, 45, 45, 46, 46, 47, 47, 48, 48, 49, 49, 49,
    49, 50, 50, 50, 50, 51, 51, 51, 51, 52, 52, 52, 52, 53, 53, 53, 53, 54, 54, 54, 54, 55, 55,
    55, 55, 56, 56, 56, 56, 57, 57, 57, 57, 57, 57, 57, 57, 58, 58, 58, 58, 58, 58, 58, 58, 59,
    59, 59, 59, 59, 59, 59, 59, 60, 60, 60, 60, 60, 60, 60, 60, 61, 61, 61, 61, 61, 61, 61, 61,
    62, 62, 62, 62, 62, 62, 62, 62, 63, 63, 63, 63, 63, 63, 63, 63, 64, 64, 64, 64, 64, 64, 64,
    64, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67,
    67, 67, 67, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 68, 69, 69, 69, 69,
    69, 69, 69, 69, 69, 69, 69, 69, 69, 69, 69, 69, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 70, 70, 70, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 71, 72, 72,
    72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72, 72};

_Static_assert(sizeof(leaf_type) <= AML_INTERNAL_SLAB_PAGE, "a leaf has room in a page");

// The array reaches over at most 8 TiB of addresses, and the table over 2^47.
enum { LEAF_UNITS = AML_INTERNAL_SLAB_LEAF_UNITS, MOST_ENTRIES = 1 << 26, COPIED_KINDS = 4096 };
static const size_t most_kinds = (size_t)1 << 31;

/** What a map has as long as no unit can be of a class: others may read while the first array comes
 * to be. */
static kinds_type no_kinds;

static size_t unit_of(const void *pointer) {
  return (uintptr_t)pointer >> AML_INTERNAL_SLAB_UNIT_SHIFT;
}

static table_type *table_of(const map_type *map) {
  return __atomic_load_n(&map->table, __ATOMIC_ACQUIRE);
}

static leaf_type **leaf_of(const map_type *map, size_t unit) {
  table_type *const table = table_of(map);
  return &table->leaves[unit / LEAF_UNITS - table->first];
}

static span_type **whole_of(const map_type *map, size_t unit) {
  const table_type *const table = table_of(map);
  return &table->wholes[unit / LEAF_UNITS - table->first];
}

/** Units of a range: those in the leaf that the first one is in. */
struct part {
  size_t unit;
  size_t count;
};

static struct part first_part(const char *base, size_t units) {
  const size_t unit = unit_of(base);
  const size_t room = LEAF_UNITS - unit % LEAF_UNITS;
  return (struct part){unit, units < room ? units : room};
}

static struct part next_part(struct part part, size_t end) {
  const size_t unit = part.unit + part.count;
  return (struct part){unit, end - unit < LEAF_UNITS ? end - unit : LEAF_UNITS};
}

span_type *aml_internal_slab_find_span(const map_type *map, const void *pointer) {
  const table_type *const table = table_of(map);
  const size_t unit = unit_of(pointer);
  const size_t index = unit / LEAF_UNITS - table->first;
  if (index >= table->count)
    return NULL;
  const leaf_type *const leaf = __atomic_load_n(&table->leaves[index], __ATOMIC_ACQUIRE);
  if (leaf == NULL)
    return __atomic_load_n(&table->wholes[index], __ATOMIC_RELAXED);
  return __atomic_load_n(&leaf->spans[unit % LEAF_UNITS], __ATOMIC_RELAXED);
}

bool aml_internal_slab_has(const map_type *map, const void *pointer) {
  const table_type *const table = table_of(map);
  const size_t unit = unit_of(pointer);
  const size_t index = unit / LEAF_UNITS - table->first;
  if (index >= table->count)
    return false;
  const leaf_type *const leaf = table->leaves[index];
  return (leaf == NULL ? table->wholes[index] : leaf->spans[unit % LEAF_UNITS]) != NULL;
}

// Growing

/** Numbers from first on, before end. */
struct range {
  size_t first;
  size_t end;
};

/** What a range of `count` numbers from `first` on becomes to have room for others: twice as
 * large at the end that is too short. */
static struct range widen(size_t first, size_t count, struct range wanted, size_t least) {
  if (count != 0) {
    const size_t end = first + count;
    if (wanted.end > end)
      wanted.end += count;
    else
      wanted.end = end;
    if (wanted.first < first)
      wanted.first -= count < wanted.first ? count : wanted.first;
    else
      wanted.first = first;
  }
  if (wanted.end - wanted.first < least)
    wanted.end = wanted.first + least;
  return wanted;
}

/** Copies kinds, but for blocks of zeros, which would take memory for nothing. */
static void copy_kinds(uint8_t *to, const uint8_t *from, size_t count) {
  static const uint8_t zeros[COPIED_KINDS];
  for (size_t i = 0; i < count; i += COPIED_KINDS) {
    const size_t some = count - i < COPIED_KINDS ? count - i : COPIED_KINDS;
    if (memcmp(from + i, zeros, some) != 0)
      memcpy(to + i, from + i, some);
  }
}

/** Makes the array reach over units, if it can. */
static void reach_kinds(map_type *map, size_t first, size_t end) {
  kinds_type *const old = map->kinds;
  const size_t old_first = old->window.first;
  const size_t old_count = old->window.count;
  if (first >= old_first && end <= old_first + old_count)
    return;
  const struct range range =
      widen(old_first, old_count, (struct range){first, end}, AML_INTERNAL_SLAB_FIRST_KINDS);
  const size_t count = range.end - range.first;
  const bool is_first = old == &no_kinds && count <= AML_INTERNAL_SLAB_FIRST_KINDS;
  kinds_type *const kinds = is_first             ? (kinds_type *)map->first_kinds
                            : count > most_kinds ? NULL
                                                 : calloc(1, sizeof *kinds + count);
  if (kinds == NULL)
    return;
  kinds->window =
      (struct aml_internal_slab_window){range.first, count, (uintptr_t)kinds->kinds - range.first};
  kinds->older = old;
  if (old_count != 0)
    copy_kinds(kinds->kinds + (old_first - range.first), old->kinds, old_count);
  if (!is_first)
    map->metadata_size += sizeof *kinds + count;
  __atomic_store_n(&map->kinds, kinds, __ATOMIC_RELEASE);
}

/** Makes the table reach over leaves. Returns: false if there is no memory. */
static bool reach_leaves(map_type *map, size_t first, size_t end) {
  table_type *const old = table_of(map);
  if (first >= old->first && end <= old->first + old->count)
    return true;
  const struct range range =
      widen(old->first, old->count, (struct range){first, end}, AML_INTERNAL_SLAB_FIRST_LEAVES);
  const size_t count = range.end - range.first;
  const size_t size = sizeof *old + count * (sizeof(leaf_type *) + sizeof(span_type *));
  const bool is_first = old->count == 0 && count <= AML_INTERNAL_SLAB_FIRST_LEAVES;
  table_type *const table = is_first ? old : count > MOST_ENTRIES ? NULL : calloc(1, size);
  if (table == NULL)
    return false;
  table->wholes = (span_type **)(table->leaves + count);
  for (size_t i = 0; i < old->count; ++i) {
    table->leaves[old->first - range.first + i] = old->leaves[i];
    table->wholes[old->first - range.first + i] = old->wholes[i];
  }
  table->first = range.first;
  table->count = count;
  if (!is_first) {
    table->older = old;
    map->metadata_size += size;
  }
  __atomic_store_n(&map->table, table, __ATOMIC_RELEASE);
  return true;
}

// Chunks

static void name_in_leaf(leaf_type *leaf, struct part part, span_type *span) {
  const size_t first = part.unit % LEAF_UNITS;
  for (size_t i = first; i < first + part.count; ++i)
    __atomic_store_n(&leaf->spans[i], span, __ATOMIC_RELAXED);
}

/** Names units in their leaf; in a new one if there is none. Returns: false if there is no memory.
 */
static bool use_leaf(map_type *map, struct part part, span_type *span) {
  leaf_type **const place = leaf_of(map, part.unit);
  leaf_type *const leaf = *place != NULL ? *place : aml_internal_slab_take_page(map->pages);
  if (leaf == NULL)
    return false;
  if (*place == NULL) {
    memset(leaf, 0, sizeof *leaf);
    __atomic_store_n(place, leaf, __ATOMIC_RELEASE);
  }
  name_in_leaf(leaf, part, span);
  return true;
}

/** Frees the leaf of an entry, of which `whole` then lies in all units; or null. */
static void drop_leaf(map_type *map, size_t unit, span_type *whole) {
  leaf_type **const place = leaf_of(map, unit);
  leaf_type *const leaf = *place;
  __atomic_store_n(whole_of(map, unit), whole, __ATOMIC_RELAXED);
  if (leaf == NULL)
    return;
  __atomic_store_n(place, NULL, __ATOMIC_RELEASE);
  aml_internal_slab_give_page(map->pages, leaf);
}

static bool is_empty(const leaf_type *leaf) {
  for (size_t i = 0; i < LEAF_UNITS; ++i)
    if (leaf->spans[i] != NULL)
      return false;
  return true;
}

/** Forgets units, which were a chunk's. */
static void forget_part(map_type *map, struct part part) {
  leaf_type *const leaf = *leaf_of(map, part.unit);
  if (part.count != LEAF_UNITS) {
    name_in_leaf(leaf, part, NULL);
    if (!is_empty(leaf))
      return;
  }
  drop_leaf(map, part.unit, NULL);
}

void aml_internal_slab_map_remove(map_type *map, const char *base, size_t units) {
  const size_t end = unit_of(base) + units;
  for (struct part part = first_part(base, units); part.count != 0; part = next_part(part, end))
    forget_part(map, part);
}

static void name_units(const map_type *map, const char *base, size_t units, span_type *span) {
  const size_t end = unit_of(base) + units;
  for (struct part part = first_part(base, units); part.count != 0; part = next_part(part, end)) {
    leaf_type *const leaf = *leaf_of(map, part.unit);
    if (leaf == NULL)
      __atomic_store_n(whole_of(map, part.unit), span, __ATOMIC_RELAXED);
    else
      name_in_leaf(leaf, part, span);
  }
}

bool aml_internal_slab_map_add(map_type *map, span_type *span, bool has_classes) {
  const size_t first = unit_of(span->base);
  const size_t end = first + span->units;
  if (!reach_leaves(map, first / LEAF_UNITS, (end - 1) / LEAF_UNITS + 1))
    return false;
  for (struct part part = first_part(span->base, span->units); part.count != 0;
       part = next_part(part, end)) {
    if (part.count == LEAF_UNITS) {
      __atomic_store_n(whole_of(map, part.unit), span, __ATOMIC_RELAXED);
    } else if (!use_leaf(map, part, span)) {
      aml_internal_slab_map_remove(map, span->base, part.unit - first);
      return false;
    }
  }
  if (has_classes)
    reach_kinds(map, first, end);
  return true;
}

bool aml_internal_slab_map_cut(map_type *map, span_type *run, const char *address) {
  const size_t unit = unit_of(address);
  if (unit % LEAF_UNITS == 0 || address == run->base + run->units * AML_INTERNAL_SLAB_UNIT ||
      *leaf_of(map, unit) != NULL)
    return true;
  return use_leaf(map, (struct part){unit / LEAF_UNITS * LEAF_UNITS, LEAF_UNITS}, run);
}

void aml_internal_slab_map_span(map_type *map, span_type *span) {
  name_units(map, span->base, span->units, span);
}

void aml_internal_slab_map_run(map_type *map, span_type *run) {
  name_units(map, run->base, 1, run);
  name_units(map, run->base + (run->units - 1) * AML_INTERNAL_SLAB_UNIT, 1, run);
}

void aml_internal_slab_map_join(map_type *map, span_type *run) {
  const size_t end = unit_of(run->base) + run->units;
  for (struct part part = first_part(run->base, run->units); part.count != 0;
       part = next_part(part, end))
    if (part.count == LEAF_UNITS && *leaf_of(map, part.unit) != NULL)
      drop_leaf(map, part.unit, run);
}

void aml_internal_slab_map_kind(map_type *map, const span_type *span, size_t kind) {
  const size_t unit = unit_of(span->base);
  for (kinds_type *kinds = map->kinds; kinds != &no_kinds; kinds = kinds->older) {
    const struct aml_internal_slab_window *const window = &kinds->window;
    const size_t first = unit > window->first ? unit : window->first;
    const size_t reach = window->first + window->count;
    const size_t end = unit + span->units < reach ? unit + span->units : reach;
    if (first < end)
      memset(&kinds->kinds[first - window->first], (int)kind, end - first);
  }
}

size_t aml_internal_slab_count_leaves(const map_type *map) {
  const table_type *const table = table_of(map);
  size_t count = 0;
  for (size_t i = 0; i < table->count; ++i)
    count += table->leaves[i] != NULL;
  return count;
}

// The life of a map

void aml_internal_slab_map_begin(map_type *map, struct aml_internal_slab_pages *pages) {
  map->pages = pages;
  map->kinds = &no_kinds;
  map->table = (table_type *)map->first_table;
}

void aml_internal_slab_map_end(map_type *map) {
  table_type *table = table_of(map);
  kinds_type *kinds = map->kinds;
  while (table->older != NULL) {
    table_type *const older = table->older;
    free(table);
    table = older;
  }
  while (kinds != &no_kinds) {
    kinds_type *const older = kinds->older;
    if (kinds != (kinds_type *)map->first_kinds)
      free(kinds);
    kinds = older;
  }
  *map = (map_type){0};
}
