// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/sequential.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// One that streams early too, so that small copies show both kinds of stores; and one of the loops
// that need nothing of the CPU. That all others copy alike is shown by //dma:kernels_test.
struct Default {
  static aml_dma_sequential_options Options() { return {}; }
};
struct StreamsEarly {
  static aml_dma_sequential_options Options() {
    aml_dma_sequential_options options = {};
    options.stream_size = 1;
    return options;
  }
};
struct Portable {
  static aml_dma_sequential_options Options() {
    aml_dma_sequential_options options = {};
    options.kernels = "portable";
    return options;
  }
};

template <class Choice> struct DmaSequentialFactory {
  AML_DMA_SEQUENTIAL_DECL(dma);

  int Init() {
    const aml_dma_sequential_options options = Choice::Options();
    return aml_dma_sequential_init(dma, &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_sequential_options options = Choice::Options();
    return aml_dma_sequential_create(created, &options);
  }
};

using Factories = testing::Types<DmaSequentialFactory<Default>, DmaSequentialFactory<StreamsEarly>,
                                 DmaSequentialFactory<Portable>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaSequential, DmaContract, Factories);

} // namespace
