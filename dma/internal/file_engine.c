// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/file_engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

static _Thread_local const struct aml_internal_file_engine *inside;

int aml_internal_file_engine_init(struct aml_internal_file_engine *engine, const char *call,
                                  size_t record_count) {
  engine->records = calloc(record_count, sizeof *engine->records);
  // A request has two sides at most.
  engine->handles.capacity = 2 * record_count;
  engine->handles.handle = calloc(2 * record_count, sizeof *engine->handles.handle);
  if (engine->records == NULL || engine->handles.handle == NULL) {
    free(engine->records);
    free(engine->handles.handle);
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the queue");
  }
  engine->record_count = record_count;
  for (size_t i = record_count; i-- > 0;) {
    engine->records[i].next = engine->free;
    engine->free = &engine->records[i];
  }
  (void)pthread_mutex_init(&engine->lock, NULL);
  (void)pthread_cond_init(&engine->work, NULL);
  (void)pthread_cond_init(&engine->held_work, NULL);
  (void)pthread_cond_init(&engine->done, NULL);
  return 0;
}

void aml_internal_file_engine_fini(struct aml_internal_file_engine *engine) {
  aml_internal_file_handles_close(&engine->handles);
  (void)pthread_cond_destroy(&engine->done);
  (void)pthread_cond_destroy(&engine->held_work);
  (void)pthread_cond_destroy(&engine->work);
  (void)pthread_mutex_destroy(&engine->lock);
  free(engine->handles.handle);
  free(engine->records);
}

void aml_internal_file_engine_abandon(struct aml_internal_file_engine *engine) {
  aml_internal_file_handles_abandon(&engine->handles);
  free(engine->handles.handle);
  free(engine->records);
}

void aml_internal_file_engine_enter(const struct aml_internal_file_engine *engine) {
  inside = engine;
}

// Lists

static void append(struct aml_internal_file_list *list, struct aml_internal_file_record *record) {
  record->next = NULL;
  if (list->first == NULL)
    list->first = record;
  else
    list->last->next = record;
  list->last = record;
}

/** Takes a record out of a list. Returns: whether it was there. */
static bool take_out(struct aml_internal_file_list *list,
                     const struct aml_internal_file_record *record) {
  struct aml_internal_file_record *before = NULL;
  struct aml_internal_file_record *it = list->first;
  for (; it != NULL && it != record; it = it->next)
    before = it;
  if (it == NULL)
    return false;
  *(before == NULL ? &list->first : &before->next) = it->next;
  if (list->last == it)
    list->last = before;
  return true;
}

/** Puts a record where drivers find it; the lock is held. */
static void make_ready(struct aml_internal_file_engine *engine,
                       struct aml_internal_file_record *record) {
  append(&engine->ready, record);
  // All of them: a large request has work for each.
  (void)pthread_cond_broadcast(&engine->work);
  if (engine->wake != NULL)
    engine->wake(engine->wake_argument);
}

static void set_error(struct aml_internal_file_record *record, int error, const char *reason) {
  record->error = error;
  (void)snprintf(record->reason, sizeof record->reason, "%s", reason);
}

// Requests that come after others

/** Makes a record ready now that the others are done; the lock is held. */
static void admit(struct aml_internal_file_engine *engine, struct aml_internal_file_record *record,
                  bool others_failed) {
  if (others_failed) {
    // A driver finds nothing to do, and makes it done.
    set_error(record, -AML_ECANCELED, "a request that it comes after failed");
    record->is_host = false;
    record->count = 0;
  }
  make_ready(engine, record);
}

/** Admits a record if all that it comes after is done; the lock is held. */
static bool admit_if_due(struct aml_internal_file_engine *engine,
                         struct aml_internal_file_record *record) {
  const struct aml_dma_options *const options = record->request->options;
  bool failed = false;
  for (size_t i = 0; i < options->after_count; ++i) {
    if (aml_dma_request_state(options->after[i]) != AML_DMA_DONE)
      return false;
    failed |= options->after[i]->result != 0;
  }
  admit(engine, record, failed);
  return true;
}

/** Admits what is held for nothing any more; the lock is held. */
static void admit_all_due(struct aml_internal_file_engine *engine) {
  struct aml_internal_file_list held = engine->held;
  engine->held = (struct aml_internal_file_list){NULL, NULL};
  for (struct aml_internal_file_record *it = held.first, *next; it != NULL; it = next) {
    next = it->next;
    if (!admit_if_due(engine, it))
      append(&engine->held, it);
  }
}

// What a request comes to

static int refuse(int code, const char *argument, const char *reason) {
  return aml_error_set(code, "aml_dma_submit", argument, reason);
}

/** A tile's file; descriptor -1: it is in none. */
struct place {
  int descriptor;
  uint64_t offset; /**< of its base */
};

