// SPDX-License-Identifier: BSD-3-Clause
//
// Defects of mappings, info and lives that the contract suite of areas must catch, each by the test
// that is there for it; those of what an area can do besides are in broken_area_range_test.cc.
// Arguments that the generic functions refuse reach no type, so no type can get them wrong.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/area.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/ledger_area.h"

namespace {

using namespace aml_testing;

using MapOptions = aml_area_map_options;

// Mappings

struct MapsTooLittle : LedgerFactory<MapsTooLittle> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *area, size_t size, const MapOptions *options, void **pointer) {
      return Ledger::Map(area, std::max<size_t>(1, size / Ledger::PageSize() * Ledger::PageSize()),
                         options, pointer);
    };
    ops->unmap = [](aml_area *, void *, size_t) { return 0; };
  }
};
EXPECT_CAUGHT(AreaContract, MappingsDoNotOverlapAndKeepTheirContents, MapsTooLittle);

// Hands out one place again and again.
struct MapsOnePlace : LedgerFactory<MapsOnePlace> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *, size_t, const MapOptions *, void **pointer) {
      static char place[1 << 16];
      *pointer = place;
      return 0;
    };
    ops->unmap = [](aml_area *, void *, size_t) { return 0; };
  }
};
EXPECT_CAUGHT(AreaContract, MappingsDoNotOverlapAndKeepTheirContents, MapsOnePlace);

struct MapsDirtyPages : LedgerFactory<MapsDirtyPages> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *area, size_t size, const MapOptions *options, void **pointer) {
      const int err = Ledger::Map(area, size, options, pointer);
      if (!err)
        std::memset(*pointer, 1, 1);
      return err;
    };
  }
};
EXPECT_CAUGHT(AreaContract, FreshMemoryIsZeroWhereTheAreaSaysSo, MapsDirtyPages);
struct PopulatesWithDirt : MapsDirtyPages {};
EXPECT_CAUGHT(AreaContract, PopulatedPagesArePresent, PopulatesWithDirt);

struct CannotSpareZeroes : LedgerFactory<CannotSpareZeroes> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *area, size_t size, const MapOptions *options, void **pointer) {
      if ((options->flags & AML_AREA_MAP_NO_ZERO) != 0)
        return aml_error_set(-AML_ENOTSUP, "aml_area_map", "flags", "are not supported");
      return Ledger::Map(area, size, options, pointer);
    };
  }
};
EXPECT_CAUGHT(AreaContract, ZeroingCanBeWaived, CannotSpareZeroes);

/** Maps without one of the options. */
template <void (*Strip)(MapOptions *options)>
int MapStripped(aml_area *area, size_t size, const MapOptions *options, void **pointer) {
  MapOptions stripped = *options;
  Strip(&stripped);
  return Ledger::Map(area, size, &stripped, pointer);
}

struct ForgetsAlignment : LedgerFactory<ForgetsAlignment> {
  static void Strip(MapOptions *options) { options->alignment = 0; }
  static void Plant(aml_area_ops *ops) { ops->map = MapStripped<Strip>; }
};
EXPECT_CAUGHT(AreaContract, MappingsAreAlignedAsAsked, ForgetsAlignment);

struct TakesLargerAlignments : LedgerFactory<TakesLargerAlignments> {
  static void Strip(MapOptions *options) {
    options->alignment = std::min<size_t>(options->alignment, Ledger::kMaxAlignment);
  }
  static void Plant(aml_area_ops *ops) { ops->map = MapStripped<Strip>; }
};
EXPECT_CAUGHT(AreaContract, TheLargestAlignmentIsWhatInfoSays, TakesLargerAlignments);

struct WrapsSizes : LedgerFactory<WrapsSizes> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *area, size_t size, const MapOptions *options, void **pointer) {
      const size_t rounded = Ledger::RoundUp(size);
      return Ledger::Map(area, rounded == 0 ? 1 : size, options, pointer);
    };
  }
};
EXPECT_CAUGHT(AreaContract, SizesLargerThanMemoryAreRefused, WrapsSizes);

