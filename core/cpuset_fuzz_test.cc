// SPDX-License-Identifier: BSD-3-Clause
//
// Any text is refused, with the set untouched and a sentence, or read as a set whose own text is
// read as the same set.

#include <cstdlib>
#include <cstring>
#include <string>

#include "aml/core/cpuset.h"
#include "aml/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  const aml_cpuset before = aml_cpuset_of(9);
  aml_cpuset set = before;
  if (aml_cpuset_parse(text.c_str(), &set) != 0) {
    if (!aml_cpuset_is_equal(&before, &set) ||
        std::strncmp(aml_error_detail(), "aml_cpuset_parse: ", 18) != 0)
      std::abort();
    return 0;
  }
  char formatted[AML_CPUSET_TEXT_CAPACITY];
  aml_cpuset again = {};
  if (aml_cpuset_format(&set, formatted, sizeof formatted) >= sizeof formatted ||
      aml_cpuset_parse(formatted, &again) != 0 || !aml_cpuset_is_equal(&set, &again))
    std::abort();
  return 0;
}