static int find_file(const struct aml_tile *tile, struct place *place) {
  struct aml_area_info info;
  place->descriptor = -1;
  place->offset = 0;
  // What is stored to a private mapping is not in the file.
  const unsigned needed = AML_AREA_FILE_BACKED | AML_AREA_SHARED;
  if (tile->area == NULL || (aml_area_capabilities(tile->area) & needed) != needed)
    return 0;
  const int err = aml_area_get_info(tile->area, tile->base, &info);
  if (err || info.native.kind != AML_NATIVE_FILE)
    return err;
  place->descriptor = info.native.as.file.descriptor;
  place->offset =
      info.native.as.file.offset + ((uintptr_t)tile->base - (uintptr_t)info.native.origin);
  return 0;
}

/** Refuses a tile in a file that reaches below its beginning, or beyond what offsets can say. */
static int check_range(const struct aml_tile *tile, const struct place *place,
                       const char *argument) {
  void *lowest;
  size_t size;
  if (place->descriptor < 0)
    return 0;
  aml_tile_span(tile, &lowest, &size);
  const uint64_t below = (uintptr_t)tile->base - (uintptr_t)lowest;
  const uint64_t room = (uint64_t)INT64_MAX;
  if (below > place->offset)
    return refuse(-AML_EINVAL, argument, "begins before its file");
  if (place->offset - below > room || size > room - (place->offset - below))
    return refuse(-AML_EOVERFLOW, argument, "reaches beyond the largest offset");
  return 0;
}

/** Refuses two tiles of one file that overlap; `is_same`: they are the same. */
static int check_overlap(const struct aml_dma_request *request, const struct place *dst,
                         const struct place *src, bool *is_same) {
  *is_same = false;
  if (!aml_internal_file_is_same(dst->descriptor, src->descriptor))
    return 0;
  // Offsets as addresses, above what a tile may reach below its base.
  struct aml_tile to = *request->dst;
  struct aml_tile from = *request->src;
  to.base = (void *)(uintptr_t)dst->offset;
  from.base = (void *)(uintptr_t)src->offset;
  *is_same = to.base == from.base;
  for (size_t d = 0; d < to.ndims; ++d)
    *is_same = *is_same && (to.extent[d] == 1 || to.stride_bytes[d] == from.stride_bytes[d]);
  if (*is_same || (request->options->flags & AML_DMA_DISTINCT) != 0 ||
      !aml_tile_may_overlap(&to, &from))
    return 0;
  if ((request->options->flags & AML_DMA_OVERLAP) != 0)
    return refuse(-AML_ENOTSUP, "dst", "overlaps src in a file, which would need a buffer");
  return refuse(-AML_EINVAL, "dst", "overlaps src without being the same tile");
}

/** Refuses memory that the host cannot touch. */
static int check_memory(const struct aml_tile *tile, bool is_dst) {
  const unsigned needed = is_dst ? AML_AREA_HOST_WRITABLE : AML_AREA_HOST_READABLE;
  if (tile->area == NULL || (aml_area_capabilities(tile->area) & needed) != 0)
    return 0;
  return is_dst ? refuse(-AML_ENOTSUP, "dst", "is neither in a file nor in memory to write to")
                : refuse(-AML_ENOTSUP, "src", "is neither in a file nor in memory to read");
}

/** Plans a request of which a tile is in a file at least. */
static void plan(const struct aml_internal_file_engine *engine,
                 struct aml_internal_file_record *record, const struct place *dst,
                 const struct place *src) {
  const struct aml_dma_request *const request = record->request;
  const bool is_read = dst->descriptor < 0;
  struct aml_internal_file_limits limits = engine->limits;
  record->way = is_read                ? AML_INTERNAL_FILE_READ
                : src->descriptor >= 0 ? AML_INTERNAL_FILE_RELAY
                                       : AML_INTERNAL_FILE_WRITE;
  if (!is_read)
    limits.sieve_percent = SIZE_MAX;
  aml_internal_file_plan_make(is_read ? request->src : request->dst,
                              is_read ? src->offset : dst->offset,
                              is_read ? request->dst : request->src, &limits,
                              record->way == AML_INTERNAL_FILE_RELAY, &record->plan);
  record->origin = request->src->base;
  record->source_offset = src->offset;
  record->count = record->plan.count;
}

