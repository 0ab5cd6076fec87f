// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/dma.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "aml/core/checked.h"

static const struct aml_dma_options default_options = {.use = AML_DMA_USE_UNKNOWN};

static int refuse(const char *call, const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, call, argument, reason);
}

static int check_options(const char *call, const struct aml_dma_options *options,
                         const struct aml_dma_request *request) {
  if ((unsigned)options->use > AML_DMA_USE_STREAM)
    return refuse(call, "use", "is no use");
  static const unsigned known = AML_DMA_OVERLAP | AML_DMA_TRY | AML_DMA_DISTINCT;
  if ((options->flags & ~known) != 0)
    return refuse(call, "flags", "has an unknown bit");
  if (options->operation != NULL && options->operation->run == NULL)
    return refuse(call, "operation", "has a null function");
  if (options->eventfd != NULL && *options->eventfd < 0)
    return refuse(call, "eventfd", "is no descriptor");
  if (options->after == NULL && options->after_count != 0)
    return refuse(call, "after", "is null, yet after_count is not 0");
  for (size_t i = 0; i < options->after_count; ++i)
    if (options->after[i] == NULL || options->after[i] == request ||
        aml_dma_request_state(options->after[i]) == AML_DMA_IDLE)
      return refuse(call, "after", "holds a request that was never submitted, or this one");
  return 0;
}

/** Refuses elements that the operation does not take. */
static int check_elements(const char *call, const struct aml_dma_operation *operation,
                          const struct aml_tile *dst, const struct aml_tile *src) {
  static const char reason[] = "has another element size than the operation takes";
  if (operation->dst_element_size != 0 && operation->dst_element_size != dst->element_size)
    return refuse(call, "dst", reason);
  if (operation->src_element_size != 0 && operation->src_element_size != src->element_size)
    return refuse(call, "src", reason);
  return 0;
}

static int check_tiles(const char *call, const struct aml_tile *dst, const struct aml_tile *src,
                       bool same_element) {
  int err = aml_tile_check(dst, call, "dst");
  if (!err)
    err = aml_tile_check(src, call, "src");
  if (err)
    return err;
  if (dst->ndims != src->ndims)
    return refuse(call, "dst", "has another number of dimensions than src");
  if (same_element && dst->element_size != src->element_size)
    return refuse(call, "dst", "has another element size than src");
  for (size_t d = 0; d < dst->ndims; ++d) {
    if (dst->extent[d] != src->extent[d])
      return aml_error_set_value(-AML_EINVAL, call, "dst", d,
                                 "is a dimension in which it has another extent than src");
    if (dst->stride_bytes[d] == 0 && dst->extent[d] > 1)
      return refuse(call, "dst", "has a stride of 0, so its elements are not distinct");
  }
  return 0;
}

/** Whether a tile is one run of bytes at addresses that exist: what most copies are of. */
static inline bool is_plain(const struct aml_tile *tile) {
  size_t size;
  size_t end;
  return tile->ndims == 1 && tile->base != NULL && tile->element_size != 0 &&
         tile->extent[0] != 0 && tile->stride_bytes[0] == (ptrdiff_t)tile->element_size &&
         aml_checked_multiply(tile->extent[0], tile->element_size, &size) && size <= PTRDIFF_MAX &&
         aml_checked_add((uintptr_t)tile->base, size, &end);
}

/** Whether nothing is wrong with both tiles at first glance; else check_tiles() finds out. */
static inline bool are_plain(const struct aml_tile *dst, const struct aml_tile *src) {
  return dst != NULL && src != NULL && is_plain(dst) && is_plain(src) &&
         dst->extent[0] == src->extent[0] && dst->element_size == src->element_size;
}

/** Puts a request that was not taken back to where it stood, with the outcome that it had. */
static void put_back(struct aml_dma_request *request, enum aml_dma_state before) {
  __atomic_store_n(&request->state, (int)before, __ATOMIC_RELAXED);
}

