// SPDX-License-Identifier: BSD-3-Clause
//
// One transpose, for elements of GROUP lanes. Included once per element size by
// kernels_template.h, which says what the macros are.

#define SIZE (sizeof(LANE) * GROUP)
#define SIDE (LANES / GROUP)
#define VECTOR PASTE(NAME, _vector)
#define MEMORY PASTE(NAME, _memory)
#define LOAD PASTE(NAME, _load)
#define BLOCK PASTE(NAME, _block)
#define SINGLE PASTE(NAME, _single)
#define PAIR PASTE(NAME, _pair)
#define STAGED PASTE(NAME, _staged)
#define TURN_OF PASTE(NAME, _turn)
#define LOOSE PASTE(NAME, _loose)
#define AHEAD_OF PASTE(NAME, _ahead)
#define STRIP PASTE(NAME, _strip)

typedef LANE VECTOR __attribute__((vector_size(sizeof(LANE) * LANES)));
typedef VECTOR MEMORY __attribute__((aligned(1), may_alias));

#define EXCHANGE(h)                                                                                \
  UNROLL for (size_t i = 0; i < SIDE; ++i) if ((i & ((h) / GROUP)) == 0) {                         \
    const VECTOR a = v[i];                                                                         \
    const VECTOR b = v[i + (h) / GROUP];                                                           \
    v[i] = PICK(a, b, VECTOR, EACH_OF(LANES, KEPT, h));                                            \
    v[i + (h) / GROUP] = PICK(a, b, VECTOR, EACH_OF(LANES, TAKEN, h));                             \
  }

/** Loads SIDE x SIDE elements, transposed. */
KERNEL static inline __attribute__((always_inline)) void LOAD(VECTOR v[SIDE], const char *src,
                                                              ptrdiff_t src_stride) {
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    v[i] = *(const MEMORY *)(src + (ptrdiff_t)i * src_stride);
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
}

/** Transposes SIDE x SIDE elements. */
KERNEL static inline __attribute__((always_inline)) void
BLOCK(char *dst, const char *src, ptrdiff_t dst_stride, ptrdiff_t src_stride) {
  VECTOR v[SIDE];
  LOAD(v, src, src_stride);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    *(MEMORY *)(dst + (ptrdiff_t)i * dst_stride) = v[i];
  }
}

/** Transposes a block whose vectors are lines, past the caches. */
KERNEL static inline __attribute__((always_inline)) void
SINGLE(char *dst, const char *src, ptrdiff_t dst_stride, ptrdiff_t src_stride) {
  VECTOR v[SIDE];
  LOAD(v, src, src_stride);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    stream_line(dst + (ptrdiff_t)i * dst_stride, (const char *)&v[i]);
  }
}

/** Transposes two such blocks, two lines of a row in turn. */
KERNEL static inline __attribute__((always_inline)) void
PAIR(char *dst, const char *src, ptrdiff_t dst_stride, ptrdiff_t src_stride) {
  VECTOR v[SIDE];
  VECTOR w[SIDE];
  LOAD(v, src, src_stride);
  LOAD(w, src + (ptrdiff_t)SIDE * src_stride, src_stride);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    stream_line(dst + (ptrdiff_t)i * dst_stride, (const char *)&v[i]);
    stream_line(dst + (ptrdiff_t)i * dst_stride + LINE, (const char *)&w[i]);
  }
}

/** Transposes SIDE rows of `size` bytes, whole lines, past the caches. */
KERNEL static inline void STAGED(char *dst, const char *src, ptrdiff_t dst_stride,
                                 ptrdiff_t src_stride, size_t size) {
  char stage[SIDE][2 * LINE] __attribute__((aligned(LINE)));
  for (size_t k = 0; k < size; k += sizeof(VECTOR))
    BLOCK(stage[0] + k, src + (ptrdiff_t)(k / SIZE) * src_stride, 2 * LINE, src_stride);
  for (size_t i = 0; i < SIDE; ++i)
    for (size_t k = 0; k < size; k += LINE)
      stream_line(dst + (ptrdiff_t)i * dst_stride + k, stage[i] + k);
}

