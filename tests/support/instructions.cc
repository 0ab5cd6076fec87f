// SPDX-License-Identifier: BSD-3-Clause
//
// ptrace(2), PTRACE_SINGLESTEP. Begin and End raise SIGUSR1, at which the child stops; the signal
// is never delivered.

#include "aml/tests/support/instructions.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||
                              __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

constexpr int kCalibrations = 4;

[[noreturn]] void BeChild(const std::function<void(InstructionMeter *)> &work) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
    _exit(2);
  InstructionMeter meter;
  for (int i = 0; i < kCalibrations; ++i) {
    meter.Begin();
    meter.End();
  }
  work(&meter);
  _exit(0);
}

// Lets the child go on to its end; returns its status. Counts what is between signals.
int Trace(pid_t child, std::vector<size_t> *counts) {
  bool is_counting = false;
  int status = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    const int signal = WSTOPSIG(status);
    if (signal == SIGUSR1) {
      is_counting = !is_counting;
      if (is_counting)
        counts->push_back(0);
    } else if (signal == SIGTRAP && is_counting) {
      ++counts->back();
    }
    const long deliver = signal == SIGUSR1 || signal == SIGTRAP ? 0 : signal;
    if (ptrace(is_counting ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, deliver) != 0)
      break;
  }
  return status;
}

} // namespace

void InstructionMeter::Begin() {
  (void)std::raise(SIGUSR1);
}

void InstructionMeter::End() {
  (void)std::raise(SIGUSR1);
}

std::string CountInstructions(const std::function<void(InstructionMeter *)> &work,
                              std::vector<size_t> *counts) {
  counts->clear();
  if (kIsSanitized)
    return "a sanitizer's instructions are not those that users run";
  const pid_t child = fork();
  if (child < 0)
    return "no process to count in: fork failed";
  if (child == 0)
    BeChild(work);
  std::vector<size_t> all;
  const int status = Trace(child, &all);
  if (!WIFEXITED(status))
    std::abort();
  if (WEXITSTATUS(status) == 2 && all.empty())
    return "ptrace is forbidden here";
  if (WEXITSTATUS(status) != 0 || all.size() < kCalibrations || all[kCalibrations - 1] == 0)
    return "the system steps over instructions uncounted";
  // The first calls also bind symbols.
  const size_t none = all[kCalibrations - 1];
  for (size_t i = kCalibrations; i < all.size(); ++i)
    counts->push_back(all[i] - std::min(all[i], none));
  return "";
}

void ExpectBounded(const char *what, size_t bound,
                   const std::function<void(InstructionMeter *)> &work) {
  std::vector<size_t> counts;
  const std::string why_not = CountInstructions(work, &counts);
  if (!why_not.empty())
    GTEST_SKIP() << why_not;
  ASSERT_FALSE(counts.empty());
  const size_t most = *std::max_element(counts.begin(), counts.end());
  std::printf("%s: %zu instructions at most, of %zu calls\n", what, most, counts.size());
  EXPECT_GE(bound, most) << what;
  EXPECT_LT(5u, most) << what << ": nothing was counted";
}
