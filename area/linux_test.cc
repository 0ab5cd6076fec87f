// SPDX-License-Identifier: BSD-3-Clause
//
// What the kernel reports of our mappings: /proc/self/smaps, numa_maps, get_mempolicy, move_pages.
// Here is one NUMA node, perhaps; placement on several is shown in tests/numa.

#include "aml/area/linux.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <numaif.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

size_t PageSize() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

uintptr_t Number(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

bool IsZero(const char *bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

bool Contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

// What the kernel says of the mapping around an address: the lines of /proc/self/smaps by name.
std::map<std::string, std::string> Smaps(const void *address) {
  std::map<std::string, std::string> fields;
  std::ifstream file("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long start = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      here = Number(address) >= start && Number(address) < end;
    } else if (here) {
      const size_t colon = line.find(':');
      fields[line.substr(0, colon)] = line.substr(colon + 1) + " ";
    }
  }
  return fields;
}

// The policy in /proc/self/numa_maps of the mapping that starts at an address.
std::string PolicyText(const void *start) {
  std::ifstream file("/proc/self/numa_maps");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    unsigned long address = 0;
    std::string policy;
    words >> std::hex >> address >> policy;
    if (policy == "prefer" || policy == "weighted") {
      std::string more;
      words >> more;
      if (more[0] == '(' || more[0] == 'i')
        policy += " " + more;
    }
    if (address == Number(start))
      return policy;
  }
  return "";
}

// Pages of address space that this process has.
size_t MappedPages() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  file >> pages;
  return pages;
}

bool IsMapped(const void *page) {
  unsigned char present = 0;
  return mincore(const_cast<void *>(page), 1, &present) == 0;
}

size_t PresentPages(void *memory, size_t pages) {
  std::vector<unsigned char> present(pages);
  EXPECT_EQ(0, mincore(memory, pages * PageSize(), present.data()));
  return static_cast<size_t>(
      std::count_if(present.begin(), present.end(), [](int flags) { return (flags & 1) != 0; }));
}

// Whether this machine has NUMA system calls and lets us use them.
bool HasNuma() {
  return get_mempolicy(nullptr, nullptr, 0, nullptr, 0) == 0;
}

#define SKIP_WITHOUT_NUMA()                                                                        \
  if (!HasNuma())                                                                                  \
  GTEST_SKIP() << "no NUMA system calls here"

class AreaLinux : public ::testing::Test {
protected:
  AreaLinux() : page_(PageSize()) {}

  void SetUp() override { ASSERT_EQ(0, aml_area_linux_create(&area_, nullptr)); }
  void TearDown() override { aml_area_destroy(&area_); }

  // Replaces the area.
  void Create(const aml_area_linux_options &options) {
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options)) << aml_error_detail();
  }

  char *Map(size_t size, size_t alignment = 0, unsigned flags = 0, void *hint = nullptr) {
    const aml_area_map_options options = {alignment, hint, flags, nullptr};
    return static_cast<char *>(aml_area_map(area_, size, &options));
  }

  void Unmap(void *pointer, size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, pointer, size)) << aml_error_detail();
  }

  aml_area_info Info(const void *pointer = nullptr) {
    aml_area_info info = {};
    EXPECT_EQ(0, aml_area_get_info(area_, pointer, &info)) << aml_error_detail();
    return info;
  }

  // A single page with nothing mapped on either side, so that it merges with no other mapping.
  char *MapAlone() {
    char *const pages = Map(3 * page_);
    Unmap(pages, page_);
    Unmap(pages + 2 * page_, page_);
    return pages + page_;
  }

  const size_t page_;
  aml_area *area_ = nullptr;
};

aml_area_linux_options Policy(aml_policy policy, const char *devices = "") {
  aml_area_linux_options options = {};
  options.policy = policy;
  EXPECT_EQ(0, aml_nodeset_parse(devices, &options.devices));
  return options;
}

// Mapping

