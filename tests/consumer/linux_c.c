// SPDX-License-Identifier: BSD-3-Clause
//
// A consumer in C of the one target that links libnuma.

#include <stdio.h>

#include "aml/area/linux.h"

int main(void) {
  AML_AREA_LINUX_DECL(area);
  if (aml_area_linux_init(area, NULL) != 0)
    return 1;
  int *numbers = aml_area_map(area, 10 * sizeof *numbers, NULL);
  if (numbers == NULL)
    return 1;
  for (int i = 0; i < 10; ++i)
    numbers[i] += i;
  printf("%d\n", numbers[9]);
  int err = aml_area_unmap(area, numbers, 10 * sizeof *numbers);
  aml_area_fini(area);
  return err != 0;
}
