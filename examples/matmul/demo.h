// SPDX-License-Identifier: BSD-3-Clause
//
// matmul without files: a job on matrices of its own, whose result is checked.

#ifndef MATMUL_DEMO_H
#define MATMUL_DEMO_H

#include <stddef.h>

#include "aml/examples/matmul/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make two matrices in a temporary directory, multiply them, and compare the result with a direct
 * product in memory.
 *
 * @param memory  bytes for tiles; 0: less than any of the three matrices needs.
 *
 * Returns: 0; or -1, and has said why on standard error. What it made is left to
 * temporary_remove_all().
 */
int demo_run(size_t memory, enum kernel_kind kernel);

#ifdef __cplusplus
}
#endif

#endif