TEST_F(AreaLinux, MapsWholePagesOfZeros) {
  char *const memory = Map(page_ + 1);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_TRUE(IsZero(memory, 2 * page_));
  std::memset(memory, 1, 2 * page_);
  Unmap(memory, page_ + 1);
  EXPECT_FALSE(IsMapped(memory));
  EXPECT_FALSE(IsMapped(memory + page_));
}

TEST_F(AreaLinux, AlignsUpTo1GiBAndKeepsNothingMoreMapped) {
  for (size_t alignment = 1; alignment <= 1024 * kMiB; alignment <<= 1) {
    const size_t before = MappedPages();
    char *const memory = Map(3 * page_ - 1, alignment);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(0u, Number(memory) % alignment);
    EXPECT_EQ(before + 3, MappedPages());
    memory[3 * page_ - 1] = 1;
    Unmap(memory, 3 * page_ - 1);
    EXPECT_EQ(before, MappedPages());
  }
  EXPECT_EQ(nullptr, Map(1, 2048 * kMiB));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_area_map: alignment 2147483648 is more than 1 GiB", aml_error_detail());
}

TEST_F(AreaLinux, MapsAtTheHintWhereItCan) {
  char *const place = MapAlone();
  EXPECT_NE(place, Map(page_, 0, 0, place));
  Unmap(place, page_);
  EXPECT_EQ(place, Map(page_, 0, 0, place));
  Unmap(place, page_);
}

TEST_F(AreaLinux, ExactIsAtTheHintOrNotAtAll) {
  char *const place = MapAlone();
  *place = 7;
  EXPECT_EQ(nullptr, Map(page_, 0, AML_AREA_MAP_EXACT, place));
  EXPECT_EQ(-AML_EEXIST, aml_error_code());
  EXPECT_STREQ("aml_area_map: mmap at the hint: File exists", aml_error_detail());
  EXPECT_EQ(7, *place);
  Unmap(place, page_);
  EXPECT_EQ(place, Map(page_, 0, AML_AREA_MAP_EXACT, place));
  Unmap(place, page_);
  EXPECT_EQ(nullptr, Map(page_, 0, AML_AREA_MAP_EXACT, place + 1));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, Map(page_, 2 * kMiB, AML_AREA_MAP_EXACT, reinterpret_cast<char *>(kMiB)));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_FALSE(IsMapped(place));
}

TEST_F(AreaLinux, SizesThatNoMemoryHasAreRefused) {
  const size_t before = MappedPages();
  for (const size_t size : {SIZE_MAX, SIZE_MAX - page_ + 1, SIZE_MAX / 2}) {
    for (const size_t alignment : {size_t{0}, 2 * kMiB}) {
      EXPECT_EQ(nullptr, Map(size, alignment));
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    }
  }
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinux, PopulateMakesEveryPagePresent) {
  constexpr size_t kPages = 100;
  char *const memory = Map(kPages * page_, 2 * kMiB, AML_AREA_MAP_POPULATE);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(kPages, PresentPages(memory, kPages));
  EXPECT_TRUE(IsZero(memory, kPages * page_));
  Unmap(memory, kPages * page_);
}

TEST_F(AreaLinux, MappingTouchesNoPage) {
  constexpr size_t kPages = 1000;
  char *const memory = Map(kPages * page_, 4 * kMiB);
  ASSERT_NE(nullptr, memory);
  EXPECT_EQ(0u, PresentPages(memory, kPages));
  Unmap(memory, kPages * page_);
}

TEST_F(AreaLinux, UnmapRefusesWhatItCanTellIsNoMapping) {
  char *const memory = Map(page_);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory + 1, page_));
  EXPECT_STREQ("aml_area_unmap: pointer is not the start of a page", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory, SIZE_MAX));
  EXPECT_TRUE(IsMapped(memory));
  Unmap(memory, page_);
}

// Policies

