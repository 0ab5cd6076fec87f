// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/heap.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

class AreaHeap : public testing::Test {
protected:
  AreaHeap() { EXPECT_EQ(0, aml_area_heap_init(area_)); }
  ~AreaHeap() override {
    aml_area_fini(area_);
    EXPECT_EQ(before_.blocks, aml_fault_system_held().blocks);
  }
  aml_fault_held before_ = aml_fault_system_held();
  AML_AREA_HEAP_DECL(area_);
};

size_t AlignmentOf(const void *pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return address & -address;
}

TEST_F(AreaHeap, MappingsAreZeroedThoughTheHeapReusesMemory) {
  for (int i = 0; i < 3; ++i) {
    auto *const bytes = static_cast<char *>(aml_area_map(area_, 1000, nullptr));
    ASSERT_NE(nullptr, bytes);
    for (size_t at = 0; at < 1000; ++at)
      ASSERT_EQ(0, bytes[at]) << at;
    std::memset(bytes, 7, 1000);
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, 1000));
  }
}

TEST_F(AreaHeap, AMappingThatMovesKeepsItsAlignment) {
  for (const size_t alignment : {64, 128, 1024, 4096}) {
    aml_area_map_options options = {};
    options.alignment = alignment;
    auto *bytes = static_cast<char *>(aml_area_map(area_, 100, &options));
    ASSERT_NE(nullptr, bytes);
    std::memset(bytes, 7, 100);
    size_t size = 100;
    for (const size_t next : {200, 5000, 100000}) {
      void *const wall = aml_area_map(area_, 64, nullptr);
      bytes =
          static_cast<char *>(aml_area_resize(area_, bytes, size, next, AML_AREA_RESIZE_MAY_MOVE));
      ASSERT_NE(nullptr, bytes);
      EXPECT_LE(alignment, AlignmentOf(bytes));
      EXPECT_EQ(7, bytes[99]);
      EXPECT_EQ(0, bytes[128]);
      EXPECT_EQ(0, bytes[next - 1]);
      EXPECT_EQ(0, aml_area_unmap(area_, wall, 64));
      size = next;
    }
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, size));
  }
}

TEST_F(AreaHeap, WhatGrowsWithinItsLastLineStays) {
  auto *const bytes = static_cast<char *>(aml_area_map(area_, 1, nullptr));
  bytes[0] = 1;
  EXPECT_EQ(bytes, aml_area_resize(area_, bytes, 1, 64, 0));
  EXPECT_EQ(0, bytes[63]);
  EXPECT_EQ(nullptr, aml_area_resize(area_, bytes, 64, 65, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_area_resize: new_size needs another place on the heap", aml_error_detail());
  EXPECT_EQ(bytes, aml_area_resize(area_, bytes, 64, 8, 0));
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, 64));
}

TEST_F(AreaHeap, AnAddressCannotBeHad) {
  aml_area_map_options options = {};
  char byte = 0;
  options.hint = &byte;
  options.flags = AML_AREA_MAP_EXACT;
  EXPECT_EQ(nullptr, aml_area_map(area_, 1, &options));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_STREQ("aml_area_map: flags asks for an address, and the heap has none",
               aml_error_detail());
}

TEST_F(AreaHeap, BadSizesAndAlignmentsAreRefused) {
  aml_area_map_options options = {};
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 100, SIZE_MAX / 2 + 1}) {
    EXPECT_EQ(nullptr, aml_area_map(area_, size, nullptr));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  }
  options.alignment = size_t{2} << 30;
  EXPECT_EQ(nullptr, aml_area_map(area_, 1, &options));
  EXPECT_STREQ("aml_area_map: alignment 2147483648 is more than 1 GiB", aml_error_detail());
  char *const bytes = static_cast<char *>(aml_area_map(area_, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, bytes + 1, 1));
  EXPECT_STREQ("aml_area_unmap: pointer is not the start of a mapping", aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_resize(area_, bytes, SIZE_MAX, 1, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, 1));
}

TEST_F(AreaHeap, EveryAllocationMayFail) {
  void *memory = nullptr;
  const auto grow = [&](size_t from, size_t to) {
    void *const grown = from == 0
                            ? aml_area_map(area_, to, nullptr)
                            : aml_area_resize(area_, memory, from, to, AML_AREA_RESIZE_MAY_MOVE);
    if (grown == nullptr)
      return aml_error_code();
    memory = grown;
    return 0;
  };
  const auto check = [](int err) { EXPECT_EQ(-AML_ENOMEM, err); };
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return grow(0, 100); }, check));
  static_cast<char *>(memory)[0] = 5;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return grow(100, 1000); }, check));
  EXPECT_EQ(5, static_cast<char *>(memory)[0]);
  EXPECT_EQ(0, aml_area_unmap(area_, memory, 1000));
  aml_area *made = nullptr;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_heap_create(&made); }, check));
  aml_area_destroy(&made);
}

TEST_F(AreaHeap, AnAreaThatIsOnlyDeclaredRefusesCalls) {
  AML_AREA_HEAP_DECL(declared);
  aml_area_info info;
  alignas(64) char line[64] = {};
  EXPECT_EQ(nullptr, aml_area_map(declared, 1, nullptr));
  EXPECT_STREQ("aml_area_map: area is not initialised", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(declared, line, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(declared, nullptr, &info));
  EXPECT_EQ(nullptr, aml_area_resize(declared, line, 1, 2, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_heap_init(nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_heap_create(nullptr));
}

} // namespace
