// SPDX-License-Identifier: BSD-3-Clause
//
// A consumer in C of everything: an arena over an area.

#include <stdio.h>

#include "aml/aml.h"

int main(void) {
  AML_AREA_LINUX_DECL(area);
  AML_ARENA_BUMP_DECL(arena);
  if (aml_area_linux_init(area, NULL) != 0 || aml_arena_bump_init(arena, area, NULL) != 0)
    return 1;
  int *numbers = aml_arena_alloc(arena, 10 * sizeof *numbers, 0, AML_ARENA_ZERO);
  if (numbers == NULL)
    return 1;
  for (int i = 0; i < 10; ++i)
    numbers[i] += i;
  printf("%d\n", numbers[9]);
  aml_arena_fini(arena);
  aml_area_fini(area);
  return 0;
}