TEST_F(AreaLinux, WithoutAPolicyAMappingHasNone) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  EXPECT_EQ("default", PolicyText(memory));
  const aml_area_info info = Info(memory);
  EXPECT_EQ(AML_POLICY_DEFAULT, info.policy);
  EXPECT_TRUE(aml_nodeset_is_empty(&info.devices));
  Unmap(memory, page_);
}

TEST_F(AreaLinux, EachPolicyIsWhatTheKernelThenHas) {
  SKIP_WITHOUT_NUMA();
  const std::vector<std::tuple<aml_policy, const char *, std::string>> policies = {
      {AML_POLICY_LOCAL, "", "local"},
      {AML_POLICY_BIND, "0", "bind:0"},
      {AML_POLICY_PREFERRED, "0", "prefer:0"},
      {AML_POLICY_PREFERRED_MANY, "0", "prefer (many):0"},
      {AML_POLICY_INTERLEAVE, "0", "interleave:0"},
      {AML_POLICY_WEIGHTED_INTERLEAVE, "0", "weighted interleave:0"}};
  for (const auto &[policy, devices, text] : policies) {
    const aml_area_linux_options options = Policy(policy, devices);
    Create(options);
    EXPECT_EQ(policy, Info().policy);
    char *const memory = Map(page_);
    if (memory == nullptr && aml_error_code() == -AML_ENOTSUP) {
      EXPECT_TRUE(Contains(aml_error_detail(), "needs Linux")) << aml_error_detail();
      continue;
    }
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(text, PolicyText(memory));
    const aml_area_info info = Info(memory);
    EXPECT_EQ(policy, info.policy);
    EXPECT_TRUE(aml_nodeset_is_equal(&options.devices, &info.devices));
    EXPECT_EQ(AML_POLICY_DEFAULT, [] {
      int mode = -1;
      EXPECT_EQ(0, get_mempolicy(&mode, nullptr, 0, nullptr, 0));
      return mode;
    }()) << "the thread's own policy";
    Unmap(memory, page_);
  }
}

TEST_F(AreaLinux, BindGivesARangeAPolicyAndTakesItBack) {
  SKIP_WITHOUT_NUMA();
  const aml_nodeset zero = aml_nodeset_of(0);
  char *const memory = Map(4 * page_);
  // A range within pages 1 and 2 grows to both.
  ASSERT_EQ(0, aml_area_bind(area_, memory + page_ + 10, page_, AML_POLICY_BIND, &zero, 0))
      << aml_error_detail();
  EXPECT_EQ("bind:0", PolicyText(memory + page_));
  EXPECT_EQ("default", PolicyText(memory + 3 * page_));
  EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory).policy);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + page_).policy);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + 3 * page_ - 1).policy);
  ASSERT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_LOCAL, nullptr, 0));
  EXPECT_EQ(AML_POLICY_LOCAL, Info(memory + page_).policy);
  ASSERT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_DEFAULT, nullptr, 0));
  EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory + page_).policy);
  Unmap(memory, 4 * page_);
}

TEST_F(AreaLinux, BindMovesWhatIsPresentIfAsked) {
  SKIP_WITHOUT_NUMA();
  const aml_nodeset zero = aml_nodeset_of(0);
  char *const memory = Map(4 * page_, 0, AML_AREA_MAP_POPULATE);
  EXPECT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_BIND, &zero,
                             AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT))
      << aml_error_detail();
  Unmap(memory, 4 * page_);
}

TEST_F(AreaLinux, BindRefusesWhatItCannotBind) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  aml_nodeset devices = aml_nodeset_of(0);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, SIZE_MAX, AML_POLICY_BIND, &devices, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, 2 * page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: pointer and size span addresses without a mapping",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, nullptr, 0));
  // The kernel would leave the second one out.
  ASSERT_TRUE(aml_nodeset_add(&devices, 1023));
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: device 1023 has no memory that this process may use",
               aml_error_detail());
  aml_nodeset_remove(&devices, 0);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: device 1023 has no memory that this process may use",
               aml_error_detail());
  EXPECT_EQ("default", PolicyText(memory));
  Unmap(memory, page_);
}

