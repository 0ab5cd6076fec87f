// SPDX-License-Identifier: BSD-3-Clause
//
// How many instructions of user space calls take: exact, the same in each run, and not a time. A
// child process does the work, and is stepped through what is between Begin() and End().
//
//     std::vector<size_t> counts;
//     const std::string why_not = CountInstructions(
//         [](InstructionMeter *meter) {
//           meter->Begin();
//           Work();
//           meter->End();
//         },
//         &counts);
//     if (!why_not.empty())
//       GTEST_SKIP() << why_not;
//
// A step takes some microseconds. Uses SIGUSR1 in the child. Threads: none in the child.

#ifndef AML_TESTS_SUPPORT_INSTRUCTIONS_H
#define AML_TESTS_SUPPORT_INSTRUCTIONS_H

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

class InstructionMeter {
public:
  void Begin();
  void End();
};

/**
 * Runs `work` in a child process, which must not fail.
 *
 * @param counts  for each Begin() and End(), the instructions between.
 *
 * Returns: empty; or why they cannot be counted here, as a sentence.
 */
std::string CountInstructions(const std::function<void(InstructionMeter *)> &work,
                              std::vector<size_t> *counts);

#endif
