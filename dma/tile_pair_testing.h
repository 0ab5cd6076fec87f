// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes stand for a request: which dma does it by which loops, two tiles and how they lie,
// flags and what else there is. It is done twice with one plan, each time in memory of its own, and
// compared with a copy element by element, the memory around included.
//
// A destination's strides are such that its elements are distinct: any order of dimensions, gaps,
// backwards. A source's may be anything. Both may lie in one piece of memory.

#ifndef AML_DMA_TILE_PAIR_TESTING_H
#define AML_DMA_TILE_PAIR_TESTING_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel.h"
#include "aml/dma/sequential.h"
#include "aml/tests/support/laid_tile.h"
#include "aml/tests/support/numbers.h"

namespace aml_testing {

/** Dmas of several kinds, by each of the loops that this CPU has; as long as the process. */
class DmasOfAllKernels {
public:
  static aml_dma *At(size_t index) {
    static const DmasOfAllKernels it;
    return it.dmas_[index % it.dmas_.size()];
  }

private:
  DmasOfAllKernels() {
    for (const char *kernels : {"portable", "avx2", "avx512", "avx512_halves", "neon"}) {
      for (const size_t stream_size : {size_t{0}, size_t{1}}) {
        const aml_dma_sequential_options options = {stream_size, kernels};
        aml_dma *dma = nullptr;
        if (aml_dma_sequential_create(&dma, &options) == 0)
          dmas_.push_back(dma);
      }
      aml_dma_parallel_options options = {};
      options.kernels = kernels;
      options.thread_count = 2;
      options.chunk_size = 64;
      aml_dma *dma = nullptr;
      if (aml_dma_parallel_create(&dma, &options) == 0)
        dmas_.push_back(dma);
    }
  }
  ~DmasOfAllKernels() {
    for (aml_dma *dma : dmas_)
      aml_dma_destroy(&dma);
  }

  std::vector<aml_dma *> dmas_;
};

class TilePair {
public:
  TilePair(const unsigned char *data, size_t size) : data_(data), left_(size) { Read(); }
  TilePair(const TilePair &) = delete;

  /** Returns: what is wrong; empty if nothing is. */
  std::string Check() {
    std::string wrong = CheckOnce();
    return wrong.empty() ? CheckOnce() : wrong;
  }

private:
  enum Kind { kCopy, kAccumulate, kConvert, kMix };
  enum { kMaxCount = 2048, kMaxElement = 40, kMaxStride = 255, kMaxShift = 64 };

  /** How one tile lies in memory. */
  struct Side {
    size_t element_size = 1;
    ptrdiff_t stride[AML_MAX_DIMS] = {};
    size_t below = 0; // of its base
    size_t span = 0;
    size_t offset = 0; // of its lowest byte
  };

  /** The next number below `limit`; 0 behind the end. */
  size_t Below(size_t limit) {
    if (left_ == 0)
      return 0;
    --left_;
    return *data_++ % limit;
  }

  void Read() {
    dma_ = DmasOfAllKernels::At(Below(256));
    ReadOperation();
    ReadExtents();
    ReadStrides(&dst_, false);
    ReadStrides(&src_, Below(2) == 0);
    is_shared_ = kind_ == kCopy && Below(2) == 1;
    if (is_shared_ && Below(4) == 0)
      src_ = dst_;
    dst_.offset = Below(kMaxShift);
    src_.offset = is_shared_ ? Below(256) + Below(256) * (dst_.span / 256) : Below(kMaxShift);
    options_.use = static_cast<aml_dma_use>(Below(3));
    options_.flags = kind_ == kCopy && Below(2) == 1 ? AML_DMA_OVERLAP : 0;
    options_.plan = &plan_;
    red_zone_ = Below(2) == 0 ? 64 : 0; // without one, a sanitizer watches the end
  }

