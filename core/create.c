// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/create.h"

#include <stdlib.h>
#include <string.h>

#include "aml/core/error.h"

void *aml_block_create(const char *call, const char *argument, const void *result, size_t size,
                       const void *ops) {
  if (result == NULL) {
    (void)aml_error_set(-AML_EINVAL, call, argument, "is null");
    return NULL;
  }
  void *const block = calloc(1, size);
  if (block == NULL)
    (void)aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the block");
  else
    memcpy(block, &ops, sizeof ops);
  return block;
}