/** Checks what submit takes, and makes the request pending; *before is where it stood. */
static inline int prepare(const char *call, struct aml_dma *dma,
                          const struct aml_dma_transfer *transfer, enum aml_dma_state *before) {
  struct aml_dma_request *const request = transfer->request;
  const struct aml_dma_options *options = transfer->options;
  if (dma == NULL)
    return refuse(call, "dma", "is null");
  if (request == NULL)
    return refuse(call, "request", "is null");
  *before = aml_dma_request_state(request);
  if (*before != AML_DMA_IDLE && *before != AML_DMA_DONE)
    return aml_error_set(-AML_EBUSY, call, "request", "is in flight");
  int err = 0;
  if (options == NULL)
    options = &default_options;
  else
    err = check_options(call, options, request);
  if (!err && !are_plain(transfer->dst, transfer->src))
    err = check_tiles(call, transfer->dst, transfer->src, options->operation == NULL);
  if (!err && options->operation != NULL)
    err = check_elements(call, options->operation, transfer->dst, transfer->src);
  if (err)
    return err;
  request->dma = dma;
  request->dst = transfer->dst;
  request->src = transfer->src;
  request->options = options;
  __atomic_store_n(&request->state, AML_DMA_PENDING, __ATOMIC_RELAXED);
  return 0;
}

/** Submits one request on behalf of `call`; `runs`: the caller waits at once. */
static inline int submit(const char *call, struct aml_dma *dma,
                         const struct aml_dma_transfer *transfer, bool runs) {
  enum aml_dma_state before;
  int err = prepare(call, dma, transfer, &before);
  if (err)
    return err;
  err =
      runs ? aml_dma_request_run(dma, transfer->request) : dma->ops->submit(dma, transfer->request);
  if (err)
    put_back(transfer->request, before);
  return err;
}

int aml_dma_submit(struct aml_dma *dma, struct aml_dma_request *request, const struct aml_tile *dst,
                   const struct aml_tile *src, const struct aml_dma_options *options) {
  const struct aml_dma_transfer transfer = {request, dst, src, options};
  return submit("aml_dma_submit", dma, &transfer, false);
}

int aml_dma_submit_many(struct aml_dma *dma, size_t count,
                        const struct aml_dma_transfer transfers[], size_t *taken) {
  static const char call[] = "aml_dma_submit_many";
  size_t done = 0;
  int err = 0;
  if (dma == NULL)
    return refuse(call, "dma", "is null");
  if (transfers == NULL && count != 0)
    return refuse(call, "transfers", "is null");
  enum { BATCH = 64 };
  while (!err && done < count) {
    // Checked and handed on in pieces, so that no array grows with count.
    struct aml_dma_request *batch[BATCH];
    enum aml_dma_state before[BATCH];
    size_t size = 0;
    while (size < BATCH && done + size < count) {
      err = prepare(call, dma, &transfers[done + size], &before[size]);
      if (err)
        break;
      batch[size] = transfers[done + size].request;
      ++size;
    }
    size_t accepted = 0;
    int failure = 0;
    if (dma->ops->submit_many != NULL)
      failure = size == 0 ? 0 : dma->ops->submit_many(dma, size, batch, &accepted);
    else
      while (accepted < size && !(failure = dma->ops->submit(dma, batch[accepted])))
        ++accepted;
    for (size_t i = accepted; i < size; ++i)
      put_back(batch[i], before[i]);
    done += accepted;
    if (failure)
      err = failure;
  }
  if (taken != NULL)
    *taken = done;
  return err;
}

/** Refuses null and a request that nobody submitted. */
static int check_submitted(const char *call, const struct aml_dma_request *request) {
  if (request == NULL)
    return refuse(call, "request", "is null");
  if (aml_dma_request_state(request) == AML_DMA_IDLE)
    return refuse(call, "request", "was never submitted");
  return 0;
}

/** Finds out whether a request is done. Returns: 0; why its dma does not tell. */
static inline int look(struct aml_dma_request *request, bool *is_done) {
  *is_done = aml_dma_request_state(request) == AML_DMA_DONE;
  if (*is_done || request->dma->ops->poll == NULL)
    return 0;
  const int err = request->dma->ops->poll(request->dma);
  *is_done = aml_dma_request_state(request) == AML_DMA_DONE;
  return *is_done ? 0 : err;
}

int aml_dma_test(struct aml_dma_request *request, bool *done) {
  const int err = check_submitted("aml_dma_test", request);
  if (err)
    return err;
  if (done == NULL)
    return refuse("aml_dma_test", "done", "is null");
  bool is_done;
  const int refused = look(request, &is_done);
  if (refused)
    return refused;
  *done = is_done;
  return 0;
}

/** What a request that is done came to, said in this thread on behalf of `call`. */
static int outcome(const char *call, const struct aml_dma_request *request) {
  const int result = request->result;
  if (result == 0)
    return 0;
  return aml_error_set(result, call, NULL,
                       request->reason[0] != '\0' ? request->reason : aml_strerror(result));
}

void aml_dma_request_fail(struct aml_dma_request *request, int result, const char *reason) {
  request->result = result;
  (void)snprintf(request->reason, sizeof request->reason, "%s", reason);
  aml_dma_request_publish(request);
}

