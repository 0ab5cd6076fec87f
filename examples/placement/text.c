// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/tiling.h"
#include "aml/examples/placement/map.h"
#include "aml/examples/placement/picture.h"

enum { MAX_COLUMNS = 64, MAX_ROWS = 48, MAX_PLANES = 8 };

static void print_tile(const struct map_tile *tile, FILE *file) {
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  const char symbol = tile->found >= 0            ? digits[tile->found % 36]
                      : tile->found == MAP_ABSENT ? '.'
                                                  : '-';
  const int is_wrong = tile->wanted >= 0 && tile->wanted != tile->found;
  fprintf(file, "%c%c", symbol, is_wrong ? '!' : ' ');
}

/** A plane of tiles: `first` are the coordinates of its first one. */
static void print_plane(const struct map *map, const size_t first[], FILE *file) {
  const size_t ndims = map->info.grid_ndims;
  const size_t rows = ndims < 2 ? 1 : map->info.grid[ndims - 2];
  const size_t columns = map->info.grid[ndims - 1];
  size_t coords[AML_MAX_DIMS];
  for (size_t d = 0; d < ndims; ++d)
    coords[d] = first[d];
  for (size_t row = 0; row < rows && row < MAX_ROWS; ++row) {
    for (size_t column = 0; column < columns && column < MAX_COLUMNS; ++column) {
      size_t id;
      coords[ndims - 1] = column;
      if (ndims > 1)
        coords[ndims - 2] = row;
      if (aml_tiling_id(map->tiling, coords, &id) == 0)
        print_tile(&map->tiles[id], file);
    }
    fputs("\n", file);
  }
  if (columns > MAX_COLUMNS)
    fprintf(file, "(and %zu more columns)\n", columns - MAX_COLUMNS);
  if (rows > MAX_ROWS)
    fprintf(file, "(and %zu more rows)\n", rows - MAX_ROWS);
}

/** A row of tiles that have no grid, broken into lines. */
static void print_lines(const struct map *map, FILE *file) {
  const size_t most = MAX_COLUMNS * MAX_ROWS;
  for (size_t id = 0; id < map->count && id < most; ++id) {
    print_tile(&map->tiles[id], file);
    if ((id + 1) % MAX_COLUMNS == 0 || id + 1 == map->count)
      fputs("\n", file);
  }
  if (map->count > most)
    fprintf(file, "(and %zu more tiles)\n", map->count - most);
}

void picture_print(const struct map *map, FILE *file) {
  const size_t ndims = map->info.grid_ndims;
  if (ndims == 1) {
    print_lines(map, file);
    return;
  }
  size_t planes = 1;
  for (size_t d = 0; d + 2 < ndims; ++d)
    planes *= map->info.grid[d];
  for (size_t plane = 0; plane < planes && plane < MAX_PLANES; ++plane) {
    size_t coords[AML_MAX_DIMS] = {0};
    size_t rest = plane;
    for (size_t d = ndims - 2; d-- > 0; rest /= map->info.grid[d])
      coords[d] = rest % map->info.grid[d];
    if (planes > 1) {
      fputs("plane", file);
      for (size_t d = 0; d + 2 < ndims; ++d)
        fprintf(file, " %zu", coords[d]);
      fputs("\n", file);
    }
    print_plane(map, coords, file);
  }
  if (planes > MAX_PLANES)
    fprintf(file, "(and %zu more planes)\n", planes - MAX_PLANES);
}

void picture_print_report(const struct map *map, FILE *file) {
  const struct aml_binding_report *const report = &map->report;
  for (int device = 0; device < AML_NODESET_CAPACITY; ++device) {
    size_t wanted = 0;
    size_t found = 0;
    for (size_t id = 0; id < map->count; ++id) {
      wanted += map->tiles[id].wanted == device;
      found += map->tiles[id].found == device;
    }
    if (wanted + found + report->device_size[device] > 0)
      fprintf(file, "device %d: %zu bytes; %zu tiles belong there, %zu are there\n", device,
              report->device_size[device], wanted, found);
  }
  if (report->shared_size > 0)
    fprintf(file, "%zu bytes of pages are shared by tiles of several devices, %zu bytes outvoted\n",
            report->shared_size, report->outvoted_size);
  fprintf(file, "%zu bytes right, %zu wrong, %zu not present\n", report->right_size,
          report->wrong_size, report->absent_size);
}
