// SPDX-License-Identifier: BSD-3-Clause
//
// The inner loops of the copy engine, once per instruction set. Which ones a CPU has is found out
// at run time, when a dma is made.

#ifndef AML_DMA_INTERNAL_KERNELS_H
#define AML_DMA_INTERNAL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Rows of contiguous bytes, one stride apart in each tile. */
struct aml_internal_rows {
  char *dst;
  const char *src;
  size_t count;
  size_t size; /**< bytes of a row */
  ptrdiff_t dst_stride;
  ptrdiff_t src_stride;
};

/**
 * A plane whose destination is contiguous along its columns and whose source along its rows: the
 * element at (row, column) goes from src + row * size + column * src_stride to
 * dst + row * dst_stride + column * size.
 */
struct aml_internal_plane {
  char *dst;
  const char *src;
  size_t rows;
  size_t columns;
  ptrdiff_t dst_stride;
  ptrdiff_t src_stride;
};

/** Element sizes that planes are transposed in by vectors: 1, 2, 4, 8 and 16 bytes. */
enum { AML_INTERNAL_TRANSPOSES = 5 };

/**
 * One instruction set's loops. None takes tiles that overlap. Stores that bypass the caches are
 * ordered by `fence` only.
 */
struct aml_internal_kernels {
  const char *name;
  bool (*is_supported)(void);
  /** Whether the CPU is of those that they are made for; else others may be faster. */
  bool (*is_made_for)(void);
  /** Whether there are stores that bypass the caches; else those that would be ordinary ones. */
  bool can_stream;
  /** Ordinary stores; as fast as memcpy, or faster. */
  void (*copy)(char *dst, const char *src, size_t size);
  /** Stores that bypass the caches. */
  void (*stream)(char *dst, const char *src, size_t size);
  /** Several rows at a time, since one alone does not keep the memory busy. */
  void (*copy_rows)(const struct aml_internal_rows *rows);
  void (*stream_rows)(const struct aml_internal_rows *rows);
  /** By the logarithm of the element size. */
  void (*transpose[AML_INTERNAL_TRANSPOSES])(const struct aml_internal_plane *plane, bool streams);
  void (*fence)(void);
};

/** Those that use nothing but what every compiler has. */
extern const struct aml_internal_kernels aml_internal_kernels_portable;
#if defined(__x86_64__)
extern const struct aml_internal_kernels aml_internal_kernels_avx2;
extern const struct aml_internal_kernels aml_internal_kernels_avx512;
extern const struct aml_internal_kernels aml_internal_kernels_avx512_halves;
#elif defined(__aarch64__)
extern const struct aml_internal_kernels aml_internal_kernels_neon;
#endif

/**
 * Finds kernels that this CPU has.
 *
 * @param name  null: the best ones.
 *
 * Returns: null if there are none of that name, or the CPU lacks them.
 */
const struct aml_internal_kernels *aml_internal_kernels_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
