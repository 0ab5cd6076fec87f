// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of calls keeps the laws of arenas (tests/support/arena_ops.h): in a region that
// begins anywhere, and over an area by chunks of one page or many, up to a limit.

#include <cstddef>

#include "aml/arena/fuzz_testing.h"
#include "aml/arena/tlsf.h"
#include "aml/core/arena.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  AML_ARENA_TLSF_DECL(arena);
  aml_testing::DemandArenaLife(arena, aml_arena_tlsf_init, data, size);
  return 0;
}
