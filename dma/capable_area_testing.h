// SPDX-License-Identifier: BSD-3-Clause
//
// An area that has capabilities, and nothing else.

#ifndef AML_DMA_CAPABLE_AREA_TESTING_H
#define AML_DMA_CAPABLE_AREA_TESTING_H

#include "aml/core/area.h"

namespace aml_testing {

class CapableArea {
public:
  explicit CapableArea(unsigned capabilities) : block_{{&kOps}, capabilities} {}
  CapableArea(const CapableArea &) = delete;
  aml_area *get() { return &block_.area; }

private:
  struct Block {
    aml_area area;
    unsigned capabilities;
  };
  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.capabilities = [](const aml_area *area) {
      return reinterpret_cast<const Block *>(area)->capabilities;
    };
    return ops;
  }
  static inline const aml_area_ops kOps = MakeOps();
  Block block_;
};

} // namespace aml_testing

#endif
