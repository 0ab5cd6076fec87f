// SPDX-License-Identifier: BSD-3-Clause
//
// An account as a whole: its making and end, sums, and going through all of it.

#include <stdlib.h>

#include "aml/arena/internal/ledger.h"
#include "arena/internal/ledger_state.h"

enum { LEAST_CAPACITY_LOG = 8 };

static struct table *make_table(void) {
  const size_t capacity = (size_t)1 << LEAST_CAPACITY_LOG;
  struct table *const table = calloc(1, sizeof *table + capacity * sizeof table->entries[0]);
  if (table == NULL)
    return NULL;
  table->sorted = calloc(capacity, sizeof(struct tract *));
  table->shift = 64 - LEAST_CAPACITY_LOG;
  table->capacity = capacity;
  if (table->sorted != NULL)
    return table;
  free(table);
  return NULL;
}

struct aml_internal_ledger *aml_internal_ledger_create(bool is_shared, size_t quantum) {
  struct aml_internal_ledger *const ledger = aligned_alloc(CACHE_LINE, sizeof *ledger);
  if (ledger == NULL)
    return NULL;
  *ledger = (struct aml_internal_ledger){.table = make_table(),
                                         .is_shared = is_shared,
                                         .quantum = is_shared ? (int64_t)quantum : 0,
                                         .lock = PTHREAD_MUTEX_INITIALIZER};
  if (ledger->table != NULL)
    return ledger;
  free(ledger);
  return NULL;
}

static void free_tract(struct tract *tract) {
  for (unsigned class = 0; tract != NULL && class < SLOT_CLASSES; ++class)
    free(atomic_load_explicit(&tract->slots[class], RELAXED));
  free(tract);
}

static void free_held(struct aml_internal_hand *hand) {
  free(atomic_load_explicit(&hand->tract, memory_order_acquire));
  for (unsigned class = 0; class < SLOT_CLASSES; ++class)
    free(atomic_load_explicit(&hand->slots[class], memory_order_acquire));
}

void aml_internal_ledger_destroy(struct aml_internal_ledger *ledger) {
  if (ledger == NULL)
    return;
  struct table *table = atomic_load_explicit(&ledger->table, memory_order_acquire);
  for (size_t i = 0; i < table->capacity; ++i)
    free_tract(atomic_load_explicit(&table->entries[i], memory_order_acquire));
  while (table != NULL) {
    struct table *const older = table->older;
    free(table->sorted);
    free(table);
    table = older;
  }
  free_held(&ledger->common);
  for (size_t i = 0; i < HAND_BUCKETS; ++i) {
    struct aml_internal_hand *hand = atomic_load_explicit(&ledger->hands[i], memory_order_acquire);
    while (hand != NULL) {
      struct aml_internal_hand *const next = hand->next;
      free_held(hand);
      free(hand);
      hand = next;
    }
  }
  (void)pthread_mutex_destroy(&ledger->lock);
  free(ledger);
}

void aml_internal_table_insert(struct table *table, struct tract *tract) {
  size_t i = (size_t)(((uint64_t)tract->number * 0x9E3779B97F4A7C15u) >> table->shift);
  while (atomic_load_explicit(&table->entries[i], RELAXED) != NULL)
    i = (i + 1) & (table->capacity - 1);
  atomic_store_explicit(&table->entries[i], tract, memory_order_release);
}

static uint64_t load(const _Atomic(uint64_t) *counter) {
  return atomic_load_explicit(counter, RELAXED);
}

/** Adds up one hand. */
static void sum_hand(const struct aml_internal_hand *hand, struct aml_internal_ledger_sums *sums,
                     int64_t *live_size) {
  uint64_t puts = 0;
  sums->takes += load(&hand->takes);
  *live_size += atomic_load_explicit(&hand->pending, RELAXED);
  for (unsigned i = 0; i < AML_INTERNAL_LEDGER_EVENTS; ++i)
    sums->events[i] += load(&hand->events[i]);
  for (unsigned i = 0; i < AML_INTERNAL_LEDGER_CLASSES; ++i)
    puts += load(&hand->histogram[i]);
  for (unsigned i = 0; i < AML_INTERNAL_LEDGER_CLASSES; ++i)
    sums->histogram[i] += load(&hand->histogram[i]);
  sums->puts += puts;
  // One that nothing was put by may be of a call that failed, which changes nothing to be seen.
  if (hand->owner != NULL && puts != 0)
    sums->memory += sizeof *hand;
}

