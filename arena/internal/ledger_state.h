// SPDX-License-Identifier: BSD-3-Clause
//
// What an account is made of (arena/internal/ledger.h), for the sources that it is made by.
//
//   tract   64 KiB of addresses. Its slots of class k are for blocks of class k: a slot for each
//           2^k addresses. Two blocks that are at least so large cannot both begin within 2^k
//           addresses, so each block has a slot of its own, which nobody else writes to.
//   starts  by 16 addresses, the class of the block of 16 bytes or more that begins there. That is
//           how a block is found by its address, and what is searched for the one around an
//           address.
//   tiny    a block below 16 bytes; several may begin within 16 addresses. It has class 0 or 3, and
//           is found by looking. `hints` say where such blocks ever began.
//
// A slot is empty if `what` is 0; else `what` is size << 17 | mark << 16 | start % 64 KiB.

#ifndef AML_ARENA_INTERNAL_LEDGER_STATE_H
#define AML_ARENA_INTERNAL_LEDGER_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/ledger.h"

enum {
  TRACT_SHIFT = 16,
  TRACT_SIZE = 1 << TRACT_SHIFT,
  GRANULE_SHIFT = 4,
  GRANULES = TRACT_SIZE >> GRANULE_SHIFT,
  SLOT_CLASSES = TRACT_SHIFT + 1, // the last is for all sizes from there on
  LARGEST_TINY = 3,               // classes below are one, 0
  HAND_BUCKETS_LOG = 9,           // so that a thousand threads have some each
  HAND_BUCKETS = 1 << HAND_BUCKETS_LOG,
  CACHE_LINE = 64,
};

struct slot {
  _Atomic(uint64_t) what;
  _Atomic(uintptr_t) word;
};

struct tract {
  uintptr_t number; // address >> TRACT_SHIFT
  _Atomic(struct slot *) slots[SLOT_CLASSES];
  union {
    _Atomic(uint8_t) starts[GRANULES];
    _Atomic(uint64_t) starts8[GRANULES / 8]; // eight at once
  };
};

/** Tracts by number: open addressing, linear probing. Entries never change once they are set. */
struct table {
  struct table *older;   // that another thread may still be reading
  struct tract **sorted; // room for as many as there are entries
  size_t sorted_count;
  unsigned shift; // capacity == 2^(64 - shift)
  size_t capacity;
  _Atomic(struct tract *) entries[];
};

struct aml_internal_hand {
  const void *owner; // tells threads that live apart; null: all threads'
  struct aml_internal_hand *next;
  _Atomic(uint64_t) stamp; // of the thread that set the label; 0: unless one did
  _Atomic(const char *) label;
  // Held ready: a tract, and slots of each class. The tract's place in the table is reserved.
  _Atomic(struct tract *) tract;
  _Atomic(struct slot *) slots[SLOT_CLASSES];
  // Counters
  _Atomic(int64_t) pending; // bytes that live_size of the account lacks
  _Atomic(uint64_t) takes;
  _Atomic(uint64_t) events[AML_INTERNAL_LEDGER_EVENTS];
  _Atomic(uint64_t) histogram[AML_INTERNAL_LEDGER_CLASSES]; // of puts, each in one class
};

struct aml_internal_ledger {
  _Atomic(struct table *) table;
  bool is_shared;
  _Atomic(bool) has_tiny;
  int64_t quantum; // the most that a hand keeps to itself
  _Atomic(struct aml_internal_hand *) hands[HAND_BUCKETS];
  struct aml_internal_hand common; // of all threads if not shared; else of those without one, which
                                   // add to it by locked instructions
  // Written seldom, or by quanta.
  _Alignas(CACHE_LINE) _Atomic(int64_t) live_size; // less what is pending
  _Atomic(int64_t) peak_size;
  _Atomic(uint64_t) lost;
  _Atomic(uint64_t) cleared;
  _Atomic(size_t) slots_size; // bytes of slots in tracts
  pthread_mutex_t lock;       // guards what follows, and who changes the table
  size_t tract_count;
  size_t reserved_count; // places in the table, for tracts that hands hold
};

#define RELAXED memory_order_relaxed

/** The greatest i for which 2^i is at most `size`. */
static inline unsigned aml_internal_log(size_t size) {
  return 63u ^ (unsigned)__builtin_clzll(size);
}

/** The class of slots for blocks of 2^log bytes and more. */
static inline unsigned aml_internal_slot_class(unsigned log) {
  return log >= TRACT_SHIFT ? TRACT_SHIFT : log < LARGEST_TINY ? 0 : log;
}

