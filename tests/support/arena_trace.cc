// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/support/arena_trace.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"

namespace aml_testing {

namespace {

using Call = ArenaTrace::Call;

struct Block {
  char *start = nullptr;
  size_t size = 0;
  unsigned seed = 0;
};

// One life of the trace. Blocks of several lie in one territory.
class Life {
public:
  Life(aml_arena *arena, const ArenaTrace &trace, Territory *territory)
      : arena_(arena), trace_(trace), territory_(territory), done_(trace.calls.size() + 1),
        blocks_(trace.calls.size()) {
    done_[0] = true;
  }

  // Where a law was broken the rest is not lived: all blocks are then lost.
  void RunAlone() {
    for (size_t i = 0; i < trace_.calls.size() && broken_.empty(); ++i) {
      Make(i);
      CheckArena(i);
    }
  }

  void RunThread(unsigned thread) {
    for (size_t i = 0; i < trace_.calls.size(); ++i) {
      const Call &call = trace_.calls[i];
      if (call.thread != thread)
        continue;
      while (!done_[call.after].load(std::memory_order_acquire))
        std::this_thread::yield();
      if (!is_broken_)
        Make(i);
      done_[i + 1].store(true, std::memory_order_release);
    }
  }

  void FreeWhatIsLeft() {
    for (Block &block : blocks_)
      if (block.start != nullptr && broken_.empty())
        Free(&block, trace_.calls.size());
  }

  const std::string &broken() const { return broken_; }
  size_t live() const { return live_; }

private:
  bool Can(unsigned capability) const { return (aml_arena_capabilities(arena_) & capability) != 0; }

  bool Demand(bool holds, const char *law, size_t i) {
    if (holds)
      return true;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (broken_.empty())
      broken_ = std::string(law) + " (call " + std::to_string(i + 1) + ")";
    is_broken_ = true;
    return false;
  }

  void Make(size_t i) {
    const Call &call = trace_.calls[i];
    Block *const block = &blocks_[call.block];
    if (call.kind == '-')
      Free(block, i);
    else if (call.kind == '=')
      Resize(block, call.size, i);
    else
      Alloc(block, call, i);
  }

  void Alloc(Block *block, const Call &call, size_t i) {
    const unsigned flags = call.kind == '0' ? static_cast<unsigned>(AML_ARENA_ZERO) : 0u;
    auto *const start =
        static_cast<char *>(aml_arena_alloc(arena_, call.size, call.alignment, flags));
    if (!Demand(start != nullptr, aml_error_detail(), i))
      return;
    const size_t alignment = call.alignment == 0 ? AML_ARENA_ALIGNMENT : call.alignment;
    Demand(NumberOf(start) % alignment == 0, "blocks are aligned", i);
    Demand(flags == 0 || IsZero(start, call.size), "zeroed bytes are zero", i);
    Take(block, start, call.size, i);
  }

  void Take(Block *block, char *start, size_t size, size_t i) {
    size = std::max<size_t>(1, size);
    Demand(!Can(AML_ARENA_KNOWS_SIZE) || aml_arena_usable_size(arena_, start) >= size,
           "usable_size is the size or more", i);
    Demand(!Can(AML_ARENA_KNOWS_OWN) || aml_arena_owns(arena_, start + size - 1),
           "blocks are owned", i);
    if (!Demand(territory_->Take(start, size), "blocks do not overlap", i))
      return;
    *block = {start, size, static_cast<unsigned>(i + 1)};
    Fill(start, size, block->seed);
    ++live_;
  }

  // Before another thread can have its memory.
  void Leave(Block *block) {
    territory_->Leave(block->start);
    --live_;
    *block = {};
  }

  void Free(Block *block, size_t i) {
    char *const start = block->start;
    Demand(Holds(start, block->size, block->seed), "blocks keep their contents", i);
    if (Can(AML_ARENA_CAN_FREE))
      Leave(block);
    else
      *block = {}; // it lives on, and is nobody's
    aml_arena_free(arena_, start);
  }

