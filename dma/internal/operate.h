// SPDX-License-Identifier: BSD-3-Clause
//
// Operations over plans. Where runs are short, elements are packed first, so that an operation
// sees many at once whatever the strides are.

#ifndef AML_DMA_INTERNAL_OPERATE_H
#define AML_DMA_INTERNAL_OPERATE_H

#include "aml/core/dma.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Runs an operation over a plan. Returns: 0, or the first result that is not. */
int aml_internal_operate(const struct aml_internal_copy_engine *engine,
                         const struct aml_internal_plan *plan,
                         const struct aml_dma_operation *operation);

#ifdef __cplusplus
}
#endif

#endif
