// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/sysfs/tree.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = "tests/sysfs";
// As many as a braced range may stand for; a fuzzed one could otherwise fill the disk.
constexpr int kMostNumbers = 128;

[[noreturn]] void Die(const std::string &sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::abort();
}

std::string ReadAll(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string MakeRoot() {
  const char *const base = std::getenv("TEST_TMPDIR");
  std::string root = std::string(base != nullptr ? base : "/tmp") + "/tree-XXXXXX";
  if (mkdtemp(root.data()) == nullptr)
    Die("cannot make " + root);
  return root;
}

std::string Replace(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

bool IsInside(const std::string &path) {
  if (path.empty() || path[0] == '/')
    return false;
  for (const fs::path &part : fs::path(path))
    if (part == "..")
      return false;
  return path.find('\0') == std::string::npos;
}

} // namespace

std::vector<std::string> SysfsTree::Machines() {
  std::vector<std::string> machines;
  for (const fs::directory_entry &entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() == ".tree")
      machines.push_back(entry.path().stem());
  std::sort(machines.begin(), machines.end());
  return machines;
}

SysfsTree SysfsTree::Of(const std::string &machine) {
  const std::string path = std::string(kFolder) + "/" + machine + ".tree";
  const std::string text = ReadAll(path);
  if (text.empty())
    Die("cannot read " + path);
  return FromText(text);
}

SysfsTree SysfsTree::FromText(const std::string &text) {
  SysfsTree tree(MakeRoot());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    tree.AddLine(line);
  return tree;
}

SysfsTree::SysfsTree(const std::string &root)
    : root_(root), sysfs_(root + "/sys"), procfs_(root + "/proc"), cgroups_(root + "/cgroup") {}

SysfsTree::SysfsTree(SysfsTree &&other) noexcept
    : root_(std::exchange(other.root_, std::string())), sysfs_(std::move(other.sysfs_)),
      procfs_(std::move(other.procfs_)), cgroups_(std::move(other.cgroups_)) {}

SysfsTree::~SysfsTree() {
  std::error_code ignored;
  if (!root_.empty())
    fs::remove_all(root_, ignored);
}

aml_devices_options SysfsTree::options() const {
  aml_devices_options options = {};
  options.sysfs = sysfs_.c_str();
  options.procfs = procfs_.c_str();
  options.cgroups = cgroups_.c_str();
  return options;
}

void SysfsTree::AddLine(const std::string &line) {
  if (line.empty() || line[0] == '#')
    return;
  const size_t colon = line.find(": ");
  const size_t arrow = line.find(" -> ");
  const size_t end = std::min(colon, arrow);
  if (end == std::string::npos)
    return Add(line, "/", "");
  const std::string separator = colon < arrow ? ": " : " -> ";
  const std::string path = line.substr(0, end);
  const std::string content = line.substr(end + separator.size());
  int first = 0;
  int last = 0;
  const size_t open = path.find('{');
  if (open == std::string::npos)
    return Add(path, separator, content);
  const size_t close = path.find('}', open);
  if (close == std::string::npos ||
      std::sscanf(path.c_str() + open, "{%4d-%4d}", &first, &last) != 2)
    return;
  for (int number = first; number <= last && number < first + kMostNumbers; ++number) {
    const std::string text = std::to_string(number);
    Add(Replace(path.substr(0, open) + text + path.substr(close + 1), "{}", text), separator,
        Replace(content, "{}", text));
  }
}

void SysfsTree::Add(const std::string &path, const std::string &separator,
                    const std::string &content) {
  if (separator == "/")
    (void)MakeFolder(path);
  else if (separator == ": ")
    (void)Write(path, Replace(content, "\\n", "\n") + "\n");
  else
    (void)MakeLink(path, content);
}

std::vector<std::string> SysfsTree::Files() const {
  std::vector<std::string> files;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(root_))
    if (entry.is_regular_file() && !entry.is_symlink())
      files.push_back(fs::relative(entry.path(), root_));
  std::sort(files.begin(), files.end());
  return files;
}

std::string SysfsTree::Read(const std::string &path) const {
  return ReadAll(root_ + "/" + path);
}

bool SysfsTree::Write(const std::string &path, const std::string &content) {
  if (!IsInside(path))
    return false;
  Remove(path);
  std::error_code error;
  const fs::path whole = fs::path(root_) / path;
  fs::create_directories(whole.parent_path(), error);
  std::ofstream file(whole, std::ios::binary);
  file << content;
  file.close();
  return !file.fail();
}

bool SysfsTree::MakeFolder(const std::string &path) {
  if (!IsInside(path))
    return false;
  Remove(path);
  std::error_code error;
  return fs::create_directories(fs::path(root_) / path, error);
}

bool SysfsTree::MakeLink(const std::string &path, const std::string &target) {
  if (!IsInside(path))
    return false;
  Remove(path);
  std::error_code error;
  const fs::path whole = fs::path(root_) / path;
  fs::create_directories(whole.parent_path(), error);
  if (error)
    return false;
  // Links that lead up first and down then, from where they really are, cannot lead out together.
  fs::path folder = fs::canonical(whole.parent_path());
  std::string down = target;
  for (; down.rfind("../", 0) == 0; down.erase(0, 3)) {
    if (folder == fs::canonical(root_))
      return false;
    folder = folder.parent_path();
  }
  if (IsInside(down))
    fs::create_symlink(target, whole, error);
  return IsInside(down) && !error;
}

void SysfsTree::Remove(const std::string &path) {
  std::error_code ignored;
  if (IsInside(path))
    fs::remove_all(fs::path(root_) / path, ignored);
}
