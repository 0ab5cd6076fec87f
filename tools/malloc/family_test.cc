// SPDX-License-Identifier: BSD-3-Clause
//
// malloc and its family as this process has them, linked to libaml_malloc.so: what the manual pages
// say of them, by threads, by threads that end, and in the child of a fork. All else in here,
// googletest and the C++ library, lives in the same heap.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

// What compilers know of malloc they may use to leave it out.
template <class T> T *Kept(T *pointer) {
  __asm__ volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

volatile size_t huge = SIZE_MAX / 2 + 4096;

bool IsAligned(const void *block, size_t alignment) {
  return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

TEST(MallocFamily, IsOurs) {
  Dl_info info = {};
  void *(*const allocate)(size_t) = Kept(&std::malloc);
  ASSERT_NE(0, dladdr(reinterpret_cast<void *>(allocate), &info));
  EXPECT_NE(nullptr, std::strstr(info.dli_fname, "aml_malloc")) << info.dli_fname;
}

TEST(MallocFamily, SizesOfNothingAreBlocks) {
  void *const first = Kept(std::malloc(0));
  void *const second = Kept(std::malloc(0));
  EXPECT_NE(nullptr, first);
  EXPECT_NE(first, second);
  std::free(first);
  std::free(second);
  void *const third = Kept(std::calloc(0, 8));
  EXPECT_NE(nullptr, third);
  std::free(third);
  std::free(nullptr);
}

TEST(MallocFamily, BlocksAreAlignedForAnyType) {
  for (size_t size = 1; size < 10000; size += size / 3 + 1) {
    void *const block = Kept(std::malloc(size));
    ASSERT_NE(nullptr, block);
    EXPECT_TRUE(IsAligned(block, 16)) << size;
    EXPECT_LE(size, malloc_usable_size(block));
    std::memset(block, 1, malloc_usable_size(block));
    std::free(block);
  }
  EXPECT_EQ(0u, malloc_usable_size(nullptr));
}

TEST(MallocFamily, SizesThatNoMemoryHasAreRefused) {
  // By pointers, since the compiler takes a block that was to be resized for freed.
  void *(*const resize)(void *, size_t) = Kept(&std::realloc);
  void *(*const resize_array)(void *, size_t, size_t) = Kept(&reallocarray);
  for (int i = 0; i < 2; ++i) {
    errno = 0;
    EXPECT_EQ(nullptr, Kept(std::malloc(huge)));
    EXPECT_EQ(ENOMEM, errno);
    errno = 0;
    EXPECT_EQ(nullptr, Kept(std::calloc(huge, 3)));
    EXPECT_EQ(ENOMEM, errno);
    void *const block = Kept(std::malloc(10));
    errno = 0;
    EXPECT_EQ(nullptr, resize(block, huge));
    EXPECT_EQ(ENOMEM, errno);
    errno = 0;
    EXPECT_EQ(nullptr, resize_array(block, huge, 4));
    EXPECT_EQ(ENOMEM, errno);
    std::free(block);
    errno = 0;
    EXPECT_EQ(nullptr, Kept(pvalloc(SIZE_MAX - static_cast<size_t>(i))));
    EXPECT_EQ(ENOMEM, errno);
    errno = 0;
    EXPECT_EQ(nullptr, Kept(memalign(64, huge)));
    EXPECT_EQ(ENOMEM, errno);
  }
}

TEST(MallocFamily, CallocZeroesWhatWasUsed) {
  for (const size_t size : {size_t{24}, size_t{3000}, size_t{70000}, size_t{5} << 20})
    for (int round = 0; round < 4; ++round) {
      auto *const block = static_cast<char *>(Kept(std::calloc(size / 8, 8)));
      ASSERT_NE(nullptr, block);
      EXPECT_TRUE(std::all_of(block, block + size, [](char c) { return c == 0; })) << size;
      std::memset(block, 0xff, size);
      std::free(block);
    }
}

TEST(MallocFamily, ReallocKeepsContents) {
  auto *block = static_cast<char *>(std::realloc(nullptr, 1));
  ASSERT_NE(nullptr, block);
  *block = 1;
  for (size_t size = 2; size <= size_t{8} << 20; size *= 2) {
    block = static_cast<char *>(std::realloc(block, size));
    ASSERT_NE(nullptr, block);
    for (size_t i = 0; i < size / 2; i += size / 32 + 1)
      ASSERT_EQ(1, block[i]);
    std::memset(block, 1, size);
  }
  for (size_t size = size_t{8} << 20; size > 0; size /= 3) {
    block = static_cast<char *>(std::realloc(block, size));
    ASSERT_NE(nullptr, block);
    EXPECT_EQ(1, block[size - 1]);
  }
  EXPECT_EQ(nullptr, Kept(std::realloc(block, 0))) << "as glibc has it";
}

TEST(MallocFamily, AlignmentsAreMet) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t alignment = 8; alignment <= size_t{4} << 20; alignment *= 2) {
    void *block = nullptr;
    ASSERT_EQ(0, posix_memalign(&block, alignment, 100));
    EXPECT_TRUE(IsAligned(block, alignment));
    std::free(block);
    block = Kept(std::aligned_alloc(alignment, alignment));
    EXPECT_TRUE(block != nullptr && IsAligned(block, alignment));
    std::free(block);
    block = Kept(memalign(alignment, 3));
    EXPECT_TRUE(block != nullptr && IsAligned(block, alignment));
    std::free(block);
  }
  void *const whole = Kept(pvalloc(1));
  EXPECT_TRUE(IsAligned(whole, page));
  EXPECT_LE(page, malloc_usable_size(whole));
  std::free(whole);
  void *const some = Kept(valloc(1));
  EXPECT_TRUE(IsAligned(some, page));
  std::free(some);
  volatile size_t odd = 48;
  void *const rounded = Kept(memalign(odd, 1));
  EXPECT_TRUE(IsAligned(rounded, 64)) << "up to a power of two";
  std::free(rounded);
}

