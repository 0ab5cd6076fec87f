// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/version.h"

const char *aml_version(void) {
  return AML_VERSION;
}

int aml_version_number(void) {
  return AML_VERSION_NUMBER;
}
