// SPDX-License-Identifier: BSD-3-Clause
//
// Shows a map as text and as a picture.

#ifndef PLACEMENT_PICTURE_H
#define PLACEMENT_PICTURE_H

#include <stdio.h>

#include "aml/examples/placement/map.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Print a map: a character per tile, which is the last digit of its device's number in base 36,
 * with a ! behind those that are not where they belong; . where no page is present, - for a tile
 * without elements. Large maps are cut off, and say so.
 */
void picture_print(const struct map *map, FILE *file);

/** Print the bytes of each device, and what verifying found. */
void picture_print_report(const struct map *map, FILE *file);

/**
 * Draw a map to a file, whole or not at all, as SVG: tiles where they are in the array, coloured by
 * device, with a red edge where they belong elsewhere. Of more than two dimensions there is a
 * picture for each plane of tiles.
 *
 * Returns: 0, or errno.
 */
int picture_draw(const struct map *map, const char *path);

#ifdef __cplusplus
}
#endif

#endif
