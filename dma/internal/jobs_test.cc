// SPDX-License-Identifier: BSD-3-Clause
//
// Who begins which part of a large copy, where memory and threads are on several nodes: on a
// machine that is made up, so that this runs anywhere. On machines with several nodes:
// //tests/numa.

#include "aml/dma/internal/jobs.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <random>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/transfer.h"

namespace {

constexpr size_t kPart = 1 << 20; // bytes, the least that has a home
constexpr size_t kParts = 200;    // of a copy
constexpr size_t kCopies = 2;
constexpr size_t kThreads = 5;
constexpr size_t kWaiter = kThreads; // the seat of who waits

/** What is near each node: the last two have no CPUs, and the very last is as near to two others.
 */
constexpr int16_t kHome[] = {1, 2, 3, 2, 0};
constexpr int kNodes = static_cast<int>(std::size(kHome));

/** What is said of a page: its node, or that there is none, or one that cannot be. */
constexpr int kAnswers[] = {0, 1, 2, 3, 4, -ENOENT, -EFAULT, AML_NODESET_CAPACITY};

/** What is said of where the copies' destinations are; one behind the other. */
struct Memory {
  char *base = nullptr;
  int answers[kCopies * kParts] = {};
};

Memory memory;
thread_local unsigned node_here;

long SayWherePagesAre(size_t count, void *const pages[], int answers[]) {
  for (size_t i = 0; i < count; ++i)
    answers[i] =
        memory.answers[static_cast<size_t>(static_cast<char *>(pages[i]) - memory.base) / kPart];
  return 0;
}

} // namespace

// The linker makes these names up. All arguments of a system call are of the size of a pointer.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...) {
  void *arguments[6];
  va_list rest;
  va_start(rest, number);
  for (void *&argument : arguments)
    argument = va_arg(rest, void *);
  va_end(rest);
  if (number == SYS_move_pages)
    return SayWherePagesAre(reinterpret_cast<size_t>(arguments[1]),
                            static_cast<void **>(arguments[2]), static_cast<int *>(arguments[4]));
  if (number == SYS_getcpu) {
    *static_cast<unsigned *>(arguments[1]) = node_here;
    return 0;
  }
  return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                        arguments[4], arguments[5]);
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

int16_t HomeOfPart(size_t part) {
  const int node = memory.answers[part];
  return node < 0 || node >= kNodes ? int16_t{0} : kHome[node];
}

/** When a thread has a part's turn: its own ones, those without a home, any. */
int TurnOf(size_t part, int16_t here) {
  const int16_t home = HomeOfPart(part);
  return home == 0 ? 1 : home == here ? 0 : 2;
}

/** A thread that takes part, and what it has done. */
struct Hand {
  Hand(size_t its_seat, unsigned its_node) : seat(its_seat), node(its_node) {}

  size_t seat;
  unsigned node;
  aml_dma_request until{};
  size_t end = SIZE_MAX;     /**< with how many parts it makes one done, */
  Hand *ended = nullptr;     /**< which is that hand's `until`; null: none */
  std::vector<size_t> parts; /**< in its order; of all copies */
  size_t late = 0;           /**< begun where `until` was done */

  int16_t home() const { return kHome[node]; }
  bool IsOver() const { return aml_dma_request_state(&until) == AML_DMA_DONE; }
};

thread_local Hand *me;

/** Waits until all have come. */
class Gate {
public:
  explicit Gate(size_t count) : missing_(count) {}

  void Pass() {
    --missing_;
    while (missing_ > 0)
      std::this_thread::yield();
  }

private:
  std::atomic<size_t> missing_;
};

/** A large request whose parts touch nothing. */
class Copy {
public:
  /** @param gate  where each hand goes with its first part; null: none. */
  Copy(size_t index, Gate *gate) : first_(index * kParts), gate_(gate) {
    tile_ = aml_tile_bytes(memory.base + first_ * kPart, kParts * kPart);
    options_.operation = &operation_;
    request_.dst = &tile_;
    request_.src = &tile_;
    request_.options = &options_;
    aml_internal_transfer_plan(&request_, AML_INTERNAL_TRANSFER_OPERATE, &transfer_);
  }
  Copy(const Copy &) = delete;

  bool Open(aml_internal_jobs *jobs) {
    aml_internal_job *const job = aml_internal_jobs_open(jobs, &transfer_, &options_);
    job_ = job;
    return job != nullptr;
  }

  /** By its owner, who waits. */
  void Run(aml_internal_jobs *jobs) {
    EXPECT_EQ(0, aml_internal_jobs_run(jobs, job_, kWaiter));
    EXPECT_EQ(kParts, std::count(std::begin(is_done_), std::end(is_done_), true));
  }

