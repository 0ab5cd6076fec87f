// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of area:cached share.

#ifndef AML_AREA_CACHED_TESTING_H
#define AML_AREA_CACHED_TESTING_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/cached.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

// A cache over an area, ended with the scope.
struct Cached {
  explicit Cached(aml_area *inner, size_t max_size = 0, uint64_t max_age_ns = 0) {
    aml_area_cached_options options = {};
    options.max_size = max_size;
    options.max_age_ns = max_age_ns;
    EXPECT_EQ(0, aml_area_cached_init(area, inner, &options)) << aml_error_detail();
  }
  Cached(const Cached &) = delete;
  ~Cached() { aml_area_fini(area); }

  aml_area_cached_stats Stats() {
    aml_area_cached_stats stats = {};
    EXPECT_EQ(0, aml_area_cached_get_stats(area, &stats));
    return stats;
  }
  AML_AREA_CACHED_DECL(area);
};

// Pages that can fail, and are counted.
class AreaCached : public testing::Test {
protected:
  AreaCached() { EXPECT_EQ(0, aml_area_fault_init(inner_, pages_.get(), 0)); }
  ~AreaCached() override {
    EXPECT_EQ(0, pages_.live());
    aml_area_fini(inner_);
  }
  PageArea pages_;
  AML_AREA_FAULT_DECL(inner_);
};

#endif
