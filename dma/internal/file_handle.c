// SPDX-License-Identifier: BSD-3-Clause
//
// Opening /proc/self/fd/N makes another open file of the same inode, with flags of its own
// (proc(5)); also of files that have no name any more. O_DIRECT cannot be told per call, and to set
// it by fcntl(2) would change the area's descriptor under whoever else uses it.

#include "aml/dma/internal/file_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aml/core/error.h"

static const char call[] = "aml_dma_submit";

enum { LINK = 64, PATH = 4096, DEFAULT_ALIGNMENT = 4096, LARGEST_BLOCK = 65536 };

/** Flags by which descriptors of one file differ for what is done here. */
enum { ACCESS = O_ACCMODE | O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME };

static void link_of(int descriptor, char link[LINK]) {
  (void)snprintf(link, LINK, "/proc/self/fd/%d", descriptor);
}

void aml_internal_file_path(int descriptor, char *path, size_t capacity) {
  char link[LINK];
  char whole[PATH];
  link_of(descriptor, link);
  const ssize_t length = readlink(link, whole, sizeof whole - 1);
  if (length <= 0) {
    (void)snprintf(path, capacity, "descriptor %d", descriptor);
    return;
  }
  whole[length] = '\0';
  // The end of a long path says more than its start.
  const size_t size = (size_t)length;
  (void)snprintf(path, capacity, "%s", size < capacity ? whole : whole + size - (capacity - 1));
}

static int fail(int descriptor, const char *what, int number) {
  char path[64];
  char text[128];
  aml_internal_file_path(descriptor, path, sizeof path);
  (void)snprintf(text, sizeof text, "%s %s", what, path);
  return aml_error_set_system(call, text, number);
}

/** What direct transfers of a file must be multiples of; 0: there are none. */
static size_t alignment_of(int descriptor) {
#ifdef STATX_DIOALIGN
  struct statx status;
  memset(&status, 0, sizeof status);
  if (statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
      (status.stx_mask & STATX_DIOALIGN) != 0) {
    const size_t memory = status.stx_dio_mem_align;
    const size_t offset = status.stx_dio_offset_align;
    const size_t larger = memory > offset ? memory : offset;
    return offset == 0 || larger > AML_INTERNAL_FILE_MAX_ALIGNMENT ? 0 : larger;
  }
#endif
  return DEFAULT_ALIGNMENT;
}

/**
 * The most that the page cache may write of a file for the sake of one byte: a page, or a block of
 * the file system where those are larger. It is at least `alignment`.
 */
static size_t grain_of(const struct stat *status, size_t alignment) {
  const long page = sysconf(_SC_PAGESIZE);
  size_t grain = page > 0 && (size_t)page > alignment ? (size_t)page : alignment;
  // What is larger than any block is advice: how much a network file system moves at once.
  const blksize_t block = status->st_blksize;
  if (block > 0 && block <= LARGEST_BLOCK && (block & (block - 1)) == 0 && (size_t)block > grain)
    grain = (size_t)block;
  return grain;
}

/** Opens the file again, with or without O_DIRECT. Returns: a descriptor; -1 with errno. */
static int reopen(int descriptor, int access) {
  char link[LINK];
  link_of(descriptor, link);
  const int flags = (access ^ O_DIRECT) | O_CLOEXEC;
  const int opened = open(link, flags);
  // Which only a file's owner may ask for, who need not be who was handed the descriptor.
  if (opened < 0 && errno == EPERM && (flags & O_NOATIME) != 0)
    return open(link, flags & ~O_NOATIME);
  return opened;
}

static void close_handle(struct aml_internal_file_handle *handle) {
  if (handle->is_open && handle->reopened >= 0)
    (void)close(handle->reopened);
  handle->is_open = false;
}

/** Finds the handle of a file, or one to open it by; the latter gives up what it held. */
static struct aml_internal_file_handle *find(struct aml_internal_file_handles *handles,
                                             const struct stat *status, int access) {
  struct aml_internal_file_handle *idle = NULL;
  struct aml_internal_file_handle *unused = NULL;
  size_t open_count = 0;
  for (size_t i = 0; i < handles->used; ++i) {
    struct aml_internal_file_handle *const handle = &handles->handle[i];
    if (!handle->is_open) {
      unused = handle;
      continue;
    }
    if (handle->device == status->st_dev && handle->inode == status->st_ino &&
        handle->access == access)
      return handle;
    idle = handle->users == 0 ? handle : idle;
    ++open_count;
  }
  const bool has_room = unused != NULL || handles->used < handles->capacity;
  if (idle != NULL && (!has_room || open_count >= AML_INTERNAL_FILE_IDLE_HANDLES)) {
    close_handle(idle);
    return idle;
  }
  if (unused == NULL && has_room)
    unused = &handles->handle[handles->used++];
  return unused;
}

