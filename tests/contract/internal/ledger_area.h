// SPDX-License-Identifier: BSD-3-Clause
//
// A small type of area that keeps its contract, for defects to be planted in: pages of the system,
// private or shared, with an account of what is mapped and of two devices that exist in it only.

#ifndef AML_TESTS_CONTRACT_INTERNAL_LEDGER_AREA_H
#define AML_TESTS_CONTRACT_INTERNAL_LEDGER_AREA_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace aml_testing {

struct Ledger {
  static constexpr size_t kMaxAlignment = size_t{1} << 18;

  struct Rule {
    aml_policy policy;
    aml_nodeset devices;
  };

  /** By address, of the first byte of a mapping or of a page. */
  struct Account {
    std::mutex mutex;
    std::map<uintptr_t, size_t> mappings;
    std::map<uintptr_t, Rule> rules;
    std::map<uintptr_t, int> places; // device 0 where there is none
  };

  aml_area area;
  bool is_shared;
  Account *account;

  static Ledger *Of(aml_area *area) { return reinterpret_cast<Ledger *>(area); }
  static size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
  static size_t RoundUp(size_t size) { return (size + PageSize() - 1) & ~(PageSize() - 1); }
  static uintptr_t PageOf(const void *pointer) {
    return reinterpret_cast<uintptr_t>(pointer) & ~(PageSize() - 1);
  }
  static bool Wraps(const void *pointer, size_t size) {
    return size > UINTPTR_MAX - PageSize() - reinterpret_cast<uintptr_t>(pointer);
  }

  static int Init(aml_area *area, bool is_shared) {
    Of(area)->is_shared = is_shared;
    Of(area)->account = new Account;
    return 0;
  }

  static void Fini(aml_area *area) {
    delete Of(area)->account;
    *Of(area) = {{area->ops}, false, nullptr};
  }

  static unsigned Capabilities(const aml_area *area) {
    const unsigned all = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE | AML_AREA_ZEROED |
                         AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE |
                         AML_AREA_CAN_PURGE | AML_AREA_CAN_SYNC;
    const bool is_shared = reinterpret_cast<const Ledger *>(area)->is_shared;
    return all | static_cast<unsigned>(is_shared ? AML_AREA_SHARED : AML_AREA_CAN_RESIZE);
  }

  /** Pages at a multiple of `alignment`; what surrounds them is given back. */
  static char *Reserve(size_t size, size_t alignment, int flags) {
    void *const all = mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (all == MAP_FAILED)
      return nullptr;
    char *const start = static_cast<char *>(all);
    const size_t before = (0 - reinterpret_cast<uintptr_t>(start)) & (alignment - 1);
    if (before != 0)
      munmap(start, before);
    munmap(start + before + size, alignment - before);
    return start + before;
  }

  static int Map(aml_area *area, size_t size, const aml_area_map_options *options, void **pointer) {
    if (options->alignment > kMaxAlignment)
      return aml_error_set(-AML_EINVAL, "aml_area_map", "alignment", "is too large");
    if (size > SIZE_MAX / 2)
      return aml_error_set(-AML_ENOMEM, "aml_area_map", "size", "is too large");
    const int flags = MAP_ANONYMOUS | (Of(area)->is_shared ? MAP_SHARED : MAP_PRIVATE);
    const std::lock_guard<std::mutex> lock(Of(area)->account->mutex);
    size = RoundUp(size);
    void *pages = nullptr;
    if ((options->flags & AML_AREA_MAP_EXACT) == 0) {
      pages =
          Reserve(size, options->alignment > PageSize() ? options->alignment : PageSize(), flags);
    } else {
      pages = mmap(options->hint, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);
      if (pages == MAP_FAILED)
        return aml_error_set(-AML_EEXIST, "aml_area_map", "hint", "is taken");
    }
    if (pages == nullptr)
      return aml_error_set(-AML_ENOMEM, "aml_area_map", nullptr, "no pages");
    Of(area)->account->mappings[PageOf(pages)] = size;
    *pointer = pages;
    return 0;
  }

  static int Unmap(aml_area *area, void *pointer, size_t size) {
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    const uintptr_t start = reinterpret_cast<uintptr_t>(pointer);
    const auto found = account->mappings.find(start);
    if (found == account->mappings.end() || found->second != RoundUp(size))
      return aml_error_set(-AML_EINVAL, "aml_area_unmap", "pointer", "is no mapping of that size");
    account->mappings.erase(found);
    Forget(account, start, start + RoundUp(size));
    munmap(pointer, RoundUp(size));
    return 0;
  }

  static void Forget(Account *account, uintptr_t start, uintptr_t end) {
    account->rules.erase(account->rules.lower_bound(start), account->rules.lower_bound(end));
    account->places.erase(account->places.lower_bound(start), account->places.lower_bound(end));
  }

  static int Info(aml_area *area, const void *pointer, aml_area_info *info) {
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    const auto behind = account->mappings.upper_bound(reinterpret_cast<uintptr_t>(pointer));
    if (pointer != nullptr &&
        (behind == account->mappings.begin() ||
         PageOf(pointer) >= std::prev(behind)->first + std::prev(behind)->second))
      return aml_error_set(-AML_EINVAL, "aml_area_get_info", "pointer", "is not mapped");
    *info = aml_area_info{};
    info->type = area->ops->name;
    info->capabilities = area->ops->capabilities(area);
    info->granularity = info->page_size = PageSize();
    info->max_alignment = kMaxAlignment;
    info->size = pointer == nullptr ? AML_UNKNOWN : std::prev(behind)->second;
    info->read_bandwidth_mib_s = info->write_bandwidth_mib_s = AML_UNKNOWN;
    info->read_latency_ns = info->write_latency_ns = AML_UNKNOWN;
    const auto rule = account->rules.find(PageOf(pointer));
    if (rule != account->rules.end()) {
      info->policy = rule->second.policy;
      info->devices = rule->second.devices;
    }
    return 0;
  }

