// SPDX-License-Identifier: BSD-3-Clause
//
// How a segment is had; what is done with it is in internal/file_area.c. Passing it on is in
// internal/shm_socket.c.
//
// memfd_create(2), memfd_secret(2), shm_open(3).

#include "aml/area/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "aml/area/internal/extents.h"
#include "aml/area/internal/file_area.h"
#include "aml/area/internal/file_state.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "area/internal/shm_socket.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static const char INIT[] = "aml_area_shm_init";

const struct aml_area_ops aml_area_shm_ops = {
    .name = "shm",
    .fini = aml_internal_file_area_fini,
    .capabilities = aml_internal_file_area_capabilities,
    .map = aml_internal_file_area_map,
    .unmap = aml_internal_file_area_unmap,
    .info = aml_internal_file_area_info,
    .resize = aml_internal_file_area_resize,
};

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, INIT, argument, reason);
}

static int check_name(const char *call, const char *name) {
  if (name == NULL || name[0] != '/' || name[1] == '\0' || strchr(name + 1, '/') != NULL)
    return aml_error_set(-AML_EINVAL, call, "name", "is not of the form \"/name\"");
  return 0;
}

static int check_options(const struct aml_area_shm_options *options) {
  const bool is_huge = (options->flags & AML_AREA_SHM_HUGE) != 0;
  const unsigned named = AML_AREA_SHM_REPLACE | AML_AREA_SHM_KEEP;
  if (options->kind > AML_AREA_SHM_SECRET)
    return refuse("kind", "is none of a segment");
  if ((options->flags & ~(named | AML_AREA_SHM_HUGE)) != 0)
    return refuse("flags", "has a bit that is not for init");
  if ((options->flags & named) != 0 && options->kind != AML_AREA_SHM_NAMED)
    return refuse("flags", "says what becomes of a name, and there is none");
  if (is_huge && options->kind != AML_AREA_SHM_UNNAMED)
    return refuse("flags", "asks for huge pages, which unnamed segments only can have");
  if (options->huge_page_size != 0 && (!is_huge || !aml_is_power_of_two(options->huge_page_size)))
    return aml_error_set_value(-AML_EINVAL, INIT, "huge_page_size", options->huge_page_size,
                               "is not a power of two, or huge pages are not asked for");
  if (options->size > INT64_MAX / 2)
    return refuse("size", "is more than a segment can have");
  if (options->kind == AML_AREA_SHM_SECRET && options->size == 0)
    return refuse("size", "is 0, and a secret segment needs one");
  return options->kind == AML_AREA_SHM_NAMED ? check_name(INIT, options->name) : 0;
}

static int open_named(const struct aml_area_shm_options *options) {
  if ((options->flags & AML_AREA_SHM_REPLACE) != 0)
    (void)shm_unlink(options->name);
  return shm_open(options->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                  options->mode != 0 ? options->mode : 0600);
}

static int open_unnamed(const struct aml_area_shm_options *options, const char *name) {
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  if ((options->flags & AML_AREA_SHM_HUGE) != 0)
    flags |= MFD_HUGETLB;
  if (options->huge_page_size != 0)
    flags |= (unsigned)__builtin_ctzll(options->huge_page_size) << MAP_HUGE_SHIFT;
  const int descriptor = memfd_create(name, flags);
  if (descriptor >= 0 && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    (void)close(descriptor);
    return -1;
  }
  return descriptor;
}

static int open_secret(const struct aml_area_shm_options *options) {
  const int descriptor = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
  if (descriptor >= 0 && ftruncate(descriptor, (off_t)options->size) != 0) {
    (void)close(descriptor);
    return -1;
  }
  return descriptor;
}

/** Opens a segment, or says which call failed. */
static int open_segment(struct aml_area_file_state *state,
                        const struct aml_area_shm_options *options) {
  const char *call = "memfd_create";
  switch (options->kind) {
  case AML_AREA_SHM_NAMED:
    call = "shm_open";
    state->descriptor = open_named(options);
    break;
  case AML_AREA_SHM_SECRET:
    call = "memfd_secret";
    state->descriptor = open_secret(options);
    break;
  case AML_AREA_SHM_UNNAMED:
    state->descriptor = open_unnamed(options, state->path);
    break;
  }
  if (state->descriptor >= 0)
    return 0;
  if (options->kind == AML_AREA_SHM_SECRET && errno == ENOSYS)
    return aml_error_set(-AML_ENOTSUP, INIT, "kind",
                         "needs memfd_secret, which Linux 5.14 has with secretmem.enable=1");
  if ((options->flags & AML_AREA_SHM_HUGE) != 0 && (errno == ENODEV || errno == EINVAL))
    return aml_error_set(-AML_ENOTSUP, INIT, "huge_page_size", "is of no pool that there is");
  return aml_internal_file_refuse(state, INIT, call, errno);
}

