// SPDX-License-Identifier: BSD-3-Clause
//
// What area:file knows, and how it opens its file, has room in it, and maps that.
//
// Threads: thread-safe, but for open and close.

#ifndef AML_AREA_INTERNAL_FILE_STATE_H
#define AML_AREA_INTERNAL_FILE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/area/file.h"
#include "aml/area/internal/extents.h"
#include "aml/area/internal/ranges.h"
#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_FILE_MAX_ALIGNMENT = 1 << 30 };

struct aml_area_file_state {
  pthread_mutex_t lock;                /**< guards the next three, and growing a sparse file */
  struct aml_internal_extents extents; /**< of the file, by offset */
  struct aml_internal_ranges live;     /**< of the process, by address */
  uint64_t used_end;                   /**< what lies before was in a piece once */
  char *path;                          /**< for sentences */
  int descriptor;
  enum aml_area_file_kind kind;
  unsigned flags; /**< DURABLE: it is had */
  size_t page_size;
};

/** Opens the file, and sets all but the lock. Returns a code, recorded as of init. */
int aml_internal_file_open(struct aml_area_file_state *state,
                           const struct aml_area_file_options *options);

/** Undoes that; records that are left are freed by the caller. */
void aml_internal_file_close(struct aml_area_file_state *state);

/** Records that a system call on the file failed. */
int aml_internal_file_refuse(const struct aml_area_file_state *state, const char *call,
                             const char *what, int number);

/** Whether the area made the file. */
bool aml_internal_file_is_made(const struct aml_area_file_state *state);

/**
 * Makes sure that a range of the file is there, allocated and, unless `is_dirty`, zero if the area
 * made it; checks that it is there otherwise.
 */
int aml_internal_file_have(struct aml_area_file_state *state, const char *call, uint64_t offset,
                           size_t size, bool is_dirty);

/** Checks that the file has the page before an offset. */
int aml_internal_file_check_end(const struct aml_area_file_state *state, const char *call,
                                uint64_t end);

/** Gives the blocks of a range of a temporary file back. */
void aml_internal_file_drop(const struct aml_area_file_state *state, uint64_t offset, size_t size);

/** Maps a range of the file as the options ask. */
int aml_internal_file_map(const struct aml_area_file_state *state, const char *call,
                          uint64_t offset, size_t size, const struct aml_area_map_options *options,
                          void **pointer);

#ifdef __cplusplus
}
#endif

#endif
