// SPDX-License-Identifier: BSD-3-Clause
//
// For tests of arenas over others: two arenas, one over the other, that pose as one. Both end
// together, so that a test of arenas in general can be run on the upper one.

#ifndef AML_TESTS_SUPPORT_ARENA_OVER_H
#define AML_TESTS_SUPPORT_ARENA_OVER_H

#include <cstddef>
#include <cstdlib>

#include "aml/core/arena.h"

class ArenaOver {
public:
  ArenaOver() { pair_.arena.ops = &kOps; }
  ArenaOver(const ArenaOver &) = delete;
  ~ArenaOver() = default;

  aml_arena *get() { return &pair_.arena; }

  /** Both borrowed. `upper` was initialised over `lower`. */
  void Set(aml_arena *upper, aml_arena *lower) {
    pair_.upper = upper;
    pair_.lower = lower;
  }

  /** As _create: `destroy` frees what it is, and ends the two, which it owns. */
  static aml_arena *Create(aml_arena *upper, aml_arena *lower) {
    // Freed by aml_arena_destroy().
    auto *const pair = static_cast<Pair *>(std::calloc(1, sizeof(Pair)));
    if (pair == nullptr)
      return nullptr;
    *pair = {{&kOps}, upper, lower, true};
    return &pair->arena;
  }

private:
  struct Pair {
    aml_arena arena;
    aml_arena *upper;
    aml_arena *lower;
    bool owns;
  };

  static aml_arena *Upper(const aml_arena *arena) {
    return reinterpret_cast<const Pair *>(arena)->upper;
  }

  static void Fini(aml_arena *arena) {
    Pair *const pair = reinterpret_cast<Pair *>(arena);
    if (pair->owns) {
      aml_arena_destroy(&pair->upper);
      aml_arena_destroy(&pair->lower);
    } else {
      aml_arena_fini(pair->upper);
      aml_arena_fini(pair->lower);
    }
    *pair = {{&kOps}, nullptr, nullptr, false};
  }

  static aml_arena_ops MakeOps() {
    aml_arena_ops ops = {};
    ops.name = "over";
    ops.fini = Fini;
    ops.capabilities = [](const aml_arena *arena) { return aml_arena_capabilities(Upper(arena)); };
    ops.stats = [](const aml_arena *arena, aml_arena_stats *stats) {
      (void)!aml_arena_get_stats(Upper(arena), stats);
    };
    ops.validate = [](const aml_arena *arena) { return aml_arena_validate(Upper(arena)); };
    ops.alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return aml_arena_alloc(Upper(arena), size, alignment, flags);
    };
    ops.free = [](aml_arena *arena, void *pointer) { aml_arena_free(Upper(arena), pointer); };
    ops.realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                     unsigned flags) {
      return aml_arena_realloc(Upper(arena), pointer, size, alignment, flags);
    };
    ops.usable_size = [](const aml_arena *arena, const void *pointer) {
      return aml_arena_usable_size(Upper(arena), pointer);
    };
    ops.owns = [](const aml_arena *arena, const void *pointer) {
      return aml_arena_owns(Upper(arena), pointer);
    };
    ops.reset = [](aml_arena *arena) { (void)!aml_arena_reset(Upper(arena)); };
    ops.trim = [](aml_arena *arena, size_t keep, size_t *released) {
      return aml_arena_trim(Upper(arena), keep, released);
    };
    ops.alloc_batch = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                         size_t count, void *pointers[]) {
      return aml_arena_alloc_batch(Upper(arena), size, alignment, flags, count, pointers);
    };
    ops.free_batch = [](aml_arena *arena, size_t count, void *const pointers[]) {
      aml_arena_free_batch(Upper(arena), count, pointers);
    };
    return ops;
  }

  static inline const aml_arena_ops kOps = MakeOps();

  Pair pair_{};
};

#endif
