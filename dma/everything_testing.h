// SPDX-License-Identifier: BSD-3-Clause
//
// One use of everything that requests of a host dma have; for tests of what that takes, so it takes
// nothing itself.
//
//     ExpectEverythingTakesNothing(dma);

#ifndef AML_DMA_EVERYTHING_TESTING_H
#define AML_DMA_EVERYTHING_TESTING_H

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/taken_testing.h"

namespace aml_testing {

class Everything {
public:
  /** @param areas  that tiles are said to be in, in turn; a null one is none. */
  explicit Everything(const std::vector<aml_area *> &areas = {nullptr})
      : from_(kSide * kSide, 3), to_(kSide * kSide, 0), eventfd_(eventfd(0, 0)), areas_(areas) {}
  Everything(const Everything &) = delete;
  ~Everything() { close(eventfd_); }

  /** Returns: how many calls did not do what they should. */
  int Use(aml_dma *dma) {
    failed_ = eventfd_ < 0;
    UseSizes(dma);
    UseTiles(dma);
    UseOperations(dma);
    UseNumbers(dma);
    UseErrors(dma);
    UseBatch(dma);
    return failed_;
  }

private:
  enum { kSide = 300, kBatch = 40, kPiece = 512 };

  void Expect(bool holds) { failed_ += !holds; }

  aml_area *NextArea() { return areas_[next_area_++ % areas_.size()]; }

  aml_tile Matrix(std::vector<int> *numbers, aml_order order) {
    const size_t extent[] = {kSide, kSide};
    aml_tile tile = {};
    Expect(0 == aml_tile_dense(&tile, NextArea(), numbers->data(), sizeof(int), 2, extent, order));
    return tile;
  }

  aml_tile Bytes(void *start, size_t size) {
    aml_tile tile = aml_tile_bytes(start, size);
    tile.area = NextArea();
    return tile;
  }

  void UseSizes(aml_dma *dma) {
    Expect((aml_dma_capabilities(dma) & AML_DMA_CAN_OPERATE) != 0);
    for (size_t size = 1; size <= kSide * kSide * sizeof(int); size += 1 + size / 16) {
      const aml_tile dst = Bytes(to_.data(), size);
      const aml_tile src = Bytes(from_.data(), size);
      Expect(0 == aml_dma_copy(dma, &dst, &src, nullptr));
    }
  }

  void UseTiles(aml_dma *dma) {
    const aml_tile rows = Matrix(&from_, AML_ORDER_ROW);
    const aml_tile columns = Matrix(&from_, AML_ORDER_COLUMN);
    const aml_tile dst = Matrix(&to_, AML_ORDER_ROW);
    aml_tile still = rows;
    still.stride_bytes[0] = still.stride_bytes[1] = 0;
    aml_dma_plan plan = {};
    aml_dma_options options = {};
    options.plan = &plan;
    for (const aml_dma_use use : {AML_DMA_USE_UNKNOWN, AML_DMA_USE_SOON, AML_DMA_USE_STREAM}) {
      options.use = use;
      for (const aml_tile &src : {rows, columns, columns, still})
        Expect(0 == aml_dma_copy(dma, &dst, &src, &options));
    }
    aml_tile part = rows;
    part.extent[0] = kSide - 1;
    aml_tile moved = part;
    moved.base = &from_[kSide];
    options.flags = AML_DMA_OVERLAP;
    Expect(0 == aml_dma_copy(dma, &moved, &part, &options));
    Expect(-AML_EINVAL == aml_dma_copy(dma, &moved, &part, nullptr));
    UseSpace(dma);
  }

  /** From a space of three dimensions to one with its dimensions turned round. */
  void UseSpace(aml_dma *dma) {
    const size_t extent[] = {kSide / 10, 10, kSide};
    aml_tile rows = {};
    aml_tile columns = {};
    Expect(0 ==
           aml_tile_dense(&rows, NextArea(), to_.data(), sizeof(int), 3, extent, AML_ORDER_ROW));
    Expect(0 == aml_tile_dense(&columns, NextArea(), from_.data(), sizeof(int), 3, extent,
                               AML_ORDER_COLUMN));
    aml_dma_options options = {};
    options.flags = AML_DMA_DISTINCT;
    Expect(0 == aml_dma_copy(dma, &rows, &columns, &options));
  }

