// SPDX-License-Identifier: BSD-3-Clause
//
// dma:file: moves tiles between memory and files, and from file to file, while its submitters go
// on. A tile is in a file if its area says so (AML_AREA_FILE_BACKED and _SHARED, and
// aml_area_info::native is AML_NATIVE_FILE); its addresses then stand for offsets, and are never
// dereferenced. An area:file serves: what is mapped but not touched takes no memory.
//
//     AML_DMA_FILE_DECL(dma);
//     int err = aml_dma_file_init(dma, &(struct aml_dma_file_options){
//         .direct = AML_DMA_FILE_DIRECT_IF_POSSIBLE});
//     …
//     err = aml_dma_submit(dma, &request, &slot, &tile_of_file, NULL);
//
// A request is cut into pieces, several of which are under way at once: by io_uring, or by threads
// that read and write. Where a tile's rows are dense in the file, a piece is one vectored call. Of
// small rows with holes between them a read takes the range that they span and picks them out of a
// buffer (data sieving); a write never does, so no byte outside of the tile is ever written. With
// O_DIRECT only whole pages go past the page cache, and the rest of a tile goes through it; so
// requests in flight may write different bytes of one page. A file that is read through that cache,
// or by a mapping, while it is written past it close by is at its file system's mercy: open(2).
//
// Short transfers are continued, and calls that a signal cut short are repeated. What goes wrong is
// for wait, with file and offset: -AML_EIO, also if the file ends before a tile that is read;
// -AML_ENOSPC for a full disk or a file that would grow too large, with SIGXFSZ ignored. What was
// transferred until then stays. Descriptors stay open, and files as long as they are, until the
// request is done. One that must be opened again, for or against O_DIRECT, is kept so until the
// room is needed or the dma ends; if it has no name any more, until its last request is done.
//
// Tiles that are both in memory are copied by its threads. Operations are -AML_ENOTSUP, and so is
// AML_DMA_OVERLAP for files that do overlap.
//
// Threads: thread-safe. Its own have all signals blocked. A notify that submits to a full queue of
// the same dma is told -AML_EAGAIN.
// Fork: the child has the dma without its threads, and is refused, as aml/core/dma.h says. Where it
// ends the dma, it closes what it has inherited of the ring and of files opened again. What open(2)
// says of O_DIRECT and fork holds for memory that is under way past the page cache.
// Cost: no thread is made, and no byte allocated, after init; buffers are touched only where data
// passes through them. Of io_uring, the kernel may make threads of its own.

#ifndef AML_DMA_FILE_H
#define AML_DMA_FILE_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What transfers the data. */
enum aml_dma_file_backend {
  AML_DMA_FILE_AUTO = 0, /**< io_uring if there is one here, else threads */
  AML_DMA_FILE_URING,    /**< io_uring, and one thread that looks after it */
  AML_DMA_FILE_THREADS   /**< threads that call preadv(2) and pwritev(2) */
};

/** Whether data goes past the system's page cache. */
enum aml_dma_file_direct {
  AML_DMA_FILE_BUFFERED = 0,       /**< no, unless the descriptor has O_DIRECT already */
  AML_DMA_FILE_DIRECT_IF_POSSIBLE, /**< where the file system can */
  AML_DMA_FILE_DIRECT              /**< files that cannot are refused with -AML_ENOTSUP */
};

/** How a file dma is made; each field's zero is its default. */
struct aml_dma_file_options {
  enum aml_dma_file_backend backend;
  enum aml_dma_file_direct direct;
  size_t depth;      /**< pieces under way at once by io_uring, at most 1024; 0: 8 */
  size_t threads;    /**< of the other backend, at most 256; 0: 4 */
  size_t piece_size; /**< bytes, rounded up to 4096, at most 1 GiB; 0: 1 MiB */
  size_t queue_size; /**< requests in flight at once, at most 65536; 0: 256 */
  /** Bytes in 100 that must be wanted for a read to take what lies between; 0: 50. Above: never. */
  size_t sieve_percent;
};

struct aml_internal_file;

/** A file dma; use functions. */
struct aml_dma_file {
  struct aml_dma dma;
  struct aml_internal_file *state; /**< null: not initialised */
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_file_ops;

/** Declare `struct aml_dma *name`, to be initialised as a file dma. */
#define AML_DMA_FILE_DECL(name) AML_BLOCK_DECL(aml_dma_file, aml_dma, dma, aml_dma_file_ops, name)

/**
 * Initialise a file dma, and start its threads.
 *
 * @param dma      declared by AML_DMA_FILE_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: an argument, or storage of another type; -AML_ENOTSUP: io_uring is
 * asked for and not to be had, and the sentence says why; -AML_ENOMEM; -AML_EAGAIN: no more
 * threads.
 */
AML_PUBLIC AML_MUST_CHECK int aml_dma_file_init(struct aml_dma *dma,
                                                const struct aml_dma_file_options *options);

/** Allocate and initialise one; as aml_dma_file_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_dma_file_create(struct aml_dma **dma,
                                                  const struct aml_dma_file_options *options);

/**
 * Tell which backend was chosen.
 *
 * @param dma     initialised as a file dma.
 * @param reason  why, as a clause ("io_uring_queue_init: Operation not permitted"); lives as long
 *                as the dma. May be null.
 *
 * Returns: AML_DMA_FILE_URING or _THREADS; AML_DMA_FILE_AUTO, and *reason untouched, for null, a
 * dma of another type or one that is not initialised.
 */
AML_PUBLIC enum aml_dma_file_backend aml_dma_file_backend_of(const struct aml_dma *dma,
                                                             const char **reason);

#ifdef __cplusplus
}
#endif

#endif
