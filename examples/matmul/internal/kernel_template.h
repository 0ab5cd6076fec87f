// SPDX-License-Identifier: BSD-3-Clause
//
// The own kernel for the element type REAL, as the definition of `const struct kernel_own TABLE`;
// the source that includes this defines both macros first.
//
//     for jc in steps of COLUMNS of C and B
//       for pc in steps of DEPTH                pack B's block: panels of micro->columns columns
//         for ic in steps of ROWS               pack A's block: panels of micro->rows rows
//           for each pair of panels             one block of C in registers
//
// A packed panel holds, one p after the other, its rows (columns) side by side; those that the
// matrix does not have are zeros. A's block stays in the second-level cache, B's in the third.

#include <stdint.h>
#include <string.h>

#include "examples/matmul/internal/kernel_types.h"

// Rows and columns are multiples of those of every micro-kernel below.
enum { ROWS = 192, COLUMNS = 1024, DEPTH = 256, MAX_BLOCK = 12 * 32 };

struct micro {
  struct kernel_micro micro;
  void (*run)(size_t depth, const REAL *a, const REAL *b, REAL *c, size_t stride, bool accumulate);
};

// C has no templates: one function for each width of vectors. The loops over rows and vectors are
// unrolled so that the sums stay in registers.
#define DEFINE_MICRO(name, attributes, vector_bytes, row_count, vector_count)                      \
  attributes static void name(size_t depth, const REAL *a, const REAL *b, REAL *c, size_t stride,  \
                              bool accumulate) {                                                   \
    typedef REAL vector __attribute__((vector_size(vector_bytes)));                                \
    typedef vector unaligned __attribute__((may_alias, aligned(sizeof(REAL))));                    \
    enum { LANES = vector_bytes / sizeof(REAL) };                                                  \
    vector sum[row_count][vector_count] = {{{0}}};                                                 \
    for (size_t p = 0; p < depth; ++p, a += row_count, b += LANES * vector_count) {                \
      _Pragma("GCC unroll 16") for (int i = 0; i < row_count; ++i) {                               \
        _Pragma("GCC unroll 16") for (int j = 0; j < vector_count; ++j) {                          \
          sum[i][j] += a[i] * *(const unaligned *)(b + j * LANES);                                 \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    _Pragma("GCC unroll 16") for (int i = 0; i < row_count; ++i) {                                 \
      _Pragma("GCC unroll 16") for (int j = 0; j < vector_count; ++j) {                            \
        unaligned *const place = (unaligned *)(c + (size_t)i * stride + j * LANES);                \
        if (accumulate)                                                                            \
          *place += sum[i][j];                                                                     \
        else                                                                                       \
          *place = sum[i][j];                                                                      \
      }                                                                                            \
    }                                                                                              \
  }

static bool always(void) {
  return true;
}

#ifdef __x86_64__
static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") != 0;
}

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

// 32 registers of 64 bytes: 24 sums. 16 of 32 bytes: 12. 16 of 16 bytes, and no fused operation: 8.
DEFINE_MICRO(run_avx512, __attribute__((target("avx512f"))), 64, 12, 2)
DEFINE_MICRO(run_avx2, __attribute__((target("avx2,fma"))), 32, 6, 2)
DEFINE_MICRO(run_any, , 16, 2, 4)

static const struct micro avx512 = {{"avx512f", 12, 2 * 64 / sizeof(REAL), has_avx512}, run_avx512};
static const struct micro avx2 = {{"avx2", 6, 2 * 32 / sizeof(REAL), has_avx2}, run_avx2};
static const struct micro any = {{"any", 2, 4 * 16 / sizeof(REAL), always}, run_any};
#define VARIANTS                                                                                   \
  { &avx512.micro, &avx2.micro, &any.micro }
#else
DEFINE_MICRO(run_any, , 16, 4, 4)
static const struct micro any = {{"any", 4, 4 * 16 / sizeof(REAL), always}, run_any};
#define VARIANTS                                                                                   \
  { NULL, NULL, &any.micro }
#endif

/** A matrix that may have any strides, in elements. */
struct view {
  REAL *base;
  size_t rows;
  size_t columns;
  ptrdiff_t row_stride;
  ptrdiff_t column_stride;
};

static struct view view_of(const struct aml_tile *tile) {
  const ptrdiff_t size = sizeof(REAL);
  return (struct view){tile->base, tile->extent[0], tile->extent[1], tile->stride_bytes[0] / size,
                       tile->stride_bytes[1] / size};
}

static struct view box_of(struct view view, size_t row, size_t column, size_t rows,
                          size_t columns) {
  view.base += (ptrdiff_t)row * view.row_stride + (ptrdiff_t)column * view.column_stride;
  view.rows = view.rows - row < rows ? view.rows - row : rows;
  view.columns = view.columns - column < columns ? view.columns - column : columns;
  return view;
}

static struct view transposed(struct view view) {
  return (struct view){view.base, view.columns, view.rows, view.column_stride, view.row_stride};
}

/** Packs a block into panels of `width` of its rows each; for B give the transposed block. */
static void pack(struct view block, size_t width, REAL *packed) {
  for (size_t first = 0; first < block.rows; first += width) {
    const size_t used = block.rows - first < width ? block.rows - first : width;
    for (size_t p = 0; p < block.columns; ++p, packed += width) {
      const REAL *from =
          block.base + (ptrdiff_t)first * block.row_stride + (ptrdiff_t)p * block.column_stride;
      for (size_t i = 0; i < used; ++i)
        packed[i] = from[(ptrdiff_t)i * block.row_stride];
      for (size_t i = used; i < width; ++i)
        packed[i] = 0;
    }
  }
}

/** A block of C that is cut at the edge is made whole aside, and what C has of it is added. */
static void run_edge(const struct micro *micro, size_t depth, const REAL *a, const REAL *b,
                     struct view c, bool accumulate) {
  REAL whole[MAX_BLOCK] __attribute__((aligned(64)));
  micro->run(depth, a, b, whole, micro->micro.columns, false);
  for (size_t i = 0; i < c.rows; ++i)
    for (size_t j = 0; j < c.columns; ++j) {
      REAL *const place = c.base + (ptrdiff_t)i * c.row_stride + j;
      const REAL sum = whole[i * micro->micro.columns + j];
      *place = accumulate ? *place + sum : sum;
    }
}

/** Multiplies packed blocks; `c` is row-major. */
static void multiply_panels(const struct micro *micro, size_t depth, const REAL *a, const REAL *b,
                            struct view c, bool accumulate) {
  const size_t rows = micro->micro.rows;
  const size_t columns = micro->micro.columns;
  for (size_t j = 0; j < c.columns; j += columns)
    for (size_t i = 0; i < c.rows; i += rows) {
      const struct view block = box_of(c, i, j, rows, columns);
      const REAL *const a_panel = a + i * depth;
      const REAL *const b_panel = b + j * depth;
      if (block.rows == rows && block.columns == columns)
        micro->run(depth, a_panel, b_panel, block.base, (size_t)c.row_stride, accumulate);
      else
        run_edge(micro, depth, a_panel, b_panel, block, accumulate);
    }
}

static void multiply(const struct kernel *kernel, const struct aml_tile *c_tile,
                     const struct aml_tile *a_tile, const struct aml_tile *b_tile,
                     bool accumulate) {
  const struct micro *const micro = kernel->variant;
  REAL *const a_packed = kernel->workspace;
  REAL *const b_packed = a_packed + ROWS * DEPTH;
  const struct view a = view_of(a_tile);
  const struct view b = view_of(b_tile);
  const struct view c = view_of(c_tile);
  for (size_t jc = 0; jc < c.columns; jc += COLUMNS)
    for (size_t pc = 0; pc < a.columns; pc += DEPTH) {
      const struct view b_block = box_of(b, pc, jc, DEPTH, COLUMNS);
      pack(transposed(b_block), micro->micro.columns, b_packed);
      for (size_t ic = 0; ic < c.rows; ic += ROWS) {
        const struct view a_block = box_of(a, ic, pc, ROWS, DEPTH);
        pack(a_block, micro->micro.rows, a_packed);
        multiply_panels(micro, a_block.columns, a_packed, b_packed,
                        box_of(c, ic, jc, ROWS, COLUMNS), accumulate || pc > 0);
      }
    }
}

const struct kernel_own TABLE = {
    .multiply = multiply,
    .variants = VARIANTS,
    .workspace_size = (ROWS + COLUMNS) * DEPTH * sizeof(REAL),
};
