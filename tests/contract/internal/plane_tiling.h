// SPDX-License-Identifier: BSD-3-Clause
//
// A small type of tiling that keeps its contract, for defects to be planted in: a matrix cut into
// rectangles. Edge tiles are clipped, or padded downwards; tiles may reach into the next ones.

#ifndef AML_TESTS_CONTRACT_INTERNAL_PLANE_TILING_H
#define AML_TESTS_CONTRACT_INTERNAL_PLANE_TILING_H

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"

namespace aml_testing {

struct PlaneShape {
  aml_tiling_cover cover;
  size_t halo; // rows and columns that a tile has in common with the next one
  size_t extent[2];
  size_t tile_extent[2];
};

constexpr PlaneShape kPlaneShapes[] = {
    {AML_TILING_PARTITION, 0, {5, 7}, {2, 3}}, {AML_TILING_PARTITION, 0, {1, 1}, {1, 1}},
    {AML_TILING_PARTITION, 0, {4, 6}, {4, 6}}, {AML_TILING_OVERLAPPING, 1, {6, 9}, {2, 3}},
    {AML_TILING_PADDED, 0, {5, 7}, {2, 4}},
};

struct Plane {
  static constexpr size_t kElementSize = 4;

  aml_tiling tiling;
  PlaneShape shape;
  size_t grid[2];

  static const Plane *Of(const aml_tiling *tiling) {
    return reinterpret_cast<const Plane *>(tiling);
  }

  static int Init(aml_tiling *tiling, const PlaneShape &shape) {
    auto *const plane = reinterpret_cast<Plane *>(tiling);
    plane->shape = shape;
    for (size_t d = 0; d < 2; ++d)
      plane->grid[d] = (shape.extent[d] + shape.tile_extent[d] - 1) / shape.tile_extent[d];
    return 0;
  }

  static void Fini(aml_tiling *tiling) {
    const aml_tiling_ops *const ops = tiling->ops;
    *reinterpret_cast<Plane *>(tiling) = Plane{};
    tiling->ops = ops;
  }

  static size_t Count(const aml_tiling *tiling) {
    return Of(tiling)->grid[0] * Of(tiling)->grid[1];
  }

  /** Where tile number `at` of a dimension ends, from its first element on. */
  size_t ExtentAt(size_t d, size_t at) const {
    const size_t left = shape.extent[d] - at * shape.tile_extent[d];
    if (shape.cover == AML_TILING_PADDED && d == 0)
      return shape.tile_extent[d];
    return std::min(left, shape.tile_extent[d] + shape.halo);
  }

  static void Info(const aml_tiling *tiling, aml_tiling_info *info) {
    const Plane *const plane = Of(tiling);
    *info = aml_tiling_info{};
    info->type = tiling->ops->name;
    info->cover = plane->shape.cover;
    info->element_size = info->max_tile_size = info->storage_size = kElementSize;
    info->ndims = info->grid_ndims = 2;
    info->count = Count(tiling);
    for (size_t d = 0; d < 2; ++d) {
      info->extent[d] = plane->shape.extent[d];
      info->grid[d] = plane->grid[d];
      info->tile_extent[d] = plane->ExtentAt(d, 0);
      info->max_tile_size *= info->tile_extent[d];
      const bool padded = info->cover == AML_TILING_PADDED && d == 0;
      info->storage_size *= padded ? plane->grid[d] * info->tile_extent[d] : info->extent[d];
    }
  }

  static int Id(const aml_tiling *tiling, const size_t coords[], size_t *id) {
    const Plane *const plane = Of(tiling);
    if (coords[0] >= plane->grid[0] || coords[1] >= plane->grid[1])
      return aml_error_set(-AML_EINVAL, "aml_tiling_id", "coords", "are outside the grid");
    *id = coords[0] * plane->grid[1] + coords[1];
    return 0;
  }

  static int Coords(const aml_tiling *tiling, size_t id, size_t coords[]) {
    if (id >= Count(tiling))
      return aml_error_set(-AML_EINVAL, "aml_tiling_coords", "id", "is too large");
    coords[0] = id / Of(tiling)->grid[1];
    coords[1] = id % Of(tiling)->grid[1];
    return 0;
  }

  static int TileExtent(const aml_tiling *tiling, size_t id, size_t extent[]) {
    const Plane *const plane = Of(tiling);
    if (id >= Count(tiling))
      return aml_error_set(-AML_EINVAL, "aml_tiling_tile_extent", "id", "is too large");
    extent[0] = plane->ExtentAt(0, id / plane->grid[1]);
    extent[1] = plane->ExtentAt(1, id % plane->grid[1]);
    return 0;
  }

  bool Takes(const aml_tile &datum) const {
    if (datum.ndims != 2 || datum.element_size != kElementSize ||
        datum.extent[0] != shape.extent[0] || datum.extent[1] != shape.extent[1])
      return false;
    // Where padding is must be known: the rows lie one behind the other.
    const auto dense = static_cast<ptrdiff_t>(kElementSize);
    return shape.cover != AML_TILING_PADDED ||
           (datum.stride_bytes[1] == dense &&
            datum.stride_bytes[0] == dense * static_cast<ptrdiff_t>(shape.extent[1]));
  }

  static int Tile(const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
    const Plane *const plane = Of(tiling);
    if (id >= Count(tiling))
      return aml_error_set(-AML_EINVAL, "aml_tiling_tile", "id", "is too large");
    if (!plane->Takes(*datum))
      return aml_error_set(-AML_EINVAL, "aml_tiling_tile", "datum", "is not what is cut");
    const size_t coords[] = {id / plane->grid[1], id % plane->grid[1]};
    const size_t first[] = {coords[0] * plane->shape.tile_extent[0],
                            coords[1] * plane->shape.tile_extent[1]};
    *tile = *datum;
    tile->base = aml_tile_address(datum, first);
    for (size_t d = 0; d < 2; ++d)
      tile->extent[d] = plane->ExtentAt(d, coords[d]);
    return 0;
  }
};

/** The type's operations, with a defect planted. */
inline aml_tiling_ops PlaneOps(void (*plant)(aml_tiling_ops *ops)) {
  aml_tiling_ops ops = {"plane",   Plane::Fini,   Plane::Info,       Plane::Count,
                        Plane::Id, Plane::Coords, Plane::TileExtent, Plane::Tile};
  plant(&ops);
  return ops;
}

/** A factory for the suite, of planes with the defect that `Derived::Plant(ops)` plants. */
template <class Derived> struct PlaneFactory {
  static constexpr size_t kInstances = sizeof kPlaneShapes / sizeof kPlaneShapes[0];

  static const aml_tiling_ops *Ops() {
    static const aml_tiling_ops ops = PlaneOps(Derived::Plant);
    return &ops;
  }

  Plane plane = {{Ops()}, {}, {}};
  aml_tiling *tiling = &plane.tiling;

  int Init(size_t i) { return Plane::Init(tiling, kPlaneShapes[i]); }

  static int Create(size_t i, aml_tiling **created) {
    auto *const plane = static_cast<Plane *>(std::calloc(1, sizeof(Plane)));
    if (plane == nullptr)
      return aml_error_set(-AML_ENOMEM, "Create", nullptr, "no memory");
    plane->tiling.ops = Ops();
    *created = &plane->tiling;
    return Plane::Init(*created, kPlaneShapes[i]);
  }

  static bool Accepts(size_t i, TilingLayout layout) {
    // Of the padded one the rows are whole tiles' width apart, if there is room.
    return kPlaneShapes[i].cover != AML_TILING_PADDED || layout == TilingLayout::kRow;
  }
};

} // namespace aml_testing

#endif
