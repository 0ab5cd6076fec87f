// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <array>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/multiplex.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

// Over one that copies at submit, and over one with threads, behind a route that none takes.
template <class Inner> struct DmaMultiplexFactory {
  AML_DMA_MULTIPLEX_DECL(dma);

  static std::array<aml_dma_route, 2> Routes() {
    return {{{AML_AREA_DEVICE, 0, InnerSequential::Get()},
             {AML_AREA_HOST_WRITABLE, AML_AREA_HOST_READABLE, Inner::Get()}}};
  }
  int Init() { return aml_dma_multiplex_init(dma, Routes().data(), Routes().size()); }
  static int Create(aml_dma **created) {
    return aml_dma_multiplex_create(created, Routes().data(), Routes().size());
  }
};

using Factories =
    testing::Types<DmaMultiplexFactory<InnerSequential>, DmaMultiplexFactory<InnerParallel>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaMultiplex, DmaContract, Factories);

} // namespace
