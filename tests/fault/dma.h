// SPDX-License-Identifier: BSD-3-Clause
//
// A dma that fails on demand, over any dma: the n-th request is refused by submit, or is taken and
// then done with an error, nothing copied.
//
//     AML_DMA_FAULT_DECL(dma);
//     int err = aml_dma_fault_init(dma, inner);
//     aml_dma_fault_arm(dma, AML_DMA_FAULT_TRANSFER, 3, 1, -AML_EIO);  // the third copy from here
//     …
//     EXPECT_EQ(1u, aml_dma_fault_disarm(dma));
//
// Threads: as the inner dma, but arm and disarm, which are for when nobody else is calling.

#ifndef AML_TESTS_FAULT_DMA_H
#define AML_TESTS_FAULT_DMA_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"
#include "aml/tests/fault/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a request can fail. Where both are armed, a request counts as each of them. */
enum aml_dma_fault_operation {
  AML_DMA_FAULT_SUBMIT = 1 << 0,  /**< it is not taken */
  AML_DMA_FAULT_TRANSFER = 1 << 1 /**< it is taken, and wait says the code */
};

/** A dma that fails on demand; use functions. */
struct aml_dma_fault {
  struct aml_dma dma;
  struct aml_dma *inner; /**< borrowed; null: not initialised */
  struct aml_fault_plan plan;
  size_t requests; /**< taken, those that fail included; atomic */
};

extern const struct aml_dma_ops aml_dma_fault_ops;

/** Declare `struct aml_dma *name`, to be initialised as a dma that fails on demand. */
#define AML_DMA_FAULT_DECL(name)                                                                   \
  AML_BLOCK_DECL(aml_dma_fault, aml_dma, dma, aml_dma_fault_ops, name)

/**
 * Initialise a dma that does as `inner`, borrowed, does until armed.
 *
 * Returns: 0; -AML_EINVAL for null, or storage of another type.
 */
AML_MUST_CHECK int aml_dma_fault_init(struct aml_dma *dma, struct aml_dma *inner);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_dma_fault_init(). */
AML_MUST_CHECK int aml_dma_fault_create(struct aml_dma **dma, struct aml_dma *inner);

/**
 * Make requests fail, from now until disarmed.
 *
 * @param operations  how: bits of enum aml_dma_fault_operation.
 * @param nth         the first that fails, counted from 1; 0: none.
 * @param count       how many fail from there on; SIZE_MAX: all.
 * @param err         the negated code that they fail with.
 */
void aml_dma_fault_arm(struct aml_dma *dma, unsigned operations, size_t nth, size_t count, int err);

/** Let all requests through again. Returns: how many failed since the dma was armed. */
size_t aml_dma_fault_disarm(struct aml_dma *dma);

/** How many requests were taken since the dma was made. */
size_t aml_dma_fault_requests(const struct aml_dma *dma);

#ifdef __cplusplus
}
#endif

#endif
