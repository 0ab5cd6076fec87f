// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/dma_operation.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/internal/number_loops.h"
#include "aml/tests/support/numbers.h"

namespace {

using namespace aml_testing;
using Random = std::mt19937_64;
using Loop = aml_internal_number_loop;
using Bits = std::vector<uint64_t>;

/** All loops that this CPU has. */
std::vector<const aml_internal_number_loops *> AllLoops() {
  std::vector<const aml_internal_number_loops *> all;
  for (const char *name : {"portable", "avx2", "avx512"})
    if (const auto *const loops = aml_internal_number_loops_find(name))
      all.push_back(loops);
  return all;
}

/** Numbers as they lie in memory, one behind the other, at no alignment. */
class Packed {
public:
  Packed(const NumberFormat &format, const Bits &numbers)
      : format_(format), bytes_(1 + numbers.size() * format.size) {
    for (size_t i = 0; i < numbers.size(); ++i)
      StoreNumber(format_, numbers[i], at(i));
  }
  void *at(size_t i) { return &bytes_[1] + i * format_.size; }
  uint64_t bits(size_t i) { return LoadNumber(format_, at(i)); }

private:
  const NumberFormat &format_;
  std::vector<unsigned char> bytes_;
};

/** The upper bits, as far as the number has any. */
uint64_t Cut(const NumberFormat &format, uint64_t bits) {
  return bits & (SignOf(format) | (SignOf(format) - 1));
}

void AddAll(const NumberFormat &format, Bits *numbers) {
  for (uint64_t bits = 0; bits < 1u << 16 && bits <= 2 * SignOf(format) - 1; ++bits)
    numbers->push_back(bits);
}

/** Numbers of a narrower float and each tie with the next one, with what is beside these. */
void AddTies(const NumberFormat &format, const NumberFormat &narrow, Bits *numbers) {
  const uint64_t largest = InfinityOf(narrow) - 1;
  for (uint64_t bits = largest % 5; bits <= largest; bits += 5) {
    const uint64_t here = NearestFloat(format, ValueOf(narrow, bits));
    // What would come after the largest number, if the exponent went on.
    const uint64_t after = bits == largest
                               ? here + (here - NearestFloat(format, ValueOf(narrow, bits - 1)))
                               : NearestFloat(format, ValueOf(narrow, bits + 1));
    const uint64_t sign = bits % 3 == 0 ? SignOf(format) : 0;
    const uint64_t tie = NearestFloat(format, (ValueOf(format, here) + ValueOf(format, after)) / 2);
    for (const uint64_t number : {here, tie - 1, tie, tie + 1})
      numbers->push_back(sign | number);
  }
}

/** Ends of ranges and powers of two, with fractions and what is beside. */
void AddEdges(const NumberFormat &format, Bits *numbers) {
  for (int power = -2; power <= 65; ++power)
    for (const long double beside : {-2.0L, -1.5L, -1.0L, -0.5L, 0.0L, 0.5L, 1.0L, 1.5L, 2.0L})
      for (const int sign : {-1, 1}) {
        const long double value = sign * (std::ldexp(1.0L, power) + beside);
        const uint64_t bits =
            IsFloat(format) ? NearestFloat(format, value) : NearestInteger(format, value);
        for (const uint64_t number : {bits - 1, bits, bits + 1})
          numbers->push_back(Cut(format, number));
      }
  if (!IsFloat(format))
    return;
  for (const uint64_t sign : {uint64_t{0}, SignOf(format)}) {
    const uint64_t infinity = InfinityOf(format);
    const uint64_t quiet = uint64_t{1} << (format.fraction_bits - 1);
    for (const uint64_t number :
         {uint64_t{0}, uint64_t{1}, 2 * quiet - 1, 2 * quiet, infinity - 1, infinity, infinity + 1,
          infinity + quiet - 1, infinity + quiet, infinity + quiet + 1, infinity + 2 * quiet - 1})
      numbers->push_back(sign | number);
  }
}

/** Bits at random, of all lengths. */
void AddRandom(const NumberFormat &format, Random &random, size_t count, Bits *numbers) {
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = random();
    numbers->push_back(Cut(format, i % 2 == 0 ? bits : bits >> random() % 64));
  }
}

