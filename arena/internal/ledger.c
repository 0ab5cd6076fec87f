// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks: how one is put, found and taken. What these lie in is told in ledger_state.h; how that
// grows, and how it is counted, in ledger_hand.c and ledger_table.c.
//
// Whoever has a block has its slot, so slots are written without a lock, and readers may come at
// any time: `what` is written last when a block is put, and is what is taken from it by a compare
// and exchange, so that of two threads that take one block only one has it.

#include "aml/arena/internal/ledger.h"

#include "arena/internal/ledger_state.h"

static struct slot *slots_of(struct tract *tract, unsigned class) {
  return atomic_load_explicit(&tract->slots[class], memory_order_acquire);
}

/** A block's place; slot is null if there is none. */
struct place {
  struct tract *tract;
  struct slot *slot;
  unsigned class;
  uint64_t what;
};

/** Whether a slot holds the block that starts at an offset; tells what it holds. */
static bool holds(struct slot *slot, size_t offset, uint64_t *what) {
  *what = atomic_load_explicit(&slot->what, memory_order_acquire);
  return *what != 0 && aml_internal_slot_offset(*what) == offset;
}

/** Where the tiny block is that starts at an offset. */
static bool place_tiny(struct tract *tract, size_t offset, struct place *place) {
  for (unsigned class = 0; class <= LARGEST_TINY; class += LARGEST_TINY) {
    struct slot *const slots = slots_of(tract, class);
    if (slots == NULL || !holds(&slots[offset >> class], offset, &place->what))
      continue;
    place->slot = &slots[offset >> class];
    place->class = class;
    return true;
  }
  return false;
}

/** Where the block is that starts at an address. */
static inline bool place_of(const struct aml_internal_ledger *ledger, uintptr_t address,
                            struct place *place) {
  const size_t offset = address & (TRACT_SIZE - 1);
  struct tract *const tract = aml_internal_tract_of(ledger, address >> TRACT_SHIFT);
  place->tract = tract;
  if (tract == NULL)
    return false;
  place->class = atomic_load_explicit(&tract->starts[offset >> GRANULE_SHIFT], RELAXED);
  if (place->class != 0) {
    place->slot = &slots_of(tract, place->class)[offset >> place->class];
    if (holds(place->slot, offset, &place->what))
      return true;
  }
  return place_tiny(tract, offset, place);
}

static void describe(const struct tract *tract, const struct slot *slot, uint64_t what,
                     struct aml_internal_entry *entry) {
  entry->start = (tract->number << TRACT_SHIFT) + aml_internal_slot_offset(what);
  entry->size = (size_t)aml_internal_slot_size(what);
  entry->word = atomic_load_explicit(&slot->word, RELAXED);
  entry->mark = (what >> TRACT_SHIFT & 1) != 0;
}

/** Takes a block out of the account that is there no more, as another one is in its place. */
static void lose(struct aml_internal_ledger *ledger, struct tract *tract, struct slot *slot,
                 unsigned class) {
  const uint64_t what = atomic_exchange_explicit(&slot->what, 0, RELAXED);
  if (what == 0)
    return;
  const size_t granule = aml_internal_slot_offset(what) >> GRANULE_SHIFT;
  if (!aml_internal_is_tiny(class))
    atomic_store_explicit(&tract->starts[granule], 0, RELAXED);
  (void)atomic_fetch_add_explicit(&ledger->lost, 1, RELAXED);
  aml_internal_ledger_weigh(ledger, -(int64_t)aml_internal_slot_size(what));
}

/** Loses what the account has in the place of a new block. */
__attribute__((noinline)) static void
lose_place(struct aml_internal_ledger *ledger, struct tract *tract, size_t offset, unsigned class) {
  const unsigned stale = atomic_load_explicit(&tract->starts[offset >> GRANULE_SHIFT], RELAXED);
  lose(ledger, tract, &slots_of(tract, class)[offset >> class], class);
  if (stale != 0 && !aml_internal_is_tiny(class))
    lose(ledger, tract, &slots_of(tract, stale)[offset >> stale], stale);
}