  static int Count(void *, const void *, size_t count, void *argument) {
    *static_cast<std::atomic<size_t> *>(argument) += count;
    return 0;
  }

  static int Fail(void *, const void *, size_t, void *) {
    return aml_error_set(-AML_EIO, "Fail", nullptr, "as it should");
  }

  void UseOperations(aml_dma *dma) {
    const aml_tile columns = Matrix(&from_, AML_ORDER_COLUMN);
    const aml_tile dst = Matrix(&to_, AML_ORDER_ROW);
    const aml_dma_operation fails = {Fail, nullptr, 0, 0};
    aml_dma_options options = {};
    options.operation = aml_dma_operation_accumulate(AML_DMA_NUMBER_I32);
    Expect(0 == aml_dma_copy(dma, &dst, &columns, &options));
    options.operation = aml_dma_operation_convert(AML_DMA_NUMBER_F32, AML_DMA_NUMBER_I32);
    Expect(0 == aml_dma_copy(dma, &dst, &columns, &options));
    options.operation = &fails;
    Expect(-AML_EIO == aml_dma_copy(dma, &dst, &columns, &options));
    std::atomic<size_t> counted{0};
    const aml_dma_operation counts = {Count, &counted, 0, 0};
    options.operation = &counts;
    Expect(0 == aml_dma_copy(dma, &dst, &columns, &options));
    Expect(counted == kSide * kSide);
  }

  void Operate(aml_dma *dma, const aml_dma_operation *operation) {
    aml_tile dst = Bytes(to_.data(), kPiece);
    aml_tile src = Bytes(from_.data(), kPiece);
    dst.element_size = operation->dst_element_size;
    src.element_size = operation->src_element_size;
    dst.stride_bytes[0] = static_cast<ptrdiff_t>(dst.element_size);
    src.stride_bytes[0] = static_cast<ptrdiff_t>(src.element_size);
    aml_dma_options options = {};
    options.operation = operation;
    Expect(0 == aml_dma_copy(dma, &dst, &src, &options));
  }

  void UseNumbers(aml_dma *dma) {
    for (int dst = 0; dst < AML_DMA_NUMBERS; ++dst) {
      const auto number = static_cast<aml_dma_number>(dst);
      Operate(dma, aml_dma_operation_accumulate(number));
      for (int src = 0; src < AML_DMA_NUMBERS; ++src)
        Operate(dma, aml_dma_operation_convert(number, static_cast<aml_dma_number>(src)));
    }
  }

  /** What is refused at each place, and what comes after a failure. */
  void UseErrors(aml_dma *dma) {
    const aml_tile src = Bytes(from_.data(), kPiece);
    const aml_tile dst = Bytes(to_.data(), kPiece);
    const aml_tile other = Bytes(to_.data(), kPiece + 1);
    const aml_dma_operation fails = {Fail, nullptr, 0, 0};
    aml_dma_request requests[2] = {};
    aml_dma_request *const before[] = {&requests[0]};
    aml_dma_options options = {};
    bool done = false;
    options.flags = ~0U;
    Expect(-AML_EINVAL == aml_dma_submit(dma, &requests[0], &dst, &src, &options));
    Expect(-AML_EINVAL == aml_dma_submit(dma, &requests[0], &other, &src, nullptr));
    Expect(-AML_EINVAL == aml_dma_submit(dma, nullptr, &dst, &src, nullptr));
    Expect(-AML_EINVAL == aml_dma_wait(&requests[0]));
    Expect(-AML_EINVAL == aml_dma_test(&requests[0], &done));
    Expect(-AML_EINVAL == aml_dma_cancel(&requests[0]));
    options.flags = 0;
    options.operation = &fails;
    Expect(0 == aml_dma_submit(dma, &requests[0], &dst, &src, &options));
    aml_dma_options later = {};
    later.after = before;
    later.after_count = 1;
    Expect(0 == aml_dma_submit(dma, &requests[1], &dst, &src, &later));
    Expect(-AML_ECANCELED == aml_dma_wait(&requests[1]));
    Expect(-AML_EIO == aml_dma_wait(&requests[0]));
    Expect(-AML_EBUSY == aml_dma_cancel(&requests[0]));
  }

