// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/event.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void aml_internal_event_sleep(struct aml_internal_event *event, uint32_t ticket) {
  (void)syscall(SYS_futex, &event->epoch, FUTEX_WAIT_PRIVATE, ticket, NULL, NULL, 0);
  aml_internal_event_cancel(event);
}

void aml_internal_event_wake(struct aml_internal_event *event, int count) {
  (void)__atomic_fetch_add(&event->epoch, 1, __ATOMIC_SEQ_CST);
  (void)syscall(SYS_futex, &event->epoch, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
