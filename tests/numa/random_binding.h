// SPDX-License-Identifier: BSD-3-Clause
//
// A binding of any type there is, at random, over the nodes of this machine.
// The machine belongs to the test: its weights for interleaving are set.

#ifndef AML_TESTS_NUMA_RANDOM_BINDING_H
#define AML_TESTS_NUMA_RANDOM_BINDING_H

#include <numa.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/block.h"
#include "aml/binding/cyclic.h"
#include "aml/binding/function.h"
#include "aml/binding/grid.h"
#include "aml/binding/interleave.h"
#include "aml/binding/local.h"
#include "aml/binding/near.h"
#include "aml/binding/single.h"
#include "aml/binding/table.h"
#include "aml/binding/weighted.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

class RandomBinding {
public:
  RandomBinding() {
    for (int node = 0; node <= numa_max_node(); ++node)
      if (numa_node_size64(node, nullptr) > 0)
        (void)aml_nodeset_add(&nodes_, node);
    if (aml_devices_read(&devices_, nullptr) != 0)
      devices_ = nullptr; // which binding:near refuses
    SetSystemWeights(3);
  }
  RandomBinding(const RandomBinding &) = delete;
  ~RandomBinding() {
    aml_binding_destroy(&binding_);
    aml_devices_destroy(&devices_);
    SetSystemWeights(1);
  }

  // The nodes that have memory.
  const aml_nodeset &nodes() const { return nodes_; }
  int Node() { return aml_nodeset_at(&nodes_, Random(aml_nodeset_count(&nodes_))); }

  // Makes one for `count` items, which lives until the next; null: it could not
  // be made.
  const aml_binding *Make(size_t count) {
    aml_binding_destroy(&binding_);
    some_ = Nodes();
    return MakeAny(count) == 0 ? binding_ : nullptr;
  }

  // Whether the one made is a policy, so that pages are numbered by address.
  bool IsPolicy() const {
    aml_policy policy;
    aml_nodeset devices;
    return aml_binding_policy(binding_, &policy, &devices) == 0;
  }

  // Likewise, and the kernel of this machine has it.
  bool IsPolicyOfThisKernel() const {
    return IsPolicy() && (binding_->ops != &weighted_ops_ || has_weights_);
  }

private:
  size_t Random(size_t bound) { return random_() % bound; }

  aml_nodeset Nodes() {
    aml_nodeset some = aml_nodeset_of(Node());
    for (size_t more = Random(4); more > 0; --more)
      (void)aml_nodeset_add(&some, Node());
    return some;
  }

  // Node n gets weight n % most + 1.
  void SetSystemWeights(int most) {
    for (int node = aml_nodeset_next(&nodes_, -1); node >= 0;
         node = aml_nodeset_next(&nodes_, node)) {
      std::ofstream file("/sys/kernel/mm/mempolicy/weighted_interleave/node" +
                         std::to_string(node));
      has_weights_ = static_cast<bool>(file << node % most + 1 << std::flush);
    }
  }

  int MakeAny(size_t count) {
    switch (Random(11)) {
    case 0:
      return aml_binding_single_create(&binding_, Node());
    case 1:
      return aml_binding_interleave_create(&binding_, &some_);
    case 2:
      return aml_binding_block_create(&binding_, &some_);
    case 3:
      return MakeCyclic();
    case 4:
      return MakeTable(count);
    case 5:
      return aml_binding_function_create(&binding_, Squares, &some_, &some_);
    case 6:
      return aml_binding_local_create(&binding_);
    case 7:
      return MakeGrid();
    case 8:
      return MakeNear();
    case 9:
      return MakeWeighted();
    default:
      return MakeSystemWeighted();
    }
  }

  int MakeCyclic() {
    aml_binding_cyclic_options options = {};
    options.block = Random(5);
    return aml_binding_cyclic_create(&binding_, &some_, &options);
  }

  int MakeTable(size_t count) {
    table_.clear();
    while (table_.size() < count) {
      const int device = Random(6) == 0 ? -AML_ENOENT : Node();
      table_.resize(std::min(count, table_.size() + 1 + Random(4)), device);
    }
    return aml_binding_table_create(&binding_, table_.data(), count, nullptr);
  }

  static int Squares(void *context, size_t index, size_t) {
    const auto *const nodes = static_cast<const aml_nodeset *>(context);
    const size_t count = aml_nodeset_count(nodes);
    const size_t place = index % count;
    return index % 7 == 3 ? -AML_ENOENT : aml_nodeset_at(nodes, place * place % count);
  }

  int MakeGrid() {
    const int devices[] = {Node(), Node(), Node(), Node(), Node(), Node()};
    aml_binding_grid_options options = {};
    options.ndims = 2;
    options.tiles[1] = 1 + Random(6);
    options.block[0] = Random(3);
    options.block[1] = Random(3);
    options.grid[0] = 1 + Random(2);
    options.grid[1] = 1 + Random(3);
    options.devices = devices;
    return aml_binding_grid_create(&binding_, &options);
  }

  int MakeNear() {
    std::vector<aml_cpuset> cpus;
    for (int cpu = 0; cpu < numa_num_configured_cpus(); ++cpu)
      cpus.push_back(aml_cpuset_of(cpu));
    aml_binding_near_options options = {};
    options.chunk = Random(4);
    return aml_binding_near_create(&binding_, devices_, cpus.data(), cpus.size(), &options);
  }

  int MakeWeighted() {
    std::vector<unsigned> weights;
    for (size_t i = aml_nodeset_count(&some_); i > 0; --i)
      weights.push_back(static_cast<unsigned>(1 + Random(5)));
    aml_binding_weighted_options options = {};
    options.weights = weights.data();
    return aml_binding_weighted_create(&binding_, &some_, &options);
  }

  // By the system's weights; where it has none, what would be they if all
  // were 1.
  int MakeSystemWeighted() {
    if (has_weights_)
      return aml_binding_weighted_create(&binding_, &some_, nullptr);
    const int err = aml_binding_interleave_create(&binding_, &some_);
    if (err == 0)
      binding_->ops = &weighted_ops_;
    return err;
  }

  static aml_binding_ops WeightedOps() {
    aml_binding_ops ops = aml_binding_interleave_ops;
    ops.name = "weights of 1";
    ops.policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      const int err = aml_binding_interleave_ops.policy(binding, policy, devices);
      *policy = AML_POLICY_WEIGHTED_INTERLEAVE;
      return err;
    };
    return ops;
  }

  const aml_binding_ops weighted_ops_ = WeightedOps();
  std::mt19937 random_{7};
  aml_nodeset nodes_{};
  aml_nodeset some_{};
  bool has_weights_ = false;
  aml_devices *devices_ = nullptr;
  std::vector<int> table_;
  aml_binding *binding_ = nullptr;
};

#endif