static inline bool aml_internal_is_tiny(unsigned class) {
  return class < GRANULE_SHIFT;
}

static inline size_t aml_internal_slot_offset(uint64_t what) {
  return (size_t)what & (TRACT_SIZE - 1);
}

static inline uint64_t aml_internal_slot_size(uint64_t what) {
  return what >> (TRACT_SHIFT + 1);
}

/** Behind the slots of a class of tiny blocks. */
static inline _Atomic(uint8_t) *aml_internal_hints(struct slot *slots, unsigned class) {
  return (_Atomic(uint8_t) *)(slots + (TRACT_SIZE >> class));
}

/** Bytes of the slots of a class, with hints. */
static inline size_t aml_internal_slots_size(unsigned class) {
  const size_t hints = aml_internal_is_tiny(class) ? GRANULES : 0;
  return ((size_t)TRACT_SIZE >> class) * sizeof(struct slot) + hints;
}

static inline struct tract *aml_internal_tract_in(struct table *table, uintptr_t number) {
  size_t i = (size_t)(((uint64_t)number * 0x9E3779B97F4A7C15u) >> table->shift);
  for (;; i = (i + 1) & (table->capacity - 1)) {
    struct tract *const tract = atomic_load_explicit(&table->entries[i], memory_order_acquire);
    if (tract == NULL || tract->number == number)
      return tract;
  }
}

/** A tract that blocks ever began in, or null. */
static inline struct tract *aml_internal_tract_of(const struct aml_internal_ledger *ledger,
                                                  uintptr_t number) {
  // Who has a block's address has it from a thread that had put the tract into this table, or an
  // earlier one of which this is a copy.
  return aml_internal_tract_in(atomic_load_explicit(&ledger->table, memory_order_acquire), number);
}

/** Adds to a counter that no other thread writes to. */
static inline void aml_internal_hand_add(_Atomic(uint64_t) *counter, uint64_t count) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + count, RELAXED);
}

/** Its address tells the threads that live apart. 0, or when the thread first set a label. */
extern _Thread_local uint64_t aml_internal_ledger_token;

static inline size_t aml_internal_hand_bucket(const void *owner) {
  return (size_t)(((uint64_t)(uintptr_t)owner * 0x9E3779B97F4A7C15u) >> (64 - HAND_BUCKETS_LOG));
}

/** The calling thread's hand; null: it has none. */
static inline struct aml_internal_hand *aml_internal_hand_of(struct aml_internal_ledger *ledger) {
  if (!ledger->is_shared)
    return &ledger->common;
  const void *const owner = &aml_internal_ledger_token;
  struct aml_internal_hand *hand =
      atomic_load_explicit(&ledger->hands[aml_internal_hand_bucket(owner)], memory_order_acquire);
  while (hand != NULL && hand->owner != owner)
    hand = hand->next;
  return hand;
}

/** Adds bytes to live_size, and tells peak_size. */
void aml_internal_ledger_weigh(struct aml_internal_ledger *ledger, int64_t size);

/** Adds bytes to live_size, at once or later; by a hand that no other thread has. */
static inline void aml_internal_hand_weigh(struct aml_internal_ledger *ledger,
                                           struct aml_internal_hand *hand, int64_t size) {
  const int64_t pending = atomic_load_explicit(&hand->pending, RELAXED) + size;
  const bool is_due = (uint64_t)(pending + ledger->quantum) > 2 * (uint64_t)ledger->quantum;
  atomic_store_explicit(&hand->pending, is_due ? 0 : pending, RELAXED);
  if (__builtin_expect(is_due, 0))
    aml_internal_ledger_weigh(ledger, pending);
}

/** Puts a tract into the table, by what `hand` holds ready, unless another thread has done it. */
struct tract *aml_internal_tract_add(struct aml_internal_ledger *ledger,
                                     struct aml_internal_hand *hand, uintptr_t number);

/** Gives a tract slots of a class, by what `hand` holds ready, unless another thread has. */
struct slot *aml_internal_slots_add(struct aml_internal_ledger *ledger,
                                    struct aml_internal_hand *hand, struct tract *tract,
                                    unsigned class);

/** Tells of the first block in a tract that does not start below an offset. */
bool aml_internal_tract_next(struct tract *tract, size_t offset, struct aml_internal_entry *entry);

/** Puts a tract into a table that has room and has it not. */
void aml_internal_table_insert(struct table *table, struct tract *tract);

/** The first tract whose number is not below one, or null. Under the lock. */
struct tract *aml_internal_tract_from(struct aml_internal_ledger *ledger, uintptr_t number);

#endif
