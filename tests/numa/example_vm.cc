// SPDX-License-Identifier: BSD-3-Clause
//
// examples/placement on machines with several nodes: its maps show tiles where its bindings say,
// and its exit status that nothing is elsewhere.

#include <gtest/gtest.h>
#include <numa.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "aml/examples/placement/job.h"

namespace {

struct Placed {
  int status;
  std::string text;
};

Placed Place(std::vector<std::string> words) {
  std::vector<char *> arguments = {const_cast<char *>("placement")};
  for (std::string &word : words)
    arguments.push_back(&word[0]);
  testing::internal::CaptureStdout();
  const int status = job_run(static_cast<int>(arguments.size()), arguments.data());
  return {status, testing::internal::GetCapturedStdout()};
}

// The first two nodes with memory, as texts.
std::vector<std::string> TwoNodes() {
  std::vector<std::string> nodes;
  bitmask *const allowed = numa_get_mems_allowed();
  for (int node = 0; node <= numa_max_node() && nodes.size() < 2; ++node)
    if (numa_bitmask_isbitset(allowed, static_cast<unsigned>(node)) &&
        numa_node_size64(node, nullptr) > 0)
      nodes.push_back(std::to_string(node));
  numa_bitmask_free(allowed);
  return nodes;
}

class NumaExample : public ::testing::Test {
protected:
  void SetUp() override {
    nodes_ = TwoNodes();
    ASSERT_EQ(2u, nodes_.size()) << "this machine has one node";
    both_ = nodes_[0] + "," + nodes_[1];
    a_ = std::string(1, nodes_[0].back());
    b_ = std::string(1, nodes_[1].back());
  }

  std::vector<std::string> nodes_;
  std::string both_; // "0,2"
  std::string a_;    // the digits of the map
  std::string b_;
};

// Tiles of 32 x 512 elements of 8 bytes, in rows of 2048: each row of a tile is a page.
TEST_F(NumaExample, TheMapShowsTilesWhereTheBindingSays) {
  for (const std::string tiling : {"clipped:8x512", "blocked:8x512", "padded:8x512"})
    for (const std::string move : {"", "--move"}) {
      std::vector<std::string> words = {"--shape", "24x2048",   "--tiling",
                                        tiling,    "--binding", "cyclic:" + both_};
      if (!move.empty())
        words.push_back(move);
      const Placed run = Place(words);
      EXPECT_EQ(0, run.status) << run.text;
      const std::string row = a_ + " " + b_ + " " + a_ + " " + b_ + " \n";
      EXPECT_NE(std::string::npos, run.text.find("\n" + row + row + row)) << run.text;
    }
}

TEST_F(NumaExample, EachBindingAndTilingIsRight) {
  const std::vector<std::string> bindings = {"single:" + nodes_[1],
                                             "interleave:" + both_,
                                             "weighted:" + both_ + "=3,1",
                                             "block:" + both_,
                                             "cyclic:" + both_ + "/2",
                                             "grid:1x2=" + both_,
                                             "table:" + both_,
                                             "function:" + both_,
                                             "near",
                                             "local"};
  const std::vector<std::string> tilings = {"clipped:8x512",  "padded:8x512",
                                            "blocked:8x512",  "morton:8x512",
                                            "halo:8x512+100", "nested:16x1024/8x512"};
  for (const std::string &binding : bindings)
    for (const std::string &tiling : tilings) {
      const Placed run = Place({"--shape", "20x2048", "--tiling", tiling, "--binding", binding});
      EXPECT_EQ(0, run.status) << binding << " " << tiling << ":\n" << run.text;
    }
}

TEST_F(NumaExample, ThePictureHasAColourForEachDevice) {
  const std::string path = testing::TempDir() + "/map.svg";
  const Placed run = Place({"--shape", "24x2048", "--tiling", "clipped:8x512", "--binding",
                            "cyclic:" + both_, "--svg", path});
  EXPECT_EQ(0, run.status) << run.text;
  std::ifstream file(path);
  std::set<std::string> colours;
  size_t tiles = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.find("class=\"tile\"") == std::string::npos)
      continue;
    ++tiles;
    colours.insert(line.substr(line.find("fill="), 14));
    EXPECT_EQ(std::string::npos, line.find("belongs")) << line;
  }
  EXPECT_EQ(12u, tiles);
  EXPECT_EQ(2u, colours.size());
}

} // namespace