  void ExpectAllOnceAndInTurn() const {
    EXPECT_EQ(kParts, std::count(std::begin(times_), std::end(times_), 1));
    EXPECT_EQ(0, wrong_) << "parts were begun before others whose turn it was";
  }

private:
  static int Do(void *dst, const void *, size_t size, void *argument) {
    auto *const copy = static_cast<Copy *>(argument);
    const auto offset = static_cast<size_t>(static_cast<char *>(dst) - memory.base);
    copy->wrong_ += size != kPart || offset % kPart != 0;
    copy->Do(offset / kPart);
    return 0;
  }

  void Do(size_t part) {
    aml_internal_job *job = nullptr;
    while ((job = job_) == nullptr) // open for others before the owner knows it
      std::this_thread::yield();
    me->late += me->IsOver();
    for (size_t i = 0; i < kParts; ++i)
      wrong_ += TurnOf(first_ + i, me->home()) < TurnOf(part, me->home()) &&
                __atomic_load_n(&job->is_begun[i], __ATOMIC_RELAXED) == 0;
    ++times_[part - first_];
    me->parts.push_back(part);
    if (gate_ != nullptr && me->parts.size() == 1)
      gate_->Pass();
    if (me->ended != nullptr && me->parts.size() == me->end)
      __atomic_store_n(&me->ended->until.state, int{AML_DMA_DONE}, __ATOMIC_RELEASE);
    std::this_thread::yield();
    is_done_[part - first_] = true;
  }

  const size_t first_;
  Gate *const gate_;
  std::atomic<int> times_[kParts] = {};
  bool is_done_[kParts] = {}; /**< not atomic: the owner sees all that was done */
  std::atomic<int> wrong_{0};
  std::atomic<aml_internal_job *> job_{nullptr};
  aml_dma_operation operation_ = {Do, this, 1, 1};
  aml_dma_options options_{};
  aml_dma_request request_{};
  aml_tile tile_{};
  aml_internal_transfer transfer_{};
};

class DmaInternalJobs : public testing::Test {
protected:
  static constexpr size_t kSize = kCopies * kParts * kPart;

  void SetUp() override {
    void *const base =
        mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(MAP_FAILED, base);
    memory.base = static_cast<char *>(base);
    ASSERT_EQ(0, aml_internal_copy_engine_init(&jobs_.engine, "", nullptr, 0));
    jobs_.jobs = job_;
    jobs_.count = kCopies;
    jobs_.thread_count = kThreads;
    jobs_.chunk_size = kPart;
    jobs_.homes.are_several = true;
    std::copy(std::begin(kHome), std::end(kHome), jobs_.homes.of_node);
  }

  void TearDown() override {
    EXPECT_EQ(0u, jobs_.active);
    (void)munmap(memory.base, kSize);
  }

  /** Goes to a hand's node, from another one where it sat down. */
  void Become(Hand *hand, unsigned sat) {
    me = hand;
    node_here = sat;
    if (hand->seat != kWaiter)
      aml_internal_jobs_sit(&jobs_, hand->seat);
    node_here = hand->node;
  }

  /** Helps until there is no need to. */
  void Help(Hand *hand, const std::atomic<size_t> &left) {
    while (left > 0 && !hand->IsOver())
      if (!aml_internal_jobs_join(&jobs_, hand->seat, &hand->until))
        std::this_thread::yield();
  }

  /**
   * Runs copies, each with an owner who waits, and all threads.
   *
   * @param hands  of the threads, then of those who wait.
   * @param sat    the nodes on which those sat down.
   */
  void RunAll(size_t copies, std::deque<Hand> *hands, const std::vector<unsigned> &sat) {
    Gate seats(hands->size());
    Gate first_parts(hands->size());
    std::atomic<size_t> left{copies};
    std::deque<Copy> all;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < copies; ++i)
      all.emplace_back(i, &first_parts);
    for (size_t i = 0; i < hands->size(); ++i)
      threads.emplace_back([&, i] {
        Hand *const hand = &(*hands)[i];
        Become(hand, sat[i]);
        seats.Pass();
        if (hand->seat != kWaiter) {
          Help(hand, left);
          return;
        }
        Copy *const own = &all[i - kThreads];
        ASSERT_TRUE(own->Open(&jobs_));
        own->Run(&jobs_);
        --left;
      });
    for (std::thread &thread : threads)
      thread.join();
    for (const Copy &copy : all)
      copy.ExpectAllOnceAndInTurn();
  }

  aml_internal_job job_[kCopies] = {};
  aml_internal_jobs jobs_{};
};

