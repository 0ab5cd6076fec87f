// SPDX-License-Identifier: BSD-3-Clause
//
// The contract where both tiles are in memory; files are in file_test.cc.

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/dma/file.h"
#include "aml/tests/contract/dma.h"

namespace {

using namespace aml_testing;

template <aml_dma_file_backend kBackend> struct DmaFileFactory {
  AML_DMA_FILE_DECL(dma);

  static aml_dma_file_options Options() {
    aml_dma_file_options options = {};
    options.backend = kBackend;
    return options;
  }
  int Init() {
    const aml_dma_file_options options = Options();
    return aml_dma_file_init(dma, &options);
  }
  static int Create(aml_dma **created) {
    const aml_dma_file_options options = Options();
    return aml_dma_file_create(created, &options);
  }
};

// The first is io_uring where that is allowed.
using Factories =
    testing::Types<DmaFileFactory<AML_DMA_FILE_AUTO>, DmaFileFactory<AML_DMA_FILE_THREADS>>;
INSTANTIATE_TYPED_TEST_SUITE_P(DmaFile, DmaContract, Factories);

} // namespace