/** Finds out what a request comes to; acquires nothing. */
static int understand(const struct aml_internal_file_engine *engine,
                      struct aml_internal_file_record *record, struct place *dst,
                      struct place *src) {
  const struct aml_dma_request *const request = record->request;
  if (request->options->operation != NULL)
    return refuse(-AML_ENOTSUP, "operation", "is not for files");
  int err = find_file(request->dst, dst);
  if (!err)
    err = find_file(request->src, src);
  if (err)
    return err;
  record->count = 1;
  record->is_host = dst->descriptor < 0 && src->descriptor < 0;
  if (record->is_host)
    return aml_internal_transfer_make(request, &record->transfer);
  bool is_same = false;
  if (dst->descriptor < 0)
    err = check_memory(request->dst, true);
  else if (src->descriptor < 0)
    err = check_memory(request->src, false);
  if (!err)
    err = check_range(request->dst, dst, "dst");
  if (!err)
    err = check_range(request->src, src, "src");
  if (!err && dst->descriptor >= 0 && src->descriptor >= 0)
    err = check_overlap(request, dst, src, &is_same);
  if (err)
    return err;
  plan(engine, record, dst, src);
  record->count = is_same ? 0 : record->count;
  return 0;
}

/** Finds the descriptors; the lock is held. */
static int acquire(struct aml_internal_file_engine *engine, struct aml_internal_file_record *record,
                   const struct place *dst, const struct place *src) {
  record->file.handle = record->source.handle = NULL;
  if (record->is_host)
    return 0;
  const bool is_read = record->way == AML_INTERNAL_FILE_READ;
  int err = aml_internal_file_handles_acquire(&engine->handles,
                                              is_read ? src->descriptor : dst->descriptor, !is_read,
                                              engine->direct, &record->file);
  if (err || record->way != AML_INTERNAL_FILE_RELAY)
    return err;
  err = aml_internal_file_handles_acquire(&engine->handles, src->descriptor, false, engine->direct,
                                          &record->source);
  if (err)
    aml_internal_file_handles_release(&record->file);
  return err;
}

/** Takes a free record, waiting for one if the request says so; the lock is held. */
static struct aml_internal_file_record *find_record(struct aml_internal_file_engine *engine,
                                                    const struct aml_dma_request *request) {
  const bool must_try = (request->options->flags & AML_DMA_TRY) != 0 || inside == engine;
  while (engine->free == NULL) {
    if (must_try)
      return NULL;
    (void)pthread_cond_wait(&engine->done, &engine->lock);
  }
  struct aml_internal_file_record *const record = engine->free;
  engine->free = record->next;
  return record;
}

static void free_record(struct aml_internal_file_engine *engine,
                        struct aml_internal_file_record *record) {
  record->request = NULL;
  record->next = engine->free;
  engine->free = record;
}

/** Takes a request whose record was made; the lock is held. */
static void accept(struct aml_internal_file_engine *engine,
                   const struct aml_internal_file_record *made,
                   struct aml_internal_file_record *record) {
  *record = *made;
  record->number = engine->submitted++;
  record->request->work[0] = (uint64_t)(record - engine->records);
  if (admit_if_due(engine, record))
    return;
  append(&engine->held, record);
  (void)pthread_cond_signal(&engine->held_work);
}

int aml_internal_file_engine_submit(struct aml_internal_file_engine *engine,
                                    struct aml_dma_request *request) {
  struct aml_internal_file_record made = {.request = request};
  struct place dst;
  struct place src;
  int err = understand(engine, &made, &dst, &src);
  if (err)
    return err;
  (void)pthread_mutex_lock(&engine->lock);
  struct aml_internal_file_record *const record = find_record(engine, request);
  err = record == NULL ? refuse(-AML_EAGAIN, NULL, "the queue is full")
                       : acquire(engine, &made, &dst, &src);
  if (record != NULL && err)
    free_record(engine, record);
  if (!err)
    accept(engine, &made, record);
  (void)pthread_mutex_unlock(&engine->lock);
  return err;
}

// Done

/** Publishes what a record came to, which is in no list any more, and frees it. */
static void finish(struct aml_internal_file_engine *engine,
                   struct aml_internal_file_record *record) {
  // Whoever cancels calls notify too, which must not wait for room that comes only after it.
  const struct aml_internal_file_engine *const before = inside;
  inside = engine;
  if (record->error != 0)
    aml_dma_request_fail(record->request, record->error, record->reason);
  else
    aml_dma_request_finish(record->request, 0);
  inside = before;
  (void)pthread_mutex_lock(&engine->lock);
  aml_internal_file_handles_release(&record->file);
  aml_internal_file_handles_release(&record->source);
  free_record(engine, record);
  admit_all_due(engine);
  (void)pthread_cond_broadcast(&engine->done);
  (void)pthread_mutex_unlock(&engine->lock);
}

void aml_internal_file_engine_wait(struct aml_internal_file_engine *engine,
                                   const struct aml_dma_request *request) {
  (void)pthread_mutex_lock(&engine->lock);
  while (aml_dma_request_state(request) != AML_DMA_DONE)
    (void)pthread_cond_wait(&engine->done, &engine->lock);
  (void)pthread_mutex_unlock(&engine->lock);
}

