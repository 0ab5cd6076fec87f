// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse and forward, seen by a scratchpad that only notes what it is
// asked.

#include "aml/core/scratchpad.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

std::string noted;
const aml_tile kTile = aml_tile_bytes(&noted, 1);

int Note(const std::string &call) {
  noted += call + ";";
  return -AML_EIO;
}

const aml_scratchpad_ops kOps = [] {
  aml_scratchpad_ops ops = {};
  ops.name = "fake";
  ops.fini = [](aml_scratchpad *) { (void)Note("fini"); };
  ops.pull = [](aml_scratchpad *, size_t id, unsigned flags, const aml_tile **tile) {
    *tile = &kTile;
    return Note("pull " + std::to_string(id) + " " + std::to_string(flags));
  };
  ops.release = [](aml_scratchpad *, size_t id, bool dirty) {
    return Note("release " + std::to_string(id) + (dirty ? " dirty" : " clean"));
  };
  ops.push = [](aml_scratchpad *, size_t id) { return Note("push " + std::to_string(id)); };
  ops.prefetch = [](aml_scratchpad *, size_t id) { return Note("prefetch " + std::to_string(id)); };
  ops.flush = [](aml_scratchpad *) { return Note("flush"); };
  ops.drop = [](aml_scratchpad *, size_t id) { return Note("drop " + std::to_string(id)); };
  ops.stats = [](const aml_scratchpad *, aml_scratchpad_stats *stats) { stats->hits = 42; };
  ops.validate = [](const aml_scratchpad *) { return Note("validate"); };
  return ops;
}();

class CoreScratchpad : public testing::Test {
protected:
  CoreScratchpad() { noted.clear(); }

  static void ExpectRefused(int err, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_STREQ(sentence, aml_error_detail());
    EXPECT_EQ("", noted) << "forwarded in spite of that";
  }

  // What a call returned, and what was forwarded.
  static void ExpectForwarded(int result, const char *call) {
    EXPECT_EQ(-AML_EIO, result) << "not what the type answered";
    EXPECT_EQ(std::string(call) + ";", noted);
    noted.clear();
  }

  aml_scratchpad pad_{&kOps};
};

TEST_F(CoreScratchpad, CallsAreForwardedWithTheirArguments) {
  const aml_tile *tile = nullptr;
  ExpectForwarded(aml_scratchpad_pull(&pad_, 7, AML_SCRATCHPAD_TRY, &tile), "pull 7 1");
  EXPECT_EQ(&kTile, tile);
  ExpectForwarded(aml_scratchpad_release(&pad_, 7, true), "release 7 dirty");
  ExpectForwarded(aml_scratchpad_release(&pad_, SIZE_MAX, false),
                  "release 18446744073709551615 clean");
  ExpectForwarded(aml_scratchpad_push(&pad_, 1), "push 1");
  ExpectForwarded(aml_scratchpad_prefetch(&pad_, 2), "prefetch 2");
  ExpectForwarded(aml_scratchpad_flush(&pad_), "flush");
  ExpectForwarded(aml_scratchpad_drop(&pad_, 3), "drop 3");
  ExpectForwarded(aml_scratchpad_validate(&pad_), "validate");
  aml_scratchpad_stats stats = {};
  EXPECT_EQ(0, aml_scratchpad_get_stats(&pad_, &stats));
  EXPECT_EQ(42u, stats.hits);
}

TEST_F(CoreScratchpad, NullIsRefusedByName) {
  const aml_tile *tile = nullptr;
  aml_scratchpad_stats stats = {};
  ExpectRefused(aml_scratchpad_pull(nullptr, 0, 0, &tile),
                "aml_scratchpad_pull: scratchpad is null");
  ExpectRefused(aml_scratchpad_pull(&pad_, 0, 0, nullptr), "aml_scratchpad_pull: tile is null");
  ExpectRefused(aml_scratchpad_release(nullptr, 0, true),
                "aml_scratchpad_release: scratchpad is null");
  ExpectRefused(aml_scratchpad_push(nullptr, 0), "aml_scratchpad_push: scratchpad is null");
  ExpectRefused(aml_scratchpad_prefetch(nullptr, 0), "aml_scratchpad_prefetch: scratchpad is null");
  ExpectRefused(aml_scratchpad_flush(nullptr), "aml_scratchpad_flush: scratchpad is null");
  ExpectRefused(aml_scratchpad_drop(nullptr, 0), "aml_scratchpad_drop: scratchpad is null");
  ExpectRefused(aml_scratchpad_validate(nullptr), "aml_scratchpad_validate: scratchpad is null");
  ExpectRefused(aml_scratchpad_get_stats(nullptr, &stats),
                "aml_scratchpad_get_stats: scratchpad is null");
  ExpectRefused(aml_scratchpad_get_stats(&pad_, nullptr),
                "aml_scratchpad_get_stats: stats is null");
}

TEST_F(CoreScratchpad, FiniEndsADeclaredOneAndDestroyACreatedOne) {
  aml_scratchpad_fini(&pad_);
  EXPECT_EQ("fini;", noted);
  aml_scratchpad_fini(nullptr);
  auto *created = static_cast<aml_scratchpad *>(std::malloc(sizeof(aml_scratchpad)));
  created->ops = &kOps;
  aml_scratchpad_destroy(&created);
  EXPECT_EQ("fini;fini;", noted);
  EXPECT_EQ(nullptr, created);
  aml_scratchpad_destroy(&created);
  aml_scratchpad_destroy(nullptr);
  EXPECT_EQ("fini;fini;", noted);
}

} // namespace
