// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/support/arena_ops.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>

#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"

namespace aml_testing {

namespace {

// Of large blocks only so much is filled at either end.
constexpr size_t kEnd = 256;

class Input {
public:
  Input(const unsigned char *data, size_t size) : data_(data), size_(size) {}

  bool IsOver() const { return size_ == 0; }

  size_t Byte() {
    if (size_ == 0)
      return 0;
    --size_;
    return *data_++;
  }

  // Log-uniform and small as a rule; now and then at the edge of what there is.
  size_t Size() {
    const size_t kind = Byte();
    const size_t low = Byte();
    if (kind < 200)
      return (low << 8 | Byte()) & ((size_t{1} << kind % 12) - 1);
    if (kind < 232) // near a power of two, up to 1 MiB
      return (size_t{1} << kind % 21) + low % 64 - 32;
    if (kind < 244)
      return low * 4096 + kind % 3 - 1;
    if (kind < 250)
      return static_cast<size_t>((uint64_t{1} << 32) + low - 128);
    return SIZE_MAX - (kind < 253 ? low : low << 12);
  }

  // 0, or a power of two, large ones seldom; sometimes none.
  size_t Alignment() {
    const size_t kind = Byte();
    if (kind < 96)
      return 0;
    if (kind < 224)
      return size_t{1} << kind % 8;
    if (kind < 248)
      return size_t{1} << kind % 17;
    return kind < 254 ? size_t{1} << (kind % 6 + 25) : 3 * (kind - 200);
  }

private:
  const unsigned char *data_;
  size_t size_;
};

bool IsPowerOfTwo(size_t alignment) {
  return (alignment & (alignment - 1)) == 0;
}

class Life {
public:
  Life(aml_arena *arena, Input input, Contents contents, Failures failures)
      : arena_(arena), input_(input), touches_(contents == Contents::kChecked),
        keeps_reserve_(failures == Failures::kChangeNothing) {}

  std::string Run() {
    while (!input_.IsOver() && broken_.empty()) {
      ++step_;
      Step();
      CheckArena();
    }
    CheckAllContents();
    while (Can(AML_ARENA_CAN_FREE) && !blocks_.empty() && broken_.empty())
      Free(std::prev(blocks_.end()));
    CheckArena();
    return broken_;
  }

private:
  struct Block {
    size_t size;
    size_t usable;
    unsigned seed;
  };
  using Blocks = std::map<char *, Block>;

  void Demand(bool holds, const char *law) {
    if (!holds && broken_.empty())
      broken_ = std::string(law) + " (step " + std::to_string(step_) + ")";
  }

  bool Can(unsigned capability) const { return (aml_arena_capabilities(arena_) & capability) != 0; }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    Demand(aml_arena_get_stats(arena_, &stats) == 0, "stats are told");
    return stats;
  }

  void Step() {
    const size_t kind = input_.Byte() % 32;
    if (kind < 13 || blocks_.empty())
      Alloc();
    else if (kind < 22)
      Free(Any());
    else if (kind < 27)
      Realloc(Any());
    else if (kind < 29)
      AllocBatch();
    else if (kind == 29)
      FreeBatch();
    else if (kind == 30)
      Trim();
    else
      Reset();
  }

  Blocks::iterator Any() {
    const size_t index = (input_.Byte() << 8 | input_.Byte()) % blocks_.size();
    return std::next(blocks_.begin(), static_cast<ptrdiff_t>(index));
  }

  unsigned Flags() {
    const size_t kind = input_.Byte();
    if (kind >= 250)
      return 1u << (kind - 249);
    return touches_ && kind < 64 ? static_cast<unsigned>(AML_ARENA_ZERO) : 0u;
  }

  // A call with these arguments has returned null. Of two reasons either may be told.
  void CheckRefusal(const aml_arena_stats &before, size_t size, size_t alignment, unsigned flags) {
    const bool is_bad =
        !IsPowerOfTwo(alignment) || (flags & ~static_cast<unsigned>(AML_ARENA_ZERO)) != 0;
    Demand(aml_error_code() == (is_bad ? -AML_EINVAL : -AML_ENOMEM) ||
               (size > SIZE_MAX / 2 && aml_error_code() == -AML_ENOMEM),
           "failures say why");
    Demand(IsSame(before, Stats()), "calls that fail change nothing");
  }