/** One for each thread, then some who wait, each on a node. */
std::deque<Hand> MakeHands(const std::vector<unsigned> &nodes) {
  std::deque<Hand> hands;
  for (size_t i = 0; i < nodes.size(); ++i)
    hands.emplace_back(std::min(i, kWaiter), nodes[i]);
  return hands;
}

TEST_F(DmaInternalJobs, EachPartIsDoneOnceAndInItsTurn) {
  std::minstd_rand random(1);
  std::uniform_int_distribution<unsigned> any_node(0, kNodes - 1);
  for (int time = 0; time < 50; ++time) {
    std::vector<unsigned> sat;
    std::vector<unsigned> nodes;
    for (size_t i = 0; i < kThreads + kCopies; ++i) {
      sat.push_back(any_node(random));
      nodes.push_back(random() % 2 == 0 ? sat.back() : any_node(random));
    }
    for (int &answer : memory.answers)
      answer = kAnswers[random() % std::size(kAnswers)];
    std::deque<Hand> hands = MakeHands(nodes);
    for (size_t i = 0; i < kThreads && time % 2 == 0; ++i) {
      hands[i].end = 1 + random() % (kParts / 2);
      hands[i].ended = &hands[random() % kThreads];
    }
    RunAll(kCopies, &hands, sat);
    for (const Hand &hand : hands)
      EXPECT_GE(1u, hand.late) << "only the one that it was about to begin";
  }
}

/** The first part of a share of those that have the same turn. */
size_t FirstOf(int16_t here, int turn, size_t index, size_t count) {
  std::vector<size_t> parts;
  for (size_t part = 0; part < kParts; ++part)
    if (TurnOf(part, here) == turn)
      parts.push_back(part);
  return parts.at(parts.size() * index / count);
}

TEST_F(DmaInternalJobs, ThreadsBeginWithSharesOfWhatIsNear) {
  std::minstd_rand random(1);
  for (int time = 0; time < 10; ++time) {
    for (int &answer : memory.answers) // none is near node 2
      while ((answer = kAnswers[random() % std::size(kAnswers)]) == 2)
        continue;
    const std::vector<unsigned> nodes = {0, 1, 0, 4, 2, 0};
    std::deque<Hand> hands = MakeHands(nodes);
    RunAll(1, &hands, nodes);
    EXPECT_EQ(FirstOf(kHome[0], 0, 0, 3), hands[0].parts.at(0));
    EXPECT_EQ(FirstOf(kHome[0], 0, 1, 3), hands[2].parts.at(0));
    EXPECT_EQ(FirstOf(kHome[0], 0, 2, 3), hands[kWaiter].parts.at(0));
    EXPECT_EQ(FirstOf(kHome[1], 0, 0, 2), hands[1].parts.at(0));
    EXPECT_EQ(FirstOf(kHome[4], 1, 3, kThreads + 1), hands[3].parts.at(0));
    EXPECT_EQ(FirstOf(kHome[2], 1, 4, kThreads + 1), hands[4].parts.at(0));
  }
}

TEST_F(DmaInternalJobs, WhereNobodySaysWhereMemoryIsSharesAreOfAll) {
  std::fill(std::begin(memory.answers), std::end(memory.answers), -EFAULT);
  const std::vector<unsigned> nodes = {0, 1, 2, 3, 4, 0};
  std::deque<Hand> hands = MakeHands(nodes);
  RunAll(1, &hands, nodes);
  for (const Hand &hand : hands)
    EXPECT_EQ(kParts * hand.seat / (kThreads + 1), hand.parts.at(0));
}

TEST_F(DmaInternalJobs, WhoHelpsWhileItWaitsEndsInAnyTurn) {
  for (size_t part = 0; part < kParts; ++part)
    memory.answers[part] = kAnswers[part % std::size(kAnswers)];
  for (size_t end = 1; end < kParts; ++end) {
    Copy copy(0, nullptr);
    Hand helper(0, 1);
    Hand owner(kWaiter, 0);
    helper.end = end;
    helper.ended = &helper;
    ASSERT_TRUE(copy.Open(&jobs_));
    Become(&helper, 1);
    EXPECT_TRUE(aml_internal_jobs_join(&jobs_, helper.seat, &helper.until));
    EXPECT_EQ(end, helper.parts.size());
    EXPECT_FALSE(aml_internal_jobs_join(&jobs_, helper.seat, &helper.until));
    EXPECT_EQ(end, helper.parts.size());
    Become(&owner, 0);
    copy.Run(&jobs_);
    EXPECT_EQ(kParts - end, owner.parts.size());
    copy.ExpectAllOnceAndInTurn();
    EXPECT_FALSE(aml_internal_jobs_join(&jobs_, helper.seat, nullptr)) << "none is left";
  }
}

} // namespace
