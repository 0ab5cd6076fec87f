// SPDX-License-Identifier: BSD-3-Clause

#define REAL double
#define TABLE kernel_double
#include "examples/matmul/internal/kernel_template.h"
