// SPDX-License-Identifier: BSD-3-Clause

#include <stdbool.h>

#define KERNEL
#define LOOPS aml_internal_number_loops_portable
#define NAME "portable"

static bool is_supported(void) {
  return true;
}

#include "aml/core/internal/number_loops_template.h"
