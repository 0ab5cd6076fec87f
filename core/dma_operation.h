// SPDX-License-Identifier: BSD-3-Clause
//
// Ready-made operations for requests of dmas: numbers become other numbers, or are added up, on
// their way.
//
//     struct aml_dma_options options = {
//         .operation = aml_dma_operation_convert(AML_DMA_NUMBER_BF16, AML_DMA_NUMBER_F32)};
//     err = aml_dma_copy(dma, &dst, &src, &options);
//
// They work with every dma that takes operations, on tiles of any strides, with plans, threads and
// all else that requests have. Tiles whose elements are not of the numbers' sizes are refused by
// submit, -AML_EINVAL.
//
// One rule for all that does not fit: the nearest, ties to even.
//
//   to a float       The nearest value, ties to even, by one rounding, whatever lies between; past
//                    the largest one infinity, as IEEE 754 has it. Subnormals are kept. A NaN
//                    stays one: quiet, of the same sign, with what bits of its payload fit.
//   to an integer    From floats the nearest integer, ties to even, so that errors do not add up
//                    to one side and a number that was an integer becomes that again. What is out
//                    of range becomes the nearest end of the range. NaN becomes 0.
//   sums of floats   The nearest value to the exact sum, ties to even, in F16 and BF16 too.
//   sums of integers Modulo 2^bits, so that the order in which parts are added does not matter.
//
// That holds in the floating-point environment that programs begin with: rounding to nearest,
// subnormals not flushed. Results are the same bits on every CPU, but for the payload of a NaN that
// a sum comes to.
//
// Threads: thread-safe.

#ifndef AML_CORE_DMA_OPERATION_H
#define AML_CORE_DMA_OPERATION_H

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers, in the byte order of this machine. */
enum aml_dma_number {
  AML_DMA_NUMBER_F16,  /**< IEEE 754 binary16: 11 bits of precision, up to 65504 */
  AML_DMA_NUMBER_BF16, /**< the upper half of an F32: 8 bits of precision, the range of F32 */
  AML_DMA_NUMBER_F32,  /**< float */
  AML_DMA_NUMBER_F64,  /**< double */
  AML_DMA_NUMBER_I8,   /**< signed, two's complement; and so on */
  AML_DMA_NUMBER_I16,
  AML_DMA_NUMBER_I32,
  AML_DMA_NUMBER_I64,
  AML_DMA_NUMBER_U8, /**< unsigned; and so on */
  AML_DMA_NUMBER_U16,
  AML_DMA_NUMBER_U32,
  AML_DMA_NUMBER_U64
};

/** How many numbers there are. */
enum { AML_DMA_NUMBERS = AML_DMA_NUMBER_U64 + 1 };

/**
 * An operation that makes each element of the destination the number that the source's is. From a
 * number to the same it copies, bit by bit.
 *
 * Returns: a constant; null, with a sentence on -AML_EINVAL, for what is no number.
 * Cost: no allocation, no system call; what the CPU has is looked up each time, in some
 * nanoseconds.
 */
AML_PUBLIC const struct aml_dma_operation *aml_dma_operation_convert(enum aml_dma_number dst,
                                                                     enum aml_dma_number src);

/**
 * An operation that adds the source to the destination; both may be the same tile.
 *
 * Each sum is rounded to `number`: long sums of F16 and BF16 lose what is small.
 *
 * Returns: as aml_dma_operation_convert().
 */
AML_PUBLIC const struct aml_dma_operation *aml_dma_operation_accumulate(enum aml_dma_number number);

#ifdef __cplusplus
}
#endif

#endif
