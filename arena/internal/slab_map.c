// SPDX-License-Identifier: BSD-3-Clause
//
// Leaves come and go with chunks. A leaf that was taken out is read by nobody: whoever asks for an
// address asks for a live block, and its chunk keeps the leaf. Tables grow to twice the size, so
// that those that were replaced take no more than the last one.

#include "aml/arena/internal/slab_map.h"

#include <stdlib.h>
#include <string.h>

typedef struct aml_internal_slab_map map_type;
typedef struct aml_internal_slab_table table_type;
typedef struct aml_internal_slab_leaf leaf_type;
typedef struct aml_internal_slab_span span_type;

struct aml_internal_slab_leaf aml_internal_slab_no_leaf;
struct aml_internal_slab_table aml_internal_slab_no_table;

// A table of 2^47 bytes of addresses has 2^25 entries.
enum { LEAF_UNITS = AML_INTERNAL_SLAB_LEAF_UNITS, LEAST_ENTRIES = 4, MOST_ENTRIES = 1 << 25 };

static size_t unit_of(const void *pointer) {
  return (uintptr_t)pointer >> AML_INTERNAL_SLAB_UNIT_SHIFT;
}

static table_type *table_of(const map_type *map) {
  return __atomic_load_n(&map->table, __ATOMIC_ACQUIRE);
}

static struct aml_internal_slab_entry *entry_of(const map_type *map, size_t unit) {
  table_type *const table = table_of(map);
  return &table->entries[unit / LEAF_UNITS - table->first];
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
  if (unit / LEAF_UNITS - table->first >= table->count)
    return NULL;
  const struct aml_internal_slab_entry *const entry =
      &table->entries[unit / LEAF_UNITS - table->first];
  const leaf_type *const leaf = __atomic_load_n(&entry->leaf, __ATOMIC_ACQUIRE);
  if (leaf == &aml_internal_slab_no_leaf)
    return __atomic_load_n(&entry->whole, __ATOMIC_RELAXED);
  return __atomic_load_n(&leaf->spans[unit % LEAF_UNITS], __ATOMIC_RELAXED);
}

bool aml_internal_slab_has(const map_type *map, const void *pointer) {
  const table_type *const table = table_of(map);
  if (aml_internal_slab_kind_of(table, pointer) != AML_INTERNAL_SLAB_NOTHING)
    return true;
  const size_t index = unit_of(pointer) / LEAF_UNITS - table->first;
  return index < table->count && table->entries[index].whole != NULL;
}

/** Makes the table reach over leaves [first, end). Returns: false if there is no memory. */
static bool reach(map_type *map, size_t first, size_t end) {
  table_type *const old = table_of(map);
  if (first >= old->first && end <= old->first + old->count)
    return true;
  if (old->count != 0) {
    // Grown at the end that is too short.
    const size_t room = old->count;
    end = end > old->first + old->count ? end + room : old->first + old->count;
    first = first < old->first ? first - (room < first ? room : first) : old->first;
  }
  const size_t count = end - first < LEAST_ENTRIES ? LEAST_ENTRIES : end - first;
  if (count > MOST_ENTRIES)
    return false;
  const size_t size = sizeof(table_type) + count * sizeof(struct aml_internal_slab_entry);
  table_type *const table = malloc(size);
  if (table == NULL)
    return false;
  *table = (table_type){.first = first, .count = count, .older = old};
  for (size_t i = 0; i < count; ++i)
    table->entries[i] = (struct aml_internal_slab_entry){&aml_internal_slab_no_leaf, NULL};
  if (old->count != 0)
    memcpy(&table->entries[old->first - first], old->entries,
           old->count * sizeof(struct aml_internal_slab_entry));
  map->metadata_size += size;
  __atomic_store_n(&map->table, table, __ATOMIC_RELEASE);
  return true;
}

