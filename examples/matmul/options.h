// SPDX-License-Identifier: BSD-3-Clause
//
// matmul's command line.

#ifndef MATMUL_OPTIONS_H
#define MATMUL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/examples/matmul/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct options {
  size_t memory; /**< bytes for tiles; 0: not given */
  enum kernel_kind kernel;
  bool help;
  const char *a; /**< null, as b and c: make input and check the result */
  const char *b;
  const char *c;
};

/** Parse a command line. Returns: 0; or -1, and has said why on standard error. */
int options_parse(int argc, char *argv[], struct options *options);

/** Parse a size: digits, then nothing, K, M, G or T for powers of 1024. False: it is none. */
bool options_parse_size(const char *text, size_t *size);

/** Print how the program is used to standard output. */
void options_print_help(void);

#ifdef __cplusplus
}
#endif

#endif
