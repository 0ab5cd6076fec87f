// SPDX-License-Identifier: BSD-3-Clause
//
// Defects that the contract suite of tilings must catch, each by the test that is there for it.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/plane_tiling.h"
#include "aml/tests/contract/tiling.h"

namespace {

using namespace aml_testing;

// Info and the grid

struct ForgetsItsName : PlaneFactory<ForgetsItsName> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      info->type = "";
    };
  }
};
EXPECT_CAUGHT(TilingContract, InfoDescribesATiling, ForgetsItsName);

struct AsksForTooLittleStorage : PlaneFactory<AsksForTooLittleStorage> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      info->storage_size -= 1;
    };
  }
};
EXPECT_CAUGHT(TilingContract, InfoDescribesATiling, AsksForTooLittleStorage);

// Rounds down, and so forgets clipped tiles.
struct LosesTheEdge : PlaneFactory<LosesTheEdge> {
  static void Plant(aml_tiling_ops *ops) {
    ops->count = [](const aml_tiling *tiling) {
      const PlaneShape &shape = Plane::Of(tiling)->shape;
      return (shape.extent[0] / shape.tile_extent[0]) * (shape.extent[1] / shape.tile_extent[1]);
    };
  }
};
EXPECT_CAUGHT(TilingContract, TheGridHoldsEachTileOnce, LosesTheEdge);

// Ids and coordinates

struct SwapsCoordinates : PlaneFactory<SwapsCoordinates> {
  static void Plant(aml_tiling_ops *ops) {
    ops->coords = [](const aml_tiling *tiling, size_t id, size_t coords[]) {
      size_t swapped[2] = {};
      const int err = Plane::Coords(tiling, id, swapped);
      if (!err) {
        coords[0] = swapped[1];
        coords[1] = swapped[0];
      }
      return err;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IdsAndCoordinatesDetermineEachOther, SwapsCoordinates);

struct OverstatesItsSteps : PlaneFactory<OverstatesItsSteps> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      info->id_step[0] = info->grid[1] + 1;
      info->id_step[1] = 1;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IdsAndCoordinatesDetermineEachOther, OverstatesItsSteps);

struct WritesTooManyCoordinates : PlaneFactory<WritesTooManyCoordinates> {
  static void Plant(aml_tiling_ops *ops) {
    ops->coords = [](const aml_tiling *tiling, size_t id, size_t coords[]) {
      const int err = Plane::Coords(tiling, id, coords);
      if (!err)
        coords[2] = 0;
      return err;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IdsAndCoordinatesDetermineEachOther, WritesTooManyCoordinates);

struct TakesOneIdTooMany : PlaneFactory<TakesOneIdTooMany> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      return Plane::Tile(tiling, datum, id == Plane::Count(tiling) ? id - 1 : id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, IdsThatAreNotBelowTheCountAreRefused, TakesOneIdTooMany);

struct RefusesInSilence : PlaneFactory<RefusesInSilence> {
  static void Plant(aml_tiling_ops *ops) {
    ops->coords = [](const aml_tiling *tiling, size_t id, size_t coords[]) {
      return id < Plane::Count(tiling) ? Plane::Coords(tiling, id, coords) : -AML_EINVAL;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IdsThatAreNotBelowTheCountAreRefused, RefusesInSilence);

struct ChecksTheFirstCoordinateOnly : PlaneFactory<ChecksTheFirstCoordinateOnly> {
  static void Plant(aml_tiling_ops *ops) {
    ops->id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
      const size_t second = coords[1] % Plane::Of(tiling)->grid[1];
      const size_t within[] = {coords[0], second};
      return Plane::Id(tiling, within, id);
    };
  }
};
EXPECT_CAUGHT(TilingContract, CoordinatesOutsideTheGridAreRefused, ChecksTheFirstCoordinateOnly);

struct WritesBeforeItChecks : PlaneFactory<WritesBeforeItChecks> {
  static void Plant(aml_tiling_ops *ops) {
    ops->id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
      *id = coords[0] * Plane::Of(tiling)->grid[1] + coords[1];
      return Plane::Id(tiling, coords, id);
    };
  }
};
EXPECT_CAUGHT(TilingContract, CoordinatesOutsideTheGridAreRefused, WritesBeforeItChecks);

// Tiles. A defect here changes what the right operation answers.

template <void (*kChange)(const Plane &plane, size_t id, aml_tile *tile)>
int ChangedTile(const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
  const int err = Plane::Tile(tiling, datum, id, tile);
  if (!err)
    kChange(*Plane::Of(tiling), id, tile);
  return err;
}

struct DoesNotClip : PlaneFactory<DoesNotClip> {
  static void Change(const Plane &plane, size_t, aml_tile *tile) {
    tile->extent[1] = plane.ExtentAt(1, 0);
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, TilesAreValidAndWithinTheDatum, DoesNotClip);

struct CutsATileOfNothing : PlaneFactory<CutsATileOfNothing> {
  static void Change(const Plane &, size_t id, aml_tile *tile) {
    if (id == 3)
      tile->extent[0] = 0;
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, TilesAreValidAndWithinTheDatum, CutsATileOfNothing);

struct LeavesOutALine : PlaneFactory<LeavesOutALine> {
  static void Change(const Plane &, size_t id, aml_tile *tile) {
    if (id == 1)
      --tile->extent[1];
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, TilesCoverTheDatumAsInfoSays, LeavesOutALine);

struct HidesThatTilesOverlap : PlaneFactory<HidesThatTilesOverlap> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      if (info->cover == AML_TILING_OVERLAPPING)
        info->cover = AML_TILING_PARTITION;
    };
  }
};
EXPECT_CAUGHT(TilingContract, TilesCoverTheDatumAsInfoSays, HidesThatTilesOverlap);

struct UnderstatesItsTiles : PlaneFactory<UnderstatesItsTiles> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      if (info->tile_extent[1] > 1) {
        --info->tile_extent[1];
        info->max_tile_size = info->tile_extent[0] * info->tile_extent[1] * info->element_size;
      }
    };
  }
};
EXPECT_CAUGHT(TilingContract, InfoTellsTheLargestTile, UnderstatesItsTiles);

