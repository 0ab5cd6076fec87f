// SPDX-License-Identifier: BSD-3-Clause
//
// One use of everything that requests of a host dma have; for tests of what that takes, so it takes
// nothing itself.
//
//     Everything everything;
//     aml_fault_system_arm(…);
//     const int failed = everything.Use(dma);

#ifndef AML_DMA_EVERYTHING_TESTING_H
#define AML_DMA_EVERYTHING_TESTING_H

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace aml_testing {

class Everything {
public:
  Everything() : from_(kSide * kSide, 3), to_(kSide * kSide, 0), eventfd_(eventfd(0, 0)) {}
  Everything(const Everything &) = delete;
  ~Everything() { close(eventfd_); }

  /** Returns: how many calls did not do what they should. */
  int Use(aml_dma *dma) {
    failed_ = eventfd_ < 0;
    UseTiles(dma);
    UseOperations(dma);
    UseBatch(dma);
    return failed_;
  }

private:
  enum { kSide = 300, kBatch = 40, kPiece = 512 };

  void Expect(bool holds) { failed_ += !holds; }

  aml_tile Matrix(std::vector<int> *numbers, aml_order order) {
    const size_t extent[] = {kSide, kSide};
    aml_tile tile = {};
    Expect(0 == aml_tile_dense(&tile, nullptr, numbers->data(), sizeof(int), 2, extent, order));
    return tile;
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
    for (const aml_tile &src : {rows, columns, columns, still})
      Expect(0 == aml_dma_copy(dma, &dst, &src, &options));
    options.use = AML_DMA_USE_STREAM;
    Expect(0 == aml_dma_copy(dma, &dst, &columns, &options));
    aml_tile part = rows;
    part.extent[0] = kSide - 1;
    aml_tile moved = part;
    moved.base = &from_[kSide];
    options.flags = AML_DMA_OVERLAP;
    Expect(0 == aml_dma_copy(dma, &moved, &part, &options));
    Expect(-AML_EINVAL == aml_dma_copy(dma, &moved, &part, nullptr));
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
      item->tiles[i][0] = aml_tile_bytes(&to_[piece], kPiece * sizeof(int));
      item->tiles[i][1] = aml_tile_bytes(&from_[piece], kPiece * sizeof(int));
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
  int failed_ = 0;
};

} // namespace aml_testing

#endif
