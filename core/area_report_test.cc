// SPDX-License-Identifier: BSD-3-Clause
//
// Reports on an area whose devices are played, and on memory of this process as /proc/self/smaps
// has it.

#include "aml/core/area_report.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/support/device_area.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = DeviceArea::kPage;
constexpr size_t kHuge = size_t{2} << 20;

void *At(uintptr_t address) {
  return reinterpret_cast<void *>(address);
}

size_t Present(const aml_area_pages &report) {
  return std::accumulate(std::begin(report.device_size), std::end(report.device_size), size_t{0});
}

// The equations that the header states.
void ExpectSound(const aml_area_pages &report) {
  size_t known = report.base_size + report.transparent_size + report.unknown_size;
  for (const aml_area_pages_in_pool &pool : report.pools)
    known += pool.size;
  EXPECT_EQ(known, Present(report));
  EXPECT_EQ(report.size, report.absent_size + report.unlocated_size + Present(report));
}

class AreaReport : public ::testing::Test {
protected:
  void SetUp() override { std::memset(report_.get(), 0x55, sizeof *report_); }

  const std::unique_ptr<aml_area_pages> report_ = std::make_unique<aml_area_pages>();
  DeviceArea area_;
};

TEST_F(AreaReport, CountsTheBytesOfEachDeviceAndWhatIsAbsent) {
  constexpr uintptr_t kStart = 100 * kPage;
  for (uintptr_t page = 0; page < 2000; ++page)
    if (page % 4 != 3)
      area_.place[100 + page] = static_cast<int>(page % 4);
  area_.answers[100 + 7] = -AML_EBUSY;
  ASSERT_EQ(0, aml_area_report(area_.get(), At(kStart + 5), 2000 * kPage - 10, report_.get()))
      << aml_error_detail();
  EXPECT_EQ(2000 * kPage, report_->size);
  for (const int device : {0, 1, 2})
    EXPECT_EQ(500 * kPage, report_->device_size[device]);
  EXPECT_EQ(499 * kPage, report_->absent_size);
  EXPECT_EQ(kPage, report_->unlocated_size);
  EXPECT_EQ(1500 * kPage, report_->unknown_size) << "addresses that are none of this process";
  ExpectSound(*report_);
  EXPECT_GE(4u, area_.locates.size()) << "not in bulk";
  EXPECT_EQ(2000u, std::accumulate(area_.locates.begin(), area_.locates.end(), size_t{0}));
}

TEST_F(AreaReport, FailuresLeaveTheReportAlone) {
  const aml_area_pages before = *report_;
  const auto fails = [&](int code, const std::string &sentence, aml_area *area, void *pointer,
                         size_t size) {
    EXPECT_EQ(code, aml_area_report(area, pointer, size, report_.get()));
    EXPECT_EQ(sentence, aml_error_detail());
    EXPECT_EQ(0, std::memcmp(&before, report_.get(), sizeof before));
  };
  void *const page = At(kPage);
  fails(-AML_EINVAL, "aml_area_report: area is null", nullptr, page, 1);
  fails(-AML_EINVAL, "aml_area_report: pointer is null", area_.get(), nullptr, 1);
  fails(-AML_EINVAL, "aml_area_report: size is 0", area_.get(), page, 0);
  fails(-AML_EINVAL, "aml_area_report: size reaches past the range of addresses", area_.get(), page,
        SIZE_MAX);
  EXPECT_EQ(-AML_EINVAL, aml_area_report(area_.get(), page, 1, nullptr));
  EXPECT_STREQ("aml_area_report: report is null", aml_error_detail());
  PageArea pages;
  fails(-AML_ENOTSUP, "aml_area_report: area is of a type that cannot locate", pages.get(), page,
        1);
  area_.fail_locate_at = 0;
  fails(-AML_EPERM, "aml_area_locate: is forbidden", area_.get(), page, 1);
  area_.fail_info = -AML_EINVAL;
  fails(-AML_EINVAL, "aml_area_get_info: pointer is refused", area_.get(), page, 1);
}

// Memory of this process. Which pages are present is what mincore says; all are on device 3.
struct HostArea {
  aml_area area = {&kOps};
  size_t page_size = kPage;

  static unsigned Capabilities(const aml_area *) {
    return AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE | AML_AREA_CAN_LOCATE;
  }
  static int Info(aml_area *area, const void *, aml_area_info *info) {
    *info = aml_area_info{};
    info->page_size = reinterpret_cast<HostArea *>(area)->page_size;
    return 0;
  }
  static int Locate(aml_area *, size_t count, void *const pointers[], int devices[]) {
    for (size_t i = 0; i < count; ++i) {
      unsigned char present = 0;
      const uintptr_t page = reinterpret_cast<uintptr_t>(pointers[i]) & ~(kPage - 1);
      devices[i] = mincore(At(page), 1, &present) == 0 && (present & 1) != 0 ? 3 : -AML_ENOENT;
    }
    return 0;
  }
  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "host";
    ops.capabilities = Capabilities;
    ops.info = Info;
    ops.locate = Locate;
    return ops;
  }
  static inline const aml_area_ops kOps = MakeOps();
};

