// SPDX-License-Identifier: BSD-3-Clause
//
// The system calls on NUMA, against kernels that are played here: several nodes, old versions, and
// calls that are lacking or forbidden. These definitions come before those of libnuma.

#include "aml/area/internal/numa.h"

#include <gtest/gtest.h>
#include <numaif.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kWeightedInterleave = 6;

struct Kernel {
  std::set<int> nodes = {0, 1, 2, 5};
  std::map<uintptr_t, int> pages; // by address
  std::map<int, int> room;        // pages that a node can still take; any number if not here
  int absent = -ENOENT;           // its word for a page that is not present
  int out_of_room = 0;            // what move_pages fails with where there is no room; 0: a count
  int last_mode = kWeightedInterleave;
  int mbind_errno = 0;
  int get_mempolicy_errno = 0;
  int move_pages_errno = 0;
  int fail_query_errno = 0;

  // What mbind was given last.
  void *start = nullptr;
  unsigned long size = 0;
  int mode = -1;
  aml_nodeset mask{};
  unsigned flags = 0;

  int calls = 0;
};

Kernel *kernel; // null: none that has NUMA; so for libnuma, which asks when it is loaded

int Fail(int number) {
  errno = number;
  return -1;
}

// Moves pages to one node; returns how many could not be, or a negated errno.
long Migrate(const std::vector<uintptr_t> &list, int node) {
  long failed = 0;
  for (const uintptr_t page : list) {
    const auto room = kernel->room.find(node);
    if (room != kernel->room.end() && room->second-- <= 0) {
      if (kernel->out_of_room != 0)
        return -kernel->out_of_room;
      ++failed;
    } else {
      kernel->pages[page] = node;
    }
  }
  return failed;
}

// mm/migrate.c, do_pages_move(): it stops at the first run of pages that does not move whole, and
// says nothing of that run and of what comes behind.
long MovePages(size_t count, void **pages, const int *nodes, int *status) {
  std::vector<uintptr_t> list;
  size_t start = 0;
  int current = -1;
  const auto flush = [&](size_t end) -> long {
    if (list.empty())
      return 0;
    const long failed = Migrate(list, current);
    list.clear();
    if (failed != 0)
      return failed > 0 ? failed + static_cast<long>(count - end) : failed;
    for (size_t i = start; i < end; ++i)
      status[i] = current;
    return 0;
  };
  for (size_t i = 0; i < count; ++i) {
    const auto page = reinterpret_cast<uintptr_t>(pages[i]);
    if (current != -1 && nodes[i] != current) {
      const long err = flush(i);
      if (err != 0)
        return err;
      current = -1;
    }
    if (current == -1) {
      current = nodes[i];
      start = i;
    }
    const auto found = kernel->pages.find(page);
    if (found != kernel->pages.end() && found->second != nodes[i]) {
      list.push_back(page);
      continue;
    }
    status[i] = found == kernel->pages.end() ? kernel->absent : nodes[i];
    const long err = flush(i);
    if (err != 0)
      return err > 0 ? err - 1 : err;
    current = -1;
  }
  return flush(count);
}

} // namespace

extern "C" long mbind(void *start, unsigned long size, int mode, const unsigned long *mask,
                      unsigned long bits, unsigned flags) {
  if (kernel == nullptr)
    return Fail(ENOSYS);
  ++kernel->calls;
  if (kernel->mbind_errno != 0)
    return Fail(kernel->mbind_errno);
  kernel->start = start;
  kernel->size = size;
  kernel->mode = mode;
  kernel->flags = flags;
  kernel->mask = {};
  if (mask != nullptr)
    std::memcpy(kernel->mask.words, mask, (bits - 1) / 8);
  if (mode > kernel->last_mode)
    return Fail(EINVAL);
  bool any = mask == nullptr;
  for (const int node : kernel->nodes)
    any = any || aml_nodeset_has(&kernel->mask, node);
  return any ? 0 : Fail(EINVAL);
}

extern "C" long get_mempolicy(int *mode, unsigned long *mask, unsigned long bits, void *address,
                              unsigned flags) {
  if (kernel == nullptr)
    return Fail(ENOSYS);
  ++kernel->calls;
  if (kernel->get_mempolicy_errno != 0)
    return Fail(kernel->get_mempolicy_errno);
  aml_nodeset result = kernel->mask;
  if (flags == MPOL_F_MEMS_ALLOWED) {
    result = {};
    for (const int node : kernel->nodes)
      (void)aml_nodeset_add(&result, node);
  } else {
    EXPECT_EQ(unsigned{MPOL_F_ADDR}, flags);
    EXPECT_EQ(kernel->start, address);
    *mode = kernel->mode;
  }
  std::memcpy(mask, result.words, (bits - 1) / 8);
  return 0;
}