TEST(MallocFamily, AlignmentsThatAreNoneAreRefused) {
  void *const sentinel = this;
  for (const size_t alignment : {size_t{0}, size_t{4}, size_t{24}, SIZE_MAX}) {
    void *block = sentinel;
    errno = 0;
    EXPECT_EQ(EINVAL, posix_memalign(&block, alignment, 8)) << alignment;
    EXPECT_EQ(sentinel, block);
    EXPECT_EQ(0, errno);
  }
  void *block = sentinel;
  errno = 0;
  EXPECT_EQ(ENOMEM, posix_memalign(&block, 64, huge));
  EXPECT_EQ(sentinel, block);
  EXPECT_EQ(0, errno) << "it is what is returned";
  volatile size_t odd = 24;
  EXPECT_EQ(nullptr, Kept(std::aligned_alloc(odd, 48)));
  EXPECT_EQ(EINVAL, errno);
  volatile size_t beyond = SIZE_MAX;
  EXPECT_EQ(nullptr, Kept(memalign(beyond, 1)));
}

TEST(MallocFamily, FreeLeavesErrnoAlone) {
  std::vector<void *> blocks;
  for (int i = 0; i < 300; ++i)
    blocks.push_back(Kept(std::malloc(100000)));
  errno = 77;
  for (void *block : blocks)
    std::free(block);
  EXPECT_EQ(77, errno);
}

TEST(MallocFamily, TrimGivesBack) {
  std::vector<void *> blocks;
  for (int i = 0; i < 3000; ++i)
    blocks.push_back(Kept(std::malloc(20000)));
  for (void *block : blocks) {
    std::memset(block, 1, 20000);
    std::free(block);
  }
  (void)malloc_trim(0);
  EXPECT_EQ(0, malloc_trim(0)) << "there was nothing left";
}

void Churn(unsigned seed, unsigned steps) {
  std::vector<std::string> strings(100);
  for (unsigned i = 0; i < steps; ++i) {
    seed = seed * 1664525 + 1013904223;
    strings[(seed >> 20) % 100] =
        std::string((seed >> 8) % (i % 100 == 0 ? 300000 : 600), static_cast<char>(seed >> 24));
  }
}

TEST(MallocFamily, ThreadsComeAndGo) {
  std::atomic<void *> passed{nullptr};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        Churn(t, 500);
        std::free(passed.exchange(Kept(std::malloc(100 * t))));
      });
    for (std::thread &thread : threads)
      thread.join();
  }
  std::free(passed);
}

// Each has a cache in records that no thread's end gives back meanwhile.
TEST(MallocFamily, ThousandThreadsAllocateAtOnce) {
  constexpr unsigned kThreads = 1000;
  constexpr size_t kStack = 64 << 10;
  static pthread_barrier_t all;
  std::vector<pthread_t> threads(kThreads);
  pthread_attr_t attributes;
  ASSERT_EQ(0, pthread_barrier_init(&all, nullptr, kThreads));
  ASSERT_EQ(0, pthread_attr_init(&attributes));
  ASSERT_EQ(0, pthread_attr_setstacksize(&attributes, kStack));
  const auto life = [](void *) -> void * {
    std::array<void *, 40> blocks = {};
    for (size_t i = 0; i < blocks.size(); ++i)
      blocks[i] = std::malloc(200 * i);
    const bool did = std::count(blocks.begin(), blocks.end(), nullptr) == 0;
    pthread_barrier_wait(&all);
    for (void *block : blocks)
      std::free(block);
    return did ? &all : nullptr;
  };
  for (pthread_t &thread : threads)
    ASSERT_EQ(0, pthread_create(&thread, &attributes, life, nullptr));
  for (const pthread_t thread : threads) {
    void *worked = nullptr;
    ASSERT_EQ(0, pthread_join(thread, &worked));
    EXPECT_NE(nullptr, worked);
  }
  pthread_attr_destroy(&attributes);
  pthread_barrier_destroy(&all);
}

// A destructor of another key allocates after the caches of the thread are gone.
TEST(MallocFamily, AThreadAllocatesWhileItEnds) {
  static pthread_key_t keys[40];
  static std::atomic<int> ended;
  for (pthread_key_t &key : keys)
    ASSERT_EQ(0, pthread_key_create(&key, [](void *value) {
                std::free(value);
                std::free(Kept(std::malloc(5000)));
                ++ended;
              }));
  std::thread([] {
    for (const pthread_key_t key : keys)
      ASSERT_EQ(0, pthread_setspecific(key, std::malloc(10)));
  }).join();
  EXPECT_EQ(40, ended);
  for (const pthread_key_t key : keys)
    pthread_key_delete(key);
}

TEST(MallocFamily, AChildOfAForkGoesOnWhileThreadsAllocate) {
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      while (!done)
        Churn(t, 200);
    });
  const std::string before(1000, 'x');
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    ASSERT_LE(0, child);
    if (child == 0) {
      alarm(60); // a lock that nobody holds would be waited for without end
      Churn(static_cast<unsigned>(i), 300);
      const std::string copy = before + before;
      _exit(copy.size() == 2000 && copy[1999] == 'x' ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(child, waitpid(child, &status, 0));
    ASSERT_EQ(0, status);
  }
  done = true;
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
