// SPDX-License-Identifier: BSD-3-Clause
//
// dma:throttled: over any dma, a limit in bytes per second, which leaves bandwidth to others.
//
//     AML_DMA_THROTTLED_DECL(dma);
//     int err = aml_dma_throttled_init(dma, inner, &(struct aml_dma_throttled_options){
//         .bytes_per_second = UINT64_C(2) << 30});
//
// A request waits in submit, in the order in which threads come, until the rate has made up for
// all bytes before it; with AML_DMA_TRY it is refused with -AML_EAGAIN instead, which is what a
// notify that submits wants. Then it goes to the inner dma as it is: one that is large runs at full
// speed, and those after it wait for longer. Cut large copies into tiles where that matters. Bytes
// are the destination's. What the inner dma refuses is not counted; what is called off is.
//
// The limit is a leaky bucket (the generic cell rate algorithm, ITU-T I.371): after a pause up to
// `burst` bytes pass at once, so that no span of time sees more than burst, one request and what
// the rate allows. Of a batch, as many go on at once as the burst has room for.
//
// Threads: as the inner dma. A request is its, and is waited for there.
// Fork: as the inner dma, which refuses a request of the child when it is that one's turn.
// Cost: a reading of the clock and an atomic operation per request or batch that need not wait. No
// thread is made, and no byte allocated, after create.

#ifndef AML_DMA_THROTTLED_H
#define AML_DMA_THROTTLED_H

#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A clock of the caller's; for tests, and for time that is simulated. Any thread may call it. */
struct aml_dma_throttled_clock {
  uint64_t (*now_ns)(void *context); /**< never goes back */
  /** Return at that time or later. */
  void (*sleep_until_ns)(uint64_t time_ns, void *context);
  void *context; /**< borrowed */
};

/** How a dma is limited; each field's zero is its default. */
struct aml_dma_throttled_options {
  uint64_t bytes_per_second;                   /**< not 0 */
  uint64_t burst;                              /**< bytes; 0: what 10 milliseconds allow */
  const struct aml_dma_throttled_clock *clock; /**< copied; null: CLOCK_MONOTONIC */
};

/** A limited dma; use functions. */
struct aml_dma_throttled {
  struct aml_dma dma;
  struct aml_dma *inner; /**< null: not initialised */
  struct aml_dma_throttled_clock clock;
  uint64_t start_ns; /**< what ticks are counted from; there are 16 to a nanosecond */
  double ticks_per_byte;
  uint64_t burst_ticks; /**< how long the rate takes for a burst */
  uint64_t paid_ticks;  /**< atomic: when the rate has made up for all that was let through */
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_throttled_ops;

/** Declare `struct aml_dma *name`, to be initialised as a limited dma. */
#define AML_DMA_THROTTLED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_dma_throttled, aml_dma, dma, aml_dma_throttled_ops, name)

/**
 * Initialise a limited dma.
 *
 * @param dma      declared by AML_DMA_THROTTLED_DECL, not initialised.
 * @param inner    not owned; lives longer.
 * @param options  not null. Not kept.
 *
 * Returns: 0; -AML_EINVAL: an argument, no rate, a clock without its functions, or storage of
 * another type.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_throttled_init(struct aml_dma *dma, struct aml_dma *inner,
                       const struct aml_dma_throttled_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_dma_throttled_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_throttled_create(struct aml_dma **dma, struct aml_dma *inner,
                         const struct aml_dma_throttled_options *options);

#ifdef __cplusplus
}
#endif

#endif
