// SPDX-License-Identifier: BSD-3-Clause
//
// The inner product: C = A * B or C += A * B for tiles in memory. Either OpenBLAS does it or this
// program's own kernel, which blocks for caches and registers as in K. Goto and R. van de Geijn,
// "Anatomy of High-Performance Matrix Multiplication" (ACM TOMS 34(3), 2008), and picks at run
// time the widest vectors that the CPU has. Both use one thread.
//
// A and B may be row- or column-major: their strides say so. C is row-major.
//
// Threads: thread-compatible; a kernel's workspace is for one multiplication at a time.

#ifndef MATMUL_KERNEL_H
#define MATMUL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/arena.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

enum kernel_kind {
  KERNEL_BEST = 0, /**< OpenBLAS where it was linked, else the own one */
  KERNEL_OWN,
  KERNEL_OPENBLAS
};

/** Extents of tiles must be below this. */
#define KERNEL_MAX_EXTENT ((size_t)1 << 30)

struct kernel;

/** One block of C in registers: c[i * stride + j] (+)= sum over p of a[p][i] * b[p][j]. */
struct kernel_micro {
  const char *isa; /**< "avx512f" */
  size_t rows;     /**< of the block, and of a panel of A */
  size_t columns;  /**< of the block, and of a panel of B */
  bool (*is_supported)(void);
};

/** How one element type is multiplied. */
typedef void kernel_function(const struct kernel *kernel, const struct aml_tile *c,
                             const struct aml_tile *a, const struct aml_tile *b, bool accumulate);

/** A way to multiply tiles of one element type. */
struct kernel {
  const char *name; /**< "own" or "openblas" */
  const char *isa;  /**< the vectors of the own one; "" for OpenBLAS */
  kernel_function *multiply;
  const void *variant; /**< of the own one: its block in registers */
  void *workspace;     /**< of the own one: packed panels */
};

/**
 * Choose a kernel.
 *
 * @param element_size  4 for float32, 8 for float64.
 * @param isa           null: the best that this CPU has; else one of kernel_isas().
 * @param arena         where the workspace comes from; it lives as long as the arena.
 *
 * Returns: 0; -AML_ENOTSUP (OpenBLAS was not linked, or this CPU lacks the isa); -AML_ENOMEM.
 */
AML_MUST_CHECK int kernel_init(struct kernel *kernel, enum kernel_kind kind, size_t element_size,
                               const char *isa, struct aml_arena *arena);

/** The names of the own kernel's variants, best first; null behind the last. */
const char *const *kernel_isas(void);

/**
 * C = A * B, or C += A * B. C's contents are not read unless `accumulate`.
 *
 * @param c  m x n, row-major, of the kernel's element type, in memory; so the others.
 * @param a  m x k.
 * @param b  k x n.
 */
static inline void kernel_multiply(const struct kernel *kernel, const struct aml_tile *c,
                                   const struct aml_tile *a, const struct aml_tile *b,
                                   bool accumulate) {
  kernel->multiply(kernel, c, a, b, accumulate);
}

#ifdef __cplusplus
}
#endif

#endif
