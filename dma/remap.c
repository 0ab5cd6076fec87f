// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/remap.h"

#include <errno.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aml/core/area.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/inner.h"
#include "aml/dma/internal/maps.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 // since Linux 5.7
#endif

enum { DEFAULT_MIN_SIZE = 2 << 20 };

static const char init_call[] = "aml_dma_remap_init";

static const struct aml_dma_remap *self_of(const struct aml_dma *dma) {
  return (const struct aml_dma_remap *)dma;
}

/** Moves pages, and leaves a mapping of zeros where they were. Returns: 0, or a value of errno. */
static int move_pages_to(void *dst, void *src, size_t size) {
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  return mremap(src, size, size, flags, dst) == dst ? 0 : errno;
}

static unsigned capabilities(const struct aml_dma *dma) {
  const struct aml_dma *const inner = self_of(dma)->inner;
  return inner == NULL ? AML_DMA_THREAD_SAFE : inner->ops->capabilities(inner);
}

static bool reaches(const struct aml_area *area, unsigned capability) {
  return area == NULL || (aml_area_capabilities(area) & capability) != 0;
}

/** Whether the pages of the one can take the place of the other's. */
static bool can_move(const struct aml_dma_remap *self, const struct aml_dma_request *request) {
  const struct aml_tile *const dst = request->dst;
  const struct aml_tile *const src = request->src;
  const uintptr_t page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  if (request->options->operation != NULL || !aml_tile_is_contiguous(dst) ||
      !aml_tile_is_contiguous(src))
    return false;
  const struct aml_internal_maps maps = {self->maps, self->process};
  const size_t size = aml_tile_size(dst);
  const uintptr_t distance = (uintptr_t)dst->base - (uintptr_t)src->base;
  return size >= self->min_size && distance >= size && 0 - distance >= size &&
         (((uintptr_t)dst->base | (uintptr_t)src->base | size) & page_mask) == 0 &&
         reaches(dst->area, AML_AREA_HOST_WRITABLE) && reaches(src->area, AML_AREA_HOST_READABLE) &&
         aml_internal_maps_are_private(&maps, dst->base, src->base, size);
}

/** Maps memory where a failed call may have left none; what was there was to be overwritten. */
static bool restore(void *dst, size_t size) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  return mmap(dst, size, PROT_READ | PROT_WRITE, flags, -1, 0) == dst || errno == EEXIST;
}

/** Makes a request done that failed with what was recorded. */
static void fail(struct aml_dma_request *request, int err) {
  aml_dma_request_fail(request, err, aml_error_detail());
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  const struct aml_dma_remap *const self = self_of(dma);
  if (!can_move(self, request)) {
    if (self->inner != NULL)
      return aml_internal_inner_submit(self->inner, request);
    return aml_error_set(-AML_ENOTSUP, "aml_dma_submit", "dst",
                         "and src are no whole pages of private memory, min_size at least");
  }
  int err = aml_dma_request_await_others(request);
  if (err) {
    fail(request, err);
    return 0;
  }
  const size_t size = aml_tile_size(request->dst);
  const int number = move_pages_to(request->dst->base, request->src->base, size);
  const bool is_whole = number == 0 || restore(request->dst->base, size);
  if (number != 0 && is_whole && self->inner != NULL)
    return aml_internal_inner_submit(self->inner, request);
  if (number != 0)
    fail(request, aml_error_set_system("aml_dma_submit", "mremap", number));
  else
    aml_dma_request_finish(request, 0);
  return 0;
}

static int barrier(struct aml_dma *dma) {
  struct aml_dma *const inner = self_of(dma)->inner;
  return inner == NULL ? 0 : aml_internal_inner_barrier(inner);
}

static void fini(struct aml_dma *dma) {
  struct aml_dma_remap *const self = (struct aml_dma_remap *)dma;
  if (self->min_size == 0)
    return;
  struct aml_internal_maps maps = {self->maps, self->process};
  (void)barrier(dma);
  aml_internal_maps_close(&maps);
  self->inner = NULL;
  self->min_size = 0;
}

const struct aml_dma_ops aml_dma_remap_ops = {
    .name = "remap",
    .capabilities = capabilities,
    .fini = fini,
    .submit = submit,
    .wait = aml_internal_inner_wait,
    .cancel = aml_internal_inner_cancel,
    .barrier = barrier,
};

/** Moves a page, to see whether the kernel does. */
static int probe(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *const pages =
      mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return aml_error_set_system(init_call, "mmap", errno);
  const int number = move_pages_to(pages + page, pages, page);
  (void)munmap(pages, 2 * page);
  return number == 0 ? 0
                     : aml_error_set(-AML_ENOTSUP, init_call, NULL,
                                     "this kernel moves no pages and keeps their mapping");
}

int aml_dma_remap_init(struct aml_dma *dma, const struct aml_dma_remap_options *options) {
  static const struct aml_dma_remap_options defaults = {.min_size = 0};
  if (dma == NULL || dma->ops != &aml_dma_remap_ops)
    return aml_error_set(-AML_EINVAL, init_call, "dma",
                         "is null, or was not declared by AML_DMA_REMAP_DECL");
  if (options == NULL)
    options = &defaults;
  const int err = probe();
  if (err)
    return err;
  struct aml_dma_remap *const self = (struct aml_dma_remap *)dma;
  struct aml_internal_maps maps;
  aml_internal_maps_open(&maps);
  self->maps = maps.descriptor;
  self->process = maps.process;
  self->inner = options->inner;
  self->min_size = options->min_size == 0 ? DEFAULT_MIN_SIZE : options->min_size;
  return 0;
}

int aml_dma_remap_create(struct aml_dma **dma, const struct aml_dma_remap_options *options) {
  struct aml_dma *const made = aml_block_create("aml_dma_remap_create", "dma", dma,
                                                sizeof(struct aml_dma_remap), &aml_dma_remap_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_remap_init(made, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
