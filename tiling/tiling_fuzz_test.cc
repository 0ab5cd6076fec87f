// SPDX-License-Identifier: BSD-3-Clause
//
// Any arguments are refused, with the block as declared and a sentence, or make a tiling that keeps
// its laws: the grid's product is the count, ids and coordinates determine each other, iterators
// and their parts visit each id once, and, of small data, tiles cover each element as often as they
// say. Type, options, extents and tile extents are read from the input.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/nested.h"
#include "aml/tiling/padded.h"
#include "aml/tiling/ragged.h"

namespace {

void Demand(bool holds) {
  if (!holds)
    std::abort();
}

class Input {
public:
  Input(const unsigned char *data, size_t size) : data_(data), size_(size) {}

  unsigned Byte() {
    if (size_ == 0)
      return 0;
    --size_;
    return *data_++;
  }

  // Small as a rule; as large as there are, sometimes.
  size_t Number() {
    const unsigned first = Byte();
    if (first < 240)
      return first % 12;
    size_t number = 0;
    for (int i = 0; i < 8; ++i)
      number = number << 8 | Byte();
    return number >> first % 16 * 4;
  }

private:
  const unsigned char *data_;
  size_t size_;
};

struct Arguments {
  explicit Arguments(Input *input) {
    element_size = input->Number();
    ndims = input->Byte() % 10;
    order = input->Byte() % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN;
    is_other = input->Byte() % 2 == 0;
    for (size_t d = 0; d < AML_MAX_DIMS; ++d) {
      extent[d] = input->Number();
      tile_extent[d] = input->Number();
      before[d] = input->Number();
      after[d] = input->Number();
    }
  }

