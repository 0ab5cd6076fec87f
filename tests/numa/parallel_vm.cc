// SPDX-License-Identifier: BSD-3-Clause
//
// Large copies of dma:parallel on machines with several nodes: threads write what is near them.

#include <gtest/gtest.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstring>
#include <map>
#include <vector>

#include "aml/dma/parallel.h"
#include "aml/dma/parallel_rounds_testing.h"
#include "aml/dma/parallel_testing.h"

namespace {

using namespace aml_testing;

constexpr size_t kBlock = 1 << 20; // what is looked for
constexpr size_t kPage = 4096;
constexpr size_t kThreadsOfNode = 2;
constexpr size_t kShare = 2; // blocks

/** Memory, of which nothing is touched. */
class Mapping {
public:
  explicit Mapping(size_t size) : size_(size) {
    void *const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(MAP_FAILED, memory);
    base_ = static_cast<char *>(memory);
  }
  Mapping(const Mapping &) = delete;
  ~Mapping() { (void)munmap(base_, size_); }

  char *base() const { return base_; }
  size_t size() const { return size_; }

  /** Puts block i on nodes[i]. */
  void Place(const std::vector<int> &nodes) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const unsigned long mask = 1ul << nodes[i];
      ASSERT_EQ(0, mbind(base_ + i * kBlock, kBlock, MPOL_BIND, &mask, CHAR_BIT * sizeof mask, 0));
      std::memset(base_ + i * kBlock, 1, kBlock);
    }
  }

  /** The node of each page of a part; negative where there is none. */
  std::vector<int> Locate(const Part &part) const {
    std::vector<void *> pages;
    for (size_t offset = 0; offset < part.size; offset += kPage)
      pages.push_back(base_ + part.begin + offset);
    std::vector<int> nodes(pages.size(), INT_MAX);
    EXPECT_EQ(0, move_pages(0, pages.size(), pages.data(), nullptr, nodes.data(), 0));
    return nodes;
  }

private:
  char *base_;
  size_t size_;
};

class NumaParallel : public testing::Test {
protected:
  void SetUp() override {
    for (int cpu = 0; cpu < numa_num_configured_cpus(); ++cpu)
      first_cpu_.emplace(numa_node_of_cpu(cpu), cpu);
    ASSERT_GE(first_cpu_.size(), 2u) << "this machine has CPUs on one node";
    for (int node = 0; node <= numa_max_node(); ++node)
      if (const int home = HomeOf(node); home >= 0 && numa_node_size64(node, nullptr) > 0)
        near_[home].push_back(node);
    for (size_t i = 0; i < kThreadsOfNode; ++i)
      for (const auto &[node, cpu] : first_cpu_)
        cpus_.push_back(cpu);
    aml_dma_parallel_options options = {};
    options.cpus = cpus_.data();
    options.cpu_count = cpus_.size();
    dma_ = Create(options);
  }

  /** The node with CPUs that is nearest to one; negative if several are. */
  int HomeOf(int node) const {
    if (first_cpu_.count(node) != 0)
      return node;
    std::map<int, std::vector<int>> by_distance;
    for (const auto &[home, cpu] : first_cpu_)
      by_distance[numa_distance(home, node)].push_back(home);
    const std::vector<int> &nearest = by_distance.begin()->second;
    return nearest.size() == 1 ? nearest[0] : -1;
  }

  /** As many blocks near each node as its threads do in some rounds; `more` threads are on one. */
  std::vector<int> NodesInTurn(int node_of_more, size_t more) const {
    std::vector<int> nodes;
    for (const auto &[home, all] : near_)
      for (size_t i = 0; i < kShare * (kThreadsOfNode + (home == node_of_more ? more : 0)); ++i)
        nodes.push_back(all[i % all.size()]);
    return nodes;
  }

  /** That each page was given to a thread that is near it. */
  void ExpectNear(const std::vector<Part> &parts, const Mapping &dst) const {
    ExpectAllOnce(parts, dst.size());
    for (const Part &part : parts)
      for (const int node : dst.Locate(part)) {
        ASSERT_GE(node, 0);
        ASSERT_EQ(HomeOf(node), numa_node_of_cpu(part.cpu)) << "at " << part.begin;
      }
  }

