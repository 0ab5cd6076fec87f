// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/fault/system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <numaif.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "aml/tests/fault/each_failure.h"

namespace {

constexpr size_t kSize = 10000; // of mappings: not whole pages
constexpr int kMapFlags = MAP_PRIVATE | MAP_ANONYMOUS;

void *Map() {
  void *const start = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, kMapFlags, -1, 0);
  return start == MAP_FAILED ? nullptr : start;
}

// Pointers of which the compiler cannot know what they are, nor that nobody looks at them.
void *volatile result;
void *volatile null = nullptr;

struct Case {
  std::string name;
  unsigned call;
  std::function<bool()> make; // whether it succeeded; gives back what it took
};

// Each call, made in this thread. What a machine may lack is only expected to be let through.
std::vector<Case> Cases() {
  const auto heap = [](void *block) {
    result = block;
    std::free(block);
    return block != nullptr;
  };
  const auto mapping = [](const std::function<bool(void *)> &use) {
    return [use] {
      void *const start = Map();
      const bool is_done = use(start);
      const int number = errno;
      munmap(start, kSize);
      errno = number;
      return is_done;
    };
  };
  const auto with_file = [](auto call) {
    return [call] {
      const int descriptor = memfd_create("fault", MFD_CLOEXEC);
      const bool is_done = call(descriptor);
      const int number = errno;
      close(descriptor);
      errno = number;
      return is_done;
    };
  };
  return {
      {"malloc", AML_FAULT_MALLOC, [=] { return heap(std::malloc(1)); }},
      {"calloc", AML_FAULT_CALLOC, [=] { return heap(std::calloc(1, 1)); }},
      {"realloc", AML_FAULT_REALLOC, [=] { return heap(std::realloc(null, 1)); }},
      {"aligned_alloc", AML_FAULT_ALIGNED_ALLOC, [=] { return heap(std::aligned_alloc(64, 64)); }},
      {"posix_memalign", AML_FAULT_POSIX_MEMALIGN,
       [=] {
         void *block = nullptr;
         errno = posix_memalign(&block, 64, 64);
         return errno == 0 && heap(block);
       }},
      {"mmap", AML_FAULT_MMAP,
       [] {
         void *const start = Map();
         return start != nullptr && munmap(start, kSize) == 0;
       }},
      {"munmap", AML_FAULT_MUNMAP,
       [] {
         static void *start = Map();
         const bool is_done = munmap(start, kSize) == 0;
         if (is_done)
           start = Map();
         return is_done;
       }},
      {"mremap", AML_FAULT_MREMAP,
       mapping([](void *start) { return mremap(start, kSize, kSize, 0) == start; })},
      {"madvise", AML_FAULT_MADVISE,
       mapping([](void *start) { return madvise(start, kSize, MADV_DONTNEED) == 0; })},
      {"mbind", AML_FAULT_MBIND,
       mapping([](void *start) { return mbind(start, kSize, MPOL_DEFAULT, nullptr, 0, 0) == 0; })},
      {"mbind_by_number", AML_FAULT_MBIND, mapping([](void *start) {
         return syscall(SYS_mbind, start, kSize, MPOL_DEFAULT, nullptr, 0, 0) == 0;
       })},
      {"get_mempolicy", AML_FAULT_GET_MEMPOLICY,
       [] { return get_mempolicy(nullptr, nullptr, 0, nullptr, 0) == 0; }},
      {"move_pages", AML_FAULT_MOVE_PAGES, mapping([](void *start) {
         int status = 0;
         return move_pages(0, 1, &start, nullptr, &status, 0) == 0;
       })},
      {"open", AML_FAULT_OPEN,
       [] {
         const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
         return file >= 0 && close(file) == 0;
       }},
      {"read", AML_FAULT_READ,
       [] {
         const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
         char byte = 0;
         const bool is_done = read(file, &byte, 1) == 0;
         const int number = errno;
         close(file);
         errno = number;
         return is_done;
       }},
      {"mprotect", AML_FAULT_MPROTECT,
       mapping([](void *start) { return mprotect(start, kSize, PROT_READ) == 0; })},
      {"mlock", AML_FAULT_MLOCK, mapping([](void *start) { return mlock(start, kSize) == 0; })},
      {"mlock2", AML_FAULT_MLOCK,
       mapping([](void *start) { return mlock2(start, kSize, MLOCK_ONFAULT) == 0; })},
      {"munlock", AML_FAULT_MUNLOCK,
       mapping([](void *start) { return munlock(start, kSize) == 0; })},
      {"access", AML_FAULT_ACCESS, [] { return access("/dev/null", F_OK) == 0; }},
      {"prctl", AML_FAULT_PRCTL, [] { return prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) >= 0; }},
      {"ioctl", AML_FAULT_IOCTL,
       [] {
         int size = 0;
         std::array<int, 2> ends = {};
         if (pipe(ends.data()) != 0)
           return false;
         const bool is_done = ioctl(ends[0], FIONREAD, &size) == 0;
         const int number = errno;
         close(ends[0]);
         close(ends[1]);
         errno = number;
         return is_done;
       }},
      {"fallocate", AML_FAULT_FALLOCATE,
       with_file([](int it) { return fallocate(it, 0, 0, 1) == 0; })},
      {"posix_fallocate", AML_FAULT_FALLOCATE, with_file([](int it) {
         errno = posix_fallocate(it, 0, 1);
         return errno == 0;
       })},
      {"ftruncate", AML_FAULT_FTRUNCATE, with_file([](int it) { return ftruncate(it, 1) == 0; })},
      {"fstat", AML_FAULT_FSTAT, with_file([](int it) {
         struct stat status;
         return fstat(it, &status) == 0;
       })},
      {"msync", AML_FAULT_MSYNC,
       mapping([](void *start) { return msync(start, kSize, MS_SYNC) == 0; })},
      {"pthread_create", AML_FAULT_PTHREAD_CREATE,
       [] {
         pthread_t thread = {};
         const int number = pthread_create(
             &thread, nullptr, [](void *context) { return context; }, nullptr);
         if (number == 0)
           pthread_join(thread, nullptr);
         errno = number;
         return number == 0;
       }},
  };
}

