// SPDX-License-Identifier: BSD-3-Clause
//
// What tilings share whose tiles stand in a line: an id is the one coordinate.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_INTERNAL_LINE_H
#define AML_TILING_INTERNAL_LINE_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The operations of that name. */
int aml_internal_line_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id);
int aml_internal_line_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]);

/** Refuse an id that is not below the count. */
AML_MUST_CHECK int aml_internal_line_check(const struct aml_tiling *tiling, const char *call,
                                           size_t id);

#ifdef __cplusplus
}
#endif

#endif