extern "C" long move_pages(int process, unsigned long count, void **pages, const int *nodes,
                           int *status, int flags) {
  if (kernel == nullptr)
    return Fail(ENOSYS);
  ++kernel->calls;
  EXPECT_EQ(0, process);
  if (kernel->move_pages_errno != 0)
    return Fail(kernel->move_pages_errno);
  if (nodes != nullptr) {
    EXPECT_EQ(MPOL_MF_MOVE, flags);
    const long left = MovePages(count, pages, nodes, status);
    return left < 0 ? Fail(static_cast<int>(-left)) : left;
  }
  if (kernel->fail_query_errno != 0)
    return Fail(kernel->fail_query_errno);
  for (unsigned long i = 0; i < count; ++i) {
    const auto found = kernel->pages.find(reinterpret_cast<uintptr_t>(pages[i]));
    status[i] = found == kernel->pages.end() ? kernel->absent : found->second;
  }
  return 0;
}

namespace {

class AreaNuma : public ::testing::Test {
protected:
  AreaNuma() { kernel = &kernel_; }
  ~AreaNuma() override { kernel = nullptr; }

  static void *Page(size_t index) { return reinterpret_cast<void *>((index + 16) * kPage); }

  // Makes pages present on a node.
  void Present(size_t from, size_t to, int node) {
    for (size_t i = from; i < to; ++i)
      kernel_.pages[reinterpret_cast<uintptr_t>(Page(i))] = node;
  }

  // Moves pages 0, 1, … to the devices given; returns what is said of each.
  std::vector<int> Move(const std::vector<int> &devices, int expected = 0) {
    std::vector<void *> pointers;
    for (size_t i = 0; i < devices.size(); ++i)
      pointers.push_back(Page(i));
    std::vector<int> results(devices.size(), 99);
    EXPECT_EQ(expected, aml_internal_numa_move(devices.size(), pointers.data(), devices.data(),
                                               results.data()))
        << aml_error_detail();
    return results;
  }

  std::vector<int> Where(size_t count) {
    std::vector<int> nodes;
    for (size_t i = 0; i < count; ++i) {
      const auto found = kernel_.pages.find(reinterpret_cast<uintptr_t>(Page(i)));
      nodes.push_back(found == kernel_.pages.end() ? -AML_ENOENT : found->second);
    }
    return nodes;
  }

  int Bind(aml_policy policy, const std::vector<int> &devices, unsigned flags = 0) {
    aml_nodeset set = {};
    for (const int device : devices)
      EXPECT_TRUE(aml_nodeset_add(&set, device));
    const int number = aml_internal_numa_try_bind(Page(0), kPage, policy, &set, flags);
    return number == 0 ? 0 : aml_internal_numa_refuse_bind("call", number, policy, &set);
  }

