// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/dma_fixture.h"

#include <gtest/gtest.h>

#include <memory>

#include "aml/core/dma.h"
#include "aml/core/error.h"

namespace aml_testing {

void OnDma(DmaFactory *make, void (*check)(aml_dma *dma)) {
  const std::unique_ptr<AnyDma> made = make();
  ASSERT_EQ(0, made->Init()) << aml_error_detail();
  check(made->dma());
  aml_dma_fini(made->dma());
}

} // namespace aml_testing
