// SPDX-License-Identifier: BSD-3-Clause
//
// Any text is refused, with the set untouched and a sentence, or read as a set whose own text is
// read as the same set.

#include <cstdlib>
#include <cstring>
#include <string>

#include "aml/core/error.h"
#include "aml/core/nodeset.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  const aml_nodeset before = aml_nodeset_of(9);
  aml_nodeset set = before;
  if (aml_nodeset_parse(text.c_str(), &set) != 0) {
    if (!aml_nodeset_is_equal(&before, &set) ||
        std::strncmp(aml_error_detail(), "aml_nodeset_parse: ", 19) != 0)
      std::abort();
    return 0;
  }
  char formatted[AML_NODESET_TEXT_CAPACITY];
  aml_nodeset again = {};
  if (aml_nodeset_format(&set, formatted, sizeof formatted) >= sizeof formatted ||
      aml_nodeset_parse(formatted, &again) != 0 || !aml_nodeset_is_equal(&set, &again))
    std::abort();
  return 0;
}
