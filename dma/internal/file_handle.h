// SPDX-License-Identifier: BSD-3-Clause
//
// The descriptors by which a file is reached: the area's own, and another one for or against
// O_DIRECT. Those that had to be opened are kept, since to open one costs more than a small read.

#ifndef AML_DMA_INTERNAL_FILE_HANDLE_H
#define AML_DMA_INTERNAL_FILE_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /** The largest alignment of O_DIRECT that is met; files that want more are as if without it. */
  AML_INTERNAL_FILE_MAX_ALIGNMENT = 4096,
  AML_INTERNAL_FILE_IDLE_HANDLES = 16
};

/** A file opened again. */
struct aml_internal_file_handle {
  bool is_open; /**< else nothing below holds */
  size_t users;
  dev_t device;
  ino_t inode;
  int access;   /**< the flags of the area's descriptor that another one must have or lack too */
  int reopened; /**< -1: it cannot be */
  size_t alignment;
};

/** Handles by file; a lock around it is the caller's. */
struct aml_internal_file_handles {
  struct aml_internal_file_handle *handle;
  size_t capacity; /**< as many as can be in use at once */
  size_t used;     /**< none from here on was ever open */
};

/** How one side of a request is reached. */
struct aml_internal_file_side {
  int descriptor; /**< the area's own, for sentences */
  int buffered;
  int direct;       /**< -1: none */
  size_t alignment; /**< of direct transfers: offset, size and memory; a power of two */
  /** What direct writes are whole multiples of: the page cache and they share no unit of it. */
  size_t grain;
  struct aml_internal_file_handle *handle; /**< null: the area's descriptor serves alone */
};

/**
 * Finds or opens what reaches a file.
 *
 * @param is_written  else it is read.
 * @param wish        0: as the descriptor is; 1: direct where that can be; 2: direct, or refused.
 *
 * Returns: 0; -AML_ENOTSUP or a failure of the system, with a sentence on aml_dma_submit().
 */
int aml_internal_file_handles_acquire(struct aml_internal_file_handles *handles, int descriptor,
                                      bool is_written, int wish,
                                      struct aml_internal_file_side *side);

/** Gives back what acquire found; that of a file without a name is closed with its last user. */
void aml_internal_file_handles_release(const struct aml_internal_file_side *side);

/** Whether two descriptors are of one file, as far as the system tells. */
bool aml_internal_file_is_same(int one, int other);

/** Closes all. */
void aml_internal_file_handles_close(struct aml_internal_file_handles *handles);

/** Closes those that the child of a fork has inherited whole; another thread may have been at it.
 */
void aml_internal_file_handles_abandon(struct aml_internal_file_handles *handles);

/** Writes the file's path, or its end if that is long, to `path`. */
void aml_internal_file_path(int descriptor, char *path, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
