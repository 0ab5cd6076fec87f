// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/sequential.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// One that streams early too, so that small copies show both kinds of stores.
template <size_t stream_size> struct DmaSequentialFactory {
  AML_DMA_SEQUENTIAL_DECL(dma);

  static aml_dma_sequential_options Options() {
    aml_dma_sequential_options options = {};
    options.stream_size = stream_size;
    return options;
  }
  int Init() {
    const aml_dma_sequential_options options = Options();
    return aml_dma_sequential_init(dma, &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_sequential_options options = Options();
    return aml_dma_sequential_create(created, &options);
  }
};

using Factories = testing::Types<DmaSequentialFactory<0>, DmaSequentialFactory<1>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaSequential, DmaContract, Factories);

} // namespace
