// SPDX-License-Identifier: BSD-3-Clause
//
// The number loops of one instruction set, as compilers turn number_casts.h into vectors. Whoever
// includes this defines before
//
//   KERNEL          the attribute that lets a function use the instruction set
//   LOOPS, NAME     what they are called, in the program and by the user
//   is_supported()  whether this CPU has it
//   HAS_F16         if there are widen_block() and narrow_block(), which make floats of a block of
//                   F16 and the other way round, to the same bits as number_casts.h does

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "aml/core/dma_operation.h"
#include "aml/core/internal/number_casts.h"
#include "aml/core/internal/number_loops.h"

enum { BLOCK = AML_INTERNAL_NUMBER_BLOCK };

// As they lie in tiles: anywhere.
#define NUMBER __attribute__((aligned(1), may_alias))
typedef uint16_t type_F16 NUMBER;
typedef uint16_t type_BF16 NUMBER;
typedef float type_F32 NUMBER;
typedef double type_F64 NUMBER;
typedef int8_t type_I8 NUMBER;
typedef int16_t type_I16 NUMBER;
typedef int32_t type_I32 NUMBER;
typedef int64_t type_I64 NUMBER;
typedef uint8_t type_U8 NUMBER;
typedef uint16_t type_U16 NUMBER;
typedef uint32_t type_U32 NUMBER;
typedef uint64_t type_U64 NUMBER;

// Where both sides are the same memory, each element is that of its own turn.
#if defined(__clang__)
#define EACH_OF_BLOCK for (size_t i = 0; i < BLOCK; ++i)
#else
#define EACH_OF_BLOCK _Pragma("GCC ivdep") for (size_t i = 0; i < BLOCK; ++i)
#endif

#define CAST_F16(S, number) narrow_F16(wide_##S(number))
#define CAST_BF16(S, number) narrow_BF16(wide_##S(number))
#define CAST_F32(S, number) f32_##S(number)
#define CAST_F64(S, number) f64_##S(number)
#define CAST_I8(S, number) INTEGER_##S(I8, number)
#define CAST_I16(S, number) INTEGER_##S(I16, number)
#define CAST_I32(S, number) INTEGER_##S(I32, number)
#define CAST_I64(S, number) INTEGER_##S(I64, number)
#define CAST_U8(S, number) INTEGER_##S(U8, number)
#define CAST_U16(S, number) INTEGER_##S(U16, number)
#define CAST_U32(S, number) INTEGER_##S(U32, number)
#define CAST_U64(S, number) INTEGER_##S(U64, number)

#define LOOP(verb, D, S, ...)                                                                      \
  KERNEL static void verb##_##D##_##S(void *dst, const void *src, size_t count) {                  \
    type_##D *to = dst;                                                                            \
    const type_##S *from = src;                                                                    \
    for (; count > 0; --count, to += BLOCK, from += BLOCK) {                                       \
      __VA_ARGS__                                                                                  \
    }                                                                                              \
  }

#define IS_SAME(D, S) (AML_DMA_NUMBER_##D == AML_DMA_NUMBER_##S)

