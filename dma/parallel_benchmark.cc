// SPDX-License-Identifier: BSD-3-Clause
//
// What asking for a copy costs, against bare ways to hand something to another thread; and what
// several threads copy, against the same threads filling memory past the caches. See
// ratio_benchmark.h for `ratio`; above 1 is better than the baseline.

#include "aml/dma/parallel.h"

#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/internal/pause.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/kernels.h"
#include "aml/dma/ratio_benchmark.h"

namespace {

using namespace aml_benchmark;

/**
 * Two CPUs that this thread may run on: it stays on the first for as long as this lives, and who
 * answers it, be that a baseline's thread or the dma's, is put on the second. Each of those sleeps
 * in the other's turns.
 */
class Cpus {
public:
  Cpus() {
    if (sched_getaffinity(0, sizeof before_, &before_) != 0)
      return;
    for (int cpu = 0; cpu < CPU_SETSIZE && count_ < 2; ++cpu)
      if (CPU_ISSET(cpu, &before_))
        cpus_[count_++] = cpu;
    if (count_ > 0)
      StayOn(cpus_[0]);
  }
  Cpus(const Cpus &) = delete;
  ~Cpus() {
    if (count_ > 0)
      (void)sched_setaffinity(0, sizeof before_, &before_);
  }

  /** Where who answers runs; null: there are no two. */
  const int *other() const { return count_ == 2 ? &cpus_[1] : nullptr; }
  void StayOnOther() const {
    if (count_ == 2)
      StayOn(cpus_[1]);
  }

private:
  static void StayOn(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    (void)sched_setaffinity(0, sizeof only, &only);
  }

  cpu_set_t before_{};
  int cpus_[2] = {};
  int count_ = 0;
};

constexpr uint64_t kSpinNs = 300000;

class Dma {
public:
  explicit Dma(benchmark::State &state, const Cpus *cpus = nullptr, size_t queue_size = 0,
               uint64_t spin_ns = kSpinNs) {
    aml_dma_parallel_options options = {};
    if (cpus != nullptr && cpus->other() != nullptr) {
      options.cpus = cpus->other();
      options.cpu_count = 1;
    }
    options.thread_count = 1;
    options.queue_size = queue_size;
    options.spin_ns = spin_ns;
    if (aml_dma_parallel_create(&dma_, &options) != 0)
      state.SkipWithError("no dma");
  }
  Dma(const Dma &) = delete;
  ~Dma() { aml_dma_destroy(&dma_); }
  aml_dma *get() { return dma_; }

private:
  aml_dma *dma_ = nullptr;
};

/** Waits for the other thread; after a while by naps, since there are turns without it. */
class Patience {
public:
  void Wait() {
    if (++looks_ < kLooks)
      aml_internal_pause();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(50));
  }

private:
  static constexpr int kLooks = 10000;
  int looks_ = 0;
};

/** A thread that answers each number written to one line by writing it to the same line. */
class PingPong {
public:
  PingPong(const Cpus &cpus, bool sleeps)
      : sleeps_(sleeps), thread_([this, &cpus] {
          cpus.StayOnOther();
          Answer();
        }) {}
  ~PingPong() {
    Say(kEnd);
    thread_.join();
  }
  void RoundTrip() {
    Say(kAsked);
    Await(kAnswered);
  }

private:
  static constexpr int kAnswered = 0;
  static constexpr int kAsked = 1;
  static constexpr int kEnd = 2;

  void Answer() {
    for (;;) {
      int said;
      Patience patience;
      while ((said = word_.load(std::memory_order_acquire)) == kAnswered)
        Idle(kAnswered, patience);
      if (said == kEnd)
        return;
      Say(kAnswered);
    }
  }
  void Say(int what) {
    word_.store(what, std::memory_order_release);
    if (sleeps_)
      syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void Await(int what) {
    int said;
    Patience patience;
    while ((said = word_.load(std::memory_order_acquire)) != what)
      Idle(said, patience);
  }
  void Idle(int while_it_is, Patience &patience) {
    if (sleeps_)
      syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, while_it_is, nullptr, nullptr, 0);
    else
      patience.Wait();
  }

  alignas(64) std::atomic<int> word_{kAnswered};
  const bool sleeps_;
  std::thread thread_;
};

/** Copies nothing: source and destination are the same. */
struct Empty {
  char byte = 0;
  aml_tile tile = aml_tile_bytes(&byte, 1);
  alignas(64) aml_dma_request request{};
  void Submit(aml_dma *dma) { (void)!aml_dma_submit(dma, &request, &tile, &tile, nullptr); }
  void Wait() { (void)!aml_dma_wait(&request); }
};

