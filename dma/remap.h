// SPDX-License-Identifier: BSD-3-Clause
//
// dma:remap: moves the pages of the source to the destination's addresses, instead of copying what
// is in them. The source's contents are given up: it reads as zeros afterwards.
//
//     AML_DMA_REMAP_DECL(dma);
//     int err = aml_dma_remap_init(dma, &(struct aml_dma_remap_options){.inner = copying});
//     …
//     err = aml_dma_copy(dma, &dst, &src, NULL);   // src is zeros now, or else as it was: see
//     below
//
// That is done for whole pages that both tiles have as one run, are not less than `min_size`, and
// lie in private memory of no file that may be read and written. What cannot be moved is copied by
// the inner dma, and its source then stays; without an inner dma it is refused.
//
// Pages go along with all that they have: the device that they are on, their sizes, locks; so does
// the advice and policy of the source's mapping, which the destination's loses.
//
// Threads: thread-safe if the inner dma is. Nobody may touch either tile meanwhile, nor map or
// unmap memory there.
// Fork: the child's finds out about mappings in a slower way.
// Cost: a system call for finding out about each mapping, one for moving: some microseconds for 2
// MiB, where memcpy takes six to eight times as long; least where both tiles lie equally within 2
// MiB, as whole page tables move then. Kernels before 6.11 tell of mappings by text, the slower the
// more there are. No thread is made, and no byte allocated, after init; as much stays mapped as
// was.

#ifndef AML_DMA_REMAP_H
#define AML_DMA_REMAP_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a remapping dma is made; each field's zero is its default. */
struct aml_dma_remap_options {
  struct aml_dma *inner; /**< for what cannot be moved; not owned, lives longer. Null: refused */
  size_t min_size;       /**< bytes below which tiles are copied; 0: 2 MiB */
};

/** A remapping dma; use functions. */
struct aml_dma_remap {
  struct aml_dma dma;
  struct aml_dma *inner; /**< null: none */
  size_t min_size;       /**< 0: not initialised */
  int maps;              /**< what tells of this process's mappings; -1: read anew each time */
  uint64_t process;      /**< that `maps` tells of */
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_remap_ops;

/** Declare `struct aml_dma *name`, to be initialised as a remapping dma. */
#define AML_DMA_REMAP_DECL(name)                                                                   \
  AML_BLOCK_DECL(aml_dma_remap, aml_dma, dma, aml_dma_remap_ops, name)

/**
 * Initialise a remapping dma.
 *
 * Its submit says, besides what the generic one does, -AML_ENOTSUP (without an inner dma: tiles
 * that cannot be moved). Its wait says -AML_ENOMEM if the kernel moved nothing for want of memory
 * or mappings, and there is no inner dma to copy; the destination's contents are lost then.
 *
 * @param dma      declared by AML_DMA_REMAP_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: storage of another type; -AML_ENOTSUP: this kernel moves no pages while
 * it keeps the mapping (Linux does from 5.7 on).
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_remap_init(struct aml_dma *dma,
                                                 const struct aml_dma_remap_options *options);

/** Allocate and initialise one; as aml_dma_remap_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_dma_remap_create(struct aml_dma **dma,
                                                   const struct aml_dma_remap_options *options);

#ifdef __cplusplus
}
#endif

#endif
