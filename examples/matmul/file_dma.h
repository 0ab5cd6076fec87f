// SPDX-License-Identifier: BSD-3-Clause
//
// A type of dma of this program's own: it moves tiles between a file and memory, by pread and
// pwrite. The file is any area whose native handle is a descriptor (AML_NATIVE_FILE).
//
// A transfer is one call of the system for each run of elements that is contiguous both in the
// file and in memory, so a tile's place in memory should have the order that the file has. Calls
// that a signal interrupts or that move less than was asked for are continued.
//
// Threads: thread-compatible. A copy is done when submit returns; its outcome is for wait.

#ifndef MATMUL_FILE_DMA_H
#define MATMUL_FILE_DMA_H

#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A dma between files and memory. */
struct file_dma {
  struct aml_dma dma;
  uint64_t read_size;    /**< bytes read from files */
  uint64_t written_size; /**< bytes written to files */
  uint64_t calls;        /**< of pread and pwrite */
};

extern const struct aml_dma_ops file_dma_ops;

/** Declare `struct aml_dma *name`, to be initialised as a file dma. */
#define FILE_DMA_DECL(name) AML_BLOCK_DECL(file_dma, aml_dma, dma, file_dma_ops, name)

/**
 * Initialise a file dma.
 *
 * Its submit says -AML_ENOTSUP unless one tile is in a file and the other in memory that the host
 * can touch, and for an operation. What a copy may fail with: -AML_EIO (also for a file that ends
 * before the tile does), -AML_ENOSPC, and what else the system says; the sentence names the file
 * and the offset.
 *
 * Returns: 0; -AML_EINVAL.
 */
AML_MUST_CHECK int file_dma_init(struct aml_dma *dma);

/** Allocate and initialise one; -AML_ENOMEM, and else as file_dma_init(). */
AML_MUST_CHECK int file_dma_create(struct aml_dma **dma);

#ifdef __cplusplus
}
#endif

#endif
