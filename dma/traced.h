// SPDX-License-Identifier: BSD-3-Clause
//
// dma:traced: over any dma, an account of its requests: how many, of how many bytes, how long they
// took from submit until they were done, and what became of them.
//
//     AML_DMA_TRACED_DECL(dma);
//     int err = aml_dma_traced_init(dma, inner, NULL);
//     …
//     struct aml_dma_traced_stats stats;
//     err = aml_dma_traced_get_stats(dma, &stats);
//     uint64_t p99 = aml_dma_traced_quantile(&stats, 0.99);   // nanoseconds
//
// It never makes a request wait, and what the inner dma does with one is what it would do without.
// To see a request end it puts options of its own, which call those of the user, in the place of
// theirs while the request is in flight. There are `in_flight` of them, and requests beyond pass by
// without an account: `unseen` tells how many. Once wait returns, the request is accounted for.
//
// Threads: as the inner dma. An account may be read at any time, by any thread.
// Cost: two readings of the clock and some atomic operations per request, 40 to 100 ns. No thread
// is made, and no byte allocated, after init.

#ifndef AML_DMA_TRACED_H
#define AML_DMA_TRACED_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A request that has ended. */
struct aml_dma_trace {
  const struct aml_dma_request *request; /**< its tiles and its result may be read */
  uint64_t size;                         /**< bytes of the destination */
  uint64_t submitted_ns;                 /**< of CLOCK_MONOTONIC */
  uint64_t done_ns;
};

/** How an account is kept; each field's zero is its default. */
struct aml_dma_traced_options {
  /** Is told of each request that ends, before its notify and under the same rule. Null: none. */
  void (*hook)(const struct aml_dma_trace *trace, void *context);
  void *context;    /**< for hook; borrowed */
  size_t in_flight; /**< requests that are seen at once, at most 1 million; 0: 1024 */
};

enum { AML_DMA_TRACED_CLASSES = 64 };

/** What became of all requests; taken == done + failed + canceled + those in flight. */
struct aml_dma_traced_stats {
  uint64_t taken;      /**< by the inner dma, but for those unseen */
  uint64_t unseen;     /**< taken while in_flight others were in flight */
  uint64_t refused;    /**< by the inner dma's submit */
  uint64_t done;       /**< that succeeded */
  uint64_t failed;     /**< otherwise than by being called off */
  uint64_t canceled;   /**< -AML_ECANCELED */
  uint64_t size;       /**< bytes of the destinations of those that succeeded */
  uint64_t latency_ns; /**< of all that ended, together */
  /** [i]: how many took 2^i to 2^(i+1) - 1 nanoseconds; the first has those of 0 too. */
  uint64_t latency[AML_DMA_TRACED_CLASSES];
};

struct aml_internal_traced;

/** A dma with an account; use functions. */
struct aml_dma_traced {
  struct aml_dma dma;
  struct aml_dma *inner;
  struct aml_internal_traced *state; /**< null: not initialised */
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_traced_ops;

/** Declare `struct aml_dma *name`, to be initialised as a dma with an account. */
#define AML_DMA_TRACED_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_dma_traced, aml_dma, dma, aml_dma_traced_ops, name)

/**
 * Initialise a dma with an account.
 *
 * @param dma      declared by AML_DMA_TRACED_DECL, not initialised.
 * @param inner    not owned; lives longer.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: an argument, or storage of another type; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_traced_init(struct aml_dma *dma, struct aml_dma *inner,
                                                  const struct aml_dma_traced_options *options);

/** Allocate and initialise one; as aml_dma_traced_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_dma_traced_create(struct aml_dma **dma, struct aml_dma *inner,
                                                    const struct aml_dma_traced_options *options);

/**
 * Tell the account so far. While requests end, its numbers may be of slightly different times.
 *
 * Returns: 0; -AML_EINVAL: null, a dma of another type or one that is not initialised.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_traced_get_stats(const struct aml_dma *dma,
                                                       struct aml_dma_traced_stats *stats);

/**
 * Tell within how many nanoseconds a share of all that ended did: the upper end of the class that
 * the request at that rank is in, so at most twice too much.
 *
 * @param share  0 to 1; 0.5 is the median.
 *
 * Returns: nanoseconds; 0 if none ended, or for null.
 */
AML_PUBLIC uint64_t aml_dma_traced_quantile(const struct aml_dma_traced_stats *stats, double share);

#ifdef __cplusplus
}
#endif

#endif
