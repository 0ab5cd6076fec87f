// SPDX-License-Identifier: BSD-3-Clause
//
// Where the system sets limits: on locked memory, on addresses, on mappings, on system calls. Each
// is met in a process of its own, and nothing may be left behind.

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

// Sets a limit, and gives up the right to lock more than it.
void Limit(decltype(RLIMIT_AS) what, size_t size) {
  const rlimit limit = {size, size};
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (setrlimit(what, &limit) != 0 || syscall(SYS_capset, &header, data) != 0)
    _exit(77);
}

bool IsLocked(const void *memory) {
  return Contains(Smaps(memory)["VmFlags"], " lo ");
}

// Locking

class AreaLinuxLockLimit : public AreaLinux {
protected:
  void SetUp() override {
    AreaLinux::SetUp();
    void *const page = Map(page_);
    const bool is_real = mlock(page, page_) != 0 || IsLocked(page);
    Unmap(page, page_);
    if (!is_real)
      GTEST_SKIP() << "under sanitizers mlock() does nothing";
  }

  void CreateLocking(unsigned wishes = 0) {
    aml_area_linux_options options = {};
    options.flags = AML_AREA_LINUX_LOCK;
    options.wishes = wishes;
    Create(options);
  }
};

TEST_F(AreaLinuxLockLimit, WhereNothingMayBeLockedThatIsSaid) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    Limit(RLIMIT_MEMLOCK, 0);
    CreateLocking();
    const size_t before = MappedPages();
    EXPECT_EQ(nullptr, Map(4 * page_));
    EXPECT_EQ(-AML_EPERM, aml_error_code());
    EXPECT_STREQ("aml_area_map: mlock, which RLIMIT_MEMLOCK limits: Operation not permitted",
                 aml_error_detail());
    EXPECT_EQ(before, MappedPages());
  }));
}

TEST_F(AreaLinuxLockLimit, MoreThanTheLimitIsNotHad) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    Limit(RLIMIT_MEMLOCK, 4 * page_);
    CreateLocking();
    const size_t before = MappedPages();
    EXPECT_EQ(nullptr, Map(5 * page_));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_STREQ("aml_area_map: mlock, which RLIMIT_MEMLOCK limits: Cannot allocate memory",
                 aml_error_detail());
    EXPECT_EQ(before, MappedPages());
    char *const memory = Map(4 * page_);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_TRUE(IsLocked(memory));
    EXPECT_EQ(nullptr,
              aml_area_resize(area_, memory, 4 * page_, 5 * page_, AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_STREQ("aml_area_resize: mremap needs more locked memory than RLIMIT_MEMLOCK allows",
                 aml_error_detail());
    EXPECT_TRUE(IsLocked(memory));
    Unmap(memory, 4 * page_);
  }));
}

TEST_F(AreaLinuxLockLimit, AsAWishItIsMissingAndInfoSaysSo) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    Limit(RLIMIT_MEMLOCK, 4 * page_);
    CreateLocking(AML_AREA_GRANT_LOCKED);
    char *const large = Map(5 * page_);
    ASSERT_NE(nullptr, large) << aml_error_detail();
    EXPECT_STREQ("", aml_error_detail()) << "success leaves a sentence";
    EXPECT_FALSE(IsLocked(large));
    EXPECT_EQ(0u, Info(large).granted & AML_AREA_GRANT_LOCKED);
    char *memory = Map(4 * page_);
    EXPECT_TRUE(IsLocked(memory));
    EXPECT_NE(0u, Info(memory).granted & AML_AREA_GRANT_LOCKED);
    memory = static_cast<char *>(
        aml_area_resize(area_, memory, 4 * page_, 5 * page_, AML_AREA_RESIZE_MAY_MOVE));
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_FALSE(IsLocked(memory));
    Unmap(memory, 5 * page_);
    Unmap(large, 5 * page_);
  }));
}

TEST_F(AreaLinuxLockLimit, InAProcessThatLocksAllThatIsSaidToo) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    Limit(RLIMIT_MEMLOCK, 8 * page_);
    if (mlockall(MCL_FUTURE) != 0)
      _exit(77);
    const size_t before = MappedPages();
    EXPECT_EQ(nullptr, Map(16 * page_));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_STREQ("aml_area_map: mmap needs more locked memory than RLIMIT_MEMLOCK allows",
                 aml_error_detail());
    EXPECT_EQ(nullptr, Map(2 * kMiB)) << "a reservation is locked too";
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ(before, MappedPages());
  }));
}

// Addresses and mappings