static size_t count_tracts(const struct aml_internal_ledger *ledger) {
  pthread_mutex_t *const lock = (pthread_mutex_t *)&ledger->lock;
  (void)pthread_mutex_lock(lock);
  const size_t count = ledger->tract_count;
  (void)pthread_mutex_unlock(lock);
  return count;
}

void aml_internal_ledger_sum(const struct aml_internal_ledger *ledger,
                             struct aml_internal_ledger_sums *sums) {
  const size_t tract_size = sizeof(struct tract) + 2 * sizeof(struct tract *);
  int64_t live_size = atomic_load_explicit(&ledger->live_size, RELAXED);
  *sums = (struct aml_internal_ledger_sums){
      .lost = load(&ledger->lost),
      .cleared = load(&ledger->cleared),
      .memory = sizeof *ledger + sizeof(struct table) + count_tracts(ledger) * tract_size +
                atomic_load_explicit(&ledger->slots_size, RELAXED),
  };
  sum_hand(&ledger->common, sums, &live_size);
  for (size_t i = 0; i < HAND_BUCKETS; ++i)
    for (const struct aml_internal_hand *hand =
             atomic_load_explicit(&ledger->hands[i], memory_order_acquire);
         hand != NULL; hand = hand->next)
      sum_hand(hand, sums, &live_size);
  // While threads are at work a take may have been seen, and its put not.
  const uint64_t gone = sums->takes + sums->lost;
  const int64_t peak = atomic_load_explicit(&ledger->peak_size, RELAXED);
  sums->live_count = sums->puts > gone ? sums->puts - gone : 0;
  sums->live_size = live_size > 0 ? (uint64_t)live_size : 0;
  sums->peak_size = peak > live_size ? (uint64_t)peak : sums->live_size;
}

static int compare(const void *a, const void *b) {
  const uintptr_t one = (*(struct tract *const *)a)->number;
  const uintptr_t other = (*(struct tract *const *)b)->number;
  return one < other ? -1 : one > other;
}

struct tract *aml_internal_tract_from(struct aml_internal_ledger *ledger, uintptr_t number) {
  struct table *const table = atomic_load_explicit(&ledger->table, RELAXED);
  if (table->sorted_count != ledger->tract_count) {
    size_t count = 0;
    for (size_t i = 0; i < table->capacity; ++i) {
      struct tract *const tract = atomic_load_explicit(&table->entries[i], RELAXED);
      if (tract != NULL)
        table->sorted[count++] = tract;
    }
    qsort(table->sorted, count, sizeof(struct tract *), compare);
    table->sorted_count = count;
  }
  size_t low = 0;
  size_t high = table->sorted_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (table->sorted[middle]->number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < table->sorted_count ? table->sorted[low] : NULL;
}

static struct tract *tract_from(struct aml_internal_ledger *ledger, uintptr_t number) {
  (void)pthread_mutex_lock(&ledger->lock);
  struct tract *const tract = aml_internal_tract_from(ledger, number);
  (void)pthread_mutex_unlock(&ledger->lock);
  return tract;
}

bool aml_internal_ledger_next(struct aml_internal_ledger *ledger, uintptr_t address,
                              struct aml_internal_entry *entry) {
  uintptr_t number = address >> TRACT_SHIFT;
  size_t offset = address & (TRACT_SIZE - 1);
  for (struct tract *tract; (tract = tract_from(ledger, number)) != NULL;
       number = tract->number + 1) {
    if (aml_internal_tract_next(tract, tract->number == number ? offset : 0, entry))
      return true;
    offset = 0;
  }
  return false;
}

void aml_internal_ledger_clear(struct aml_internal_ledger *ledger) {
  struct aml_internal_entry entry;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(ledger, address, &entry); address = entry.start + 1)
    if (aml_internal_ledger_take(ledger, (const void *)entry.start, &entry))
      (void)atomic_fetch_add_explicit(&ledger->cleared, 1, RELAXED);
}

const char *aml_internal_ledger_check(struct aml_internal_ledger *ledger) {
  struct aml_internal_ledger_sums sums;
  struct aml_internal_entry entry = {0};
  uint64_t count = 0;
  uint64_t size = 0;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(ledger, address, &entry); address = entry.start + 1) {
    if (count != 0 && entry.start < address - 1)
      return "has blocks out of order";
    ++count;
    size += entry.size;
  }
  aml_internal_ledger_sum(ledger, &sums);
  if (count != sums.live_count || size != sums.live_size)
    return "holds other blocks than it counts";
  if (sums.live_size > sums.peak_size)
    return "has a peak below what is live";
  return NULL;
}
