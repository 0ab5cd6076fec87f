// SPDX-License-Identifier: BSD-3-Clause
//
// The loops of ready-made operations, once per instruction set. Which ones a CPU has is found out
// at run time.
//
// A loop does whole blocks, whose size the compiler knows, so that it needs no code for what is
// left over: aml_internal_number_run() does that in a block of its own.

#ifndef AML_CORE_INTERNAL_NUMBER_LOOPS_H
#define AML_CORE_INTERNAL_NUMBER_LOOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Elements of a block. */
enum { AML_INTERNAL_NUMBER_BLOCK = 64 };

/** An operation, whose argument is this. */
struct aml_internal_number_loop {
  struct aml_dma_operation operation;
  /** Does `count` blocks, which lie at any alignment; dst may be src. */
  void (*run_blocks)(void *dst, const void *src, size_t count);
};

struct aml_internal_number_loops {
  const char *name;
  bool (*is_supported)(void);
  struct aml_internal_number_loop accumulate[AML_DMA_NUMBERS];
  struct aml_internal_number_loop convert[AML_DMA_NUMBERS][AML_DMA_NUMBERS]; /**< [dst][src] */
};

/** Those that use nothing but what every CPU has. */
extern const struct aml_internal_number_loops aml_internal_number_loops_portable;
#if defined(__x86_64__)
extern const struct aml_internal_number_loops aml_internal_number_loops_avx2;
extern const struct aml_internal_number_loops aml_internal_number_loops_avx512;
#endif

/** The function of all these operations. */
int aml_internal_number_run(void *dst, const void *src, size_t count, void *argument);

/**
 * Finds loops that this CPU has.
 *
 * @param name  null: the best ones, which there always are.
 *
 * Returns: null if there are none of that name, or the CPU lacks them.
 */
const struct aml_internal_number_loops *aml_internal_number_loops_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
