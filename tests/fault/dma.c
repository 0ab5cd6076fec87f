// SPDX-License-Identifier: BSD-3-Clause
//
// A request that goes through becomes the inner dma's own, which then is asked for it directly.

#include "aml/tests/fault/dma.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static struct aml_dma_fault *fault_of(const struct aml_dma *dma) {
  return (struct aml_dma_fault *)dma;
}

static unsigned capabilities(const struct aml_dma *dma) {
  return aml_dma_capabilities(fault_of(dma)->inner);
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  static const char call[] = "aml_dma_submit";
  static const char reason[] = "fails, as a test planned";
  struct aml_dma_fault *const fault = fault_of(dma);
  int err = aml_fault_plan_next(&fault->plan, AML_DMA_FAULT_SUBMIT);
  if (err)
    return aml_error_set(err, call, NULL, reason);
  err = aml_fault_plan_next(&fault->plan, AML_DMA_FAULT_TRANSFER);
  if (err) {
    (void)aml_error_set(err, call, NULL, reason);
    aml_dma_request_fail(request, err, reason);
  } else {
    request->dma = fault->inner;
    err = fault->inner->ops->submit(fault->inner, request);
    if (err)
      return err;
  }
  (void)__atomic_add_fetch(&fault->requests, 1, __ATOMIC_RELAXED);
  return 0;
}

static int wait(struct aml_dma *dma, struct aml_dma_request *request) {
  struct aml_dma *const inner = fault_of(dma)->inner;
  return inner->ops->wait(inner, request);
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  struct aml_dma *const inner = fault_of(dma)->inner;
  return inner->ops->cancel(inner, request);
}

static int barrier(struct aml_dma *dma) {
  return aml_dma_barrier(fault_of(dma)->inner);
}

static void fini(struct aml_dma *dma) {
  if (fault_of(dma)->inner != NULL)
    (void)!barrier(dma);
  *fault_of(dma) = (struct aml_dma_fault){.dma = {.ops = &aml_dma_fault_ops}};
}

const struct aml_dma_ops aml_dma_fault_ops = {
    .name = "fault",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait,
    .cancel = cancel,
    .barrier = barrier,
};

int aml_dma_fault_init(struct aml_dma *dma, struct aml_dma *inner) {
  static const char call[] = "aml_dma_fault_init";
  if (dma == NULL || dma->ops != &aml_dma_fault_ops)
    return aml_error_set(-AML_EINVAL, call, "dma",
                         "is null, or was not declared by AML_DMA_FAULT_DECL");
  if (inner == NULL)
    return aml_error_set(-AML_EINVAL, call, "inner", "is null");
  *fault_of(dma) = (struct aml_dma_fault){.dma = {.ops = &aml_dma_fault_ops}, .inner = inner};
  return 0;
}

int aml_dma_fault_create(struct aml_dma **dma, struct aml_dma *inner) {
  struct aml_dma *const made = aml_block_create("aml_dma_fault_create", "dma", dma,
                                                sizeof(struct aml_dma_fault), &aml_dma_fault_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_fault_init(made, inner);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}

void aml_dma_fault_arm(struct aml_dma *dma, unsigned operations, size_t nth, size_t count,
                       int err) {
  fault_of(dma)->plan =
      (struct aml_fault_plan){.operations = operations, .nth = nth, .count = count, .err = err};
}

size_t aml_dma_fault_disarm(struct aml_dma *dma) {
  const size_t failed = fault_of(dma)->plan.failed;
  fault_of(dma)->plan = (struct aml_fault_plan){0};
  return failed;
}

size_t aml_dma_fault_requests(const struct aml_dma *dma) {
  return __atomic_load_n(&fault_of(dma)->requests, __ATOMIC_RELAXED);
}
