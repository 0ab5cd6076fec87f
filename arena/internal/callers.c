// SPDX-License-Identifier: BSD-3-Clause
//
// A hash table while blocks are added; then its entries are moved to its front and sorted.

#include "aml/arena/internal/callers.h"

#include <stdlib.h>

enum { LEAST_CAPACITY = 64 };

static struct aml_internal_caller *place_of(const struct aml_internal_callers *all, uintptr_t word,
                                            bool mark) {
  const size_t hash = (size_t)(((uint64_t)word * 0x9E3779B97F4A7C15u) >> 32);
  size_t i = hash & (all->capacity - 1);
  while (all->callers[i].count != 0 &&
         (all->callers[i].word != word || all->callers[i].mark != mark))
    i = (i + 1) & (all->capacity - 1);
  return &all->callers[i];
}

/** Makes room for one more, by a table of twice the size if need be. */
static bool make_room(struct aml_internal_callers *all) {
  if (all->count < all->capacity / 2)
    return true;
  struct aml_internal_callers larger = {
      .count = all->count,
      .capacity = all->capacity == 0 ? LEAST_CAPACITY : 2 * all->capacity,
  };
  larger.callers = calloc(larger.capacity, sizeof larger.callers[0]);
  if (larger.callers == NULL)
    return false;
  for (size_t i = 0; i < all->capacity; ++i)
    if (all->callers[i].count != 0)
      *place_of(&larger, all->callers[i].word, all->callers[i].mark) = all->callers[i];
  free(all->callers);
  *all = larger;
  return true;
}

static int compare(const void *a, const void *b) {
  const uint64_t one = ((const struct aml_internal_caller *)a)->size;
  const uint64_t other = ((const struct aml_internal_caller *)b)->size;
  return one > other ? -1 : one < other;
}

static void sort(struct aml_internal_callers *all) {
  size_t count = 0;
  for (size_t i = 0; i < all->capacity; ++i)
    if (all->callers[i].count != 0)
      all->callers[count++] = all->callers[i];
  if (count != 0)
    qsort(all->callers, count, sizeof all->callers[0], compare);
}

bool aml_internal_callers_collect(struct aml_internal_ledger *ledger,
                                  struct aml_internal_callers *callers) {
  struct aml_internal_callers all = {0};
  struct aml_internal_entry entry;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(ledger, address, &entry); address = entry.start + 1) {
    if (!make_room(&all)) {
      free(all.callers);
      return false;
    }
    struct aml_internal_caller *const caller = place_of(&all, entry.word, entry.mark);
    all.count += caller->count == 0;
    caller->word = entry.word;
    caller->mark = entry.mark;
    ++caller->count;
    caller->size += entry.size;
  }
  sort(&all);
  *callers = all;
  return true;
}

void aml_internal_callers_free(struct aml_internal_callers *callers) {
  free(callers->callers);
  *callers = (struct aml_internal_callers){0};
}
