// SPDX-License-Identifier: BSD-3-Clause
//
// One number of each kind made one of each other kind, without a branch, so that compilers can do
// many at once: what core/dma_operation.h promises, in arithmetic that every CPU has.
//
//   to F64, F32      the CPU's own
//   to F16, BF16     by way of a float that is exact or rounded to odd: inexact ones have their
//   last
//                    bit set. Such a float has bits enough below those that stay for the second
//                    rounding to come out as one would (Boldo and Melquiond, Emulation of a FMA and
//                    correctly rounded sums, 2008).
//   to integers      clamped, and then rounded by adding a number whose last bit is 1
//
// For the sources of number loops only.

#ifndef AML_CORE_INTERNAL_NUMBER_CASTS_H
#define AML_CORE_INTERNAL_NUMBER_CASTS_H

#include <stdint.h>
#include <string.h>

#define CAST static inline __attribute__((always_inline, unused))

CAST uint32_t bits_of(float number) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

CAST float float_of(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

enum { F32_INFINITY = 0x7f800000, F32_QUIET = 0x00400000, F32_MAGNITUDE = 0x7fffffff };

// From each number a float that is exact, or else rounded to odd.

CAST float wide_F16(uint16_t half) {
  const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
  const uint32_t exponent = magnitude & 0x0f800000;
  const uint32_t normal = magnitude + (112u << 23);
  const uint32_t infinite = magnitude | F32_INFINITY;
  const uint32_t special = infinite == F32_INFINITY ? infinite : infinite | F32_QUIET;
  // A subnormal is what is left of a normal number once its first bit is taken off.
  const uint32_t subnormal = bits_of(float_of(magnitude + (113u << 23)) - float_of(113u << 23));
  const uint32_t finite = exponent == 0 ? subnormal : normal;
  return float_of((exponent == 0x0f800000 ? special : finite) | (uint32_t)(half & 0x8000) << 16);
}

CAST float wide_BF16(uint16_t half) {
  const uint32_t bits = (uint32_t)half << 16;
  return float_of((bits & F32_MAGNITUDE) > F32_INFINITY ? bits | F32_QUIET : bits);
}

CAST float wide_F32(float number) {
  return number;
}

CAST float wide_F64(double number) {
  const float nearest = (float)number;
  const double back = (double)nearest;
  const uint32_t away = __builtin_fabs(back) > __builtin_fabs(number) ? 1 : 0;
  const uint32_t inexact = back != number ? 1 : 0;
  return float_of((bits_of(nearest) - away) | inexact);
}

CAST float wide_small(int32_t number) {
  return (float)number;
}
#define wide_I8 wide_small
#define wide_I16 wide_small
#define wide_U8 wide_small
#define wide_U16 wide_small

CAST float wide_I32(int32_t number) {
  return wide_F64((double)number);
}

CAST double double_of_u32(uint32_t number) {
  return (double)(int32_t)(number ^ 0x80000000u) + 2147483648.0;
}

CAST float wide_U32(uint32_t number) {
  return wide_F64(double_of_u32(number));
}

// Integers of more than 53 bits lose 12 first, of which one tells whether any was set.
enum { LOST = 0xfff, LOST_TOP = 0x800 };

CAST float wide_I64(int64_t number) {
  const int64_t shorter = (number & ~(int64_t)LOST) | ((number & LOST) != 0 ? LOST_TOP : 0);
  const int is_exact = number >= -((int64_t)1 << 53) && number <= (int64_t)1 << 53;
  return wide_F64((double)(is_exact ? number : shorter));
}

CAST float wide_U64(uint64_t number) {
  const uint64_t shorter = (number & ~(uint64_t)LOST) | ((number & LOST) != 0 ? LOST_TOP : 0);
  return wide_F64((double)(number <= (uint64_t)1 << 53 ? number : shorter));
}

// From a float to the narrower ones.

CAST uint16_t narrow_F16(float number) {
  const uint32_t bits = bits_of(number);
  const uint32_t magnitude = bits & F32_MAGNITUDE;
  const uint32_t nan = 0x7e00 | (magnitude >> 13 & 0x3ff);
  const uint32_t special = magnitude > F32_INFINITY ? nan : 0x7c00;
  // Added to 0.5 a subnormal's last bit is that of the sum, which the CPU rounds.
  const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  const uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  const uint32_t finite = magnitude < 113u << 23 ? subnormal : normal;
  return (uint16_t)((magnitude >= 143u << 23 ? special : finite) | (bits >> 16 & 0x8000));
}

CAST uint16_t narrow_BF16(float number) {
  const uint32_t bits = bits_of(number);
  const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (uint16_t)((bits & F32_MAGNITUDE) > F32_INFINITY ? bits >> 16 | 0x40 : nearest);
}

// From each number the nearest float and double.

#define f32_F16 wide_F16
#define f32_BF16 wide_BF16
#define f32_F32 wide_F32
#define f32_F64 (float)
#define f32_I8 wide_small
#define f32_I16 wide_small
#define f32_I32 (float)
#define f32_I64 (float)
#define f32_U8 wide_small
#define f32_U16 wide_small
#define f32_U32(number) ((float)double_of_u32(number))
#define f32_U64 (float)

#define f64_F16 (double)wide_F16
#define f64_BF16 (double)wide_BF16
#define f64_F32 (double)
#define f64_F64 (double)
#define f64_I8 (double)
#define f64_I16 (double)
#define f64_I32 (double)
#define f64_I64 (double)
#define f64_U8 (double)
#define f64_U16 (double)
#define f64_U32 double_of_u32
#define f64_U64 (double)

// From floats to integers. What is at most half of 2^23, resp. 2^52, is rounded by being added to
// one and a half of that.

CAST float rounded_float(float number, float low, float high) {
  float clamped = number == number ? number : 0.0f;
  clamped = clamped < low ? low : clamped;
  clamped = clamped > high ? high : clamped;
  return (clamped + 12582912.0f) - 12582912.0f;
}

CAST double rounded_double(double number, double low, double high) {
  double clamped = number == number ? number : 0.0;
  clamped = clamped < low ? low : clamped;
  clamped = clamped > high ? high : clamped;
  return (clamped + 6755399441055744.0) - 6755399441055744.0;
}

/** Of any size, and 0 for NaN. */
CAST double rounded_any(double number) {
  const double half = __builtin_copysign(4503599627370496.0, number);
  const double nearest = (number + half) - half;
  const double defined = number == number ? number : 0.0;
  return __builtin_fabs(number) < 4503599627370496.0 ? nearest : defined;
}

CAST int32_t I32_of_double(double number) {
  return (int32_t)rounded_double(number, INT32_MIN, INT32_MAX);
}

CAST uint32_t U32_of_double(double number) {
  return (uint32_t)(int32_t)(rounded_double(number, 0.0, UINT32_MAX) - 2147483648.0) ^ 0x80000000u;
}

CAST int64_t I64_of_double(double number) {
  const double nearest = rounded_any(number);
  const int is_low = nearest < -9223372036854775808.0;
  const int is_high = nearest >= 9223372036854775808.0;
  const int64_t integer = (int64_t)(is_low || is_high ? 0.0 : nearest);
  return is_low ? INT64_MIN : is_high ? INT64_MAX : integer;
}

CAST uint64_t U64_of_double(double number) {
  const double nearest = rounded_any(number);
  const int is_low = nearest < 0.0;
  const int is_high = nearest >= 18446744073709551616.0;
  const uint64_t integer = (uint64_t)(is_low || is_high ? 0.0 : nearest);
  return is_high ? UINT64_MAX : integer;
}

#define I32_of_float(number) I32_of_double((double)(number))
#define U32_of_float(number) U32_of_double((double)(number))
#define I64_of_float(number) I64_of_double((double)(number))
#define U64_of_float(number) U64_of_double((double)(number))

#define SMALL_OF_FLOATS(D, type, min, max)                                                         \
  CAST type D##_of_float(float number) {                                                           \
    return (type)(int32_t)rounded_float(number, min, max);                                         \
  }                                                                                                \
  CAST type D##_of_double(double number) {                                                         \
    return (type)(int32_t)rounded_double(number, min, max);                                        \
  }

