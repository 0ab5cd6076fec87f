// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstdint>

#include "aml/core/dma.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/throttled.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// Over one that copies at submit, and over one with threads; so fast a limit that none waits long.
template <class Inner> struct DmaThrottledFactory {
  AML_DMA_THROTTLED_DECL(dma);

  static aml_dma_throttled_options Options() {
    aml_dma_throttled_options options = {};
    options.bytes_per_second = uint64_t{1} << 34;
    return options;
  }
  int Init() {
    const aml_dma_throttled_options options = Options();
    return aml_dma_throttled_init(dma, Inner::Get(), &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_throttled_options options = Options();
    return aml_dma_throttled_create(created, Inner::Get(), &options);
  }
};

using Factories =
    testing::Types<DmaThrottledFactory<InnerSequential>, DmaThrottledFactory<InnerParallel>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaThrottled, DmaContract, Factories);

} // namespace
