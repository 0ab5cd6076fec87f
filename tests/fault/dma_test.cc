// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/fault/dma.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/sequential.h"

namespace {

class FaultDma : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_dma_sequential_create(&inner_, nullptr));
    ASSERT_EQ(0, aml_dma_fault_create(&dma_, inner_));
  }
  void TearDown() override {
    aml_dma_destroy(&dma_);
    aml_dma_destroy(&inner_);
  }

  // Copies "source" to a cleared place; whether it arrived is in copied().
  int Copy() {
    std::memset(to_, 0, sizeof to_);
    return aml_dma_copy(dma_, &dst_, &src_, nullptr);
  }
  bool copied() const { return std::memcmp(to_, from_, sizeof to_) == 0; }

  aml_dma *inner_ = nullptr;
  aml_dma *dma_ = nullptr;
  char from_[7] = "source";
  char to_[7] = "";
  aml_tile src_ = aml_tile_bytes(from_, sizeof from_);
  aml_tile dst_ = aml_tile_bytes(to_, sizeof to_);
};

TEST_F(FaultDma, DoesAsTheInnerOneUntilArmed) {
  EXPECT_EQ(0, Copy());
  EXPECT_TRUE(copied());
  aml_dma_request request = {};
  ASSERT_EQ(0, aml_dma_submit(dma_, &request, &dst_, &src_, nullptr));
  EXPECT_EQ(0, aml_dma_wait(&request));
  EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&request));
  EXPECT_EQ(0, aml_dma_barrier(dma_));
  EXPECT_EQ(2u, aml_dma_fault_requests(dma_));
  src_.area = nullptr;
  dst_.extent[0] = 3;
  EXPECT_EQ(-AML_EINVAL, Copy());
  EXPECT_EQ(2u, aml_dma_fault_requests(dma_));
}

TEST_F(FaultDma, TheNthSubmitIsRefused) {
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_SUBMIT, 2, 1, -AML_EAGAIN);
  EXPECT_EQ(0, Copy());
  aml_dma_request request = {};
  std::memset(to_, 0, sizeof to_);
  EXPECT_EQ(-AML_EAGAIN, aml_dma_submit(dma_, &request, &dst_, &src_, nullptr));
  EXPECT_STREQ("aml_dma_submit: fails, as a test planned", aml_error_detail());
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&request));
  EXPECT_FALSE(copied());
  EXPECT_EQ(1u, aml_dma_fault_requests(dma_));
  EXPECT_EQ(0, Copy());
  EXPECT_TRUE(copied());
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
}

TEST_F(FaultDma, TheNthTransferIsTakenAndFails) {
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 2, 1, -AML_EIO);
  EXPECT_EQ(0, Copy());
  aml_dma_request request = {};
  std::memset(to_, 0, sizeof to_);
  int notified = 0;
  aml_dma_options options = {};
  options.notify = [](aml_dma_request *, void *count) { ++*static_cast<int *>(count); };
  options.notify_argument = &notified;
  ASSERT_EQ(0, aml_dma_submit(dma_, &request, &dst_, &src_, &options));
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&request));
  EXPECT_EQ(1, notified);
  EXPECT_FALSE(copied());
  EXPECT_EQ(2u, aml_dma_fault_requests(dma_));
  EXPECT_EQ(0, Copy());
  EXPECT_TRUE(copied());
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
}

TEST_F(FaultDma, SeveralFailFromTheNthOn) {
  std::string outcome;
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 2, SIZE_MAX, -AML_EIO);
  for (int i = 0; i < 4; ++i)
    outcome += Copy() == 0 && copied() ? '.' : 'x';
  EXPECT_EQ(".xxx", outcome);
  EXPECT_EQ(3u, aml_dma_fault_disarm(dma_));
  EXPECT_EQ(0, Copy());
  EXPECT_EQ(0u, aml_dma_fault_disarm(dma_));
}

TEST_F(FaultDma, InitRefusesNullAndOtherStorage) {
  AML_DMA_FAULT_DECL(dma);
  aml_dma_fini(dma);
  EXPECT_EQ(-AML_EINVAL, aml_dma_fault_init(nullptr, inner_));
  EXPECT_EQ(-AML_EINVAL, aml_dma_fault_init(dma, nullptr));
  EXPECT_STREQ("aml_dma_fault_init: inner is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_dma_fault_init(inner_, inner_));
  EXPECT_EQ(-AML_EINVAL, aml_dma_fault_create(nullptr, inner_));
  aml_dma *none = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_dma_fault_create(&none, nullptr));
  EXPECT_EQ(nullptr, none);
  EXPECT_EQ(0, aml_dma_fault_init(dma, inner_));
  aml_dma_fini(dma);
  EXPECT_EQ(0, aml_dma_fault_init(dma, inner_)) << "fini leaves it as declared";
  aml_dma_fini(dma);
}

} // namespace
