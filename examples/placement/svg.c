// SPDX-License-Identifier: BSD-3-Clause

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "aml/examples/placement/map.h"
#include "aml/examples/placement/picture.h"

enum { SIDE = 720, MARGIN = 12, LEGEND = 28, GAP = 12 };

/** How elements become points. */
struct scale {
  double width; // points of a plane
  double height;
  double per_column; // points per element
  double per_row;
};

// Colours that differ in lightness too.
static const char *colour_of(int device) {
  static const char *const colours[] = {"#4477aa", "#ee6677", "#228833", "#ccbb44",
                                        "#66ccee", "#aa3377", "#bbbbbb", "#004488",
                                        "#ddaa33", "#bb5566", "#117733", "#882255"};
  return device < 0 ? "#ffffff" : colours[(size_t)device % (sizeof colours / sizeof *colours)];
}

static struct scale scale_of(const struct aml_tiling_info *info) {
  const double columns = (double)info->extent[info->ndims - 1];
  const double rows = info->ndims < 2 ? columns / 12 : (double)info->extent[info->ndims - 2];
  const double per_point = (columns > rows ? columns : rows) / SIDE;
  struct scale scale;
  // However narrow the array, it can be seen.
  scale.width = columns / per_point < 24 ? 24 : columns / per_point;
  scale.height = rows / per_point < 24 ? 24 : rows / per_point;
  scale.per_column = scale.width / columns;
  scale.per_row = info->ndims < 2 ? 0 : scale.height / rows;
  return scale;
}

/** Which plane of tiles a tile is in: leading dimensions, in units of tiles. */
static size_t plane_of(const struct map *map, const struct map_tile *tile) {
  size_t plane = 0;
  for (size_t d = 0; d + 2 < map->info.ndims; ++d) {
    const size_t size = map->info.tile_extent[d];
    plane = plane * ((map->info.extent[d] - 1) / size + 1) + tile->offset[d] / size;
  }
  return plane;
}

static void draw_tile(const struct map *map, const struct scale *scale, size_t id, FILE *file) {
  const struct map_tile *const tile = &map->tiles[id];
  if (tile->found == MAP_EMPTY)
    return;
  const size_t last = map->info.ndims - 1;
  const bool is_line = map->info.ndims == 1;
  const double top = is_line ? 0 : (double)tile->offset[last - 1] * scale->per_row;
  const double height = is_line ? scale->height : (double)tile->extent[last - 1] * scale->per_row;
  const bool is_wrong = tile->wanted >= 0 && tile->wanted != tile->found;
  fprintf(file,
          "<rect class=\"tile\" x=\"%.3f\" y=\"%.3f\" width=\"%.3f\" height=\"%.3f\" fill=\"%s\" "
          "stroke=\"%s\" stroke-width=\"%s\"><title>tile %zu: ",
          MARGIN + (double)tile->offset[last] * scale->per_column,
          MARGIN + LEGEND + (double)plane_of(map, tile) * (scale->height + GAP) + top,
          (double)tile->extent[last] * scale->per_column, height, colour_of(tile->found),
          is_wrong ? "#cc0000" : "#ffffff", is_wrong ? "2" : "0.5", id);
  if (tile->found == MAP_ABSENT)
    fputs("not present", file);
  else
    fprintf(file, "device %d", tile->found);
  if (is_wrong)
    fprintf(file, ", belongs on %d", tile->wanted);
  fputs("</title></rect>\n", file);
}

/** A square and a number for each device. */
static void draw_legend(const struct map *map, FILE *file) {
  int place = 0;
  for (int device = 0; device < AML_NODESET_CAPACITY; ++device) {
    if (map->report.device_size[device] == 0)
      continue;
    const int x = MARGIN + place++ * 96;
    fprintf(file,
            "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" fill=\"%s\"/>"
            "<text x=\"%d\" y=\"%d\">device %d</text>\n",
            x, MARGIN, colour_of(device), x + 20, MARGIN + 12, device);
  }
}

static void draw(const struct map *map, FILE *file) {
  const struct scale scale = scale_of(&map->info);
  size_t planes = 1;
  for (size_t id = 0; id < map->count; ++id) {
    const size_t plane = plane_of(map, &map->tiles[id]);
    planes = plane >= planes ? plane + 1 : planes;
  }
  fprintf(file,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" role=\"img\" "
          "font-family=\"sans-serif\" font-size=\"13\">\n"
          "<title>Memory devices of the tiles of an array (%s)</title>\n"
          "<desc>%zu tiles; %zu bytes right, %zu wrong, %zu not present</desc>\n",
          scale.width + 2 * MARGIN,
          LEGEND + 2 * MARGIN + (double)planes * (scale.height + GAP) - GAP, map->info.type,
          map->count, map->report.right_size, map->report.wrong_size, map->report.absent_size);
  draw_legend(map, file);
  for (size_t id = 0; id < map->count; ++id)
    draw_tile(map, &scale, id, file);
  fputs("</svg>\n", file);
}

int picture_draw(const struct map *map, const char *path) {
  FILE *const file = fopen(path, "we");
  if (file == NULL)
    return errno;
  draw(map, file);
  const bool is_bad = fflush(file) != 0 || ferror(file);
  int number = is_bad ? errno : 0;
  if (fclose(file) != 0 && number == 0)
    number = errno;
  if (number != 0)
    (void)unlink(path);
  return number;
}
