// SPDX-License-Identifier: BSD-3-Clause
//
// Hands. A thread is told by the address of a variable of its own, which no other thread that lives
// has; one that comes later may, and then goes on with the hand of the one that ended. So a hand
// has one writer at a time, and nothing needs to be done when a thread ends. A label is the
// thread's own, though: what that variable holds tells threads apart that had it one after the
// other.

#include <stdlib.h>
#include <time.h>

#include "aml/arena/internal/ledger.h"
#include "arena/internal/ledger_state.h"

_Thread_local uint64_t aml_internal_ledger_token;

static struct aml_internal_hand *make_hand(struct aml_internal_ledger *ledger) {
  struct aml_internal_hand *const hand = calloc(1, sizeof *hand);
  if (hand == NULL)
    return NULL;
  hand->owner = &aml_internal_ledger_token;
  _Atomic(struct aml_internal_hand *) *const head =
      &ledger->hands[aml_internal_hand_bucket(hand->owner)];
  hand->next = atomic_load_explicit(head, RELAXED);
  while (!atomic_compare_exchange_weak_explicit(head, &hand->next, hand, memory_order_acq_rel,
                                                RELAXED))
    ;
  return hand;
}

/** Makes a table of twice the size, and a copy of what is in the old one. Under the lock. */
static bool grow_table(struct aml_internal_ledger *ledger) {
  struct table *const old = atomic_load_explicit(&ledger->table, RELAXED);
  const size_t capacity = 2 * old->capacity;
  struct table *const table = calloc(1, sizeof *table + capacity * sizeof table->entries[0]);
  struct tract **const sorted = calloc(capacity, sizeof(struct tract *));
  if (table == NULL || sorted == NULL) {
    free(table);
    free(sorted);
    return false;
  }
  table->older = old;
  table->sorted = sorted;
  table->shift = old->shift - 1;
  table->capacity = capacity;
  for (size_t i = 0; i < old->capacity; ++i) {
    struct tract *const tract = atomic_load_explicit(&old->entries[i], RELAXED);
    if (tract != NULL)
      aml_internal_table_insert(table, tract);
  }
  atomic_store_explicit(&ledger->table, table, memory_order_release);
  return true;
}

/** Reserves a place in the table. At a half it grows, and must at seven eighths. */
static bool reserve_place(struct aml_internal_ledger *ledger) {
  (void)pthread_mutex_lock(&ledger->lock);
  const size_t capacity = atomic_load_explicit(&ledger->table, RELAXED)->capacity;
  const size_t count = ledger->tract_count + ledger->reserved_count + 1;
  const bool has_room = count <= capacity / 2 || grow_table(ledger) || count <= capacity / 8 * 7;
  ledger->reserved_count += has_room;
  (void)pthread_mutex_unlock(&ledger->lock);
  return has_room;
}

static bool hold_tract(struct aml_internal_ledger *ledger, struct aml_internal_hand *hand) {
  struct tract *const tract = calloc(1, sizeof *tract);
  if (tract == NULL || !reserve_place(ledger)) {
    free(tract);
    return false;
  }
  atomic_store_explicit(&hand->tract, tract, memory_order_release);
  return true;
}

static bool hold_slots(struct aml_internal_hand *hand, unsigned class) {
  struct slot *const slots = calloc(1, aml_internal_slots_size(class));
  atomic_store_explicit(&hand->slots[class], slots, memory_order_release);
  return slots != NULL;
}

__attribute__((noinline)) static struct aml_internal_hand *
prepare(struct aml_internal_ledger *ledger, struct aml_internal_hand *hand, unsigned class) {
  if (hand == NULL)
    hand = make_hand(ledger);
  if (hand == NULL)
    return NULL;
  if (atomic_load_explicit(&hand->tract, RELAXED) == NULL && !hold_tract(ledger, hand))
    return NULL;
  if (atomic_load_explicit(&hand->slots[class], RELAXED) == NULL && !hold_slots(hand, class))
    return NULL;
  return hand;
}

