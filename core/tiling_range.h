// SPDX-License-Identifier: BSD-3-Clause
//
// For C++: tiles in a range-based loop.
//
//     aml_tiling_iterator iterator;
//     if (aml_tiling_iterate(tiling, AML_TILING_MORTON, nullptr, nullptr, &iterator) == 0)
//       for (const size_t id : aml::Tiles(iterator))
//         …
//
// A range is a copy of its iterator: it visits what the iterator has still to visit, as often as
// it is asked to begin, and the iterator stays where it is. Begin is an input iterator.

#ifndef AML_CORE_TILING_RANGE_H
#define AML_CORE_TILING_RANGE_H

#ifndef __cplusplus
#error "aml/core/tiling_range.h is for C++; C has AML_TILING_FOR_EACH of aml/core/tiling_iterator.h"
#endif

#include <cstddef>
#include <iterator>

#include "aml/core/tiling_iterator.h"

namespace aml {

/** The tiles that an iterator has still to visit. */
class Tiles {
public:
  class Iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::size_t *;
    using reference = const std::size_t &;

    /** The end of any range. */
    Iterator() = default;
    explicit Iterator(const aml_tiling_iterator &from)
        : state_(from), has_id_(aml_tiling_next(&state_, &id_)) {}

    reference operator*() const { return id_; }
    pointer operator->() const { return &id_; }
    Iterator &operator++() {
      has_id_ = aml_tiling_next(&state_, &id_);
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator &a, const Iterator &b) {
      return a.has_id_ == b.has_id_ &&
             (!a.has_id_ || (a.id_ == b.id_ && aml_tiling_iterator_count(&a.state_) ==
                                                   aml_tiling_iterator_count(&b.state_)));
    }
    friend bool operator!=(const Iterator &a, const Iterator &b) { return !(a == b); }

  private:
    aml_tiling_iterator state_{};
    std::size_t id_ = 0;
    bool has_id_ = false;
  };

  explicit Tiles(const aml_tiling_iterator &iterator) : iterator_(iterator) {}

  Iterator begin() const { return Iterator(iterator_); }
  static Iterator end() { return Iterator(); }
  std::size_t size() const { return aml_tiling_iterator_count(&iterator_); }

private:
  aml_tiling_iterator iterator_;
};

} // namespace aml

#endif
