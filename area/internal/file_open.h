// SPDX-License-Identifier: BSD-3-Clause
//
// How area:file has its file. Threads: thread-compatible.

#ifndef AML_AREA_INTERNAL_FILE_OPEN_H
#define AML_AREA_INTERNAL_FILE_OPEN_H

#include "aml/area/file.h"
#include "aml/area/internal/file_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opens the file, and sets all of a state but the lock. Returns a code, recorded as of init. */
int aml_internal_file_open(struct aml_area_file_state *state,
                           const struct aml_area_file_options *options);

#ifdef __cplusplus
}
#endif

#endif