// The thread that submits waits at once, and so may run the request itself.
void BM_DmaParallel_SubmitAndWait(benchmark::State &state) {
  const Cpus cpus;
  Dma dma(state, &cpus);
  PingPong baseline(cpus, false);
  Empty empty;
  CompareWith(
      state, 1, 1000, 10000, [&](size_t) { baseline.RoundTrip(); },
      [&](size_t) {
        empty.Submit(dma.get());
        empty.Wait();
      });
}

// The thread that submits only looks, so the other one runs the request.
void BM_DmaParallel_HandOver(benchmark::State &state) {
  const Cpus cpus;
  Dma dma(state, &cpus);
  PingPong baseline(cpus, false);
  Empty empty;
  CompareWith(
      state, 1, 1000, 10000, [&](size_t) { baseline.RoundTrip(); },
      [&](size_t) {
        empty.Submit(dma.get());
        while (aml_dma_request_state(&empty.request) != AML_DMA_DONE)
          aml_internal_pause();
      });
}

// Threads sleep as soon as there is nothing to do.
void BM_DmaParallel_SubmitAndWaitAsleep(benchmark::State &state) {
  const Cpus cpus;
  Dma dma(state, &cpus, 0, 1);
  PingPong baseline(cpus, true);
  Empty empty;
  CompareWith(
      state, 1, 10, 100, [&](size_t) { baseline.RoundTrip(); },
      [&](size_t) {
        empty.Submit(dma.get());
        empty.Wait();
      });
}

/** A bare ring between one producer and one consumer. */
class BareRing {
public:
  explicit BareRing(const Cpus &cpus)
      : thread_([this, &cpus] {
          cpus.StayOnOther();
          Consume();
        }) {}
  ~BareRing() {
    Push(nullptr);
    thread_.join();
  }
  void Push(void *what) {
    slots_[tail_ % kSize] = what;
    written_.store(++tail_, std::memory_order_release);
  }
  void Await() {
    while (read_.load(std::memory_order_acquire) != tail_)
      aml_internal_pause();
  }

private:
  void Consume() {
    for (size_t next = 0;;) {
      size_t end;
      Patience patience;
      while ((end = written_.load(std::memory_order_acquire)) == next)
        patience.Wait();
      for (; next < end; ++next)
        if (slots_[next % kSize] == nullptr)
          return;
      read_.store(next, std::memory_order_release);
    }
  }

  static constexpr size_t kSize = 1024;
  void *slots_[kSize] = {};
  alignas(64) std::atomic<size_t> written_{0};
  alignas(64) std::atomic<size_t> read_{0};
  alignas(64) size_t tail_ = 0;
  std::thread thread_;
};

void BM_DmaParallel_Batch(benchmark::State &state) {
  const auto count = static_cast<size_t>(state.range(0));
  const Cpus cpus;
  Dma dma(state, &cpus, 2 * count);
  BareRing ring(cpus);
  std::vector<Empty> batch(count);
  std::vector<aml_dma_transfer> transfers;
  for (Empty &empty : batch)
    empty.tile = aml_tile_bytes(&empty.byte, 1);
  for (Empty &empty : batch)
    transfers.push_back({&empty.request, &empty.tile, &empty.tile, nullptr});
  CompareWith(
      state, count, 10, 100,
      [&](size_t) {
        for (size_t i = 0; i < count; ++i)
          ring.Push(&batch[i]);
        ring.Await();
      },
      [&](size_t) {
        (void)!aml_dma_submit_many(dma.get(), count, transfers.data(), nullptr);
        for (Empty &empty : batch)
          empty.Wait();
      });
}

// Many outstanding requests against ten, each; waited for in an order of its own.
void BM_DmaParallel_Outstanding(benchmark::State &state) {
  const auto count = static_cast<size_t>(state.range(0));
  const Cpus cpus;
  Dma dma(state, &cpus, 2 * count);
  std::vector<Empty> batch(count);
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = 0; i < count; ++i)
    std::swap(order[i], order[i * 7919 % count]);
  for (Empty &empty : batch)
    empty.tile = aml_tile_bytes(&empty.byte, 1);
  const auto submit_and_wait = [&](size_t first, size_t some) {
    for (size_t i = 0; i < some; ++i)
      batch[first + i].Submit(dma.get());
    for (size_t i = 0; i < some; ++i)
      batch[some == count ? order[i] : first + some - 1 - i].Wait();
  };
  CompareWith(
      state, count, 1, 10,
      [&](size_t) {
        for (size_t i = 0; i + 10 <= count; i += 10)
          submit_and_wait(i, 10);
      },
      [&](size_t) { submit_and_wait(0, count); });
}

/** Keeps the one thread of a dma busy with something else. */
class Busy {
public:
  explicit Busy(aml_dma *dma) {
    options_.operation = &operation_;
    (void)!aml_dma_submit(dma, &blocker_.request, &dst_, &blocker_.tile, &options_);
    while (!is_busy_)
      aml_internal_pause();
  }
  Busy(const Busy &) = delete;
  ~Busy() {
    ends_ = true;
    blocker_.Wait();
  }

private:
  static int Run(void *, const void *, size_t, void *argument) {
    auto *const it = static_cast<Busy *>(argument);
    it->is_busy_ = true;
    while (!it->ends_)
      aml_internal_pause();
    return 0;
  }