// Where pages are

TEST_F(AreaLinux, LocateSaysWhatMovePagesSays) {
  SKIP_WITHOUT_NUMA();
  char *const memory = Map(3 * page_);
  memory[page_] = 1;
  std::array<void *, 3> pointers = {memory, memory + page_ + 17, memory + 2 * page_};
  std::array<int, 3> devices = {99, 99, 99};
  ASSERT_EQ(0, aml_area_locate(area_, 3, pointers.data(), devices.data())) << aml_error_detail();
  std::array<int, 3> status = {};
  ASSERT_EQ(0, move_pages(0, 3, pointers.data(), nullptr, status.data(), 0));
  EXPECT_EQ(-AML_ENOENT, devices[0]);
  EXPECT_EQ(status[1], devices[1]);
  EXPECT_GE(devices[1], 0);
  EXPECT_EQ(-AML_ENOENT, devices[2]);
  EXPECT_EQ(1u, PresentPages(memory, 3)) << "it touched pages";
  Unmap(memory, 3 * page_);
}

TEST_F(AreaLinux, MoveTellsWhereEachPageIsAfterwards) {
  SKIP_WITHOUT_NUMA();
  char *const memory = Map(2 * page_);
  memory[0] = 1;
  std::array<void *, 2> pointers = {memory, memory + page_};
  std::array<int, 2> devices = {0, 0};
  std::array<int, 2> results = {99, 99};
  ASSERT_EQ(0, aml_area_move(area_, 2, pointers.data(), devices.data(), results.data()))
      << aml_error_detail();
  EXPECT_EQ((std::array<int, 2>{0, -AML_ENOENT}), results);
  devices = {0, 1023};
  results = {99, 99};
  EXPECT_EQ(-AML_EINVAL, aml_area_move(area_, 2, pointers.data(), devices.data(), results.data()));
  EXPECT_STREQ("aml_area_move: device 1023 has no memory that this process may use",
               aml_error_detail());
  EXPECT_EQ((std::array<int, 2>{99, 99}), results);
  Unmap(memory, 2 * page_);
}

// Resize and purge

TEST_F(AreaLinux, ResizeKeepsWhatStaysAndZeroesWhatIsNew) {
  char *memory = Map(page_);
  std::memset(memory, 5, page_);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 5 * page_ - 1, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(5, memory[page_ - 1]);
  EXPECT_TRUE(IsZero(memory + page_, 4 * page_));
  std::memset(memory, 6, 5 * page_);
  EXPECT_EQ(memory, aml_area_resize(area_, memory, 5 * page_ - 1, page_ + 1, 0));
  EXPECT_EQ(6, memory[2 * page_ - 1]);
  EXPECT_FALSE(IsMapped(memory + 2 * page_));
  EXPECT_EQ(memory, aml_area_resize(area_, memory, page_ + 1, 2 * page_, 0));
  Unmap(memory, 2 * page_);
}

TEST_F(AreaLinux, ResizeFailsWithTheMappingAsItWas) {
  char *const memory = Map(3 * page_);
  *memory = 5;
  // There is no room behind the first page.
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, 2 * page_, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 2}) {
    EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, size, AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  }
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory + 1, page_, page_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, SIZE_MAX, page_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(5, *memory);
  Unmap(memory, 3 * page_);
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, 2 * page_, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
}

TEST_F(AreaLinux, PolicyAndHugePagesGoWithAMappingThatGrows) {
  SKIP_WITHOUT_NUMA();
  aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
  options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  Create(options);
  char *memory = Map(page_);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 3 * page_, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + 2 * page_).policy);
  EXPECT_TRUE(Contains(Smaps(memory + 2 * page_)["VmFlags"], " nh "));
  Unmap(memory, 3 * page_);
}

