// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse, forward and stand in for, seen by an area that only notes
// what it is asked.

#include "aml/core/area.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "aml/core/error.h"

namespace {

std::string noted;
char memory[64];
aml_area_map_options seen_options;

int Note(const std::string &call) {
  noted += call + ";";
  return -AML_EIO;
}

std::string Text(size_t number) {
  return " " + std::to_string(number);
}

aml_area_ops Mandatory() {
  aml_area_ops ops = {};
  ops.name = "fake";
  ops.fini = [](aml_area *) { (void)Note("fini"); };
  ops.capabilities = [](const aml_area *) { return unsigned{AML_AREA_ZEROED}; };
  ops.map = [](aml_area *, size_t size, const aml_area_map_options *options, void **pointer) {
    (void)Note("map" + Text(size));
    seen_options = *options;
    if (size > sizeof memory)
      return aml_error_set(-AML_ENOMEM, "aml_area_map", "size", "is too large");
    *pointer = memory;
    return 0;
  };
  ops.unmap = [](aml_area *, void *, size_t size) { return Note("unmap" + Text(size)); };
  ops.info = [](aml_area *, const void *pointer, aml_area_info *info) {
    info->size = 42;
    return Note(pointer == nullptr ? "info of the area" : "info of a mapping");
  };
  return ops;
}

aml_area_ops All() {
  aml_area_ops ops = Mandatory();
  ops.bind = [](aml_area *, void *, size_t size, aml_policy policy, const aml_nodeset *,
                unsigned flags) { return Note("bind" + Text(size) + Text(policy) + Text(flags)); };
  ops.locate = [](aml_area *, size_t count, void *const[], int[]) {
    return Note("locate" + Text(count));
  };
  ops.move = [](aml_area *, size_t count, void *const[], const int[], int[]) {
    return Note("move" + Text(count));
  };
  ops.resize = [](aml_area *, void *, size_t old_size, size_t new_size, unsigned flags,
                  void **pointer) {
    (void)Note("resize" + Text(old_size) + Text(new_size) + Text(flags));
    if (new_size > sizeof memory)
      return -AML_ENOMEM;
    *pointer = memory + 1;
    return 0;
  };
  ops.purge = [](aml_area *, void *, size_t size) { return Note("purge" + Text(size)); };
  ops.sync = [](aml_area *, void *, size_t size) { return Note("sync" + Text(size)); };
  return ops;
}

const aml_area_ops kMandatory = Mandatory();
const aml_area_ops kAll = All();

class CoreArea : public testing::Test {
protected:
  CoreArea() { noted.clear(); }

  static void ExpectRefused(int err, const std::string &sentence, int code = -AML_EINVAL) {
    EXPECT_EQ(code, err);
    EXPECT_EQ(sentence, aml_error_detail());
    EXPECT_EQ("", noted) << "forwarded in spite of that";
    noted.clear();
  }

  static void ExpectForwarded(int result, const char *call) {
    EXPECT_EQ(-AML_EIO, result) << "not what the type answered";
    EXPECT_EQ(std::string(call) + ";", noted);
    noted.clear();
  }

  void ExpectMapRefused(size_t size, const aml_area_map_options &options, const char *sentence) {
    EXPECT_EQ(nullptr, aml_area_map(full, size, &options));
    ExpectRefused(aml_error_code(), std::string("aml_area_map: ") + sentence);
  }

