// SPDX-License-Identifier: BSD-3-Clause
//
// A bounded queue of requests, each of which can also be claimed out of turn: by the thread that
// waits for it, or that calls it off.
//
// A position is a number that only grows; position p uses slot p % size in its lap p / size. A
// slot's word says it all, and changes by atomic operations only:
//
//     lap | two counts of those claimed from here that are not finished | phase
//
//     put      FREE  -> READY, LARGE or LATER, by how long the request may take
//     claim    one of these -> FREE of the next lap, one more not finished
//     finish   one less not finished
//
// Whoever claims has the request; the slot never leads to it again, so its owner may free it once
// it is done. (D. Vyukov's bounded queue of many producers and consumers, with claims.)
//
// Which count is that of the epoch. Who waits for all that was claimed moves claims on to the other
// one, and waits until the first is zero, whatever is claimed meanwhile; and then once more, as
// somebody may have looked at the epoch long before the claim. (So does sleepable RCU: P.
// McKenney.)

#ifndef AML_DMA_INTERNAL_RING_H
#define AML_DMA_INTERNAL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_ring_slot {
  uint64_t word;
  struct aml_dma_request *request;
};

// Who submits and who takes write to one line each.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct aml_internal_ring {
  struct aml_internal_ring_slot *slots; /**< zeroed to begin with; the caller's */
  unsigned log2_size;
  uint32_t epoch;                             /**< 0 or 1 */
  uint64_t head __attribute__((aligned(64))); /**< all positions below are claimed */
  uint64_t tail __attribute__((aligned(64))); /**< the next position */
};

enum aml_internal_ring_phase {
  AML_INTERNAL_RING_FREE,
  AML_INTERNAL_RING_READY,
  AML_INTERNAL_RING_LARGE,
  AML_INTERNAL_RING_LATER, /**< comes after others, and may have to wait for them */
  AML_INTERNAL_RING_PHASE_BITS = 2,
  AML_INTERNAL_RING_COUNT_BITS = 15,
  AML_INTERNAL_RING_LAP_SHIFT = 32,
  AML_INTERNAL_RING_EPOCH_SHIFT = 63
};

static inline struct aml_internal_ring_slot *
aml_internal_ring_slot_of(const struct aml_internal_ring *ring, uint64_t position) {
  return &ring->slots[position & (((uint64_t)1 << ring->log2_size) - 1)];
}

/** The word of a position's slot. */
static inline uint64_t aml_internal_ring_word(const struct aml_internal_ring *ring,
                                              uint64_t position) {
  return __atomic_load_n(&aml_internal_ring_slot_of(ring, position)->word, __ATOMIC_SEQ_CST);
}

/** How many laps a word is ahead of a position; they wrap. */
static inline int32_t aml_internal_ring_laps_ahead(const struct aml_internal_ring *ring,
                                                   uint64_t word, uint64_t position) {
  return (int32_t)((uint32_t)(word >> AML_INTERNAL_RING_LAP_SHIFT) -
                   (uint32_t)(position >> ring->log2_size));
}

static inline enum aml_internal_ring_phase aml_internal_ring_phase_of(uint64_t word) {
  return (enum aml_internal_ring_phase)(word & ((1U << AML_INTERNAL_RING_PHASE_BITS) - 1));
}

/** One in the count of an epoch. */
static inline uint64_t aml_internal_ring_one(uint64_t epoch) {
  return UINT64_C(1) << (AML_INTERNAL_RING_PHASE_BITS + AML_INTERNAL_RING_COUNT_BITS * epoch);
}

