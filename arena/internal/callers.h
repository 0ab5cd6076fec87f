// SPDX-License-Identifier: BSD-3-Clause
//
// What the blocks of an account come to by their words.

#ifndef AML_ARENA_INTERNAL_CALLERS_H
#define AML_ARENA_INTERNAL_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/ledger.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_caller {
  uintptr_t word;
  bool mark;
  uint64_t count; /**< blocks, not 0 */
  uint64_t size;  /**< bytes of them */
};

struct aml_internal_callers {
  struct aml_internal_caller *callers; /**< those with most bytes first */
  size_t count;
  size_t capacity;
};

/** Adds up the blocks of an account. Returns: false, with nothing to free: there is no memory. */
bool aml_internal_callers_collect(struct aml_internal_ledger *ledger,
                                  struct aml_internal_callers *callers);

void aml_internal_callers_free(struct aml_internal_callers *callers);

#ifdef __cplusplus
}
#endif

#endif
