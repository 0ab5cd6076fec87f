// SPDX-License-Identifier: BSD-3-Clause

#include <errno.h>
#include <signal.h>
#include <sys/uio.h>

#include "aml/dma/internal/file_backend.h"

int aml_internal_file_start(pthread_t *thread, void *(*run)(void *), void *argument) {
  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  const int number = pthread_create(thread, NULL, run, argument);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return number;
}

/** Makes one transfer of a slot. Returns: bytes, or -errno. */
static ssize_t move(const struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_transfer *const transfer = &slot->transfers[slot->at];
  const struct iovec *const iov = &slot->iov[slot->first];
  const int count = (int)(slot->vectors - slot->first);
  const off_t offset = (off_t)(transfer->offset + slot->moved);
  const ssize_t result = transfer->is_write ? pwritev(transfer->descriptor, iov, count, offset)
                                            : preadv(transfer->descriptor, iov, count, offset);
  return result < 0 ? -errno : result;
}

void *aml_internal_file_run_worker(void *argument) {
  const struct aml_internal_file_worker *const worker = argument;
  struct aml_internal_file_engine *const engine = worker->engine;
  aml_internal_file_engine_enter(engine);
  (void)pthread_mutex_lock(&engine->lock);
  for (;;) {
    if (aml_internal_file_engine_take(engine, worker->slot)) {
      (void)pthread_mutex_unlock(&engine->lock);
      bool more = aml_internal_file_engine_begin(engine, worker->slot);
      while (more)
        more = aml_internal_file_slot_complete(worker->slot, move(worker->slot));
      aml_internal_file_engine_put(engine, worker->slot);
      (void)pthread_mutex_lock(&engine->lock);
    } else if (engine->must_stop) {
      break;
    } else {
      (void)pthread_cond_wait(&engine->work, &engine->lock);
    }
  }
  (void)pthread_mutex_unlock(&engine->lock);
  return NULL;
}