  size_t element_size;
  size_t ndims;
  aml_order order;
  bool is_other;
  size_t extent[AML_MAX_DIMS];
  size_t tile_extent[AML_MAX_DIMS];
  size_t before[AML_MAX_DIMS];
  size_t after[AML_MAX_DIMS];
};

int CreateHalo(const Arguments &it, aml_tiling **tiling) {
  aml_tiling_halo_options options = {};
  std::copy_n(it.before, AML_MAX_DIMS, options.before);
  std::copy_n(it.after, AML_MAX_DIMS, options.after);
  options.has_border = it.is_other;
  options.order = it.order;
  return aml_tiling_halo_create(tiling, it.element_size, it.ndims, it.extent, it.tile_extent,
                                &options);
}

int Create(unsigned type, const Arguments &it, aml_tiling **tiling) {
  const aml_tiling_clipped_options clipped = {it.order};
  const aml_tiling_padded_options padded = {it.order};
  const aml_tiling_blocked_options blocked = {
      it.order, it.is_other ? AML_ORDER_ROW : AML_ORDER_COLUMN,
      it.before[0] % 2 == 0 ? AML_TILING_BLOCKED_CLIPPED : AML_TILING_BLOCKED_PADDED};
  switch (type % 7) {
  case 0:
    return aml_tiling_1d_create(tiling, it.extent[0], it.element_size, it.tile_extent[0]);
  case 1:
    return aml_tiling_clipped_create(tiling, it.element_size, it.ndims, it.extent, it.tile_extent,
                                     &clipped);
  case 2:
    return aml_tiling_padded_create(tiling, it.element_size, it.ndims, it.extent, it.tile_extent,
                                    &padded);
  case 3:
    return aml_tiling_blocked_create(tiling, it.element_size, it.ndims, it.extent, it.tile_extent,
                                     &blocked);
  case 4:
    return aml_tiling_morton_create(tiling, it.element_size, it.ndims, it.extent, it.tile_extent);
  case 5:
    return CreateHalo(it, tiling);
  default:
    // Prefix sums as they come, which may fall.
    return aml_tiling_ragged_create(tiling, it.element_size, AML_MAX_DIMS - 1, it.extent);
  }
}

void CheckIds(const aml_tiling *tiling, const aml_tiling_info &info) {
  size_t product = 1;
  for (size_t d = 0; d < info.grid_ndims; ++d)
    product *= info.grid[d];
  Demand(product == info.count && info.count == aml_tiling_count(tiling) && info.count > 0);
  for (const size_t id : {size_t{0}, info.count / 2, info.count / 3, info.count - 1}) {
    size_t coords[AML_MAX_DIMS];
    size_t again = SIZE_MAX;
    size_t extent[AML_MAX_DIMS];
    Demand(aml_tiling_coords(tiling, id, coords) == 0);
    Demand(aml_tiling_id(tiling, coords, &again) == 0 && again == id);
    const int err = aml_tiling_tile_extent(tiling, id, extent);
    Demand(err == 0 || err == -AML_ENOENT);
    for (size_t d = 0; d < info.ndims && err == 0; ++d)
      Demand(extent[d] >= 1 && extent[d] <= info.tile_extent[d]);
  }
}

void CheckIterators(const aml_tiling *tiling, const aml_tiling_info &info, unsigned parts) {
  for (int order = AML_TILING_ROW; order <= AML_TILING_BACKWARD; ++order) {
    aml_tiling_iterator whole;
    if (aml_tiling_iterate(tiling, static_cast<aml_tiling_order>(order), nullptr, nullptr, &whole))
      continue; // more tiles than the Z curve can number
    if (info.count > 2000)
      continue;
    std::vector<bool> seen(info.count);
    for (unsigned part = 0; part < parts; ++part) {
      aml_tiling_iterator iterator = whole;
      Demand(aml_tiling_iterator_split(&iterator, part, parts) == 0);
      AML_TILING_FOR_EACH (id, &iterator) {
        Demand(id < info.count && !seen[id]);
        seen[id] = true;
      }
    }
    Demand(std::count(seen.begin(), seen.end(), false) == 0);
  }
}

// Whether each element of a small datum is in as many tiles as the tiling says.
// Its layout is that of `outermost`.
void CheckCover(const aml_tiling *tiling, const aml_tiling_info &info,
                const aml_tiling *outermost) {
  aml_tile datum = {};
  void *const base = reinterpret_cast<void *>(uintptr_t{1} << 40);
  if (info.storage_size / info.element_size > 3000 || info.count > 3000 ||
      aml_tile_dense(&datum, nullptr, base, info.element_size, info.ndims, info.extent,
                     AML_ORDER_ROW) != 0)
    return;
  if (outermost->ops == &aml_tiling_padded_ops)
    Demand(aml_tiling_padded_datum(outermost, nullptr, base, AML_ORDER_ROW, &datum) == 0);
  std::map<const char *, size_t> seen;
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    size_t coords[AML_MAX_DIMS] = {};
    const int err = aml_tiling_tile(tiling, &datum, id, &tile);
    Demand(err == 0 || err == -AML_ENOENT);
    if (err != 0 || (info.cover == AML_TILING_OVERLAPPING && aml_tile_count(&tile) > 500))
      continue;
    Demand(aml_tile_check(&tile, "fuzz", "tile") == 0);
    for (size_t left = aml_tile_count(&tile); left > 0; --left) {
      ++seen[static_cast<char *>(aml_tile_address(&tile, coords))];
      for (size_t d = tile.ndims; d-- > 0 && ++coords[d] == tile.extent[d];)
        coords[d] = 0;
    }
  }
  if (info.cover == AML_TILING_OVERLAPPING)
    return;
  Demand(seen.size() * info.element_size == info.storage_size);
  for (const auto &element : seen)
    Demand(element.second == 1);
}

void Check(const aml_tiling *tiling, const aml_tiling *outermost, unsigned parts) {
  aml_tiling_info info;
  Demand(aml_tiling_get_info(tiling, &info) == 0);
  CheckIds(tiling, info);
  CheckIterators(tiling, info, parts);
  CheckCover(tiling, info, outermost);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  Input input(data, size);
  const unsigned type = input.Byte();
  const unsigned parts = 1 + input.Byte() % 5;
  const Arguments arguments(&input);
  aml_tiling *tiling = nullptr;
  if (Create(type, arguments, &tiling) != 0) {
    Demand(tiling == nullptr && std::strncmp(aml_error_detail(), "aml_tiling_", 11) == 0);
    return 0;
  }
  Check(tiling, tiling, parts);
  aml_tiling *nested = nullptr;
  if (aml_tiling_count(tiling) <= 1000 &&
      aml_tiling_nested_create(&nested, tiling, arguments.after, nullptr) == 0)
    Check(nested, tiling, parts);
  aml_tiling_destroy(&nested);
  aml_tiling_destroy(&tiling);
  return 0;
}
