// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/kernels.h"

#include <string.h>

/** The better ones first. */
static const struct aml_internal_kernels *const all[] = {
#if defined(__x86_64__)
    &aml_internal_kernels_avx512,
    &aml_internal_kernels_avx512_halves,
    &aml_internal_kernels_avx2,
#elif defined(__aarch64__)
    &aml_internal_kernels_neon,
#endif
    &aml_internal_kernels_portable,
};

enum { COUNT = sizeof all / sizeof all[0] };

const struct aml_internal_kernels *aml_internal_kernels_find(const char *name) {
  for (size_t i = 0; i < COUNT; ++i)
    if ((name == NULL ? all[i]->is_made_for() : strcmp(name, all[i]->name) == 0) &&
        all[i]->is_supported())
      return all[i];
  return NULL;
}
