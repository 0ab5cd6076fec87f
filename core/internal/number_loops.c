// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/number_loops.h"

#include <string.h>

enum { BLOCK = AML_INTERNAL_NUMBER_BLOCK, MAX_SIZE = 8 };

int aml_internal_number_run(void *dst, const void *src, size_t count, void *argument) {
  const struct aml_internal_number_loop *const loop = argument;
  const size_t dst_size = loop->operation.dst_element_size;
  const size_t src_size = loop->operation.src_element_size;
  const size_t whole = count / BLOCK;
  const size_t rest = count % BLOCK;
  if (whole > 0)
    loop->run_blocks(dst, src, whole);
  if (rest == 0)
    return 0;
  _Alignas(64) char dst_block[BLOCK * MAX_SIZE];
  _Alignas(64) char src_block[BLOCK * MAX_SIZE];
  char *const to = (char *)dst + whole * BLOCK * dst_size;
  // Behind the rest are numbers, of which nobody sees what they come to.
  memset(dst_block, 0, BLOCK * dst_size);
  memset(src_block, 0, BLOCK * src_size);
  memcpy(dst_block, to, rest * dst_size);
  memcpy(src_block, (const char *)src + whole * BLOCK * src_size, rest * src_size);
  loop->run_blocks(dst_block, src_block, 1);
  memcpy(to, dst_block, rest * dst_size);
  return 0;
}

/** The better ones first. */
static const struct aml_internal_number_loops *const all[] = {
#if defined(__x86_64__)
    &aml_internal_number_loops_avx512,
    &aml_internal_number_loops_avx2,
#endif
    &aml_internal_number_loops_portable,
};

enum { COUNT = sizeof all / sizeof all[0] };

const struct aml_internal_number_loops *aml_internal_number_loops_find(const char *name) {
  for (size_t i = 0; i < COUNT; ++i)
    if ((name == NULL || strcmp(name, all[i]->name) == 0) && all[i]->is_supported())
      return all[i];
  return NULL;
}