TEST_F(AreaLinux, PurgeGivesBackWholePagesOnly) {
  char *const memory = Map(4 * page_);
  std::memset(memory, 1, 4 * page_);
  ASSERT_EQ(0, aml_area_purge(area_, memory + 1, 3 * page_));
  EXPECT_EQ(1, memory[page_ - 1]);
  EXPECT_TRUE(IsZero(memory + page_, 2 * page_));
  EXPECT_EQ(1, memory[3 * page_]);
  ASSERT_EQ(0, aml_area_purge(area_, memory + 1, page_));
  ASSERT_EQ(0, aml_area_purge(area_, memory + 3 * page_, page_ - 1));
  EXPECT_EQ(1, memory[3 * page_]);
  Unmap(memory, 4 * page_);
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, memory, page_));
  EXPECT_STREQ("aml_area_purge: pointer and size span addresses without a mapping",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, memory, SIZE_MAX));
}

// Huge pages

std::string HugePageSetting() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string text;
  std::getline(file, text);
  const size_t open = text.find('[');
  return open == std::string::npos ? "none" : text.substr(open + 1, text.find(']') - open - 1);
}

TEST_F(AreaLinux, HugePagesAreAskedForAsTheOptionsSay) {
  const std::string setting = HugePageSetting();
  if (setting == "none")
    GTEST_SKIP() << "no transparent huge pages here";
  const std::vector<std::tuple<aml_area_linux_huge_pages, std::string, bool>> kinds = {
      {AML_AREA_LINUX_HUGE_DEFAULT, "", setting == "always"},
      {AML_AREA_LINUX_HUGE_NONE, " nh ", false},
      {AML_AREA_LINUX_HUGE_TRANSPARENT, " hg ", setting != "never"}};
  for (const auto &[kind, flag, granted] : kinds) {
    aml_area_linux_options options = {};
    options.huge_pages = kind;
    Create(options);
    EXPECT_EQ(granted, (Info().granted & AML_AREA_GRANT_HUGE_TRANSPARENT) != 0);
    char *const memory = Map(5 * kMiB);
    ASSERT_NE(nullptr, memory);
    const std::string flags = Smaps(memory)["VmFlags"];
    EXPECT_EQ(flag == " hg ", Contains(flags, " hg ")) << flags;
    EXPECT_EQ(flag == " nh ", Contains(flags, " nh ")) << flags;
    if (granted && kind == AML_AREA_LINUX_HUGE_TRANSPARENT) {
      EXPECT_EQ(0u, Number(memory) % (2 * kMiB)) << "not aligned to a huge page";
    }
    Unmap(memory, 5 * kMiB);
  }
}

TEST_F(AreaLinux, SmallMappingsAreNotAlignedToHugePages) {
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
  Create(options);
  const size_t before = MappedPages();
  char *const one = Map(page_);
  char *const two = Map(page_);
  EXPECT_EQ(before + 2, MappedPages());
  EXPECT_NE(0u, (Number(one) | Number(two)) % (2 * kMiB));
  Unmap(one, page_);
  Unmap(two, page_);
}

// Information

TEST_F(AreaLinux, InfoTellsWhatIsKnownAndThatTheRestIsNot) {
  const aml_area_info info = Info();
  EXPECT_STREQ("linux", info.type);
  EXPECT_EQ(aml_area_capabilities(area_), info.capabilities);
  EXPECT_EQ(page_, info.granularity);
  EXPECT_EQ(page_, info.page_size);
  EXPECT_EQ(1024 * kMiB, info.max_alignment);
  EXPECT_EQ(AML_UNKNOWN, info.size);
  EXPECT_EQ(AML_NATIVE_NONE, info.native.kind);
  EXPECT_EQ(AML_UNKNOWN, info.read_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, info.write_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, info.read_latency_ns);
  EXPECT_EQ(AML_UNKNOWN, info.write_latency_ns);
}

TEST_F(AreaLinux, InfoRefusesAnAddressWithoutAMapping) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  Unmap(memory, page_);
  aml_area_info info = {};
  info.size = 77;
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area_, memory, &info));
  EXPECT_STREQ("aml_area_get_info: pointer is an address without a mapping", aml_error_detail());
  EXPECT_EQ(77u, info.size);
}