  aml_area bare_{&kMandatory};
  aml_area full_{&kAll};
  aml_area *const bare = &bare_;
  aml_area *const full = &full_;
  aml_nodeset zero = aml_nodeset_of(0);
  void *pointers[1] = {memory};
  int devices[1] = {};
  int results[1] = {};
};

TEST_F(CoreArea, MapForwardsWithDefaults) {
  EXPECT_EQ(memory, aml_area_map(bare, 10, nullptr));
  EXPECT_EQ("map 10;", noted);
  EXPECT_EQ(0u, seen_options.alignment);
  EXPECT_EQ(nullptr, seen_options.hint);
  EXPECT_EQ(0u, seen_options.flags);
  const aml_area_map_options options = {64, memory, AML_AREA_MAP_EXACT, "who"};
  EXPECT_EQ(memory, aml_area_map(bare, 10, &options));
  EXPECT_EQ(64u, seen_options.alignment);
  EXPECT_STREQ("who", seen_options.label);
  EXPECT_EQ(nullptr, aml_area_map(bare, 65, nullptr));
  EXPECT_STREQ("aml_area_map: size is too large", aml_error_detail());
}

TEST_F(CoreArea, MapRefusesBadArguments) {
  ExpectMapRefused(0, {}, "size is 0");
  ExpectMapRefused(1, {24, nullptr, 0, nullptr}, "alignment 24 is not a power of two");
  ExpectMapRefused(1, {0, nullptr, 1u << 31, nullptr}, "flags has an unknown bit");
  ExpectMapRefused(1, {0, nullptr, AML_AREA_MAP_EXACT, nullptr},
                   "hint is null, yet AML_AREA_MAP_EXACT asks for it");
  EXPECT_EQ(nullptr, aml_area_map(nullptr, 1, nullptr));
  ExpectRefused(aml_error_code(), "aml_area_map: area is null");
}

TEST_F(CoreArea, UnmapOfNullDoesNothing) {
  EXPECT_EQ(0, aml_area_unmap(full, nullptr, 10));
  EXPECT_EQ(0, aml_area_unmap(nullptr, nullptr, 0));
  EXPECT_EQ("", noted);
  ExpectForwarded(aml_area_unmap(full, memory, 10), "unmap 10");
  ExpectRefused(aml_area_unmap(full, memory, 0), "aml_area_unmap: size is 0");
  ExpectRefused(aml_area_unmap(nullptr, memory, 1), "aml_area_unmap: area is null");
}

TEST_F(CoreArea, InfoIsOfTheAreaOrOfAMapping) {
  aml_area_info info = {};
  ExpectForwarded(aml_area_get_info(bare, nullptr, &info), "info of the area");
  ExpectForwarded(aml_area_get_info(bare, memory, &info), "info of a mapping");
  EXPECT_EQ(42u, info.size);
  ExpectRefused(aml_area_get_info(nullptr, nullptr, &info), "aml_area_get_info: area is null");
  ExpectRefused(aml_area_get_info(bare, nullptr, nullptr), "aml_area_get_info: info is null");
}

TEST_F(CoreArea, BindTakesEachPolicyWithItsDevices) {
  for (const aml_policy policy :
       {AML_POLICY_DEFAULT, AML_POLICY_LOCAL, AML_POLICY_BIND, AML_POLICY_PREFERRED,
        AML_POLICY_PREFERRED_MANY, AML_POLICY_INTERLEAVE, AML_POLICY_WEIGHTED_INTERLEAVE}) {
    const bool takes_none = policy == AML_POLICY_DEFAULT || policy == AML_POLICY_LOCAL;
    const aml_nodeset none = {};
    const std::string call = "bind 9 " + std::to_string(policy) + " 3";
    ExpectForwarded(aml_area_bind(full, memory, 9, policy, takes_none ? nullptr : &zero, 3),
                    call.c_str());
    if (takes_none)
      continue;
    EXPECT_EQ(-AML_EINVAL, aml_area_bind(full, memory, 9, policy, nullptr, 0));
    EXPECT_EQ(-AML_EINVAL, aml_area_bind(full, memory, 9, policy, &none, 0));
    EXPECT_EQ("", noted);
  }
}

TEST_F(CoreArea, BindRefusesBadArguments) {
  aml_nodeset two = zero;
  ASSERT_TRUE(aml_nodeset_add(&two, 1));
  const auto bind = [&](aml_area *area, void *pointer, size_t size, int policy,
                        const aml_nodeset *nodes, unsigned flags) {
    return aml_area_bind(area, pointer, size, static_cast<aml_policy>(policy), nodes, flags);
  };
  ExpectRefused(bind(full, memory, 1, AML_POLICY_PREFERRED, &two, 0),
                "aml_area_bind: devices must be exactly one for AML_POLICY_PREFERRED");
  ExpectRefused(bind(full, memory, 1, 7, &zero, 0), "aml_area_bind: policy is no policy");
  ExpectRefused(bind(full, memory, 1, AML_POLICY_BIND, &zero, 4),
                "aml_area_bind: flags has an unknown bit");
  ExpectRefused(bind(full, nullptr, 1, AML_POLICY_BIND, &zero, 0),
                "aml_area_bind: pointer is null");
  ExpectRefused(bind(full, memory, 0, AML_POLICY_BIND, &zero, 0), "aml_area_bind: size is 0");
  ExpectRefused(bind(nullptr, memory, 1, AML_POLICY_BIND, &zero, 0), "aml_area_bind: area is null");
}

TEST_F(CoreArea, LocateAndMoveTakeNoPagesAtAll) {
  EXPECT_EQ(0, aml_area_locate(full, 0, nullptr, nullptr));
  EXPECT_EQ(0, aml_area_move(full, 0, nullptr, nullptr, nullptr));
  EXPECT_EQ("", noted);
  ExpectForwarded(aml_area_locate(full, 1, pointers, devices), "locate 1");
  ExpectForwarded(aml_area_move(full, 1, pointers, devices, results), "move 1");
}

TEST_F(CoreArea, LocateAndMoveRefuseNullByName) {
  ExpectRefused(aml_area_locate(nullptr, 1, pointers, devices), "aml_area_locate: area is null");
  ExpectRefused(aml_area_locate(full, 1, nullptr, devices), "aml_area_locate: pointers is null");
  ExpectRefused(aml_area_locate(full, 1, pointers, nullptr), "aml_area_locate: devices is null");
  ExpectRefused(aml_area_move(nullptr, 1, pointers, devices, results),
                "aml_area_move: area is null");
  ExpectRefused(aml_area_move(full, 1, nullptr, devices, results),
                "aml_area_move: pointers is null");
  ExpectRefused(aml_area_move(full, 1, pointers, nullptr, results),
                "aml_area_move: devices is null");
  ExpectRefused(aml_area_move(full, 1, pointers, devices, nullptr),
                "aml_area_move: results is null");
}

TEST_F(CoreArea, ResizeForwardsAndChecks) {
  EXPECT_EQ(memory + 1, aml_area_resize(full, memory, 8, 16, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ("resize 8 16 1;", noted);
  EXPECT_EQ(nullptr, aml_area_resize(full, memory, 8, 65, 0));
  noted.clear();
  const auto refused = [&](aml_area *area, void *pointer, size_t old_size, size_t new_size,
                           unsigned flags, const char *reason) {
    EXPECT_EQ(nullptr, aml_area_resize(area, pointer, old_size, new_size, flags));
    ExpectRefused(aml_error_code(), std::string("aml_area_resize: ") + reason);
  };
  refused(full, memory, 8, 0, 0, "new_size is 0");
  refused(full, memory, 0, 8, 0, "old_size is 0");
  refused(full, nullptr, 8, 8, 0, "pointer is null");
  refused(full, memory, 8, 8, 2, "flags has an unknown bit");
  refused(nullptr, memory, 8, 8, 0, "area is null");
}

TEST_F(CoreArea, PurgeAndSyncForwardAndCheck) {
  ExpectForwarded(aml_area_purge(full, memory, 5), "purge 5");
  ExpectForwarded(aml_area_sync(full, memory, 6), "sync 6");
  ExpectRefused(aml_area_purge(full, memory, 0), "aml_area_purge: size is 0");
  ExpectRefused(aml_area_sync(full, nullptr, 1), "aml_area_sync: pointer is null");
  ExpectRefused(aml_area_sync(nullptr, memory, 1), "aml_area_sync: area is null");
}

TEST_F(CoreArea, WhatATypeCannotDoIsNotSupported) {
  const auto refused = [&](int err, const char *call) {
    ExpectRefused(err, std::string(call) + ": area is of a type that cannot do this", -AML_ENOTSUP);
  };
  refused(aml_area_bind(bare, memory, 1, AML_POLICY_BIND, &zero, 0), "aml_area_bind");
  refused(aml_area_locate(bare, 1, pointers, devices), "aml_area_locate");
  refused(aml_area_move(bare, 1, pointers, devices, results), "aml_area_move");
  refused(aml_area_purge(bare, memory, 1), "aml_area_purge");
  refused(aml_area_sync(bare, memory, 1), "aml_area_sync");
  EXPECT_EQ(nullptr, aml_area_resize(bare, memory, 8, 16, 0));
  refused(aml_error_code(), "aml_area_resize");
}

TEST_F(CoreArea, CapabilitiesOfNullAreNone) {
  EXPECT_EQ(unsigned{AML_AREA_ZEROED}, aml_area_capabilities(bare));
  EXPECT_EQ(0u, aml_area_capabilities(nullptr));
}

TEST_F(CoreArea, FiniEndsADeclaredOneAndDestroyACreatedOne) {
  aml_area_fini(full);
  EXPECT_EQ("fini;", noted);
  aml_area_fini(nullptr);
  auto *created = static_cast<aml_area *>(std::malloc(sizeof(aml_area)));
  created->ops = &kAll;
  aml_area_destroy(&created);
  EXPECT_EQ("fini;fini;", noted);
  EXPECT_EQ(nullptr, created);
  aml_area_destroy(&created);
  aml_area_destroy(nullptr);
  EXPECT_EQ("fini;fini;", noted);
}

} // namespace
