// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of tilings (tests/contract/tiling.h).

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_FIXTURE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/tiling_oracle.h"

namespace aml_testing {

template <class Factory> class TilingContract : public testing::Test {
protected:
  /** Calls `check` with each of the factory's tilings. */
  static void OnEach(void (*check)(aml_tiling *tiling)) {
    for (size_t i = 0; i < Factory::kInstances; ++i) {
      SCOPED_TRACE(testing::Message() << "instance " << i);
      Factory factory;
      ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
      check(factory.tiling);
      aml_tiling_fini(factory.tiling);
    }
  }

  /** Calls `check` with each of the tilings and a datum in each of the layouts that it takes. */
  static void OnEachDatum(void (*check)(aml_tiling *tiling, const LaidOut &data)) {
    for (size_t i = 0; i < Factory::kInstances; ++i) {
      Factory factory;
      ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
      bool any = false;
      for (const TilingLayout layout : kTilingLayouts) {
        SCOPED_TRACE(testing::Message()
                     << "instance " << i << ", layout " << static_cast<int>(layout));
        if (!Factory::Accepts(i, layout))
          continue;
        any = true;
        check(factory.tiling, LaidOut(InfoOf(factory.tiling), layout));
      }
      EXPECT_TRUE(any) << "instance " << i << " takes no datum";
      aml_tiling_fini(factory.tiling);
    }
  }

  /** A layout that an instance takes. */
  static TilingLayout AnyLayout(size_t i) {
    return *std::find_if(std::begin(kTilingLayouts), std::end(kTilingLayouts),
                         [i](TilingLayout layout) { return Factory::Accepts(i, layout); });
  }
};

TYPED_TEST_SUITE_P(TilingContract);

} // namespace aml_testing

#endif
