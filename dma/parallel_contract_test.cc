// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/parallel.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

struct Default {
  static aml_dma_parallel_options Options() { return {}; }
};
// Pieces so small that most copies are cut, and threads that sleep at once.
struct SmallPieces {
  static aml_dma_parallel_options Options() {
    aml_dma_parallel_options options = {};
    options.thread_count = 3;
    options.chunk_size = 16;
    options.spin_ns = 1;
    options.stream_size = 64;
    return options;
  }
};

template <class Choice> struct DmaParallelFactory {
  AML_DMA_PARALLEL_DECL(dma);

  int Init() {
    const aml_dma_parallel_options options = Choice::Options();
    return aml_dma_parallel_init(dma, &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_parallel_options options = Choice::Options();
    return aml_dma_parallel_create(created, &options);
  }
};

using Factories = testing::Types<DmaParallelFactory<Default>, DmaParallelFactory<SmallPieces>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaParallel, DmaContract, Factories);

} // namespace
