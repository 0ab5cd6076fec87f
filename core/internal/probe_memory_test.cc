// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/probe_memory.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kSize = size_t{4} << 20;

// What the kernel says of the policy of a mapping; empty: it says nothing of policies.
std::string PolicyOf(const void *pointer) {
  std::ifstream file("/proc/self/numa_maps");
  std::string policy;
  std::string rest;
  for (uintptr_t start = 0; file >> std::hex >> start >> policy; std::getline(file, rest))
    if (start == reinterpret_cast<uintptr_t>(pointer))
      return policy;
  return "";
}

int AnyDevice() {
  aml_devices *devices = nullptr;
  int number = 0;
  if (aml_devices_read(&devices, nullptr) == 0)
    for (size_t i = 0; i < aml_devices_count(devices); ++i)
      if (aml_devices_at(devices, i)->usable >= 2 * kSize)
        number = aml_devices_at(devices, i)->number;
  aml_devices_destroy(&devices);
  return number;
}

TEST(CoreProbeMemory, UnboundMemoryIsAlignedAndUsable) {
  aml_internal_probe_memory memory = {};
  ASSERT_EQ(0, aml_internal_probe_map("call", kSize, -1, false, &memory)) << aml_error_detail();
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(memory.base) % (2 << 20));
  EXPECT_EQ(kSize, memory.size);
  std::memset(memory.base, 1, kSize);
  aml_answer is_on_target = AML_ANSWER_NO;
  EXPECT_EQ(0, aml_internal_probe_check("call", &memory, &is_on_target));
  EXPECT_EQ(AML_ANSWER_UNKNOWN, is_on_target);
  EXPECT_GE(kSize, aml_internal_probe_huge_size(&memory));
  aml_internal_probe_unmap(&memory);
  EXPECT_EQ(nullptr, memory.base);
}

TEST(CoreProbeMemory, BoundMemoryIsOnItsDevice) {
  const int target = AnyDevice();
  aml_internal_probe_memory memory = {};
  const int err = aml_internal_probe_map("call", kSize, target, false, &memory);
  if (err == -AML_EPERM || err == -AML_ENOTSUP)
    GTEST_SKIP() << aml_error_detail();
  ASSERT_EQ(0, err) << aml_error_detail();
  const std::string policy = PolicyOf(memory.mapping);
  if (!policy.empty()) {
    EXPECT_EQ("bind:" + std::to_string(target), policy);
  }
  std::memset(memory.base, 1, kSize);
  aml_answer is_on_target = AML_ANSWER_NO;
  EXPECT_EQ(0, aml_internal_probe_check("call", &memory, &is_on_target)) << aml_error_detail();
  int node = -1;
  void *page = memory.base;
  if (syscall(SYS_move_pages, 0, 1UL, &page, nullptr, &node, 0) == 0) {
    EXPECT_EQ(target, node);
    EXPECT_EQ(AML_ANSWER_YES, is_on_target);
  } else {
    EXPECT_EQ(AML_ANSWER_UNKNOWN, is_on_target);
  }
  aml_internal_probe_unmap(&memory);
}

// A page that was never touched is on no device.
TEST(CoreProbeMemory, APageElsewhereIsSeen) {
  aml_internal_probe_memory memory = {};
  ASSERT_EQ(0, aml_internal_probe_map("call", kSize, 0, true, &memory)) << aml_error_detail();
  int node = -1;
  void *page = memory.base;
  aml_answer is_on_target = AML_ANSWER_NO;
  const bool is_told = syscall(SYS_move_pages, 0, 1UL, &page, nullptr, &node, 0) == 0;
  EXPECT_EQ(is_told ? -AML_EAGAIN : 0, aml_internal_probe_check("call", &memory, &is_on_target));
  if (is_told) {
    EXPECT_STREQ("call: target 0 has not all pages of the buffer, though it is bound to it",
                 aml_error_detail());
  }
  aml_internal_probe_unmap(&memory);
}

TEST(CoreProbeMemory, ABindingThatFailsIsToldAndLeavesNothing) {
  struct Case {
    int number;
    int code;
    std::string sentence;
  };
  for (const Case &it :
       {Case{EPERM, -AML_EPERM, "call: mbind: Operation not permitted"},
        Case{ENOSYS, -AML_ENOTSUP, "call: target cannot be bound to, the kernel lacks NUMA"},
        Case{EINVAL, -AML_EINVAL,
             "call: target 0 is no node from which this process may have memory"},
        Case{ENOMEM, -AML_ENOMEM, "call: mbind: Cannot allocate memory"}}) {
    aml_internal_probe_memory memory = {};
    const aml_fault_held before = aml_fault_system_held();
    aml_fault_system_arm(AML_FAULT_MBIND, 1, it.number);
    EXPECT_EQ(it.code, aml_internal_probe_map("call", kSize, 0, false, &memory));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(it.sentence, aml_error_detail());
    EXPECT_EQ(nullptr, memory.base);
    EXPECT_EQ(before.mapped_size, aml_fault_system_held().mapped_size);
  }
}

TEST(CoreProbeMemory, SizesPastTheAddressesAreRefused) {
  aml_internal_probe_memory memory = {};
  EXPECT_EQ(-AML_ENOMEM, aml_internal_probe_map("call", SIZE_MAX, -1, false, &memory));
  EXPECT_STREQ("call: size is larger than the range of addresses", aml_error_detail());
  EXPECT_EQ(-AML_ENOMEM, aml_internal_probe_map("call", SIZE_MAX / 2, -1, false, &memory));
  EXPECT_STREQ("call: mmap: Cannot allocate memory", aml_error_detail());
}

} // namespace
