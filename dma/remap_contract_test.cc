// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/remap.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// Over one that copies at submit, and over one with threads. What moves leaves its source empty,
// which is no copy: remap_test shows it.
template <class Inner> struct DmaRemapFactory {
  AML_DMA_REMAP_DECL(dma);

  static aml_dma_remap_options Options() {
    aml_dma_remap_options options = {};
    options.inner = Inner::Get();
    return options;
  }
  int Init() {
    const aml_dma_remap_options options = Options();
    return aml_dma_remap_init(dma, &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_remap_options options = Options();
    return aml_dma_remap_create(created, &options);
  }
};

using Factories = testing::Types<DmaRemapFactory<InnerSequential>, DmaRemapFactory<InnerParallel>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaRemap, DmaContract, Factories);

} // namespace