/** The pages that a segment is of. */
static size_t page_size_of(int descriptor) {
  struct statfs status;
  if (fstatfs(descriptor, &status) == 0 && status.f_type == HUGETLBFS_MAGIC)
    return (size_t)status.f_bsize;
  return (size_t)sysconf(_SC_PAGESIZE);
}

static struct aml_area_file_state *new_state(const char *call, const char *name) {
  struct aml_area_file_state *const state = malloc(sizeof *state);
  const size_t size = strlen(name) + 1;
  char *const copy = malloc(size);
  if (state == NULL || copy == NULL) {
    free(state);
    free(copy);
    (void)aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the state of the area");
    return NULL;
  }
  *state = (struct aml_area_file_state){
      .lock = PTHREAD_MUTEX_INITIALIZER, .descriptor = -1, .path = memcpy(copy, name, size)};
  return state;
}

/** Gives the state a range of `size` bytes, and the area the state; or ends it. */
static int finish(struct aml_area *area, struct aml_area_file_state *state, const char *call,
                  uint64_t size, int err) {
  size_t rounded = 0;
  if (!err && !aml_checked_round_up((size_t)size, state->page_size, &rounded))
    err = aml_error_set(-AML_EINVAL, call, "size", "is too large to be rounded up");
  if (!err && rounded == 0)
    err = aml_error_set(-AML_EIO, call, NULL, "the segment is empty");
  if (!err && aml_internal_extents_add(&state->extents, 0, rounded) != AML_INTERNAL_EXTENTS_OK)
    err = aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the record of the segment");
  if (err) {
    aml_internal_file_close(state);
    free(state);
  } else {
    ((struct aml_area_shm *)area)->state = state;
  }
  return err;
}

static int check_declared(const char *call, const struct aml_area *area) {
  if (area == NULL || area->ops != &aml_area_shm_ops)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "is null, or was not declared by AML_AREA_SHM_DECL");
  return 0;
}

int aml_area_shm_init(struct aml_area *area, const struct aml_area_shm_options *options) {
  static const struct aml_area_shm_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  int err = check_declared(INIT, area);
  if (!err)
    err = check_options(options);
  if (err)
    return err;
  struct aml_area_file_state *const state =
      new_state(INIT, options->name != NULL ? options->name : "aml");
  if (state == NULL)
    return -AML_ENOMEM;
  state->is_made = true;
  state->is_temporary = true;
  // It has no blocks to allocate: pages are taken, and locked, as they are touched.
  state->is_sparse = options->kind == AML_AREA_SHM_SECRET;
  state->is_cleared_by_stores = options->kind == AML_AREA_SHM_SECRET;
  err = open_segment(state, options);
  state->is_unlinked_by_name =
      !err && options->kind == AML_AREA_SHM_NAMED && (options->flags & AML_AREA_SHM_KEEP) == 0;
  state->page_size = err ? 1 : page_size_of(state->descriptor);
  return finish(area, state, INIT, options->size != 0 ? options->size : INT64_MAX / 2, err);
}

