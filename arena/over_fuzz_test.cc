// SPDX-License-Identifier: BSD-3-Clause
//
// Arenas over others, up to two over each other, keep the laws of arenas for any sequence of calls
// (tests/support/arena_ops.h), report nothing, and leave no block in the arenas below.

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/arena/debug.h"
#include "aml/arena/fuzz_testing.h"
#include "aml/arena/limited.h"
#include "aml/arena/locked.h"
#include "aml/arena/slab.h"
#include "aml/arena/stack.h"
#include "aml/arena/tlsf.h"
#include "aml/arena/tracked.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_ops.h"

namespace {

void Demand(bool holds) {
  if (!holds)
    std::abort();
}

bool CanFree(const aml_arena *arena) {
  return (aml_arena_capabilities(arena) & AML_ARENA_CAN_FREE) != 0;
}

void DemandNoBlocks(const aml_arena *arena) {
  aml_arena_stats stats = {};
  Demand(aml_arena_validate(arena) == 0 && aml_arena_get_stats(arena, &stats) == 0);
  Demand(!CanFree(arena) || stats.live_count == 0);
}

/** An arena of any of the types that are over others. */
class Over {
public:
  /** Of the type and with the options that a byte says; `inner` has no blocks. */
  Over(unsigned char byte, aml_arena *inner) : inner_(inner), detail_(byte / 5) {
    (this->*kCreate[byte % 5])();
    Demand(arena_ != nullptr);
  }
  Over(const Over &) = delete;
  ~Over() {
    aml_arena_destroy(&arena_);
    DemandNoBlocks(inner_);
    if (first_ != nullptr)
      DemandNoBlocks(first_);
    aml_arena_destroy(&first_);
    aml_arena_quota_state state = {};
    Demand(aml_arena_quota_get(&quota_, &state) == 0 && state.size == 0 && state.count == 0);
    aml_arena_quota_fini(&quota_);
  }

  aml_arena *get() const { return arena_; }

private:
  void Locked() {
    const aml_arena_locked_options options = {static_cast<aml_arena_lock>(detail_ % 3)};
    Demand(aml_arena_locked_create(&arena_, inner_, &options) == 0);
  }

  void Limited() {
    aml_arena_quota_options options = {};
    options.size = detail_ % 2 * 20000;
    options.count = detail_ / 2 % 2 * 10;
    Demand(aml_arena_quota_init(&quota_, &options) == 0);
    Demand(aml_arena_limited_create(&arena_, inner_, &quota_) == 0);
  }

  // Before the inner arena comes one that has little and can do as much.
  void Stack() {
    region_.resize(size_t{10000} << detail_ % 3);
    Demand((CanFree(inner_) ? CreateFirst(aml_arena_tlsf_create)
                            : CreateFirst(aml_arena_bump_create)) == 0);
    aml_arena *const arenas[] = {first_, inner_};
    Demand(aml_arena_stack_create(&arena_, 2, arenas) == 0);
  }

  template <class Options>
  int CreateFirst(int (*create)(aml_arena **arena, aml_area *area, const Options *options)) {
    Options options = {};
    options.region = region_.data();
    options.region_size = region_.size();
    return create(&first_, nullptr, &options);
  }

  void Debug() {
    constexpr size_t kSizes[] = {0, 1, 5000};
    aml_arena_debug_options options = {};
    options.redzone = detail_ / 3 % 2 * 100;
    options.quarantine_size = kSizes[detail_ % 3];
    options.frames = 1;
    options.report = [](void *, const aml_arena_debug_error *) { std::abort(); };
    Demand(aml_arena_debug_create(&arena_, inner_, &options) == 0);
  }

  void Tracked() {
    aml_arena_tracked_options options = {};
    if (CanFree(inner_))
      options.report = [](void *, const aml_arena_tracked_block *) -> int { std::abort(); };
    Demand(aml_arena_tracked_create(&arena_, inner_, &options) == 0);
  }

  static constexpr void (Over::*kCreate[])() = {&Over::Locked, &Over::Limited, &Over::Stack,
                                                &Over::Debug, &Over::Tracked};

  aml_arena *inner_;
  aml_arena *first_ = nullptr;
  aml_arena *arena_ = nullptr;
  aml_arena_quota quota_ = {};
  std::vector<char> region_;
  unsigned detail_;
};

void DemandOver(aml_arena *inner, const unsigned char *data, size_t size) {
  if (size < 2)
    return;
  const Over lower(data[0], inner);
  std::optional<Over> upper;
  if (data[1] < 200)
    upper.emplace(data[1], lower.get());
  // A block that is had and not allowed, or what is given up for want of memory, leaves a trace.
  aml_testing::DemandArenaOps(upper ? upper->get() : lower.get(), data + 2, size - 2,
                              aml_testing::Contents::kChecked,
                              aml_testing::Failures::kChangeReserve);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  if (size == 0)
    return 0;
  AML_ARENA_BUMP_DECL(bump);
  AML_ARENA_SLAB_DECL(slab);
  AML_ARENA_TLSF_DECL(tlsf);
  if (data[0] < 64)
    aml_testing::DemandArenaLife(bump, aml_arena_bump_init, data, size, DemandOver);
  else if (data[0] < 128)
    aml_testing::DemandArenaLife(slab, aml_arena_slab_init, data, size, DemandOver);
  else
    aml_testing::DemandArenaLife(tlsf, aml_arena_tlsf_init, data, size, DemandOver);
  return 0;
}
