// SPDX-License-Identifier: BSD-3-Clause
//
// What kernel.c knows of the sources that hold a kernel for one element type each.

#ifndef MATMUL_INTERNAL_KERNEL_TYPES_H
#define MATMUL_INTERNAL_KERNEL_TYPES_H

#include <stddef.h>

#include "aml/examples/matmul/kernel.h"

enum { KERNEL_ISAS = 3 };

/** The own kernel for one element type. */
struct kernel_own {
  kernel_function *multiply;
  const struct kernel_micro *variants[KERNEL_ISAS]; /**< best first */
  size_t workspace_size;                            /**< bytes */
};

extern const struct kernel_own kernel_float;
extern const struct kernel_own kernel_double;

/** OpenBLAS's function for an element size; null if it was not linked. */
kernel_function *kernel_openblas(size_t element_size);

#endif