/** What tells a wrong conversion from a right one. */
Bits Samples(int number) {
  const NumberFormat &format = kNumbers[number];
  Random random(static_cast<unsigned>(number));
  Bits numbers;
  if (format.size <= 2) {
    AddAll(format, &numbers);
    return numbers;
  }
  AddEdges(format, &numbers);
  AddRandom(format, random, 3000, &numbers);
  if (IsFloat(format)) {
    AddTies(format, kNumbers[AML_DMA_NUMBER_F16], &numbers);
    AddTies(format, kNumbers[AML_DMA_NUMBER_BF16], &numbers);
  }
  if (number == AML_DMA_NUMBER_F64)
    for (int i = 0; i < 10000; ++i) { // floats, and the middle of two
      const uint64_t bits = random() & 0x7fffffff;
      const uint64_t wide =
          Converted(format, kNumbers[AML_DMA_NUMBER_F32], bits % 3 == 0 ? bits >> 9 : bits);
      for (const uint64_t low : {0u, 0x0fffffffu, 0x10000000u, 0x10000001u})
        numbers.push_back(wide | low);
    }
  return numbers;
}

TEST(CoreDmaOperation, WhatIsNoNumberIsRefused) {
  const auto none = static_cast<aml_dma_number>(AML_DMA_NUMBERS);
  const auto last = static_cast<aml_dma_number>(15); // that the type can hold
  EXPECT_EQ(nullptr, aml_dma_operation_convert(none, AML_DMA_NUMBER_F32));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_dma_operation_convert: dst is no number", aml_error_detail());
  EXPECT_EQ(nullptr, aml_dma_operation_convert(AML_DMA_NUMBER_F32, last));
  EXPECT_STREQ("aml_dma_operation_convert: src is no number", aml_error_detail());
  EXPECT_EQ(nullptr, aml_dma_operation_accumulate(none));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_dma_operation_accumulate: number is no number", aml_error_detail());
}

TEST(CoreDmaOperation, OperationsAreConstantsThatTellTheirElementSizes) {
  for (int dst = 0; dst < AML_DMA_NUMBERS; ++dst) {
    const auto to = static_cast<aml_dma_number>(dst);
    const aml_dma_operation *const sum = aml_dma_operation_accumulate(to);
    EXPECT_EQ(sum, aml_dma_operation_accumulate(to));
    EXPECT_EQ(kNumbers[dst].size, sum->dst_element_size);
    EXPECT_EQ(kNumbers[dst].size, sum->src_element_size);
    for (int src = 0; src < AML_DMA_NUMBERS; ++src) {
      const auto from = static_cast<aml_dma_number>(src);
      const aml_dma_operation *const operation = aml_dma_operation_convert(to, from);
      EXPECT_EQ(operation, aml_dma_operation_convert(to, from));
      EXPECT_EQ(kNumbers[dst].size, operation->dst_element_size);
      EXPECT_EQ(kNumbers[src].size, operation->src_element_size);
    }
  }
}

TEST(CoreDmaOperation, EachNumberBecomesTheNearestOfEachOtherKindWhateverTheCpuHas) {
  const auto all = AllLoops();
  for (int src = 0; src < AML_DMA_NUMBERS; ++src) {
    const Bits numbers = Samples(src);
    Packed from(kNumbers[src], numbers);
    for (int dst = 0; dst < AML_DMA_NUMBERS; ++dst) {
      Bits expected;
      for (const uint64_t bits : numbers)
        expected.push_back(Cut(kNumbers[dst], Converted(kNumbers[dst], kNumbers[src], bits)));
      for (const aml_internal_number_loops *loops : all) {
        Packed to(kNumbers[dst], Bits(numbers.size(), 0x55));
        const aml_dma_operation &operation = loops->convert[dst][src].operation;
        ASSERT_EQ(0, operation.run(to.at(0), from.at(0), numbers.size(), operation.argument));
        for (size_t i = 0; i < numbers.size(); ++i)
          ASSERT_EQ(expected[i], to.bits(i)) << loops->name << ": " << kNumbers[dst].name << " of "
                                             << kNumbers[src].name << " " << std::hex << numbers[i];
      }
    }
  }
}

