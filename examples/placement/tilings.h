// SPDX-License-Identifier: BSD-3-Clause
//
// Makes the tiling that a text names, and lays out an array for it.

#ifndef PLACEMENT_TILINGS_H
#define PLACEMENT_TILINGS_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling with what it borrows. Zeroed: none. */
struct made_tiling {
  struct aml_tiling *tiling;
  struct aml_tiling *outer; /**< of nested ones */
  size_t *offsets;          /**< of ragged ones */
};

/**
 * Make a tiling: "clipped:512x512", as --help lists them.
 *
 * Returns: 0; -1, and has said why on standard error.
 * Owns: tilings_destroy() releases it.
 */
int tilings_make(const char *text, size_t element_size, size_t ndims, const size_t extent[],
                 struct made_tiling *made);

void tilings_destroy(struct made_tiling *made);

/** Lay an array out in memory of the tiling's storage_size bytes. Returns: a code of AML. */
int tilings_lay_out(const struct made_tiling *made, struct aml_area *area, void *memory,
                    struct aml_tile *datum);

#ifdef __cplusplus
}
#endif

#endif