TEST_F(AreaLinux, WhereAddressesAreScarceHugePagesAreForgone) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    const size_t size = 16 * kMiB + page_;
    const size_t before = MappedPages();
    const size_t room = size + 16 * page_;
    Limit(RLIMIT_AS, before * page_ + room);
    // 16 MiB and a page fit, with 2 MiB more to align them they do not.
    char *const memory = Map(size);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(nullptr, Map(size));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_STREQ("aml_area_map: mmap: Cannot allocate memory", aml_error_detail());
    EXPECT_EQ(before + size / page_, MappedPages());
    Unmap(memory, size);
    EXPECT_EQ(nullptr, Map(size, 4 * kMiB)) << "what was asked for is not forgone";
    EXPECT_EQ(before, MappedPages());
  }));
}

TEST_F(AreaLinux, WhereMappingsAreAtTheirLimitNothingIsLeftBehind) {
  size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit == 0 || limit > 70000)
    GTEST_SKIP() << "the limit on mappings is not known, or high";
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this, limit] {
    aml_area_linux_options options = {};
    options.guard_size = 1;
    Create(options);
    // Body and guards cannot be one mapping, so this ends.
    std::vector<void *> all;
    all.reserve(limit);
    const size_t before = MappedPages();
    for (void *memory = Map(1); memory != nullptr; memory = Map(1))
      all.push_back(memory);
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_TRUE(Contains(aml_error_detail(), "aml_area_map: m")) << aml_error_detail();
    EXPECT_GT(all.size(), limit / 4);
    // Guards of neighbours are one for the kernel.
    EXPECT_EQ(before + 3 * all.size(), MappedPages());
    for (void *const memory : all)
      Unmap(memory, 1);
    EXPECT_EQ(before, MappedPages());
  }));
}

TEST_F(AreaLinux, APartMayBeGivenBack) {
  char *const memory = Map(3 * page_);
  std::memset(memory, 1, 3 * page_);
  Unmap(memory + page_, page_);
  EXPECT_FALSE(IsMapped(memory + page_));
  EXPECT_EQ(2, memory[page_ - 1] + memory[2 * page_]);
  Unmap(memory, 3 * page_);
  EXPECT_FALSE(IsMapped(memory + 2 * page_));
}

// Containers

TEST_F(AreaLinux, APolicyThatIsAWishIsDoneWithoutWhereItIsForbidden) {
  for (const int number : {EPERM, ENOSYS}) {
    const unsigned action = SECCOMP_RET_ERRNO | static_cast<unsigned>(number);
    EXPECT_SUCCESS_OR_SKIP(RunWithNumaCalls(action, [this] {
      aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
      options.wishes = AML_AREA_GRANT_POLICY;
      Create(options);
      EXPECT_EQ(AML_AREA_GRANT_POLICY, Info().granted & AML_AREA_GRANT_POLICY);
      char *const memory = Map(page_);
      ASSERT_NE(nullptr, memory) << aml_error_detail();
      const aml_area_info info = Info(memory);
      EXPECT_EQ(0u, info.granted & AML_AREA_GRANT_POLICY);
      EXPECT_EQ(AML_POLICY_DEFAULT, info.policy);
      EXPECT_TRUE(aml_nodeset_is_empty(&info.devices));
      EXPECT_STREQ("", aml_error_detail()) << "success leaves a sentence";
      Unmap(memory, page_);
    }));
  }
}

TEST_F(AreaLinux, APolicyThatIsAWishIsHadWhereItIsAllowed) {
  SKIP_WITHOUT_NUMA();
  aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
  options.wishes = AML_AREA_GRANT_POLICY;
  Create(options);
  char *const memory = Map(page_);
  EXPECT_NE(0u, Info(memory).granted & AML_AREA_GRANT_POLICY);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory).policy);
  Unmap(memory, page_);
  // A node that does not exist is no matter of wishes.
  options.devices = aml_nodeset_of(1023);
  aml_area *refused = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_create(&refused, &options));
}

// Fork

TEST_F(AreaLinux, AForkedProcessHasACopyOfItsOwn) {
  aml_area_linux_options options = {};
  options.guard_size = page_;
  options.flags = AML_AREA_LINUX_NO_DUMP;
  options.wishes = AML_AREA_GRANT_NO_DUMP;
  Create(options);
  char *const memory = Map(2 * page_);
  std::memset(memory, 4, 2 * page_);
  EXPECT_EQ(0, RunInChild([this, memory] {
              EXPECT_EQ(4, memory[page_]);
              EXPECT_NE(0u, Info(memory).granted & AML_AREA_GRANT_NO_DUMP);
              memory[page_] = 5;
              const size_t before = MappedPages();
              Unmap(memory, 2 * page_);
              EXPECT_EQ(before - 4, MappedPages());
              void *const other = Map(page_);
              EXPECT_NE(nullptr, other);
              Unmap(other, page_);
            }));
  EXPECT_EQ(4, memory[page_]);
  Unmap(memory, 2 * page_);
}

} // namespace
