// SPDX-License-Identifier: BSD-3-Clause
//
// A request is checked, planned and run in submit. Contiguous copies that stay in cache are most of
// what a runtime asks for, so they are told apart first and cost little more than their memcpy.

#include "aml/dma/sequential.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/kernels.h"
#include "aml/dma/internal/transfer.h"

static const struct aml_dma_sequential *sequential_of(const struct aml_dma *dma) {
  return (const struct aml_dma_sequential *)dma;
}

static unsigned capabilities(const struct aml_dma *dma) {
  (void)dma;
  return AML_DMA_THREAD_SAFE | AML_DMA_CAN_OVERLAP | AML_DMA_CAN_OPERATE;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  const struct aml_dma_sequential *const sequential = sequential_of(dma);
  if (aml_internal_transfer_copy_small(sequential->kernels, sequential->stream_size, request)) {
    aml_dma_request_finish(request, 0);
    return 0;
  }
  struct aml_internal_transfer transfer;
  int err = aml_internal_transfer_make(request, &transfer);
  if (err)
    return err;
  err = aml_dma_request_await_others(request);
  if (err) {
    aml_dma_request_fail(request, err, aml_error_detail());
    return 0;
  }
  const struct aml_internal_copy_engine engine = {sequential->kernels, sequential->stream_size};
  aml_internal_transfer_finish(request,
                               aml_internal_transfer_run(&engine, request->options, &transfer));
  return 0;
}

// A request is done before anybody could wait for it or call it off.

static int wait(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return 0;
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "has begun");
}

static void fini(struct aml_dma *dma) {
  *(struct aml_dma_sequential *)dma =
      (struct aml_dma_sequential){.dma = {.ops = &aml_dma_sequential_ops}};
}

const struct aml_dma_ops aml_dma_sequential_ops = {
    .name = "sequential",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait,
    .cancel = cancel,
};

int aml_dma_sequential_init(struct aml_dma *dma, const struct aml_dma_sequential_options *options) {
  if (dma == NULL || dma->ops != &aml_dma_sequential_ops)
    return aml_error_set(-AML_EINVAL, "aml_dma_sequential_init", "dma",
                         "is null, or was not declared by AML_DMA_SEQUENTIAL_DECL");
  struct aml_internal_copy_engine engine;
  const int err = aml_internal_copy_engine_init(&engine, "aml_dma_sequential_init",
                                                options == NULL ? NULL : options->kernels,
                                                options == NULL ? 0 : options->stream_size);
  if (err)
    return err;
  struct aml_dma_sequential *const sequential = (struct aml_dma_sequential *)dma;
  sequential->kernels = engine.kernels;
  sequential->stream_size = engine.stream_size;
  return 0;
}

int aml_dma_sequential_create(struct aml_dma **dma,
                              const struct aml_dma_sequential_options *options) {
  struct aml_dma *const made =
      aml_block_create("aml_dma_sequential_create", "dma", dma, sizeof(struct aml_dma_sequential),
                       &aml_dma_sequential_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_sequential_init(made, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
