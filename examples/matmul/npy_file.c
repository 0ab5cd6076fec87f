// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/npy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aml/examples/matmul/say.h"
#include "aml/examples/matmul/temporary.h"

/** Reads the start of a file, up to `size` bytes; -1 with errno set. */
static ssize_t read_start(int descriptor, char *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(descriptor, bytes + done, size - done, (off_t)done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

static int read_header(struct npy_file *file) {
  char *const bytes = malloc(NPY_MAX_HEADER_SIZE);
  if (bytes == NULL)
    return say_errno("cannot read %s", file->path);
  const ssize_t size = read_start(file->descriptor, bytes, NPY_MAX_HEADER_SIZE);
  int result = 0;
  if (size < 0) {
    result = say_errno("cannot read %s", file->path);
  } else {
    const char *const reason = npy_parse(bytes, (size_t)size, &file->header);
    if (reason != NULL)
      result = say("%s %s", file->path, reason);
  }
  free(bytes);
  return result;
}

/** Reads the header of an open file, and compares the file's size with it. */
static int check(struct npy_file *file) {
  struct stat status;
  size_t data_size = 0;
  if (fstat(file->descriptor, &status) != 0)
    return say_errno("cannot examine %s", file->path);
  if (S_ISDIR(status.st_mode))
    return say("%s is a directory", file->path);
  if (!S_ISREG(status.st_mode))
    return say("%s is not a regular file", file->path);
  if (read_header(file) != 0)
    return -1;
  if (!npy_data_size(&file->header, &data_size))
    return say("%s is larger than any file", file->path);
  file->size = file->header.data_offset + data_size;
  if ((size_t)status.st_size < file->size)
    return say("%s is truncated: it has %lld bytes, and a %zu x %zu matrix needs %zu", file->path,
               (long long)status.st_size, file->header.rows, file->header.columns, file->size);
  return 0;
}

int npy_file_open(const char *path, struct npy_file *file) {
  *file = (struct npy_file){.path = path};
  // O_NONBLOCK: a pipe that nobody writes to is refused, not waited for.
  file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->descriptor < 0) {
    *file = (struct npy_file){0};
    return say_errno("cannot open %s", path);
  }
  if (check(file) == 0)
    return 0;
  npy_file_close(file);
  return -1;
}

int npy_file_is(const struct npy_file *file, const char *path) {
  struct stat a;
  struct stat b;
  return fstat(file->descriptor, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

/** The name of a temporary file in the same directory, to be freed. */
static char *temporary_name(const char *path) {
  static const char name[] = ".matmul-XXXXXX";
  const char *const slash = strrchr(path, '/');
  const size_t directory = slash == NULL ? 0 : (size_t)(slash - path) + 1;
  char *const result = malloc(directory + sizeof name);
  if (result != NULL) {
    memcpy(result, path, directory);
    memcpy(result + directory, name, sizeof name);
  }
  return result;
}

static int write_header(const struct npy_file *file) {
  char bytes[NPY_HEADER_SIZE];
  npy_format(&file->header, bytes);
  size_t done = 0;
  while (done < sizeof bytes) {
    const ssize_t put = pwrite(file->descriptor, bytes + done, sizeof bytes - done, (off_t)done);
    if (put < 0 && errno != EINTR)
      return -1;
    if (put > 0)
      done += (size_t)put;
  }
  return 0;
}

/** Takes room on the disk now, so that a full one is found before the work, not after it. */
static int reserve(const struct npy_file *file) {
  const mode_t mask = umask(0);
  (void)umask(mask);
  if (fchmod(file->descriptor, 0666 & ~mask) != 0)
    return -1;
  int number = 0;
  do {
    number = posix_fallocate(file->descriptor, 0, (off_t)file->size);
  } while (number == EINTR);
  errno = number;
  return number == 0 ? 0 : -1;
}

int npy_file_create(const char *path, const struct npy_header *header, struct npy_file *file) {
  struct stat status;
  size_t data_size = 0;
  *file = (struct npy_file){0};
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
    return say("cannot write %s: there is something that is not a regular file", path);
  if (!npy_data_size(header, &data_size))
    return say("cannot write %s: a %zu x %zu matrix is larger than any file", path, header->rows,
               header->columns);
  struct npy_file made = {.path = path, .header = *header, .temporary = temporary_name(path)};
  if (made.temporary == NULL)
    return say_errno("cannot create %s", path);
  made.header.data_offset = NPY_HEADER_SIZE;
  made.size = NPY_HEADER_SIZE + data_size;
  made.descriptor = temporary_file(made.temporary);
  if (made.descriptor < 0) {
    (void)say_errno("cannot create %s", path);
    free(made.temporary);
    return -1;
  }
  *file = made;
  if (write_header(file) != 0 || reserve(file) != 0)
    return say_errno("cannot write the %zu bytes of %s", file->size, path);
  return 0;
}

/** Makes the new name durable. A directory that cannot be opened or synchronised is no failure. */
static void sync_directory(const char *path) {
  const char *const slash = strrchr(path, '/');
  char *const directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
  if (directory == NULL)
    return;
  const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    (void)fsync(descriptor);
    (void)close(descriptor);
  }
  free(directory);
}

int npy_file_commit(struct npy_file *file) {
  if (fsync(file->descriptor) != 0)
    return say_errno("cannot write %s", file->path);
  if (temporary_keep(file->temporary, file->path) != 0)
    return say_errno("cannot give %s its name", file->path);
  free(file->temporary);
  file->temporary = NULL;
  sync_directory(file->path);
  return 0;
}

void npy_file_close(struct npy_file *file) {
  if (file->path != NULL)
    (void)close(file->descriptor);
  if (file->temporary != NULL)
    temporary_remove(file->temporary);
  free(file->temporary);
  *file = (struct npy_file){0};
}
