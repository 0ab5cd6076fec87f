// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of bindings share: a mapping compared with what it should be, item by item, and
// refusals.

#ifndef AML_BINDING_MAPPING_TESTING_H
#define AML_BINDING_MAPPING_TESTING_H

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/single.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace aml_testing {

inline aml_nodeset Set(const char *text) {
  aml_nodeset set = {};
  EXPECT_EQ(0, aml_nodeset_parse(text, &set)) << text;
  return set;
}

inline std::vector<int> Numbers(const aml_nodeset &set) {
  std::vector<int> numbers;
  for (int device = aml_nodeset_next(&set, -1); device >= 0;
       device = aml_nodeset_next(&set, device))
    numbers.push_back(device);
  return numbers;
}

/** A set of 1 to `most` devices. */
inline aml_nodeset RandomSet(std::mt19937 &random, size_t most) {
  aml_nodeset set = {};
  for (size_t left = 1 + random() % most; left != 0; --left)
    (void)aml_nodeset_add(&set, static_cast<int>(random() % AML_NODESET_CAPACITY));
  return set;
}

inline aml_nodeset NamedBy(const aml_binding *binding) {
  aml_nodeset devices = {};
  EXPECT_EQ(0, aml_binding_devices(binding, &devices)) << aml_error_detail();
  return devices;
}

/** Expects each of `count` items on the device `expected(index)`, by the generic call and inline.
 */
template <class Expected, class Inline>
void ExpectMapping(const aml_binding *binding, size_t count, Expected expected, Inline inlined) {
  for (size_t index = 0; index < count; ++index) {
    const int device = expected(index);
    ASSERT_EQ(device, aml_binding_device_of(binding, index, count)) << index << " of " << count;
    ASSERT_EQ(device, inlined(index)) << index << " of " << count;
  }
}

/** Expects runs as long as can be: each ends where the next item is on another device. */
template <class Expected>
void ExpectLongestRuns(const aml_binding *binding, size_t count, Expected expected) {
  for (size_t index = 0; index < count; ++index) {
    size_t run = 1;
    while (index + run < count && expected(index + run) == expected(index))
      ++run;
    ASSERT_EQ(run, binding->ops->run(binding, index, count)) << index << " of " << count;
  }
}

/** Expects runs of one device that do not reach behind the end; they may be shorter than can be. */
template <class Expected>
void ExpectRuns(const aml_binding *binding, size_t count, Expected expected) {
  for (size_t index = 0; index < count; ++index) {
    const size_t run = binding->ops->run(binding, index, count);
    ASSERT_GE(run, 1u);
    ASSERT_LE(run, count - index) << index << " of " << count;
    for (size_t i = index; i < index + run; ++i)
      ASSERT_EQ(expected(index), expected(i)) << i << " in the run of " << index;
  }
}

template <class Call> void ExpectRefused(int code, const std::string &sentence, Call call) {
  EXPECT_EQ(code, call());
  EXPECT_EQ(code, aml_error_code());
  EXPECT_EQ(sentence, aml_error_detail());
}

/** Expects `init` to refuse what was not declared for its type. */
template <class Init> void ExpectOwnStorageOnly(const std::string &type, Init init) {
  std::string upper;
  for (const char letter : type)
    upper.push_back(static_cast<char>(letter - 'a' + 'A'));
  const std::string sentence = "aml_binding_" + type +
                               "_init: binding is null, or was not declared by AML_BINDING_" +
                               upper + "_DECL";
  AML_BINDING_SINGLE_DECL(other);
  ExpectRefused(-AML_EINVAL, sentence, [&] { return init(nullptr); });
  ExpectRefused(-AML_EINVAL, sentence, [&] { return init(other); });
}

/** Expects a binding that was only declared, or is so again, to say so. */
inline void ExpectNotInitialised(const aml_binding *binding) {
  ExpectRefused(-AML_EINVAL, "aml_binding_device_of: binding was not initialised",
                [&] { return aml_binding_device_of(binding, 0, 1); });
  const aml_nodeset named = NamedBy(binding);
  EXPECT_TRUE(aml_nodeset_is_empty(&named));
}

} // namespace aml_testing

#endif
