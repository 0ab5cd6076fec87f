// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tools/malloc/options.h"

#include <gtest/gtest.h>

#include <string>

#include "aml/area/file.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/nodeset.h"

namespace {

class MallocOptions : public testing::Test {
protected:
  bool Parse(const char *text) {
    fault_[0] = '\0';
    return malloc_options_parse(text, &options_, fault_, sizeof fault_);
  }

  std::string Nodes() const {
    char text[AML_NODESET_TEXT_CAPACITY];
    aml_nodeset_format(&options_.linux_area.devices, text, sizeof text);
    return text;
  }

  void ExpectFault(const char *text, const char *fault) {
    EXPECT_FALSE(Parse(text)) << text;
    EXPECT_STREQ(fault, fault_);
  }

  malloc_options options_{};
  char fault_[200] = "";
};

TEST_F(MallocOptions, NothingIsTheDefaults) {
  for (const char *text : {static_cast<const char *>(nullptr), "", "linux", "linux:"}) {
    ASSERT_TRUE(Parse(text)) << fault_;
    EXPECT_FALSE(options_.is_file);
    EXPECT_FALSE(options_.reports);
    EXPECT_EQ(AML_POLICY_DEFAULT, options_.linux_area.policy);
    EXPECT_EQ(AML_AREA_LINUX_HUGE_DEFAULT, options_.linux_area.huge_pages);
    EXPECT_EQ(0u, options_.limit);
    EXPECT_EQ("", Nodes());
  }
}

TEST_F(MallocOptions, NodesAreBoundToUnlessAPolicyIsNamed) {
  ASSERT_TRUE(Parse("linux:nodes=1,huge")) << fault_;
  EXPECT_EQ("1", Nodes());
  EXPECT_EQ(AML_POLICY_BIND, options_.linux_area.policy);
  EXPECT_EQ(AML_AREA_LINUX_HUGE_TRANSPARENT, options_.linux_area.huge_pages);
  ASSERT_TRUE(Parse("linux:policy=interleave,nodes=0-3,8,10-11,lock")) << fault_;
  EXPECT_EQ("0-3,8,10-11", Nodes());
  EXPECT_EQ(AML_POLICY_INTERLEAVE, options_.linux_area.policy);
  EXPECT_EQ(AML_AREA_LINUX_LOCK, static_cast<int>(options_.linux_area.flags));
  ASSERT_TRUE(Parse("linux:nodes=0,2,policy=weighted,populate")) << fault_;
  EXPECT_EQ("0,2", Nodes());
  EXPECT_EQ(AML_POLICY_WEIGHTED_INTERLEAVE, options_.linux_area.policy);
  EXPECT_EQ(AML_AREA_LINUX_POPULATE, static_cast<int>(options_.linux_area.flags));
  ASSERT_TRUE(Parse("linux:nodes=2,policy=preferred")) << fault_;
  EXPECT_EQ(AML_POLICY_PREFERRED, options_.linux_area.policy);
  ASSERT_TRUE(Parse("linux:nodes=2-3,policy=preferred")) << fault_;
  EXPECT_EQ(AML_POLICY_PREFERRED_MANY, options_.linux_area.policy);
  ASSERT_TRUE(Parse("linux:policy=local")) << fault_;
  EXPECT_EQ(AML_POLICY_LOCAL, options_.linux_area.policy);
}

TEST_F(MallocOptions, HugePagesAreOfAKind) {
  ASSERT_TRUE(Parse("linux:huge=none")) << fault_;
  EXPECT_EQ(AML_AREA_LINUX_HUGE_NONE, options_.linux_area.huge_pages);
  ASSERT_TRUE(Parse("linux:huge=pool")) << fault_;
  EXPECT_EQ(AML_AREA_LINUX_HUGE_POOL, options_.linux_area.huge_pages);
  EXPECT_EQ(0u, options_.linux_area.pool_page_size);
  ASSERT_TRUE(Parse("linux:huge=pool-1G")) << fault_;
  EXPECT_EQ(size_t{1} << 30, options_.linux_area.pool_page_size);
}

TEST_F(MallocOptions, SizesHaveUnits) {
  ASSERT_TRUE(Parse("linux:limit=4096,report")) << fault_;
  EXPECT_EQ(4096u, options_.limit);
  EXPECT_TRUE(options_.reports);
  ASSERT_TRUE(Parse("linux:limit=3T")) << fault_;
  EXPECT_EQ(size_t{3} << 40, options_.limit);
  for (const char *text :
       {"linux:limit=0", "linux:limit=", "linux:limit", "linux:limit=1X", "linux:limit=1KB",
        "linux:limit=-1", "linux:limit=18446744073709551616", "linux:limit=18446744073709551615K"})
    EXPECT_FALSE(Parse(text)) << text;
}

TEST_F(MallocOptions, AFileIsMadeInAFolder) {
  ASSERT_TRUE(Parse("file:path=/scratch,limit=1G")) << fault_;
  EXPECT_TRUE(options_.is_file);
  EXPECT_STREQ("/scratch", options_.file.path);
  EXPECT_EQ(AML_AREA_FILE_TEMPORARY, options_.file.kind);
  ExpectFault("file", "path is missing");
  ExpectFault("file:path=", "path= has a value that is none");
  ExpectFault("file:path=/x,huge", "huge is no option of this area");
}

TEST_F(MallocOptions, WhatIsWrongIsNamed) {
  ExpectFault("hbm:nodes=1", "the area hbm is neither linux nor file");
  ExpectFault("shm", "the area shm is neither linux nor file");
  ExpectFault("linux:node=1", "node=1 is no option of this area");
  ExpectFault("linux:nodes=1-", "nodes=1- has a value that is none");
  ExpectFault("linux:nodes=", "nodes= has a value that is none");
  ExpectFault("linux:nodes=1,x", "x is no option of this area");
  ExpectFault("linux:policy=best", "policy=best has a value that is none");
  ExpectFault("linux:huge=pool2M", "huge=pool2M has a value that is none");
  ExpectFault("linux:huge=big", "huge=big has a value that is none");
  ExpectFault("linux:lock=1", "lock=1 is no option of this area");
  ExpectFault("linux:,lock", "an option is empty");
}

TEST_F(MallocOptions, LongTextsAreRefusedWhole) {
  EXPECT_FALSE(Parse(("linux:" + std::string(100000, 'x')).c_str()));
  EXPECT_FALSE(Parse(("linux:" + std::string(100, 'x') + "=1").c_str()));
  EXPECT_FALSE(Parse(("file:path=" + std::string(5000, 'x')).c_str()));
  EXPECT_TRUE(Parse(("file:path=" + std::string(4000, 'x')).c_str())) << fault_;
}

} // namespace
