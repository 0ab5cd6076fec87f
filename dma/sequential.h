// SPDX-License-Identifier: BSD-3-Clause
//
// dma:sequential: copies in the caller, at submit. A request is done when submit returns, so
// waiting costs a load.
//
//     AML_DMA_SEQUENTIAL_DECL(dma);
//     int err = aml_dma_sequential_init(dma, NULL);
//     …
//     err = aml_dma_copy(dma, &dst, &src, NULL);
//
// It takes any two tiles of equal extents in memory that the host can load from and store to:
// contiguous, strided, transposed, of any element size.
//
// AML_DMA_OVERLAP works for tiles of the same strides; for others that overlap, which would need
// a buffer, it is -AML_ENOTSUP.
//
// Threads: thread-safe.
// Cost: no system call and no allocation. Large copies whose destination is not read soon are
// written past the caches, where the CPU can.

#ifndef AML_DMA_SEQUENTIAL_H
#define AML_DMA_SEQUENTIAL_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_kernels;

/** How a sequential dma is made; each field's zero is its default. */
struct aml_dma_sequential_options {
  /**
   * Copies of that many bytes and more, in runs of a page at least, go past the caches if nothing
   * is known of the destination's use (if it is read soon: of twice as many). 0: half of the
   * largest cache, or 16 MiB if the system does not tell. SIZE_MAX: never.
   */
  size_t stream_size;
  /**
   * Which loops copy: "avx512", "avx512_halves" (for CPUs that move vectors of 64 bytes by halves),
   * "avx2", "neon", "portable"; null: those that are best on this CPU.
   */
  const char *kernels;
};

/** A sequential dma; use functions. Does not change once initialised. */
struct aml_dma_sequential {
  struct aml_dma dma;
  const struct aml_internal_kernels *kernels;
  size_t stream_size;
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_sequential_ops;

/** Declare `struct aml_dma *name`, to be initialised as a sequential dma. */
#define AML_DMA_SEQUENTIAL_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_dma_sequential, aml_dma, dma, aml_dma_sequential_ops, name)

/**
 * Initialise a sequential dma.
 *
 * @param dma      declared by AML_DMA_SEQUENTIAL_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, or storage of another type; -AML_ENOTSUP: kernels that this CPU
 * lacks, or that are not known.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_sequential_init(struct aml_dma *dma, const struct aml_dma_sequential_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_dma_sequential_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_sequential_create(struct aml_dma **dma, const struct aml_dma_sequential_options *options);

#ifdef __cplusplus
}
#endif

#endif
