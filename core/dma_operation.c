// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/dma_operation.h"

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/error.h"
#include "aml/core/internal/number_loops.h"

static bool is_number(enum aml_dma_number number) {
  return (unsigned)number < AML_DMA_NUMBERS;
}

static const struct aml_dma_operation *refuse(const char *call, const char *argument) {
  (void)aml_error_set(-AML_EINVAL, call, argument, "is no number");
  return NULL;
}

const struct aml_dma_operation *aml_dma_operation_convert(enum aml_dma_number dst,
                                                          enum aml_dma_number src) {
  static const char call[] = "aml_dma_operation_convert";
  if (!is_number(dst))
    return refuse(call, "dst");
  if (!is_number(src))
    return refuse(call, "src");
  return &aml_internal_number_loops_find(NULL)->convert[dst][src].operation;
}

const struct aml_dma_operation *aml_dma_operation_accumulate(enum aml_dma_number number) {
  if (!is_number(number))
    return refuse("aml_dma_operation_accumulate", "number");
  return &aml_internal_number_loops_find(NULL)->accumulate[number].operation;
}
