// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of dmas (tests/contract/dma.h).

#ifndef AML_TESTS_CONTRACT_INTERNAL_DMA_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_DMA_FIXTURE_H

#include <gtest/gtest.h>

#include <memory>

#include "aml/core/dma.h"

namespace aml_testing {

/** A factory, and the dma that it holds, whatever its type: tests are compiled once. */
class AnyDma {
public:
  virtual ~AnyDma() = default;
  virtual aml_dma *dma() = 0;
  virtual int Init() = 0;
  virtual int Create(aml_dma **created) = 0;
};

/** What makes factories of one type. */
using DmaFactory = std::unique_ptr<AnyDma>();

template <class Factory> class DmaOf : public AnyDma {
public:
  aml_dma *dma() override { return factory_.dma; }
  int Init() override { return factory_.Init(); }
  int Create(aml_dma **created) override { return factory_.Create(created); }

private:
  Factory factory_;
};

template <class Factory> std::unique_ptr<AnyDma> MakeDma() {
  return std::make_unique<DmaOf<Factory>>();
}

/** Calls `check` with a factory's dma. */
void OnDma(DmaFactory *make, void (*check)(aml_dma *dma));

template <class Factory> class DmaContract : public testing::Test {};

TYPED_TEST_SUITE_P(DmaContract);

} // namespace aml_testing

#endif
