// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas on the type that defects are planted in: without one it passes, with
// all that an area can do and with none of it.

#include "aml/tests/contract/area.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>

#include "aml/core/area.h"
#include "aml/tests/contract/internal/ledger_area.h"

namespace {

using namespace aml_testing;

struct PlainLedger : LedgerFactory<PlainLedger> {
  static void Plant(aml_area_ops *) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Ledger, AreaContract, PlainLedger);

struct BareLedger : LedgerFactory<BareLedger> {
  static void Plant(aml_area_ops *ops) {
    ops->capabilities = [](const aml_area *area) {
      return Ledger::Capabilities(area) & (AML_AREA_CAN_BIND - 1u);
    };
    ops->bind = nullptr;
    ops->locate = nullptr;
    ops->move = nullptr;
    ops->resize = nullptr;
    ops->purge = nullptr;
    ops->sync = nullptr;
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(BareLedger, AreaContract, BareLedger);

// Memory that the host cannot touch: a touch would be a fatal signal.
struct HiddenLedger : LedgerFactory<HiddenLedger> {
  static void Plant(aml_area_ops *ops) {
    ops->capabilities = [](const aml_area *area) {
      const unsigned host = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
      return (Ledger::Capabilities(area) & ~host) | static_cast<unsigned>(AML_AREA_DEVICE);
    };
    ops->map = [](aml_area *area, size_t size, const aml_area_map_options *options,
                  void **pointer) {
      const int err = Ledger::Map(area, size, options, pointer);
      if (!err)
        (void)mprotect(*pointer, Ledger::RoundUp(size), PROT_NONE);
      return err;
    };
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(HiddenLedger, AreaContract, HiddenLedger);

} // namespace
