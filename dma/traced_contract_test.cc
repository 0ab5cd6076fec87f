// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/traced.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// Over one that copies at submit, and over one with threads. So few are seen at once that others
// pass by.
template <class Inner> struct DmaTracedFactory {
  AML_DMA_TRACED_DECL(dma);

  static aml_dma_traced_options Options() {
    aml_dma_traced_options options = {};
    options.in_flight = 10;
    return options;
  }
  int Init() {
    const aml_dma_traced_options options = Options();
    return aml_dma_traced_init(dma, Inner::Get(), &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_traced_options options = Options();
    return aml_dma_traced_create(created, Inner::Get(), &options);
  }
};

using Factories =
    testing::Types<DmaTracedFactory<InnerSequential>, DmaTracedFactory<InnerParallel>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaTraced, DmaContract, Factories);

} // namespace