  void ReadOperation() {
    kind_ = static_cast<Kind>(Below(4));
    const auto first = static_cast<aml_dma_number>(Below(AML_DMA_NUMBERS));
    const auto second = static_cast<aml_dma_number>(Below(AML_DMA_NUMBERS));
    dst_.element_size = src_.element_size = 1 + Below(kMaxElement);
    switch (kind_) {
    case kCopy:
      return;
    case kMix:
      src_.element_size = 1 + Below(kMaxElement);
      operation_ = {Mix, this, 0, 0};
      break;
    case kAccumulate: // of an integer, as sums with NaN are any
      dst_number_ = static_cast<aml_dma_number>(AML_DMA_NUMBER_I8 + first % 8);
      operation_ = *aml_dma_operation_accumulate(dst_number_);
      break;
    case kConvert:
      dst_number_ = first;
      src_number_ = second;
      operation_ = *aml_dma_operation_convert(first, second);
      break;
    }
    if (kind_ != kMix) {
      dst_.element_size = operation_.dst_element_size;
      src_.element_size = operation_.src_element_size;
    }
    options_.operation = &operation_;
  }

  void ReadExtents() {
    extent_.resize(1 + Below(AML_MAX_DIMS));
    size_t room = kMaxCount;
    for (size_t &extent : extent_) {
      extent = 1 + Below(256) % room;
      room /= extent;
    }
  }

  /** Reads strides by which elements are distinct, or, if `any`, some that may be anything. */
  void ReadStrides(Side *side, bool any) {
    Extents order(extent_.size());
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[i - 1 - Below(i)]);
    size_t span = side->element_size;
    size_t below = 0;
    for (const size_t d : order) {
      const size_t code = Below(256);
      size_t step = code < 128 ? span : span + code - 128;
      if (any && Below(2) == 1)
        step = Below(kMaxStride + 1);
      const bool is_backwards = Below(4) == 3;
      const size_t reach = step * (extent_[d] - 1);
      side->stride[d] = static_cast<ptrdiff_t>(step) * (is_backwards ? -1 : 1);
      below += is_backwards ? reach : 0;
      span += reach;
    }
    side->below = below;
    side->span = span;
  }

  aml_tile TileOf(const Side &side, Bytes *memory) const {
    aml_tile tile = {};
    tile.base = memory->data() + red_zone_ + side.offset + side.below;
    tile.element_size = side.element_size;
    tile.ndims = extent_.size();
    for (size_t d = 0; d < extent_.size(); ++d) {
      tile.extent[d] = extent_[d];
      tile.stride_bytes[d] = side.stride[d];
    }
    return tile;
  }

  size_t OffsetOf(const Side &side, const size_t *coords) const {
    auto offset = static_cast<ptrdiff_t>(red_zone_ + side.offset + side.below);
    for (size_t d = 0; d < extent_.size(); ++d)
      offset += static_cast<ptrdiff_t>(coords[d]) * side.stride[d];
    return static_cast<size_t>(offset);
  }

  static Bytes Filled(size_t size, unsigned seed) {
    Bytes bytes(size);
    for (unsigned char &byte : bytes)
      byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    return bytes;
  }

  /** Adds what depends on every byte of the source to every one of the destination. */
  static int Mix(void *dst, const void *src, size_t count, void *argument) {
    const auto *const self = static_cast<const TilePair *>(argument);
    auto *const to = static_cast<unsigned char *>(dst);
    const auto *const from = static_cast<const unsigned char *>(src);
    for (size_t i = 0; i < count; ++i) {
      unsigned sum = 1;
      for (size_t j = 0; j < self->src_.element_size; ++j)
        sum = sum * 31 + from[i * self->src_.element_size + j];
      for (size_t j = 0; j < self->dst_.element_size; ++j)
        to[i * self->dst_.element_size + j] += static_cast<unsigned char>(sum + j);
    }
    return 0;
  }

