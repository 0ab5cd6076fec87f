// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/inner.h"

#include "aml/core/error.h"

int aml_internal_inner_submit_many(struct aml_dma *inner, size_t count,
                                   struct aml_dma_request *const requests[], size_t *taken) {
  int err = 0;
  for (size_t i = 0; i < count; ++i)
    requests[i]->dma = inner;
  *taken = 0;
  if (inner->ops->submit_many != NULL)
    return inner->ops->submit_many(inner, count, requests, taken);
  while (*taken < count && !(err = inner->ops->submit(inner, requests[*taken])))
    ++*taken;
  return err;
}

int aml_internal_inner_wait(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return 0;
}

int aml_internal_inner_cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  (void)dma;
  (void)request;
  return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "is done");
}
