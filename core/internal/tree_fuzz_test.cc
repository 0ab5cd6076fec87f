// SPDX-License-Identifier: BSD-3-Clause
//
// Whatever a file's text is, what is found in it is what another way of reading finds, and the text
// is as before.

#include <cstdlib>
#include <string>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/internal/tree.h"
#include "aml/core/nodeset.h"

namespace {

void Require(bool is_so) {
  if (!is_so)
    std::abort();
}

// A number of base 10 is the text that it would be printed as, but for leading zeros.
void CheckNumber(const std::string &text) {
  const uint64_t number = aml_internal_tree_number(text.c_str(), 10);
  const size_t digits = text.find_first_not_of('0');
  const std::string printed = std::to_string(number) + "\n";
  if (number == 0)
    Require(text.find_first_not_of('0') == text.size() - 1);
  else if (number != AML_UNKNOWN)
    Require(text.substr(digits) == printed);
  Require(aml_internal_tree_figure(text.c_str()) == (number == 0 ? AML_UNKNOWN : number));
}

void CheckSets(const std::string &text) {
  aml_nodeset nodes = {};
  aml_cpuset cpus = {};
  aml_nodeset parsed = {};
  const bool is_nodes = aml_internal_tree_nodes(text.c_str(), &nodes);
  Require(is_nodes == (aml_nodeset_parse(text.c_str(), &parsed) == 0));
  Require(aml_nodeset_is_equal(&nodes, &parsed));
  Require(aml_internal_tree_cpus(text.c_str(), &cpus) || !is_nodes);
  Require(aml_cpuset_count(&cpus) == aml_nodeset_count(&nodes) || !is_nodes);
}

void CheckLines(const std::string &text) {
  std::string copy = text;
  aml_nodeset nodes = {};
  aml_cpuset cpus = {};
  (void)aml_internal_tree_find_nodes(copy.data(), "Mems_allowed_list:", &nodes);
  (void)aml_internal_tree_find_cpus(copy.data(), "Cpus_allowed_list:", &cpus);
  const uint64_t size = aml_internal_tree_find_number(copy.data(), "MemTotal:", " kB");
  Require(size == AML_UNKNOWN || copy.find("MemTotal:") != std::string::npos);
  Require(size == AML_UNKNOWN || copy.find(" kB\n") != std::string::npos);
  Require(copy == text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  // A text has no null in it.
  const std::string all(reinterpret_cast<const char *>(data), size);
  const std::string text = all.c_str();
  CheckNumber(text);
  CheckSets(text);
  CheckLines(text);
  // Behind a name, a text is read as it is alone.
  std::string line = "MemTotal: " + text;
  const uint64_t number = aml_internal_tree_number(text.c_str(), 10);
  Require(number == AML_UNKNOWN ||
          number == aml_internal_tree_find_number(line.data(), "MemTotal:", ""));
  return 0;
}
