// SPDX-License-Identifier: BSD-3-Clause
//
// Sleeping until something has happened, at no cost for those who make it happen while nobody
// sleeps.
//
//     sleeper                                      waker
//     ticket = prepare(event)                      make it true
//     if it is true: cancel(event)                 notify(event)
//     else sleep(event, ticket)
//
// Either the waker sees that somebody prepares, or who prepares sees what the waker did: each
// writes first and then reads. So what is waited for is to be written by a release or stronger, and
// read with sequential consistency.

#ifndef AML_DMA_INTERNAL_EVENT_H
#define AML_DMA_INTERNAL_EVENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Zeroed to begin with. */
struct aml_internal_event {
  uint32_t epoch;
  uint32_t sleepers; /**< those who prepare, too */
};

static inline uint32_t aml_internal_event_prepare(struct aml_internal_event *event) {
  (void)__atomic_fetch_add(&event->sleepers, 1, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&event->epoch, __ATOMIC_SEQ_CST);
}

static inline void aml_internal_event_cancel(struct aml_internal_event *event) {
  (void)__atomic_fetch_sub(&event->sleepers, 1, __ATOMIC_RELAXED);
}

/** Returns once notified since `ticket`; perhaps without. */
void aml_internal_event_sleep(struct aml_internal_event *event, uint32_t ticket);

/** Wakes some, where the caller has made it true. */
void aml_internal_event_wake(struct aml_internal_event *event, int count);

/** Whether anybody sleeps or is about to; asked after what they wait for was written. */
static inline int aml_internal_event_has_sleepers(const struct aml_internal_event *event) {
  return __atomic_load_n(&event->sleepers, __ATOMIC_SEQ_CST) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
