// SPDX-License-Identifier: BSD-3-Clause
//
// A consumer in C++ of one target: a bump arena behind a std::pmr::memory_resource.

#include <cstdio>
#include <memory_resource>
#include <new>
#include <vector>

#include "aml/arena/bump.h"

namespace {

class Resource : public std::pmr::memory_resource {
public:
  explicit Resource(aml_arena *arena) : arena_(arena) {}

private:
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    void *block = aml_arena_alloc(arena_, size, alignment, 0);
    if (block == nullptr)
      throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void *block, std::size_t, std::size_t) override {
    aml_arena_free(arena_, block);
  }
  bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }

  aml_arena *arena_;
};

} // namespace

int main() {
  alignas(64) static char region[4096];
  aml_arena_bump_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  AML_ARENA_BUMP_DECL(arena);
  if (aml_arena_bump_init(arena, nullptr, &options) != 0)
    return 1;
  {
    Resource resource(arena);
    std::pmr::vector<int> numbers(&resource);
    for (int i = 0; i < 10; ++i)
      numbers.push_back(i);
    std::printf("%d\n", numbers[9]);
  }
  aml_arena_fini(arena);
  return 0;
}
