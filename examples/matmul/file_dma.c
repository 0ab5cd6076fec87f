// SPDX-License-Identifier: BSD-3-Clause
//
// A copy is planned as nested loops over both tiles at once: dimensions of one element go, the
// others are ordered by the stride in the file, and neighbours that run on from one to the other
// on both sides become one. The innermost loop is then the longest contiguous run that there is,
// and the file is walked upwards.

#include "aml/examples/matmul/file_dma.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aml/core/area.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

static const char call[] = "aml_dma_copy";

static struct file_dma *file_of(struct aml_dma *dma) {
  return (struct file_dma *)dma;
}

/** One loop of a copy; strides in bytes. */
struct loop {
  size_t count;
  int64_t file_stride;
  ptrdiff_t memory_stride;
};

/** A copy between a file and memory, as nested loops over contiguous runs; outermost first. */
struct copy {
  int descriptor;
  bool is_write;
  int64_t offset; /**< in the file, of the first run */
  char *memory;   /**< of the first run */
  size_t run;     /**< bytes */
  size_t depth;
  struct loop loops[AML_MAX_DIMS];
};

/** Whether a tile is in a file; if so, `descriptor` and `offset` say where. */
static int find_file(const struct aml_tile *tile, bool *is_file, int *descriptor, int64_t *offset) {
  struct aml_area_info info;
  *is_file = false;
  if (tile->area == NULL || (aml_area_capabilities(tile->area) & AML_AREA_FILE_BACKED) == 0)
    return 0;
  const int err = aml_area_get_info(tile->area, tile->base, &info);
  if (err || info.native.kind != AML_NATIVE_FILE)
    return err;
  *is_file = true;
  *descriptor = info.native.as.file.descriptor;
  *offset = (int64_t)(info.native.as.file.offset +
                      ((uintptr_t)tile->base - (uintptr_t)info.native.origin));
  return 0;
}

static bool is_host(const struct aml_tile *tile, unsigned capability) {
  return tile->area == NULL || (aml_area_capabilities(tile->area) & capability) != 0;
}

/** Lists the loops over both tiles, the one with the largest stride in the file first. */
static void order_loops(const struct aml_tile *file, const struct aml_tile *memory,
                        struct copy *copy) {
  copy->depth = 0;
  for (size_t d = 0; d < file->ndims; ++d) {
    const struct loop loop = {file->extent[d], file->stride_bytes[d], memory->stride_bytes[d]};
    if (loop.count == 1)
      continue;
    size_t place = copy->depth++;
    for (; place > 0 && copy->loops[place - 1].file_stride < loop.file_stride; --place)
      copy->loops[place] = copy->loops[place - 1];
    copy->loops[place] = loop;
  }
}

/** Makes one loop of neighbours that run on, and takes the contiguous run out of the loops. */
static void merge_loops(size_t element_size, struct copy *copy) {
  size_t kept = 0;
  for (size_t d = 1; d < copy->depth; ++d) {
    struct loop *const outer = &copy->loops[kept];
    const struct loop *const inner = &copy->loops[d];
    if (outer->file_stride == inner->file_stride * (int64_t)inner->count &&
        outer->memory_stride == inner->memory_stride * (ptrdiff_t)inner->count) {
      const size_t count = outer->count * inner->count;
      *outer = *inner;
      outer->count = count;
    } else {
      copy->loops[++kept] = *inner;
    }
  }
  copy->depth = copy->depth == 0 ? 0 : kept + 1;
  copy->run = element_size;
  const struct loop *const last = &copy->loops[kept];
  if (copy->depth > 0 && last->file_stride == (int64_t)element_size &&
      last->memory_stride == (ptrdiff_t)element_size) {
    copy->run *= last->count;
    --copy->depth;
  }
}

static int plan(const struct aml_dma_request *request, struct copy *copy) {
  bool src_is_file = false;
  bool dst_is_file = false;
  int err = find_file(request->src, &src_is_file, &copy->descriptor, &copy->offset);
  if (!err)
    err = find_file(request->dst, &dst_is_file, &copy->descriptor, &copy->offset);
  if (err)
    return err;
  if (src_is_file == dst_is_file)
    return aml_error_set(-AML_ENOTSUP, call, NULL,
                         "one tile must be in a file, and the other in memory");
  copy->is_write = dst_is_file;
  const struct aml_tile *const file = dst_is_file ? request->dst : request->src;
  const struct aml_tile *const memory = dst_is_file ? request->src : request->dst;
  if (!is_host(memory, dst_is_file ? AML_AREA_HOST_READABLE : AML_AREA_HOST_WRITABLE))
    return aml_error_set(-AML_ENOTSUP, call, NULL, "the host cannot touch the tile in memory");
  copy->memory = memory->base;
  order_loops(file, memory, copy);
  merge_loops(file->element_size, copy);
  return 0;
}