TEST(CoreDmaOperation, SumsAreTheNearestToTheExactOnesAndIntegersWrap) {
  const auto all = AllLoops();
  for (int number = 0; number < AML_DMA_NUMBERS; ++number) {
    const NumberFormat &format = kNumbers[number];
    Random random(7);
    Bits edges;
    AddEdges(format, &edges);
    Bits a;
    for (int i = 0; i < 20; ++i)
      a.insert(a.end(), edges.begin(), edges.end());
    AddRandom(format, random, 30000, &a);
    Bits b(a.rbegin(), a.rend());
    // Near each other, so that something is left to round.
    for (size_t i = 0; i < b.size(); i += 2)
      b[i] = Cut(format, a[i] + (random() >> random() % 64));
    for (const aml_internal_number_loops *loops : all) {
      Packed to(format, a);
      Packed from(format, b);
      const aml_dma_operation &operation = loops->accumulate[number].operation;
      ASSERT_EQ(0, operation.run(to.at(0), from.at(0), a.size(), operation.argument));
      for (size_t i = 0; i < a.size(); ++i) {
        const bool is_nan =
            IsNan(format, a[i]) || IsNan(format, b[i]) ||
            (IsFloat(format) && std::isnan(ValueOf(format, a[i]) + ValueOf(format, b[i])));
        if (is_nan)
          ASSERT_TRUE(IsNan(format, to.bits(i)));
        else
          ASSERT_EQ(Cut(format, Added(format, a[i], b[i])), to.bits(i))
              << loops->name << ": " << format.name << " " << std::hex << a[i] << " + " << b[i];
      }
    }
  }
}

/** Runs a loop on some numbers in the middle of memory, one by one and all at once. */
void ExpectSameOneByOne(const Loop &loop, size_t count, size_t shift, Random &random) {
  constexpr size_t kRedZone = 64;
  const aml_dma_operation &operation = loop.operation;
  const size_t dst_size = operation.dst_element_size;
  const size_t src_size = operation.src_element_size;
  std::vector<unsigned char> expected(kRedZone + shift + count * dst_size + kRedZone);
  std::vector<unsigned char> src(shift + count * src_size);
  for (unsigned char &byte : expected)
    byte = static_cast<unsigned char>(random());
  for (unsigned char &byte : src)
    byte = static_cast<unsigned char>(random() % 0x70); // no NaN, of which sums are any
  std::vector<unsigned char> dst = expected;
  for (size_t i = 0; i < count; ++i) {
    unsigned char *const to = &expected[kRedZone + shift + i * dst_size];
    to[dst_size - 1] = dst[kRedZone + shift + (i + 1) * dst_size - 1] = 0x3f;
    (void)operation.run(to, &src[shift + i * src_size], 1, operation.argument);
  }
  (void)operation.run(&dst[kRedZone + shift], src.data() + shift, count, operation.argument);
  ASSERT_EQ(expected, dst) << count << " numbers of " << src_size << " bytes to " << dst_size;
}

TEST(CoreDmaOperation, RunsOfAnyLengthAndAlignmentAreDoneAndNothingBeside) {
  Random random(11);
  for (const aml_internal_number_loops *loops : AllLoops())
    for (int dst = 0; dst < AML_DMA_NUMBERS; ++dst) {
      for (const size_t count : {0u, 1u, 7u, 63u, 64u, 65u, 191u})
        ExpectSameOneByOne(loops->accumulate[dst], count, random() % 9, random);
      for (const auto &loop : loops->convert[dst])
        for (const size_t count : {0u, 1u, 63u, 64u, 65u, 130u})
          ExpectSameOneByOne(loop, count, random() % 9, random);
    }
}

TEST(CoreDmaOperation, ASumMayBeOfATileAndItself) {
  for (const aml_internal_number_loops *loops : AllLoops()) {
    std::array<float, 200> numbers;
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<float>(i);
    const aml_dma_operation &operation = loops->accumulate[AML_DMA_NUMBER_F32].operation;
    ASSERT_EQ(0, operation.run(numbers.data(), numbers.data(), 200, operation.argument));
    for (size_t i = 0; i < numbers.size(); ++i)
      EXPECT_EQ(static_cast<float>(2 * i), numbers[i]);
    const aml_dma_operation &in_place =
        loops->convert[AML_DMA_NUMBER_I32][AML_DMA_NUMBER_F32].operation;
    ASSERT_EQ(0, in_place.run(numbers.data(), numbers.data(), 200, in_place.argument));
    for (size_t i = 0; i < numbers.size(); ++i)
      EXPECT_EQ(2 * i, LoadNumber(kNumbers[AML_DMA_NUMBER_I32], &numbers[i]));
  }
}

TEST(CoreDmaOperation, LoopsThatAreNotThereAreNotFound) {
  EXPECT_EQ(nullptr, aml_internal_number_loops_find("abacus"));
  EXPECT_EQ(AllLoops().back(), aml_internal_number_loops_find(nullptr)) << "the best ones";
}

} // namespace