SMALL_OF_FLOATS(I8, int8_t, INT8_MIN, INT8_MAX)
SMALL_OF_FLOATS(I16, int16_t, INT16_MIN, INT16_MAX)
SMALL_OF_FLOATS(U8, uint8_t, 0, UINT8_MAX)
SMALL_OF_FLOATS(U16, uint16_t, 0, UINT16_MAX)

// From integers to integers.

#define OF_INTEGERS(D, type, min, max)                                                             \
  CAST type D##_of_i32(int32_t number) {                                                           \
    const int32_t low = (min) < INT32_MIN ? INT32_MIN : (int32_t)(min);                            \
    const int32_t high = (uint64_t)(max) > INT32_MAX ? INT32_MAX : (int32_t)(max);                 \
    const int32_t up = number < low ? low : number;                                                \
    return (type)(up > high ? high : up);                                                          \
  }                                                                                                \
  CAST type D##_of_i64(int64_t number) {                                                           \
    const int64_t high = (uint64_t)(max) > INT64_MAX ? INT64_MAX : (int64_t)(max);                 \
    const int64_t up = number < (min) ? (min) : number;                                            \
    return (type)(up > high ? high : up);                                                          \
  }                                                                                                \
  CAST type D##_of_u64(uint64_t number) {                                                          \
    return (type)(number > (uint64_t)(max) ? (uint64_t)(max) : number);                            \
  }

OF_INTEGERS(I8, int8_t, INT8_MIN, INT8_MAX)
OF_INTEGERS(I16, int16_t, INT16_MIN, INT16_MAX)
OF_INTEGERS(I32, int32_t, INT32_MIN, INT32_MAX)
OF_INTEGERS(I64, int64_t, INT64_MIN, INT64_MAX)
OF_INTEGERS(U8, uint8_t, 0, UINT8_MAX)
OF_INTEGERS(U16, uint16_t, 0, UINT16_MAX)
OF_INTEGERS(U32, uint32_t, 0, UINT32_MAX)
OF_INTEGERS(U64, uint64_t, 0, UINT64_MAX)

// From each number to an integer.

#define INTEGER_F16(D, number) D##_of_float(wide_F16(number))
#define INTEGER_BF16(D, number) D##_of_float(wide_BF16(number))
#define INTEGER_F32(D, number) D##_of_float(number)
#define INTEGER_F64(D, number) D##_of_double(number)
#define INTEGER_I8(D, number) D##_of_i32(number)
#define INTEGER_I16(D, number) D##_of_i32(number)
#define INTEGER_I32(D, number) D##_of_i32(number)
#define INTEGER_I64(D, number) D##_of_i64(number)
#define INTEGER_U8(D, number) D##_of_i32(number)
#define INTEGER_U16(D, number) D##_of_i32(number)
#define INTEGER_U32(D, number) D##_of_i64(number)
#define INTEGER_U64(D, number) D##_of_u64(number)

#endif