void aml_internal_ledger_put(struct aml_internal_ledger *ledger, struct aml_internal_hand *hand,
                             const void *pointer, size_t size, uintptr_t word, bool mark) {
  const uintptr_t number = (uintptr_t)pointer >> TRACT_SHIFT;
  const size_t offset = (uintptr_t)pointer & (TRACT_SIZE - 1);
  const size_t granule = offset >> GRANULE_SHIFT;
  const unsigned log = aml_internal_log(size);
  const unsigned class = aml_internal_slot_class(log);
  struct tract *tract = aml_internal_tract_of(ledger, number);
  if (__builtin_expect(tract == NULL, 0))
    tract = aml_internal_tract_add(ledger, hand, number);
  struct slot *slots = slots_of(tract, class);
  if (__builtin_expect(slots == NULL, 0))
    slots = aml_internal_slots_add(ledger, hand, tract, class);
  struct slot *const slot = &slots[offset >> class];
  if (__builtin_expect((atomic_load_explicit(&slot->what, RELAXED) |
                        atomic_load_explicit(&tract->starts[granule], RELAXED)) != 0,
                       0))
    lose_place(ledger, tract, offset, class);
  atomic_store_explicit(&slot->word, word, RELAXED);
  atomic_store_explicit(
      &slot->what, (uint64_t)size << (TRACT_SHIFT + 1) | (uint64_t)mark << TRACT_SHIFT | offset,
      memory_order_release);
  if (__builtin_expect(aml_internal_is_tiny(class), 0))
    atomic_store_explicit(&aml_internal_hints(slots, class)[granule], 1, RELAXED);
  else
    atomic_store_explicit(&tract->starts[granule], (uint8_t) class, RELAXED);
  aml_internal_hand_add(&hand->histogram[log], 1);
  aml_internal_hand_weigh(ledger, hand, (int64_t)size);
}

void aml_internal_ledger_put_back(struct aml_internal_ledger *ledger,
                                  struct aml_internal_hand *hand,
                                  const struct aml_internal_entry *entry) {
  const uint64_t minus_one = UINT64_MAX;
  aml_internal_ledger_put(ledger, hand, (const void *)entry->start, entry->size, entry->word,
                          entry->mark);
  aml_internal_hand_add(&hand->histogram[aml_internal_log(entry->size)], minus_one);
  aml_internal_hand_add(&hand->takes, minus_one);
}

/** Counts a block that is taken by a thread which never put one. */
__attribute__((noinline)) static void count_take(struct aml_internal_ledger *ledger,
                                                 uint64_t size) {
  (void)atomic_fetch_add_explicit(&ledger->common.takes, 1, RELAXED);
  aml_internal_ledger_weigh(ledger, -(int64_t)size);
}

bool aml_internal_ledger_take(struct aml_internal_ledger *ledger, const void *pointer,
                              struct aml_internal_entry *entry) {
  struct place place;
  if (!place_of(ledger, (uintptr_t)pointer, &place))
    return false;
  if (entry != NULL)
    describe(place.tract, place.slot, place.what, entry);
  const size_t granule = ((uintptr_t)pointer & (TRACT_SIZE - 1)) >> GRANULE_SHIFT;
  const uint64_t size = aml_internal_slot_size(place.what);
  if (!ledger->is_shared)
    atomic_store_explicit(&place.slot->what, 0, RELAXED);
  else if (!atomic_compare_exchange_strong_explicit(&place.slot->what, &place.what, 0, RELAXED,
                                                    RELAXED))
    return false;
  if (!aml_internal_is_tiny(place.class))
    atomic_store_explicit(&place.tract->starts[granule], 0, RELAXED);

  struct aml_internal_hand *const hand = aml_internal_hand_of(ledger);
  if (__builtin_expect(hand == NULL, 0)) {
    count_take(ledger, size);
    return true;
  }
  aml_internal_hand_add(&hand->takes, 1);
  aml_internal_hand_weigh(ledger, hand, -(int64_t)size);
  return true;
}

bool aml_internal_ledger_mark(struct aml_internal_ledger *ledger, const void *pointer,
                              struct aml_internal_entry *entry) {
  const uint64_t mark = (uint64_t)1 << TRACT_SHIFT;
  struct place place;
  if (!place_of(ledger, (uintptr_t)pointer, &place) || (place.what & mark) != 0)
    return false;
  describe(place.tract, place.slot, place.what, entry);
  return atomic_compare_exchange_strong_explicit(&place.slot->what, &place.what, place.what | mark,
                                                 RELAXED, RELAXED);
}

bool aml_internal_ledger_get(const struct aml_internal_ledger *ledger, const void *pointer,
                             struct aml_internal_entry *entry) {
  struct place place;
  if (!place_of(ledger, (uintptr_t)pointer, &place))
    return false;
  describe(place.tract, place.slot, place.what, entry);
  return true;
}

/** Tells of the tiny block that an address is in. */
static bool find_tiny(const struct aml_internal_ledger *ledger, uintptr_t address,
                      struct aml_internal_entry *entry) {
  for (size_t inside = 0; inside < (1 << GRANULE_SHIFT) - 1 && inside <= address; ++inside) {
    const uintptr_t start = address - inside;
    struct tract *const tract = aml_internal_tract_of(ledger, start >> TRACT_SHIFT);
    struct place place;
    if (tract == NULL || !place_tiny(tract, start & (TRACT_SIZE - 1), &place))
      continue;
    if (aml_internal_slot_size(place.what) <= inside)
      return false;
    describe(tract, place.slot, place.what, entry);
    return true;
  }
  return false;
}