/** Takes a part's leaf up, a new one if there is none. */
static bool use_leaf(map_type *map, struct part part) {
  struct aml_internal_slab_entry *const entry = entry_of(map, part.unit);
  leaf_type *leaf = entry->leaf;
  if (leaf == &aml_internal_slab_no_leaf) {
    leaf = malloc(sizeof *leaf);
    if (leaf == NULL)
      return false;
    memset(leaf->kinds, AML_INTERNAL_SLAB_NOTHING, sizeof leaf->kinds);
    leaf->users = 0;
    map->metadata_size += sizeof *leaf;
    __atomic_store_n(&entry->leaf, leaf, __ATOMIC_RELEASE);
  }
  ++leaf->users;
  memset(&leaf->kinds[part.unit % LEAF_UNITS], AML_INTERNAL_SLAB_HELD, part.count);
  return true;
}

static void drop_leaf(map_type *map, struct part part) {
  struct aml_internal_slab_entry *const entry = entry_of(map, part.unit);
  leaf_type *const leaf = entry->leaf;
  __atomic_store_n(&entry->whole, NULL, __ATOMIC_RELAXED);
  if (leaf == &aml_internal_slab_no_leaf)
    return;
  memset(&leaf->kinds[part.unit % LEAF_UNITS], AML_INTERNAL_SLAB_NOTHING, part.count);
  if (--leaf->users != 0)
    return;
  __atomic_store_n(&entry->leaf, &aml_internal_slab_no_leaf, __ATOMIC_RELEASE);
  map->metadata_size -= sizeof *leaf;
  free(leaf);
}

bool aml_internal_slab_map_add(map_type *map, const char *base, size_t units, span_type *whole) {
  const size_t end = unit_of(base) + units;
  if (!reach(map, unit_of(base) / LEAF_UNITS, (end - 1) / LEAF_UNITS + 1))
    return false;
  for (struct part part = first_part(base, units); part.count != 0; part = next_part(part, end)) {
    if (whole != NULL && part.count == LEAF_UNITS) {
      __atomic_store_n(&entry_of(map, part.unit)->whole, whole, __ATOMIC_RELAXED);
    } else if (!use_leaf(map, part)) {
      aml_internal_slab_map_remove(map, base, part.unit - unit_of(base));
      return false;
    }
  }
  return true;
}

void aml_internal_slab_map_remove(map_type *map, const char *base, size_t units) {
  const size_t end = unit_of(base) + units;
  for (struct part part = first_part(base, units); part.count != 0; part = next_part(part, end))
    drop_leaf(map, part);
}

void aml_internal_slab_map_span(const map_type *map, span_type *span, unsigned kind) {
  const size_t end = unit_of(span->base) + span->units;
  for (struct part part = first_part(span->base, span->units); part.count != 0;
       part = next_part(part, end)) {
    leaf_type *const leaf = entry_of(map, part.unit)->leaf;
    if (leaf == &aml_internal_slab_no_leaf)
      continue;
    const size_t first = part.unit % LEAF_UNITS;
    memset(&leaf->kinds[first], (int)kind, part.count);
    for (size_t i = first; i < first + part.count; ++i)
      __atomic_store_n(&leaf->spans[i], span, __ATOMIC_RELAXED);
  }
}

static void name_unit(const map_type *map, size_t unit, span_type *run) {
  leaf_type *const leaf = entry_of(map, unit)->leaf;
  __atomic_store_n(&leaf->spans[unit % LEAF_UNITS], run, __ATOMIC_RELAXED);
}

void aml_internal_slab_map_run(const map_type *map, span_type *run) {
  const size_t end = unit_of(run->base) + run->units;
  for (struct part part = first_part(run->base, run->units); part.count != 0;
       part = next_part(part, end))
    memset(&entry_of(map, part.unit)->leaf->kinds[part.unit % LEAF_UNITS], AML_INTERNAL_SLAB_HELD,
           part.count);
  name_unit(map, unit_of(run->base), run);
  name_unit(map, end - 1, run);
}

void aml_internal_slab_map_end(map_type *map) {
  table_type *table = table_of(map);
  for (size_t i = 0; i < table->count; ++i)
    if (table->entries[i].leaf != &aml_internal_slab_no_leaf)
      free(table->entries[i].leaf);
  while (table != &aml_internal_slab_no_table) {
    table_type *const older = table->older;
    free(table);
    table = older;
  }
  *map = (map_type){.table = &aml_internal_slab_no_table};
}
