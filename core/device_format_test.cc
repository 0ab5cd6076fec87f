// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/device_format.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using Format = size_t (*)(const aml_devices *, char *, size_t);

std::string Whole(Format format, const Devices &devices) {
  std::string text(format(devices.get(), nullptr, 0) + 1, '?');
  EXPECT_EQ(text.size() - 1, format(devices.get(), text.data(), text.size()));
  EXPECT_EQ('\0', text.back());
  text.pop_back();
  return text;
}

// Reads JSON by its grammar (RFC 8259), strings without escapes, and tells where it stops.
class Json {
public:
  static bool IsValid(const std::string &text) {
    Json json(text);
    return json.Value() && json.Blank() && json.at_ == text.size();
  }

private:
  explicit Json(const std::string &text) : text_(text) {}

  bool Blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n'))
      ++at_;
    return true;
  }
  bool Take(const std::string &word) {
    Blank();
    if (text_.compare(at_, word.size(), word) != 0)
      return false;
    at_ += word.size();
    return true;
  }
  bool String() {
    if (!Take("\""))
      return false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\' || text_[at_] < ' ')
        return false;
    return Take("\"");
  }
  bool Number() {
    Blank();
    const size_t from = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
      ++at_;
    return at_ > from && (at_ - from == 1 || text_[from] != '0');
  }
  bool Member() { return String() && Take(":") && Value(); }
  template <class Item> bool List(const char *end, Item item) {
    if (Take(end))
      return true;
    do
      if (!item())
        return false;
    while (Take(","));
    return Take(end);
  }
  bool Value() {
    if (Take("{"))
      return List("}", [this] { return Member(); });
    if (Take("["))
      return List("]", [this] { return Value(); });
    return Take("null") || Take("true") || Take("false") || String() || Number();
  }

  const std::string &text_;
  size_t at_ = 0;
};

bool Has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST(DeviceFormat, TheCheckOfJsonFindsFaults) {
  for (const char *const text : {"{\"a\": [1, null, {\"b\": \"c\"}], \"d\": {}}", "[]", "0"})
    EXPECT_TRUE(Json::IsValid(text)) << text;
  for (const char *const text :
       {"{\"a\": }", "[1,]", "{\"a\" 1}", "[1] 2", "01", "\"a", "{\"a\": -}", "nul", ""})
    EXPECT_FALSE(Json::IsValid(text)) << text;
}

TEST(DeviceFormat, JsonIsValidForEveryMachine) {
  for (const std::string &machine : SysfsTree::Machines()) {
    const Devices devices = Read(machine);
    const std::string text = Whole(aml_devices_format_json, devices);
    EXPECT_TRUE(Json::IsValid(text)) << machine << "\n" << text;
    EXPECT_FALSE(Has(text, std::to_string(AML_UNKNOWN))) << machine;
  }
}

TEST(DeviceFormat, JsonTellsWhatIsKnown) {
  const std::string text = Whole(aml_devices_format_json, Read("hbm_flat"));
  EXPECT_TRUE(Has(text, "\"number\": 2, \"kind\": \"hbm\", \"evidence\": \"bandwidth\""));
  EXPECT_TRUE(Has(text, "\"access1\": {\"initiators\": \"0\", \"read_bandwidth_mib_s\": 819200, "
                        "\"write_bandwidth_mib_s\": 819200, \"read_latency_ns\": 120, "
                        "\"write_latency_ns\": 120}"))
      << text;
  EXPECT_TRUE(Has(text, "\"distances\": {\"0\": 13, \"1\": 23, \"2\": 10, \"3\": 23}"));
  EXPECT_TRUE(Has(text, "\"cpus\": \"56-111\""));
  EXPECT_TRUE(Has(text, "\"headroom\": null"));
  const std::string cached = Whole(aml_devices_format_json, Read("snc4"));
  EXPECT_TRUE(
      Has(cached, "\"caches\": [{\"level\": 1, \"size\": 17179869184, \"line_size\": 64}]"));
  const std::string unknown = Whole(aml_devices_format_json, Read("cxl"));
  EXPECT_TRUE(Has(unknown, "\"read_bandwidth_mib_s\": null"));
}

TEST(DeviceFormat, TheTableHasALineForEachDevice) {
  const std::string text = Whole(aml_devices_format_table, Read("hbm_flat"));
  EXPECT_EQ(0u, text.find("node kind "));
  EXPECT_TRUE(Has(text, "\n   2 hbm       bandwidth movable"));
  EXPECT_TRUE(Has(text, "   819200    819200     120"));
  EXPECT_TRUE(Has(text, "\ndistance    0    1    2    3\n       0   10   21   13   23\n"));
  EXPECT_EQ('\n', text.back());
  const std::string unknown = Whole(aml_devices_format_table, Read("cxl"));
  EXPECT_TRUE(Has(unknown, "         -         -       -")) << unknown;
  EXPECT_TRUE(Has(Whole(aml_devices_format_table, Read("limited")), "\ncontrol groups leave "));
}

TEST(DeviceFormat, WhatDoesNotFitIsCutOff) {
  const Devices devices = Read("hbm_flat");
  for (const Format format : {aml_devices_format_json, aml_devices_format_table}) {
    const std::string whole = Whole(format, devices);
    for (const size_t capacity : {size_t{1}, size_t{2}, size_t{100}, whole.size()}) {
      std::vector<char> text(capacity + 1, '#');
      EXPECT_EQ(whole.size(), format(devices.get(), text.data(), capacity));
      EXPECT_EQ(whole.substr(0, capacity - 1), text.data());
      EXPECT_EQ('#', text[capacity]);
    }
    char byte = '#';
    EXPECT_EQ(0u, format(nullptr, &byte, 1));
    EXPECT_EQ('\0', byte);
  }
}

TEST(DeviceFormat, NamesAreWords) {
  EXPECT_STREQ("expansion", aml_device_kind_name(AML_DEVICE_EXPANSION));
  EXPECT_STREQ("unknown", aml_device_kind_name(static_cast<aml_device_kind>(0)));
  EXPECT_STREQ("dax", aml_device_evidence_name(AML_DEVICE_EVIDENCE_DAX));
}

} // namespace
