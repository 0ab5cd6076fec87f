// SPDX-License-Identifier: BSD-3-Clause
//
// posix_fallocate(3), fallocate(2), ftruncate(2), mmap(2).

#include "aml/area/internal/file_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

void aml_internal_file_close(struct aml_area_file_state *state) {
  aml_internal_extents_clear(&state->extents);
  if (state->descriptor >= 0)
    (void)close(state->descriptor);
  if (state->is_unlinked_by_name)
    (void)shm_unlink(state->path);
  free(state->path);
}

int aml_internal_file_refuse(const struct aml_area_file_state *state, const char *call,
                             const char *what, int number) {
  char text[200];
  (void)snprintf(text, sizeof text, "%s %s", what, state->path);
  return aml_error_set_system(call, text, number);
}

static int punch(const struct aml_area_file_state *state, uint64_t offset, size_t size) {
  return fallocate(state->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                   (off_t)size);
}

void aml_internal_file_drop(const struct aml_area_file_state *state, uint64_t offset, size_t size) {
  if (state->is_temporary)
    (void)punch(state, offset, size);
}

/** Writes zeros, where the file system has no holes. */
static int write_zeros(const struct aml_area_file_state *state, uint64_t offset, size_t size) {
  static const char zeros[65536];
  while (size > 0) {
    const ssize_t written =
        pwrite(state->descriptor, zeros, size < sizeof zeros ? size : sizeof zeros, (off_t)offset);
    if (written < 0 && errno != EINTR)
      return errno;
    if (written > 0) {
      offset += (uint64_t)written;
      size -= (size_t)written;
    }
  }
  return 0;
}

/** Makes what was in a piece before zero again. */
static int clean(const struct aml_area_file_state *state, uint64_t offset, size_t size) {
  if (punch(state, offset, size) == 0)
    return 0;
  return errno == EOPNOTSUPP ? write_zeros(state, offset, size) : errno;
}

/** Makes the file long enough; under the lock, as two that grow it could else shorten it. */
static int grow(struct aml_area_file_state *state, uint64_t end) {
  struct stat status;
  int number = 0;
  (void)pthread_mutex_lock(&state->lock);
  if (fstat(state->descriptor, &status) != 0 ||
      ((uint64_t)status.st_size < end && ftruncate(state->descriptor, (off_t)end) != 0))
    number = errno;
  (void)pthread_mutex_unlock(&state->lock);
  return number;
}

int aml_internal_file_check_end(const struct aml_area_file_state *state, const char *call,
                                uint64_t end) {
  struct stat status;
  if (fstat(state->descriptor, &status) != 0)
    return aml_internal_file_refuse(state, call, "fstat", errno);
  size_t file_end = 0;
  if (!aml_checked_round_up((size_t)status.st_size, state->page_size, &file_end) || end > file_end)
    return aml_error_set(-AML_EIO, call, state->path, "has become shorter than its mappings");
  return 0;
}

int aml_internal_file_have(struct aml_area_file_state *state, const char *call, uint64_t offset,
                           size_t size, bool is_dirty) {
  const uint64_t end = offset + size;
  if (!state->is_made)
    return aml_internal_file_check_end(state, call, end);
  (void)pthread_mutex_lock(&state->lock);
  const uint64_t used_end = state->used_end;
  state->used_end = used_end > end ? used_end : end;
  (void)pthread_mutex_unlock(&state->lock);
  int number = 0;
  if (!is_dirty && offset < used_end && !state->is_cleared_by_stores)
    number = clean(state, offset, (size_t)((end < used_end ? end : used_end) - offset));
  if (number != 0)
    return aml_internal_file_refuse(state, call, "fallocate", number);
  if (state->is_sparse) {
    number = grow(state, end);
    return number == 0 ? 0 : aml_internal_file_refuse(state, call, "ftruncate", number);
  }
  do
    number = posix_fallocate(state->descriptor, (off_t)offset, (off_t)size);
  while (number == EINTR);
  if (number == EFBIG)
    number = ENOSPC;
  return number == 0 ? 0 : aml_internal_file_refuse(state, call, "posix_fallocate", number);
}

/** Reserves addresses with an aligned place in them, and tells that. */
static char *reserve(size_t size, size_t alignment, size_t page_size, size_t *total, char **base) {
  if (!aml_checked_add(size, alignment - page_size, total))
    return NULL;
  *base = mmap(NULL, *total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (*base == MAP_FAILED)
    return NULL;
  return *base + ((0 - (uintptr_t)*base) & (alignment - 1));
}

/** Maps at an alignment beyond a page. */
static void *map_aligned(const struct aml_area_file_state *state, uint64_t offset, size_t size,
                         size_t alignment, int access, int flags) {
  size_t total = 0;
  char *base = NULL;
  char *const place = reserve(size, alignment, state->page_size, &total, &base);
  if (place == NULL)
    return MAP_FAILED;
  void *const mapped =
      mmap(place, size, access, flags | MAP_FIXED, state->descriptor, (off_t)offset);
  if (mapped == MAP_FAILED) {
    const int number = errno;
    (void)munmap(base, total);
    errno = number;
    return MAP_FAILED;
  }
  const size_t before = (size_t)(place - base);
  const size_t behind = total - before - size;
  if ((before != 0 && munmap(base, before) != 0) ||
      (behind != 0 && munmap(place + size, behind) != 0)) {
    const int number = errno;
    (void)munmap(base, total);
    errno = number;
    return MAP_FAILED;
  }
  return mapped;
}

int aml_internal_file_map(const struct aml_area_file_state *state, const char *call,
                          uint64_t offset, size_t size, const struct aml_area_map_options *options,
                          void **pointer) {
  const bool is_exact = (options->flags & AML_AREA_MAP_EXACT) != 0;
  const int access = PROT_READ | (state->is_read_only ? 0 : PROT_WRITE);
  int flags = state->is_private ? MAP_PRIVATE : MAP_SHARED;
  if (state->is_durable)
    flags = MAP_SHARED_VALIDATE | MAP_SYNC;
  flags |= (options->flags & AML_AREA_MAP_POPULATE) != 0 ? MAP_POPULATE : 0;
  void *mapped = MAP_FAILED;
  if (!is_exact && options->alignment > state->page_size)
    mapped = map_aligned(state, offset, size, options->alignment, access, flags);
  else
    mapped = mmap(options->hint, size, access, flags | (is_exact ? MAP_FIXED_NOREPLACE : 0),
                  state->descriptor, (off_t)offset);
  if (mapped == MAP_FAILED)
    return aml_internal_file_refuse(state, call, "mmap", errno);
  if (is_exact && mapped != options->hint) {
    // A kernel before 4.17, to which the flag means nothing.
    (void)munmap(mapped, size);
    return aml_internal_file_refuse(state, call, "mmap", EEXIST);
  }
  *pointer = mapped;
  return 0;
}
