// SPDX-License-Identifier: BSD-3-Clause
//
// How many threads a process has, for tests that show that none is left.

#ifndef AML_DMA_THREADS_TESTING_H
#define AML_DMA_THREADS_TESTING_H

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace aml_testing {

/** Those that the kernel makes for a ring are not counted. */
inline size_t CountThreads() {
  size_t count = 0;
  for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name; // none of one that ends meanwhile
    std::getline(std::ifstream(thread.path() / "comm"), name);
    count += !name.empty() && name.rfind("iou-", 0) != 0;
  }
  return count;
}

/** Whether there are that many; one that was joined may be seen for a moment longer. */
inline bool HasThreads(size_t expected) {
  for (int i = 0; i < 1000 && CountThreads() != expected; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return CountThreads() == expected;
}

} // namespace aml_testing

#endif
