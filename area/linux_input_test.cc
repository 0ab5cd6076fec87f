// SPDX-License-Identifier: BSD-3-Clause
//
// What callers get wrong: the code, the sentence, and that nothing is mapped or given back by it.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

TEST_F(AreaLinux, MapSaysWhichArgumentIsWrong) {
  struct Case {
    size_t size;
    size_t alignment;
    unsigned flags;
    void *hint;
    int code;
    const char *sentence;
  };
  const auto address = [](uintptr_t number) { return reinterpret_cast<void *>(number); };
  const size_t before = MappedPages();
  for (const Case &c : {
           Case{0, 0, 0, nullptr, -AML_EINVAL, "size is 0"},
           Case{SIZE_MAX, 0, 0, nullptr, -AML_ENOMEM, "size is larger than the range of addresses"},
           Case{SIZE_MAX - page_ + 1, 0, 0, nullptr, -AML_ENOMEM, "mmap: Cannot allocate memory"},
           Case{SIZE_MAX / 2, 2 * kMiB, 0, nullptr, -AML_ENOMEM, "mmap: Cannot allocate memory"},
           Case{1, 3, 0, nullptr, -AML_EINVAL, "alignment 3 is not a power of two"},
           Case{1, page_ + 8, 0, nullptr, -AML_EINVAL, "alignment 4104 is not a power of two"},
           Case{1, 2048 * kMiB, 0, nullptr, -AML_EINVAL, "alignment 2147483648 is more than 1 GiB"},
           Case{1, 0, 1u << 31, nullptr, -AML_EINVAL, "flags has an unknown bit"},
           Case{1, 0, AML_AREA_MAP_EXACT, nullptr, -AML_EINVAL,
                "hint is null, yet AML_AREA_MAP_EXACT asks for it"},
           Case{1, 0, AML_AREA_MAP_EXACT, address(kMiB + 1), -AML_EINVAL,
                "hint is not aligned as AML_AREA_MAP_EXACT needs"},
           Case{1, 2 * kMiB, AML_AREA_MAP_EXACT, address(kMiB), -AML_EINVAL,
                "hint is not aligned as AML_AREA_MAP_EXACT needs"},
       }) {
    std::string sentence = c.sentence;
    if (page_ != 4096 && Contains(sentence, "4104"))
      continue;
    EXPECT_EQ(nullptr, Map(c.size, c.alignment, c.flags, c.hint));
    EXPECT_EQ(c.code, aml_error_code()) << sentence;
    EXPECT_EQ("aml_area_map: " + sentence, aml_error_detail());
    EXPECT_EQ(before, MappedPages()) << sentence;
  }
}

TEST_F(AreaLinux, SizesNeedBeNoMultipleOfAnything) {
  const size_t before = MappedPages();
  for (const size_t size : {size_t{1}, page_ - 1, page_ + 1, 3 * kMiB + 7}) {
    for (const size_t alignment : {size_t{1}, size_t{64}, page_, 4 * page_, 16 * kMiB}) {
      char *const memory = Map(size, alignment);
      ASSERT_NE(nullptr, memory) << aml_error_detail();
      EXPECT_EQ(0u, Number(memory) % alignment);
      memory[size - 1] = 1;
      EXPECT_EQ(before + (size + page_ - 1) / page_, MappedPages());
      Unmap(memory, size);
      EXPECT_EQ(before, MappedPages());
    }
  }
}

TEST_F(AreaLinux, UnmapRefusesWhatCannotBeAMappingOfTheArea) {
  aml_area_linux_options options = {};
  options.guard_size = 4 * page_;
  Create(options);
  char *const memory = Map(2 * page_);
  const size_t before = MappedPages();
  struct Case {
    char *pointer;
    size_t size;
    const char *sentence;
  };
  for (const Case &c :
       {Case{memory, 0, "size is 0"}, Case{memory + 1, page_, "pointer is not the start of a page"},
        // Its guard would lie before the first address.
        Case{reinterpret_cast<char *>(page_), page_, "pointer is not the start of a page"},
        Case{memory, SIZE_MAX, "size reaches past the range of addresses"},
        Case{memory, SIZE_MAX - Number(memory) - page_,
             "size reaches past the range of addresses"}}) {
    EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, c.pointer, c.size)) << c.sentence;
    EXPECT_EQ("aml_area_unmap: " + std::string(c.sentence), aml_error_detail());
    EXPECT_EQ(before, MappedPages());
  }
  memory[0] = memory[2 * page_ - 1] = 1;
  Unmap(memory, 2 * page_);
}

