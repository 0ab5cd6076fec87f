// SPDX-License-Identifier: BSD-3-Clause
//
// Each call to the system fails in turn: a lack of memory or threads fails the probe, a wish that
// is not granted does not, and nothing stays behind.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/probe.h"
#include "aml/core/probe_testing.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

class CoreProbeSystemFault : public ::testing::Test {
protected:
  int Probe() {
    aml_probe_result result = {};
    result.threads = 77;
    const int err = aml_probe(&cpus_, target_, &options_, &result);
    if (err != 0) {
      EXPECT_EQ(77u, result.threads);
    }
    is_on_target_ = result.is_on_target;
    return err;
  }

  // The only device of a machine, or AML_PROBE_ANY where there are several.
  static int OnlyDevice() {
    aml_devices *devices = nullptr;
    if (aml_devices_read(&devices, nullptr) != 0)
      return AML_PROBE_ANY;
    const int only =
        aml_devices_count(devices) == 1 ? aml_devices_at(devices, 0)->number : AML_PROBE_ANY;
    aml_devices_destroy(&devices);
    return only;
  }

  const aml_cpuset cpus_ = SomeCpus(2);
  aml_probe_options options_ = Brief();
  int target_ = AML_PROBE_ANY;
  aml_answer is_on_target_ = AML_ANSWER_UNKNOWN;
};

TEST_F(CoreProbeSystemFault, WithoutMemoryNothingIsMeasured) {
  EXPECT_LT(10u, EachFailure(
                     AML_FAULT_MEMORY, ENOMEM, [&] { return Probe(); },
                     [&](int err) { EXPECT_EQ(-AML_ENOMEM, err); }));
}

TEST_F(CoreProbeSystemFault, AThreadThatCannotBeMadeEndsTheOthers) {
  const size_t count = aml_cpuset_count(&cpus_);
  const size_t threads = IdleTaskCount();
  const size_t failures = EachFailure(
      AML_FAULT_PTHREAD_CREATE, EAGAIN, [&] { return Probe(); },
      [&](int err) {
        EXPECT_EQ(-AML_EAGAIN, err);
        EXPECT_STREQ("aml_probe: pthread_create: Resource temporarily unavailable",
                     aml_error_detail());
        EXPECT_EQ(threads, TaskCount(threads));
      });
  // Filling; three streams, the idle and the loaded chase, twice each; and the chases' two steps.
  const size_t streams = options_.repetitions * 3 * count;
  const size_t chases = options_.repetitions * (1 + (count > 1 ? count : 0));
#ifdef __x86_64__
  EXPECT_EQ(count + streams + chases + 2, failures);
#else
  EXPECT_LT(count, failures + 0 * (streams + chases));
#endif
}

TEST_F(CoreProbeSystemFault, AWishMayFail) {
  EXPECT_EQ(2u, EachFailure(
                    AML_FAULT_MADVISE, EINVAL, [&] { return Probe(); },
                    [&](int err) { EXPECT_EQ(0, err); }));
}

TEST_F(CoreProbeSystemFault, WithoutDescriptorsNothingIsMeasured) {
  EXPECT_LT(10u, EachFailure(
                     AML_FAULT_OPEN, EMFILE, [&] { return Probe(); },
                     [&](int err) {
                       // Of what huge pages there are, it is only not told.
                       if (err != 0) {
                         EXPECT_EQ(-AML_ESYSTEM, err);
                       }
                     }));
}

TEST_F(CoreProbeSystemFault, TheOnlyDeviceNeedNotBeBound) {
  target_ = OnlyDevice();
  if (target_ == AML_PROBE_ANY)
    GTEST_SKIP() << "needs a machine with one node";
  for (const int number : {EPERM, ENOSYS})
    for (const unsigned call : {AML_FAULT_MBIND, AML_FAULT_MOVE_PAGES}) {
      is_on_target_ = AML_ANSWER_UNKNOWN;
      aml_fault_system_arm(call | AML_FAULT_FROM_THEN_ON, 1, number);
      EXPECT_EQ(0, Probe()) << aml_error_detail();
      EXPECT_LT(0u, aml_fault_system_disarm().failed);
      EXPECT_EQ(AML_ANSWER_YES, is_on_target_);
    }
}

} // namespace
