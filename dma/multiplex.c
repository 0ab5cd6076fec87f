// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/multiplex.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/core/area.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/inner.h"

static const char init_call[] = "aml_dma_multiplex_init";

static struct aml_dma_multiplex *self_of(struct aml_dma *dma) {
  return (struct aml_dma_multiplex *)dma;
}

static unsigned capabilities(const struct aml_dma *dma) {
  const struct aml_dma_multiplex *const self = (const struct aml_dma_multiplex *)dma;
  unsigned all = self->count == 0 ? 0 : ~0U;
  unsigned any = 0;
  for (size_t i = 0; i < self->count; ++i) {
    const unsigned its = aml_dma_capabilities(self->routes[i].dma);
    all &= its;
    any |= its;
  }
  return all | (any & AML_DMA_ASYNC);
}

static unsigned area_of(const struct aml_tile *tile) {
  return tile->area == NULL ? AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE
                            : aml_area_capabilities(tile->area);
}

/** The dma of the first route that a request fits; null: there is none. */
static struct aml_dma *find(const struct aml_dma_multiplex *self,
                            const struct aml_dma_request *request) {
  const unsigned dst = area_of(request->dst);
  const unsigned src = area_of(request->src);
  for (size_t i = 0; i < self->count; ++i) {
    const struct aml_dma_route *const route = &self->routes[i];
    if ((dst & route->dst) == route->dst && (src & route->src) == route->src)
      return route->dma;
  }
  return NULL;
}

enum { DESCRIPTION_CAPACITY = 48 };

/** Says what an area is, as far as that tells routes apart. */
static void describe(unsigned area, char text[DESCRIPTION_CAPACITY]) {
  (void)snprintf(text, DESCRIPTION_CAPACITY, "%s%s%s%s%s",
                 (area & AML_AREA_HOST_READABLE) != 0 ? " readable" : "",
                 (area & AML_AREA_HOST_WRITABLE) != 0 ? " writable" : "",
                 (area & AML_AREA_SHARED) != 0 ? " shared" : "",
                 (area & AML_AREA_FILE_BACKED) != 0 ? " file" : "",
                 (area & AML_AREA_DEVICE) != 0 ? " device" : "");
  if (text[0] == '\0')
    (void)snprintf(text, DESCRIPTION_CAPACITY, " unreachable");
}

/** Refuses a request that fits no route: by its source, if there is one for its destination. */
static int refuse(const struct aml_dma_multiplex *self, const struct aml_dma_request *request) {
  const unsigned area = area_of(request->dst);
  bool leads_there = false;
  for (size_t i = 0; i < self->count; ++i)
    leads_there |= (area & self->routes[i].dst) == self->routes[i].dst;
  char dst[DESCRIPTION_CAPACITY];
  char src[DESCRIPTION_CAPACITY];
  char reason[3 * DESCRIPTION_CAPACITY];
  describe(area, dst);
  describe(area_of(request->src), src);
  if (leads_there)
    (void)snprintf(reason, sizeof reason, "is%s, whence no route leads to dst, which is%s", src,
                   dst);
  else
    (void)snprintf(reason, sizeof reason, "is%s, where no route leads", dst);
  return aml_error_set(-AML_ENOTSUP, "aml_dma_submit", leads_there ? "src" : "dst", reason);
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  const struct aml_dma_multiplex *const self = self_of(dma);
  struct aml_dma *const inner = find(self, request);
  return inner == NULL ? refuse(self, request) : aml_internal_inner_submit(inner, request);
}

static int run(struct aml_dma *dma, struct aml_dma_request *request) {
  const struct aml_dma_multiplex *const self = self_of(dma);
  struct aml_dma *const inner = find(self, request);
  return inner == NULL ? refuse(self, request) : aml_internal_inner_run(inner, request);
}

static int submit_many(struct aml_dma *dma, size_t count, struct aml_dma_request *const requests[],
                       size_t *taken) {
  const struct aml_dma_multiplex *const self = self_of(dma);
  int err = 0;
  *taken = 0;
  struct aml_dma *inner = count == 0 ? NULL : find(self, requests[0]);
  while (!err && *taken < count && inner != NULL) {
    struct aml_dma *next = NULL;
    size_t size = 1;
    while (*taken + size < count && (next = find(self, requests[*taken + size])) == inner)
      ++size;
    size_t done = 0;
    err = aml_internal_inner_submit_many(inner, size, &requests[*taken], &done);
    *taken += done;
    inner = next;
  }
  return err || *taken == count ? err : refuse(self, requests[*taken]);
}

static int barrier(struct aml_dma *dma) {
  const struct aml_dma_multiplex *const self = self_of(dma);
  int last = 0; // whose sentence stays
  for (size_t i = 0; i < self->count; ++i) {
    const int err = aml_internal_inner_barrier(self->routes[i].dma);
    last = err ? err : last;
  }
  return last;
}

static void fini(struct aml_dma *dma) {
  (void)barrier(dma);
  *self_of(dma) = (struct aml_dma_multiplex){.dma = {.ops = &aml_dma_multiplex_ops}};
}

const struct aml_dma_ops aml_dma_multiplex_ops = {
    .name = "multiplex",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = aml_internal_inner_wait,
    .cancel = aml_internal_inner_cancel,
    .barrier = barrier,
    .submit_many = submit_many,
    .run = run,
};

int aml_dma_multiplex_init(struct aml_dma *dma, const struct aml_dma_route routes[], size_t count) {
  if (dma == NULL || dma->ops != &aml_dma_multiplex_ops)
    return aml_error_set(-AML_EINVAL, init_call, "dma",
                         "is null, or was not declared by AML_DMA_MULTIPLEX_DECL");
  if (routes == NULL)
    return aml_error_set(-AML_EINVAL, init_call, "routes", "is null");
  if (count == 0 || count > AML_DMA_MULTIPLEX_ROUTES)
    return aml_error_set_value(-AML_EINVAL, init_call, "count", count,
                               "is 0, or above AML_DMA_MULTIPLEX_ROUTES");
  for (size_t i = 0; i < count; ++i)
    if (routes[i].dma == NULL)
      return aml_error_set_value(-AML_EINVAL, init_call, "routes", i, "has no dma");
  struct aml_dma_multiplex *const self = self_of(dma);
  memcpy(self->routes, routes, count * sizeof *routes);
  self->count = count;
  return 0;
}

int aml_dma_multiplex_create(struct aml_dma **dma, const struct aml_dma_route routes[],
                             size_t count) {
  struct aml_dma *const made =
      aml_block_create("aml_dma_multiplex_create", "dma", dma, sizeof(struct aml_dma_multiplex),
                       &aml_dma_multiplex_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_multiplex_init(made, routes, count);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
