// SPDX-License-Identifier: BSD-3-Clause
//
// Bindings made without memory, or of a system that cannot be read: each _create leaves its result
// alone.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "aml/binding/block.h"
#include "aml/binding/cyclic.h"
#include "aml/binding/function.h"
#include "aml/binding/grid.h"
#include "aml/binding/local.h"
#include "aml/binding/near.h"
#include "aml/binding/table.h"
#include "aml/binding/weighted.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/sysfs/tree.h"

namespace {

constexpr aml_nodeset kTwo = {{1 << 2}};
constexpr aml_nodeset kNone = {};
constexpr int kNumbers[] = {2, -1};
constexpr unsigned kWeights[] = {5, 0};

// Creates a binding of all items to device 2, or to 0, or one that is refused.
struct Create {
  const char *name;
  size_t allocations;
  bool can_be_refused;
  std::function<int(aml_binding **binding, bool is_refused)> create;
};

const aml_nodeset *Devices(bool is_refused) {
  return is_refused ? &kNone : &kTwo;
}

class BindingCreateSystemFault : public ::testing::TestWithParam<Create> {
protected:
  // The snapshot of which binding:near is made; read before anything fails.
  static void SetUpTestSuite() {
    const SysfsTree tree = SysfsTree::Of("two_sockets");
    const aml_devices_options options = tree.options();
    ASSERT_EQ(0, aml_devices_read(&snapshot, &options));
  }
  static void TearDownTestSuite() { aml_devices_destroy(&snapshot); }

public:
  static aml_devices *snapshot;
};

aml_devices *BindingCreateSystemFault::snapshot = nullptr;

TEST_P(BindingCreateSystemFault, WithoutMemoryTheResultIsLeftAlone) {
  const aml_fault_held before = aml_fault_system_held();
  aml_binding sentinel = {};
  aml_binding *binding = &sentinel;
  const std::string call = std::string("aml_binding_") + GetParam().name + "_create: no memory";
  const std::string init = std::string("aml_binding_") + GetParam().name + "_init: no memory";
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&binding] { return GetParam().create(&binding, false); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        const std::string detail = aml_error_detail();
        EXPECT_TRUE(detail.rfind(call, 0) == 0 || detail.rfind(init, 0) == 0) << detail;
        EXPECT_EQ(&sentinel, binding);
      });
  EXPECT_EQ(GetParam().allocations, failures);
  ASSERT_NE(&sentinel, binding);
  EXPECT_NE(-AML_EINVAL, aml_binding_device_of(binding, 0, 1));
  aml_binding_destroy(&binding);
  ExpectHeld(before);
}

TEST_P(BindingCreateSystemFault, RefusedArgumentsKeepNoMemory) {
  const aml_fault_held before = aml_fault_system_held();
  aml_binding *binding = nullptr;
  if (GetParam().can_be_refused) {
    EXPECT_EQ(-AML_EINVAL, GetParam().create(&binding, true));
    EXPECT_EQ(nullptr, binding);
  }
  EXPECT_EQ(-AML_EINVAL, GetParam().create(nullptr, false));
  EXPECT_EQ("aml_binding_" + std::string(GetParam().name) + "_create: binding is null",
            aml_error_detail());
  ExpectHeld(before);
}

int CreateGrid(aml_binding **binding, bool is_refused) {
  const aml_binding_grid_options options = {
      is_refused ? size_t{0} : 1, {}, {}, {}, kNumbers, AML_ORDER_ROW};
  return aml_binding_grid_create(binding, &options);
}

int CreateNear(aml_binding **binding, bool is_refused) {
  const aml_cpuset cpus = aml_cpuset_of(is_refused ? 5000 : 3);
  return aml_binding_near_create(binding, BindingCreateSystemFault::snapshot, &cpus, 1, nullptr);
}

int CreateWeighted(aml_binding **binding, bool is_refused) {
  const aml_binding_weighted_options options = {is_refused ? &kWeights[1] : kWeights, nullptr};
  return aml_binding_weighted_create(binding, &kTwo, &options);
}

const Create kCreates[] = {
    {"block", 1, true,
     [](aml_binding **it, bool bad) { return aml_binding_block_create(it, Devices(bad)); }},
    {"cyclic", 1, true,
     [](aml_binding **it, bool bad) {
       return aml_binding_cyclic_create(it, Devices(bad), nullptr);
     }},
    {"function", 1, true,
     [](aml_binding **it, bool bad) {
       return aml_binding_function_create(
           it, [](void *, size_t, size_t) { return 2; }, nullptr, Devices(bad));
     }},
    {"grid", 1, true, CreateGrid},
    {"local", 1, false, [](aml_binding **it, bool) { return aml_binding_local_create(it); }},
    {"near", 2, true, CreateNear},
    {"table", 1, true,
     [](aml_binding **it, bool bad) {
       return aml_binding_table_create(it, kNumbers, bad ? 2 : 1, nullptr);
     }},
    {"weighted", 2, true, CreateWeighted},
};

INSTANTIATE_TEST_SUITE_P(Bindings, BindingCreateSystemFault, ::testing::ValuesIn(kCreates),
                         [](const ::testing::TestParamInfo<Create> &it) {
                           return std::string(it.param.name);
                         });

// The weights of the system, which are read from files.
TEST(BindingWeightedSystemFault, WhatCannotBeReadIsNotTakenForWeights) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  const std::string folder = "sys/kernel/mm/mempolicy/weighted_interleave/";
  ASSERT_TRUE(tree.Write(folder + "node0", "3\n") && tree.Write(folder + "node1", "2\n"));
  aml_nodeset devices = {};
  ASSERT_EQ(0, aml_nodeset_parse("0-1", &devices));
  const aml_binding_weighted_options options = {nullptr, tree.options().sysfs};
  AML_BINDING_WEIGHTED_DECL(binding);
  const size_t failures = EachFailure(
      AML_FAULT_OPEN | AML_FAULT_READ, EACCES,
      [&] { return aml_binding_weighted_init(binding, &devices, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_EPERM, err);
        const std::string detail = aml_error_detail();
        EXPECT_TRUE(detail.rfind("aml_binding_weighted_init: open the weight of device ", 0) == 0 ||
                    detail.rfind("aml_binding_weighted_init: read a weight of the system", 0) == 0)
            << detail;
        EXPECT_EQ(nullptr, binding_storage.period);
      });
  EXPECT_EQ(4u, failures);
  EXPECT_EQ(1, aml_binding_device_of(binding, 4, 5));
  aml_binding_fini(binding);
}

} // namespace