  /** Has the threads do a request whose blocks are on some nodes. */
  void ExpectNearIfOn(const std::vector<int> &nodes) {
    Mapping dst(nodes.size() * kBlock);
    const Mapping src(nodes.size() * kBlock);
    dst.Place(nodes);
    Rounds first(cpus_.size(), nodes.size());
    const std::vector<Part> parts =
        first.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size());
    ExpectNear(parts, dst);
    Rounds second(cpus_.size(), nodes.size());
    const std::vector<Part> same =
        second.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size());
    ExpectNear(same, dst);
  }

  std::map<int, int> first_cpu_;         /**< of each node that has any */
  std::map<int, std::vector<int>> near_; /**< nodes with memory, by their home */
  std::vector<int> cpus_;
  Dma dma_;
};

TEST_F(NumaParallel, EachPieceOfATileIsWrittenByThreadsOnItsNode) {
  ExpectNearIfOn(NodesInTurn(-1, 0));
}

TEST_F(NumaParallel, BlocksDealtRoundTheNodesAreWrittenByThreadsOnTheirs) {
  const std::vector<int> pieces = NodesInTurn(-1, 0);
  const size_t count = pieces.size() / near_.size();
  std::vector<int> nodes;
  for (size_t i = 0; i < pieces.size(); ++i)
    nodes.push_back(pieces[i % near_.size() * count + i / near_.size()]);
  ExpectNearIfOn(nodes);
}

TEST_F(NumaParallel, WhoWaitsWritesWhatIsNearHim) {
  const auto &[node, cpu] = *first_cpu_.begin(); // its seat is with the last
  cpu_set_t before;
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(static_cast<size_t>(cpu), &here);
  ASSERT_EQ(0, sched_getaffinity(0, sizeof before, &before));
  ASSERT_EQ(0, sched_setaffinity(0, sizeof here, &here));
  const std::vector<int> nodes = NodesInTurn(node, 1);
  Mapping dst(nodes.size() * kBlock);
  const Mapping src(nodes.size() * kBlock);
  dst.Place(nodes);
  Rounds rounds(cpus_.size() + 1, nodes.size());
  ExpectNear(rounds.WithOneThatWaits(dma_.get(), dst.base(), src.base(), dst.size()), dst);
  EXPECT_EQ(0, sched_setaffinity(0, sizeof before, &before));
}

TEST_F(NumaParallel, ThreadsKeepTheirShareOfANode) {
  // The last share of each node is that of who waits, and is left to chance.
  std::vector<int> nodes;
  for (const auto &[home, all] : near_)
    nodes.insert(nodes.end(), kShare * (kThreadsOfNode + 1), all[0]);
  Mapping dst(nodes.size() * kBlock);
  const Mapping src(nodes.size() * kBlock);
  dst.Place(nodes);
  Rounds first(cpus_.size(), nodes.size());
  const auto begins =
      BeginsByThread(first.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size()), kShare);
  for (const auto &[thread, own] : begins)
    EXPECT_EQ(own[0] + kBlock, own[1]);
  for (int time = 0; time < 3; ++time) {
    Rounds again(cpus_.size(), nodes.size());
    EXPECT_EQ(begins,
              BeginsByThread(again.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size()),
                             kShare));
  }
}

TEST_F(NumaParallel, ThreadsWithNothingNearThemHelpTheOthers) {
  const std::vector<int> nodes(kShare * cpus_.size(), near_.rbegin()->second.back());
  Mapping dst(nodes.size() * kBlock);
  const Mapping src(nodes.size() * kBlock);
  dst.Place(nodes);
  Rounds rounds(cpus_.size(), nodes.size());
  const std::vector<Part> parts =
      rounds.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size());
  ExpectAllOnce(parts, dst.size());
  EXPECT_EQ(cpus_.size(), BeginsByThread(parts, kShare).size());
}

TEST_F(NumaParallel, PagesThatNobodyTouchedAreForAllAndAreNotTouched) {
  const size_t count = kShare * cpus_.size();
  const Mapping dst(count * kBlock);
  const Mapping src(count * kBlock);
  Rounds rounds(cpus_.size(), count);
  const std::vector<Part> parts =
      rounds.WithoutWaiting(dma_.get(), dst.base(), src.base(), dst.size());
  ExpectAllOnce(parts, dst.size());
  EXPECT_EQ(cpus_.size(), BeginsByThread(parts, kShare).size());
  for (const Part &part : parts)
    for (const int node : dst.Locate(part))
      EXPECT_LT(node, 0);
}

} // namespace