/** Records a failure with the file's name, which only Linux can tell of a descriptor. */
static int fail(const struct copy *copy, int64_t offset, int number) {
  enum { SHOWN = 100 };
  char link[64];
  char path[4096];
  char what[SHOWN + 64];
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", copy->descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = '\0';
  // The end of a long path says more than its start.
  const char *const shown = length > SHOWN ? path + length - SHOWN : path;
  if (number == 0) {
    (void)snprintf(what, sizeof what, "%.100s ends at offset %lld, before the tile does", shown,
                   (long long)offset);
    return aml_error_set(-AML_EIO, call, NULL, what);
  }
  (void)snprintf(what, sizeof what, "%s %.100s at offset %lld", copy->is_write ? "write" : "read",
                 shown, (long long)offset);
  return aml_error_set_system(call, what, number);
}

/** Moves one contiguous run. */
static int move_run(struct file_dma *dma, const struct copy *copy, int64_t offset, char *memory) {
  size_t left = copy->run;
  while (left > 0) {
    const ssize_t moved = copy->is_write ? pwrite(copy->descriptor, memory, left, offset)
                                         : pread(copy->descriptor, memory, left, offset);
    ++dma->calls;
    if (moved < 0 && errno == EINTR)
      continue;
    if (moved < 0)
      return fail(copy, offset, errno);
    if (moved == 0)
      return fail(copy, offset, copy->is_write ? EIO : 0);
    *(copy->is_write ? &dma->written_size : &dma->read_size) += (uint64_t)moved;
    memory += moved;
    offset += moved;
    left -= (size_t)moved;
  }
  return 0;
}

/** Moves all runs: counts through the loops as an odometer does. */
static int run(struct file_dma *dma, const struct copy *copy) {
  size_t position[AML_MAX_DIMS] = {0};
  int64_t offset = copy->offset;
  char *memory = copy->memory;
  for (;;) {
    const int err = move_run(dma, copy, offset, memory);
    if (err)
      return err;
    size_t d = copy->depth;
    for (; d > 0; --d) {
      const struct loop *const loop = &copy->loops[d - 1];
      if (++position[d - 1] < loop->count) {
        offset += loop->file_stride;
        memory += loop->memory_stride;
        break;
      }
      position[d - 1] = 0;
      offset -= loop->file_stride * (int64_t)(loop->count - 1);
      memory -= loop->memory_stride * (ptrdiff_t)(loop->count - 1);
    }
    if (d == 0)
      return 0;
  }
}

static void fini(struct aml_dma *dma) {
  *file_of(dma) = (struct file_dma){.dma = {.ops = dma->ops}};
}

static unsigned capabilities(const struct aml_dma *dma) {
  (void)dma;
  return 0;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  struct copy copy = {.descriptor = -1};
  if (request->options->operation != NULL)
    return aml_error_set(-AML_ENOTSUP, "aml_dma_submit", "operation", "is not for files");
  int err = plan(request, &copy);
  if (err)
    return err;
  err = aml_dma_request_await_others(request);
  __atomic_store_n(&request->state, AML_DMA_RUNNING, __ATOMIC_RELAXED);
  if (!err)
    err = run(file_of(dma), &copy);
  if (err)
    aml_dma_request_fail(request, err, aml_error_detail());
  else
    aml_dma_request_finish(request, 0);
  return 0;
}

/** A request is done when submit returns, so that there is nothing to wait for. */
static int wait_done(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return 0;
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "is done");
}

const struct aml_dma_ops file_dma_ops = {
    .name = "matmul file",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait_done,
    .cancel = cancel,
};

int file_dma_init(struct aml_dma *dma) {
  if (dma == NULL || dma->ops != &file_dma_ops)
    return aml_error_set(-AML_EINVAL, "file_dma_init", "dma", "was not declared as a file dma");
  *file_of(dma) = (struct file_dma){.dma = {.ops = dma->ops}};
  return 0;
}

int file_dma_create(struct aml_dma **dma) {
  struct aml_dma *const made =
      aml_block_create("file_dma_create", "dma", dma, sizeof(struct file_dma), &file_dma_ops);
  if (made == NULL)
    return aml_error_code();
  *dma = made;
  return 0;
}
