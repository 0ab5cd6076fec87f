// SPDX-License-Identifier: BSD-3-Clause
//
// Defects of placement, resize, purge and sync that the contract suite of areas must catch.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/area.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/ledger_area.h"

namespace {

using namespace aml_testing;

struct BindsNothing : LedgerFactory<BindsNothing> {
  static void Plant(aml_area_ops *ops) {
    ops->bind = [](aml_area *, void *, size_t, aml_policy, const aml_nodeset *, unsigned) {
      return 0;
    };
  }
};
EXPECT_CAUGHT(AreaContract, BindSetsThePolicy, BindsNothing);

struct BindsUnasked : LedgerFactory<BindsUnasked> {
  static void Plant(aml_area_ops *ops) {
    ops->capabilities = [](const aml_area *area) {
      return Ledger::Capabilities(area) & ~static_cast<unsigned>(AML_AREA_CAN_BIND);
    };
  }
};
EXPECT_CAUGHT(AreaContract, BindSetsThePolicy, BindsUnasked);

struct BindsThePageOfTheStartOnly : LedgerFactory<BindsThePageOfTheStartOnly> {
  static void Plant(aml_area_ops *ops) {
    ops->bind = [](aml_area *area, void *pointer, size_t, aml_policy policy,
                   const aml_nodeset *devices, unsigned flags) {
      return Ledger::Bind(area, pointer, 1, policy, devices, flags);
    };
  }
};
EXPECT_CAUGHT(AreaContract, BindGrowsToWholePagesAndNoFurther, BindsThePageOfTheStartOnly);

struct MovesToTheOtherDevice : LedgerFactory<MovesToTheOtherDevice> {
  static void Plant(aml_area_ops *ops) {
    ops->bind = [](aml_area *area, void *pointer, size_t size, aml_policy policy,
                   const aml_nodeset *, unsigned flags) {
      const aml_nodeset other = aml_nodeset_of(1);
      return Ledger::Bind(area, pointer, size, policy, &other, flags);
    };
  }
};
EXPECT_CAUGHT(AreaContract, BoundPagesAreOnTheDevice, MovesToTheOtherDevice);

struct BindsToAnyDevice : LedgerFactory<BindsToAnyDevice> {
  static void Plant(aml_area_ops *ops) {
    ops->bind = [](aml_area *area, void *pointer, size_t size, aml_policy policy,
                   const aml_nodeset *devices, unsigned flags) {
      const aml_nodeset first = aml_nodeset_of(0);
      const bool exist = aml_nodeset_last(devices) <= 1;
      return Ledger::Bind(area, pointer, size, policy, exist ? devices : &first, flags);
    };
  }
};
EXPECT_CAUGHT(AreaContract, DevicesThatDoNotExistAreRefused, BindsToAnyDevice);

struct WritesResultsOfAFailure : LedgerFactory<WritesResultsOfAFailure> {
  static void Plant(aml_area_ops *ops) {
    ops->move = [](aml_area *area, size_t count, void *const pointers[], const int devices[],
                   int results[]) {
      results[0] = -AML_EBUSY;
      return Ledger::Move(area, count, pointers, devices, results);
    };
  }
};
EXPECT_CAUGHT(AreaContract, DevicesThatDoNotExistAreRefused, WritesResultsOfAFailure);

/** As Ledger::Locate(), and then one thing wrong. */
template <void (*Change)(size_t count, void *const pointers[], int devices[])>
int ChangedLocate(aml_area *area, size_t count, void *const pointers[], int devices[]) {
  const int err = Ledger::Locate(area, count, pointers, devices);
  Change(count, pointers, devices);
  return err;
}

struct LocatesNothing : LedgerFactory<LocatesNothing> {
  static void Change(size_t, void *const[], int devices[]) { devices[0] = -AML_ENOENT; }
  static void Plant(aml_area_ops *ops) { ops->locate = ChangedLocate<Change>; }
};
EXPECT_CAUGHT(AreaContract, LocateTellsWherePagesAre, LocatesNothing);
struct PopulatesNothing : LocatesNothing {};
EXPECT_CAUGHT(AreaContract, PopulatedPagesArePresent, PopulatesNothing);

struct LocatesTheFirstOnly : LedgerFactory<LocatesTheFirstOnly> {
  static void Plant(aml_area_ops *ops) {
    ops->locate = [](aml_area *area, size_t, void *const pointers[], int devices[]) {
      return Ledger::Locate(area, 1, pointers, devices);
    };
  }
};
EXPECT_CAUGHT(AreaContract, LocateAnswersForEachPointer, LocatesTheFirstOnly);

struct MovesNothing : LedgerFactory<MovesNothing> {
  static void Plant(aml_area_ops *ops) {
    ops->move = [](aml_area *area, size_t count, void *const pointers[], const int devices[],
                   int results[]) {
      const int others[] = {1 - devices[0], 1 - devices[0]};
      const int err = Ledger::Move(area, count, pointers, others, results);
      for (size_t i = 0; !err && i < count; ++i)
        results[i] = devices[i];
      return err;
    };
  }
};
EXPECT_CAUGHT(AreaContract, MovedPagesAreWhereResultsSay, MovesNothing);

/** A new mapping, without the contents of the old one. */
int ResizeAndLose(aml_area *area, void *pointer, size_t old_size, size_t new_size, unsigned,
                  void **new_pointer) {
  const aml_area_map_options defaults = {};
  const int err = Ledger::Map(area, new_size, &defaults, new_pointer);
  return err ? err : Ledger::Unmap(area, pointer, old_size);
}

struct LosesWhatItResizes : LedgerFactory<LosesWhatItResizes> {
  static void Plant(aml_area_ops *ops) { ops->resize = ResizeAndLose; }
};
EXPECT_CAUGHT(AreaContract, ResizedMappingsKeepTheirContents, LosesWhatItResizes);

// Does not know that what it grows into was in use before.
struct GrowsIntoDirt : LedgerFactory<GrowsIntoDirt> {
  static void Plant(aml_area_ops *ops) {
    ops->resize = [](aml_area *area, void *pointer, size_t old_size, size_t new_size,
                     unsigned flags, void **new_pointer) {
      const int err = Ledger::Resize(area, pointer, old_size, new_size, flags, new_pointer);
      if (!err && Ledger::RoundUp(old_size) < new_size)
        static_cast<char *>(*new_pointer)[new_size - 1] = 1;
      return err;
    };
  }
};
EXPECT_CAUGHT(AreaContract, ResizedMappingsKeepTheirContents, GrowsIntoDirt);

struct MovesUnasked : LedgerFactory<MovesUnasked> {
  static void Plant(aml_area_ops *ops) { ops->resize = ResizeAndLose; }
};
EXPECT_CAUGHT(AreaContract, ResizedInPlaceMappingsStay, MovesUnasked);

struct UnmapsBeforeItFails : LedgerFactory<UnmapsBeforeItFails> {
  static void Plant(aml_area_ops *ops) {
    ops->resize = [](aml_area *area, void *pointer, size_t old_size, size_t new_size,
                     unsigned flags, void **new_pointer) {
      const int err = Ledger::Resize(area, pointer, old_size, new_size, flags, new_pointer);
      if (err)
        (void)munmap(pointer, old_size);
      return err;
    };
  }
};
EXPECT_CAUGHT(AreaContract, ResizingPastMemoryChangesNothing, UnmapsBeforeItFails);

struct PurgesNothing : LedgerFactory<PurgesNothing> {
  static void Plant(aml_area_ops *ops) {
    ops->purge = [](aml_area *, void *, size_t) { return 0; };
  }
};
EXPECT_CAUGHT(AreaContract, PurgedPagesAreAsFresh, PurgesNothing);

struct PurgesPartsOfPages : LedgerFactory<PurgesPartsOfPages> {
  static void Plant(aml_area_ops *ops) {
    ops->purge = [](aml_area *area, void *pointer, size_t size) {
      const size_t before = reinterpret_cast<uintptr_t>(pointer) % Ledger::PageSize();
      return Ledger::Purge(area, static_cast<char *>(pointer) - before, size + before);
    };
  }
};
EXPECT_CAUGHT(AreaContract, PurgedPagesAreAsFresh, PurgesPartsOfPages);

struct SyncsByPurging : LedgerFactory<SyncsByPurging> {
  static void Plant(aml_area_ops *ops) { ops->sync = Ledger::Purge; }
};
EXPECT_CAUGHT(AreaContract, SyncChangesNothing, SyncsByPurging);

struct WrapsRanges : LedgerFactory<WrapsRanges> {
  static void Plant(aml_area_ops *ops) {
    ops->purge = [](aml_area *area, void *pointer, size_t size) {
      return Ledger::Wraps(pointer, size) ? 0 : Ledger::Purge(area, pointer, size);
    };
  }
};
EXPECT_CAUGHT(AreaContract, RangesPastTheLastAddressAreRefused, WrapsRanges);

} // namespace