TEST(FaultSystem, TheNthCallFailsAndNoOther) {
  for (const Case &c : Cases()) {
    SCOPED_TRACE(c.name);
    const bool works = c.make(); // NUMA may be lacking
    aml_fault_system_arm(c.call, 3, EDOM);
    for (int call = 1; call <= 5; ++call) {
      EXPECT_EQ(call != 3 && works, c.make());
      if (call == 3) {
        EXPECT_EQ(EDOM, errno);
      }
    }
    const aml_fault_count count = aml_fault_system_disarm();
    EXPECT_EQ(5u, count.seen);
    EXPECT_EQ(1u, count.failed);
    EXPECT_EQ(works, c.make());
  }
}

TEST(FaultSystem, ACallIsTakenForNoOther) {
  // By these the cases above make and undo what they need.
  constexpr unsigned kHelpers = AML_FAULT_MMAP | AML_FAULT_MUNMAP | AML_FAULT_OPEN;
  constexpr unsigned kAll = 2 * unsigned{AML_FAULT_PTHREAD_CREATE} - 1;
  for (const Case &c : Cases()) {
    aml_fault_system_arm(kAll & ~(kHelpers | c.call), 0, ENOMEM);
    c.make();
    EXPECT_EQ(0u, aml_fault_system_disarm().seen) << c.name;
  }
}

TEST(FaultSystem, CallsAreCountedTogetherAndMayAllFailFromThenOn) {
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 2, ENOMEM);
  void *const first = std::malloc(1);
  result = first;
  EXPECT_EQ(nullptr, result = std::calloc(1, 1));
  EXPECT_EQ(nullptr, result = std::malloc(1));
  EXPECT_EQ(nullptr, result = std::realloc(null, 100));
  const aml_fault_count count = aml_fault_system_disarm();
  EXPECT_EQ(4u, count.seen);
  EXPECT_EQ(3u, count.failed);
  EXPECT_NE(nullptr, first);
  std::free(first);
}

TEST(FaultSystem, ArmingIsForTheThreadAlone) {
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  bool is_let_through = false;
  std::thread other([&is_let_through] {
    void *const block = std::malloc(1);
    result = block;
    is_let_through = block != nullptr && aml_fault_system_disarm().seen == 0;
    std::free(block);
  });
  other.join();
  EXPECT_EQ(nullptr, result = std::malloc(1));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_TRUE(is_let_through);
}

TEST(FaultSystem, CallsOfAllThreadsAreCounted) {
  const size_t heap = aml_fault_system_made(AML_FAULT_HEAP);
  const size_t mapped = aml_fault_system_made(AML_FAULT_MMAP);
  std::thread([] { std::free(result = std::malloc(1)); }).join();
  std::free(result = std::calloc(1, 1));
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  result = std::malloc(1);
  (void)aml_fault_system_disarm();
  EXPECT_EQ(heap + 3, aml_fault_system_made(AML_FAULT_HEAP)) << "one that fails too";
  EXPECT_EQ(mapped, aml_fault_system_made(AML_FAULT_MMAP));
  EXPECT_EQ(heap + mapped + 3, aml_fault_system_made(AML_FAULT_HEAP | AML_FAULT_MMAP));
}

TEST(FaultSystem, HeldIsWhatWasTakenAndNotGivenBack) {
  const aml_fault_held before = aml_fault_system_held();
  const auto blocks = [&before] { return aml_fault_system_held().blocks - before.blocks; };
  const auto mapped = [&before] {
    return aml_fault_system_held().mapped_size - before.mapped_size;
  };
  result = std::malloc(1);
  result = std::realloc(result, 1000);
  EXPECT_EQ(1, blocks());
  std::free(result);
  std::free(nullptr);
  EXPECT_EQ(0, blocks());
  const auto page = static_cast<ptrdiff_t>(sysconf(_SC_PAGESIZE));
  const auto pages = (ptrdiff_t{kSize} + page - 1) / page;
  void *const start = Map();
  EXPECT_EQ(pages * page, mapped());
  aml_fault_system_arm(AML_FAULT_MUNMAP, 1, ENOMEM);
  EXPECT_EQ(-1, munmap(start, kSize));
  (void)aml_fault_system_disarm();
  EXPECT_EQ(pages * page, mapped()) << "what failed has changed nothing";
  EXPECT_EQ(start, mremap(start, kSize, 1, 0));
  EXPECT_EQ(page, mapped());
  EXPECT_EQ(0, munmap(start, 1));
  EXPECT_EQ(0, mapped());
}

TEST(FaultSystem, EachFailureIsHadOnceAndThenNone) {
  void *blocks[3] = {};
  std::vector<size_t> got; // blocks that each run had
  const auto call = [&] {
    size_t count = 0;
    for (void *&block : blocks)
      count += (block = std::malloc(1)) != nullptr;
    got.push_back(count);
    return count == 3 ? 0 : -1;
  };
  const auto check = [&](int err) {
    EXPECT_EQ(-1, err);
    for (void *const block : blocks)
      std::free(block);
  };
  EXPECT_EQ(3u, EachFailure(AML_FAULT_HEAP, ENOMEM, call, check));
  EXPECT_EQ((std::vector<size_t>{2, 2, 2, 3}), got);
  check(-1);
}

} // namespace
