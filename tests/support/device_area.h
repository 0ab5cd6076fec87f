// SPDX-License-Identifier: BSD-3-Clause
//
// An area of several devices that exists in tests only, so that placement is shown on a machine of
// one node. Addresses are counted, never touched. It behaves as Linux does: a policy counts when a
// page is first touched, interleaving numbers pages by address.

#ifndef AML_TESTS_SUPPORT_DEVICE_AREA_H
#define AML_TESTS_SUPPORT_DEVICE_AREA_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

class DeviceArea {
public:
  static constexpr size_t kPage = 4096;

  struct Bind {
    uintptr_t start;
    size_t size;
    aml_policy policy;
    aml_nodeset devices;
    unsigned flags;
  };

  DeviceArea() {
    block_.area.ops = &kOps;
    block_.self = this;
  }
  DeviceArea(const DeviceArea &) = delete;
  ~DeviceArea() = default;

  aml_area *get() { return &block_.area; }

  /** Makes the pages of a range present, as their policies say. */
  void Touch(uintptr_t start, size_t size) {
    for (uintptr_t page = start / kPage; page < (start + size + kPage - 1) / kPage; ++page) {
      if (place.count(page) != 0)
        continue;
      const auto rule = rules_.find(page);
      place[page] = rule == rules_.end() ? home : rule->second(page);
    }
  }

  int DeviceAt(uintptr_t address) const {
    const auto found = place.find(address / kPage);
    return found == place.end() ? -AML_ENOENT : found->second;
  }

  int home = 0; // where pages without a policy come from
  std::map<uintptr_t, int> place;
  std::vector<Bind> binds;
  std::vector<size_t> moves; // pages of each call
  std::vector<size_t> locates;
  int fail_info = 0;
  unsigned granted = 0;  // what info tells
  int fail_bind_at = -1; // the call with this number fails with -AML_EPERM
  int fail_move_at = -1;
  int fail_locate_at = -1;
  bool lacks_weights = false;       // as a kernel that cannot interleave by weights
  std::map<uintptr_t, int> answers; // what move and locate say of a page

private:
  struct Block {
    aml_area area;
    DeviceArea *self;
  };

  static DeviceArea *Self(aml_area *area) { return reinterpret_cast<Block *>(area)->self; }

  static unsigned Capabilities(const aml_area *) {
    return AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE;
  }

  static int Info(aml_area *area, const void *, aml_area_info *info) {
    if (Self(area)->fail_info != 0)
      return aml_error_set(Self(area)->fail_info, "aml_area_get_info", "pointer", "is refused");
    *info = aml_area_info{};
    info->type = "devices";
    info->granted = Self(area)->granted;
    info->granularity = info->page_size = info->max_alignment = kPage;
    return 0;
  }

  static int BindRange(aml_area *area, void *pointer, size_t size, aml_policy policy,
                       const aml_nodeset *devices, unsigned flags) {
    DeviceArea *const self = Self(area);
    if (static_cast<int>(self->binds.size()) == self->fail_bind_at)
      return aml_error_set(-AML_EPERM, "aml_area_bind", nullptr, "is forbidden");
    if (self->lacks_weights && policy == AML_POLICY_WEIGHTED_INTERLEAVE)
      return aml_error_set(-AML_ENOTSUP, "aml_area_bind", "policy", "is not known");
    const auto start = reinterpret_cast<uintptr_t>(pointer);
    self->binds.push_back({start, size, policy, *devices, flags});
    const size_t count = aml_nodeset_count(devices);
    const aml_nodeset set = *devices;
    for (uintptr_t page = start / kPage; page < (start + size + kPage - 1) / kPage; ++page) {
      self->rules_[page] = [set, count](uintptr_t p) { return aml_nodeset_at(&set, p % count); };
      if ((flags & AML_AREA_BIND_MOVE) != 0 && self->place.count(page) != 0)
        self->place[page] = aml_nodeset_at(&set, page % count);
    }
    return 0;
  }

  static int Locate(aml_area *area, size_t count, void *const pointers[], int devices[]) {
    DeviceArea *const self = Self(area);
    if (static_cast<int>(self->locates.size()) == self->fail_locate_at)
      return aml_error_set(-AML_EPERM, "aml_area_locate", nullptr, "is forbidden");
    self->locates.push_back(count);
    for (size_t i = 0; i < count; ++i) {
      const auto address = reinterpret_cast<uintptr_t>(pointers[i]);
      const auto answer = self->answers.find(address / kPage);
      devices[i] = answer != self->answers.end() ? answer->second : self->DeviceAt(address);
    }
    return 0;
  }

  static int Move(aml_area *area, size_t count, void *const pointers[], const int devices[],
                  int results[]) {
    DeviceArea *const self = Self(area);
    if (static_cast<int>(self->moves.size()) == self->fail_move_at)
      return aml_error_set(-AML_EPERM, "aml_area_move", nullptr, "is forbidden");
    self->moves.push_back(count);
    for (size_t i = 0; i < count; ++i) {
      const uintptr_t page = reinterpret_cast<uintptr_t>(pointers[i]) / kPage;
      const auto answer = self->answers.find(page);
      if (answer != self->answers.end()) {
        results[i] = answer->second;
        continue;
      }
      if (self->place.count(page) != 0)
        self->place[page] = devices[i];
      results[i] = self->DeviceAt(page * kPage);
    }
    return 0;
  }

  static void Fini(aml_area *) {}

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "devices";
    ops.fini = Fini;
    ops.capabilities = Capabilities;
    ops.info = Info;
    ops.bind = BindRange;
    ops.locate = Locate;
    ops.move = Move;
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_{};
  std::map<uintptr_t, std::function<int(uintptr_t)>> rules_;
};

#endif
