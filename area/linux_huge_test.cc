// SPDX-License-Identifier: BSD-3-Clause
//
// Huge pages, transparent and from a pool, as /proc/self/smaps reports them. Pools with pages in
// them are shown in tests/numa.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kHuge = 2 * kMiB;

class AreaLinuxHuge : public AreaLinux {
protected:
  void SetUp() override {
    AreaLinux::SetUp();
    if (HugePageSetting() == "none" || HugePageSetting() == "never")
      GTEST_SKIP() << "no transparent huge pages here";
  }

  void CreateHuge(aml_area_linux_huge_pages kind, unsigned wishes = 0, size_t pool_page_size = 0) {
    aml_area_linux_options options = {};
    options.huge_pages = kind;
    options.wishes = wishes;
    options.pool_page_size = pool_page_size;
    Create(options);
  }
};

TEST_F(AreaLinuxHuge, AMappingIsAdvisedAsTheOptionsSay) {
  const bool always = HugePageSetting() == "always";
  struct Case {
    aml_area_linux_huge_pages kind;
    size_t size;
    std::string flag;
    bool aligned;
  };
  for (const Case &c : {Case{AML_AREA_LINUX_HUGE_DEFAULT, 5 * kMiB, always ? "" : " hg ", true},
                        Case{AML_AREA_LINUX_HUGE_DEFAULT, kHuge, always ? "" : " hg ", true},
                        Case{AML_AREA_LINUX_HUGE_DEFAULT, kMiB, "", false},
                        Case{AML_AREA_LINUX_HUGE_NONE, 5 * kMiB, " nh ", false},
                        Case{AML_AREA_LINUX_HUGE_NONE, kMiB, " nh ", false},
                        Case{AML_AREA_LINUX_HUGE_TRANSPARENT, 5 * kMiB, " hg ", true},
                        Case{AML_AREA_LINUX_HUGE_TRANSPARENT, kMiB, " hg ", false}}) {
    SCOPED_TRACE(std::to_string(c.kind) + " " + std::to_string(c.size));
    CreateHuge(c.kind);
    EXPECT_EQ(c.kind != AML_AREA_LINUX_HUGE_NONE,
              (Info().granted & AML_AREA_GRANT_HUGE_TRANSPARENT) != 0);
    char *const memory = Map(c.size);
    ASSERT_NE(nullptr, memory);
    const std::string flags = Smaps(memory)["VmFlags"];
    EXPECT_EQ(c.flag == " hg ", Contains(flags, " hg ")) << flags;
    EXPECT_EQ(c.flag == " nh ", Contains(flags, " nh ")) << flags;
    EXPECT_TRUE(!c.aligned || Number(memory) % kHuge == 0);
    Unmap(memory, c.size);
  }
}

TEST_F(AreaLinuxHuge, ByDefaultLargeMappingsAreOfHugePages) {
  char *const memory = Map(4 * kHuge);
  std::memset(memory, 1, 4 * kHuge);
  if (Smaps(memory)["AnonHugePages"].find("8192 kB") == std::string::npos) {
    // Memory may be in pieces too small. Then a plain mapping that asks for them has none either.
    char *const plain = static_cast<char *>(
        mmap(nullptr, 5 * kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_EQ(0, madvise(plain, 5 * kHuge, MADV_HUGEPAGE));
    std::memset(plain, 1, 5 * kHuge);
    EXPECT_FALSE(Contains(Smaps(plain)["AnonHugePages"], "8192 kB"));
    ASSERT_EQ(0, munmap(plain, 5 * kHuge));
  }
  Unmap(memory, 4 * kHuge);
}

TEST_F(AreaLinuxHuge, WithoutHugePagesThereAreNone) {
  CreateHuge(AML_AREA_LINUX_HUGE_NONE);
  char *const memory = Map(4 * kHuge, kHuge, AML_AREA_MAP_POPULATE);
  EXPECT_TRUE(Contains(Smaps(memory)["AnonHugePages"], " 0 kB"));
  Unmap(memory, 4 * kHuge);
}

TEST_F(AreaLinuxHuge, SmallMappingsAreNotAlignedToHugePages) {
  CreateHuge(AML_AREA_LINUX_HUGE_TRANSPARENT);
  const size_t before = MappedPages();
  char *const one = Map(page_);
  char *const two = Map(page_);
  EXPECT_EQ(before + 2, MappedPages());
  EXPECT_NE(0u, (Number(one) | Number(two)) % kHuge);
  Unmap(one, page_);
  Unmap(two, page_);
}

TEST_F(AreaLinuxHuge, AlignmentForHugePagesCostsNoMemory) {
  for (const size_t size : {kHuge + page_, 3 * kHuge, 5 * kMiB}) {
    const size_t before = MappedPages();
    char *const memory = Map(size);
    EXPECT_EQ(before + size / page_, MappedPages());
    Unmap(memory, size);
    EXPECT_EQ(before, MappedPages());
  }
}

TEST_F(AreaLinuxHuge, AMappingThatGrowsLargeIsAdvisedThen) {
  if (HugePageSetting() == "always")
    GTEST_SKIP() << "no advice needed here";
  char *memory = Map(page_);
  EXPECT_FALSE(Contains(Smaps(memory)["VmFlags"], " hg "));
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 2 * kHuge, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_TRUE(Contains(Smaps(memory)["VmFlags"], " hg "));
  Unmap(memory, 2 * kHuge);
}

TEST_F(AreaLinuxHuge, WhereAProcessHasThemOffThatIsSaid) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
      _exit(77);
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
    aml_area *refused = nullptr;
    EXPECT_EQ(-AML_ENOTSUP, aml_area_linux_create(&refused, &options));
    EXPECT_STREQ("aml_area_linux_init: huge_pages are to be transparent, which this system or "
                 "process has off",
                 aml_error_detail());
    CreateHuge(AML_AREA_LINUX_HUGE_TRANSPARENT, AML_AREA_GRANT_HUGE_TRANSPARENT);
    EXPECT_EQ(0u, Info().granted & AML_AREA_GRANT_HUGE_TRANSPARENT);
    CreateHuge(AML_AREA_LINUX_HUGE_DEFAULT);
    EXPECT_EQ(0u, Info().granted & AML_AREA_GRANT_HUGE_TRANSPARENT);
    char *const memory = Map(2 * kHuge, 0, AML_AREA_MAP_POPULATE);
    EXPECT_TRUE(Contains(Smaps(memory)["AnonHugePages"], " 0 kB"));
    Unmap(memory, 2 * kHuge);
  }));
}

