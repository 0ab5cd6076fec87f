// SPDX-License-Identifier: BSD-3-Clause
//
// What contract suites share that look at memory: patterns to fill it with, and who holds what.

#ifndef AML_TESTS_CONTRACT_INTERNAL_MEMORY_H
#define AML_TESTS_CONTRACT_INTERNAL_MEMORY_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>

namespace aml_testing {

inline uintptr_t NumberOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

constexpr size_t kPatternPeriod = 251; // no size of a block, a page or a chunk

inline char PatternAt(size_t offset, unsigned seed) {
  return static_cast<char>((offset % kPatternPeriod * 2654435761u >> 7) + seed * 101 + 1);
}

/** Writes a pattern that is another one for each seed. By whole ranges, which is fast also where
 * nothing is optimised. */
inline void Fill(char *bytes, size_t size, unsigned seed) {
  for (size_t i = 0; i < std::min(size, kPatternPeriod); ++i)
    bytes[i] = PatternAt(i, seed);
  for (size_t done = kPatternPeriod; done < size; done *= 2)
    std::memcpy(bytes + done, bytes, std::min(done, size - done));
}

inline bool Holds(const char *bytes, size_t size, unsigned seed) {
  for (size_t i = 0; i < std::min(size, kPatternPeriod); ++i)
    if (bytes[i] != PatternAt(i, seed))
      return false;
  return size <= kPatternPeriod ||
         std::memcmp(bytes, bytes + kPatternPeriod, size - kPatternPeriod) == 0;
}

inline bool IsZero(const char *bytes, size_t size) {
  return size == 0 || (*bytes == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0);
}

/** Ranges of memory that several hold, all of them disjoint. Thread-safe. */
class Territory {
public:
  /** Whether nobody had any of it yet. */
  bool Take(const void *start, size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto next = taken_.lower_bound(NumberOf(start));
    if (next != taken_.end() && next->first < NumberOf(start) + size)
      return false;
    if (next != taken_.begin() && std::prev(next)->second > NumberOf(start))
      return false;
    taken_[NumberOf(start)] = NumberOf(start) + size;
    return true;
  }

  void Leave(const void *start) {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken_.erase(NumberOf(start));
  }

private:
  std::mutex mutex_;
  std::map<uintptr_t, uintptr_t> taken_; // start and end
};

} // namespace aml_testing

#endif
