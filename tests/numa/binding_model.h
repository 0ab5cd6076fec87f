// SPDX-License-Identifier: BSD-3-Clause
//
// Where pages belong, worked out the long way: byte by byte, and as kernels
// number pages.

#ifndef AML_TESTS_NUMA_BINDING_MODEL_H
#define AML_TESTS_NUMA_BINDING_MODEL_H

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

namespace binding_model {

inline constexpr size_t kBase = 4096;
inline constexpr size_t kHuge = size_t{2} << 20;
inline constexpr int kAbsent = -AML_ENOENT; // not present; or, of what is wanted, anywhere
inline constexpr int kOutside = -1000;      // in no tile

// Runs of pages with one device, from the first page of any tile to the last
// one.
inline size_t CountRuns(std::vector<int> devices) {
  while (devices.back() == kOutside)
    devices.pop_back();
  size_t runs = 0;
  int last = kOutside;
  for (const int device : devices) {
    runs += device != last ? 1 : 0;
    last = device;
  }
  return runs;
}

// What the kernel interleaves a page by: before Linux 6.7, 32 bits.
inline size_t NumberOf(size_t page) {
  utsname kernel = {};
  EXPECT_EQ(0, uname(&kernel));
  return std::string(kernel.release).rfind("6.1.", 0) == 0 ? static_cast<uint32_t>(page) : page;
}

// Where each page of memory belongs: to the device that the most bytes of tiles
// are bound to.
inline std::vector<int> MajorityOf(const aml_binding *binding, const aml_tiling *tiling,
                                   const aml_tile &datum, const char *memory, size_t pages) {
  std::vector<std::map<int, size_t>> votes(pages);
  const size_t count = aml_tiling_count(tiling);
  for (size_t id = 0; id < count; ++id) {
    aml_tile tile;
    const int err = aml_tiling_tile(tiling, &datum, id, &tile);
    EXPECT_TRUE(err == 0 || err == -AML_ENOENT) << aml_error_detail();
    if (err != 0)
      continue; // without elements
    const int device = aml_binding_device_of(binding, id, count);
    size_t coords[AML_MAX_DIMS] = {};
    for (size_t left = aml_tile_count(&tile); left > 0; --left) {
      const auto *const element = static_cast<const char *>(aml_tile_address(&tile, coords));
      auto byte = static_cast<size_t>(element - memory);
      for (const size_t end = byte + tile.element_size; byte < end;) {
        const size_t part = std::min(end - byte, kBase - byte % kBase);
        votes[byte / kBase][device] += part;
        byte += part;
      }
      for (size_t d = tile.ndims; d-- > 0 && ++coords[d] == tile.extent[d];)
        coords[d] = 0;
    }
  }
  std::vector<int> wanted;
  for (const std::map<int, size_t> &page : votes) {
    int best = page.empty() ? kOutside : kAbsent;
    for (const auto &[device, size] : page)
      if (device >= 0 && (best < 0 || size > page.at(best)))
        best = device;
    wanted.push_back(best);
  }
  return wanted;
}

} // namespace binding_model

#endif
