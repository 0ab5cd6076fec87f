// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/fallback.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/area.h"
#include "aml/tests/fault/area.h"

namespace {

using namespace aml_testing;

aml_area *Linux(size_t guard_size) {
  aml_area *made = nullptr;
  aml_area_linux_options options = {};
  options.guard_size = guard_size;
  EXPECT_EQ(0, aml_area_linux_create(&made, &options));
  return made;
}

// Anonymous memory with room for no mapping of more than a page.
aml_area *Small() {
  static constexpr size_t kMost = 4096;
  static const aml_area_ops ops = [] {
    aml_area_ops small = aml_area_linux_ops;
    small.map = [](aml_area *area, size_t size, const aml_area_map_options *options, void **it) {
      return size > kMost ? aml_error_set(-AML_ENOMEM, "aml_area_map", "size", "is too much")
                          : aml_area_linux_ops.map(area, size, options, it);
    };
    small.resize = [](aml_area *area, void *pointer, size_t old_size, size_t new_size,
                      unsigned flags, void **it) {
      return new_size > kMost
                 ? aml_error_set(-AML_ENOMEM, "aml_area_resize", "new_size", "is too much")
                 : aml_area_linux_ops.resize(area, pointer, old_size, new_size, flags, it);
    };
    return small;
  }();
  aml_area *const made = Linux(0);
  made->ops = &ops;
  return made;
}

// Memory that can do nothing but be mapped.
aml_area *Bare() {
  aml_area *made = nullptr;
  constexpr unsigned kHidden = AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE |
                               AML_AREA_CAN_RESIZE | AML_AREA_CAN_PURGE | AML_AREA_ZEROED;
  EXPECT_EQ(0, aml_area_fault_create(&made, Linux(0), kHidden));
  return made;
}

struct Areas {
  aml_area *plain = Linux(0);
  aml_area *guarded = Linux(1);
  aml_area *small = Small();
  aml_area *bare = Bare();
};

struct AreaFallbackFactory {
  static constexpr size_t kInstances = 4;
  AML_AREA_FALLBACK_DECL(area);

  template <class Make> static int With(size_t i, Make make) {
    static const Areas areas;
    switch (i) {
    case 0: {
      aml_area *const list[] = {areas.plain};
      return make(size_t{1}, list);
    }
    case 1: {
      aml_area *const list[] = {areas.small, areas.small, areas.guarded};
      return make(size_t{3}, list);
    }
    case 2: {
      aml_area *const list[] = {areas.small, areas.bare};
      return make(size_t{2}, list);
    }
    default: {
      aml_area *const list[] = {areas.bare, areas.plain};
      return make(size_t{2}, list);
    }
    }
  }

  int Init(size_t i) {
    return With(i, [this](size_t count, aml_area *const list[]) {
      return aml_area_fallback_init(area, count, list, nullptr);
    });
  }
  static int Create(size_t i, aml_area **created) {
    return With(i, [created](size_t count, aml_area *const list[]) {
      return aml_area_fallback_create(created, count, list, nullptr);
    });
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaFallback, AreaContract, AreaFallbackFactory);

} // namespace
