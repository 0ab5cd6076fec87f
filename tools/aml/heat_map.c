// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tools/aml/heat_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { CELL_WIDTH = 120, CELL_HEIGHT = 56, MARGIN = 110 };

/** How many different rows, or columns, come before one. */
static int place_of(const struct heat_map_cell cells[], size_t count, int number, bool is_row) {
  int place = 0;
  for (size_t i = 0; i < count; ++i) {
    const int one = is_row ? cells[i].row : cells[i].column;
    bool is_first = true;
    for (size_t j = 0; j < i && is_first; ++j)
      is_first = (is_row ? cells[j].row : cells[j].column) != one;
    place += is_first && one < number;
  }
  return place;
}

static void draw_label(FILE *file, int x, int y, const char *what, int number) {
  fprintf(file, "<text x=\"%d\" y=\"%d\">%s %d</text>\n", x, y, what, number);
}

static void draw_cell(FILE *file, const struct heat_map_cell *cell, int row, int column,
                      uint64_t most) {
  const int x = MARGIN + column * CELL_WIDTH;
  const int y = MARGIN / 2 + row * CELL_HEIGHT;
  const double share = most == 0 ? 0 : (double)cell->bandwidth_mib_s / (double)most;
  // From pale to dark blue; the text turns white where that is dark.
  fprintf(file,
          "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"rgb(%d,%d,%d)\" "
          "stroke=\"white\"/>\n",
          x, y, CELL_WIDTH, CELL_HEIGHT, (int)(230 - 200 * share), (int)(240 - 160 * share),
          (int)(255 - 100 * share));
  fprintf(file,
          "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%.1f GiB/s</text>\n"
          "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%" PRIu64 " ns</text>\n",
          x + CELL_WIDTH / 2, y + 24, share > 0.5 ? "white" : "black",
          (double)cell->bandwidth_mib_s / 1024, x + CELL_WIDTH / 2, y + 44,
          share > 0.5 ? "white" : "black", cell->latency_ns);
}

static void draw(FILE *file, const struct heat_map_cell cells[], size_t count) {
  uint64_t most = 0;
  int rows = 0;
  int columns = 0;
  for (size_t i = 0; i < count; ++i) {
    const int row = place_of(cells, count, cells[i].row, true);
    const int column = place_of(cells, count, cells[i].column, false);
    most = cells[i].bandwidth_mib_s > most ? cells[i].bandwidth_mib_s : most;
    rows = row >= rows ? row + 1 : rows;
    columns = column >= columns ? column + 1 : columns;
  }
  fprintf(file,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
          "font-family=\"sans-serif\" font-size=\"14\">\n"
          "<title>Read bandwidth and idle latency from the CPUs of a node to a device</title>\n",
          MARGIN + columns * CELL_WIDTH + 10, MARGIN / 2 + rows * CELL_HEIGHT + 10);
  for (size_t i = 0; i < count; ++i) {
    const int row = place_of(cells, count, cells[i].row, true);
    const int column = place_of(cells, count, cells[i].column, false);
    draw_cell(file, &cells[i], row, column, most);
    if (column == 0)
      draw_label(file, 8, MARGIN / 2 + row * CELL_HEIGHT + 34, "CPUs of", cells[i].row);
    if (row == 0)
      draw_label(file, MARGIN + column * CELL_WIDTH + 24, MARGIN / 2 - 14, "device",
                 cells[i].column);
  }
  fprintf(file, "</svg>\n");
}

int heat_map_write(const char *path, const struct heat_map_cell cells[], size_t count) {
  FILE *const file = fopen(path, "we");
  if (file == NULL)
    return errno;
  draw(file, cells, count);
  const bool is_bad = fflush(file) != 0 || ferror(file);
  int number = is_bad ? errno : 0;
  if (fclose(file) != 0 && number == 0)
    number = errno;
  if (number != 0)
    (void)unlink(path);
  return number;
}
