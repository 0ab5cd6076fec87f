// SPDX-License-Identifier: BSD-3-Clause
//
// Dmas over one with threads, in the child of a fork.

#include <gtest/gtest.h>

#include <string>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/fork_testing.h"
#include "aml/dma/multiplex.h"
#include "aml/dma/parallel.h"
#include "aml/dma/parallel_testing.h"
#include "aml/dma/remap.h"
#include "aml/dma/throttled.h"
#include "aml/dma/traced.h"

namespace {

using namespace aml_testing;

// Puts a dma, that `create` makes, over one with threads. Returns: what is wrong in a child.
template <class Create> std::string FindWrongOver(Create create) {
  Dma inner = aml_testing::Create(Threads(1));
  aml_dma *made = nullptr;
  EXPECT_EQ(0, create(&made, inner.get())) << aml_error_detail();
  Dma outer(made);
  AwaitSleep();
  std::string wrong;
  Transfer queued;
  {
    Blocker blocker(outer.get(), 1);
    EXPECT_EQ(0, queued.Submit(outer.get()));
    wrong = InAChild([&] {
      std::string its = AskInVain(outer.get(), &queued.request);
      its += AskInVain(outer.get(), blocker.request());
      outer.reset();
      inner.reset();
      return its;
    });
  }
  EXPECT_EQ(0, aml_dma_wait(&queued.request));
  EXPECT_TRUE(queued.HasHappened());
  return wrong;
}

TEST(DmaWrapperFork, AMultiplexOfTheParentIsRefused) {
  EXPECT_EQ("", FindWrongOver([](aml_dma **dma, aml_dma *inner) {
              aml_dma_route route = {};
              route.dma = inner;
              return aml_dma_multiplex_create(dma, &route, 1);
            }));
}

TEST(DmaWrapperFork, AThrottledOneOfTheParentIsRefused) {
  EXPECT_EQ("", FindWrongOver([](aml_dma **dma, aml_dma *inner) {
              aml_dma_throttled_options options = {};
              options.bytes_per_second = 1 << 30;
              return aml_dma_throttled_create(dma, inner, &options);
            }));
}

TEST(DmaWrapperFork, ATracedOneOfTheParentIsRefused) {
  EXPECT_EQ("", FindWrongOver([](aml_dma **dma, aml_dma *inner) {
              return aml_dma_traced_create(dma, inner, nullptr);
            }));
}

TEST(DmaWrapperFork, ARemapOfTheParentIsRefusedWhatItHandsOn) {
  EXPECT_EQ("", FindWrongOver([](aml_dma **dma, aml_dma *inner) {
              aml_dma_remap_options options = {};
              options.inner = inner;
              return aml_dma_remap_create(dma, &options);
            }));
}

} // namespace