// Making

TEST(AreaLinuxInit, RefusesWhatMakesNoSense) {
  AML_AREA_LINUX_DECL(area);
  const auto init = [&](const aml_area_linux_options &options) {
    return aml_area_linux_init(area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_create(nullptr, nullptr));
  aml_area_linux other = {};
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(&other.area, nullptr));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_DEFAULT, "0")));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_LOCAL, "0")));
  for (const aml_policy policy : {AML_POLICY_BIND, AML_POLICY_PREFERRED, AML_POLICY_PREFERRED_MANY,
                                  AML_POLICY_INTERLEAVE, AML_POLICY_WEIGHTED_INTERLEAVE})
    EXPECT_EQ(-AML_EINVAL, init(Policy(policy)));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_PREFERRED, "0-1")));
  EXPECT_EQ(-AML_EINVAL, init(Policy(static_cast<aml_policy>(7), "0")));
  aml_area_linux_options options = {};
  options.huge_pages = static_cast<aml_area_linux_huge_pages>(3);
  EXPECT_EQ(-AML_EINVAL, init(options));
  options = {};
  options.bind_flags = 4;
  EXPECT_EQ(-AML_EINVAL, init(options));
  // A failed init leaves the area as declared, so it may follow.
  EXPECT_EQ(0u, area_storage.page_size);
  EXPECT_EQ(0, aml_area_linux_init(area, nullptr));
  aml_area_fini(area);
}

TEST(AreaLinuxInit, RefusesDevicesWithoutMemory) {
  SKIP_WITHOUT_NUMA();
  for (const char *const devices : {"1023", "0,1023"}) {
    const aml_area_linux_options options = Policy(AML_POLICY_INTERLEAVE, devices);
    aml_area *area = nullptr;
    EXPECT_EQ(-AML_EINVAL, aml_area_linux_create(&area, &options));
    EXPECT_STREQ("aml_area_linux_init: device 1023 has no memory that this process may use",
                 aml_error_detail());
    EXPECT_EQ(nullptr, area);
  }
}

TEST(AreaLinuxInit, FiniLeavesStorageAsDeclared) {
  AML_AREA_LINUX_DECL(area);
  aml_area_fini(area);
  for (int round = 0; round < 2; ++round) {
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
    ASSERT_EQ(0, aml_area_linux_init(area, &options));
    void *const memory = aml_area_map(area, 1, nullptr);
    EXPECT_NE(nullptr, memory);
    EXPECT_EQ(0, aml_area_unmap(area, memory, 1));
    aml_area_fini(area);
    const aml_area_linux declared = {{&aml_area_linux_ops}, {}, {}, {}, {}, {}, {}, {}};
    EXPECT_EQ(0, std::memcmp(&declared, &area_storage, sizeof declared));
  }
}

// Threads

TEST_F(AreaLinux, ServesManyThreadsAtOnce) {
  const bool has_numa = HasNuma();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, has_numa] {
      const aml_nodeset zero = aml_nodeset_of(0);
      for (int i = 0; i < 200; ++i) {
        const size_t size = static_cast<size_t>(1 + (i * 7 + t) % 5) * page_;
        char *const memory = Map(size, i % 3 == 0 ? kMiB : 0);
        ASSERT_NE(nullptr, memory);
        ASSERT_TRUE(IsZero(memory, size));
        std::memset(memory, t + 1, size);
        if (has_numa) {
          ASSERT_EQ(0, aml_area_bind(area_, memory, size, AML_POLICY_BIND, &zero, 0));
        }
        ASSERT_EQ(t + 1, memory[size - 1]);
        ASSERT_EQ(0, aml_area_unmap(area_, memory, size));
      }
    });
  }
  for (std::thread &thread : threads)
    thread.join();
}

// Containers