/** The last granule at or below one in which a block of 16 bytes or more starts; -1: none. */
static int last_start(struct tract *tract, int granule) {
  while (granule >= 0) {
    if (granule % 8 == 7 && atomic_load_explicit(&tract->starts8[granule / 8], RELAXED) == 0)
      granule -= 8;
    else if (atomic_load_explicit(&tract->starts[granule], RELAXED) != 0)
      return granule;
    else
      --granule;
  }
  return -1;
}

/** Tells of the block that starts in a granule. */
static bool describe_granule(struct tract *tract, size_t granule,
                             struct aml_internal_entry *entry) {
  const unsigned class = atomic_load_explicit(&tract->starts[granule], RELAXED);
  if (class == 0)
    return false;
  struct slot *const slot = &slots_of(tract, class)[(granule << GRANULE_SHIFT) >> class];
  const uint64_t what = atomic_load_explicit(&slot->what, memory_order_acquire);
  describe(tract, slot, what, entry);
  return what != 0 && aml_internal_slot_offset(what) >> GRANULE_SHIFT == granule;
}

/** How many tracts below an address the block that it is in can start, by the sizes there were. */
static uintptr_t reach(const struct aml_internal_ledger *ledger) {
  struct aml_internal_ledger_sums sums;
  unsigned class = AML_INTERNAL_LEDGER_CLASSES - 1;
  aml_internal_ledger_sum(ledger, &sums);
  while (class > 0 && sums.histogram[class] == 0)
    --class;
  return (((uintptr_t)2 << class) >> TRACT_SHIFT) + 1;
}

bool aml_internal_ledger_find(const struct aml_internal_ledger *ledger, uintptr_t address,
                              struct aml_internal_entry *entry) {
  uintptr_t number = address >> TRACT_SHIFT;
  size_t offset = address & (TRACT_SIZE - 1);
  if (atomic_load_explicit(&ledger->has_tiny, RELAXED) && find_tiny(ledger, address, entry))
    return true;
  uintptr_t left = UINTPTR_MAX;
  for (;; --number, --left, offset = TRACT_SIZE - 1) {
    struct tract *const tract = aml_internal_tract_of(ledger, number);
    int granule = tract == NULL ? -1 : last_start(tract, (int)(offset >> GRANULE_SHIFT));
    for (; granule >= 0; granule = last_start(tract, granule - 1))
      // It may start behind the address, in the same granule; or have just ended.
      if (describe_granule(tract, (size_t)granule, entry) && entry->start <= address)
        return address - entry->start < entry->size;
    if (left == UINTPTR_MAX)
      left = reach(ledger);
    if (number == 0 || left == 0)
      return false;
  }
}

/** Whether tiny blocks ever began in a granule. */
static bool hints_at(struct tract *tract, size_t granule) {
  for (unsigned class = 0; class <= LARGEST_TINY; class += LARGEST_TINY) {
    struct slot *const slots = slots_of(tract, class);
    if (slots != NULL &&
        atomic_load_explicit(&aml_internal_hints(slots, class)[granule], RELAXED) != 0)
      return true;
  }
  return false;
}

/** Tells of the first tiny block from one offset on, and below another one. */
static bool next_tiny(struct tract *tract, size_t offset, size_t end,
                      struct aml_internal_entry *entry) {
  struct place place;
  while (offset < end && !place_tiny(tract, offset, &place))
    ++offset;
  if (offset < end)
    describe(tract, place.slot, place.what, entry);
  return offset < end;
}

bool aml_internal_tract_next(struct tract *tract, size_t offset, struct aml_internal_entry *entry) {
  const uintptr_t base = tract->number << TRACT_SHIFT;
  const bool has_tiny = slots_of(tract, 0) != NULL || slots_of(tract, LARGEST_TINY) != NULL;
  for (size_t next; offset < TRACT_SIZE; offset = next) {
    const size_t granule = offset >> GRANULE_SHIFT;
    next = (granule + 1) << GRANULE_SHIFT;
    if (!has_tiny && granule % 8 == 0 &&
        atomic_load_explicit(&tract->starts8[granule / 8], RELAXED) == 0) {
      next = (granule + 8) << GRANULE_SHIFT;
      continue;
    }
    const bool is_large = describe_granule(tract, granule, entry) && entry->start >= base + offset;
    const size_t end = is_large ? entry->start - base : next;
    if ((has_tiny && hints_at(tract, granule) && next_tiny(tract, offset, end, entry)) || is_large)
      return true;
  }
  return false;
}
