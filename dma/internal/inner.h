// SPDX-License-Identifier: BSD-3-Clause
//
// What dmas over other dmas have in common: a request that is handed on is the inner dma's, which
// is then asked about it. What is not handed on is done, or refused, before submit returns, so that
// nobody can wait for it or call it off.

#ifndef AML_DMA_INTERNAL_INNER_H
#define AML_DMA_INTERNAL_INNER_H

#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Hands a request on. Returns: as its submit. */
static inline int aml_internal_inner_submit(struct aml_dma *inner,
                                            struct aml_dma_request *request) {
  request->dma = inner;
  return inner->ops->submit(inner, request);
}

/** Hands a request on that is waited for at once. Returns: as its submit. */
static inline int aml_internal_inner_run(struct aml_dma *inner, struct aml_dma_request *request) {
  request->dma = inner;
  return aml_dma_request_run(inner, request);
}

/** Hands many on that one submit_many has brought. Returns: as that. */
int aml_internal_inner_submit_many(struct aml_dma *inner, size_t count,
                                   struct aml_dma_request *const requests[], size_t *taken);

/** Waits for what an inner dma has. */
static inline int aml_internal_inner_barrier(struct aml_dma *inner) {
  return inner->ops->barrier == NULL ? 0 : inner->ops->barrier(inner);
}

/** The operation `wait` of such a dma. */
int aml_internal_inner_wait(struct aml_dma *dma, struct aml_dma_request *request);

/** The operation `cancel` of such a dma. */
int aml_internal_inner_cancel(struct aml_dma *dma, struct aml_dma_request *request);

#ifdef __cplusplus
}
#endif

#endif
