// SPDX-License-Identifier: BSD-3-Clause
//
// What areas over a descriptor know, and how they have room in the file and map that.
//
// Threads: thread-safe, but for close.

#ifndef AML_AREA_INTERNAL_FILE_STATE_H
#define AML_AREA_INTERNAL_FILE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
  bool is_made;      /**< by the area, so that it may grow, and fresh pieces are zero */
  bool is_temporary; /**< likewise, and what is unmapped need not be kept */
  bool is_read_only;
  bool is_private;
  bool is_sparse;            /**< blocks are not allocated ahead */
  bool is_durable;           /**< by MAP_SYNC */
  bool is_cleared_by_stores; /**< it has no holes, and cannot be written but by stores */
  bool is_unlinked_by_name;  /**< `path` is of POSIX shared memory, and goes with the area */
  size_t page_size;
};

/** Ends all but the lock and the records by address, which are the caller's to end. */
void aml_internal_file_close(struct aml_area_file_state *state);

/** Records that a system call on the file failed. */
int aml_internal_file_refuse(const struct aml_area_file_state *state, const char *call,
                             const char *what, int number);

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
