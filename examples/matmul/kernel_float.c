// SPDX-License-Identifier: BSD-3-Clause

#define REAL float
#define TABLE kernel_float
#include "examples/matmul/internal/kernel_template.h"