  static int Bind(aml_area *area, void *pointer, size_t size, aml_policy policy,
                  const aml_nodeset *devices, unsigned flags) {
    const bool takes_devices = policy != AML_POLICY_DEFAULT && policy != AML_POLICY_LOCAL;
    if (Wraps(pointer, size) || (takes_devices && aml_nodeset_last(devices) > 1))
      return aml_error_set(-AML_EINVAL, "aml_area_bind", nullptr, "no such range or device");
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    const uintptr_t end = reinterpret_cast<uintptr_t>(pointer) + size;
    for (uintptr_t page = PageOf(pointer); page < end; page += PageSize()) {
      account->rules[page] = {policy, takes_devices ? *devices : aml_nodeset{}};
      if (takes_devices && (flags & AML_AREA_BIND_MOVE) != 0)
        account->places[page] = aml_nodeset_next(devices, -1);
    }
    return 0;
  }

  static int Locate(aml_area *area, size_t count, void *const pointers[], int devices[]) {
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    for (size_t i = 0; i < count; ++i) {
      const auto found = account->places.find(PageOf(pointers[i]));
      devices[i] = found == account->places.end() ? 0 : found->second;
    }
    return 0;
  }

  static int Move(aml_area *area, size_t count, void *const pointers[], const int devices[],
                  int results[]) {
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    for (size_t i = 0; i < count; ++i)
      if (devices[i] < 0 || devices[i] > 1)
        return aml_error_set(-AML_EINVAL, "aml_area_move", "devices", "has a number that is none");
    for (size_t i = 0; i < count; ++i)
      results[i] = account->places[PageOf(pointers[i])] = devices[i];
    return 0;
  }

  static int Resize(aml_area *area, void *pointer, size_t old_size, size_t new_size, unsigned flags,
                    void **new_pointer) {
    if (Of(area)->is_shared)
      return aml_error_set(-AML_ENOTSUP, "aml_area_resize", "area", "is shared");
    Account *const account = Of(area)->account;
    const std::lock_guard<std::mutex> lock(account->mutex);
    const bool may_move = (flags & AML_AREA_RESIZE_MAY_MOVE) != 0;
    void *const moved =
        new_size > SIZE_MAX / 2
            ? MAP_FAILED
            : mremap(pointer, RoundUp(old_size), RoundUp(new_size), may_move ? MREMAP_MAYMOVE : 0);
    if (moved == MAP_FAILED)
      return aml_error_set(-AML_ENOMEM, "aml_area_resize", "new_size", "has no room");
    const uintptr_t start = PageOf(pointer);
    Forget(account, start, start + RoundUp(old_size));
    account->mappings.erase(start);
    account->mappings[PageOf(moved)] = RoundUp(new_size);
    *new_pointer = moved;
    return 0;
  }

  static int Purge(aml_area *area, void *pointer, size_t size) {
    if (Wraps(pointer, size))
      return aml_error_set(-AML_EINVAL, "aml_area_purge", "size", "wraps");
    char *const end = static_cast<char *>(pointer) + size;
    char *const first = end - (reinterpret_cast<uintptr_t>(end) -
                               PageOf(static_cast<char *>(pointer) + PageSize() - 1));
    char *const last = end - (reinterpret_cast<uintptr_t>(end) - PageOf(end));
    if (first < last)
      madvise(first, static_cast<size_t>(last - first),
              Of(area)->is_shared ? MADV_REMOVE : MADV_DONTNEED);
    return 0;
  }

  static int Sync(aml_area *, void *pointer, size_t size) {
    return Wraps(pointer, size) ? aml_error_set(-AML_EINVAL, "aml_area_sync", "size", "wraps") : 0;
  }
};

/** The type's operations, with a defect planted. */
inline aml_area_ops LedgerOps(void (*plant)(aml_area_ops *ops)) {
  aml_area_ops ops = {"ledger",      Ledger::Fini,   Ledger::Capabilities, Ledger::Map,
                      Ledger::Unmap, Ledger::Info,   Ledger::Bind,         Ledger::Locate,
                      Ledger::Move,  Ledger::Resize, Ledger::Purge,        Ledger::Sync};
  plant(&ops);
  return ops;
}

/** A factory for the suite, of areas with the defect that `Derived::Plant(ops)` plants. */
template <class Derived> struct LedgerFactory {
  static constexpr size_t kInstances = 2;

  static const aml_area_ops *Ops() {
    static const aml_area_ops ops = LedgerOps(Derived::Plant);
    return &ops;
  }

  Ledger ledger = {{Ops()}, false, nullptr};
  aml_area *area = &ledger.area;

  int Init(size_t i) { return Ledger::Init(area, i == 1); }

  static int Create(size_t i, aml_area **created) {
    auto *const made = static_cast<Ledger *>(std::calloc(1, sizeof(Ledger)));
    if (made == nullptr)
      return aml_error_set(-AML_ENOMEM, "Create", nullptr, "no memory");
    made->area.ops = Ops();
    *created = &made->area;
    return Ledger::Init(*created, i == 1);
  }
};

} // namespace aml_testing

#endif