  /** What is to become of one element. */
  void Combine(unsigned char *to, const unsigned char *from) {
    const NumberFormat &dst = kNumbers[dst_number_];
    switch (kind_) {
    case kCopy:
      std::memcpy(to, from, dst_.element_size);
      return;
    case kMix:
      (void)Mix(to, from, 1, this);
      return;
    case kAccumulate:
      StoreNumber(dst, Added(dst, LoadNumber(dst, to), LoadNumber(dst, from)), to);
      return;
    case kConvert:
      StoreNumber(
          dst, Converted(dst, kNumbers[src_number_], LoadNumber(kNumbers[src_number_], from)), to);
    }
  }

  bool IsSameTile() const {
    if (!is_shared_ || dst_.offset + dst_.below != src_.offset + src_.below)
      return false;
    for (size_t d = 0; d < extent_.size(); ++d)
      if (extent_[d] > 1 && dst_.stride[d] != src_.stride[d])
        return false;
    return true;
  }

  /** Whether the tiles have a byte in common. */
  bool Overlap(size_t size) const {
    std::vector<bool> is_written(size);
    bool overlap = false;
    ForEachElement(extent_, [&](const size_t *coords) {
      const auto at = is_written.begin() + static_cast<ptrdiff_t>(OffsetOf(dst_, coords));
      std::fill(at, at + static_cast<ptrdiff_t>(dst_.element_size), true);
    });
    ForEachElement(extent_, [&](const size_t *coords) {
      const auto at = is_written.begin() + static_cast<ptrdiff_t>(OffsetOf(src_, coords));
      overlap |= std::find(at, at + static_cast<ptrdiff_t>(src_.element_size), true) !=
                 at + static_cast<ptrdiff_t>(src_.element_size);
    });
    return is_shared_ && overlap;
  }

  size_t MemorySize(const Side &side) const {
    return red_zone_ + side.offset + side.span + red_zone_;
  }

  std::string CheckOnce() {
    const size_t shared = std::max(MemorySize(dst_), MemorySize(src_));
    Bytes to = Filled(is_shared_ ? shared : MemorySize(dst_), 1);
    Bytes other = Filled(is_shared_ ? 0 : MemorySize(src_), 2);
    Bytes &from = is_shared_ ? to : other;
    const Bytes before = to;
    const Bytes source = from;
    Bytes expected = to;
    ForEachElement(extent_, [&](const size_t *coords) {
      Combine(expected.data() + OffsetOf(dst_, coords), source.data() + OffsetOf(src_, coords));
    });
    const aml_tile dst = TileOf(dst_, &to);
    const aml_tile src = TileOf(src_, &from);
    const int err = aml_dma_copy(dma_, &dst, &src, &options_);
    if (!is_shared_ && from != source)
      return "the source was written";
    if (err != 0 && to != before)
      return "what was refused was written";
    if (err == 0 && to != expected)
      return "elements are not as they should be, or others were written";
    return IsRight(err, shared) ? "" : "result " + std::to_string(err);
  }

  /** Whether a result is one that the tiles can have. */
  bool IsRight(int err, size_t size) const {
    if (!is_shared_ || IsSameTile())
      return err == 0;
    if ((options_.flags & AML_DMA_OVERLAP) != 0)
      return err == 0 || err == -AML_ENOTSUP; // where it would take a buffer
    // Tiles that are apart may be hard to tell from those that are not.
    return err == -AML_EINVAL || (err == 0 && !Overlap(size));
  }

  const unsigned char *data_;
  size_t left_;
  aml_dma *dma_ = nullptr;
  Kind kind_ = kCopy;
  aml_dma_number dst_number_ = AML_DMA_NUMBER_U8;
  aml_dma_number src_number_ = AML_DMA_NUMBER_U8;
  aml_dma_operation operation_ = {};
  aml_dma_options options_ = {};
  aml_dma_plan plan_ = {};
  Extents extent_;
  Side dst_;
  Side src_;
  bool is_shared_ = false;
  size_t red_zone_ = 0;
};

} // namespace aml_testing

#endif
