// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/ring.h"

enum { FREE, READY, LATER, PHASE_BITS = 2, LAP_SHIFT = 32 };

static const uint64_t phase_mask = (1u << PHASE_BITS) - 1;
static const uint64_t unfinished_one = 1u << PHASE_BITS;
static const uint64_t lap_one = (uint64_t)1 << LAP_SHIFT;

static struct aml_internal_ring_slot *slot_of(const struct aml_internal_ring *ring,
                                              uint64_t position) {
  return &ring->slots[position & (((uint64_t)1 << ring->log2_size) - 1)];
}

/** The lap of a position, as a word has it: it wraps, and is compared for being equal. */
static uint32_t lap_of(const struct aml_internal_ring *ring, uint64_t position) {
  return (uint32_t)(position >> ring->log2_size);
}

static uint32_t lap_in(uint64_t word) {
  return (uint32_t)(word >> LAP_SHIFT);
}

static uint64_t word_of(const struct aml_internal_ring *ring, uint64_t position) {
  return __atomic_load_n(&slot_of(ring, position)->word, __ATOMIC_SEQ_CST);
}

bool aml_internal_ring_is_free(const struct aml_internal_ring *ring, uint64_t position) {
  const uint64_t word = word_of(ring, position);
  return lap_in(word) == lap_of(ring, position) && (word & phase_mask) == FREE;
}

bool aml_internal_ring_try_reserve(struct aml_internal_ring *ring, uint64_t *position) {
  uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
  for (;;) {
    const bool is_free = aml_internal_ring_is_free(ring, tail);
    const uint64_t now = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
    if (now != tail) {
      tail = now; // another one got it
      continue;
    }
    if (!is_free)
      return false;
    if (__atomic_compare_exchange_n(&ring->tail, &tail, tail + 1, true, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED)) {
      *position = tail;
      return true;
    }
  }
}

void aml_internal_ring_put(struct aml_internal_ring *ring, uint64_t position,
                           struct aml_dma_request *request) {
  struct aml_internal_ring_slot *const slot = slot_of(ring, position);
  __atomic_store_n(&slot->request, request, __ATOMIC_RELAXED);
  // Added, as those who finish change the word too.
  const uint64_t phase = request->options->after_count == 0 ? READY : LATER;
  (void)__atomic_fetch_add(&slot->word, phase, __ATOMIC_SEQ_CST);
}

/** Claims what a slot was seen to hold. */
static bool claim(struct aml_internal_ring_slot *slot, uint64_t word) {
  const uint64_t claimed = word - (word & phase_mask) + lap_one + unfinished_one;
  return __atomic_compare_exchange_n(&slot->word, &word, claimed, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

struct aml_dma_request *aml_internal_ring_take(struct aml_internal_ring *ring, bool any,
                                               uint64_t *position) {
  for (;;) {
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    const uint64_t word = word_of(ring, head);
    struct aml_internal_ring_slot *const slot = slot_of(ring, head);
    struct aml_dma_request *request = NULL;
    if (lap_in(word) == lap_of(ring, head)) {
      const uint64_t phase = word & phase_mask;
      if (phase == FREE || (phase == LATER && !any))
        return NULL;
      // Read before the claim, since the slot may be another's afterwards.
      request = __atomic_load_n(&slot->request, __ATOMIC_RELAXED);
      if (!claim(slot, word))
        continue;
      *position = head;
    }
    // Claimed now, or before: the head is another one, whoever moves it.
    (void)__atomic_compare_exchange_n(&ring->head, &head, head + 1, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED);
    if (request != NULL)
      return request;
  }
}

bool aml_internal_ring_claim(struct aml_internal_ring *ring, uint64_t position) {
  uint64_t word = word_of(ring, position);
  while (lap_in(word) == lap_of(ring, position) && (word & phase_mask) != FREE) {
    if (claim(slot_of(ring, position), word))
      return true;
    word = word_of(ring, position); // somebody finished meanwhile, or claimed it
  }
  return false;
}

void aml_internal_ring_finish(struct aml_internal_ring *ring, uint64_t position) {
  (void)__atomic_fetch_sub(&slot_of(ring, position)->word, unfinished_one, __ATOMIC_SEQ_CST);
}

bool aml_internal_ring_is_finished(const struct aml_internal_ring *ring, uint64_t position) {
  const uint64_t word = word_of(ring, position);
  const bool is_claimed = (int32_t)(lap_in(word) - lap_of(ring, position)) > 0;
  return is_claimed && (uint32_t)word < unfinished_one;
}

bool aml_internal_ring_has_work(const struct aml_internal_ring *ring) {
  const uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST);
  const uint64_t word = word_of(ring, head);
  // A head whose slot is a lap ahead is behind: there may be work further on.
  return lap_in(word) != lap_of(ring, head) || (word & phase_mask) != FREE;
}
