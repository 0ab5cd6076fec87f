// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of tilings (tests/contract/tiling.h).

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_FIXTURE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/tiling_oracle.h"

namespace aml_testing {

/** What a factory of the suite offers, whatever its type: tests are compiled once. */
struct TilingFactory {
  /** One factory, and the tiling that it holds. */
  struct Made {
    std::shared_ptr<void> factory;
    aml_tiling *tiling;
    int (*init)(void *factory, size_t i);
    int Init(size_t i) const { return init(factory.get(), i); }
  };

  size_t instances;
  Made (*make)();
  int (*create)(size_t i, aml_tiling **tiling);
  bool (*accepts)(size_t i, TilingLayout layout);
};

template <class Factory> TilingFactory AnyTilingFactory() {
  const auto make = [] {
    const auto factory = std::make_shared<Factory>();
    return TilingFactory::Made{factory, factory->tiling, [](void *made, size_t i) {
                                 return static_cast<Factory *>(made)->Init(i);
                               }};
  };
  return {Factory::kInstances, make, Factory::Create, Factory::Accepts};
}

/** Calls `check` with each of a factory's tilings. */
inline void OnEach(const TilingFactory &any, void (*check)(aml_tiling *tiling)) {
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const TilingFactory::Made made = any.make();
    ASSERT_EQ(0, made.Init(i)) << aml_error_detail();
    check(made.tiling);
    aml_tiling_fini(made.tiling);
  }
}

/** Calls `check` with each of the tilings and a datum in each of the layouts that it takes. */
inline void OnEachDatum(const TilingFactory &any,
                        void (*check)(aml_tiling *tiling, const LaidOut &data)) {
  for (size_t i = 0; i < any.instances; ++i) {
    const TilingFactory::Made made = any.make();
    ASSERT_EQ(0, made.Init(i)) << aml_error_detail();
    bool accepted = false;
    for (const TilingLayout layout : kTilingLayouts) {
      SCOPED_TRACE(testing::Message()
                   << "instance " << i << ", layout " << static_cast<int>(layout));
      if (!any.accepts(i, layout))
        continue;
      accepted = true;
      check(made.tiling, LaidOut(InfoOf(made.tiling), layout));
    }
    EXPECT_TRUE(accepted) << "instance " << i << " takes no datum";
    aml_tiling_fini(made.tiling);
  }
}

/** A layout that an instance takes. */
inline TilingLayout AnyLayout(const TilingFactory &any, size_t i) {
  return *std::find_if(std::begin(kTilingLayouts), std::end(kTilingLayouts),
                       [&any, i](TilingLayout layout) { return any.accepts(i, layout); });
}

template <class Factory> class TilingContract : public testing::Test {};

TYPED_TEST_SUITE_P(TilingContract);

} // namespace aml_testing

#endif
