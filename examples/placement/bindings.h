// SPDX-License-Identifier: BSD-3-Clause
//
// Makes the binding that a text names.

#ifndef PLACEMENT_BINDINGS_H
#define PLACEMENT_BINDINGS_H

#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/nodeset.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The most devices that a table or a grid can list. */
enum { BINDINGS_MAX_LIST = 1024 };

/** A binding with what it borrows. Zeroed: none. */
struct made_binding {
  struct aml_binding *binding;
  const struct aml_tiling *tiling; /**< borrowed */
  struct aml_nodeset devices;      /**< of functions */
  int list[BINDINGS_MAX_LIST];     /**< of tables and grids */
};

/**
 * Make a binding: "cyclic:0-1/4", as --help lists them.
 *
 * @param tiling  whose tiles are to be bound.
 * @param made    must stay where it is until it is destroyed.
 *
 * Returns: 0; -1, and has said why on standard error.
 * Owns: bindings_destroy() releases it.
 */
int bindings_make(const char *text, const struct aml_tiling *tiling, struct made_binding *made);

void bindings_destroy(struct made_binding *made);

#ifdef __cplusplus
}
#endif

#endif
