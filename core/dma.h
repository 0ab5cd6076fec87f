// SPDX-License-Identifier: BSD-3-Clause
//
// The dma interface. A dma moves the elements of one tile to another one of the same extents, now
// or later; whether that copies, packs, unpacks or transposes is in the tiles' strides.
//
//     err = aml_dma_copy(dma, &dst, &src, NULL);              // now
//
//     struct aml_dma_request request = {0};                   // later
//     err = aml_dma_submit(dma, &request, &dst, &src, NULL);
//     …
//     err = aml_dma_wait(&request);
//
// A request is the caller's own storage, so a copy allocates nothing. From submit until it is done
// the request, both tiles, the options, and the memory that they tell of must stay as they are.
//
//     idle --submit--> pending --> running --> done --submit--> pending …
//                         `-----cancel--------^
//
// Threads: as the type's header says; one request is for one thread at a time.
// Fork: a dma that has threads works for the process that made it alone. It refuses the child of a
// fork at once, with -AML_EPERM: in submit, copy and barrier, and in test, wait, wait_any and
// cancel of a request that was in flight. Such a request stays as it is in the child; zeroed, it
// may be used for a dma that the child has made. In the parent all goes on, and only there notify
// is called and an eventfd written to. The child may end the dma, which releases the child's copy
// and waits for nothing; after that it must not ask for those requests any more. An operation or
// notify that forks must not return in the child. Dmas over others refuse what those do.

#ifndef AML_CORE_DMA_H
#define AML_CORE_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_dma_ops;
struct aml_dma_request;

/** Any dma. */
struct aml_dma {
  const struct aml_dma_ops *ops;
};

/** What a dma is and can do; bits of aml_dma_capabilities(). */
enum aml_dma_capability {
  AML_DMA_THREAD_SAFE = 1 << 0, /**< any thread may submit to it at any time */
  AML_DMA_ASYNC = 1 << 1,       /**< copies while its submitters go on */
  AML_DMA_CAN_OVERLAP = 1 << 2, /**< takes AML_DMA_OVERLAP, at least for contiguous tiles */
  AML_DMA_CAN_OPERATE = 1 << 3  /**< takes operations */
};

/**
 * What becomes of the destination; the best kind of store depends on it. A hint, without meaning
 * for operations, which store as they do.
 */
enum aml_dma_use {
  AML_DMA_USE_UNKNOWN = 0, /**< decide by size */
  AML_DMA_USE_SOON,        /**< read soon: keep it in cache */
  AML_DMA_USE_STREAM       /**< not read soon: keep it out of the cache */
};

enum aml_dma_flag {
  /** The tiles may overlap: as if the source were read first. Not with an operation. */
  AML_DMA_OVERLAP = 1 << 0,
  AML_DMA_TRY = 1 << 1, /**< a full queue makes submit say -AML_EAGAIN, not wait */
  /** The caller vouches that the tiles share no byte, where that is hard to find out. */
  AML_DMA_DISTINCT = 1 << 2
};

/** What is done to each element instead of copying it. */
struct aml_dma_operation {
  /**
   * Combine `count` contiguous elements of the source into as many of the destination. Either may
   * be a packed copy of theirs, at any alignment; that of the destination is put back afterwards.
   * May run in any thread of the dma, and on several runs of one request at once. A nonzero result
   * stops the request and is what wait returns.
   */
  int (*run)(void *dst, const void *src, size_t count, void *argument);
  void *argument;
  size_t dst_element_size; /**< which tiles it takes; 0: any */
  size_t src_element_size; /**< likewise */
};

/**
 * What copies of one shape come down to: the caller's storage, zeroed, kept for as long as it
 * likes.
 *
 * The first request that names it fills it. Later ones whose extents, strides and element sizes are
 * the same, wherever their tiles lie, read it instead of finding out again, from any thread; others
 * pass it by. Saves some tens of nanoseconds for tiles of several dimensions.
 */