  std::atomic<bool> is_busy_{false};
  std::atomic<bool> ends_{false};
  char other_ = 0;
  const aml_tile dst_ = aml_tile_bytes(&other_, 1);
  const aml_dma_operation operation_ = {Run, this, 0, 0};
  aml_dma_options options_{};
  Empty blocker_;
};

void BM_DmaParallel_SubmitAndWaitRunsItHere(benchmark::State &state) {
  Dma dma(state);
  const Busy busy(dma.get());
  Empty empty;
  for (auto _ : state) {
    empty.Submit(dma.get());
    empty.Wait();
  }
}

// Wait alone, of requests that were submitted before.
void BM_DmaParallel_WaitRunsItHere(benchmark::State &state) {
  constexpr size_t kCount = 64;
  Dma dma(state);
  const Busy busy(dma.get());
  std::vector<Empty> batch(kCount);
  for (Empty &empty : batch)
    empty.tile = aml_tile_bytes(&empty.byte, 1);
  for (auto _ : state) {
    for (Empty &empty : batch)
      empty.Submit(dma.get());
    const auto start = std::chrono::steady_clock::now();
    for (Empty &empty : batch)
      empty.Wait();
    state.SetIterationTime(SecondsOf(start) / kCount);
  }
}

// A copy of few bytes that is waited for at once, beside a thread that sleeps.
void BM_DmaParallel_CopyAtOnce(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const aml_tile from = aml_tile_bytes(src.get(), size);
  const aml_tile to = aml_tile_bytes(dst.get(), size);
  const Cpus cpus;
  Dma dma(state, &cpus, 0, 1);
  CompareWith(
      state, size, 1, 1000,
      [&](size_t) {
        aml_dma_request request = {};
        (void)!aml_dma_submit(dma.get(), &request, &to, &from, nullptr);
        (void)!aml_dma_wait(&request);
      },
      [&](size_t) { (void)!aml_dma_copy(dma.get(), &to, &from, nullptr); });
}

/** This thread and one on the other CPU, which sleeps meanwhile, as the dma's does in their turns.
 */
class TwoThreads {
public:
  using Half = std::function<void(size_t i)>;

  explicit TwoThreads(const Cpus &cpus)
      : thread_([this, &cpus] {
          cpus.StayOnOther();
          Serve();
        }) {
    Do([](size_t) {}); // it is on its CPU from now on
  }
  TwoThreads(const TwoThreads &) = delete;
  ~TwoThreads() {
    Tell(nullptr);
    thread_.join();
  }

  /** Half 0 is done here, half 1 there. */
  void Do(const Half &half) {
    Tell(&half);
    half(0);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !is_told_; });
  }

private:
  void Tell(const Half *half) {
    const std::lock_guard<std::mutex> lock(mutex_);
    half_ = half;
    is_told_ = true;
    changed_.notify_all();
  }

  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_told_; });
      if (half_ == nullptr)
        return;
      lock.unlock();
      (*half_)(1);
      lock.lock();
      is_told_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const Half *half_ = nullptr;
  bool is_told_ = false;
  std::thread thread_;
};

/** How long the threads that share a CPU with those of a baseline look for work. */
constexpr uint64_t kBriefSpinNs = 1000;

/** Fills past the caches, by the widest stores that there are. */
void Fill(char *memory, size_t size) {
  constexpr size_t kPart = size_t{16} << 10;
  static const std::vector<char> from(kPart, 3);
  const aml_internal_kernels *const kernels = aml_internal_kernels_find(nullptr);
  for (size_t i = 0; i < size; i += kPart)
    kernels->stream(memory + i, from.data(), kPart);
  kernels->fence();
}

