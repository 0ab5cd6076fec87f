// SPDX-License-Identifier: BSD-3-Clause
//
// dma:throttled without memory; and how it sleeps by the system's clock, of which the call is
// wrapped, so that nothing here depends on time.

#include <gtest/gtest.h>
#include <time.h>

#include <cerrno>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/probe_testing.h"
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

} // namespace