TEST_F(AreaLinux, BindSaysWhichArgumentIsWrong) {
  char *const memory = Map(2 * page_);
  const aml_nodeset none = {};
  const aml_nodeset zero = aml_nodeset_of(0);
  aml_nodeset two = zero;
  ASSERT_TRUE(aml_nodeset_add(&two, 1));
  struct Case {
    size_t size;
    aml_policy policy;
    const aml_nodeset *devices;
    unsigned flags;
  };
  for (const Case &c : {
           Case{0, AML_POLICY_BIND, &zero, 0},
           Case{SIZE_MAX, AML_POLICY_BIND, &zero, 0},
           Case{page_, AML_POLICY_BIND, nullptr, 0},
           Case{page_, AML_POLICY_BIND, &none, 0},
           Case{page_, AML_POLICY_PREFERRED, &two, 0},
           Case{page_, static_cast<aml_policy>(7), &zero, 0},
           Case{page_, AML_POLICY_BIND, &zero, 1u << 31},
       }) {
    EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, c.size, c.policy, c.devices, c.flags));
    EXPECT_EQ(0u, std::string(aml_error_detail()).find("aml_area_bind: ")) << aml_error_detail();
  }
  EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory).policy);
  Unmap(memory, 2 * page_);
}

TEST_F(AreaLinux, AnAreaThatWasOnlyDeclaredAnswersAndMapsNothing) {
  AML_AREA_LINUX_DECL(area);
  char *const memory = Map(page_);
  const size_t before = MappedPages();
  for (const void *const pointer :
       {static_cast<const void *>(nullptr), static_cast<const void *>(memory)}) {
    aml_area_info info = {};
    EXPECT_EQ(0, aml_area_get_info(area, pointer, &info));
    EXPECT_STREQ("linux", info.type);
    EXPECT_EQ(0u, info.page_size);
    EXPECT_EQ(0u, info.granted);
  }
  static const char sentence[] = "area was not initialised";
  EXPECT_EQ(nullptr, aml_area_map(area, page_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ("aml_area_map: " + std::string(sentence), aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area, memory, page_));
  EXPECT_EQ("aml_area_unmap: " + std::string(sentence), aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_resize(area, memory, page_, 2 * page_, 0));
  EXPECT_EQ("aml_area_resize: " + std::string(sentence), aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area, memory, page_));
  EXPECT_EQ("aml_area_purge: " + std::string(sentence), aml_error_detail());
  const aml_nodeset zero = aml_nodeset_of(0);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area, memory, page_, AML_POLICY_BIND, &zero, 0));
  EXPECT_EQ("aml_area_bind: " + std::string(sentence), aml_error_detail());
  EXPECT_EQ(before, MappedPages());
  aml_area_fini(area);
  Unmap(memory, page_);
}

// What a mapping got

TEST_F(AreaLinux, HugePagesThatAreNamedAsAWishAreToldForEachMapping) {
  if (HugePageSetting() != "madvise")
    GTEST_SKIP() << "huge pages are for all mappings here, or for none";
  aml_area_linux_options options = {};
  options.wishes = AML_AREA_GRANT_HUGE_TRANSPARENT;
  Create(options);
  EXPECT_EQ(AML_AREA_GRANT_HUGE_TRANSPARENT, Info().granted);
  char *const small = Map(page_);
  char *const large = Map(4 * kMiB);
  EXPECT_FALSE(Contains(Smaps(small)["VmFlags"], " hg "));
  EXPECT_EQ(0u, Info(small).granted);
  EXPECT_TRUE(Contains(Smaps(large)["VmFlags"], " hg "));
  EXPECT_EQ(AML_AREA_GRANT_HUGE_TRANSPARENT, Info(large).granted);
  Unmap(large, 4 * kMiB);
  Unmap(small, page_);
}

} // namespace
