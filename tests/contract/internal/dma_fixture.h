// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of dmas (tests/contract/dma.h).

#ifndef AML_TESTS_CONTRACT_INTERNAL_DMA_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_DMA_FIXTURE_H

#include <gtest/gtest.h>

#include <random>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/support/laid_tile.h"

namespace aml_testing {

template <class Factory> class DmaContract : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, factory_.Init()) << aml_error_detail(); }
  void TearDown() override { aml_dma_fini(dma()); }

  aml_dma *dma() { return factory_.dma; }

  /** Copies, and compares all memory around with a copy element by element. */
  void ExpectCopies(const Extents &extent, size_t element_size, Lie dst_lie, Lie src_lie,
                    const aml_dma_options *options = nullptr) {
    LaidTile dst(extent, element_size, dst_lie, random_);
    const LaidTile src(extent, element_size, src_lie, random_);
    const Bytes source_before = src.bytes();
    const Bytes expected = dst.CopiedFrom(src);
    ASSERT_EQ(0, aml_dma_copy(dma(), &dst.tile(), &src.tile(), options)) << aml_error_detail();
    ASSERT_TRUE(expected == dst.bytes()) << "elements differ, or memory around them was written";
    ASSERT_TRUE(source_before == src.bytes()) << "the source was written";
  }

  Factory factory_;
  std::mt19937 random_{7};
};

TYPED_TEST_SUITE_P(DmaContract);

} // namespace aml_testing

#endif
