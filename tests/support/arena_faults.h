// SPDX-License-Identifier: BSD-3-Clause
//
// A whole life of an arena in which one call fails that the arena relies on, be it of its area, of
// the system or of the C heap. The call of the arena that it comes of says so and changes nothing,
// and then succeeds when it is made again.
//
//     TEST(ArenaTlsfFault, SurvivesEachFailureOfItsArea) {
//       aml_testing::ExpectArenaSurvivesItsArea([](aml_area *area, aml_arena **arena) {
//         return aml_arena_tlsf_create(arena, area, &options); // chunks of a page
//       });
//     }
//
// For failures of the system there is arena_system_faults.h.

#ifndef AML_TESTS_SUPPORT_ARENA_FAULTS_H
#define AML_TESTS_SUPPORT_ARENA_FAULTS_H

#include <cstddef>
#include <functional>

#include "aml/core/area.h"
#include "aml/core/arena.h"

namespace aml_testing {

using CreateArena = std::function<int(aml_arena **arena)>;
using CreateArenaOver = std::function<int(aml_area *area, aml_arena **arena)>;

/**
 * Creates an arena, uses it in all ways that it can be used, and destroys it; once for each call
 * that is made to fail, and once with none.
 *
 * @param create   over memory that comes in chunks of 4096 bytes, or more for a larger block.
 * @param code     what calls of the arena then fail with.
 * @param arm      makes the nth call from now on fail.
 * @param disarm   called after the arena was destroyed; returns how many calls have failed.
 *
 * Returns: in how many lives a call failed.
 */
size_t LiveThroughEachFailure(const CreateArena &create, int code,
                              const std::function<void(size_t nth)> &arm,
                              const std::function<size_t()> &disarm);

/** Likewise, over an area of which each call fails in turn; there must be some dozen. */
void ExpectArenaSurvivesItsArea(const CreateArenaOver &create);

/** Has an area refuse whole chunks; `create` makes them of 100 pages. */
void ExpectArenaDoesWithLessThanAChunk(const CreateArenaOver &create);

} // namespace aml_testing

#endif