int aml_area_shm_create(struct aml_area **area, const struct aml_area_shm_options *options) {
  struct aml_area *const made = aml_block_create("aml_area_shm_create", "area", area,
                                                 sizeof(struct aml_area_shm), &aml_area_shm_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_shm_init(made, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

int aml_internal_shm_adopt(struct aml_area *area, const char *call, const char *name,
                           int descriptor, unsigned flags) {
  struct stat status;
  struct aml_area_file_state *const state = new_state(call, name);
  if (state == NULL) {
    (void)close(descriptor);
    return -AML_ENOMEM;
  }
  state->is_read_only = (flags & AML_AREA_SHM_READ_ONLY) != 0;
  state->descriptor = descriptor;
  state->page_size = page_size_of(descriptor);
  int err = 0;
  if (fstat(descriptor, &status) != 0)
    err = aml_internal_file_refuse(state, call, "fstat", errno);
  else if (!S_ISREG(status.st_mode))
    err = aml_error_set(-AML_EIO, call, NULL, "what was had is no segment");
  return finish(area, state, call, err ? 0 : (uint64_t)status.st_size, err);
}

int aml_area_shm_attach(struct aml_area *area, const char *name, unsigned flags) {
  static const char call[] = "aml_area_shm_attach";
  int err = check_declared(call, area);
  if (!err)
    err = check_name(call, name);
  if (!err && (flags & ~(unsigned)AML_AREA_SHM_READ_ONLY) != 0)
    err = aml_error_set(-AML_EINVAL, call, "flags", "has a bit that is not for attach");
  if (err)
    return err;
  const bool is_read_only = (flags & AML_AREA_SHM_READ_ONLY) != 0;
  const int descriptor = shm_open(name, (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC, 0);
  if (descriptor < 0) {
    char what[200];
    (void)snprintf(what, sizeof what, "shm_open %s", name);
    return aml_error_set_system(call, what, errno);
  }
  return aml_internal_shm_adopt(area, call, name, descriptor, flags);
}

int aml_area_shm_send(struct aml_area *area, void *pointer, int socket) {
  static const char call[] = "aml_area_shm_send";
  struct aml_area_info info;
  int err = aml_internal_file_area_check(call, area);
  if (err)
    return err;
  if (pointer == NULL)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is null");
  err = aml_area_get_info(area, pointer, &info);
  return err ? err
             : aml_internal_shm_send(call, socket, info.native.as.file.descriptor,
                                     info.native.as.file.offset, info.size);
}

int aml_area_shm_receive(struct aml_area *area, int socket, unsigned flags, void **pointer,
                         size_t *size) {
  static const char call[] = "aml_area_shm_receive";
  struct aml_internal_shm_message message = {0};
  int descriptor = -1;
  int err = check_declared(call, area);
  if (err)
    return err;
  if (pointer == NULL || size == NULL)
    return aml_error_set(-AML_EINVAL, call, pointer == NULL ? "pointer" : "size", "is null");
  if ((flags & ~(unsigned)(AML_AREA_SHM_READ_ONLY | AML_AREA_SHM_SEALED)) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has a bit that is not for receive");
  err = aml_internal_shm_receive(call, socket, &message, &descriptor);
  if (err)
    return err;
  const int seals = fcntl(descriptor, F_GET_SEALS);
  if ((flags & AML_AREA_SHM_SEALED) != 0 && (seals < 0 || (seals & F_SEAL_SHRINK) == 0)) {
    (void)close(descriptor);
    return aml_error_set(-AML_EPERM, call, "flags",
                         "asks for a sealed segment, and this one could be made shorter");
  }
  err = aml_internal_shm_adopt(area, call, "received", descriptor, flags);
  if (err)
    return err;
  void *const mapped =
      aml_internal_file_area_map_at(call, area, message.offset, (size_t)message.size, NULL);
  if (mapped == NULL) {
    err = aml_error_code();
    aml_area_fini(area);
    // Where the piece is wrong, it is the other end that is at fault.
    return err == -AML_EINVAL || err == -AML_EBUSY
               ? aml_error_set(-AML_EIO, call, NULL, "a piece was sent that the segment has not")
               : err;
  }
  *pointer = mapped;
  *size = (size_t)message.size;
  return 0;
}

void *aml_area_shm_map_at(struct aml_area *area, uint64_t offset, size_t size,
                          const struct aml_area_map_options *options) {
  return aml_internal_file_area_map_at("aml_area_shm_map_at", area, offset, size, options);
}

int aml_area_shm_seal(struct aml_area *area, unsigned seals) {
  static const char call[] = "aml_area_shm_seal";
  const int err = aml_internal_file_area_check(call, area);
  if (err)
    return err;
  if (seals == 0 || (seals & ~(unsigned)(AML_AREA_SHM_SEAL_GROW | AML_AREA_SHM_SEAL_WRITE)) != 0)
    return aml_error_set(-AML_EINVAL, call, "seals", "is 0, or has an unknown bit");
  const int kernel = ((seals & AML_AREA_SHM_SEAL_GROW) != 0 ? F_SEAL_GROW : 0) |
                     ((seals & AML_AREA_SHM_SEAL_WRITE) != 0 ? F_SEAL_FUTURE_WRITE : 0);
  const struct aml_area_file_state *const state = ((struct aml_area_shm *)area)->state;
  if (fcntl(state->descriptor, F_ADD_SEALS, kernel) == 0)
    return 0;
  if (errno == EINVAL || errno == EPERM)
    return aml_error_set(-AML_EPERM, call, "area", "is of a segment that takes no seals");
  return aml_internal_file_refuse(state, call, "fcntl(F_ADD_SEALS)", errno);
}