  void Resize(Block *block, size_t size, size_t i) {
    const Block old = *block;
    Demand(Holds(old.start, old.size, old.seed), "blocks keep their contents", i);
    if (!Can(AML_ARENA_CAN_REALLOC)) {
      const Call call = {'+', 0, 0, size, 0, 0};
      Block moved;
      Alloc(&moved, call, i);
      Free(block, i);
      *block = moved;
      return;
    }
    Leave(block);
    auto *const start = static_cast<char *>(aml_arena_realloc(arena_, old.start, size, 0, 0));
    if (!Demand(start != nullptr, aml_error_detail(), i))
      return;
    Demand(Holds(start, std::min(old.size, size), old.seed), "resized blocks keep their contents",
           i);
    Take(block, start, size, i);
  }

  void CheckArena(size_t i) {
    aml_arena_stats stats = {};
    if (aml_arena_validate(arena_) != 0)
      Demand(false, aml_error_detail(), i);
    Demand(aml_arena_get_stats(arena_, &stats) == 0, "stats are told", i);
    Demand(stats.live_count == AML_UNKNOWN || stats.live_count == live_, "live blocks are counted",
           i);
    Demand(stats.reserved_size == AML_UNKNOWN || stats.live_size == AML_UNKNOWN ||
               stats.reserved_size >= stats.live_size,
           "what lives is reserved", i);
  }

  aml_arena *const arena_;
  const ArenaTrace &trace_;
  Territory *const territory_;
  std::vector<std::atomic<bool>> done_;
  std::vector<Block> blocks_; // each is one thread's at a time
  std::atomic<size_t> live_{0};
  std::atomic<bool> is_broken_{false};
  std::mutex mutex_;
  std::string broken_;
};

std::string CheckEnd(aml_arena *arena, size_t live) {
  aml_arena_stats stats = {};
  if (aml_arena_validate(arena) != 0 || aml_arena_get_stats(arena, &stats) != 0)
    return aml_error_detail();
  return stats.live_count == AML_UNKNOWN || stats.live_count == live
             ? ""
             : "live blocks are counted (at the end)";
}

} // namespace

ArenaTrace ReadArenaTrace(const std::string &path) {
  ArenaTrace trace;
  std::map<size_t, size_t> last; // call of each block
  std::ifstream file(path);
  unsigned thread = 0;
  for (std::string line; std::getline(file, line);) {
    Call call = {line.empty() ? '#' : line[0], thread, 0, 0, 0, 0};
    std::istringstream words(line.empty() ? line : line.substr(1));
    if (call.kind == '#')
      continue;
    words >> call.block;
    if (call.kind == '@') {
      thread = static_cast<unsigned>(call.block - 1);
      continue;
    }
    words >> call.size >> call.alignment;
    call.after = last[call.block];
    trace.calls.push_back(call);
    last[call.block] = trace.calls.size();
    trace.threads = std::max<size_t>(trace.threads, thread + 1);
    trace.largest = std::max(trace.largest, call.size);
  }
  return trace;
}

std::string ReplayArenaTrace(aml_arena *arena, const ArenaTrace &trace) {
  Territory territory;
  Life life(arena, trace, &territory);
  life.RunAlone();
  life.FreeWhatIsLeft();
  return life.broken().empty() ? CheckEnd(arena, life.live()) : life.broken();
}

std::string ReplayArenaTraceByThreads(aml_arena *arena, const ArenaTrace &trace, size_t copies) {
  Territory territory;
  std::vector<std::unique_ptr<Life>> lives;
  std::vector<std::thread> threads;
  size_t live = 0;
  for (size_t copy = 0; copy < copies; ++copy)
    lives.push_back(std::make_unique<Life>(arena, trace, &territory));
  for (const auto &life : lives)
    for (unsigned thread = 0; thread < trace.threads; ++thread)
      threads.emplace_back([&life, thread] { life->RunThread(thread); });
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &life : lives) {
    life->FreeWhatIsLeft();
    if (!life->broken().empty())
      return life->broken();
    live += life->live();
  }
  return CheckEnd(arena, live);
}

} // namespace aml_testing
