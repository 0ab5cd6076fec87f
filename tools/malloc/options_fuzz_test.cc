// SPDX-License-Identifier: BSD-3-Clause
//
// Whatever AML_MALLOC holds, it is read or refused with a sentence.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "aml/tools/malloc/options.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static malloc_options options;
  const std::string text(reinterpret_cast<const char *>(data), size);
  char fault[40] = "";
  const bool is_read = malloc_options_parse(text.c_str(), &options, fault, sizeof fault);
  if (is_read != (fault[0] == '\0') || std::strlen(fault) >= sizeof fault)
    std::abort();
  if (is_read && options.is_file && (options.path[0] == '\0' || options.file.path != options.path))
    std::abort();
  return 0;
}
