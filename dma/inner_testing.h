// SPDX-License-Identifier: BSD-3-Clause
//
// Dmas for others to be put over in tests: they live as long as the process.

#ifndef AML_DMA_INNER_TESTING_H
#define AML_DMA_INNER_TESTING_H

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/parallel.h"
#include "aml/dma/sequential.h"

namespace aml_testing {

/** One that `create` makes. */
template <int (*create)(aml_dma **dma)> struct InnerDma {
  static aml_dma *Get() {
    static const InnerDma it;
    return it.dma_;
  }

private:
  InnerDma() { EXPECT_EQ(0, create(&dma_)) << aml_error_detail(); }
  ~InnerDma() { aml_dma_destroy(&dma_); }

  aml_dma *dma_ = nullptr;
};

inline int CreateSequential(aml_dma **dma) {
  return aml_dma_sequential_create(dma, nullptr);
}

inline int CreateParallel(aml_dma **dma) {
  return aml_dma_parallel_create(dma, nullptr);
}

using InnerSequential = InnerDma<CreateSequential>;
using InnerParallel = InnerDma<CreateParallel>;

} // namespace aml_testing

#endif