struct aml_dma_plan {
  uint64_t work[64]; /**< the dma's own */
};

/** How one request is done; each field's zero is its default. */
struct aml_dma_options {
  enum aml_dma_use use;
  unsigned flags;                            /**< bits of enum aml_dma_flag */
  const struct aml_dma_operation *operation; /**< null: copy; else element sizes may differ */
  /**
   * Submitted requests that must be done first; they stay as they are until this one is done. If
   * one of them failed, this one is not run, and is done with -AML_ECANCELED.
   */
  struct aml_dma_request *const *after;
  size_t after_count; /**< of `after` */
  /**
   * Called once for a request that was taken, also if it fails or is canceled, by whichever thread
   * finds out, just before it is AML_DMA_DONE: it may submit others, and must neither block nor
   * wait for, test or submit this one. Where a queue is full, submit does not wait in there: it
   * says -AML_EAGAIN. Where submit itself runs requests, a chain of them that submit each other
   * takes stack.
   */
  void (*notify)(struct aml_dma_request *request, void *argument);
  void *notify_argument;
  /**
   * Where 1 is added once a request that was taken is AML_DMA_DONE: a descriptor of eventfd(2), for
   * who waits by poll(2). Null: nowhere. Read just before; the descriptor is to stay open until the
   * 1 has come.
   */
  const int *eventfd;
  struct aml_dma_plan *plan; /**< null: none is kept */
};

/** Where a request stands. */
enum aml_dma_state {
  AML_DMA_IDLE = 0, /**< never submitted; a zeroed struct */
  AML_DMA_PENDING,  /**< submitted, not begun */
  AML_DMA_RUNNING,
  AML_DMA_DONE /**< `result` says how it went; may be submitted again */
};

/** The capacity of the sentence that a request keeps on its failure, its null included. */
#define AML_DMA_REASON_CAPACITY 128

/** One copy; the caller's storage, zeroed before its first use. */
struct aml_dma_request {
  int state;  /**< enum aml_dma_state; atomic: written by the dma, result before it */
  int result; /**< once done: 0, a negated code, or what the operation returned */
  struct aml_dma *dma;
  const struct aml_tile *dst;
  const struct aml_tile *src;
  const struct aml_dma_options *options; /**< never null once submitted */
  struct aml_dma_request *next;          /**< the dma's own until done, as the rest */
  uint64_t work[8];
  char reason[AML_DMA_REASON_CAPACITY]; /**< once done with a failure: why; empty: not told */
};

/**
 * What a type of dma does; for those who write one.
 *
 * The generic functions check arguments as their text says, and forward. In submit the request is
 * PENDING with all fields above `next` set but for result, tiles are valid and of equal extents; it
 * is the type that refuses tiles that overlap (those of two address spaces do not), and memory that
 * it cannot reach. A dma over another one may hand a request on and set request->dma to that one,
 * which then is waited for; its own barrier and fini must still see to such requests. A request
 * that others come after is waited for by their dma's threads too. Options, and what they lead to,
 * are for who runs the request, and until notify is called: a dma over another one may lend it
 * options that end there, and those who wait may find them gone. Up to cancel all are mandatory.
 * An operation that fails has recorded why.
 */
