// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/sysfs/tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "aml/core/device.h"

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

TEST(SysfsTree, HasAFileForEachLine) {
  const SysfsTree tree = SysfsTree::FromText("# a: comment\n"
                                             "\n"
                                             "sys/a/b: one\\ntwo: three\n"
                                             "sys/empty: \n"
                                             "proc/folder\n"
                                             "sys/link -> a/b\n");
  EXPECT_EQ((Strings{"sys/a/b", "sys/empty"}), tree.Files());
  EXPECT_EQ("one\ntwo: three\n", tree.Read("sys/a/b"));
  EXPECT_EQ("\n", tree.Read("sys/empty"));
  EXPECT_EQ("one\ntwo: three\n", tree.Read("sys/link"));
  EXPECT_TRUE(fs::is_directory(std::string(tree.options().procfs) + "/folder"));
}

TEST(SysfsTree, ABracedRangeStandsForItsNumbers) {
  const SysfsTree tree = SysfsTree::FromText("sys/n{9-10}/{}: it is {}, {}\n");
  EXPECT_EQ((Strings{"sys/n10/10", "sys/n9/9"}), tree.Files());
  EXPECT_EQ("it is 10, 10\n", tree.Read("sys/n10/10"));
}

TEST(SysfsTree, NothingIsMadeOutsideOfItsFolder) {
  const SysfsTree tree = SysfsTree::FromText("../outside: x\n"
                                             "/tmp/aml-outside: x\n"
                                             "sys/../../outside: x\n"
                                             "sys/{0-: x\n"
                                             "sys/{x}: x\n"
                                             "sys/link -> /etc\n"
                                             "sys/link -> ../../../../../../../../../etc\n"
                                             "sys/link -> a/../../..\n"
                                             "sys/link/aml-outside: x\n");
  EXPECT_EQ(Strings{"sys/link/aml-outside"}, tree.Files());
  EXPECT_FALSE(fs::exists("/tmp/aml-outside"));
}

TEST(SysfsTree, IsRemovedAtItsEnd) {
  std::string folder;
  {
    SysfsTree first = SysfsTree::Of("one_node");
    const SysfsTree tree = std::move(first);
    folder = tree.options().sysfs;
    EXPECT_TRUE(fs::exists(folder));
  }
  EXPECT_FALSE(fs::exists(folder));
}

TEST(SysfsTree, MachinesAreThoseOfTheList) {
  EXPECT_EQ((Strings{"cxl", "hbm_flat", "holes", "limited", "many_nodes", "no_numa", "one_node",
                     "recorded", "snc4", "two_sockets"}),
            SysfsTree::Machines());
  for (const std::string &machine : SysfsTree::Machines())
    EXPECT_FALSE(SysfsTree::Of(machine).Files().empty()) << machine;
}

} // namespace
