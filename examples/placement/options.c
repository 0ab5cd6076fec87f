// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/placement/options.h"

#include <stdio.h>
#include <string.h>

#include "aml/examples/placement/words.h"

static const char HELP[] =
    "usage: placement [OPTION...]\n"
    "\n"
    "Cuts an array into tiles, binds each to a memory device, writes all of it, and shows where\n"
    "each tile really is.\n"
    "\n"
    "  --shape 4096x4096   the array's extents, 1 to 8 of them (default 2048x2048)\n"
    "  --element BYTES     the size of an element (default 8)\n"
    "  --tiling TILING     default clipped:256x256\n"
    "      1d:4096              tiles of 4096 elements, of one dimension\n"
    "      clipped:512x512      boxes; smaller at the far edges\n"
    "      padded:512x512       boxes; the array has room for whole ones at its edges\n"
    "      blocked:512x512      boxes, each contiguous in memory\n"
    "      morton:512x512       boxes, numbered along the Z curve\n"
    "      halo:512x512+2       boxes that reach two elements into their neighbours\n"
    "      ragged:100+0+300     of one dimension, tiles of these sizes, again and again\n"
    "      nested:512x512/64x64 boxes, cut again\n"
    "  --binding BINDING   default cyclic:0\n"
    "      single:0             all on a device\n"
    "      interleave:0-1       tile after tile round the devices\n"
    "      weighted:0-1=3,1     likewise, three of four on the first one;\n"
    "                           without =3,1 by the system's weights\n"
    "      block:0-1            consecutive tiles on each device\n"
    "      cyclic:0-1/4         blocks of four tiles round the devices\n"
    "      grid:2x2=0,1,2,3     as ScaLAPACK deals tiles to a grid of devices\n"
    "      table:0,1,1,0        the device of each tile, again and again\n"
    "      function:0-1         a function of this program: where the tile's number has an even\n"
    "                           or an odd sum of digits\n"
    "      near                 in equal parts near the CPUs of each node\n"
    "      local                where they are first written\n"
    "  --huge              in transparent huge pages\n"
    "  --move              write first, then bind and move\n"
    "  --svg FILE          draw the tiles, coloured by device\n"
    "  --help\n"
    "\n"
    "Exit status: 0 all is where it should be, 1 it is not, or something failed, 2 wrong use.\n";

void options_print_help(void) {
  fputs(HELP, stdout);
}

static int refuse(const char *option, const char *value, const char *why) {
  fprintf(stderr, "placement: %s %s: %s; see placement --help\n", option, value, why);
  return -1;
}

static int parse_shape(const char *value, struct options *options) {
  struct words words = {value};
  size_t extent[AML_MAX_DIMS];
  size_t ndims;
  if (!words_numbers(&words, "x", AML_MAX_DIMS, extent, &ndims) || !words_end(&words))
    return refuse("--shape", value, "is not 1 to 8 numbers with x between them");
  memcpy(options->extent, extent, sizeof extent);
  options->ndims = ndims;
  return 0;
}

static int parse_element(const char *value, struct options *options) {
  struct words words = {value};
  if (!words_number(&words, &options->element_size) || !words_end(&words))
    return refuse("--element", value, "is no number of bytes");
  return 0;
}

static int parse_value(const char *option, const char *value, struct options *options) {
  if (strcmp(option, "--shape") == 0)
    return parse_shape(value, options);
  if (strcmp(option, "--element") == 0)
    return parse_element(value, options);
  if (strcmp(option, "--tiling") == 0)
    options->tiling = value;
  else if (strcmp(option, "--binding") == 0)
    options->binding = value;
  else
    options->svg = value;
  return 0;
}

static bool takes_value(const char *option) {
  static const char *const names[] = {"--shape", "--element", "--tiling", "--binding", "--svg"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if (strcmp(option, names[i]) == 0)
      return true;
  return false;
}

int options_parse(int argc, char *argv[], struct options *options) {
  *options = (struct options){.ndims = 2,
                              .extent = {2048, 2048},
                              .element_size = 8,
                              .tiling = "clipped:256x256",
                              .binding = "cyclic:0"};
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--help") == 0) {
      options->help = true;
    } else if (strcmp(argv[i], "--huge") == 0) {
      options->is_huge = true;
    } else if (strcmp(argv[i], "--move") == 0) {
      options->is_moved = true;
    } else if (!takes_value(argv[i])) {
      return refuse("option", argv[i], "is not known");
    } else if (i + 1 == argc) {
      return refuse("option", argv[i], "lacks its value");
    } else if (parse_value(argv[i], argv[i + 1], options) != 0) {
      return -1;
    } else {
      ++i;
    }
  }
  return 0;
}
