// SPDX-License-Identifier: BSD-3-Clause
//
// dma:throttled without memory, and that it takes none once it is made; and how it sleeps by the
// system's clock, of which the call is wrapped, so that nothing here depends on time.

#include <gtest/gtest.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/probe_testing.h"
#include "aml/dma/taken_testing.h"
#include "aml/dma/throttled.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

struct Sleep {
  clockid_t clock;
  int flags;
  timespec until;
};

std::vector<Sleep> sleeps;
int signals = 0; // how many of the sleeps to come end by a signal

} // namespace

// The name that the linker's --wrap asks for; only calls of AML come by here.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __wrap_clock_nanosleep(clockid_t clock, int flags, const timespec *until,
                                      timespec *) {
  sleeps.push_back({clock, flags, *until});
  return signals-- > 0 ? EINTR : 0;
}

namespace {

using namespace aml_testing;

TEST(DmaThrottledSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  ProbeDma probe;
  aml_dma_throttled_options options = {};
  options.bytes_per_second = 1;
  const aml_fault_held before = aml_fault_system_held();
  aml_dma sentinel = {};
  aml_dma *dma = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&] { return aml_dma_throttled_create(&dma, probe.get(), &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_STREQ("aml_dma_throttled_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, dma);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, dma);
  Asked asked;
  EXPECT_EQ(0, asked.Submit(dma));
  aml_dma_destroy(&dma);
  ExpectHeld(before);
}

TEST(DmaThrottledSystemFault, ASleepThatASignalEndsGoesOn) {
  ProbeDma probe;
  aml_dma_throttled_options options = {};
  options.bytes_per_second = 1000;
  options.burst = 1;
  AML_DMA_THROTTLED_DECL(dma);
  sleeps.clear();
  timespec before;
  timespec after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  ASSERT_EQ(0, aml_dma_throttled_init(dma, probe.get(), &options));
  Asked first(3600 * 1000); // takes an hour
  Asked second;
  EXPECT_EQ(0, first.Submit(dma));
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_EQ(0u, sleeps.size());
  signals = 3;
  EXPECT_EQ(0, second.Submit(dma));
  ASSERT_EQ(4u, sleeps.size());
  for (const Sleep &sleep : sleeps) {
    EXPECT_EQ(CLOCK_MONOTONIC, sleep.clock);
    EXPECT_EQ(TIMER_ABSTIME, sleep.flags);
    EXPECT_EQ(sleeps[0].until.tv_sec, sleep.until.tv_sec);
    EXPECT_EQ(sleeps[0].until.tv_nsec, sleep.until.tv_nsec);
  }
  EXPECT_LE(before.tv_sec + 3599, sleeps[0].until.tv_sec);
  EXPECT_GE(after.tv_sec + 3600, sleeps[0].until.tv_sec);
  aml_dma_fini(dma);
}

// Room for what tests here sleep, for which nothing is to be taken.
constexpr size_t kManySleeps = 10000;

// With a rate that is reached by each request, and with one that none reaches.
TEST(DmaThrottledSystemFault, OnceMadeItTakesNoMemoryAndNoThreads) {
  for (aml_dma *inner : {InnerSequential::Get(), InnerParallel::Get()})
    for (const uint64_t rate : {UINT64_C(1000), UINT64_MAX}) {
      aml_dma_throttled_options options = {};
      options.bytes_per_second = rate;
      options.burst = rate == UINT64_MAX ? 0 : 1;
      AML_DMA_THROTTLED_DECL(dma);
      ASSERT_EQ(0, aml_dma_throttled_init(dma, inner, &options));
      sleeps.clear();
      sleeps.reserve(kManySleeps);
      ExpectEverythingTakesNothing(dma);
      if (rate == UINT64_MAX) {
        EXPECT_EQ(0u, sleeps.size());
      } else {
        EXPECT_LT(1000u, sleeps.size());
      }
      EXPECT_GE(kManySleeps, sleeps.size());
      aml_dma_fini(dma);
    }
}

// Batches that the burst cuts and that the inner dma cuts, requests that may not wait, and those
// that are called off or fail.
TEST(DmaThrottledSystemFault, AtItsLimitItTakesNoMemoryEither) {
  enum { kRounds = 100, kBatch = 7 };
  ProbeDma probe;
  aml_dma_throttled_options options = {};
  options.bytes_per_second = 1000;
  options.burst = 1000;
  AML_DMA_THROTTLED_DECL(dma);
  ASSERT_EQ(0, aml_dma_throttled_init(dma, probe.get(), &options));
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  Asked day(size_t{24} * 3600 * 1000);
  Batch batch(kBatch, 300);
  probe.Hold(size_t{3} * kRounds * kBatch, kBatch);
  sleeps.clear();
  sleeps.reserve(kManySleeps);
  int right = 0;
  const Taken taken;
  for (int round = 0; round < kRounds; ++round) {
    right += batch.GoWrong(dma, probe);
    probe.takes = 1;
    right += day.Submit(dma) == 0 && aml_dma_wait(&day.request) == 0;
    right += batch.first().Submit(dma, &tries) == -AML_EAGAIN && probe.takes == 0;
    right += aml_dma_capabilities(dma) == probe.capabilities;
  }
  taken.ExpectNothing();
  EXPECT_EQ((Batch::kAnswers + 3) * kRounds, right);
  EXPECT_LT(size_t{kBatch}, sleeps.size());
  EXPECT_GE(kManySleeps, sleeps.size());
  aml_dma_fini(dma);
}

} // namespace