/** Transposes SIDE rows of up to two lines; `size` is bytes of whole vectors, or lines. */
KERNEL static inline __attribute__((always_inline)) void TURN_OF(char *dst, const char *src,
                                                                 ptrdiff_t dst_stride,
                                                                 ptrdiff_t src_stride, size_t size,
                                                                 bool streams) {
  if (!streams)
    for (size_t k = 0; k < size; k += sizeof(VECTOR))
      BLOCK(dst + k, src + (ptrdiff_t)(k / SIZE) * src_stride, dst_stride, src_stride);
  else if (sizeof(VECTOR) == LINE && size == 2 * LINE)
    PAIR(dst, src, dst_stride, src_stride);
  else if (sizeof(VECTOR) == LINE)
    SINGLE(dst, src, dst_stride, src_stride);
  else
    STAGED(dst, src, dst_stride, src_stride, size);
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

// A panel is some lines of destination rows. More of them, so more source rows, make longer writes;
// fewer let all of the rows' lines into the cache, where rows a power of two apart have few places.
// ROWS of it are done before the next one, so that both tiles are visited in runs that the
// translation of addresses does not suffer from.
enum {
  PASTE(NAME, _TURN) = 2 * LINE / SIZE,
  PASTE(NAME, _PANEL) = (SIZE == 8 ? 3 : 2) * PASTE(NAME, _TURN),
  PASTE(NAME, _ROWS) = 4096 / SIZE,
};

/**
 * Prefetches what `columns` source rows have a little ahead, each row at another distance: lines
 * a power of two apart may all be in one bank of the memory.
 *
 * @param left  bytes from `src` to the strip's end.
 * @param jump  from there to where the next strip begins.
 */
KERNEL static inline void AHEAD_OF(const char *src, ptrdiff_t src_stride, size_t columns,
                                   ptrdiff_t left, ptrdiff_t jump) {
  for (size_t i = 0; i < columns; ++i) {
    const ptrdiff_t distance = (ptrdiff_t)(4 + i % 4) * LINE;
    PREFETCH_FAR(src + (ptrdiff_t)i * src_stride + distance + (distance < left ? 0 : jump));
  }
}

/** Transposes a strip: whole vectors or, past the caches, lines. */
KERNEL static inline __attribute__((always_inline)) void
STRIP(const struct aml_internal_plane *plane, const struct strip *strip, bool streams) {
  const size_t turn = PASTE(NAME, _TURN);
  const ptrdiff_t src_stride = plane->src_stride;
  const ptrdiff_t size = (ptrdiff_t)(strip->rows * SIZE);
  const char *from = strip->src;
  char *to = strip->dst;
  for (ptrdiff_t done = 0; done < size; done += (ptrdiff_t)(SIDE * SIZE)) {
    for (size_t c = 0; c < strip->columns; c += turn) {
      const size_t some = strip->columns - c < turn ? strip->columns - c : turn;
      if (done % LINE < (ptrdiff_t)(SIDE * SIZE))
        AHEAD_OF(from + (ptrdiff_t)c * src_stride, src_stride, some, size - done,
                 strip->next - strip->src - size);
      TURN_OF(to + c * SIZE, from + (ptrdiff_t)c * src_stride, plane->dst_stride, src_stride,
              some * SIZE, streams);
    }
    from += SIDE * SIZE;
    to += (ptrdiff_t)SIDE * plane->dst_stride;
  }
}

KERNEL static void NAME(const struct aml_internal_plane *plane, bool streams) {
  enum { ROWS = PASTE(NAME, _ROWS) };
  const size_t panel = plane->src_stride % CROWDED == 0 ? PASTE(NAME, _TURN) : PASTE(NAME, _PANEL);
  const size_t head = head_of(plane->dst);
  streams = streams && plane->dst_stride % LINE == 0 && head % SIZE == 0;
  const size_t first = !streams ? 0 : head / SIZE < plane->columns ? head / SIZE : plane->columns;
  const size_t grain = streams ? LINE / SIZE : SIDE;
  const size_t rows = plane->rows / SIDE * SIDE;
  const size_t columns = first + (plane->columns - first) / grain * grain;
  for (size_t row = 0; row < rows; row += ROWS)
    for (size_t column = first; column < columns; column += panel) {
      struct strip strip;
      const bool is_last = columns - column <= panel;
      strip.rows = rows - row < ROWS ? rows - row : ROWS;
      strip.columns = is_last ? columns - column : panel;
      strip.src = plane->src + row * SIZE + (ptrdiff_t)column * plane->src_stride;
      strip.dst = plane->dst + (ptrdiff_t)row * plane->dst_stride + column * SIZE;
      strip.next = is_last ? plane->src + (row + strip.rows) * SIZE
                           : strip.src + (ptrdiff_t)panel * plane->src_stride;
      if (streams)
        STRIP(plane, &strip, true);
      else
        STRIP(plane, &strip, false);
    }
  LOOSE(plane, 0, rows, 0, first);
  LOOSE(plane, 0, rows, columns, plane->columns);
  LOOSE(plane, rows, plane->rows, 0, plane->columns);
}

#undef LANE
#undef LANES
#undef GROUP
#undef NAME
#undef SIZE
#undef SIDE
#undef VECTOR
#undef MEMORY
#undef LOAD
#undef BLOCK
#undef SINGLE
#undef PAIR
#undef STAGED
#undef TURN_OF
#undef LOOSE
#undef AHEAD_OF
#undef STRIP
#undef EXCHANGE
