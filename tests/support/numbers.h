// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of ready-made operations compare with: numbers of all kinds by their definition, in
// the widest floats that there are.

#ifndef AML_TESTS_SUPPORT_NUMBERS_H
#define AML_TESTS_SUPPORT_NUMBERS_H

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "aml/core/dma_operation.h"

namespace aml_testing {

static_assert(LDBL_MANT_DIG >= 64, "all integers are exact");

/** How a number is made up. */
struct NumberFormat {
  const char *name;
  size_t size;
  int fraction_bits; // of a float, below its first bit; 0: an integer
  int exponent_bits;
  bool is_signed;
};

inline constexpr NumberFormat kNumbers[AML_DMA_NUMBERS] = {
    {"F16", 2, 10, 5, true},  {"BF16", 2, 7, 8, true}, {"F32", 4, 23, 8, true},
    {"F64", 8, 52, 11, true}, {"I8", 1, 0, 0, true},   {"I16", 2, 0, 0, true},
    {"I32", 4, 0, 0, true},   {"I64", 8, 0, 0, true},  {"U8", 1, 0, 0, false},
    {"U16", 2, 0, 0, false},  {"U32", 4, 0, 0, false}, {"U64", 8, 0, 0, false},
};

inline bool IsFloat(const NumberFormat &format) {
  return format.fraction_bits != 0;
}

/** Of an IEEE format: all exponent bits set. */
inline uint64_t InfinityOf(const NumberFormat &format) {
  return ((uint64_t{1} << format.exponent_bits) - 1) << format.fraction_bits;
}

inline uint64_t SignOf(const NumberFormat &format) {
  return uint64_t{1} << (format.size * CHAR_BIT - 1);
}

inline bool IsNan(const NumberFormat &format, uint64_t bits) {
  return IsFloat(format) && (bits & ~SignOf(format)) > InfinityOf(format);
}

/** What bits stand for; of NaN nothing. */
inline long double ValueOf(const NumberFormat &format, uint64_t bits) {
  const bool is_negative = format.is_signed && (bits & SignOf(format)) != 0;
  if (!IsFloat(format)) {
    const auto value = static_cast<long double>(bits);
    return is_negative ? value - std::ldexp(1.0L, static_cast<int>(format.size) * CHAR_BIT) : value;
  }
  const uint64_t magnitude = bits & ~SignOf(format);
  const auto exponent = static_cast<int>(magnitude >> format.fraction_bits);
  const uint64_t hidden = uint64_t{1} << format.fraction_bits;
  const uint64_t fraction = magnitude & (hidden - 1);
  const int bias = (1 << (format.exponent_bits - 1)) - 1 + format.fraction_bits;
  const long double value =
      magnitude == InfinityOf(format) ? INFINITY
      : exponent == 0                 ? std::ldexp(static_cast<long double>(fraction), 1 - bias)
                      : std::ldexp(static_cast<long double>(fraction | hidden), exponent - bias);
  return is_negative ? -value : value;
}

/** The float nearest to a value, ties to even. */
inline uint64_t NearestFloat(const NumberFormat &format, long double value) {
  const uint64_t sign = std::signbit(value) ? SignOf(format) : 0;
  const long double magnitude = std::fabs(value);
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  if (std::isinf(magnitude))
    return sign | InfinityOf(format);
  int exponent = 1 - bias; // that of the smallest normal, and of the subnormals' last bits
  if (magnitude >= std::ldexp(1.0L, exponent))
    exponent = std::ilogb(magnitude);
  // In units of the last bit, of which there are fewer than 2 * 2^fraction_bits.
  const auto units =
      static_cast<uint64_t>(std::nearbyint(std::ldexp(magnitude, format.fraction_bits - exponent)));
  // A carry goes on to the exponent, as it should.
  const uint64_t bits =
      units + (static_cast<uint64_t>(exponent + bias - 1) << format.fraction_bits);
  return sign | std::min(bits, InfinityOf(format));
}

/** The integer nearest to a value, ties to even, within the range. */
inline uint64_t NearestInteger(const NumberFormat &format, long double value) {
  const int bits = static_cast<int>(format.size) * CHAR_BIT - (format.is_signed ? 1 : 0);
  const long double end = std::ldexp(1.0L, bits);
  const long double low = format.is_signed ? -end : 0;
  const long double nearest = std::min(std::max(std::nearbyint(value), low), end - 1);
  return nearest < 0 ? static_cast<uint64_t>(static_cast<int64_t>(nearest))
                     : static_cast<uint64_t>(nearest);
}

/** What a number becomes, whose bits are the lowest of `bits`; likewise returned. */
inline uint64_t Converted(const NumberFormat &dst, const NumberFormat &src, uint64_t bits) {
  if (&dst == &src)
    return bits;
  if (IsNan(src, bits)) {
    if (!IsFloat(dst))
      return 0;
    // The payload stays at its upper end.
    const uint64_t payload = (bits & (InfinityOf(src) ^ (SignOf(src) - 1)))
                                 << (63 - src.fraction_bits) >>
                             (63 - dst.fraction_bits);
    return ((bits & SignOf(src)) != 0 ? SignOf(dst) : 0) | InfinityOf(dst) |
           uint64_t{1} << (dst.fraction_bits - 1) | payload;
  }
  const long double value = ValueOf(src, bits);
  return IsFloat(dst) ? NearestFloat(dst, value) : NearestInteger(dst, value);
}

/** Of numbers that lie in memory in this machine's order. */
inline uint64_t LoadNumber(const NumberFormat &format, const void *from) {
  const auto load = [from](auto number) {
    std::memcpy(&number, from, sizeof number);
    return static_cast<uint64_t>(number);
  };
  return format.size == 1   ? load(uint8_t{})
         : format.size == 2 ? load(uint16_t{})
         : format.size == 4 ? load(uint32_t{})
                            : load(uint64_t{});
}

inline void StoreNumber(const NumberFormat &format, uint64_t bits, void *to) {
  const auto store = [to, bits](auto number) {
    number = static_cast<decltype(number)>(bits);
    std::memcpy(to, &number, sizeof number);
  };
  format.size == 1   ? store(uint8_t{})
  : format.size == 2 ? store(uint16_t{})
  : format.size == 4 ? store(uint32_t{})
                     : store(uint64_t{});
}

/** The sum of two numbers, neither of which is NaN. */
inline uint64_t Added(const NumberFormat &format, uint64_t a, uint64_t b) {
  if (!IsFloat(format))
    return a + b;
  if (format.size == sizeof(double)) { // the CPU's own; long double is not wide enough
    double sum[2];
    StoreNumber(format, a, &sum[0]);
    StoreNumber(format, b, &sum[1]);
    sum[0] += sum[1];
    return LoadNumber(format, sum);
  }
  return NearestFloat(format, ValueOf(format, a) + ValueOf(format, b));
}

} // namespace aml_testing

#endif
