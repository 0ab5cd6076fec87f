// SPDX-License-Identifier: BSD-3-Clause
//
// Whatever the bytes are, a header is refused with a reason or it is one that, written again, says
// the same.

#include <cstdint>
#include <cstdlib>

#include "aml/examples/matmul/npy.h"

namespace {

void Require(bool condition) {
  if (!condition)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  npy_header header;
  if (npy_parse(data, size, &header) != nullptr)
    return 0;
  size_t data_size = 0;
  Require(npy_data_size(&header, &data_size));
  Require(header.element_size == 4 || header.element_size == 8);
  Require(header.data_offset <= size);
  char bytes[NPY_HEADER_SIZE];
  npy_format(&header, bytes);
  npy_header again;
  Require(npy_parse(bytes, sizeof bytes, &again) == nullptr);
  Require(again.rows == header.rows && again.columns == header.columns);
  Require(again.element_size == header.element_size);
  Require(again.fortran_order == header.fortran_order);
  return 0;
}
