// SPDX-License-Identifier: BSD-3-Clause
//
// What a program asked its malloc for, replayed on an arena of any type. A trace is text, a call a
// line, in the order in which they were made:
//
//     # a comment
//     @2           what follows is thread 2's; at first it is thread 1's
//     + 7 100 64   block 7 is allocated, of 100 bytes, aligned to 64 if that is said
//     0 8 20       block 8 is allocated, of 20 bytes that are zero
//     = 7 200      block 7 is resized
//     - 7          block 7 is freed; from then on 7 is another block's number
//
// Each block is filled and looked at when its next call comes, by whichever thread makes it.

#ifndef AML_TESTS_SUPPORT_ARENA_TRACE_H
#define AML_TESTS_SUPPORT_ARENA_TRACE_H

#include <cstddef>
#include <string>
#include <vector>

#include "aml/core/arena.h"

namespace aml_testing {

struct ArenaTrace {
  struct Call {
    char kind; // + 0 = -
    unsigned thread;
    size_t block;
    size_t size;
    size_t alignment;
    size_t after; // the call before it on the same block, counted from 1; 0: none
  };
  std::vector<Call> calls;
  size_t threads = 0;
  size_t largest = 0; // size of a block
};

/** Reads a trace; one without calls if the file is not there or is none. */
ArenaTrace ReadArenaTrace(const std::string &path);

/**
 * Makes all calls from this thread, with the arena validated after each, and gives back what was
 * left. Where blocks cannot be resized, they are allocated anew.
 *
 * Returns: empty; or the first law that was broken, in words, and at which call.
 */
std::string ReplayArenaTrace(aml_arena *arena, const ArenaTrace &trace);

/**
 * The same by a thread for each of the trace's, `copies` times at once. A call waits for the one
 * before it on its block and for nothing else. The arena is validated at the end.
 */
std::string ReplayArenaTraceByThreads(aml_arena *arena, const ArenaTrace &trace, size_t copies);

} // namespace aml_testing

#endif