struct aml_internal_hand *aml_internal_ledger_prepare(struct aml_internal_ledger *ledger,
                                                      size_t size) {
  const unsigned class = aml_internal_slot_class(aml_internal_log(size));
  struct aml_internal_hand *const hand = aml_internal_hand_of(ledger);
  if (__builtin_expect(hand != NULL && atomic_load_explicit(&hand->tract, RELAXED) != NULL &&
                           atomic_load_explicit(&hand->slots[class], RELAXED) != NULL,
                       1))
    return hand;
  return prepare(ledger, hand, class);
}

struct tract *aml_internal_tract_add(struct aml_internal_ledger *ledger,
                                     struct aml_internal_hand *hand, uintptr_t number) {
  (void)pthread_mutex_lock(&ledger->lock);
  struct table *const table = atomic_load_explicit(&ledger->table, RELAXED);
  struct tract *tract = aml_internal_tract_in(table, number);
  if (tract == NULL) {
    tract = atomic_load_explicit(&hand->tract, memory_order_acquire);
    atomic_store_explicit(&hand->tract, NULL, RELAXED);
    tract->number = number;
    aml_internal_table_insert(table, tract);
    --ledger->reserved_count;
    ++ledger->tract_count;
  }
  (void)pthread_mutex_unlock(&ledger->lock);
  return tract;
}

struct slot *aml_internal_slots_add(struct aml_internal_ledger *ledger,
                                    struct aml_internal_hand *hand, struct tract *tract,
                                    unsigned class) {
  struct slot *others = NULL;
  struct slot *const slots = atomic_load_explicit(&hand->slots[class], memory_order_acquire);
  if (!atomic_compare_exchange_strong_explicit(&tract->slots[class], &others, slots,
                                               memory_order_acq_rel, memory_order_acquire))
    return others;
  atomic_store_explicit(&hand->slots[class], NULL, RELAXED);
  (void)atomic_fetch_add_explicit(&ledger->slots_size, aml_internal_slots_size(class), RELAXED);
  if (aml_internal_is_tiny(class))
    atomic_store_explicit(&ledger->has_tiny, true, RELAXED);
  return slots;
}

bool aml_internal_ledger_set_label(struct aml_internal_ledger *ledger, const char *label,
                                   const char **previous) {
  struct aml_internal_hand *hand = aml_internal_hand_of(ledger);
  if (hand == NULL)
    hand = make_hand(ledger);
  if (hand == NULL)
    return false;
  if (aml_internal_ledger_token == 0) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    aml_internal_ledger_token = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 1;
  }
  *previous = aml_internal_hand_label(hand);
  atomic_store_explicit(&hand->label, label, RELAXED);
  atomic_store_explicit(&hand->stamp, hand->owner == NULL ? 0 : aml_internal_ledger_token, RELAXED);
  return true;
}

const char *aml_internal_hand_label(const struct aml_internal_hand *hand) {
  if (hand->owner != NULL &&
      atomic_load_explicit(&hand->stamp, RELAXED) != aml_internal_ledger_token)
    return NULL;
  return atomic_load_explicit(&hand->label, RELAXED);
}

/** What aml_internal_ledger_weigh() does if there are no other threads. */
static void weigh_alone(struct aml_internal_ledger *ledger, int64_t size) {
  const int64_t live = atomic_load_explicit(&ledger->live_size, RELAXED) + size;
  atomic_store_explicit(&ledger->live_size, live, RELAXED);
  if (live > atomic_load_explicit(&ledger->peak_size, RELAXED))
    atomic_store_explicit(&ledger->peak_size, live, RELAXED);
}

void aml_internal_ledger_weigh(struct aml_internal_ledger *ledger, int64_t size) {
  if (!ledger->is_shared) {
    weigh_alone(ledger, size);
    return;
  }
  const int64_t live = atomic_fetch_add_explicit(&ledger->live_size, size, RELAXED) + size;
  int64_t peak = atomic_load_explicit(&ledger->peak_size, RELAXED);
  while (live > peak &&
         !atomic_compare_exchange_weak_explicit(&ledger->peak_size, &peak, live, RELAXED, RELAXED))
    ;
}

void aml_internal_ledger_count(struct aml_internal_ledger *ledger, unsigned event) {
  struct aml_internal_hand *const hand = aml_internal_hand_of(ledger);
  if (hand != NULL)
    aml_internal_hand_add(&hand->events[event], 1);
  else
    (void)atomic_fetch_add_explicit(&ledger->common.events[event], 1, RELAXED);
}
