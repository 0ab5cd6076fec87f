// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of area:linux share: the kernel's own account of mappings, and the fixture.

#ifndef AML_AREA_LINUX_TESTING_H
#define AML_AREA_LINUX_TESTING_H

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
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

constexpr size_t kMiB = size_t{1} << 20;

inline size_t PageSize() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

inline uintptr_t Number(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

inline bool IsZero(const char *bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; });
}

inline bool Contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

// What the kernel says of the mapping around an address: the lines of /proc/self/smaps by name.
inline std::map<std::string, std::string> Smaps(const void *address) {
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
inline std::string PolicyText(const void *start) {
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
inline size_t MappedPages() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  file >> pages;
  return pages;
}

inline bool IsMapped(const void *page) {
  unsigned char present = 0;
  return mincore(const_cast<void *>(page), 1, &present) == 0;
}

inline size_t PresentPages(void *memory, size_t pages) {
  std::vector<unsigned char> present(pages);
  EXPECT_EQ(0, mincore(memory, pages * PageSize(), present.data()));
  return static_cast<size_t>(
      std::count_if(present.begin(), present.end(), [](int flags) { return (flags & 1) != 0; }));
}

// Whether this machine has NUMA system calls and lets us use them.
inline bool HasNuma() {
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

inline aml_area_linux_options Policy(aml_policy policy, const char *devices = "") {
  aml_area_linux_options options = {};
  options.policy = policy;
  EXPECT_EQ(0, aml_nodeset_parse(devices, &options.devices));
  return options;
}

inline std::string HugePageSetting() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string text;
  std::getline(file, text);
  const size_t open = text.find('[');
  return open == std::string::npos ? "none" : text.substr(open + 1, text.find(']') - open - 1);
}

// Runs `body` in a process of its own; returns 0 if it expected nothing in vain, 77 if it said
// that it cannot be done here, or the negated signal that ended it.
inline int RunInChild(const std::function<void()> &body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Runs `body` in a process of its own in which NUMA system calls do what `action` says.
inline int RunWithNumaCalls(unsigned action, const std::function<void()> &body) {
  return RunInChild([action, &body] {
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
  });
}

#define EXPECT_SUCCESS_OR_SKIP(status)                                                             \
  do {                                                                                             \
    const int status_now = status;                                                                 \
    if (status_now == 77)                                                                          \
      GTEST_SKIP() << "not possible here";                                                         \
    EXPECT_EQ(0, status_now);                                                                      \
  } while (false)

#endif