/** Opens a file for a handle; where that cannot be, it is without O_DIRECT. */
static int open_handle(int descriptor, const struct stat *status, int access,
                       struct aml_internal_file_handle *handle) {
  const bool is_direct = (access & O_DIRECT) != 0;
  int reopened = -1;
  errno = 0;
  const size_t alignment = alignment_of(descriptor);
  if (alignment != 0 || is_direct)
    reopened = reopen(descriptor, access);
  const int number = errno;
  if (reopened < 0 && is_direct)
    return fail(descriptor, "open again without O_DIRECT", number);
  // Others mean that this file cannot be direct.
  if (reopened < 0 && (number == EMFILE || number == ENFILE || number == ENOMEM))
    return fail(descriptor, "open with O_DIRECT", number);
  handle->is_open = true;
  handle->users = 0;
  handle->device = status->st_dev;
  handle->inode = status->st_ino;
  handle->access = access;
  handle->reopened = reopened;
  handle->alignment = alignment;
  return 0;
}

int aml_internal_file_handles_acquire(struct aml_internal_file_handles *handles, int descriptor,
                                      bool is_written, int wish,
                                      struct aml_internal_file_side *side) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0)
    return fail(descriptor, "fcntl", errno);
  if (is_written && (flags & O_APPEND) != 0)
    return aml_error_set(-AML_ENOTSUP, call, "dst",
                         "is in a file opened with O_APPEND, which ignores offsets");
  const struct aml_internal_file_side plain = {descriptor, descriptor, -1, 1, 1, NULL};
  const int access = flags & ACCESS;
  if (wish == 0 && (access & O_DIRECT) == 0) {
    *side = plain;
    return 0;
  }
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return fail(descriptor, "fstat", errno);
  struct aml_internal_file_handle *const handle = find(handles, &status, access);
  if (handle == NULL)
    return aml_error_set(-AML_EAGAIN, call, NULL, "too many files are in use");
  if (!handle->is_open) {
    const int err = open_handle(descriptor, &status, access, handle);
    if (err)
      return err;
  }
  ++handle->users;
  *side = plain;
  side->handle = handle;
  side->alignment = handle->alignment == 0 ? 1 : handle->alignment;
  side->grain = grain_of(&status, side->alignment);
  if ((access & O_DIRECT) != 0) {
    side->buffered = handle->reopened;
    side->direct = handle->alignment == 0 ? -1 : descriptor;
  } else {
    side->direct = handle->reopened;
  }
  if (wish == 2 && side->direct < 0) {
    aml_internal_file_handles_release(side);
    return aml_error_set(-AML_ENOTSUP, call, NULL, "a file is where O_DIRECT cannot be");
  }
  return 0;
}

void aml_internal_file_handles_release(const struct aml_internal_file_side *side) {
  struct aml_internal_file_handle *const handle = side->handle;
  struct stat status;
  if (handle == NULL || --handle->users != 0 || handle->reopened < 0)
    return;
  // Kept open, a file that was removed would go on to take room on its disk.
  if (fstat(handle->reopened, &status) != 0 || status.st_nlink == 0)
    close_handle(handle);
}

bool aml_internal_file_is_same(int one, int other) {
  struct stat a;
  struct stat b;
  return one == other || (fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
                          a.st_ino == b.st_ino);
}

void aml_internal_file_handles_close(struct aml_internal_file_handles *handles) {
  for (size_t i = 0; i < handles->used; ++i)
    close_handle(&handles->handle[i]);
}

void aml_internal_file_handles_abandon(struct aml_internal_file_handles *handles) {
  for (size_t i = 0; i < handles->used; ++i) {
    struct aml_internal_file_handle *const handle = &handles->handle[i];
    struct stat status;
    // A number that is not of that file is another descriptor's by now, or never was one.
    if (handle->is_open && fstat(handle->reopened, &status) == 0 &&
        status.st_dev == handle->device && status.st_ino == handle->inode)
      close_handle(handle);
  }
}
