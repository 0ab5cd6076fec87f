// SPDX-License-Identifier: BSD-3-Clause
//
// The version of AML: semantic versioning (semver.org). While the major number is 0, a new minor
// number may change the interface.

#ifndef AML_CORE_VERSION_H
#define AML_CORE_VERSION_H

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AML_VERSION_MAJOR 0
#define AML_VERSION_MINOR 1
#define AML_VERSION_PATCH 0

#define AML_VERSION_TEXT_(x) #x
#define AML_VERSION_TEXT(x) AML_VERSION_TEXT_(x)

/** The version of the headers, "major.minor.patch". */
#define AML_VERSION                                                                                \
  AML_VERSION_TEXT(AML_VERSION_MAJOR)                                                              \
  "." AML_VERSION_TEXT(AML_VERSION_MINOR) "." AML_VERSION_TEXT(AML_VERSION_PATCH)

/** One number that grows with the version, for `#if AML_VERSION_NUMBER >= 100`. */
#define AML_VERSION_NUMBER (AML_VERSION_MAJOR * 10000 + AML_VERSION_MINOR * 100 + AML_VERSION_PATCH)

/** The version of the library that is linked, in the form of AML_VERSION. */
AML_PUBLIC const char *aml_version(void);

/** The version of the library that is linked, in the form of AML_VERSION_NUMBER. */
AML_PUBLIC int aml_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
