// SPDX-License-Identifier: BSD-3-Clause
//
// Reads the words of placement's command line from left to right. What is read is passed over; what
// cannot be read leaves the text where it was.

#ifndef PLACEMENT_WORDS_H
#define PLACEMENT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/nodeset.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A text, and where its end is. */
struct words {
  const char *at;
};

/** Pass over a word, if the text goes on with it. */
bool words_skip(struct words *words, const char *word);

/** Whether all was read. */
bool words_end(const struct words *words);

/** Read a decimal number; K, M and G behind it are powers of 1024. */
bool words_number(struct words *words, size_t *number);

/** Read numbers with a separator between them, at most `capacity`. */
bool words_numbers(struct words *words, const char *separator, size_t capacity, size_t numbers[],
                   size_t *count);

/** Read extents, as 512x512: one for each dimension. */
bool words_extents(struct words *words, size_t ndims, size_t extent[]);

/** Read a set of devices, as 0-1,4: up to one of "/=" or the end. */
bool words_devices(struct words *words, struct aml_nodeset *devices);

#ifdef __cplusplus
}
#endif

#endif
