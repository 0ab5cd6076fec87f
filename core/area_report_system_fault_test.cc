// SPDX-License-Identifier: BSD-3-Clause
//
// Reports on a system that tells less: without the scan of page tables, or without smaps.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

#include "aml/core/area.h"
#include "aml/core/area_report.h"
#include "aml/core/error.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kHuge = size_t{2} << 20;
constexpr size_t kSize = 4 * kHuge;

// All is present, on device 0.
struct PresentArea {
  aml_area area = {&kOps};

  static unsigned Capabilities(const aml_area *) {
    return AML_AREA_HOST_READABLE | AML_AREA_CAN_LOCATE;
  }
  static int Info(aml_area *, const void *, aml_area_info *info) {
    *info = aml_area_info{};
    info->page_size = 4096;
    return 0;
  }
  static int Locate(aml_area *, size_t count, void *const[], int devices[]) {
    std::memset(devices, 0, count * sizeof *devices);
    return 0;
  }
  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "present";
    ops.capabilities = Capabilities;
    ops.info = Info;
    ops.locate = Locate;
    return ops;
  }
  static inline const aml_area_ops kOps = MakeOps();
};

class AreaReportSystemFault : public ::testing::Test {
protected:
  void SetUp() override {
    void *const all = mmap(nullptr, kSize + kHuge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(MAP_FAILED, all);
    whole_ = static_cast<char *>(all);
    memory_ = whole_ + (kHuge - reinterpret_cast<uintptr_t>(all) % kHuge) % kHuge;
    ASSERT_EQ(0, mprotect(memory_, kSize, PROT_READ | PROT_WRITE));
  }
  void TearDown() override { EXPECT_EQ(0, munmap(whole_, kSize + kHuge)); }

  // Makes a report in which these calls fail.
  void Report(char *start, size_t size, unsigned calls, int number) {
    aml_fault_system_arm(calls | AML_FAULT_FROM_THEN_ON, 1, number);
    const int err = aml_area_report(&area_.area, start, size, report_.get());
    EXPECT_NE(0u, aml_fault_system_disarm().failed);
    ASSERT_EQ(0, err) << aml_error_detail();
    EXPECT_EQ(size, report_->device_size[0]);
  }

  const std::unique_ptr<aml_area_pages> report_ = std::make_unique<aml_area_pages>();
  PresentArea area_;
  char *whole_ = nullptr;
  char *memory_ = nullptr;
};

TEST_F(AreaReportSystemFault, OlderKernelsTellOfMappingsThatAreOfOneKind) {
  ASSERT_EQ(0, madvise(memory_, kSize, MADV_NOHUGEPAGE));
  std::memset(memory_, 1, kSize);
  Report(memory_ + kHuge, kHuge, AML_FAULT_IOCTL, ENOTTY);
  EXPECT_EQ(kHuge, report_->base_size);
  if (madvise(memory_, kSize, MADV_DONTNEED) != 0 || madvise(memory_, kSize, MADV_HUGEPAGE) != 0)
    GTEST_SKIP() << "no transparent huge pages here";
  std::memset(memory_, 1, kSize);
  Report(memory_ + kHuge, kHuge, AML_FAULT_IOCTL, ENOTTY);
  if (report_->transparent_size != kHuge)
    GTEST_SKIP() << "no transparent huge pages here";
  EXPECT_EQ(0u, report_->base_size + report_->unknown_size);
}

TEST_F(AreaReportSystemFault, OfAMixtureOlderKernelsTellOnlyAsAWhole) {
  std::memset(memory_, 1, 4096); // keeps the first huge page's worth in base pages
  if (madvise(memory_, kSize, MADV_HUGEPAGE) != 0)
    GTEST_SKIP() << "no transparent huge pages here";
  std::memset(memory_, 1, kSize);
  Report(memory_, kSize, AML_FAULT_IOCTL, ENOTTY);
  if (report_->transparent_size != kSize - kHuge)
    GTEST_SKIP() << "no transparent huge pages here, or more of them";
  EXPECT_EQ(kHuge, report_->base_size);
  Report(memory_, kHuge, AML_FAULT_IOCTL, ENOTTY);
  EXPECT_EQ(kHuge, report_->unknown_size);
  EXPECT_EQ(0u, report_->base_size);
}

TEST_F(AreaReportSystemFault, WithoutTheListOfMappingsSizesOfPagesAreUnknown) {
  Report(memory_, kSize, AML_FAULT_OPEN, EACCES);
  EXPECT_EQ(kSize, report_->unknown_size);
  Report(memory_, kSize, AML_FAULT_READ, EIO);
  EXPECT_EQ(kSize, report_->unknown_size);
}

} // namespace
