// SPDX-License-Identifier: BSD-3-Clause
//
// open(2), mmap(2) for MAP_SYNC.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aml/area/internal/extents.h"
#include "aml/core/error.h"
#include "area/internal/file_open.h"

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

static const char CALL[] = "aml_area_file_init";
static const unsigned FLAGS =
    AML_AREA_FILE_READ_ONLY | AML_AREA_FILE_PRIVATE | AML_AREA_FILE_SPARSE | AML_AREA_FILE_DURABLE;

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, CALL, argument, reason);
}

static int check_options(const struct aml_area_file_options *options, size_t page_size) {
  const bool is_made = options->kind != AML_AREA_FILE_EXISTING;
  if (options->kind > AML_AREA_FILE_TEMPORARY)
    return refuse("kind", "is none of a file");
  if ((options->flags & ~FLAGS) != 0)
    return refuse("flags", "has an unknown bit");
  if ((options->wishes & ~(unsigned)AML_AREA_GRANT_SYNC) != 0)
    return refuse("wishes", "has a bit that is no wish of a file");
  if (is_made && (options->flags & (AML_AREA_FILE_READ_ONLY | AML_AREA_FILE_PRIVATE)) != 0)
    return refuse("flags", "makes a file that nothing could be written to");
  if ((options->flags & AML_AREA_FILE_DURABLE) != 0 &&
      (options->flags & (AML_AREA_FILE_READ_ONLY | AML_AREA_FILE_PRIVATE)) != 0)
    return refuse("flags", "asks for durable stores where there are none");
  if (options->path == NULL && options->kind != AML_AREA_FILE_TEMPORARY)
    return refuse("path", "is null");
  if (options->offset % page_size != 0)
    return aml_error_set_value(-AML_EINVAL, CALL, "offset", options->offset,
                               "is not a multiple of a page");
  if (options->offset > INT64_MAX - page_size || options->size > INT64_MAX - options->offset)
    return refuse("size", "reaches past the largest file");
  return 0;
}

static const char *folder_of(const struct aml_area_file_options *options) {
  const char *const given = options->path != NULL ? options->path : getenv("TMPDIR");
  return given != NULL && *given != '\0' ? given : "/tmp";
}

static char *copy_of(const char *text) {
  const size_t size = strlen(text) + 1;
  char *const copy = malloc(size);
  return copy == NULL ? NULL : memcpy(copy, text, size);
}

/** Opens a file without a name, where the file system can, else one whose name goes at once. */
static int open_temporary(const char *folder) {
  static const char pattern[] = "/aml-XXXXXX";
  int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
    return descriptor;
  const size_t length = strlen(folder);
  char *const name = malloc(length + sizeof pattern);
  if (name == NULL)
    return -1;
  memcpy(name, folder, length);
  memcpy(name + length, pattern, sizeof pattern);
  descriptor = mkostemp(name, O_CLOEXEC);
  if (descriptor >= 0)
    (void)unlink(name);
  free(name);
  return descriptor;
}

static int open_file(const struct aml_area_file_state *state,
                     const struct aml_area_file_options *options) {
  const bool is_read_only = (options->flags & AML_AREA_FILE_READ_ONLY) != 0 ||
                            (options->flags & AML_AREA_FILE_PRIVATE) != 0;
  // O_NONBLOCK: a pipe that nobody writes to is refused, not waited for.
  const int existing = (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
  const unsigned mode = options->mode != 0 ? options->mode : 0600;
  switch (options->kind) {
  case AML_AREA_FILE_NEW:
    return open(options->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  case AML_AREA_FILE_TEMPORARY:
    return open_temporary(state->path);
  case AML_AREA_FILE_EXISTING:
    break;
  }
  return open(options->path, existing);
}

/** Finds out whether the file system has what DURABLE asks for. */
static int try_durable(struct aml_area_file_state *state, unsigned wishes) {
  if (!state->is_durable)
    return 0;
  void *const page = mmap(NULL, state->page_size, PROT_READ | PROT_WRITE,
                          MAP_SHARED_VALIDATE | MAP_SYNC, state->descriptor, 0);
  if (page != MAP_FAILED) {
    (void)munmap(page, state->page_size);
    return 0;
  }
  if ((wishes & AML_AREA_GRANT_SYNC) == 0)
    return aml_internal_file_refuse(state, CALL, "mmap(MAP_SYNC)", errno);
  state->is_durable = false;
  return 0;
}

/** The bytes of the area's range. */
static int measure(const struct aml_area_file_state *state,
                   const struct aml_area_file_options *options, size_t *size) {
  struct stat status;
  if (fstat(state->descriptor, &status) != 0)
    return aml_internal_file_refuse(state, CALL, "fstat", errno);
  if (!S_ISREG(status.st_mode))
    return refuse("path", "is not of a regular file");
  const size_t page = state->page_size;
  uint64_t end = INT64_MAX - page + 1;
  if (!state->is_made)
    end = ((uint64_t)status.st_size + page - 1) & ~((uint64_t)page - 1);
  if (options->size != 0) {
    const uint64_t wanted = (options->offset + options->size + page - 1) & ~((uint64_t)page - 1);
    if (wanted > end)
      return aml_error_set_value(-AML_EIO, CALL, "size", options->size,
                                 "reaches beyond the end of the file");
    end = wanted;
  }
  if (end <= options->offset)
    return aml_error_set_value(-AML_EINVAL, CALL, "offset", options->offset,
                               "leaves nothing of the file");
  *size = (size_t)(end - options->offset);
  return 0;
}

int aml_internal_file_open(struct aml_area_file_state *state,
                           const struct aml_area_file_options *options) {
  state->page_size = (size_t)sysconf(_SC_PAGESIZE);
  int err = check_options(options, state->page_size);
  if (err)
    return err;
  state->is_made = options->kind != AML_AREA_FILE_EXISTING;
  state->is_temporary = options->kind == AML_AREA_FILE_TEMPORARY;
  state->is_read_only = (options->flags & AML_AREA_FILE_READ_ONLY) != 0;
  state->is_private = (options->flags & AML_AREA_FILE_PRIVATE) != 0;
  state->is_sparse = (options->flags & AML_AREA_FILE_SPARSE) != 0;
  state->is_durable = (options->flags & AML_AREA_FILE_DURABLE) != 0;
  state->path =
      copy_of(options->kind == AML_AREA_FILE_TEMPORARY ? folder_of(options) : options->path);
  if (state->path == NULL)
    return aml_error_set(-AML_ENOMEM, CALL, NULL, "no memory for the path");
  size_t size = 0;
  state->descriptor = open_file(state, options);
  err = state->descriptor < 0 ? aml_internal_file_refuse(state, CALL, "open", errno) : 0;
  if (!err)
    err = measure(state, options, &size);
  if (!err)
    err = try_durable(state, options->wishes);
  if (!err && aml_internal_extents_add(&state->extents, (uintptr_t)options->offset, size) !=
                  AML_INTERNAL_EXTENTS_OK)
    err = aml_error_set(-AML_ENOMEM, CALL, NULL, "no memory for the record of the file");
  if (err) {
    if (state->descriptor >= 0 && options->kind == AML_AREA_FILE_NEW)
      (void)unlink(state->path);
    aml_internal_file_close(state);
  }
  return err;
}