void aml_dma_request_signal(int eventfd) {
  const uint64_t one = 1;
  const int before = errno;
  ssize_t written;
  do // fails otherwise only where it counts as much as it can, and so tells already
    written = write(eventfd, &one, sizeof one);
  while (written < 0 && errno == EINTR);
  errno = before;
}

int aml_dma_request_await_others(const struct aml_dma_request *request) {
  const struct aml_dma_options *const options = request->options;
  bool failed = false;
  for (size_t i = 0; i < options->after_count; ++i)
    failed |= aml_dma_wait(options->after[i]) != 0;
  return failed ? aml_error_set(-AML_ECANCELED, "aml_dma_submit", "after",
                                "holds a request that failed")
                : 0;
}

unsigned aml_dma_capabilities(const struct aml_dma *dma) {
  return dma == NULL ? 0 : dma->ops->capabilities(dma);
}

int aml_dma_wait(struct aml_dma_request *request) {
  int err = check_submitted("aml_dma_wait", request);
  if (!err && aml_dma_request_state(request) != AML_DMA_DONE)
    err = request->dma->ops->wait(request->dma, request);
  return err ? err : outcome("aml_dma_wait", request);
}

/**
 * Looks for a request that is done.
 *
 * Returns: its index; count if there is none, and *err is why one of them cannot be waited for.
 */
static size_t find_done(size_t count, struct aml_dma_request *const requests[], int *err) {
  for (size_t i = 0; i < count; ++i) {
    bool is_done = false;
    const int refused = requests[i] == NULL ? 0 : look(requests[i], &is_done);
    if (is_done)
      return i;
    if (refused)
      *err = refused;
  }
  return count;
}

int aml_dma_wait_any(size_t count, struct aml_dma_request *const requests[], size_t *index) {
  static const char call[] = "aml_dma_wait_any";
  enum { LOOKS = 1000, MIN_NAP_NS = 1000, MAX_NAP_NS = 100000 };
  size_t present = 0;
  if (requests == NULL)
    return refuse(call, "requests", "is null");
  if (index == NULL)
    return refuse(call, "index", "is null");
  for (size_t i = 0; i < count; ++i)
    if (requests[i] != NULL) {
      if (aml_dma_request_state(requests[i]) == AML_DMA_IDLE)
        return aml_error_set_value(-AML_EINVAL, call, "requests", i, "was never submitted");
      ++present;
    }
  if (present == 0)
    return refuse(call, "requests", "holds none");
  struct timespec nap = {.tv_nsec = MIN_NAP_NS};
  int err = 0;
  size_t found = find_done(count, requests, &err);
  for (size_t looks = 1; found == count && !err; ++looks) {
    if (looks > LOOKS) {
      (void)nanosleep(&nap, NULL);
      nap.tv_nsec = nap.tv_nsec < MAX_NAP_NS / 2 ? 2 * nap.tv_nsec : MAX_NAP_NS;
    }
    found = find_done(count, requests, &err);
  }
  if (found == count)
    return err;
  *index = found;
  return 0;
}

int aml_dma_cancel(struct aml_dma_request *request) {
  const int err = check_submitted("aml_dma_cancel", request);
  if (err)
    return err;
  if (aml_dma_request_state(request) == AML_DMA_DONE)
    return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "is done");
  return request->dma->ops->cancel(request->dma, request);
}

int aml_dma_barrier(struct aml_dma *dma) {
  if (dma == NULL)
    return refuse("aml_dma_barrier", "dma", "is null");
  return dma->ops->barrier == NULL ? 0 : dma->ops->barrier(dma);
}

int aml_dma_copy(struct aml_dma *dma, const struct aml_tile *dst, const struct aml_tile *src,
                 const struct aml_dma_options *options) {
  struct aml_dma_request request;
  const struct aml_dma_transfer transfer = {&request, dst, src, options};
  request.state = AML_DMA_IDLE;
  int err = submit("aml_dma_copy", dma, &transfer, true);
  if (!err && aml_dma_request_state(&request) != AML_DMA_DONE)
    err = request.dma->ops->wait(request.dma, &request);
  return err ? err : outcome("aml_dma_copy", &request);
}

void aml_dma_fini(struct aml_dma *dma) {
  if (dma != NULL)
    dma->ops->fini(dma);
}

void aml_dma_destroy(struct aml_dma **dma) {
  if (dma == NULL)
    return;
  aml_dma_fini(*dma);
  free(*dma);
  *dma = NULL;
}