  void Alloc() {
    const size_t size = input_.Size();
    const size_t alignment = input_.Alignment();
    const unsigned flags = Flags();
    const aml_arena_stats before = Stats();
    void *const block = aml_arena_alloc(arena_, size, alignment, flags);
    if (block == nullptr)
      CheckRefusal(before, size, alignment, flags);
    else
      Add(block, size, alignment, flags);
  }

  void Add(void *start, size_t size, size_t alignment, unsigned flags) {
    char *const block = static_cast<char *>(start);
    Demand(IsPowerOfTwo(alignment), "alignments are powers of two");
    Demand(NumberOf(block) % (alignment == 0 ? AML_ARENA_ALIGNMENT : alignment) == 0,
           "blocks are aligned");
    size = std::max<size_t>(1, size);
    const size_t usable = Can(AML_ARENA_KNOWS_SIZE) ? aml_arena_usable_size(arena_, block) : size;
    Demand(usable >= size, "usable_size is the size or more");
    const auto next = blocks_.lower_bound(block);
    Demand(next == blocks_.end() || usable <= NumberOf(next->first) - NumberOf(block),
           "blocks do not overlap");
    Demand(next == blocks_.begin() ||
               NumberOf(std::prev(next)->first) + std::prev(next)->second.usable <= NumberOf(block),
           "blocks do not overlap");
    Demand(!Can(AML_ARENA_KNOWS_OWN) ||
               (aml_arena_owns(arena_, block) && aml_arena_owns(arena_, block + usable - 1)),
           "blocks are owned");
    if (!broken_.empty())
      return;
    if ((flags & AML_ARENA_ZERO) != 0)
      CheckZero(block, size);
    const auto added = blocks_.insert({block, {size, usable, ++seed_}});
    FillEnds(added.first);
  }

  void CheckZero(const char *bytes, size_t size) {
    Demand(IsZero(bytes, size), "zeroed bytes are zero");
  }

  void FillEnds(Blocks::iterator it) {
    if (!touches_)
      return;
    const size_t end = std::min(kEnd, it->second.usable);
    Fill(it->first, end, it->second.seed);
    Fill(it->first + it->second.usable - end, end, it->second.seed);
    Fill(it->first, std::min(kEnd, it->second.size), it->second.seed);
  }

  // The last filling wins, where the two ends of a block overlap.
  void CheckContents(Blocks::const_iterator it) {
    if (!touches_)
      return;
    const Block &block = it->second;
    Demand(Holds(it->first, std::min(kEnd, block.size), block.seed), "blocks keep their contents");
    if (block.usable >= kEnd + block.size || block.size >= 2 * kEnd)
      Demand(Holds(it->first + block.usable - kEnd, kEnd, block.seed),
             "blocks keep their contents to the end");
  }

  void CheckAllContents() {
    for (auto it = blocks_.begin(); it != blocks_.end(); ++it)
      CheckContents(it);
  }

  void Free(Blocks::iterator it) {
    CheckContents(it);
    aml_arena_free(arena_, it->first);
    if (Can(AML_ARENA_CAN_FREE))
      blocks_.erase(it);
  }

  void Realloc(Blocks::iterator it) {
    const size_t size = std::max<size_t>(1, input_.Size());
    const size_t alignment = input_.Alignment();
    const unsigned flags = Flags();
    if (!Can(AML_ARENA_CAN_REALLOC))
      return;
    const Block old = it->second;
    const aml_arena_stats before = Stats();
    void *const moved = aml_arena_realloc(arena_, it->first, size, alignment, flags);
    if (moved == nullptr) {
      CheckRefusal(before, size, alignment, flags);
      CheckContents(it);
      return;
    }
    const char *const bytes = static_cast<char *>(moved);
    if (touches_)
      Demand(Holds(bytes, std::min({kEnd, old.size, size}), old.seed),
             "resized blocks keep their contents");
    if ((flags & AML_ARENA_ZERO) != 0 && size > old.usable)
      CheckZero(bytes + old.usable, size - old.usable);
    blocks_.erase(it);
    Add(moved, size, alignment, 0);
  }

  void AllocBatch() {
    const size_t size = input_.Size();
    const size_t alignment = input_.Alignment();
    const unsigned flags = Flags();
    const size_t count = input_.Byte() % 20;
    void *pointers[20] = {};
    const size_t got = aml_arena_alloc_batch(arena_, size, alignment, flags, count, pointers);
    Demand(got <= count, "batches are as long as asked, or shorter");
    if (got < count)
      CheckRefusal(Stats(), size, alignment, flags);
    for (size_t i = 0; i < got; ++i)
      Add(pointers[i], size, alignment, flags);
  }