// Against a fill past the caches by two threads, the limit of writing. `bare_over_this`: against
// two threads that do nothing but the loop.
void BM_DmaParallel_CopyInTwoThreads(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const aml_tile from = aml_tile_bytes(src.get(), size);
  const aml_tile to = aml_tile_bytes(dst.get(), size);
  aml_dma_options options = {};
  options.use = state.range(1) != 0 ? AML_DMA_USE_STREAM : AML_DMA_USE_UNKNOWN;
  const Cpus cpus;
  Dma dma(state, &cpus, 0, kBriefSpinNs);
  TwoThreads threads(cpus);
  double filled = 0;
  double copied = 0;
  CompareWith(
      state, size, 0, 1,
      [&](size_t) {
        const auto start = std::chrono::steady_clock::now();
        threads.Do([&](size_t i) { Fill(dst.get() + i * size / 2, size / 2); });
        filled += SecondsOf(start);
      },
      [&](size_t) {
        const auto start = std::chrono::steady_clock::now();
        (void)!aml_dma_copy(dma.get(), &to, &from, &options);
        copied += SecondsOf(start);
      });
  const auto rounds = static_cast<double>(state.iterations());
  const auto seconds_of = [](auto call) {
    constexpr int kTimes = 5;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i)
      call();
    return SecondsOf(start) / kTimes;
  };
  const aml_internal_kernels *const kernels = aml_internal_kernels_find(nullptr);
  const double one = seconds_of([&] { Fill(dst.get(), size); });
  const double bare = seconds_of([&] {
    threads.Do([&](size_t i) {
      kernels->stream(dst.get() + i * size / 2, src.get() + i * size / 2, size / 2);
      kernels->fence();
    });
  });
  state.counters["fill_2T_over_1T"] = one / (filled / rounds);
  state.counters["bare_over_this"] = bare / (copied / rounds);
}

// Against a plain copy by the same two threads, both past the caches.
void PermuteInTwoThreads(benchmark::State &state, const std::vector<size_t> &extent,
                         const std::vector<size_t> &order, size_t element_size) {
  const size_t size =
      std::accumulate(extent.begin(), extent.end(), element_size, std::multiplies());
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const aml_tile from = aml_tile_bytes(src.get(), size);
  const aml_tile to = aml_tile_bytes(dst.get(), size);
  aml_tile whole;
  aml_tile permuted;
  aml_tile dense;
  aml_dma_options options = {};
  options.use = AML_DMA_USE_STREAM;
  const Cpus cpus;
  Dma dma(state, &cpus, 0, kBriefSpinNs);
  if (aml_tile_dense(&whole, nullptr, src.get(), element_size, extent.size(), extent.data(),
                     AML_ORDER_ROW) != 0 ||
      aml_tile_permute(&whole, order.data(), &permuted) != 0 ||
      aml_tile_dense(&dense, nullptr, dst.get(), element_size, extent.size(), permuted.extent,
                     AML_ORDER_ROW) != 0)
    state.SkipWithError("no tiles");
  CompareWith(
      state, size, 0, 1, [&](size_t) { (void)!aml_dma_copy(dma.get(), &to, &from, &options); },
      [&](size_t) { (void)!aml_dma_copy(dma.get(), &dense, &permuted, &options); });
}

void BM_DmaParallel_TransposeInTwoThreads(benchmark::State &state) {
  const auto side = static_cast<size_t>(state.range(1));
  PermuteInTwoThreads(state, {side, side}, {1, 0}, static_cast<size_t>(state.range(0)));
}

// By number, the orders of three dimensions; the first one would be a plain copy.
void BM_DmaParallel_PermuteInTwoThreads(benchmark::State &state) {
  std::vector<size_t> order = {0, 1, 2};
  for (int64_t i = 0; i < state.range(1); ++i)
    std::next_permutation(order.begin(), order.end());
  const bool is_cube = state.range(0) != 0;
  PermuteInTwoThreads(
      state, is_cube ? std::vector<size_t>{256, 256, 256} : std::vector<size_t>{384, 272, 160},
      order, sizeof(double));
}

BENCHMARK(BM_DmaParallel_SubmitAndWait)->UseManualTime();
BENCHMARK(BM_DmaParallel_HandOver)->UseManualTime();
BENCHMARK(BM_DmaParallel_SubmitAndWaitAsleep)->UseManualTime()->Iterations(20);
BENCHMARK(BM_DmaParallel_Batch)->Arg(8)->Arg(64)->Arg(512)->UseManualTime();
BENCHMARK(BM_DmaParallel_Outstanding)->Arg(10000)->UseManualTime();
BENCHMARK(BM_DmaParallel_SubmitAndWaitRunsItHere);
BENCHMARK(BM_DmaParallel_WaitRunsItHere)->UseManualTime()->Iterations(2000);
BENCHMARK(BM_DmaParallel_CopyAtOnce)->Arg(64)->Arg(4096)->UseManualTime();
BENCHMARK(BM_DmaParallel_CopyInTwoThreads)
    ->ArgNames({"bytes", "streamed"})
    ->ArgsProduct({{64 << 20, 256 << 20}, {1, 0}})
    ->UseManualTime();
BENCHMARK(BM_DmaParallel_TransposeInTwoThreads)
    ->ArgNames({"element", "side"})
    ->ArgsProduct({{8, 4}, {4096, 4160}})
    ->UseManualTime();
BENCHMARK(BM_DmaParallel_PermuteInTwoThreads)
    ->ArgNames({"cube", "order"})
    ->ArgsProduct({{1, 0}, benchmark::CreateDenseRange(1, 5, 1)})
    ->UseManualTime();

} // namespace
