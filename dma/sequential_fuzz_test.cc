// SPDX-License-Identifier: BSD-3-Clause
//
// Any two tiles are copied as element by element, by any loops, also in parts and by operations.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "aml/dma/tile_pair_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  const std::string wrong = aml_testing::TilePair(data, size).Check();
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}