struct TakesHintsForOrders : LedgerFactory<TakesHintsForOrders> {
  static void Plant(aml_area_ops *ops) {
    ops->map = [](aml_area *area, size_t size, const MapOptions *options, void **pointer) {
      if (options->hint == nullptr)
        return Ledger::Map(area, size, options, pointer);
      *pointer = mmap(options->hint, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(AreaContract, AHintIsAWish, TakesHintsForOrders);

struct TakesExactForAWish : LedgerFactory<TakesExactForAWish> {
  static void Strip(MapOptions *options) { options->flags = 0; }
  static void Plant(aml_area_ops *ops) { ops->map = MapStripped<Strip>; }
};
EXPECT_CAUGHT(AreaContract, ExactIsTheHintOrNothing, TakesExactForAWish);

struct UnmapsWholeGranulesOnly : LedgerFactory<UnmapsWholeGranulesOnly> {
  static void Plant(aml_area_ops *ops) {
    ops->unmap = [](aml_area *, void *pointer, size_t size) {
      const size_t whole = size / Ledger::PageSize() * Ledger::PageSize();
      return whole == 0 ? 0 : munmap(pointer, whole);
    };
  }
};
EXPECT_CAUGHT(AreaContract, SizesRoundUpToTheGranularity, UnmapsWholeGranulesOnly);

// Info

/** As Ledger::Info(), and then one thing wrong. */
template <void (*Change)(const void *pointer, aml_area_info *info)>
int ChangedInfo(aml_area *area, const void *pointer, aml_area_info *info) {
  const int err = Ledger::Info(area, pointer, info);
  if (!err)
    Change(pointer, info);
  return err;
}

struct ForgetsItsName : LedgerFactory<ForgetsItsName> {
  static void Change(const void *, aml_area_info *info) { info->type = ""; }
  static void Plant(aml_area_ops *ops) { ops->info = ChangedInfo<Change>; }
};
EXPECT_CAUGHT(AreaContract, InfoDescribesTheArea, ForgetsItsName);

struct ForgetsCapabilities : LedgerFactory<ForgetsCapabilities> {
  static void Change(const void *, aml_area_info *info) { info->capabilities = 0; }
  static void Plant(aml_area_ops *ops) { ops->info = ChangedInfo<Change>; }
};
EXPECT_CAUGHT(AreaContract, InfoDescribesTheArea, ForgetsCapabilities);

struct KnowsStartsOnly : LedgerFactory<KnowsStartsOnly> {
  static void Plant(aml_area_ops *ops) {
    ops->info = [](aml_area *area, const void *pointer, aml_area_info *info) {
      if (reinterpret_cast<uintptr_t>(pointer) % Ledger::PageSize() != 0)
        return aml_error_set(-AML_EINVAL, "aml_area_get_info", "pointer", "is no mapping");
      return Ledger::Info(area, pointer, info);
    };
  }
};
EXPECT_CAUGHT(AreaContract, InfoDescribesAMapping, KnowsStartsOnly);

struct CountsAPageMore : LedgerFactory<CountsAPageMore> {
  static void Change(const void *pointer, aml_area_info *info) {
    info->size += pointer == nullptr ? 0 : Ledger::PageSize();
  }
  static void Plant(aml_area_ops *ops) { ops->info = ChangedInfo<Change>; }
};
EXPECT_CAUGHT(AreaContract, InfoDescribesAMapping, CountsAPageMore);

struct LeavesAFieldOut : LedgerFactory<LeavesAFieldOut> {
  static void Plant(aml_area_ops *ops) {
    ops->info = [](aml_area *area, const void *pointer, aml_area_info *info) {
      const uint64_t before = info->write_latency_ns;
      const int err = Ledger::Info(area, pointer, info);
      info->write_latency_ns = before;
      return err;
    };
  }
};
EXPECT_CAUGHT(AreaContract, InfoFillsEveryField, LeavesAFieldOut);

struct CannotWhatItSays : LedgerFactory<CannotWhatItSays> {
  static void Plant(aml_area_ops *ops) { ops->sync = nullptr; }
};
EXPECT_CAUGHT(AreaContract, CapabilitiesHaveTheirOperations, CannotWhatItSays);

// Threads, processes, and the end

// As state kept per thread would.
struct ServesTheFirstThreadOnly : LedgerFactory<ServesTheFirstThreadOnly> {
  static void Plant(aml_area_ops *ops) {
    ops->unmap = [](aml_area *area, void *pointer, size_t size) {
      static const std::thread::id first = std::this_thread::get_id();
      if (std::this_thread::get_id() != first)
        return aml_error_set(-AML_EINVAL, "aml_area_unmap", "pointer", "is another thread's");
      return Ledger::Unmap(area, pointer, size);
    };
  }
};
EXPECT_CAUGHT(AreaContract, ThreadsShareAnArea, ServesTheFirstThreadOnly);

struct SaysThatItIsShared : LedgerFactory<SaysThatItIsShared> {
  static void Plant(aml_area_ops *ops) {
    ops->capabilities = [](const aml_area *area) {
      return Ledger::Capabilities(area) | static_cast<unsigned>(AML_AREA_SHARED);
    };
  }
};
EXPECT_CAUGHT(AreaContract, OtherProcessesSeeWhatIsShared, SaysThatItIsShared);

struct RecordsSuccess : LedgerFactory<RecordsSuccess> {
  static void Change(const void *, aml_area_info *) {
    (void)aml_error_set(-AML_EINVAL, "aml_area_get_info", nullptr, "worked");
  }
  static void Plant(aml_area_ops *ops) { ops->info = ChangedInfo<Change>; }
};
EXPECT_CAUGHT(AreaContract, CallsThatSucceedLeaveTheLastError, RecordsSuccess);

struct FiniTakesTheOperations : LedgerFactory<FiniTakesTheOperations> {
  static void Plant(aml_area_ops *ops) {
    ops->fini = [](aml_area *area) { area->ops = nullptr; };
  }
};
EXPECT_CAUGHT(AreaContract, FiniOfADeclaredAreaDoesNothing, FiniTakesTheOperations);

struct StaysShared : LedgerFactory<StaysShared> {
  static void Plant(aml_area_ops *) {}
  int Init(size_t i) {
    was_shared = was_shared || i == 1;
    return Ledger::Init(area, was_shared);
  }
  bool was_shared = false;
};
EXPECT_CAUGHT(AreaContract, FiniLeavesStorageAsDeclared, StaysShared);

struct CreatesAnother : LedgerFactory<CreatesAnother> {
  static void Plant(aml_area_ops *) {}
  static int Create(size_t i, aml_area **created) { return LedgerFactory::Create(1 - i, created); }
};
EXPECT_CAUGHT(AreaContract, ACreatedAreaIsLikeADeclaredOne, CreatesAnother);

} // namespace
