// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas on the type that defects are planted in: without one it passes, with
// all that an arena can do, with none of it, and in band.

#include "aml/tests/contract/arena.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/heap_arena.h"

namespace {

using namespace aml_testing;

struct PlainHeap : HeapFactory<PlainHeap> {
  static void Plant(aml_arena_ops *) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Heap, ArenaContract, PlainHeap);

struct BareHeap : HeapFactory<BareHeap> {
  static void Plant(aml_arena_ops *ops) {
    ops->capabilities = [](const aml_arena *) { return 0u; };
    ops->free = [](aml_arena *, void *) {};
    ops->realloc = nullptr;
    ops->usable_size = nullptr;
    ops->owns = nullptr;
    ops->reset = nullptr;
    ops->trim = nullptr;
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(BareHeap, ArenaContract, BareHeap);

// Counts nothing, and so says nothing.
struct SilentHeap : HeapFactory<SilentHeap> {
  static void Plant(aml_arena_ops *ops) {
    ops->stats = [](const aml_arena *, aml_arena_stats *stats) {
      *stats = {AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN};
    };
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(SilentHeap, ArenaContract, SilentHeap);

struct InBandHeap : HeapFactory<InBandHeap> {
  static void Plant(aml_arena_ops *ops) {
    ops->capabilities = [](const aml_arena *arena) {
      return Heap::Capabilities(arena) | static_cast<unsigned>(AML_ARENA_IN_BAND);
    };
  }
  int Init(size_t i, aml_area *area) {
    if ((aml_area_capabilities(area) & AML_AREA_HOST_WRITABLE) == 0)
      return aml_error_set(-AML_EINVAL, "Init", "area", "is not of host memory");
    return HeapFactory::Init(i, area);
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(InBandHeap, ArenaContract, InBandHeap);

} // namespace
