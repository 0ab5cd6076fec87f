// SPDX-License-Identifier: BSD-3-Clause
//
// Machines for tests: what sysfs, procfs and control groups say of them, as a folder made from one
// text per machine (tests/sysfs/README.md tells its form).
//
//     SysfsTree tree = SysfsTree::Of("two_sockets");
//     tree.Write("sys/devices/system/node/node1/meminfo", "nonsense");
//     aml_devices_options options = tree.options();
//
// Threads: thread-compatible.

#ifndef AML_TESTS_SYSFS_TREE_H
#define AML_TESTS_SYSFS_TREE_H

#include <string>
#include <vector>

#include "aml/core/device.h"

class SysfsTree {
public:
  // The names of all machines, in order.
  static std::vector<std::string> Machines();
  // A copy of a machine of that list. Aborts, with a sentence, if it cannot be made.
  static SysfsTree Of(const std::string &machine);
  // What is not a line of the form is passed over, as are paths that lead out of the folder.
  static SysfsTree FromText(const std::string &text);
  SysfsTree(SysfsTree &&other) noexcept;
  SysfsTree(const SysfsTree &) = delete;
  SysfsTree &operator=(const SysfsTree &) = delete;
  SysfsTree &operator=(SysfsTree &&) = delete;
  ~SysfsTree();

  // Valid as long as the tree.
  aml_devices_options options() const;

  // The paths of all files, in order; those of symbolic links are not among them.
  std::vector<std::string> Files() const;
  std::string Read(const std::string &path) const;
  // These replace what was there, make the folders above, and return whether all went well.
  bool Write(const std::string &path, const std::string &content);
  bool MakeFolder(const std::string &path);
  bool MakeLink(const std::string &path, const std::string &target);
  void Remove(const std::string &path);

private:
  explicit SysfsTree(const std::string &root);
  void AddLine(const std::string &line);
  void Add(const std::string &path, const std::string &separator, const std::string &content);

  std::string root_;
  std::string sysfs_;
  std::string procfs_;
  std::string cgroups_;
};

#endif
