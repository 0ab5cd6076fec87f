// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of dmas compare with: tiles laid out at random in memory with red zones around, and a
// copy element by element.

#ifndef AML_TESTS_SUPPORT_LAID_TILE_H
#define AML_TESTS_SUPPORT_LAID_TILE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "aml/core/tile.h"

namespace aml_testing {

using Bytes = std::vector<unsigned char>;
using Extents = std::vector<size_t>;

/** Calls visit(coords) for each element of some extents. */
template <class Visit> void ForEachElement(const Extents &extent, Visit visit) {
  size_t coords[AML_MAX_DIMS] = {};
  for (;;) {
    visit(coords);
    size_t d = extent.size();
    while (d > 0 && ++coords[d - 1] == extent[d - 1])
      coords[--d] = 0;
    if (d == 0)
      return;
  }
}

/** How the dimensions of a tile may lie in memory. */
enum class Lie {
  kDense,      // the last dimension fastest, no gaps
  kTransposed, // the first dimension fastest, no gaps
  kScattered,  // any order of dimensions, gaps, some backwards
  kBroadcast   // likewise, and some stand still: for sources
};

/** A tile of elements in memory of its own. */
class LaidTile {
public:
  static constexpr size_t kRedZone = 64;

  LaidTile(const Extents &extent, size_t element_size, Lie lie, std::mt19937 &random,
           size_t gap_end = 20) {
    std::vector<size_t> order(extent.size());
    std::iota(order.begin(), order.end(), 0);
    if (lie == Lie::kDense)
      std::reverse(order.begin(), order.end());
    if (lie == Lie::kScattered || lie == Lie::kBroadcast)
      std::shuffle(order.begin(), order.end(), random);
    tile_.element_size = element_size;
    tile_.ndims = extent.size();
    size_t span = element_size;
    size_t below = 0; // how far the base is above the lowest byte
    for (const size_t d : order) {
      const bool has_gaps = lie == Lie::kScattered || lie == Lie::kBroadcast;
      size_t stride = span + (has_gaps && random() % 2 == 0 ? random() % gap_end : 0);
      if (lie == Lie::kBroadcast && random() % 2 == 0)
        stride = 0;
      const bool is_backwards = has_gaps && random() % 3 == 0;
      const auto step = static_cast<ptrdiff_t>(stride);
      tile_.extent[d] = extent[d];
      tile_.stride_bytes[d] = is_backwards ? -step : step;
      below += is_backwards ? stride * (extent[d] - 1) : 0;
      span += stride * (extent[d] - 1);
    }
    // Any alignment, as users' tiles have.
    const size_t shift = random() % 16;
    bytes_.resize(shift + span + 2 * kRedZone);
    auto seed = static_cast<unsigned>(random());
    for (unsigned char &byte : bytes_)
      byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    tile_.base = bytes_.data() + kRedZone + shift + below;
  }
  LaidTile(const LaidTile &) = delete;

  aml_tile &tile() { return tile_; }
  const aml_tile &tile() const { return tile_; }
  const Bytes &bytes() const { return bytes_; }

  /** The memory and what is around, as it must be once the elements of `source` were copied here.
   */
  Bytes CopiedFrom(const LaidTile &source) const {
    Extents extent(tile_.extent, tile_.extent + tile_.ndims);
    size_t run_size = tile_.element_size;
    if (RunsAlongItsLast(tile_) && RunsAlongItsLast(source.tile_)) {
      run_size *= extent.back();
      extent.back() = 1;
    }
    return Combined(extent, source, [run_size](unsigned char *to, const void *from) {
      std::memcpy(to, from, run_size);
    });
  }

  /** Likewise, once combine(its element, the source's) was called for each. */
  template <class Combine> Bytes CombinedWith(const LaidTile &source, Combine combine) const {
    return Combined(Extents(tile_.extent, tile_.extent + tile_.ndims), source, combine);
  }

  /** How far the base is above the first of the bytes. */
  size_t BaseOffset() const {
    return static_cast<size_t>(static_cast<const unsigned char *>(tile_.base) - bytes_.data());
  }

private:
  template <class Combine>
  Bytes Combined(const Extents &extent, const LaidTile &source, Combine combine) const {
    Bytes expected = bytes_;
    ForEachElement(extent, [&](const size_t *coords) {
      combine(expected.data() + OffsetOf(coords), aml_tile_address(&source.tile_, coords));
    });
    return expected;
  }

  static bool RunsAlongItsLast(const aml_tile &tile) {
    return tile.stride_bytes[tile.ndims - 1] == static_cast<ptrdiff_t>(tile.element_size);
  }

  size_t OffsetOf(const size_t *coords) const {
    return static_cast<size_t>(static_cast<unsigned char *>(aml_tile_address(&tile_, coords)) -
                               bytes_.data());
  }

  aml_tile tile_{};
  Bytes bytes_;
};

} // namespace aml_testing

#endif