struct TellsTheLargestExtentOfEach : PlaneFactory<TellsTheLargestExtentOfEach> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile_extent = [](const aml_tiling *tiling, size_t id, size_t extent[]) {
      return Plane::TileExtent(tiling, id < Plane::Count(tiling) ? 0 : id, extent);
    };
  }
};
EXPECT_CAUGHT(TilingContract, ExtentsAreThoseOfTheTile, TellsTheLargestExtentOfEach);

struct ForgetsTheArea : PlaneFactory<ForgetsTheArea> {
  static void Change(const Plane &, size_t, aml_tile *tile) { tile->area = nullptr; }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, TilesAreInTheDatumsArea, ForgetsTheArea);

struct ReadsTheDatum : PlaneFactory<ReadsTheDatum> {
  static void Change(const Plane &, size_t id, aml_tile *tile) {
    if (id == 2 && *static_cast<const volatile char *>(tile->base) == 1)
      ++tile->extent[0];
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, NoByteOfADatumIsTouched, ReadsTheDatum);

// Data that must be refused, or must not

struct TakesLargerData : PlaneFactory<TakesLargerData> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      aml_tile cut = *datum;
      if (cut.ndims == 2 && cut.extent[1] > Plane::Of(tiling)->shape.extent[1])
        cut.extent[1] = Plane::Of(tiling)->shape.extent[1];
      return Plane::Tile(tiling, &cut, id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, DataOfAnotherShapeAreRefused, TakesLargerData);

struct TakesAnyElements : PlaneFactory<TakesAnyElements> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      aml_tile cut = *datum;
      cut.element_size = Plane::kElementSize;
      return Plane::Tile(tiling, &cut, id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, DataOfAnotherShapeAreRefused, TakesAnyElements);

struct TakesMoreDimensions : PlaneFactory<TakesMoreDimensions> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      aml_tile cut = *datum;
      cut.ndims = cut.ndims == 3 ? 2 : cut.ndims;
      return Plane::Tile(tiling, &cut, id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, DataOfOtherDimensionsAreRefused, TakesMoreDimensions);

struct TakesLayoutsThatItCannotPad : PlaneFactory<TakesLayoutsThatItCannotPad> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      Plane plane = *Plane::Of(tiling);
      plane.shape.cover = AML_TILING_PARTITION;
      return Plane::Tile(&plane.tiling, datum, id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, LayoutsThatTheTypeDoesNotTakeAreRefused, TakesLayoutsThatItCannotPad);

struct ReadsBehindTheDimensions : PlaneFactory<ReadsBehindTheDimensions> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      aml_tile cut = *datum;
      cut.element_size += datum->stride_bytes[2] == PTRDIFF_MAX ? 1 : 0;
      return Plane::Tile(tiling, &cut, id, tile);
    };
  }
};
EXPECT_CAUGHT(TilingContract, WhatIsBehindADatumsDimensionsIsNotRead, ReadsBehindTheDimensions);

// Iterators, which go by the type's ids and by its info

