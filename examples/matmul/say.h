// SPDX-License-Identifier: BSD-3-Clause
//
// How matmul tells its user that something failed: one sentence on standard error.

#ifndef MATMUL_SAY_H
#define MATMUL_SAY_H

#ifdef __cplusplus
extern "C" {
#endif

/** Print "matmul: " and a sentence; returns -1, so that `return say(…)` reads well. */
__attribute__((format(printf, 1, 2))) int say(const char *format, ...);

/** As say(), with a colon and the system's text for errno behind it. */
__attribute__((format(printf, 1, 2))) int say_errno(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