struct aml_dma_ops {
  const char *name; /**< "sequential" */
  /** The same for every call on one dma; no system call. */
  unsigned (*capabilities)(const struct aml_dma *dma);
  /** Wait for all requests, then release all but the struct itself, zeroed but for ops. */
  void (*fini)(struct aml_dma *dma);
  /** Take the request, or refuse it: then it is put back to IDLE by the caller of this. */
  int (*submit)(struct aml_dma *dma, struct aml_dma_request *request);
  /**
   * Return 0 once the request is DONE; run it here if nobody has begun it. At once -AML_EPERM, with
   * the request untouched, in a process that the dma does not work for.
   */
  int (*wait)(struct aml_dma *dma, struct aml_dma_request *request);
  /** Make a request that is PENDING DONE with -AML_ECANCELED; else say -AML_EBUSY. */
  int (*cancel)(struct aml_dma *dma, struct aml_dma_request *request);
  /**
   * Find out which requests are done, without blocking. Returns: 0, or -AML_EPERM as wait. Null:
   * they become DONE by themselves, in whichever process.
   */
  int (*poll)(struct aml_dma *dma);
  /** Wait until all requests submitted before are done; null: they are done when submit returns. */
  int (*barrier)(struct aml_dma *dma);
  /** As submit for many, in order; *taken tells how many. Null: one by one. */
  int (*submit_many)(struct aml_dma *dma, size_t count, struct aml_dma_request *const requests[],
                     size_t *taken);
  /**
   * As submit, of a request that nobody but the caller knows, who waits for it at once: it may be
   * run here, before others. Null: as submit.
   */
  int (*run)(struct aml_dma *dma, struct aml_dma_request *request);
};

/** Submit a request that is waited for at once; for those who write a dma over others. */
static inline int aml_dma_request_run(struct aml_dma *dma, struct aml_dma_request *request) {
  return dma->ops->run != NULL ? dma->ops->run(dma, request) : dma->ops->submit(dma, request);
}

/** The state of a request, with all that led to it visible if it is AML_DMA_DONE. */
static inline enum aml_dma_state aml_dma_request_state(const struct aml_dma_request *request) {
  return (enum aml_dma_state)__atomic_load_n(&request->state, __ATOMIC_ACQUIRE);
}

/** Add 1 to what an eventfd(2) counts; the last error stays. */
AML_PUBLIC void aml_dma_request_signal(int eventfd);

/**
 * Mark a request done whose result and reason are set; for those who write a dma. Calls notify,
 * then publishes state and result; the request is its owner's again from then on.
 */
static inline void aml_dma_request_publish(struct aml_dma_request *request) {
  const struct aml_dma_options *const options = request->options;
  const int eventfd = options->eventfd == NULL ? -1 : *options->eventfd;
  if (options->notify != NULL)
    options->notify(request, options->notify_argument);
  __atomic_store_n(&request->state, AML_DMA_DONE, __ATOMIC_RELEASE);
  if (eventfd >= 0)
    aml_dma_request_signal(eventfd);
}

/** Mark a request done with a result and no reason; else as aml_dma_request_publish(). */
static inline void aml_dma_request_finish(struct aml_dma_request *request, int result) {
  request->result = result;
  if (result != 0)
    request->reason[0] = '\0'; // which lies on another line than all else
  aml_dma_request_publish(request);
}

/**
 * Mark a request done with a failure, and why; else as aml_dma_request_finish().
 *
 * @param reason  copied; what wait then tells its caller's thread. In whichever thread the copy
 *                failed, that is what aml_error_detail() says there.
 */
AML_PUBLIC void aml_dma_request_fail(struct aml_dma_request *request, int result,
                                     const char *reason);

/**
 * Wait for what a request comes after; for those who write a dma.
 *
 * Returns: 0: it may run; -AML_ECANCELED, with the reason recorded: one of them failed.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_request_await_others(const struct aml_dma_request *request);

/** What a dma is and can do: bits of enum aml_dma_capability. 0 for null. */
AML_PUBLIC unsigned aml_dma_capabilities(const struct aml_dma *dma);