class AreaReportHost : public AreaReport {
protected:
  static constexpr size_t kSize = 16 * kHuge;

  void SetUp() override {
    AreaReport::SetUp();
    ASSERT_EQ(kPage, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
    void *const all =
        mmap(nullptr, kSize + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(MAP_FAILED, all);
    whole_ = static_cast<char *>(all);
    memory_ = whole_ + (kHuge - reinterpret_cast<uintptr_t>(all) % kHuge) % kHuge;
    ASSERT_EQ(0, madvise(memory_, kSize, MADV_NOHUGEPAGE));
  }

  void TearDown() override { EXPECT_EQ(0, munmap(whole_, kSize + kHuge)); }

  void Report(char *start, size_t size) {
    ASSERT_EQ(0, aml_area_report(&host_.area, start, size, report_.get())) << aml_error_detail();
    ExpectSound(*report_);
    EXPECT_EQ(0u, report_->unknown_size);
    EXPECT_EQ(Present(*report_), report_->device_size[3]);
  }

  // Has huge pages in the middle of the memory; false where there are none to be had.
  bool TouchHuge(char *start, size_t size) {
    if (madvise(start, size, MADV_HUGEPAGE) != 0)
      return false;
    std::memset(start, 1, size);
    std::ifstream file("/proc/self/smaps");
    bool here = false;
    for (std::string line; std::getline(file, line);) {
      unsigned long first = 0;
      unsigned long last = 0;
      size_t kib = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2)
        here = reinterpret_cast<uintptr_t>(start) >= first &&
               reinterpret_cast<uintptr_t>(start) < last;
      else if (here && std::sscanf(line.c_str(), "AnonHugePages: %zu", &kib) == 1)
        return kib * 1024 == size;
    }
    return false;
  }

  HostArea host_;
  char *whole_ = nullptr;
  char *memory_ = nullptr;
};

TEST_F(AreaReportHost, TouchesNothing) {
  Report(memory_, kSize);
  EXPECT_EQ(kSize, report_->size);
  EXPECT_EQ(kSize, report_->absent_size);
  unsigned char present = 0;
  ASSERT_EQ(0, mincore(memory_, 1, &present));
  EXPECT_EQ(0, present & 1);
}

TEST_F(AreaReportHost, TellsBasePages) {
  std::memset(memory_ + kPage, 1, 100 * kPage);
  Report(memory_, 50 * kPage);
  EXPECT_EQ(49 * kPage, report_->base_size);
  EXPECT_EQ(kPage, report_->absent_size);
  Report(memory_, kSize);
  EXPECT_EQ(100 * kPage, report_->base_size);
}

TEST_F(AreaReportHost, TellsTransparentHugePagesAcrossMappings) {
  std::memset(memory_, 1, 10 * kPage);
  if (!TouchHuge(memory_ + 2 * kHuge, 4 * kHuge))
    GTEST_SKIP() << "no transparent huge pages here";
  Report(memory_, kSize);
  EXPECT_EQ(10 * kPage, report_->base_size);
  EXPECT_EQ(4 * kHuge, report_->transparent_size);
  EXPECT_EQ(kSize - 10 * kPage - 4 * kHuge, report_->absent_size);
  // A part of the huge ones' mapping, and a part of a page.
  Report(memory_ + 3 * kHuge + 8, kHuge + kHuge / 2);
  EXPECT_EQ(report_->size, report_->transparent_size);
}

TEST_F(AreaReportHost, WhatIsLocatedInLargerPagesIsCountedToItsBorders) {
  host_.page_size = kHuge;
  std::memset(memory_, 1, kSize);
  Report(memory_ + kHuge + 5, 1);
  EXPECT_EQ(kHuge, report_->size);
  EXPECT_EQ(kHuge, report_->base_size);
}

TEST_F(AreaReportHost, AddressesWithoutAMappingAreOfUnknownSize) {
  std::memset(memory_, 1, 3 * kPage);
  ASSERT_EQ(0, munmap(memory_ + kPage, kPage));
  ASSERT_EQ(0, aml_area_report(&host_.area, memory_, 3 * kPage, report_.get()));
  EXPECT_EQ(2 * kPage, report_->base_size);
  EXPECT_EQ(kPage, report_->absent_size);
  ExpectSound(*report_);
}

} // namespace
