// SPDX-License-Identifier: BSD-3-Clause
//
// One transpose, for elements of GROUP lanes. Included once per element size by
// kernels_template.h, which says what the macros are.

#define SIZE (sizeof(LANE) * GROUP)
#define SIDE (LANES / GROUP)
#define VECTOR PASTE(NAME, _vector)
#define BLOCK PASTE(NAME, _block)
#define LOOSE PASTE(NAME, _loose)
#define STRIP PASTE(NAME, _strip)
#define WRITE PASTE(NAME, _write)

typedef LANE VECTOR __attribute__((vector_size(sizeof(LANE) * LANES), aligned(1), may_alias));

#define EXCHANGE(h)                                                                                \
  _Pragma("GCC unroll 16") for (size_t i = 0; i < SIDE; ++i) if ((i & ((h) / GROUP)) == 0) {       \
    const VECTOR a = v[i];                                                                         \
    const VECTOR b = v[i + (h) / GROUP];                                                           \
    v[i] = PICK(a, b, VECTOR, EACH_OF(LANES, KEPT, h));                                            \
    v[i + (h) / GROUP] = PICK(a, b, VECTOR, EACH_OF(LANES, TAKEN, h));                             \
  }

/** Transposes SIDE x SIDE elements. */
KERNEL static inline __attribute__((always_inline)) void
BLOCK(char *dst, const char *src, ptrdiff_t dst_stride, ptrdiff_t src_stride) {
  VECTOR v[SIDE];
  _Pragma("GCC unroll 16") for (size_t i = 0; i < SIDE; ++i) {
    v[i] = *(const VECTOR *)(src + (ptrdiff_t)i * src_stride);
  }
#if GROUP == 1
  EXCHANGE(1)
#endif
#if LANES > 2
  EXCHANGE(2)
#endif
#if LANES > 4
  EXCHANGE(4)
#endif
#if LANES > 8
  EXCHANGE(8)
#endif
  _Pragma("GCC unroll 16") for (size_t i = 0; i < SIDE; ++i) {
    *(VECTOR *)(dst + (ptrdiff_t)i * dst_stride) = v[i];
  }
}

/** Transposes what is left at the edges, element by element. */
KERNEL static void LOOSE(const struct aml_internal_plane *plane, size_t row, size_t row_end,
                         size_t column, size_t column_end) {
  for (; row < row_end; ++row) {
    char *to = plane->dst + (ptrdiff_t)row * plane->dst_stride + (ptrdiff_t)(column * SIZE);
    const char *from = plane->src + (ptrdiff_t)(row * SIZE) + (ptrdiff_t)column * plane->src_stride;
    for (size_t i = column; i < column_end; ++i) {
      memcpy(to, from, SIZE);
      to += SIZE;
      from += plane->src_stride;
    }
  }
}

// A panel is four lines of a destination row; PANELS of rows are done before the next panel, so
// that both tiles are visited in runs that the translation of addresses does not suffer from.
enum {
  PASTE(NAME, _PANEL) = STEP / SIZE,
  PASTE(NAME, _ROWS) = 4 * AHEAD / SIZE,
};

/** Writes SIDE staged rows of a panel past the caches. */
KERNEL static inline void WRITE(char *dst, ptrdiff_t dst_stride, char stage[SIDE][STEP]) {
  for (size_t i = 0; i < SIDE; ++i)
    for (size_t k = 0; k < STEP; k += LINE)
      stream_line(dst + (ptrdiff_t)i * dst_stride + k, stage[i] + k);
}

/** Transposes rows of one panel; `next` is how far the source of the next panel is. */
KERNEL static void STRIP(const struct aml_internal_plane *plane, size_t row, size_t row_end,
                         size_t column, bool streams) {
  enum { PANEL = PASTE(NAME, _PANEL) };
  char stage[SIDE][STEP] __attribute__((aligned(LINE)));
  const ptrdiff_t src_stride = plane->src_stride;
  const char *const src = plane->src + (ptrdiff_t)column * src_stride;
  const ptrdiff_t to_next = (ptrdiff_t)PANEL * src_stride - (ptrdiff_t)((row_end - row) * SIZE);
  for (; row < row_end; row += SIDE) {
    const char *const from = src + (ptrdiff_t)(row * SIZE);
    const char *const ahead = from + AHEAD + (row + AHEAD / SIZE < row_end ? 0 : to_next);
    char *const to = plane->dst + (ptrdiff_t)row * plane->dst_stride + (ptrdiff_t)(column * SIZE);
    const bool is_new_line = row * SIZE % LINE < SIDE * SIZE;
    for (ptrdiff_t c = 0; c < PANEL; c += SIDE) {
      for (ptrdiff_t i = c; is_new_line && i < c + (ptrdiff_t)SIDE; ++i)
        PREFETCH_FAR(ahead + i * src_stride);
      if (streams)
        BLOCK(stage[0] + c * (ptrdiff_t)SIZE, from + c * src_stride, STEP, src_stride);
      else
        BLOCK(to + c * (ptrdiff_t)SIZE, from + c * src_stride, plane->dst_stride, src_stride);
    }
    if (streams)
      WRITE(to, plane->dst_stride, stage);
  }
}

KERNEL static void NAME(const struct aml_internal_plane *plane, bool streams) {
  enum { PANEL = PASTE(NAME, _PANEL), ROWS = PASTE(NAME, _ROWS) };
  const size_t head = head_of(plane->dst);
  streams = streams && plane->dst_stride % LINE == 0 && head % SIZE == 0;
  size_t first = streams ? head / SIZE : 0;
  first = first < plane->columns ? first : plane->columns;
  const size_t rows = plane->rows / SIDE * SIDE;
  const size_t columns = first + (plane->columns - first) / PANEL * PANEL;
  for (size_t row = 0; row < rows; row += ROWS) {
    const size_t row_end = rows - row < ROWS ? rows : row + ROWS;
    for (size_t column = first; column < columns; column += PANEL)
      STRIP(plane, row, row_end, column, streams);
  }
  LOOSE(plane, 0, rows, 0, first);
  size_t column = columns;
  for (; !streams && column + SIDE <= plane->columns; column += SIDE)
    for (size_t row = 0; row < rows; row += SIDE)
      BLOCK(plane->dst + (ptrdiff_t)row * plane->dst_stride + (ptrdiff_t)(column * SIZE),
            plane->src + (ptrdiff_t)(row * SIZE) + (ptrdiff_t)column * plane->src_stride,
            plane->dst_stride, plane->src_stride);
  LOOSE(plane, 0, rows, column, plane->columns);
  LOOSE(plane, rows, plane->rows, 0, plane->columns);
}

#undef LANE
#undef LANES
#undef GROUP
#undef NAME
#undef SIZE
#undef SIDE
#undef VECTOR
#undef BLOCK
#undef LOOSE
#undef STRIP
#undef WRITE
#undef EXCHANGE
