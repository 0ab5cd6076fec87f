// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tools/aml/maps.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace {

maps_mapping Parse(const std::string &line) {
  static maps_mapping mapping;
  EXPECT_TRUE(maps_parse_line(line.c_str(), &mapping)) << line;
  return mapping;
}

TEST(Maps, ALineTellsNodesInBytes) {
  const maps_mapping mapping =
      Parse("7f0000000000 bind:0-1 anon=35 dirty=35 N0=3 N17=32 kernelpagesize_kB=4\n");
  EXPECT_EQ(uint64_t{0x7f0000000000}, mapping.start);
  EXPECT_STREQ("bind:0-1", mapping.policy);
  EXPECT_EQ(4096u, mapping.page_size);
  EXPECT_EQ(3u * 4096, mapping.size[0]);
  EXPECT_EQ(0u, mapping.size[1]);
  EXPECT_EQ(32u * 4096, mapping.size[17]);
  EXPECT_STREQ("", mapping.name);
}

TEST(Maps, NamesAreTakenApart) {
  EXPECT_STREQ("/tmp/a b\\c", Parse("1000 default file=/tmp/a\\040b\\134c mapped=1 N0=1 "
                                    "kernelpagesize_kB=2048")
                                  .name);
  EXPECT_STREQ("heap", Parse("1000 default heap anon=1 N0=1 kernelpagesize_kB=4").name);
  EXPECT_STREQ("stack", Parse("1000 prefer:1 stack").name);
  EXPECT_EQ(0u, Parse("1000 default").page_size);
}

TEST(Maps, WhatIsNoLineIsRefused) {
  static maps_mapping mapping;
  for (const std::string &line :
       {std::string(), std::string("zzz default"), std::string("1000"), std::string("\n"),
        "1000 default file=/" + std::string(5000, 'a')})
    EXPECT_FALSE(maps_parse_line(line.c_str(), &mapping)) << line.substr(0, 40);
  EXPECT_TRUE(maps_parse_line("1000 default N99999=1 Nx=2 N1 N2=3x kernelpagesize_kB=4", &mapping));
  EXPECT_EQ(0u, mapping.size[1]);
}

TEST(Maps, LinesOfSmapsAreTold) {
  uint64_t start = 1;
  uint64_t end = 2;
  EXPECT_EQ(MAPS_LINE_FIRST,
            maps_parse_smaps_line("7f00-7fff rw-p 00000000 00:00 0 \n", &start, &end));
  EXPECT_EQ(0x7f00u, start);
  EXPECT_EQ(0x7fffu, end);
  EXPECT_EQ(MAPS_LINE_TRANSPARENT,
            maps_parse_smaps_line("AnonHugePages:      2048 kB\n", &start, &end));
  EXPECT_EQ(2048u * 1024, start);
  for (const char *const line : {"", "Rss:   4 kB\n", "AnonHugePages:", "7f00-7fff", "7f00 8", "-"})
    EXPECT_EQ(MAPS_LINE_OTHER, maps_parse_smaps_line(line, &start, &end)) << line;
}

} // namespace
