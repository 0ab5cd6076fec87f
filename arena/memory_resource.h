// SPDX-License-Identifier: BSD-3-Clause
//
// For C++: containers whose memory comes from an arena, of any type.
//
//     aml::MemoryResource resource(arena);                        // std::pmr, chosen at run time
//     std::pmr::vector<double> v(&resource);
//
//     std::vector<double, aml::Allocator<double>> w(n, arena);    // no virtual call in between
//
// Both hold the arena by its address and own nothing: it must outlive what is allocated, and each
// container that holds the allocator. Memory that an arena cannot give is std::bad_alloc, and
// aml_error_detail() says why. What an arena does not free one by one (arena:bump) is lost by a
// container that grows until the arena is reset; reserve() spares that.
//
// Threads: thread-safe if the arena is, else as the arena.
// Cost: the arena's call, and with std::pmr a virtual call before it. No memory but the address.

#ifndef AML_ARENA_MEMORY_RESOURCE_H
#define AML_ARENA_MEMORY_RESOURCE_H

#ifndef __cplusplus
#error "aml/arena/memory_resource.h is for C++; C has aml/core/arena.h"
#endif

#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>

#include "aml/core/arena.h"

namespace aml {

/** Any arena as a std::pmr::memory_resource; what it allocates lives as long as the arena. */
class MemoryResource : public std::pmr::memory_resource {
public:
  /** `arena` is borrowed, and not null. */
  explicit MemoryResource(aml_arena *arena) noexcept : arena_(arena) {}

  aml_arena *arena() const noexcept { return arena_; }

private:
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    void *const block = aml_arena_alloc(arena_, size, alignment, 0);
    if (block == nullptr)
      throw std::bad_alloc();
    return block;
  }

  void do_deallocate(void *block, std::size_t, std::size_t) override {
    aml_arena_free(arena_, block);
  }

  /** Two over one arena may give each other's memory back. Without RTTI only one may its own. */
  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override {
#ifdef __cpp_rtti
    const auto *const same = dynamic_cast<const MemoryResource *>(&other);
    return same != nullptr && same->arena_ == arena_;
#else
    return this == &other;
#endif
  }

  aml_arena *arena_;
};

/**
 * An allocator for the containers of the standard library, over any arena.
 *
 * A container that is moved from or swapped takes its arena along, so that no element is moved; a
 * copy stays in the arena that its container was made with: where data lies is decided there.
 */
template <class T> class Allocator {
public:
  using value_type = T;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  /** `arena` is borrowed, and not null. Implicit, so that a container takes the arena itself. */
  Allocator(aml_arena *arena) noexcept : arena_(arena) {} // NOLINT(google-explicit-constructor)

  /** For what a container allocates besides its elements. */
  template <class U>
  Allocator(const Allocator<U> &other) noexcept // NOLINT(google-explicit-constructor)
      : arena_(other.arena()) {}

  aml_arena *arena() const noexcept { return arena_; }

  /** Throws std::bad_array_new_length, which is a std::bad_alloc, if no memory is that large. */
  [[nodiscard]] T *allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T))
      throw std::bad_array_new_length();
    void *const block = aml_arena_alloc(arena_, count * sizeof(T), alignof(T), 0);
    if (block == nullptr)
      throw std::bad_alloc();
    return static_cast<T *>(block);
  }

  void deallocate(T *block, std::size_t) noexcept { aml_arena_free(arena_, block); }

private:
  aml_arena *arena_;
};

/** Whether each may give back what the other allocated. */
template <class T, class U> bool operator==(const Allocator<T> &a, const Allocator<U> &b) noexcept {
  return a.arena() == b.arena();
}

template <class T, class U> bool operator!=(const Allocator<T> &a, const Allocator<U> &b) noexcept {
  return !(a == b);
}

} // namespace aml

#endif