  /** One of many, and what comes after it. */
  struct Item {
    aml_dma *dma;
    aml_tile tiles[2][2];
    aml_dma_options options[2];
    aml_dma_request requests[2];
    aml_dma_request *before;
    bool is_followed;
  };

  static void Follow(aml_dma_request *, void *argument) {
    auto *const item = static_cast<Item *>(argument);
    item->is_followed = aml_dma_submit(item->dma, &item->requests[1], &item->tiles[1][0],
                                       &item->tiles[1][1], &item->options[1]) == 0;
  }

  void Prepare(aml_dma *dma, size_t index, Item *item) {
    item->dma = dma;
    for (size_t i = 0; i < 2; ++i) {
      const size_t piece = (2 * index + i) * kPiece;
      item->tiles[i][0] = Bytes(&to_[piece], kPiece * sizeof(int));
      item->tiles[i][1] = Bytes(&from_[piece], kPiece * sizeof(int));
      item->options[i].eventfd = &eventfd_;
    }
    item->options[0].notify = Follow;
    item->options[0].notify_argument = item;
    item->options[1].flags = AML_DMA_TRY;
  }

  void UseBatch(aml_dma *dma) {
    static_assert(2 * kBatch * kPiece <= kSide * kSide, "pieces lie in the matrix");
    Item items[kBatch] = {};
    aml_dma_transfer transfers[kBatch];
    aml_dma_request *requests[kBatch];
    for (size_t i = 0; i < kBatch; ++i) {
      Prepare(dma, i, &items[i]);
      requests[i] = &items[i].requests[0];
      transfers[i] = {requests[i], &items[i].tiles[0][0], &items[i].tiles[0][1],
                      &items[i].options[0]};
      if (i % 4 == 0)
        continue;
      items[i].before = requests[i - 1];
      items[i].options[0].after = &items[i].before;
      items[i].options[0].after_count = 1;
    }
    Expect(0 == aml_dma_submit_many(dma, kBatch, transfers, nullptr));
    for (size_t i = 3; i < kBatch; i += 4) // those that no others come after
      (void)!aml_dma_cancel(requests[i]);
    Await(dma, items, requests);
  }

  void Await(aml_dma *dma, Item items[], aml_dma_request *requests[]) {
    uint64_t signals = kBatch;
    size_t index = kBatch;
    bool done = false;
    Expect(0 == aml_dma_wait_any(kBatch, requests, &index));
    Expect(0 == aml_dma_test(requests[index], &done) && done);
    for (size_t i = kBatch; i-- > 0;) {
      const int err = aml_dma_wait(requests[i]);
      Expect(err == 0 || (i % 4 == 3 && err == -AML_ECANCELED));
    }
    Expect(0 == aml_dma_barrier(dma));
    for (size_t i = 0; i < kBatch; ++i) {
      Expect(!items[i].is_followed || 0 == aml_dma_wait(&items[i].requests[1]));
      signals += items[i].is_followed;
    }
    for (uint64_t seen = 0; signals > 0; signals -= seen) {
      const bool is_right = read(eventfd_, &seen, sizeof seen) == sizeof seen && seen <= signals;
      Expect(is_right);
      if (!is_right)
        return;
    }
  }

  std::vector<int> from_;
  std::vector<int> to_;
  int eventfd_;
  std::vector<aml_area *> areas_;
  size_t next_area_ = 0;
  int failed_ = 0;
};

/** Uses everything of a dma several times over, which is to take no memory and no threads. */
inline void ExpectEverythingTakesNothing(aml_dma *dma,
                                         const std::vector<aml_area *> &areas = {nullptr}) {
  Everything everything(areas);
  int failed = 0;
  const Taken taken;
  for (int round = 0; round < 3; ++round)
    failed += everything.Use(dma);
  taken.ExpectNothing();
  EXPECT_EQ(0, failed);
}

} // namespace aml_testing

#endif
