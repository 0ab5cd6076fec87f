// SPDX-License-Identifier: BSD-3-Clause

#include <stdbool.h>

#define KERNEL
#define WIDTH 16
#define IS_WHOLE 0
#define LANES_1 16
#define LANES_2 8
#define LANES_4 4
#define LANES_8 2
// There is no portable way past the caches.
#define stream_store(to, vector) (void)(*(wide *)(to) = (vector))

#include "aml/dma/internal/kernels_template.h"

static bool is_supported(void) {
  return true;
}

static void fence(void) {}

const struct aml_internal_kernels aml_internal_kernels_portable =
    KERNELS("portable", is_supported, is_supported, false, fence);
