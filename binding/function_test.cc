// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/function.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <string>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

// Answers by an array, and keeps what it was last asked.
struct Answers {
  std::vector<int> of;
  size_t index = SIZE_MAX;
  size_t count = 0;

  static int Call(void *context, size_t index, size_t count) {
    auto *const it = static_cast<Answers *>(context);
    it->index = index;
    it->count = count;
    return it->of[index % it->of.size()];
  }
};

TEST(BindingFunction, EachItemIsWhereTheFunctionSays) {
  const aml_nodeset set = Set("2,5,1023");
  Answers answers = {{5, 2, -AML_ENOENT, 1023, 5}};
  AML_BINDING_FUNCTION_DECL(binding);
  ASSERT_EQ(0, aml_binding_function_init(binding, Answers::Call, &answers, &set));
  ExpectMapping(
      binding, 100, [&](size_t index) { return answers.of[index % 5]; },
      [&](size_t index) { return aml_binding_function_device_of(binding, index, 100); });
  EXPECT_EQ(Numbers(set), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingFunction, TheFunctionIsAskedWhatTheBindingIs) {
  const aml_nodeset set = Set("2");
  Answers answers = {{2}};
  AML_BINDING_FUNCTION_DECL(binding);
  ASSERT_EQ(0, aml_binding_function_init(binding, Answers::Call, &answers, &set));
  EXPECT_EQ(2, aml_binding_device_of(binding, SIZE_MAX - 1, SIZE_MAX));
  EXPECT_EQ(SIZE_MAX - 1, answers.index);
  EXPECT_EQ(SIZE_MAX, answers.count);
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding, 8, 8));
  EXPECT_EQ(SIZE_MAX - 1, answers.index) << "it is not asked of items that there are not";
  aml_binding_fini(binding);
}

TEST(BindingFunction, AnAnswerOutsideOfItsSetIsAnError) {
  const aml_nodeset set = Set("2-3");
  Answers answers = {{1, 4, AML_NODESET_CAPACITY, INT_MAX, INT_MIN, -1000}};
  AML_BINDING_FUNCTION_DECL(binding);
  ASSERT_EQ(0, aml_binding_function_init(binding, Answers::Call, &answers, &set));
  for (size_t i = 0; i < answers.of.size(); ++i)
    ExpectRefused(-AML_EINVAL,
                  "aml_binding_device_of: function: of item " + std::to_string(i) +
                      " it answers no device of its set",
                  [&] { return aml_binding_device_of(binding, i, 6); });
  aml_binding_fini(binding);
}

TEST(BindingFunction, AnErrorOfTheFunctionIsThatOfTheBinding) {
  const aml_nodeset set = Set("2-3");
  Answers answers = {{-AML_EINVAL, -AML_EIO, -AML_ESYSTEM}};
  AML_BINDING_FUNCTION_DECL(binding);
  ASSERT_EQ(0, aml_binding_function_init(binding, Answers::Call, &answers, &set));
  for (size_t i = 0; i < answers.of.size(); ++i)
    ExpectRefused(answers.of[i],
                  "aml_binding_device_of: function: of item " + std::to_string(i) +
                      " it answers an error",
                  [&] { return aml_binding_device_of(binding, i, 3); });
  aml_binding_fini(binding);
}

TEST(BindingFunction, RefusesNullAnEmptySetAndWhatIsNotItsOwn) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0");
  ExpectOwnStorageOnly("function", [&](aml_binding *it) {
    return aml_binding_function_init(it, Answers::Call, nullptr, &set);
  });
  AML_BINDING_FUNCTION_DECL(binding);
  ExpectRefused(-AML_EINVAL, "aml_binding_function_init: function is null",
                [&] { return aml_binding_function_init(binding, nullptr, nullptr, &set); });
  for (const aml_nodeset *const wrong : {static_cast<const aml_nodeset *>(nullptr), &empty})
    ExpectRefused(-AML_EINVAL, "aml_binding_function_init: devices is null or empty", [&] {
      return aml_binding_function_init(binding, Answers::Call, nullptr, wrong);
    });
  ExpectNotInitialised(binding);
}

} // namespace