#define CONVERT(D, S)                                                                              \
  LOOP(convert, D, S, if (IS_SAME(D, S)) memmove(to, from, BLOCK * sizeof *to);                    \
       else EACH_OF_BLOCK to[i] = (type_##D)CAST_##D(S, from[i]);)

#define ADD(D, sum) LOOP(accumulate, D, D, EACH_OF_BLOCK to[i] = (type_##D)(sum);)

#if defined(HAS_F16)
#define CONVERT_FROM_F16(D, S)                                                                     \
  LOOP(convert, D, F16, float wide[BLOCK]; widen_block(wide, from);                                \
       EACH_OF_BLOCK to[i] = (type_##D)CAST_##D(F32, wide[i]);)
#define CONVERT_TO_F16(D, S)                                                                       \
  LOOP(convert, F16, S, float wide[BLOCK]; EACH_OF_BLOCK wide[i] = wide_##S(from[i]);              \
       narrow_block(to, wide);)
#define ADD_F16(D, sum)                                                                            \
  LOOP(accumulate, F16, F16, float wide[BLOCK]; float more[BLOCK]; widen_block(wide, to);          \
       widen_block(more, from); EACH_OF_BLOCK wide[i] += more[i]; narrow_block(to, wide);)
#else
#define CONVERT_FROM_F16 CONVERT
#define CONVERT_TO_F16 CONVERT
#define ADD_F16 ADD
#endif

#define EACH_BUT_F16(DO, D)                                                                        \
  DO(D, BF16)                                                                                      \
  DO(D, F32)                                                                                       \
  DO(D, F64)                                                                                       \
  DO(D, I8)                                                                                        \
  DO(D, I16)                                                                                       \
  DO(D, I32)                                                                                       \
  DO(D, I64)                                                                                       \
  DO(D, U8)                                                                                        \
  DO(D, U16)                                                                                       \
  DO(D, U32)                                                                                       \
  DO(D, U64)

#define CONVERT_TO(D) CONVERT_FROM_F16(D, F16) EACH_BUT_F16(CONVERT, D)

CONVERT(F16, F16)
EACH_BUT_F16(CONVERT_TO_F16, F16)
CONVERT_TO(BF16)
CONVERT_TO(F32)
CONVERT_TO(F64)
CONVERT_TO(I8)
CONVERT_TO(I16)
CONVERT_TO(I32)
CONVERT_TO(I64)
CONVERT_TO(U8)
CONVERT_TO(U16)
CONVERT_TO(U32)
CONVERT_TO(U64)

// Sums of two floats of F16 or BF16 are rounded twice, which comes out as once would: F32 has more
// than twice their bits (Figueroa, When is double rounding innocuous?, 1995).
ADD_F16(F16, narrow_F16(wide_F16(to[i]) + wide_F16(from[i])))
ADD(BF16, narrow_BF16(wide_BF16(to[i]) + wide_BF16(from[i])))
ADD(F32, to[i] + from[i])
ADD(F64, to[i] + from[i])
// Modulo 2^bits, which signed integers of C do not do by themselves.
ADD(I8, to[i] + from[i])
ADD(I16, to[i] + from[i])
ADD(I32, (uint32_t)to[i] + (uint32_t)from[i])
ADD(I64, (uint64_t)to[i] + (uint64_t)from[i])
ADD(U8, to[i] + from[i])
ADD(U16, to[i] + from[i])
ADD(U32, to[i] + from[i])
ADD(U64, to[i] + from[i])

#define ENTRY(loop, D, S, function)                                                                \
  {                                                                                                \
    .operation = {.run = aml_internal_number_run,                                                  \
                  .argument = (void *)&(loop),                                                     \
                  .dst_element_size = sizeof(type_##D),                                            \
                  .src_element_size = sizeof(type_##S)},                                           \
    .run_blocks = (function)                                                                       \
  }
#define CONVERT_ENTRY(D, S)                                                                        \
  [AML_DMA_NUMBER_##S] =                                                                           \
      ENTRY(LOOPS.convert[AML_DMA_NUMBER_##D][AML_DMA_NUMBER_##S], D, S, convert_##D##_##S),
#define ACCUMULATE_ENTRY(unused, D)                                                                \
  [AML_DMA_NUMBER_##D] = ENTRY(LOOPS.accumulate[AML_DMA_NUMBER_##D], D, D, accumulate_##D##_##D),
#define ROW(D) [AML_DMA_NUMBER_##D] = {CONVERT_ENTRY(D, F16) EACH_BUT_F16(CONVERT_ENTRY, D)}

const struct aml_internal_number_loops LOOPS = {
    .name = NAME,
    .is_supported = is_supported,
    .accumulate = {ACCUMULATE_ENTRY(, F16) EACH_BUT_F16(ACCUMULATE_ENTRY, )},
    .convert = {ROW(F16), ROW(BF16), ROW(F32), ROW(F64), ROW(I8), ROW(I16), ROW(I32), ROW(I64),
                ROW(U8), ROW(U16), ROW(U32), ROW(U64)},
};