int aml_internal_file_engine_cancel(struct aml_internal_file_engine *engine,
                                    const struct aml_dma_request *request) {
  struct aml_internal_file_record *record = NULL;
  (void)pthread_mutex_lock(&engine->lock);
  if (aml_dma_request_state(request) == AML_DMA_PENDING) {
    record = &engine->records[request->work[0]];
    if (!take_out(&engine->ready, record))
      (void)take_out(&engine->held, record);
  }
  (void)pthread_mutex_unlock(&engine->lock);
  if (record == NULL)
    return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "has begun");
  set_error(record, -AML_ECANCELED, "it was canceled");
  finish(engine, record);
  return 0;
}

/** Whether a request submitted before number `end` is not done; the lock is held. */
static bool is_any_left(const struct aml_internal_file_engine *engine, uint64_t end) {
  for (size_t i = 0; i < engine->record_count; ++i)
    if (engine->records[i].request != NULL && engine->records[i].number < end)
      return true;
  return false;
}

void aml_internal_file_engine_barrier(struct aml_internal_file_engine *engine) {
  (void)pthread_mutex_lock(&engine->lock);
  const uint64_t end = engine->submitted;
  while (is_any_left(engine, end))
    (void)pthread_cond_wait(&engine->done, &engine->lock);
  (void)pthread_mutex_unlock(&engine->lock);
}

void aml_internal_file_engine_stop(struct aml_internal_file_engine *engine) {
  (void)pthread_mutex_lock(&engine->lock);
  engine->must_stop = true;
  (void)pthread_cond_broadcast(&engine->work);
  (void)pthread_cond_broadcast(&engine->held_work);
  if (engine->wake != NULL)
    engine->wake(engine->wake_argument);
  (void)pthread_mutex_unlock(&engine->lock);
}

// Drivers

static void set_running(struct aml_internal_file_record *record) {
  __atomic_store_n(&record->request->state, AML_DMA_RUNNING, __ATOMIC_RELAXED);
}

bool aml_internal_file_engine_take(struct aml_internal_file_engine *engine,
                                   struct aml_internal_file_slot *slot) {
  struct aml_internal_file_record *const record = engine->ready.first;
  if (record == NULL)
    return false;
  set_running(record);
  slot->owner = record;
  slot->engine = &engine->copies;
  slot->use = record->request->options->use;
  slot->way = record->way;
  slot->file = record->file;
  slot->source = record->source;
  slot->piece.span = 0;
  if (!record->is_host && record->taken < record->count) {
    aml_internal_file_plan_piece(&record->plan, record->taken, &slot->piece);
    slot->source_offset = record->source_offset +
                          (uint64_t)((uintptr_t)slot->piece.copy.src - (uintptr_t)record->origin);
  }
  ++record->taken;
  ++record->under_way;
  if (record->taken >= record->count)
    (void)take_out(&engine->ready, record);
  return true;
}

bool aml_internal_file_engine_begin(struct aml_internal_file_engine *engine,
                                    struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_record *const record = slot->owner;
  if (!record->is_host)
    return aml_internal_file_slot_begin(slot);
  slot->error =
      aml_internal_transfer_run(&engine->copies, record->request->options, &record->transfer);
  slot->reason[0] = '\0';
  return false;
}

void aml_internal_file_engine_put(struct aml_internal_file_engine *engine,
                                  struct aml_internal_file_slot *slot) {
  struct aml_internal_file_record *const record = slot->owner;
  (void)pthread_mutex_lock(&engine->lock);
  if (slot->error != 0 && record->error == 0) {
    set_error(record, slot->error, slot->reason);
    // What is not begun is not worth it any more.
    if (record->taken < record->count)
      (void)take_out(&engine->ready, record);
    record->count = record->taken;
  }
  --record->under_way;
  const bool is_last = record->under_way == 0 && record->taken >= record->count;
  (void)pthread_mutex_unlock(&engine->lock);
  if (is_last)
    finish(engine, record);
}

void *aml_internal_file_engine_run_held(void *argument) {
  struct aml_internal_file_engine *const engine = argument;
  aml_internal_file_engine_enter(engine);
  (void)pthread_mutex_lock(&engine->lock);
  for (;;) {
    admit_all_due(engine);
    struct aml_internal_file_record *const record = engine->held.first;
    if (record == NULL) {
      if (engine->must_stop)
        break;
      (void)pthread_cond_wait(&engine->held_work, &engine->lock);
      continue;
    }
    (void)take_out(&engine->held, record);
    set_running(record);
    (void)pthread_mutex_unlock(&engine->lock);
    const bool others_failed = aml_dma_request_await_others(record->request) != 0;
    (void)pthread_mutex_lock(&engine->lock);
    admit(engine, record, others_failed);
  }
  (void)pthread_mutex_unlock(&engine->lock);
  return NULL;
}
