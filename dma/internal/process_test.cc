// SPDX-License-Identifier: BSD-3-Clause
//
// The process of these tests never asks for its number: it is each one's child that does, and is as
// good as new.

#include "aml/dma/internal/process.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/error.h"
#include "aml/dma/fork_testing.h"
#include "aml/tests/fault/system.h"

namespace {

using aml_testing::InAChild;

std::string Check(bool is_well, const char *wrong) {
  return is_well ? "" : std::string(wrong) + "; ";
}

// What is wrong with numbers here and in descendants; `ancestors` are those that were told before.
std::string FindWrong(std::vector<uint64_t> ancestors, int generations) {
  std::string wrong;
  for (const uint64_t number : ancestors)
    wrong += Check(!aml_internal_process_is(number), "a child is its parent before it asks");
  const uint64_t number = aml_internal_process_current();
  wrong += Check(number != 0 && aml_internal_process_current() == number, "numbers change");
  wrong += Check(aml_internal_process_is(number), "it is another one");
  wrong += Check(aml_internal_process_check(number, "call") == 0, "it is refused");
  for (const uint64_t other : ancestors)
    wrong += Check(!aml_internal_process_is(other) && other != number, "a child is its parent");
  ancestors.push_back(number);
  if (generations > 0)
    for (int i = 0; i < 2; ++i)
      wrong += InAChild([&] { return FindWrong(ancestors, generations - 1); });
  return wrong + Check(aml_internal_process_is(number), "a child has changed its parent's");
}

TEST(DmaInternalProcess, NoneHasTheNumberOfOneThatItDescendsFrom) {
  EXPECT_EQ("", InAChild([] { return FindWrong({}, 2); }));
}

TEST(DmaInternalProcess, WithoutMemoryThatAForkWipesItIsTheSame) {
  for (const unsigned call : {AML_FAULT_MMAP, AML_FAULT_MADVISE})
    EXPECT_EQ("", InAChild([call] {
                const ptrdiff_t before = aml_fault_system_held().mapped_size;
                aml_fault_system_arm(call, 1, ENOMEM);
                (void)aml_internal_process_current();
                const bool has_failed = aml_fault_system_disarm().failed == 1;
                return Check(has_failed, "nothing failed") +
                       Check(before == aml_fault_system_held().mapped_size, "it has left memory") +
                       FindWrong({}, 2);
              }));
}

TEST(DmaInternalProcess, AForkIsSeenThatTheCLibraryKnowsNothingOf) {
  EXPECT_EQ("", InAChild([] {
              const uint64_t number = aml_internal_process_current();
              const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
              if (child == 0)
                _exit(aml_internal_process_is(number) ? 1 : 0);
              int status = -1;
              (void)waitpid(static_cast<pid_t>(child), &status, 0);
              return Check(status == 0, "the child is its parent");
            }));
}

// As vfork(2), which thread sanitizer makes a fork.
TEST(DmaInternalProcess, WhatSharesTheMemoryIsTheSameProcess) {
  EXPECT_EQ("", InAChild([] {
              uint64_t number = aml_internal_process_current();
              const auto run = [](void *its) {
                return aml_internal_process_is(*static_cast<uint64_t *>(its)) ? 0 : 1;
              };
              std::vector<char> stack(1 << 16);
              const pid_t child = clone(run, stack.data() + stack.size(),
                                        CLONE_VM | CLONE_VFORK | SIGCHLD, &number);
              int status = -1;
              (void)waitpid(child, &status, 0);
              return Check(status == 0, "it is another one") +
                     Check(aml_internal_process_is(number), "it has become another one");
            }));
}

TEST(DmaInternalProcess, ThreadsThatAskAtOnceAreToldTheSame) {
  EXPECT_EQ("", InAChild([] {
              enum { kThreads = 4 };
              uint64_t numbers[kThreads] = {};
              std::vector<std::thread> threads;
              for (uint64_t &number : numbers)
                threads.emplace_back([&number] { number = aml_internal_process_current(); });
              for (std::thread &thread : threads)
                thread.join();
              std::string wrong;
              for (const uint64_t number : numbers)
                wrong += Check(number == numbers[0] && number != 0, "numbers differ");
              return wrong;
            }));
}

TEST(DmaInternalProcess, ARefusalNamesTheDma) {
  EXPECT_EQ(-AML_EPERM, aml_internal_process_refuse("aml_dma_submit"));
  EXPECT_STREQ("aml_dma_submit: dma belongs to the process that forked", aml_error_detail());
}

} // namespace
