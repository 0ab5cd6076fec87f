// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: threads, processes, and the end of a life.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_LIFE_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_LIFE_H

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/area_info.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

/** One thread's turn: a mapping of its own, looked at from all sides. False: something is wrong. */
inline bool MapForAWhile(aml_area *area, size_t granularity, unsigned seed, Territory *territory) {
  const size_t size = (1 + seed % 3) * granularity;
  char *const bytes = static_cast<char *>(aml_area_map(area, size, nullptr));
  if (bytes == nullptr || !territory->Take(bytes, size))
    return false;
  aml_area_info info = {};
  void *const page = bytes;
  int device = 0;
  bool good = aml_area_get_info(area, bytes, &info) == 0 && info.granularity == granularity;
  if (IsHostMemory(area))
    Fill(bytes, size, seed);
  if (Can(area, AML_AREA_CAN_LOCATE) && aml_area_locate(area, 1, &page, &device) == 0)
    good = good && device != -AML_EINVAL;
  std::this_thread::yield();
  if (IsHostMemory(area))
    good = good && Holds(bytes, size, seed);
  territory->Leave(bytes);
  return aml_area_unmap(area, bytes, size) == 0 && good;
}

inline void CheckThreadsShareAnArea(aml_area *area) {
  constexpr unsigned kThreads = 4;
  const size_t granularity = GranularityOf(area);
  Territory territory;
  std::atomic<unsigned> ready{0};
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (++ready; ready < kThreads;)
        std::this_thread::yield();
      for (unsigned i = 0; i < 200; ++i)
        if (!MapForAWhile(area, granularity, i * kThreads + t, &territory))
          ++wrong;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, wrong) << "calls that failed, or memory that two threads had";
}

TYPED_TEST_P(AreaContract, ThreadsShareAnArea) {
  this->OnEach(CheckThreadsShareAnArea);
}

inline void CheckOtherProcessesSeeWhatIsShared(aml_area *area) {
  // A device's driver does not outlive a fork.
  if (!IsHostMemory(area) || Can(area, AML_AREA_DEVICE))
    return;
  const Mapping mapping(area, 1);
  ASSERT_TRUE(mapping.ok());
  volatile char *const byte = mapping.bytes();
  *byte = 1;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    *byte = 2;
    _exit(0);
  }
  ASSERT_EQ(child, waitpid(child, nullptr, 0));
  EXPECT_EQ(Can(area, AML_AREA_SHARED) ? 2 : 1, *byte);
}

TYPED_TEST_P(AreaContract, OtherProcessesSeeWhatIsShared) {
  this->OnEach(CheckOtherProcessesSeeWhatIsShared);
}

inline void CheckCallsThatSucceedLeaveTheLastError(aml_area *area) {
  ForgetTheLastError();
  aml_area_info info;
  EXPECT_EQ(0, aml_area_get_info(area, nullptr, &info));
  void *const bytes = aml_area_map(area, 1, nullptr);
  EXPECT_NE(nullptr, bytes);
  EXPECT_EQ(0, aml_area_get_info(area, bytes, &info));
  EXPECT_EQ(0, aml_area_unmap(area, bytes, 1));
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
}

TYPED_TEST_P(AreaContract, CallsThatSucceedLeaveTheLastError) {
  this->OnEach(CheckCallsThatSucceedLeaveTheLastError);
}

TYPED_TEST_P(AreaContract, FiniOfADeclaredAreaDoesNothing) {
  TypeParam factory;
  const aml_area_ops *const ops = factory.area->ops;
  aml_area_fini(nullptr);
  for (int i = 0; i < 2; ++i) {
    aml_area_fini(factory.area);
    ASSERT_EQ(ops, factory.area->ops);
  }
  ASSERT_EQ(0, factory.Init(0)) << aml_error_detail();
  {
    const Mapping mapping(factory.area, 1);
    EXPECT_TRUE(mapping.ok());
  }
  aml_area_fini(factory.area);
}

TYPED_TEST_P(AreaContract, FiniLeavesStorageAsDeclared) {
  TypeParam reused;
  const aml_area_ops *const ops = reused.area->ops;
  for (size_t i = 0; i < 2 * TypeParam::kInstances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    TypeParam fresh;
    const size_t instance = i * (TypeParam::kInstances - 1) % TypeParam::kInstances;
    ASSERT_EQ(0, fresh.Init(instance)) << aml_error_detail();
    ASSERT_EQ(0, reused.Init(instance)) << aml_error_detail();
    EXPECT_EQ(FieldsOf(InfoOf(fresh.area)), FieldsOf(InfoOf(reused.area)));
    {
      Mapping mapping(reused.area, 1);
      mapping.Fill(1);
      EXPECT_TRUE(mapping.Holds(1));
    }
    aml_area_fini(fresh.area);
    for (int again = 0; again < 2; ++again) {
      aml_area_fini(reused.area);
      ASSERT_EQ(ops, reused.area->ops);
    }
  }
}

TYPED_TEST_P(AreaContract, ACreatedAreaIsLikeADeclaredOne) {
  aml_area *none = nullptr;
  aml_area_destroy(&none);
  aml_area_destroy(nullptr);
  for (size_t i = 0; i < TypeParam::kInstances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    TypeParam factory;
    aml_area *created = nullptr;
    ASSERT_EQ(0, TypeParam::Create(i, &created)) << aml_error_detail();
    ASSERT_NE(nullptr, created);
    ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
    EXPECT_EQ(FieldsOf(InfoOf(factory.area)), FieldsOf(InfoOf(created)));
    {
      Mapping mapping(created, 1);
      mapping.Fill(1);
      EXPECT_TRUE(mapping.Holds(1));
    }
    aml_area_fini(factory.area);
    aml_area_destroy(&created);
    EXPECT_EQ(nullptr, created);
  }
}

} // namespace aml_testing

#endif
