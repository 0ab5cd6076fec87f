// SPDX-License-Identifier: BSD-3-Clause
//
// A small type of arena that keeps its contract and can do all that there is, for defects to be
// planted in: first fit, with an account out of band.

#ifndef AML_TESTS_CONTRACT_INTERNAL_HEAP_ARENA_H
#define AML_TESTS_CONTRACT_INTERNAL_HEAP_ARENA_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

struct Heap {
  static constexpr size_t kChunk = size_t{1} << 18;
  static constexpr size_t kMost = SIZE_MAX / 4;

  struct Account {
    std::mutex mutex;
    std::map<char *, size_t> chunks;
    std::map<char *, size_t> blocks;
    uint64_t live_size = 0;
    uint64_t peak_size = 0;
    uint64_t reserved_size = 0;
    uint64_t limit = AML_UNKNOWN;
    bool is_writable = false;
  };
  using Lock = std::lock_guard<std::mutex>;

  aml_arena arena;
  aml_area *area;
  Account *account;

  static Heap *Of(aml_arena *arena) { return reinterpret_cast<Heap *>(arena); }
  static Account *AccountOf(const aml_arena *arena) {
    return reinterpret_cast<const Heap *>(arena)->account;
  }
  static void *Refuse(int err, const char *argument, const char *reason) {
    (void)aml_error_set(err, "aml_arena_alloc", argument, reason);
    return nullptr;
  }

  static int Init(aml_arena *arena, aml_area *area, uint64_t limit) {
    Of(arena)->area = area;
    Account *const account = Of(arena)->account = new Account;
    account->limit = limit;
    account->is_writable = (aml_area_capabilities(area) & AML_AREA_HOST_WRITABLE) != 0;
    return 0;
  }

  static void Fini(aml_arena *arena) {
    Account *const account = AccountOf(arena);
    if (account == nullptr)
      return;
    for (const auto &chunk : account->chunks)
      (void)aml_area_unmap(Of(arena)->area, chunk.first, chunk.second);
    delete account;
    *Of(arena) = {{arena->ops}, nullptr, nullptr};
  }

  static unsigned Capabilities(const aml_arena *arena) {
    const unsigned all = AML_ARENA_THREAD_SAFE | AML_ARENA_CAN_FREE | AML_ARENA_KNOWS_SIZE |
                         AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
    return AccountOf(arena)->is_writable ? all | AML_ARENA_CAN_REALLOC : all;
  }