  void FreeBatch() {
    void *pointers[20] = {};
    size_t count = 0;
    for (size_t wanted = input_.Byte() % 20; wanted > 0 && !blocks_.empty(); --wanted) {
      const auto it = Any();
      CheckContents(it);
      pointers[count++] = it->first;
      if (Can(AML_ARENA_CAN_FREE))
        blocks_.erase(it);
    }
    aml_arena_free_batch(arena_, count, pointers);
  }

  void Trim() {
    const size_t keep = input_.Byte() << 12;
    if (!Can(AML_ARENA_CAN_TRIM))
      return;
    const aml_arena_stats before = Stats();
    size_t released = 0;
    Demand(aml_arena_trim(arena_, keep, &released) == 0, "trim gives back");
    const aml_arena_stats after = Stats();
    Demand(before.reserved_size == AML_UNKNOWN ||
               before.reserved_size - after.reserved_size == released,
           "trim tells what it gave back");
    CheckAllContents();
  }

  void Reset() {
    if (!Can(AML_ARENA_CAN_RESET) || input_.Byte() % 4 != 0)
      return;
    CheckAllContents();
    Demand(aml_arena_reset(arena_) == 0, "reset succeeds");
    blocks_.clear();
  }

  bool IsSame(const aml_arena_stats &a, const aml_arena_stats &b) const {
    return a.live_count == b.live_count && a.live_size == b.live_size &&
           a.peak_size == b.peak_size && (a.reserved_size == b.reserved_size || !keeps_reserve_);
  }

  static bool IsBelow(uint64_t low, uint64_t high) {
    return low != AML_UNKNOWN && high != AML_UNKNOWN && low < high;
  }

  void CheckArena() {
    const aml_arena_stats stats = Stats();
    uint64_t size = 0;
    for (const auto &block : blocks_)
      size += block.second.size;
    if (aml_arena_validate(arena_) != 0)
      Demand(false, aml_error_detail());
    Demand(stats.live_count == AML_UNKNOWN || stats.live_count == blocks_.size(),
           "live blocks are counted");
    Demand(!IsBelow(stats.live_size, size), "live_size is that of the blocks or more");
    Demand(!blocks_.empty() || stats.live_size == 0 || stats.live_size == AML_UNKNOWN,
           "without blocks nothing is live");
    Demand(!IsBelow(stats.peak_size, stats.live_size), "the peak is above what lives");
    Demand(!IsBelow(stats.peak_size, peak_), "the peak never falls");
    Demand(!IsBelow(stats.reserved_size, stats.live_size), "what lives is reserved");
    Demand(!IsBelow(stats.limit, stats.reserved_size), "the limit holds");
    if (stats.peak_size != AML_UNKNOWN)
      peak_ = stats.peak_size;
  }

  aml_arena *arena_;
  Input input_;
  bool touches_;
  bool keeps_reserve_; // by calls that fail
  Blocks blocks_;
  unsigned seed_ = 0;
  size_t step_ = 0;
  uint64_t peak_ = 0;
  std::string broken_;
};

} // namespace

std::string RunArenaOps(aml_arena *arena, const unsigned char *data, size_t size, Contents contents,
                        Failures failures) {
  return Life(arena, Input(data, size), contents, failures).Run();
}

std::string RunArenaOps(aml_arena *arena, const std::vector<unsigned char> &bytes,
                        Contents contents) {
  return RunArenaOps(arena, bytes.data(), bytes.size(), contents);
}

void DemandArenaOps(aml_arena *arena, const unsigned char *data, size_t size, Contents contents,
                    Failures failures) {
  const std::string broken = RunArenaOps(arena, data, size, contents, failures);
  if (broken.empty())
    return;
  std::fprintf(stderr, "broken: %s\n", broken.c_str());
  std::abort();
}

std::vector<unsigned char> RandomBytes(unsigned seed, size_t size) {
  std::mt19937 random(seed);
  std::vector<unsigned char> bytes(size);
  std::generate(bytes.begin(), bytes.end(),
                [&] { return static_cast<unsigned char>(random() >> 24); });
  return bytes;
}

} // namespace aml_testing
