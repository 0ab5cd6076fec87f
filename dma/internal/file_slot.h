// SPDX-License-Identifier: BSD-3-Clause
//
// What moves one piece: some transfers one after the other, each by one call of the system or,
// where that comes back short, several. Whoever drives a slot, a thread or a ring, does
//
//     for (more = aml_internal_file_slot_begin(…); more;)
//       more = aml_internal_file_slot_complete(slot, transfer slot->iov … → bytes, or -errno);

#ifndef AML_DMA_INTERNAL_FILE_SLOT_H
#define AML_DMA_INTERNAL_FILE_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/file_handle.h"
#include "aml/dma/internal/file_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_FILE_VECTORS = 256,     /**< in one call */
  AML_INTERNAL_FILE_MIN_VECTOR = 2048, /**< bytes; shorter runs are gathered in a buffer */
  AML_INTERNAL_FILE_MAX_TRANSFERS = 4
};

/** Which way a piece goes. */
enum aml_internal_file_way {
  AML_INTERNAL_FILE_READ,
  AML_INTERNAL_FILE_WRITE,
  AML_INTERNAL_FILE_RELAY /**< from file to file: read, then written */
};

/** A transfer between one buffer, or the vectors of the slot, and a range of a file. */
struct aml_internal_file_transfer {
  int descriptor;
  bool is_write;
  uint64_t offset;
  char *data; /**< null: the vectors hold it */
  size_t size;
  size_t needed;    /**< bytes; where it is less than size the file may end behind them */
  size_t alignment; /**< of a direct one; else 1 */
};

struct aml_internal_file_slot {
  const struct aml_internal_copy_engine *engine;
  char *buffer; /**< aligned, of a piece and an alignment at each end */
  void *owner;  /**< the driver's own */
  enum aml_internal_file_way way;
  enum aml_dma_use use;
  struct aml_internal_file_piece piece;
  uint64_t source_offset; /**< of a RELAY, whose piece tells where to */
  struct aml_internal_file_side file;
  struct aml_internal_file_side source; /**< of a RELAY */
  struct aml_internal_file_transfer transfers[AML_INTERNAL_FILE_MAX_TRANSFERS];
  size_t count;             /**< of transfers */
  size_t at;                /**< which one is under way */
  size_t moved;             /**< bytes of that one */
  const char *scatter_from; /**< null: what was read is where it belongs */
  struct iovec iov[AML_INTERNAL_FILE_VECTORS];
  size_t first; /**< of those that are left */
  size_t vectors;
  int error; /**< 0, or a negated code */
  char reason[AML_DMA_REASON_CAPACITY];
};

/**
 * Begins the piece that the slot was given. Returns: whether there is a transfer to make: vectors
 * [first, vectors) and the transfer `at`, from `moved` bytes on.
 */
bool aml_internal_file_slot_begin(struct aml_internal_file_slot *slot);

/** Takes what a transfer came to: bytes, or -errno. Returns: as begin. */
bool aml_internal_file_slot_complete(struct aml_internal_file_slot *slot, int64_t result);

#ifdef __cplusplus
}
#endif

#endif
