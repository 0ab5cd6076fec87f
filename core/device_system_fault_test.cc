// SPDX-License-Identifier: BSD-3-Clause
//
// Each call to the system fails in turn: a lack of memory or descriptors fails the whole, since all
// files would look damaged; another failure is that of one file.

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/sysfs/tree.h"

namespace {

class CoreDeviceSystemFault : public ::testing::Test {
protected:
  int Read() {
    const aml_devices_options options = tree_.options();
    const int err = aml_devices_read(&devices_, &options);
    if (aml_devices_count(devices_) > 1)
      known_ += aml_devices_at(devices_, 1)->total != AML_UNKNOWN;
    aml_devices_destroy(&devices_);
    return err;
  }

  const SysfsTree tree_ = SysfsTree::Of("recorded");
  aml_devices *devices_ = nullptr;
  size_t known_ = 0;
};

TEST_F(CoreDeviceSystemFault, WithoutMemoryNothingIsRead) {
  EXPECT_EQ(4u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return Read(); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_NE(
                          std::string::npos,
                          std::string(aml_error_detail()).find("aml_devices_read: has no memory"));
                    }));
}

TEST_F(CoreDeviceSystemFault, WithoutDescriptorsNothingIsRead) {
  for (const int number : {EMFILE, ENFILE, ENOMEM})
    EXPECT_LT(50u, EachFailure(
                       AML_FAULT_OPEN, number, [&] { return Read(); },
                       [&](int err) {
                         EXPECT_EQ(number == ENOMEM ? -AML_ENOMEM : -AML_ESYSTEM, err);
                         EXPECT_EQ(0u, std::string(aml_error_detail())
                                           .find(std::string("aml_devices_read: read ") +
                                                 tree_.options().sysfs[0]));
                       }));
  EXPECT_EQ(3u, known_);
}

TEST_F(CoreDeviceSystemFault, TheFileIsNamedForWhichADescriptorWasLacking) {
  aml_fault_system_arm(AML_FAULT_OPEN, 1, EMFILE);
  EXPECT_NE(0, Read());
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  const std::string path =
      std::string(tree_.options().sysfs) + "/devices/system/memory/block_size_bytes";
  EXPECT_EQ("aml_devices_read: read " + path + ": Too many open files",
            std::string(aml_error_detail()));
}

TEST_F(CoreDeviceSystemFault, AFileThatCannotBeReadIsOneThatIsNotThere) {
  for (const unsigned call : {AML_FAULT_OPEN, AML_FAULT_READ})
    for (const int number : {EACCES, EIO}) {
      known_ = 0;
      const size_t runs = EachFailure(
          call, number, [&] { return Read(); }, [](int err) { EXPECT_EQ(0, err); });
      EXPECT_LT(50u, runs);
      // Of all runs, and the one without a failure, one lacked this file, once or before its end.
      EXPECT_EQ(call == AML_FAULT_OPEN ? runs : runs - 1, known_);
    }
}

TEST_F(CoreDeviceSystemFault, AnInterruptedReadIsMadeAgain) {
  EXPECT_LT(50u,
            EachFailure(
                AML_FAULT_READ, EINTR, [&] { return Read(); }, [](int err) { EXPECT_EQ(0, err); }));
}

TEST_F(CoreDeviceSystemFault, OwnFiguresNeedMemory) {
  const aml_devices_options options = tree_.options();
  ASSERT_EQ(0, aml_devices_read(&devices_, &options));
  aml_device_performance own = {AML_UNKNOWN, AML_UNKNOWN, 5, AML_UNKNOWN};
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, aml_devices_set_performance(devices_, 1, 2, &own));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_STREQ("aml_devices_set_performance: has no memory for the figures", aml_error_detail());
  EXPECT_EQ(AML_UNKNOWN, aml_devices_performance(devices_, 1, 2).read_latency_ns);
  EXPECT_EQ(0, aml_devices_set_performance(devices_, 1, 2, &own));
  EXPECT_EQ(5u, aml_devices_performance(devices_, 1, 2).read_latency_ns);
  aml_devices_destroy(&devices_);
}

} // namespace