// Pools

size_t FreePages(size_t page_size) {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page_size / 1024) +
                     "kB/free_hugepages");
  size_t count = 0;
  return file >> count ? count : SIZE_MAX;
}

class AreaLinuxPool : public AreaLinuxHuge {
protected:
  void SetUp() override {
    AreaLinuxHuge::SetUp();
    if (FreePages(kHuge) == SIZE_MAX)
      GTEST_SKIP() << "no pool of pages of 2 MiB here";
    size_ = (FreePages(kHuge) + 1) * kHuge; // more than there is
  }

  size_t size_ = 0;
};

TEST_F(AreaLinuxPool, AnEmptyPoolIsSaid) {
  const size_t before = MappedPages();
  for (const size_t guard_size : {size_t{0}, page_}) {
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_POOL;
    options.pool_page_size = kHuge;
    options.guard_size = guard_size;
    Create(options);
    EXPECT_EQ(kHuge, Info().granularity);
    for (const size_t alignment : {size_t{0}, 2 * kHuge}) {
      EXPECT_EQ(nullptr, Map(size_, alignment));
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
      EXPECT_STREQ("aml_area_map: mmap from the pool of huge pages: Cannot allocate memory",
                   aml_error_detail());
      EXPECT_EQ(before, MappedPages());
    }
  }
}

TEST_F(AreaLinuxPool, WhereThePoolIsAWishTransparentPagesServe) {
  CreateHuge(AML_AREA_LINUX_HUGE_POOL, AML_AREA_GRANT_HUGE_POOL, kHuge);
  EXPECT_NE(0u, Info().granted & AML_AREA_GRANT_HUGE_POOL);
  const size_t before = MappedPages();
  char *const memory = Map(size_ - kHuge + 1);
  char *const other = Map(size_);
  ASSERT_NE(nullptr, other) << aml_error_detail();
  EXPECT_EQ(0u, Number(other) % kHuge);
  EXPECT_FALSE(Contains(Smaps(other)["VmFlags"], " ht "));
  const aml_area_info info = Info(other);
  EXPECT_EQ(AML_AREA_GRANT_HUGE_TRANSPARENT, info.granted);
  EXPECT_EQ(page_, info.page_size);
  EXPECT_EQ(kHuge, info.granularity);
  *other = 1;
  Unmap(other, size_);
  Unmap(memory, size_ - kHuge + 1);
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinuxPool, AFallbackGrowsShrinksAndIsGivenBackInPoolPages) {
  CreateHuge(AML_AREA_LINUX_HUGE_POOL, AML_AREA_GRANT_HUGE_POOL, kHuge);
  const size_t before = MappedPages();
  char *memory = Map(size_);
  std::memset(memory, 3, kHuge);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, size_, size_ + 1, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(before + (size_ + kHuge) / page_, MappedPages());
  EXPECT_EQ(3, memory[kHuge - 1]);
  EXPECT_TRUE(IsZero(memory + size_, kHuge));
  EXPECT_EQ(memory, aml_area_resize(area_, memory, size_ + 1, 1, 0));
  EXPECT_EQ(before + kHuge / page_, MappedPages());
  EXPECT_EQ(3, *memory);
  ASSERT_EQ(0, aml_area_purge(area_, memory, kHuge));
  EXPECT_EQ(0, *memory);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory + page_, 1));
  Unmap(memory, 1);
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinuxPool, APoolThatThereIsNotIsSaid) {
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  options.pool_page_size = 64 * kMiB;
  aml_area *refused = nullptr;
  EXPECT_EQ(-AML_ENOTSUP, aml_area_linux_create(&refused, &options));
  EXPECT_STREQ("aml_area_linux_init: pool_page_size 67108864 names no pool of huge pages that this "
               "system has",
               aml_error_detail());
  EXPECT_EQ(nullptr, refused);
  options.wishes = AML_AREA_GRANT_HUGE_POOL;
  Create(options);
  EXPECT_EQ(AML_AREA_GRANT_HUGE_TRANSPARENT, Info().granted);
  EXPECT_EQ(page_, Info().granularity);
}

TEST_F(AreaLinuxPool, TheDefaultPoolIsTheSystems) {
  CreateHuge(AML_AREA_LINUX_HUGE_POOL);
  std::ifstream file("/proc/meminfo");
  size_t kib = 0;
  for (std::string word; file >> word;)
    if (word == "Hugepagesize:")
      file >> kib;
  EXPECT_EQ(kib * 1024, Info().granularity);
}

} // namespace
