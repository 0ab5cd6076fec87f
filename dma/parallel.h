// SPDX-License-Identifier: BSD-3-Clause
//
// dma:parallel: threads of its own copy while the submitters go on. Large copies are cut, and all
// idle threads take part.
//
//     AML_DMA_PARALLEL_DECL(dma);
//     int err = aml_dma_parallel_init(dma, NULL);
//     …
//     err = aml_dma_submit(dma, &request, &dst, &src, NULL);
//     …                                  // meanwhile
//     err = aml_dma_wait(&request);      // runs it here if no thread has begun it
//
// Requests begin in the order in which they were submitted, whoever submits; how they end depends
// on their sizes. Only aml_dma_copy() of less than two chunks passes by the queue, and is done by
// its caller at once, unless it has an operation, notify, an eventfd or what it comes after. A
// request with `after` is begun in its turn and then waits, in a thread of the dma unless all that
// it comes after was done when it was submitted. The queue is bounded: where it is full, submit
// runs some requests from it and waits for its turn, or says -AML_EAGAIN with AML_DMA_TRY, and
// always within an operation or notify. Whoever waits, submits to a full queue or asks for a
// barrier may so run operations and notify of others in its own thread; but who waits for one
// request begins no large copy of another.
//
// Large copies are cut into parts, for a contiguous tile at multiples of 4096 bytes from its base.
// Each thread begins with its own share, which is of consecutive parts, so that it does the same
// part of the same tiles each time; so does who waits, which takes part in others' copies too, and
// begins no more of them once its own request is done. Who is through goes on with what nobody has
// begun. Where threads may run on several NUMA nodes and parts are of 1 MiB or more, shares are of
// the parts whose destination is on a thread's own node, or nearer to it than to any other node
// that threads run on, as told by the page in the middle of each part: parts then are of 1 MiB, or
// of chunk_size if that is more, and larger past 2048 of them. Who finds none of these left goes on
// with parts that are near to no one node, or of pages that nobody has touched, and then with any.
//
// Idle threads look for work for a while before they sleep: to wake one takes a system call and
// some microseconds, to reach one that looks takes some tens of nanoseconds.
//
// Threads: thread-safe. They have all signals blocked.
// Fork: the child has the dma without its threads, and is refused, as aml/core/dma.h says.
// Cost: no thread is made, and no byte allocated, after init. Submit, wait and cancel make no
// system call unless a thread sleeps that is to be woken, there is nothing left to do but sleep, or
// nodes are looked up: in one call for each 64 parts, and one for each thread that takes part.

#ifndef AML_DMA_PARALLEL_H
#define AML_DMA_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The most threads that a parallel dma may have. */
#define AML_DMA_PARALLEL_MAX_THREADS 256

/** How a parallel dma is made; each field's zero is its default. */
struct aml_dma_parallel_options {
  /**
   * How many; 0: as many as `cpus`, or else one less than there are in `cpu_set`, or than the
   * caller may run on, and 1 at least.
   */
  size_t thread_count;
  /** Where they run: thread i on CPU cpus[i % cpu_count] only. Not kept. Null: anywhere. */
  const int *cpus;
  size_t cpu_count; /**< of `cpus` */
  /**
   * Instead of `cpus`: each thread on any of these. Near a device are those that
   * aml_devices_nearest_cpus() tells. Not kept.
   */
  const struct aml_cpuset *cpu_set;
  /** Requests that wait for a thread at once; rounded up to a power of two. 0: 1024. */
  size_t queue_size;
  /** Parts of large copies are of this many bytes, of more past 8 a thread; 0: 1 MiB. */
  size_t chunk_size;
  /** How long idle threads, and those who wait, look before they sleep; 0: 50 microseconds. */
  uint64_t spin_ns;
  size_t stream_size;  /**< as of dma:sequential */
  const char *kernels; /**< as of dma:sequential */
};

struct aml_internal_parallel;

/** A parallel dma; use functions. */
struct aml_dma_parallel {
  struct aml_dma dma;
  struct aml_internal_parallel *state; /**< null: not initialised */
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_parallel_ops;

/** Declare `struct aml_dma *name`, to be initialised as a parallel dma. */
#define AML_DMA_PARALLEL_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_dma_parallel, aml_dma, dma, aml_dma_parallel_ops, name)

/**
 * Initialise a parallel dma, and start its threads. Where this process may have memory of several
 * nodes, that reads the devices: aml_devices_read().
 *
 * @param dma      declared by AML_DMA_PARALLEL_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: an argument, storage of another type, or no CPU that threads may run
 * on; -AML_ENOTSUP: kernels; -AML_ENOMEM; -AML_EAGAIN: no more threads.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_parallel_init(struct aml_dma *dma,
                                                    const struct aml_dma_parallel_options *options);

/** Allocate and initialise one; as aml_dma_parallel_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_parallel_create(struct aml_dma **dma, const struct aml_dma_parallel_options *options);

#ifdef __cplusplus
}
#endif

#endif
