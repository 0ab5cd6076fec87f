// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of arenas (tests/contract/arena.h).

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_FIXTURE_H

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

#include "aml/core/area.h"
#include "aml/core/arena.h"

namespace aml_testing {

class WatchedArea;

/** A factory, and the arena that it holds, whatever its type: tests are compiled once. */
class AnyArena {
public:
  virtual ~AnyArena() = default;
  virtual aml_area *area() = 0;
  virtual aml_arena *arena() = 0;
  virtual int Init(size_t i, aml_area *area) = 0;
  virtual int Create(size_t i, aml_area *area, aml_arena **created) = 0;
};

/** What makes factories of one type. */
struct ArenaFactory {
  size_t instances;
  std::unique_ptr<AnyArena> (*make)();
};

template <class Factory> class ArenaOf : public AnyArena {
public:
  aml_area *area() override { return factory_.area(); }
  aml_arena *arena() override { return factory_.arena; }
  int Init(size_t i, aml_area *area) override { return factory_.Init(i, area); }
  int Create(size_t i, aml_area *area, aml_arena **created) override {
    return factory_.Create(i, area, created);
  }

private:
  Factory factory_;
};

template <class Factory> ArenaFactory AnyArenaFactory() {
  return {Factory::kInstances,
          []() -> std::unique_ptr<AnyArena> { return std::make_unique<ArenaOf<Factory>>(); }};
}

/** Calls `check` with each of a factory's arenas and the area that it takes its memory from. */
void OnEach(const ArenaFactory &any, void (*check)(aml_arena *arena, WatchedArea &area));

template <class Factory> class ArenaContract : public testing::Test {};

TYPED_TEST_SUITE_P(ArenaContract);

} // namespace aml_testing

#endif
