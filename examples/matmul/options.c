// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/checked.h"
#include "aml/examples/matmul/say.h"

static const char help[] =
    "usage: matmul [--memory SIZE] [--kernel own|openblas] A.npy B.npy C.npy\n"
    "       matmul [--memory SIZE] [--kernel own|openblas]\n"
    "\n"
    "Multiplies the matrices in the NumPy files A.npy and B.npy, of which at most SIZE bytes are\n"
    "in memory at any time, and writes the product to C.npy. Without files it makes some in a\n"
    "temporary directory, multiplies them, checks the result and removes them.\n"
    "\n"
    "  --memory SIZE   bytes for tiles; K, M, G and T are powers of 1024 (64M; without files 4M)\n"
    "  --kernel NAME   who multiplies tiles: own, or openblas if it was there at build time,\n"
    "                  which is the default then\n"
    "  --help          print this\n"
    "\n"
    "Files hold float32 or float64 numbers, little-endian, in C or Fortran order; both the same\n"
    "type. C.npy is in C order, and appears when it is whole.\n"
    "\n"
    "Exit status: 0; 1 if the work failed; 2 if the command line is wrong.\n";

void options_print_help(void) {
  fputs(help, stdout);
}

bool options_parse_size(const char *text, size_t *size) {
  static const char suffixes[] = "KMGT";
  size_t value = 0;
  if (*text < '0' || *text > '9')
    return false;
  for (; *text >= '0' && *text <= '9'; ++text)
    if (!aml_checked_multiply(value, 10, &value) ||
        !aml_checked_add(value, (size_t)(*text - '0'), &value))
      return false;
  if (*text != '\0') {
    const char *const suffix = strchr(suffixes, *text);
    if (suffix == NULL || text[1] != '\0' ||
        !aml_checked_multiply(value, (size_t)1 << (10 * (suffix - suffixes + 1)), &value))
      return false;
  }
  *size = value;
  return true;
}

static int parse_kernel(const char *name, enum kernel_kind *kind) {
  if (strcmp(name, "own") == 0)
    *kind = KERNEL_OWN;
  else if (strcmp(name, "openblas") == 0)
    *kind = KERNEL_OPENBLAS;
  else
    return say("--kernel is own or openblas, not '%s'", name);
  return 0;
}

static int parse_option(int option, struct options *options) {
  switch (option) {
  case 'h':
    options->help = true;
    return 0;
  case 'm':
    if (!options_parse_size(optarg, &options->memory) || options->memory == 0)
      return say("--memory takes a size such as 64M, not '%s'", optarg);
    return 0;
  case 'k':
    return parse_kernel(optarg, &options->kernel);
  default:
    // getopt_long has said what is wrong.
    return -1;
  }
}

int options_parse(int argc, char *argv[], struct options *options) {
  static const struct option known[] = {{"help", no_argument, NULL, 'h'},
                                        {"memory", required_argument, NULL, 'm'},
                                        {"kernel", required_argument, NULL, 'k'},
                                        {NULL, 0, NULL, 0}};
  static char name[] = "matmul";
  struct options result = {0};
  int option = 0;
  // getopt_long begins its sentences with this, and ours begin with no path either.
  if (argc > 0)
    argv[0] = name;
  optind = 0;
  while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1)
    if (parse_option(option, &result) != 0)
      return -1;
  const int files = argc - optind;
  if (files != 0 && files != 3 && !result.help)
    return say("takes three files, A.npy B.npy C.npy, or none, not %d", files);
  if (files == 3) {
    result.a = argv[optind];
    result.b = argv[optind + 1];
    result.c = argv[optind + 2];
  }
  *options = result;
  return 0;
}
