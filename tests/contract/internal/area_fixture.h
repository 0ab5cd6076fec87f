// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of areas (tests/contract/area.h), and what its tests share.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_FIXTURE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"

namespace aml_testing {

template <class Factory> class AreaContract : public testing::Test {
protected:
  /** Calls `check` with each of the factory's areas. */
  static void OnEach(void (*check)(aml_area *area)) {
    for (size_t i = 0; i < Factory::kInstances; ++i) {
      SCOPED_TRACE(testing::Message() << "instance " << i);
      Factory factory;
      ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
      check(factory.area);
      aml_area_fini(factory.area);
    }
  }
};

TYPED_TEST_SUITE_P(AreaContract);

inline bool Can(const aml_area *area, aml_area_capability capability) {
  return (aml_area_capabilities(area) & static_cast<unsigned>(capability)) != 0;
}

/** Whether the host may look at the area's memory, and write there. */
inline bool IsHostMemory(const aml_area *area) {
  return Can(area, AML_AREA_HOST_READABLE) && Can(area, AML_AREA_HOST_WRITABLE);
}

inline aml_area_info InfoOf(aml_area *area, const void *pointer = nullptr) {
  aml_area_info info = {};
  EXPECT_EQ(0, aml_area_get_info(area, pointer, &info)) << aml_error_detail();
  return info;
}

inline size_t GranularityOf(aml_area *area) {
  return std::max<size_t>(1, InfoOf(area).granularity);
}

/** `size` as the area rounds it up. */
inline size_t Rounded(aml_area *area, size_t size) {
  const size_t granularity = GranularityOf(area);
  return (size + granularity - 1) / granularity * granularity;
}

inline bool IsOneOf(int code, const std::set<int> &codes) {
  return codes.count(code) != 0;
}

/** A mapping that ends with its scope; where the host can, its granules are filled and checked. */
class Mapping {
public:
  explicit Mapping(aml_area *area, size_t size, const aml_area_map_options *options = nullptr)
      : area_(area), size_(size), bytes_(static_cast<char *>(aml_area_map(area, size, options))) {
    EXPECT_NE(nullptr, bytes_) << size << " bytes: " << aml_error_detail();
  }
  Mapping(const Mapping &) = delete;
  ~Mapping() { EXPECT_EQ(0, aml_area_unmap(area_, bytes_, size_)) << aml_error_detail(); }

  char *bytes() const { return bytes_; }
  size_t size() const { return size_; }
  bool ok() const { return bytes_ != nullptr; }

  void Fill(unsigned seed) {
    if (ok() && IsHostMemory(area_))
      aml_testing::Fill(bytes_, Rounded(area_, size_), seed);
  }

  /** True where the host cannot know. */
  bool Holds(unsigned seed) const {
    return !IsHostMemory(area_) || aml_testing::Holds(bytes_, Rounded(area_, size_), seed);
  }

  /** Takes what aml_area_resize() returned. */
  void Resized(void *bytes, size_t size) {
    bytes_ = static_cast<char *>(bytes);
    size_ = size;
  }

private:
  aml_area *area_;
  size_t size_;
  char *bytes_;
};

} // namespace aml_testing

#endif
