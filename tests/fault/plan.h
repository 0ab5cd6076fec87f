// SPDX-License-Identifier: BSD-3-Clause
//
// Which calls of a block are to fail; what the fault blocks share. Threads: asking is thread-safe.

#ifndef AML_TESTS_FAULT_PLAN_H
#define AML_TESTS_FAULT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A plan; zeroed, nothing fails. */
struct aml_fault_plan {
  unsigned operations; /**< which are counted; bits that the block defines */
  size_t nth;          /**< the first that fails, counted from 1; 0: none */
  size_t count;        /**< how many fail from there on; SIZE_MAX: all */
  int err;             /**< the negated code that they fail with */
  size_t seen;         /**< calls counted so far; atomic, as below */
  size_t failed;       /**< of these */
};

/** Count a call of `operation`. Returns: the code that it is to fail with, or 0. */
static inline int aml_fault_plan_next(struct aml_fault_plan *plan, unsigned operation) {
  if ((plan->operations & operation) == 0)
    return 0;
  const size_t index = __atomic_add_fetch(&plan->seen, 1, __ATOMIC_RELAXED);
  if (plan->nth == 0 || index < plan->nth || index - plan->nth >= plan->count)
    return 0;
  (void)__atomic_add_fetch(&plan->failed, 1, __ATOMIC_RELAXED);
  return plan->err;
}

#ifdef __cplusplus
}
#endif

#endif
