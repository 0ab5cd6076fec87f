// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/expect_failures.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr int kNoSuchTest = 3;

std::vector<std::string> &Filters() {
  static std::vector<std::string> filters;
  return filters;
}

// Runs in the child: one test, silently.
[[noreturn]] void RunQuietly(const std::string &filter) {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
    _exit(kNoSuchTest);
  testing::GTEST_FLAG(filter) = filter;
  const int result = RUN_ALL_TESTS();
  _exit(testing::UnitTest::GetInstance()->test_to_run_count() == 1 ? result : kNoSuchTest);
}

// What came of the test: null if it failed, as it must.
const char *Complaint(const std::string &filter) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0)
    return "could not be run";
  if (child == 0)
    RunQuietly(filter);
  int status = 0;
  if (waitpid(child, &status, 0) != child)
    return "was lost";
  if (!WIFEXITED(status))
    return nullptr;
  if (WEXITSTATUS(status) == kNoSuchTest)
    return "is not one test";
  return WEXITSTATUS(status) == 0 ? "passed in spite of the defect" : nullptr;
}

} // namespace

aml_testing::ExpectedFailure::ExpectedFailure(const char *suite, const char *test,
                                              testing::Test *(*make)()) {
  testing::RegisterTest(suite, test, nullptr, nullptr, __FILE__, __LINE__, make);
  Filters().push_back(std::string(suite) + "." + test);
}

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  int unnoticed = 0;
  for (const std::string &filter : Filters()) {
    const char *const complaint = Complaint(filter);
    if (complaint == nullptr) {
      std::printf("caught: %s\n", filter.c_str());
    } else {
      std::printf("FAILED: %s %s\n", filter.c_str(), complaint);
      ++unnoticed;
    }
  }
  std::printf("%zu defects, %d unnoticed\n", Filters().size(), unnoticed);
  return unnoticed == 0 && !Filters().empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}
