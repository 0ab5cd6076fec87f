// SPDX-License-Identifier: BSD-3-Clause
//
// A random life of an arena, of any type: a sequence of bytes is read as calls, and what comes of
// each is held against an account of the blocks that there must be. For fuzz tests, and for tests
// that make up the bytes:
//
//     extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
//       … init an arena, with a limit or in a region, by the first byte …
//       aml_testing::DemandArenaOps(arena, data + 1, size - 1);
//       aml_arena_fini(arena);
//       return 0;
//     }
//
//     EXPECT_EQ(std::string(), aml_testing::RunArenaOps(arena, aml_testing::RandomBytes(7, 5000)));
//
// Calls are alloc, free, realloc, batches, reset, trim and usable_size, as far as the arena can by
// its capabilities. Sizes are small as a rule, and sometimes near a power of two, 2^32 or
// SIZE_MAX; alignments go to 1 GiB. The laws: blocks are aligned as asked, lie in memory that the
// arena owns, do not overlap and keep their contents, zeros are zero, live blocks are counted,
// live_size <= reserved_size <= limit, the peak is the peak, calls that fail say so and change
// nothing, and aml_arena_validate() agrees after each call.

#ifndef AML_TESTS_SUPPORT_ARENA_OPS_H
#define AML_TESTS_SUPPORT_ARENA_OPS_H

#include <cstddef>
#include <string>
#include <vector>

#include "aml/core/arena.h"

namespace aml_testing {

/** Whether the host can touch the arena's memory. */
enum class Contents { kChecked, kNeverTouched };

/** What calls that fail may change: nothing, or, as some types say, what the arena has reserved. */
enum class Failures { kChangeNothing, kChangeReserve };

/**
 * Lives the life that some bytes tell of, and gives all blocks back where the arena can.
 *
 * @param arena  initialised, without blocks, and unable to hold much more than some MiB.
 *
 * Returns: empty; or the first law that was broken, in words, and where.
 */
std::string RunArenaOps(aml_arena *arena, const unsigned char *data, size_t size,
                        Contents contents = Contents::kChecked,
                        Failures failures = Failures::kChangeNothing);

std::string RunArenaOps(aml_arena *arena, const std::vector<unsigned char> &bytes,
                        Contents contents = Contents::kChecked);

/** As RunArenaOps(), and aborts with the law on stderr if one was broken; for fuzz tests. */
void DemandArenaOps(aml_arena *arena, const unsigned char *data, size_t size,
                    Contents contents = Contents::kChecked,
                    Failures failures = Failures::kChangeNothing);

/** Bytes that are the same for each seed. */
std::vector<unsigned char> RandomBytes(unsigned seed, size_t size);

} // namespace aml_testing

#endif
