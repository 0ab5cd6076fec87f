// SPDX-License-Identifier: BSD-3-Clause
//
// placement's command line.

#ifndef PLACEMENT_OPTIONS_H
#define PLACEMENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct options {
  size_t ndims;
  size_t extent[AML_MAX_DIMS]; /**< of the array, in elements */
  size_t element_size;         /**< bytes */
  const char *tiling;          /**< as tilings.h says */
  const char *binding;         /**< as bindings.h says */
  const char *svg;             /**< a file; null: none */
  bool is_huge;                /**< transparent huge pages, instead of none */
  bool is_moved;               /**< pages are touched first, and moved then */
  bool help;
};

/** Parse a command line. Returns: 0; or -1, and has said why on standard error. */
int options_parse(int argc, char *argv[], struct options *options);

/** Print how the program is used to standard output. */
void options_print_help(void);

#ifdef __cplusplus
}
#endif

#endif
