// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/ring.h"

enum { AHEAD = 8, LINE = 64 };

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

/** Fetches a request that is likely to be taken soon: its lines are those of who put it there. */
static void prefetch(const struct aml_internal_ring *ring, uint64_t position) {
  const struct aml_internal_ring_slot *const slot = aml_internal_ring_slot_of(ring, position);
  const uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_RELAXED);
  if (aml_internal_ring_phase_of(word) == AML_INTERNAL_RING_FREE)
    return;
  const char *const request = (const char *)__atomic_load_n(&slot->request, __ATOMIC_RELAXED);
  for (size_t i = 0; i < sizeof(struct aml_dma_request); i += LINE)
    __builtin_prefetch(request + i, 1);
}

struct aml_dma_request *aml_internal_ring_take(struct aml_internal_ring *ring,
                                               enum aml_internal_ring_phase most, uint64_t *claim) {
  const uint64_t epoch = __atomic_load_n(&ring->epoch, __ATOMIC_RELAXED);
  for (;;) {
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    const uint64_t word = aml_internal_ring_word(ring, head);
    struct aml_internal_ring_slot *const slot = aml_internal_ring_slot_of(ring, head);
    struct aml_dma_request *request = NULL;
    if (aml_internal_ring_laps_ahead(ring, word, head) == 0) {
      const enum aml_internal_ring_phase phase = aml_internal_ring_phase_of(word);
      if (phase == AML_INTERNAL_RING_FREE || phase > most)
        return NULL;
      prefetch(ring, head + AHEAD);
      // Read before the claim, since the slot may be another's afterwards.
      request = __atomic_load_n(&slot->request, __ATOMIC_RELAXED);
      if (!aml_internal_ring_claim_word(slot, word, epoch))
        continue;
      *claim = head | epoch << AML_INTERNAL_RING_EPOCH_SHIFT;
    }
    // Claimed now, or before: the head is another one, whoever moves it.
    (void)__atomic_compare_exchange_n(&ring->head, &head, head + 1, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED);
    if (request != NULL)
      return request;
  }
}

bool aml_internal_ring_has_work(const struct aml_internal_ring *ring) {
  const uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST);
  const uint64_t word = aml_internal_ring_word(ring, head);
  // A head whose slot is a lap ahead is behind: there may be work further on.
  return aml_internal_ring_laps_ahead(ring, word, head) != 0 ||
         aml_internal_ring_phase_of(word) != AML_INTERNAL_RING_FREE;
}
