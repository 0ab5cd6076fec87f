// SPDX-License-Identifier: BSD-3-Clause

#include "examples/matmul/internal/kernel_types.h"

#ifdef AML_HAVE_OPENBLAS

#include <cblas.h>

/** How BLAS is told of a tile: whether it is column-major, and its leading dimension. */
struct layout {
  CBLAS_TRANSPOSE transpose;
  int leading;
};

static struct layout layout_of(const struct aml_tile *tile) {
  const ptrdiff_t size = (ptrdiff_t)tile->element_size;
  // One row of a column-major tile has its elements side by side too, but no room for more rows.
  if (tile->stride_bytes[1] == size && tile->stride_bytes[0] >= (ptrdiff_t)tile->extent[1] * size)
    return (struct layout){CblasNoTrans, (int)(tile->stride_bytes[0] / size)};
  return (struct layout){CblasTrans, (int)(tile->stride_bytes[1] / size)};
}

static void multiply_float(const struct kernel *kernel, const struct aml_tile *c,
                           const struct aml_tile *a, const struct aml_tile *b, bool accumulate) {
  const struct layout a_layout = layout_of(a);
  const struct layout b_layout = layout_of(b);
  (void)kernel;
  cblas_sgemm(CblasRowMajor, a_layout.transpose, b_layout.transpose, (int)c->extent[0],
              (int)c->extent[1], (int)a->extent[1], 1, a->base, a_layout.leading, b->base,
              b_layout.leading, accumulate ? 1 : 0, c->base, layout_of(c).leading);
}

static void multiply_double(const struct kernel *kernel, const struct aml_tile *c,
                            const struct aml_tile *a, const struct aml_tile *b, bool accumulate) {
  const struct layout a_layout = layout_of(a);
  const struct layout b_layout = layout_of(b);
  (void)kernel;
  cblas_dgemm(CblasRowMajor, a_layout.transpose, b_layout.transpose, (int)c->extent[0],
              (int)c->extent[1], (int)a->extent[1], 1, a->base, a_layout.leading, b->base,
              b_layout.leading, accumulate ? 1 : 0, c->base, layout_of(c).leading);
}

kernel_function *kernel_openblas(size_t element_size) {
  // Each thread would touch a buffer of its own, so memory would depend on the machine.
  openblas_set_num_threads(1);
  return element_size == sizeof(float) ? multiply_float : multiply_double;
}

#else

kernel_function *kernel_openblas(size_t element_size) {
  (void)element_size;
  return NULL;
}

#endif
