// SPDX-License-Identifier: BSD-3-Clause
//
// How AML reports failure.
//
// A function that can fail returns 0 or a negated code (-AML_EINVAL), and leaves its results
// untouched when it fails; a function that allocates returns a pointer or null. Either way the
// calling thread keeps the code and one sentence on its last failure, which names the call, the
// argument, and the system's reason where there is one:
//
//     if (aml_area_bind(area, p, size, AML_POLICY_BIND, &nodes, 0))
//       fprintf(stderr, "%s\n", aml_error_detail());
//
// A successful call leaves code and sentence as they were, unless it got over a failure. AML never
// prints, exits or aborts on bad input. Threads: thread-safe; each thread sees its own failures
// only.

#ifndef AML_CORE_ERROR_H
#define AML_CORE_ERROR_H

#include <stdint.h>

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Every code with its number and meaning; the only list of them. Numbers never change. */
#define AML_ERRORS(X)                                                                              \
  X(AML_EINVAL, 1, "invalid argument")                                                             \
  X(AML_ENOMEM, 2, "out of memory")                                                                \
  X(AML_ENOTSUP, 3, "not supported")                                                               \
  X(AML_EAGAIN, 4, "not possible now, try again")                                                  \
  X(AML_EBUSY, 5, "in use")                                                                        \
  X(AML_EPERM, 6, "not permitted")                                                                 \
  X(AML_ENOENT, 7, "does not exist")                                                               \
  X(AML_EEXIST, 8, "exists already")                                                               \
  X(AML_EIO, 9, "input or output failed")                                                          \
  X(AML_ENOSPC, 10, "no space left")                                                               \
  X(AML_EOVERFLOW, 11, "too large to be represented")                                              \
  X(AML_EDEADLK, 12, "would wait for ever")                                                        \
  X(AML_ECANCELED, 13, "canceled")                                                                 \
  X(AML_ETIMEDOUT, 14, "timed out")                                                                \
  X(AML_ENODEV, 15, "no such device")                                                              \
  X(AML_ESYSTEM, 16, "system call failed")

enum aml_error {
#define AML_ERROR_ENUMERATOR(name, number, text) name = number,
  AML_ERRORS(AML_ERROR_ENUMERATOR)
#undef AML_ERROR_ENUMERATOR
};

/**
 * Say what a code means.
 *
 * @param err  a code, negated or not, or 0. Any other number is "unknown error".
 *
 * Returns: a constant string, never null.
 */
AML_PUBLIC const char *aml_strerror(int err);

/** Name a code ("AML_EINVAL"); takes and returns as aml_strerror(). */
AML_PUBLIC const char *aml_error_name(int err);

/**
 * Tell the calling thread's last failure in one sentence.
 *
 * Returns: a string without newline, empty if nothing failed yet; valid until the thread's next
 * failure or its end.
 */
AML_PUBLIC const char *aml_error_detail(void);

/** The negated code of the calling thread's last failure, or 0; the answer after a null pointer. */
AML_PUBLIC int aml_error_code(void);

/**
 * Record a failure; for those who write blocks.
 *
 * The sentence is "call: argument reason", cut at 255 characters. The strings are copied; any may
 * be what aml_error_detail() returned.
 *
 * @param err       a negated code.
 * @param call      the public function that fails.
 * @param argument  the parameter at fault; null where there is none.
 * @param reason    what is wrong with it ("is not a power of two").
 *
 * Returns: err, so that `return aml_error_set(…)` reads well.
 * Cost: some tens of nanoseconds; no allocation, no system call.
 */
AML_PUBLIC int aml_error_set(int err, const char *call, const char *argument, const char *reason);

/** As aml_error_set(), with the argument's value: "call: argument value reason". */
AML_PUBLIC int aml_error_set_value(int err, const char *call, const char *argument, uint64_t value,
                                   const char *reason);

/**
 * Record that a system call failed; the one place where errno becomes a code of AML.
 *
 * The sentence is "call: what: reason", with the system's own text as the reason.
 *
 * @param call    the public function that fails.
 * @param what    the system call, and the file where there is one ("open /data/a.npy").
 * @param number  the value of errno.
 *
 * Returns: the negated code that `number` stands for; -AML_ESYSTEM where there is none.
 */
AML_PUBLIC int aml_error_set_system(const char *call, const char *what, int number);

#ifdef __cplusplus
}
#endif

#endif
