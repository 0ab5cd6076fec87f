// SPDX-License-Identifier: BSD-3-Clause
//
// Included before every C file that clang-tidy reads, and by nothing else: tells its analyser,
// which sees one file at a time, that a recorded failure is never 0. Else it follows paths on which
// a call failed and returned success.

#ifndef AML_TOOLS_LINT_MODEL_H
#define AML_TOOLS_LINT_MODEL_H

#include "aml/core/error.h"

// A statement expression, since the analyser does not look into functions at any depth.
#define AML_LINT_NEGATIVE(call)                                                                    \
  ({                                                                                               \
    const int aml_lint_err = (call);                                                               \
    if (aml_lint_err >= 0)                                                                         \
      __builtin_unreachable();                                                                     \
    aml_lint_err;                                                                                  \
  })

// The name within its own macro is not expanded again: it is the function.
#define aml_error_set(...) AML_LINT_NEGATIVE(aml_error_set(__VA_ARGS__))
#define aml_error_set_value(...) AML_LINT_NEGATIVE(aml_error_set_value(__VA_ARGS__))
#define aml_error_set_system(...) AML_LINT_NEGATIVE(aml_error_set_system(__VA_ARGS__))

// What inline functions of core/ call to refuse; core/ itself has the real ones.
#ifndef AML_LINT_CORE
#include "aml/core/scratchpad.h"
#include "aml/core/tiling.h"

int aml_scratchpad_refuse_pull(const struct aml_scratchpad *scratchpad) {
  (void)scratchpad;
  return -AML_EINVAL;
}

int aml_tiling_refuse_tile(const struct aml_tiling *tiling, const struct aml_tile *datum) {
  (void)tiling;
  (void)datum;
  return -AML_EINVAL;
}
#endif

#endif