struct RefusesTheLastTilesCoordinates : PlaneFactory<RefusesTheLastTilesCoordinates> {
  static void Plant(aml_tiling_ops *ops) {
    ops->id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
      size_t found = 0;
      const int err = Plane::Id(tiling, coords, &found);
      if (!err && found + 1 == Plane::Count(tiling))
        return aml_error_set(-AML_EINVAL, "aml_tiling_id", "coords", "are refused");
      if (!err)
        *id = found;
      return err;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IteratorsVisitABoxInTheirOrder, RefusesTheLastTilesCoordinates);

struct GivesTwoTilesOneId : PlaneFactory<GivesTwoTilesOneId> {
  static void Plant(aml_tiling_ops *ops) {
    ops->id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
      const int err = Plane::Id(tiling, coords, id);
      if (!err && *id == 1)
        *id = 0;
      return err;
    };
  }
};
EXPECT_CAUGHT(TilingContract, IteratorsVisitEachTileOnce, GivesTwoTilesOneId);

struct OverstatesItsGrid : PlaneFactory<OverstatesItsGrid> {
  static void Plant(aml_tiling_ops *ops) {
    ops->info = [](const aml_tiling *tiling, aml_tiling_info *info) {
      Plane::Info(tiling, info);
      ++info->grid[1];
    };
  }
};
EXPECT_CAUGHT(TilingContract, PartsInAscendingOrderAreTheWholeIteration, OverstatesItsGrid);
struct OverstatesItsGridForForks : OverstatesItsGrid {};
EXPECT_CAUGHT(TilingContract, AnIterationUnderWayCanBeForkedAndSplit, OverstatesItsGridForForks);
struct OverstatesItsGridForEnds : OverstatesItsGrid {};
EXPECT_CAUGHT(TilingContract, BehindTheEndOfAnIterationThereIsNothing, OverstatesItsGridForEnds);

// Whether calls change something, and the end

struct RemembersItsLastTile : PlaneFactory<RemembersItsLastTile> {
  static void Plant(aml_tiling_ops *ops) {
    ops->tile = [](const aml_tiling *tiling, const aml_tile *datum, size_t id, aml_tile *tile) {
      static aml_tile last;
      static size_t last_id = SIZE_MAX;
      const int err = id == last_id ? 0 : Plane::Tile(tiling, datum, id, &last);
      if (!err) {
        last_id = id;
        *tile = last;
      }
      return err;
    };
  }
};
EXPECT_CAUGHT(TilingContract, AnswersDoNotDependOnCallsBefore, RemembersItsLastTile);

struct RecordsSuccess : PlaneFactory<RecordsSuccess> {
  static void Change(const Plane &, size_t, aml_tile *) {
    (void)aml_error_set(-AML_EINVAL, "aml_tiling_tile", nullptr, "worked");
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, CallsThatSucceedLeaveTheLastError, RecordsSuccess);

// As state kept per thread would.
struct AnswersTheFirstThreadOnly : PlaneFactory<AnswersTheFirstThreadOnly> {
  static void Change(const Plane &, size_t, aml_tile *tile) {
    static const std::thread::id first = std::this_thread::get_id();
    if (std::this_thread::get_id() != first)
      tile->extent[0] = 1;
  }
  static void Plant(aml_tiling_ops *ops) { ops->tile = ChangedTile<Change>; }
};
EXPECT_CAUGHT(TilingContract, ThreadsShareATiling, AnswersTheFirstThreadOnly);

struct FiniTakesTheOperations : PlaneFactory<FiniTakesTheOperations> {
  static void Plant(aml_tiling_ops *ops) {
    ops->fini = [](aml_tiling *tiling) { tiling->ops = nullptr; };
  }
};
EXPECT_CAUGHT(TilingContract, FiniOfADeclaredTilingDoesNothing, FiniTakesTheOperations);

struct KeepsItsOldGrid : PlaneFactory<KeepsItsOldGrid> {
  static void Plant(aml_tiling_ops *ops) {
    ops->fini = [](aml_tiling *) {};
  }
  int Init(size_t i) {
    const size_t old = plane.grid[0];
    const int err = Plane::Init(tiling, kPlaneShapes[i]);
    if (old != 0)
      plane.grid[0] = old;
    return err;
  }
};
EXPECT_CAUGHT(TilingContract, FiniLeavesStorageAsDeclared, KeepsItsOldGrid);

struct CreatesAnotherShape : PlaneFactory<CreatesAnotherShape> {
  static void Plant(aml_tiling_ops *) {}
  static int Create(size_t i, aml_tiling **created) {
    const int err = PlaneFactory::Create(i, created);
    if (!err)
      std::swap(reinterpret_cast<Plane *>(*created)->shape.tile_extent[0],
                reinterpret_cast<Plane *>(*created)->shape.tile_extent[1]);
    return err;
  }
};
EXPECT_CAUGHT(TilingContract, ACreatedTilingIsLikeADeclaredOne, CreatesAnotherShape);

} // namespace
