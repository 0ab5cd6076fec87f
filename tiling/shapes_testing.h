// SPDX-License-Identifier: BSD-3-Clause
//
// Arrays and boxes to cut them into, for the tests of tilings.

#ifndef AML_TILING_SHAPES_TESTING_H
#define AML_TILING_SHAPES_TESTING_H

#include <cstddef>
#include <cstdint>
#include <random>

#include "aml/core/tile.h"

namespace aml_testing {

struct Shape {
  size_t element_size;
  size_t ndims;
  size_t extent[AML_MAX_DIMS];
  size_t tile_extent[AML_MAX_DIMS];
};

/** One element, one tile, clipped edges, tiles of one element, one to eight dimensions. */
constexpr Shape kShapes[] = {
    {1, 1, {1}, {1}},
    {8, 1, {10}, {4}},
    {4, 1, {6}, {SIZE_MAX}},
    {8, 2, {5, 7}, {2, 3}},
    {3, 2, {4, 6}, {4, 6}},
    {8, 2, {1, 9}, {3, 2}},
    {2, 2, {8, 3}, {1, 1}},
    {4, 3, {3, 4, 5}, {2, 2, 2}},
    {16, 3, {4, 4, 4}, {2, 4, 1}},
    {1, 4, {2, 3, 1, 5}, {1, 2, 1, 3}},
    {8, 8, {2, 1, 3, 1, 2, 1, 2, 3}, {1, 1, 2, 1, 2, 1, 1, 2}},
};
constexpr size_t kShapeCount = sizeof kShapes / sizeof kShapes[0];

/** As kShapes, without extents that a padded array could not have. */
inline Shape PaddedShape(size_t i) {
  Shape shape = kShapes[i];
  for (size_t &extent : shape.tile_extent)
    extent = extent == SIZE_MAX ? 7 : extent;
  return shape;
}

inline Shape RandomShape(std::mt19937 *random) {
  Shape shape = {};
  shape.element_size = 1 + (*random)() % 9;
  shape.ndims = 1 + (*random)() % 5;
  const size_t most = shape.ndims < 3 ? 30 : 7;
  for (size_t d = 0; d < shape.ndims; ++d) {
    shape.extent[d] = 1 + (*random)() % most;
    shape.tile_extent[d] = 1 + (*random)() % (shape.extent[d] + 2);
  }
  return shape;
}

/** A tile of a shape with random strides that leave gaps, a random order, some of them backwards.
 *  Its base is no address. */
inline aml_tile RandomLayout(const Shape &shape, std::mt19937 *random) {
  aml_tile datum = {};
  datum.base = reinterpret_cast<void *>(uintptr_t{1} << 40);
  datum.element_size = shape.element_size;
  datum.ndims = shape.ndims;
  bool done[AML_MAX_DIMS] = {};
  auto stride = static_cast<ptrdiff_t>(shape.element_size + (*random)() % 3);
  for (size_t left = shape.ndims; left > 0; --left) {
    size_t d = (*random)() % shape.ndims;
    while (done[d])
      d = (d + 1) % shape.ndims;
    done[d] = true;
    datum.extent[d] = shape.extent[d];
    datum.stride_bytes[d] = (*random)() % 4 == 0 ? -stride : stride;
    stride =
        stride * static_cast<ptrdiff_t>(shape.extent[d]) + static_cast<ptrdiff_t>((*random)() % 4);
  }
  return datum;
}

} // namespace aml_testing

#endif
