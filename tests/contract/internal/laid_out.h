// SPDX-License-Identifier: BSD-3-Clause
//
// Data for the contract suite of tilings: a datum of a tiling's shape in some layout, and which of
// its elements is at an address.

#ifndef AML_TESTS_CONTRACT_INTERNAL_LAID_OUT_H
#define AML_TESTS_CONTRACT_INTERNAL_LAID_OUT_H

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <vector>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"

namespace aml_testing {

/** How a datum lies in memory. */
enum class TilingLayout {
  kRow,         /**< dense, the last dimension contiguous */
  kColumn,      /**< dense, the first dimension contiguous */
  kGaps,        /**< as kRow, with bytes left out behind each element, row and plane */
  kBackwards,   /**< as kRow, each dimension seen from its end */
  kPadded,      /**< as kRow, with room for whole tiles at the edges where the tiling pads them */
  kPaddedColumn /**< likewise, as kColumn */
};

constexpr TilingLayout kTilingLayouts[] = {TilingLayout::kRow,    TilingLayout::kColumn,
                                           TilingLayout::kGaps,   TilingLayout::kBackwards,
                                           TilingLayout::kPadded, TilingLayout::kPaddedColumn};

/** Calls `visit` with the address of each element of a valid tile. */
template <class Visit> void ForEachElement(const aml_tile &tile, Visit visit) {
  size_t coords[AML_MAX_DIMS] = {};
  for (size_t left = aml_tile_count(&tile); left > 0; --left) {
    visit(static_cast<char *>(aml_tile_address(&tile, coords)));
    for (size_t d = tile.ndims; d-- > 0;) {
      if (++coords[d] < tile.extent[d])
        break;
      coords[d] = 0;
    }
  }
}

/** A datum of the shape that a tiling cuts. */
inline aml_tile TileOfShape(const aml_tiling_info &info, TilingLayout layout) {
  aml_tile tile = {};
  tile.element_size = info.element_size;
  tile.ndims = info.ndims;
  const bool gaps = layout == TilingLayout::kGaps;
  const bool column = layout == TilingLayout::kColumn || layout == TilingLayout::kPaddedColumn;
  const bool room = info.cover == AML_TILING_PADDED && info.grid_ndims == info.ndims &&
                    (layout == TilingLayout::kPadded || layout == TilingLayout::kPaddedColumn);
  auto stride = static_cast<ptrdiff_t>(info.element_size + (gaps ? 3 : 0));
  for (size_t i = 0; i < info.ndims; ++i) {
    const size_t d = column ? i : info.ndims - 1 - i;
    const size_t elements = room ? info.grid[d] * info.tile_extent[d] : info.extent[d];
    tile.extent[d] = info.extent[d];
    tile.stride_bytes[d] = layout == TilingLayout::kBackwards ? -stride : stride;
    stride = stride * static_cast<ptrdiff_t>(elements) + (gaps ? 5 : 0);
  }
  return tile;
}

/** A datum in memory of its own. */
class LaidOut {
public:
  LaidOut(const aml_tiling_info &info, TilingLayout layout)
      : datum_(TileOfShape(info, layout)), storage_size_(info.storage_size) {
    const bool is_padded = info.cover == AML_TILING_PADDED && info.grid_ndims == info.ndims;
    size_t below = 0;
    size_t above = info.element_size;
    for (size_t d = 0; d < datum_.ndims; ++d) {
      // Padding lies where the array's strides lead.
      const size_t extent = is_padded ? info.grid[d] * info.tile_extent[d] : datum_.extent[d];
      const ptrdiff_t reach = static_cast<ptrdiff_t>(extent - 1) * datum_.stride_bytes[d];
      (reach < 0 ? below : above) += static_cast<size_t>(reach < 0 ? -reach : reach);
    }
    if (is_padded)
      storage_size_ = std::max(storage_size_, above);
    memory_.resize(below + (above < storage_size_ ? storage_size_ : above));
    datum_.base = memory_.data() + below;
    ForEachElement(datum_,
                   [this](const char *address) { elements_.emplace(address, elements_.size()); });
  }
  LaidOut(const LaidOut &) = delete;
  ~LaidOut() = default;

  const aml_tile &datum() const { return datum_; }
  size_t count() const { return elements_.size(); }

  /** The number of the element that begins at an address; count() if there is none. */
  size_t ElementAt(const char *address) const {
    const auto found = elements_.find(address);
    return found == elements_.end() ? count() : found->second;
  }

  /** Whether an element at an address is within the storage that a tiling asks for. */
  bool IsInStorage(const char *address) const {
    const char *const base = static_cast<const char *>(datum_.base);
    return address >= base && address + datum_.element_size <= base + storage_size_;
  }

private:
  aml_tile datum_;
  size_t storage_size_;
  std::vector<char> memory_;
  std::unordered_map<const char *, size_t> elements_;
};

} // namespace aml_testing

#endif
