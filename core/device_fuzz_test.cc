// SPDX-License-Identifier: BSD-3-Clause
//
// Any tree of files is refused with a sentence, or read as devices in ascending order whose facts
// do not contradict each other. The input is the text of a machine (tests/sysfs/README.md).

#include <cstdlib>
#include <cstring>
#include <string>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/tests/sysfs/tree.h"

namespace {

void Require(bool is_so) {
  if (!is_so)
    std::abort();
}

void CheckFigures(const aml_device_performance &performance) {
  Require(performance.read_bandwidth_mib_s != 0 && performance.write_bandwidth_mib_s != 0);
  Require(performance.read_latency_ns != 0 && performance.write_latency_ns != 0);
}

void CheckDevice(const aml_devices *devices, const aml_device &device) {
  Require(aml_devices_find(devices, device.number) == &device);
  Require(device.kind == AML_DEVICE_UNKNOWN || device.evidence != AML_DEVICE_EVIDENCE_NONE);
  Require(device.tier >= -1);
  Require(device.is_allowed != AML_ANSWER_NO || device.usable == 0);
  Require(device.usable == 0 || device.usable <= device.free);
  Require(device.usable == AML_UNKNOWN || device.usable <= aml_devices_headroom(devices));
  CheckFigures(device.access0.performance);
  CheckFigures(device.access1.performance);
  CheckFigures(aml_devices_performance(devices, 0, device.number));
  Require(device.cache_count <= AML_DEVICE_CACHES && device.pool_count <= AML_DEVICE_POOLS);
  for (size_t i = 0; i < device.cache_count; ++i)
    Require(device.caches[i].size != 0 && device.caches[i].line_size != 0 &&
            device.caches[i].level > (i == 0 ? 0 : device.caches[i - 1].level));
  for (size_t i = 1; i < device.pool_count; ++i)
    Require(device.pools[i].page_size > device.pools[i - 1].page_size);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  const SysfsTree tree =
      SysfsTree::FromText(std::string(reinterpret_cast<const char *>(data), size));
  const aml_devices_options options = tree.options();
  aml_devices *devices = nullptr;
  if (aml_devices_read(&devices, &options) != 0) {
    Require(devices == nullptr && std::strncmp(aml_error_detail(), "aml_devices_read: ", 18) == 0);
    return 0;
  }
  Require(aml_devices_count(devices) > 0);
  int previous = -1;
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const aml_device *const device = aml_devices_at(devices, i);
    Require(device->number > previous);
    previous = device->number;
    CheckDevice(devices, *device);
    Require(aml_devices_distance(devices, previous, previous) != 0);
  }
  aml_devices_destroy(&devices);
  return 0;
}
