// SPDX-License-Identifier: BSD-3-Clause
//
// What AML_MALLOC in the environment asks for. Threads: thread-compatible; nothing allocates.

#ifndef AML_TOOLS_MALLOC_OPTIONS_H
#define AML_TOOLS_MALLOC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/area/file.h"
#include "aml/area/linux.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MALLOC_TEXT_CAPACITY = 4096 };

/** The area to make, and how much of it to take. */
struct malloc_options {
  bool is_file;
  struct aml_area_linux_options linux_area;
  struct aml_area_file_options file;
  size_t limit;                    /**< bytes; 0: none */
  bool reports;                    /**< say on standard error at the end what was held */
  char path[MALLOC_TEXT_CAPACITY]; /**< what file.path points to */
};

/**
 * Read a text as README.md describes it.
 *
 * @param text     null and the empty text: the defaults.
 * @param options  not to be copied: it points into itself.
 * @param fault    what is wrong, of `capacity` bytes.
 *
 * Returns: whether the text is well-formed; if not, options hold anything.
 */
bool malloc_options_parse(const char *text, struct malloc_options *options, char *fault,
                          size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
