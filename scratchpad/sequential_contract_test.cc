// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "aml/core/scratchpad.h"
#include "aml/scratchpad/sequential.h"
#include "aml/tests/contract/scratchpad.h"

namespace {

using namespace aml_testing;

struct ScratchpadSequentialFactory {
  static constexpr bool kWaits = false;
  static constexpr bool kIsThreadSafe = false;
  AML_SCRATCHPAD_SEQUENTIAL_DECL(scratchpad);

  static aml_scratchpad_sequential_options Options() {
    aml_scratchpad_sequential_options options = {};
    options.slot_count = ScratchpadParts::kSlots;
    return options;
  }
  int Init(ScratchpadParts &parts) {
    const aml_scratchpad_sequential_options options = Options();
    return aml_scratchpad_sequential_init(scratchpad, parts.area(), parts.datum(), parts.tiling(),
                                          parts.dma(), &options);
  }
  static int Create(ScratchpadParts &parts, aml_scratchpad **created) {
    const aml_scratchpad_sequential_options options = Options();
    return aml_scratchpad_sequential_create(created, parts.area(), parts.datum(), parts.tiling(),
                                            parts.dma(), &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ScratchpadSequential, ScratchpadContract,
                               ScratchpadSequentialFactory);

} // namespace