// Runs `body` in a process of its own in which NUMA system calls do what `action` says.
int RunWithNumaCalls(unsigned action, const std::function<void()> &body) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<sock_filter> filter = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const unsigned call : {unsigned{__NR_mbind}, unsigned{__NR_get_mempolicy},
                                unsigned{__NR_set_mempolicy}, unsigned{__NR_move_pages}}) {
      filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
      filter.push_back(BPF_STMT(BPF_RET | BPF_K, action));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      _exit(77);
    body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define EXPECT_SUCCESS_OR_SKIP(status)                                                             \
  do {                                                                                             \
    const int status_now = status;                                                                 \
    if (status_now == 77)                                                                          \
      GTEST_SKIP() << "no seccomp here";                                                           \
    EXPECT_EQ(0, status_now);                                                                      \
  } while (false)

TEST_F(AreaLinux, WithoutAPolicyNothingOfNumaIsCalled) {
  EXPECT_SUCCESS_OR_SKIP(RunWithNumaCalls(SECCOMP_RET_KILL_PROCESS, [this] {
    AML_AREA_LINUX_DECL(area);
    ASSERT_EQ(0, aml_area_linux_init(area, nullptr));
    aml_area_fini(area);
    for (const unsigned flags : {0u, unsigned{AML_AREA_MAP_POPULATE}}) {
      void *memory = Map(2 * kMiB, 4 * kMiB, flags);
      ASSERT_NE(nullptr, memory);
      memory = aml_area_resize(area_, memory, 2 * kMiB, 3 * kMiB, AML_AREA_RESIZE_MAY_MOVE);
      ASSERT_NE(nullptr, memory);
      ASSERT_EQ(0, aml_area_purge(area_, memory, 3 * kMiB));
      Unmap(memory, 3 * kMiB);
    }
    (void)Info();
  }));
  // That the filter works, and that binding is what it would find.
  EXPECT_EQ(-SIGSYS, RunWithNumaCalls(SECCOMP_RET_KILL_PROCESS, [this] {
    char *const memory = Map(page_);
    (void)!aml_area_bind(area_, memory, page_, AML_POLICY_LOCAL, nullptr, 0);
  }));
}

TEST_F(AreaLinux, WhereNumaIsForbiddenOrLackingThatIsSaid) {
  struct Case {
    int number;
    int code;
    std::string sentence;
  };
  for (const Case &c : {Case{EPERM, -AML_EPERM, ", which containers often forbid: "},
                        Case{ENOSYS, -AML_ENOTSUP, ", which needs a NUMA kernel: "}}) {
    const unsigned action = SECCOMP_RET_ERRNO | static_cast<unsigned>(c.number);
    EXPECT_SUCCESS_OR_SKIP(RunWithNumaCalls(action, [this, &c] {
      const auto expect = [&](int err, const std::string &call) {
        EXPECT_EQ(c.code, err);
        EXPECT_EQ(call + c.sentence + std::strerror(c.number), aml_error_detail());
      };
      aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
      aml_area *bound = nullptr;
      expect(aml_area_linux_create(&bound, &options), "aml_area_linux_init: get_mempolicy");

      char *const memory = Map(page_);
      const aml_nodeset zero = aml_nodeset_of(0);
      expect(aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &zero, 0),
             "aml_area_bind: mbind");
      void *pointer = memory;
      int device = 0;
      int result = 0;
      expect(aml_area_locate(area_, 1, &pointer, &result), "aml_area_locate: move_pages");
      expect(aml_area_move(area_, 1, &pointer, &device, &result), "aml_area_move: get_mempolicy");
      // A mapping's policy is then what the area's is: none could be given.
      EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory).policy);
      Unmap(memory, page_);

      // A policy without devices is refused by the first map, which leaves nothing behind.
      options = Policy(AML_POLICY_LOCAL);
      Create(options);
      const size_t before = MappedPages();
      EXPECT_EQ(nullptr, Map(100 * page_, kMiB));
      expect(aml_error_code(), "aml_area_map: mbind");
      EXPECT_EQ(before, MappedPages());
    }));
  }
}

} // namespace
