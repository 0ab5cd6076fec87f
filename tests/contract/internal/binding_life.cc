// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/binding_life.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/internal/binding_fixture.h"

namespace aml_testing {

void CheckThreadsShareABinding(aml_binding *binding) {
  const size_t count = 200;
  const std::vector<int> expected = DevicesOf(binding, count);
  const aml_nodeset named = NamedBy(binding);
  const Policy policy = PolicyOf(binding);
  std::atomic<size_t> ready{0};
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (++ready; ready < 3;)
        std::this_thread::yield();
      for (int round = 0; round < 5; ++round) {
        aml_nodeset seen = {};
        const bool same =
            aml_binding_devices(binding, &seen) == 0 && aml_nodeset_is_equal(&named, &seen) &&
            PolicyOf(binding).is_one == policy.is_one && DevicesOf(binding, count) == expected;
        wrong += same ? 0 : 1;
        if (binding->ops->run != nullptr)
          (void)binding->ops->run(binding, 0, count);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, wrong) << "answers differ from those of one thread alone";
}

void CheckFiniOfADeclaredBindingDoesNothing(const BindingFactory &any) {
  const BindingFactory::Made factory = any.make();
  const aml_binding_ops *const ops = factory.binding->ops;
  aml_binding_fini(nullptr);
  for (int i = 0; i < 2; ++i) {
    aml_binding_fini(factory.binding);
    ASSERT_EQ(ops, factory.binding->ops);
  }
  ASSERT_EQ(0, factory.Init(0)) << aml_error_detail();
  EXPECT_NE(-AML_EINVAL, aml_binding_device_of(factory.binding, 0, 1));
  aml_binding_fini(factory.binding);
}

void CheckFiniLeavesStorageAsDeclared(const BindingFactory &any) {
  const BindingFactory::Made reused = any.make();
  const aml_binding_ops *const ops = reused.binding->ops;
  for (size_t i = 0; i < 2 * any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const BindingFactory::Made fresh = any.make();
    // Downwards, so that each follows another one.
    const size_t instance = i * (any.instances - 1) % any.instances;
    ASSERT_EQ(0, reused.Init(instance)) << aml_error_detail();
    ASSERT_EQ(0, fresh.Init(instance)) << aml_error_detail();
    EXPECT_TRUE(Agree(fresh.binding, reused.binding));
    aml_binding_fini(fresh.binding);
    for (int again = 0; again < 2; ++again) {
      aml_binding_fini(reused.binding);
      ASSERT_EQ(ops, reused.binding->ops);
    }
  }
}

void CheckACreatedBindingIsLikeADeclaredOne(const BindingFactory &any) {
  aml_binding *none = nullptr;
  aml_binding_destroy(&none);
  aml_binding_destroy(nullptr);
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const BindingFactory::Made factory = any.make();
    aml_binding *created = nullptr;
    ASSERT_EQ(0, any.create(i, &created)) << aml_error_detail();
    ASSERT_NE(nullptr, created);
    ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
    EXPECT_TRUE(Agree(factory.binding, created));
    aml_binding_fini(factory.binding);
    aml_binding_destroy(&created);
    EXPECT_EQ(nullptr, created);
  }
}

} // namespace aml_testing