/**
 * Ask for a copy.
 *
 * @param request  zeroed, or done.
 * @param dst      where to; a valid tile whose elements share no byte: a stride of 0 along an
 * extent above 1 is refused, others are the caller's word.
 * @param src      where from; a valid tile with dst's extents, and its element size unless options
 *                 name an operation; that may want certain sizes.
 * @param options  null: the defaults.
 *
 * Returns: 0, and the outcome is for wait; or, with the request not taken, -AML_EINVAL (an
 * argument, or tiles that overlap without being the same), -AML_EOVERFLOW (a tile that reaches past
 * the range of addresses), -AML_EBUSY (the request is in flight), -AML_ENOTSUP (memory that this
 * dma cannot reach, or an option), -AML_EAGAIN (AML_DMA_TRY), -AML_EPERM (the dma is of the
 * process that forked).
 * Owns: nothing changes hands.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_submit(struct aml_dma *dma, struct aml_dma_request *request,
                                             const struct aml_tile *dst, const struct aml_tile *src,
                                             const struct aml_dma_options *options);

/** One element of a batch: what aml_dma_submit() takes. */
struct aml_dma_transfer {
  struct aml_dma_request *request;
  const struct aml_tile *dst;
  const struct aml_tile *src;
  const struct aml_dma_options *options;
};

/**
 * Ask for many copies at once, which costs less than one by one.
 *
 * @param taken  how many, from the first on, were taken; may be null.
 *
 * Returns: 0 if all were; else why the next one was not, as aml_dma_submit().
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_submit_many(struct aml_dma *dma, size_t count,
                                                  const struct aml_dma_transfer transfers[],
                                                  size_t *taken);

/**
 * Find out whether a request is done, without blocking.
 *
 * Returns: 0 and *done; -AML_EINVAL for null, or a request that was never submitted; -AML_EPERM: it
 * was in flight in a parent at the fork.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_test(struct aml_dma_request *request, bool *done);

/**
 * Wait until a request is done; run it here if nobody has begun it. May be asked again.
 *
 * Whatever thread it failed in, the sentence on that is the calling thread's afterwards.
 *
 * Returns: 0; -AML_ECANCELED; -AML_EINVAL for null, or a request that was never submitted;
 * -AML_EPERM: it was in flight in a parent at the fork; what the copy failed with (-AML_EIO, …), or
 * what the operation returned.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_wait(struct aml_dma_request *request);

/**
 * Wait until one of several requests is done. Looks for a while, then at intervals of up to 100
 * microseconds; aml_dma_options' eventfd tells without delay.
 *
 * @param requests  of any dmas; null ones are passed by.
 * @param index     of one that is done; how it went is for aml_dma_wait() to say.
 *
 * Returns: 0; -AML_EINVAL for null, no request at all, or one that was never submitted; -AML_EPERM:
 * none is done, and one was in flight in a parent at the fork.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_wait_any(size_t count, struct aml_dma_request *const requests[], size_t *index);

/**
 * Call a request off.
 *
 * Returns: 0 if it will never run: it is done, and waiting for it says -AML_ECANCELED; -AML_EBUSY
 * if it has begun or is done: wait for it as ever; -AML_EINVAL; -AML_EPERM: it was in flight in a
 * parent at the fork.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_cancel(struct aml_dma_request *request);

/**
 * Wait until all requests submitted before are done; each may still be waited for.
 *
 * Returns: 0; -AML_EINVAL for null; -AML_EPERM: the dma is of the process that forked.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_barrier(struct aml_dma *dma);

/** Submit and wait; small copies may be done at once, before others. Returns: as both. */
AML_PUBLIC AML_MUST_CHECK int aml_dma_copy(struct aml_dma *dma, const struct aml_tile *dst,
                                           const struct aml_tile *src,
                                           const struct aml_dma_options *options);

/**
 * End the life of a declared dma, after its requests. No other call on it may be in progress, nor a
 * wait for one of them; in the child of a fork, what other threads were at does not count. Null,
 * and one not initialised, are fine.
 */
AML_PUBLIC void aml_dma_fini(struct aml_dma *dma);

/** End the life of a created dma, and set *dma to null. Null and a pointer to null are fine. */
AML_PUBLIC void aml_dma_destroy(struct aml_dma **dma);

#ifdef __cplusplus
}
#endif

#endif
