// SPDX-License-Identifier: BSD-3-Clause
//
// Transposes of planes that have fewer rows or columns than a block: interleaved channels become
// planes, and planes channels. Where the tile in which that side is the fastest one is dense, whole
// vectors of it are read resp. written: they reach into what follows, but not beyond the plane.
// Included by transpose_template.h, whose macros these are.

#if GROUP == 1 && LANES >= 4

/**
 * Transposes SIDE columns of `rows` rows; `rows` is 2 to 4, and a constant wherever this is
 * inlined. Each halving parts what is at even places from what is at odd ones.
 */
KERNEL static inline __attribute__((always_inline)) void SPLIT(char *dst, const char *src,
                                                               ptrdiff_t dst_stride, size_t rows) {
  const size_t count = rows == 2 ? 2 : 4;
  VECTOR v[4];
  UNROLL for (size_t i = 0; i < count; ++i) {
    v[i] = *(const MEMORY *)(src + i * rows * sizeof(VECTOR) / count);
    if (rows == 3)
      v[i] = PICK(v[i], v[i], VECTOR, EACH_OF(LANES, SPREAD, 0));
  }
  UNROLL for (size_t level = 1; level < count; level *= 2) {
    const VECTOR w[4] = {v[0], v[1], v[2 % count], v[3 % count]};
    UNROLL for (size_t i = 0; i < count / 2; ++i) {
      v[i] = PICK(w[2 * i], w[2 * i + 1], VECTOR, EACH_OF(LANES, EVEN, 0));
      v[i + count / 2] = PICK(w[2 * i], w[2 * i + 1], VECTOR, EACH_OF(LANES, ODD, 0));
    }
  }
  UNROLL for (size_t i = 0; i < rows; ++i) {
    *(MEMORY *)(dst + (ptrdiff_t)i * dst_stride) = v[i];
  }
}

/** Likewise SIDE rows of `columns` columns, the other way around. */
KERNEL static inline __attribute__((always_inline)) void
MERGE(char *dst, const char *src, ptrdiff_t src_stride, size_t columns) {
  const size_t count = columns == 2 ? 2 : 4;
  VECTOR v[4];
  UNROLL for (size_t i = 0; i < count; ++i) {
    v[i] = *(const MEMORY *)(src + (ptrdiff_t)(i % columns) * src_stride);
  }
  UNROLL for (size_t level = 1; level < count; level *= 2) {
    const VECTOR w[4] = {v[0], v[1], v[2 % count], v[3 % count]};
    UNROLL for (size_t i = 0; i < count / 2; ++i) {
      v[2 * i] = PICK(w[i], w[i + count / 2], VECTOR, EACH_OF(LANES, ZIP_LOW, 0));
      v[2 * i + 1] = PICK(w[i], w[i + count / 2], VECTOR, EACH_OF(LANES, ZIP_HIGH, 0));
    }
  }
  UNROLL for (size_t i = 0; i < count; ++i) {
    if (columns == 3)
      v[i] = PICK(v[i], v[i], VECTOR, EACH_OF(LANES, SQUEEZED, 0));
    *(MEMORY *)(dst + i * columns * sizeof(VECTOR) / count) = v[i];
  }
}

/** Transposes SIDE columns of any number of rows below SIDE, by a block that is stored in part. */
KERNEL static inline __attribute__((always_inline)) void
SPLIT_BLOCK(char *dst, const char *src, ptrdiff_t dst_stride, size_t rows) {
  VECTOR v[SIDE];
  LOAD(v, src, (ptrdiff_t)(rows * SIZE), NULL);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    if (i < rows)
      *(MEMORY *)(dst + (ptrdiff_t)i * dst_stride) = v[i];
  }
}

/** Likewise SIDE rows, each of which overwrites what the one before has left behind its end. */
KERNEL static inline __attribute__((always_inline)) void
MERGE_BLOCK(char *dst, const char *src, ptrdiff_t src_stride, size_t columns) {
  VECTOR v[SIDE];
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    v[i] = *(const MEMORY *)(src + (ptrdiff_t)(i < columns ? i : 0) * src_stride);
  }
  TURNED(v);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    *(MEMORY *)(dst + i * columns * SIZE) = v[i];
  }
}

/**
 * Transposes a plane of few rows whose source is dense.
 *
 * @param rows  a constant wherever this is inlined, except where it is plane->rows.
 */
KERNEL static inline __attribute__((always_inline)) void
SPLIT_ALL(const struct aml_internal_plane *plane, size_t rows) {
  const size_t over = (SIDE - 1) / rows; // columns that are read in vain at most
  size_t column = 0;
  for (; column + SIDE + over <= plane->columns; column += SIDE) {
    char *const to = plane->dst + column * SIZE;
    const char *const from = plane->src + column * rows * SIZE;
    if (rows <= 4)
      SPLIT(to, from, plane->dst_stride, rows);
    else
      SPLIT_BLOCK(to, from, plane->dst_stride, rows);
  }
  LOOSE(plane, 0, rows, column, plane->columns);
}

/** Transposes a plane of few columns whose destination is dense. */
KERNEL static inline __attribute__((always_inline)) void
MERGE_ALL(const struct aml_internal_plane *plane, size_t columns) {
  const size_t over = (SIDE - 1) / columns; // rows that are written too early at most
  size_t row = 0;
  for (; row + SIDE + over <= plane->rows; row += SIDE) {
    char *const to = plane->dst + row * columns * SIZE;
    const char *const from = plane->src + row * SIZE;
    if (columns <= 4)
      MERGE(to, from, plane->src_stride, columns);
    else
      MERGE_BLOCK(to, from, plane->src_stride, columns);
  }
  LOOSE(plane, row, plane->rows, 0, columns);
}

/** Transposes a plane if it is such a one. */
KERNEL static bool NARROW(const struct aml_internal_plane *plane) {
  const bool is_split = plane->rows < SIDE && plane->src_stride == (ptrdiff_t)(plane->rows * SIZE);
  const bool is_merge =
      plane->columns < SIDE && plane->dst_stride == (ptrdiff_t)(plane->columns * SIZE);
  const size_t side = is_split ? plane->rows : plane->columns;
  // Portable vectors shuffle small elements one by one.
  if (side == 1 || (WIDTH == 16 && SIZE < 4 && side != 2 && side != 4))
    return false;
  if (is_split && side == 2)
    SPLIT_ALL(plane, 2);
  else if (is_split && side == 3)
    SPLIT_ALL(plane, 3);
  else if (is_split && side == 4)
    SPLIT_ALL(plane, 4);
  else if (is_split)
    SPLIT_ALL(plane, side);
  else if (is_merge && side == 2)
    MERGE_ALL(plane, 2);
  else if (is_merge && side == 3)
    MERGE_ALL(plane, 3);
  else if (is_merge && side == 4)
    MERGE_ALL(plane, 4);
  else if (is_merge)
    MERGE_ALL(plane, side);
  return is_split || is_merge;
}

#else

/** Transposes a plane if blocks of two elements or so would be no gain. */
KERNEL static bool NARROW(const struct aml_internal_plane *plane) {
  const size_t side = plane->rows < plane->columns ? plane->rows : plane->columns;
  if (side > NARROW_SIDE)
    return false;
  LOOSE(plane, 0, plane->rows, 0, plane->columns);
  return true;
}

#endif