/** Claims what a slot was seen to hold. Returns: false: it holds something else by now. */
static inline bool aml_internal_ring_claim_word(struct aml_internal_ring_slot *slot, uint64_t word,
                                                uint64_t epoch) {
  const uint64_t claimed = word - (uint64_t)aml_internal_ring_phase_of(word) +
                           (UINT64_C(1) << AML_INTERNAL_RING_LAP_SHIFT) +
                           aml_internal_ring_one(epoch);
  return __atomic_compare_exchange_n(&slot->word, &word, claimed, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

/** Reserves the next position if its slot is free. Returns: false: the queue is full. */
bool aml_internal_ring_try_reserve(struct aml_internal_ring *ring, uint64_t *position);

/** Reserves the next position, whose slot may not be free yet. */
static inline uint64_t aml_internal_ring_reserve(struct aml_internal_ring *ring) {
  return __atomic_fetch_add(&ring->tail, 1, __ATOMIC_RELAXED);
}

/** Whether the slot of a reserved position is free. */
static inline bool aml_internal_ring_is_free(const struct aml_internal_ring *ring,
                                             uint64_t position) {
  const uint64_t word = aml_internal_ring_word(ring, position);
  return aml_internal_ring_laps_ahead(ring, word, position) == 0 &&
         aml_internal_ring_phase_of(word) == AML_INTERNAL_RING_FREE;
}

/**
 * Puts a request at a reserved position whose slot is free; from now on it can be claimed.
 *
 * @param phase  any but FREE.
 */
static inline void aml_internal_ring_put(struct aml_internal_ring *ring, uint64_t position,
                                         struct aml_dma_request *request,
                                         enum aml_internal_ring_phase phase) {
  struct aml_internal_ring_slot *const slot = aml_internal_ring_slot_of(ring, position);
  __atomic_store_n(&slot->request, request, __ATOMIC_RELAXED);
  // Added, as those who finish change the word too.
  (void)__atomic_fetch_add(&slot->word, (uint64_t)phase, __ATOMIC_SEQ_CST);
}

/**
 * Claims the first request that nobody has.
 *
 * @param most   not one of a phase above that.
 * @param claim  for aml_internal_ring_finish(): the position, and the epoch in its highest bit.
 *
 * Returns: null if there is none, or the first one is not to be taken.
 */
struct aml_dma_request *aml_internal_ring_take(struct aml_internal_ring *ring,
                                               enum aml_internal_ring_phase most, uint64_t *claim);

/** Claims the request that is at a position. Returns: false: somebody has. */
static inline bool aml_internal_ring_claim(struct aml_internal_ring *ring, uint64_t position,
                                           uint64_t *claim) {
  const uint64_t epoch = __atomic_load_n(&ring->epoch, __ATOMIC_RELAXED);
  *claim = position | epoch << AML_INTERNAL_RING_EPOCH_SHIFT;
  uint64_t word = aml_internal_ring_word(ring, position);
  while (aml_internal_ring_laps_ahead(ring, word, position) == 0 &&
         aml_internal_ring_phase_of(word) != AML_INTERNAL_RING_FREE) {
    if (aml_internal_ring_claim_word(aml_internal_ring_slot_of(ring, position), word, epoch))
      return true;
    word = aml_internal_ring_word(ring, position); // somebody finished meanwhile, or claimed it
  }
  return false;
}

/** Says that a request that was claimed is done. */
static inline void aml_internal_ring_finish(struct aml_internal_ring *ring, uint64_t claim) {
  (void)__atomic_fetch_sub(&aml_internal_ring_slot_of(ring, claim)->word,
                           aml_internal_ring_one(claim >> AML_INTERNAL_RING_EPOCH_SHIFT),
                           __ATOMIC_SEQ_CST);
}

/** Whether the request at a position was claimed. */
static inline bool aml_internal_ring_is_claimed(const struct aml_internal_ring *ring,
                                                uint64_t position) {
  return aml_internal_ring_laps_ahead(ring, aml_internal_ring_word(ring, position), position) > 0;
}

/**
 * Moves claims on to the other count. Returns: the epoch that ends.
 *
 * Not to be called before that one's counts of all slots are zero since the last call.
 */
static inline uint64_t aml_internal_ring_next_epoch(struct aml_internal_ring *ring) {
  return __atomic_fetch_xor(&ring->epoch, 1, __ATOMIC_SEQ_CST);
}

/** Whether none that was claimed from a position's slot in an epoch is unfinished. */
static inline bool aml_internal_ring_is_finished(const struct aml_internal_ring *ring,
                                                 uint64_t position, uint64_t epoch) {
  const uint64_t one = aml_internal_ring_one(epoch);
  const uint64_t count = (one << AML_INTERNAL_RING_COUNT_BITS) - one;
  return (aml_internal_ring_word(ring, position) & count) == 0;
}

/** Whether a request can be taken; may be wrong by what others do meanwhile. */
bool aml_internal_ring_has_work(const struct aml_internal_ring *ring);

#ifdef __cplusplus
}
#endif

#endif