  static void Stats(const aml_arena *arena, aml_arena_stats *stats) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    *stats = {account->blocks.size(), account->live_size, account->peak_size,
              account->reserved_size, sizeof *account,    account->limit};
  }

  static int Validate(const aml_arena *arena) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    uint64_t live = 0;
    for (const auto &block : account->blocks)
      live += block.second;
    return live == account->live_size
               ? 0
               : aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", "has lost count");
  }

  /** The first gap in a chunk, or null. */
  static char *FindIn(const Account &account, char *start, size_t chunk, size_t size,
                      size_t alignment) {
    const auto align = [alignment](char *at) {
      return at + ((0 - reinterpret_cast<uintptr_t>(at)) & (alignment - 1));
    };
    char *at = align(start);
    for (auto block = account.blocks.lower_bound(start);
         block != account.blocks.end() && block->first < start + chunk; ++block) {
      if (at + size <= block->first)
        return at;
      at = align(block->first + block->second);
    }
    return at + size <= start + chunk ? at : nullptr;
  }

  static char *Find(const Account &account, size_t size, size_t alignment) {
    for (const auto &chunk : account.chunks) {
      char *const found = FindIn(account, chunk.first, chunk.second, size, alignment);
      if (found != nullptr)
        return found;
    }
    return nullptr;
  }

  /** Maps a chunk with room for a block. */
  static bool Grow(aml_arena *arena, size_t size, size_t alignment) {
    Account *const account = AccountOf(arena);
    size = (std::max(kChunk, size + alignment) + kChunk - 1) / kChunk * kChunk;
    if (size > account->limit - account->reserved_size)
      return Refuse(-AML_ENOMEM, "arena", "has reached its limit") != nullptr;
    char *const chunk = static_cast<char *>(aml_area_map(Of(arena)->area, size, nullptr));
    if (chunk == nullptr)
      return false;
    account->chunks[chunk] = size;
    account->reserved_size += size;
    return true;
  }

  static void *Alloc(aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    if ((flags & ~static_cast<unsigned>(AML_ARENA_ZERO)) != 0)
      return Refuse(-AML_EINVAL, "flags", "has an unknown bit");
    if (flags != 0 && !account->is_writable)
      return Refuse(-AML_ENOTSUP, "flags", "asks for what the host cannot do");
    if (size > kMost || alignment > kMost)
      return Refuse(-AML_ENOMEM, "size", "is too large");
    size = std::max<size_t>(1, size);
    if (Find(*account, size, alignment) == nullptr && !Grow(arena, size, alignment))
      return nullptr;
    char *const block = Find(*account, size, alignment);
    account->blocks[block] = size;
    account->live_size += size;
    account->peak_size = std::max(account->peak_size, account->live_size);
    if (flags != 0)
      std::memset(block, 0, size);
    return block;
  }

  static void Free(aml_arena *arena, void *pointer) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    const auto block = account->blocks.find(static_cast<char *>(pointer));
    if (block == account->blocks.end())
      std::abort();
    account->live_size -= block->second;
    account->blocks.erase(block);
  }

  static void *Realloc(aml_arena *arena, void *pointer, size_t size, size_t alignment,
                       unsigned flags) {
    if ((flags & ~static_cast<unsigned>(AML_ARENA_ZERO)) != 0) {
      (void)aml_error_set(-AML_EINVAL, "aml_arena_realloc", "flags", "has an unknown bit");
      return nullptr;
    }
    void *const moved = Alloc(arena, size, alignment, flags);
    if (moved == nullptr)
      return nullptr;
    std::memcpy(moved, pointer, std::min(size, UsableSize(arena, pointer)));
    Free(arena, pointer);
    return moved;
  }

  static size_t UsableSize(const aml_arena *arena, const void *pointer) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    return account->blocks.at(static_cast<char *>(const_cast<void *>(pointer)));
  }

  static bool Owns(const aml_arena *arena, const void *pointer) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    char *const at = static_cast<char *>(const_cast<void *>(pointer));
    const auto behind = account->chunks.upper_bound(at);
    return behind != account->chunks.begin() &&
           at < std::prev(behind)->first + std::prev(behind)->second;
  }

  static void Reset(aml_arena *arena) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    account->blocks.clear();
    account->live_size = 0;
  }

  static int Trim(aml_arena *arena, size_t keep, size_t *released) {
    Account *const account = AccountOf(arena);
    const Lock lock(account->mutex);
    *released = 0;
    for (auto chunk = account->chunks.begin(); chunk != account->chunks.end();) {
      const auto block = account->blocks.lower_bound(chunk->first);
      const size_t size = chunk->second;
      const bool used = block != account->blocks.end() && block->first < chunk->first + size;
      if (used || size <= keep) {
        keep -= used ? 0 : size;
        ++chunk;
        continue;
      }
      const int err = aml_area_unmap(Of(arena)->area, chunk->first, size);
      if (err)
        return err;
      chunk = account->chunks.erase(chunk);
      account->reserved_size -= size;
      *released += size;
    }
    return 0;
  }
};

/** The type's operations, with a defect planted. */
inline aml_arena_ops HeapOps(void (*plant)(aml_arena_ops *ops)) {
  aml_arena_ops ops = {"heap",           Heap::Fini,  Heap::Capabilities, Heap::Stats,
                       Heap::Validate,   Heap::Alloc, Heap::Free,         Heap::Realloc,
                       Heap::UsableSize, Heap::Owns,  Heap::Reset,        Heap::Trim,
                       nullptr,          nullptr};
  plant(&ops);
  return ops;
}

/** A factory for the suite, of arenas with the defect that `Derived::Plant(ops)` plants. */
template <class Derived> struct HeapFactory {
  static constexpr size_t kInstances = 2;

  static const aml_arena_ops *Ops() {
    static const aml_arena_ops ops = HeapOps(Derived::Plant);
    return &ops;
  }
  static uint64_t LimitOf(size_t i) { return i == 0 ? AML_UNKNOWN : uint64_t{1} << 23; }

  PageArea pages;
  Heap heap = {{Ops()}, nullptr, nullptr};
  aml_arena *arena = &heap.arena;

  aml_area *area() { return pages.get(); }
  int Init(size_t i, aml_area *area) { return Heap::Init(arena, area, LimitOf(i)); }
  int Create(size_t i, aml_area *area, aml_arena **created) {
    auto *const made = static_cast<Heap *>(std::calloc(1, sizeof(Heap)));
    if (made == nullptr)
      return aml_error_set(-AML_ENOMEM, "Create", nullptr, "no memory");
    made->arena.ops = Ops();
    *created = &made->arena;
    return Heap::Init(*created, area, LimitOf(i));
  }
};

/** Such arenas without a defect; the first grows without end, the second up to 8 MiB. */
struct SoundHeap : HeapFactory<SoundHeap> {
  static void Plant(aml_arena_ops *) {}
};

} // namespace aml_testing

#endif
