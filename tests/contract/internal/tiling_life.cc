// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/tiling_life.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/tiling_fixture.h"
#include "aml/tests/contract/internal/tiling_oracle.h"

namespace aml_testing {

namespace {

/** What a tiling answers on each of a datum's tiles, in ascending order. */
std::vector<Numbers> AllAnswers(const aml_tiling *tiling, const aml_tile &datum) {
  std::vector<Numbers> all;
  for (size_t id = 0; id < aml_tiling_count(tiling); ++id)
    all.push_back(AnswersOn(tiling, datum, id));
  return all;
}

} // namespace

void CheckAnswersDoNotDependOnCallsBefore(aml_tiling *tiling, const LaidOut &data) {
  std::mt19937 random(9);
  const LaidOut other(InfoOf(tiling), TilingLayout::kRow);
  const std::vector<Numbers> expected = AllAnswers(tiling, data.datum());
  const Numbers info = NumbersOf(InfoOf(tiling));
  for (int round = 0; round < 100; ++round) {
    const size_t id = random() % expected.size();
    switch (random() % 3) {
    case 0:
      ASSERT_EQ(expected[id], AnswersOn(tiling, data.datum(), id));
      break;
    case 1:
      (void)AnswersOn(tiling, other.datum(), id);
      break;
    default:
      (void)AnswersOn(tiling, data.datum(), expected.size() + id); // refused
    }
    ASSERT_EQ(info, NumbersOf(InfoOf(tiling)));
  }
}

void CheckCallsThatSucceedLeaveTheLastError(aml_tiling *tiling, const LaidOut &data) {
  for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
    aml_tile tile;
    ForgetTheLastError();
    if (aml_tiling_tile(tiling, &data.datum(), id, &tile))
      continue; // a tile without elements, which is recorded
    (void)AnswersOn(tiling, data.datum(), id);
    ASSERT_TRUE(NothingWasRecorded()) << aml_error_detail();
  }
  ForgetTheLastError();
  (void)IdsOf(tiling, AML_TILING_COLUMN_REVERSE, WholeGrid(InfoOf(tiling)));
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
}

void CheckThreadsShareATiling(aml_tiling *tiling, const LaidOut &data) {
  const std::vector<Numbers> expected = AllAnswers(tiling, data.datum());
  const Numbers info = NumbersOf(InfoOf(tiling));
  std::atomic<size_t> ready{0};
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (++ready; ready < 3;)
        std::this_thread::yield();
      for (size_t i = 0; i < expected.size(); ++i) {
        const size_t id = t == 0 ? i : expected.size() - 1 - i;
        aml_tiling_info seen;
        if (aml_tiling_get_info(tiling, &seen) || NumbersOf(seen) != info ||
            AnswersOn(tiling, data.datum(), id) != expected[id])
          ++wrong;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, wrong) << "answers differ from those of one thread alone";
}

void CheckFiniOfADeclaredTilingDoesNothing(const TilingFactory &any) {
  const TilingFactory::Made factory = any.make();
  const aml_tiling_ops *const ops = factory.tiling->ops;
  aml_tiling_fini(nullptr);
  for (int i = 0; i < 2; ++i) {
    aml_tiling_fini(factory.tiling);
    ASSERT_EQ(ops, factory.tiling->ops);
  }
  ASSERT_EQ(0, factory.Init(0)) << aml_error_detail();
  EXPECT_GE(aml_tiling_count(factory.tiling), 1u);
  aml_tiling_fini(factory.tiling);
}

void CheckFiniLeavesStorageAsDeclared(const TilingFactory &any) {
  const TilingFactory::Made reused = any.make();
  const aml_tiling_ops *const ops = reused.tiling->ops;
  for (size_t i = 0; i < 2 * any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const TilingFactory::Made fresh = any.make();
    // Each after each other one: small after large too.
    const size_t instance = i * (any.instances - 1) % any.instances;
    ASSERT_EQ(0, reused.Init(instance)) << aml_error_detail();
    ASSERT_EQ(0, fresh.Init(instance)) << aml_error_detail();
    const LaidOut data(InfoOf(fresh.tiling), AnyLayout(any, instance));
    EXPECT_EQ(NumbersOf(InfoOf(fresh.tiling)), NumbersOf(InfoOf(reused.tiling)));
    EXPECT_EQ(AllAnswers(fresh.tiling, data.datum()), AllAnswers(reused.tiling, data.datum()));
    aml_tiling_fini(fresh.tiling);
    aml_tiling_fini(reused.tiling);
    ASSERT_EQ(ops, reused.tiling->ops);
    aml_tiling_fini(reused.tiling);
    ASSERT_EQ(ops, reused.tiling->ops);
  }
}

void CheckACreatedTilingIsLikeADeclaredOne(const TilingFactory &any) {
  aml_tiling *none = nullptr;
  aml_tiling_destroy(&none);
  aml_tiling_destroy(nullptr);
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const TilingFactory::Made factory = any.make();
    aml_tiling *created = nullptr;
    ASSERT_EQ(0, any.create(i, &created)) << aml_error_detail();
    ASSERT_NE(nullptr, created);
    ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
    const LaidOut data(InfoOf(created), AnyLayout(any, i));
    EXPECT_EQ(NumbersOf(InfoOf(factory.tiling)), NumbersOf(InfoOf(created)));
    EXPECT_EQ(AllAnswers(factory.tiling, data.datum()), AllAnswers(created, data.datum()));
    aml_tiling_fini(factory.tiling);
    aml_tiling_destroy(&created);
    EXPECT_EQ(nullptr, created);
  }
}

} // namespace aml_testing
