// SPDX-License-Identifier: BSD-3-Clause
//
// A consumer in C of one target: blocks out of a buffer of its own.

#include <stdio.h>

#include "aml/arena/bump.h"

int main(void) {
  static _Alignas(64) char region[4096];
  const struct aml_arena_bump_options options = {.region = region, .region_size = sizeof region};
  AML_ARENA_BUMP_DECL(arena);
  if (aml_arena_bump_init(arena, NULL, &options) != 0)
    return 1;
  int *numbers = aml_arena_alloc(arena, 10 * sizeof *numbers, 0, AML_ARENA_ZERO);
  if (numbers == NULL || (char *)numbers < region || (char *)numbers >= region + sizeof region)
    return 1;
  for (int i = 0; i < 10; ++i)
    numbers[i] += i;
  printf("%d\n", numbers[9]);
  aml_arena_fini(arena);
  return 0;
}