  Kernel kernel_;
};

using V = std::vector<int>;

TEST_F(AreaNuma, BindHandsThePolicyToTheKernel) {
  const std::map<aml_policy, int> modes = {{AML_POLICY_BIND, 2},
                                           {AML_POLICY_PREFERRED, 1},
                                           {AML_POLICY_PREFERRED_MANY, 5},
                                           {AML_POLICY_INTERLEAVE, 3},
                                           {AML_POLICY_WEIGHTED_INTERLEAVE, 6}};
  for (const auto &[policy, mode] : modes) {
    ASSERT_EQ(0, Bind(policy, {5}));
    EXPECT_EQ(Page(0), kernel_.start);
    EXPECT_EQ(kPage, kernel_.size);
    EXPECT_EQ(mode, kernel_.mode);
    EXPECT_EQ(0u, kernel_.flags);
    const aml_nodeset five = aml_nodeset_of(5);
    EXPECT_TRUE(aml_nodeset_is_equal(&five, &kernel_.mask));
  }
  EXPECT_EQ(5, kernel_.calls);
}

TEST_F(AreaNuma, PoliciesWithoutDevicesHandOverNone) {
  ASSERT_EQ(0, Bind(AML_POLICY_DEFAULT, {1}));
  EXPECT_EQ(0, kernel_.mode);
  EXPECT_TRUE(aml_nodeset_is_empty(&kernel_.mask));
  ASSERT_EQ(0, Bind(AML_POLICY_LOCAL, {1}));
  EXPECT_EQ(4, kernel_.mode);
  EXPECT_TRUE(aml_nodeset_is_empty(&kernel_.mask));
}

TEST_F(AreaNuma, FlagsAreThoseAskedFor) {
  ASSERT_EQ(0, Bind(AML_POLICY_BIND, {1}, AML_AREA_BIND_MOVE));
  EXPECT_EQ(unsigned{MPOL_MF_MOVE}, kernel_.flags);
  ASSERT_EQ(0, Bind(AML_POLICY_BIND, {1}, AML_AREA_BIND_STRICT));
  EXPECT_EQ(unsigned{MPOL_MF_STRICT}, kernel_.flags);
}

TEST_F(AreaNuma, ADeviceThatDoesNotExistIsNamed) {
  EXPECT_EQ(-AML_EINVAL, Bind(AML_POLICY_BIND, {3}));
  EXPECT_STREQ("call: device 3 has no memory that this process may use", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, Bind(AML_POLICY_WEIGHTED_INTERLEAVE, {1023}));
  EXPECT_STREQ("call: device 1023 has no memory that this process may use", aml_error_detail());
}

TEST_F(AreaNuma, ASetIsCheckedWholeNotOnlyForOneThatExists) {
  aml_nodeset set = aml_nodeset_of(0);
  EXPECT_EQ(0, aml_internal_numa_check_devices("call", &set));
  ASSERT_TRUE(aml_nodeset_add(&set, 4));
  EXPECT_EQ(-AML_EINVAL, aml_internal_numa_check_devices("call", &set));
  EXPECT_STREQ("call: device 4 has no memory that this process may use", aml_error_detail());
}

std::string Release() {
  utsname system = {};
  EXPECT_EQ(0, uname(&system));
  return system.release;
}

TEST_F(AreaNuma, APolicyThatTheKernelLacksIsNamedWithItsVersion) {
  kernel_.last_mode = 5;
  EXPECT_EQ(-AML_ENOTSUP, Bind(AML_POLICY_WEIGHTED_INTERLEAVE, {0, 1}));
  EXPECT_EQ("call: policy WEIGHTED_INTERLEAVE needs Linux 6.9 or later, and this is " + Release(),
            aml_error_detail());
  kernel_.last_mode = 4;
  EXPECT_EQ(-AML_ENOTSUP, Bind(AML_POLICY_PREFERRED_MANY, {0, 1}));
  EXPECT_EQ("call: policy PREFERRED_MANY needs Linux 5.15 or later, and this is " + Release(),
            aml_error_detail());
  kernel_.last_mode = 0;
  EXPECT_EQ(-AML_EINVAL, Bind(AML_POLICY_BIND, {0}));
  EXPECT_STREQ("call: mbind: Invalid argument", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, Bind(AML_POLICY_LOCAL, {}));
}

TEST_F(AreaNuma, EachFailureOfMbindHasItsCodeAndSentence) {
  const std::vector<std::tuple<int, int, std::string>> failures = {
      {EPERM, -AML_EPERM, "call: mbind, which containers often forbid: Operation not permitted"},
      {EACCES, -AML_EPERM, "call: mbind, which containers often forbid: Permission denied"},
      {ENOSYS, -AML_ENOTSUP, "call: mbind, which needs a NUMA kernel: Function not implemented"},
      {EFAULT, -AML_EINVAL, "call: pointer and size span addresses without a mapping"},
      {EIO, -AML_EIO, "call: pages of the range are, or stay, elsewhere"},
      {ENOMEM, -AML_ENOMEM, "call: mbind: Cannot allocate memory"},
  };
  for (const auto &[number, code, sentence] : failures) {
    kernel_.mbind_errno = number;
    EXPECT_EQ(code, Bind(AML_POLICY_BIND, {0}));
    EXPECT_EQ(sentence, aml_error_detail());
  }
}

TEST_F(AreaNuma, WhyItIsInvalidMayBeImpossibleToFindOut) {
  kernel_.get_mempolicy_errno = EPERM;
  EXPECT_EQ(-AML_EINVAL, Bind(AML_POLICY_BIND, {3}));
  EXPECT_STREQ("call: mbind: Invalid argument", aml_error_detail());
}

TEST_F(AreaNuma, AskingForDevicesMayBeForbiddenOrLacking) {
  const aml_nodeset set = aml_nodeset_of(0);
  kernel_.get_mempolicy_errno = EPERM;
  EXPECT_EQ(-AML_EPERM, aml_internal_numa_check_devices("call", &set));
  EXPECT_STREQ("call: get_mempolicy, which containers often forbid: Operation not permitted",
               aml_error_detail());
  kernel_.get_mempolicy_errno = ENOSYS;
  EXPECT_EQ(-AML_ENOTSUP, aml_internal_numa_check_devices("call", &set));
  EXPECT_STREQ("call: get_mempolicy, which needs a NUMA kernel: Function not implemented",
               aml_error_detail());
}

TEST_F(AreaNuma, TellsThePolicyThatTheKernelHas) {
  for (const aml_policy policy : {AML_POLICY_BIND, AML_POLICY_PREFERRED, AML_POLICY_PREFERRED_MANY,
                                  AML_POLICY_INTERLEAVE, AML_POLICY_WEIGHTED_INTERLEAVE}) {
    ASSERT_EQ(0, Bind(policy, {5}));
    kernel_.mode |= 1 << 15; // as kernels before 5.13 and others may add
    aml_policy found = AML_POLICY_DEFAULT;
    aml_nodeset devices = {};
    ASSERT_EQ(0, aml_internal_numa_get_policy("call", Page(0), &found, &devices));
    EXPECT_EQ(policy, found);
    EXPECT_EQ(5, aml_nodeset_last(&devices));
  }
  // LOCAL, as kernels before 5.14 tell it.
  kernel_.mode = MPOL_PREFERRED;
  kernel_.mask = {};
  aml_policy found = AML_POLICY_DEFAULT;
  aml_nodeset devices = {};
  ASSERT_EQ(0, aml_internal_numa_get_policy("call", Page(0), &found, &devices));
  EXPECT_EQ(AML_POLICY_LOCAL, found);
}

TEST_F(AreaNuma, APolicyThatCannotBeToldLeavesTheResultsAlone) {
  aml_policy found = AML_POLICY_LOCAL;
  aml_nodeset devices = aml_nodeset_of(7);
  kernel_.start = Page(0);
  kernel_.mode = 77; // of a later kernel
  EXPECT_EQ(-AML_ENOTSUP, aml_internal_numa_get_policy("call", Page(0), &found, &devices));
  kernel_.get_mempolicy_errno = ENOSYS;
  EXPECT_EQ(-AML_ENOTSUP, aml_internal_numa_get_policy("call", Page(0), &found, &devices));
  kernel_.get_mempolicy_errno = EFAULT;
  EXPECT_EQ(-AML_EINVAL, aml_internal_numa_get_policy("call", Page(0), &found, &devices));
  EXPECT_STREQ("call: pointer is an address without a mapping", aml_error_detail());
  EXPECT_EQ(AML_POLICY_LOCAL, found);
  EXPECT_EQ(7, aml_nodeset_last(&devices));
}

TEST_F(AreaNuma, LocateKnowsBothWordsForAPageThatIsNotPresent) {
  Present(0, 1, 5);
  std::vector<void *> pointers = {Page(0), Page(1)};
  for (const int word : {-ENOENT, -EFAULT}) {
    kernel_.absent = word;
    V devices(2, 99);
    ASSERT_EQ(0, aml_internal_numa_locate(2, pointers.data(), devices.data()));
    EXPECT_EQ((V{5, -AML_ENOENT}), devices);
  }
}

TEST_F(AreaNuma, LocateTranslatesWhatElseTheKernelSays) {
  const std::map<int, int> words = {{-ENOMEM, -AML_ENOMEM}, {-EBUSY, -AML_EBUSY},
                                    {-EACCES, -AML_EPERM},  {-EPERM, -AML_EPERM},
                                    {-EIO, -AML_EIO},       {-EXDEV, -AML_ESYSTEM}};
  for (const auto &[word, code] : words) {
    kernel_.absent = word;
    void *pointer = Page(0);
    int device = 99;
    ASSERT_EQ(0, aml_internal_numa_locate(1, &pointer, &device));
    EXPECT_EQ(code, device);
  }
}

TEST_F(AreaNuma, LocateFailsAsTheSystemCallDoes) {
  void *pointer = Page(0);
  int device = 99;
  kernel_.move_pages_errno = EPERM;
  EXPECT_EQ(-AML_EPERM, aml_internal_numa_locate(1, &pointer, &device));
  EXPECT_STREQ(
      "aml_area_locate: move_pages, which containers often forbid: Operation not permitted",
      aml_error_detail());
  kernel_.move_pages_errno = ENOSYS;
  EXPECT_EQ(-AML_ENOTSUP, aml_internal_numa_locate(1, &pointer, &device));
  EXPECT_EQ(99, device);
}

TEST_F(AreaNuma, LocateAndMoveTakeAnyNumberOfPages) {
  constexpr size_t kCount = 2500;
  Present(0, kCount, 1);
  EXPECT_EQ(V(kCount, 2), Move(V(kCount, 2)));
  EXPECT_EQ(V(kCount, 2), Where(kCount));
  std::vector<void *> pointers;
  for (size_t i = 0; i < kCount; ++i)
    pointers.push_back(Page(i));
  V devices(kCount, 99);
  ASSERT_EQ(0, aml_internal_numa_locate(kCount, pointers.data(), devices.data()));
  EXPECT_EQ(V(kCount, 2), devices);
}

TEST_F(AreaNuma, MoveTellsOfEachPageWhatBecameOfIt) {
  Present(0, 2, 0);
  Present(3, 5, 1);
  EXPECT_EQ((V{1, 2, -AML_ENOENT, 1, 0}), Move({1, 2, 0, 1, 0}));
  EXPECT_EQ((V{1, 2, -AML_ENOENT, 1, 0}), Where(5));
}

TEST_F(AreaNuma, MoveGoesOnBehindADeviceThatIsFull) {
  for (const int failure : {0, ENOMEM}) {
    kernel_.pages.clear();
    Present(0, 10, 0);
    kernel_.room = {{2, 1}};
    kernel_.out_of_room = failure;
    const int code = failure == 0 ? -AML_EBUSY : -AML_ENOMEM;
    EXPECT_EQ((V{1, 1, 2, code, code, 5, 5, code, 1, 5}), Move({1, 1, 2, 2, 2, 5, 5, 2, 1, 5}));
    EXPECT_EQ((V{1, 1, 2, 0, 0, 5, 5, 0, 1, 5}), Where(10));
  }
}

TEST_F(AreaNuma, MoveGoesOnWhereARunEndsAtAPageThatNeedsNoMove) {
  Present(0, 8, 0);
  kernel_.pages.erase(reinterpret_cast<uintptr_t>(Page(2)));
  Present(5, 6, 2);
  kernel_.room = {{2, 0}};
  EXPECT_EQ((V{-AML_EBUSY, -AML_EBUSY, -AML_ENOENT, -AML_EBUSY, -AML_EBUSY, 2, -AML_EBUSY, 1}),
            Move({2, 2, 2, 2, 2, 2, 2, 1}));
}

TEST_F(AreaNuma, MoveSaysWhatItCannotFindOut) {
  Present(0, 2, 0);
  kernel_.room = {{2, 0}};
  kernel_.fail_query_errno = ENOMEM;
  EXPECT_EQ((V{-AML_ENOMEM, 1}), Move({2, 1}));
}

TEST_F(AreaNuma, NothingToMoveIsNoFailure) {
  Present(0, 2, 1);
  kernel_.move_pages_errno = 0;
  EXPECT_EQ((V{1, 1}), Move({1, 1}));
  // The word of old kernels for it.
  kernel_.room = {{2, 0}};
  kernel_.out_of_room = ENOENT;
  EXPECT_EQ((V{1, -AML_ENOENT}), Move({1, 2}));
}

TEST_F(AreaNuma, MoveRefusesDevicesBeforeItMovesAnything) {
  Present(0, 2, 0);
  EXPECT_EQ((V{99, 99}), Move({1, 3}, -AML_EINVAL));
  EXPECT_STREQ("aml_area_move: device 3 has no memory that this process may use",
               aml_error_detail());
  EXPECT_EQ((V{99, 99}), Move({1, -1}, -AML_EINVAL));
  EXPECT_EQ((V{99, 99}), Move({1, AML_NODESET_CAPACITY}, -AML_EINVAL));
  EXPECT_EQ((V{0, 0}), Where(2));
}

TEST_F(AreaNuma, MoveFailsAsTheSystemCallDoes) {
  Present(0, 1, 0);
  kernel_.move_pages_errno = EPERM;
  EXPECT_EQ((V{99}), Move({1}, -AML_EPERM));
  kernel_.move_pages_errno = ENOSYS;
  EXPECT_EQ((V{99}), Move({1}, -AML_ENOTSUP));
  kernel_.get_mempolicy_errno = ENOSYS;
  EXPECT_EQ((V{99}), Move({1}, -AML_ENOTSUP));
}

} // namespace
