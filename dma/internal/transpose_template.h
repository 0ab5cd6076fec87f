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
#define LOOSE_OF PASTE(NAME, _loose_of)
#define SPLIT PASTE(NAME, _split)
#define MERGE PASTE(NAME, _merge)
#define SPLIT_BLOCK PASTE(NAME, _split_block)
#define MERGE_BLOCK PASTE(NAME, _merge_block)
#define SPLIT_ALL PASTE(NAME, _split_all)
#define MERGE_ALL PASTE(NAME, _merge_all)
#define NARROW PASTE(NAME, _narrow)
#define TURNED PASTE(NAME, _turned)
#define AHEAD_OF PASTE(NAME, _ahead)
#define STRIP PASTE(NAME, _strip)
#define SHIFTED PASTE(NAME, _shifted)
#define SHIFTED_ALL PASTE(NAME, _shifted_all)

typedef LANE VECTOR __attribute__((vector_size(sizeof(LANE) * LANES)));
typedef VECTOR MEMORY __attribute__((aligned(1), may_alias));

#define EXCHANGE(h)                                                                                \
  UNROLL for (size_t i = 0; i < SIDE; ++i) if ((i & ((h) / GROUP)) == 0) {                         \
    const VECTOR a = v[i];                                                                         \
    const VECTOR b = v[i + (h) / GROUP];                                                           \
    v[i] = PICK(a, b, VECTOR, EACH_OF(LANES, KEPT, h));                                            \
    v[i + (h) / GROUP] = PICK(a, b, VECTOR, EACH_OF(LANES, TAKEN, h));                             \
  }

/** Transposes SIDE vectors. */
KERNEL static inline __attribute__((always_inline)) void TURNED(VECTOR v[SIDE]) {
  (void)v; // where SIDE is 1
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

/**
 * Loads SIDE x SIDE elements, transposed, and prefetches what the source's rows have a little
 * ahead.
 *
 * @param ahead  how far, in turn: lines a power of two apart may all be in one bank of the memory.
 *               Null: nothing.
 */
KERNEL static inline __attribute__((always_inline)) void
LOAD(VECTOR v[SIDE], const char *src, ptrdiff_t src_stride, const ptrdiff_t *ahead) {
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    v[i] = *(const MEMORY *)(src + (ptrdiff_t)i * src_stride);
  }
  if (ahead != NULL) {
    UNROLL_8 for (size_t i = 0; i < SIDE; ++i) {
      PREFETCH_FAR(src + (ptrdiff_t)i * src_stride + ahead[i % AHEAD]);
    }
  }
  TURNED(v);
}

/** Transposes SIDE x SIDE elements. */
KERNEL static inline __attribute__((always_inline)) void BLOCK(char *dst, const char *src,
                                                               ptrdiff_t dst_stride,
                                                               ptrdiff_t src_stride,
                                                               const ptrdiff_t *ahead) {
  VECTOR v[SIDE];
  LOAD(v, src, src_stride, ahead);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    *(MEMORY *)(dst + (ptrdiff_t)i * dst_stride) = v[i];
  }
}

/** Transposes a block whose vectors are lines, past the caches. */
KERNEL static inline __attribute__((always_inline)) void SINGLE(char *dst, const char *src,
                                                                ptrdiff_t dst_stride,
                                                                ptrdiff_t src_stride,
                                                                const ptrdiff_t *ahead) {
  VECTOR v[SIDE];
  LOAD(v, src, src_stride, ahead);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    stream_line(dst + (ptrdiff_t)i * dst_stride, (const char *)&v[i]);
  }
}

/** Transposes two such blocks, two lines of a row in turn. */
KERNEL static inline __attribute__((always_inline)) void PAIR(char *dst, const char *src,
                                                              ptrdiff_t dst_stride,
                                                              ptrdiff_t src_stride,
                                                              const ptrdiff_t *ahead) {
  VECTOR v[SIDE];
  VECTOR w[SIDE];
  LOAD(v, src, src_stride, ahead);
  LOAD(w, src + (ptrdiff_t)SIDE * src_stride, src_stride, ahead);
  UNROLL for (size_t i = 0; i < SIDE; ++i) {
    stream_line(dst + (ptrdiff_t)i * dst_stride, (const char *)&v[i]);
    stream_line(dst + (ptrdiff_t)i * dst_stride + LINE, (const char *)&w[i]);
  }
}

/** Transposes SIDE rows of `size` bytes, whole lines, past the caches. */
KERNEL static inline void STAGED(char *dst, const char *src, ptrdiff_t dst_stride,
                                 ptrdiff_t src_stride, size_t size, const ptrdiff_t *ahead) {
  char stage[SIDE][2 * LINE] __attribute__((aligned(LINE)));
  for (size_t k = 0; k < size; k += sizeof(VECTOR))
    BLOCK(stage[0] + k, src + (ptrdiff_t)(k / SIZE) * src_stride, 2 * LINE, src_stride, ahead);
  for (size_t i = 0; i < SIDE; ++i)
    for (size_t k = 0; k < size; k += LINE)
      stream_line(dst + (ptrdiff_t)i * dst_stride + k, stage[i] + k);
}

/**
 * Transposes SIDE rows of up to two lines; `size` is bytes of lines, past the caches, or any as
 * long as the rows have a vector up to there: the last one may overlap the one before.
 */
KERNEL static inline __attribute__((always_inline)) void
TURN_OF(char *dst, const char *src, ptrdiff_t dst_stride, ptrdiff_t src_stride, size_t size,
        const ptrdiff_t *ahead, bool streams) {
  if (!streams)
    for (size_t left = size / SIZE; left > 0; left -= left < SIDE ? left : SIDE) {
      if (left < SIDE) {
        dst -= (SIDE - left) * SIZE;
        src -= (ptrdiff_t)(SIDE - left) * src_stride;
      }
      BLOCK(dst, src, dst_stride, src_stride, ahead);
      dst += sizeof(VECTOR);
      src += (ptrdiff_t)SIDE * src_stride;
    }
  else if (sizeof(VECTOR) == LINE && size == 2 * LINE)
    PAIR(dst, src, dst_stride, src_stride, ahead);
  else if (sizeof(VECTOR) == LINE)
    SINGLE(dst, src, dst_stride, src_stride, ahead);
  else
    STAGED(dst, src, dst_stride, src_stride, size, ahead);
}

/** Copies `along` times `across` elements; `across` is a constant wherever this is inlined. */
KERNEL static inline __attribute__((always_inline)) void
LOOSE_OF(char *dst, const char *src, size_t along, const ptrdiff_t dst_stride[2],
         const ptrdiff_t src_stride[2], size_t across) {
  for (size_t i = 0; i < along; ++i) {
    UNROLL for (size_t k = 0; k < across; ++k) {
      memcpy(dst + (ptrdiff_t)k * dst_stride[1], src + (ptrdiff_t)k * src_stride[1], SIZE);
    }
    dst += dst_stride[0];
    src += src_stride[0];
  }
}

/** Transposes some of a plane element by element, up to four of the short side at once. */
KERNEL static void LOOSE(const struct aml_internal_plane *plane, size_t row, size_t row_end,
                         size_t column, size_t column_end) {
  const bool is_high = row_end - row > column_end - column;
  const ptrdiff_t dst_strides[] = {plane->dst_stride, (ptrdiff_t)SIZE, plane->dst_stride};
  const ptrdiff_t src_strides[] = {(ptrdiff_t)SIZE, plane->src_stride, (ptrdiff_t)SIZE};
  const ptrdiff_t *const dst_stride = dst_strides + !is_high;
  const ptrdiff_t *const src_stride = src_strides + !is_high;
  const size_t along = is_high ? row_end - row : column_end - column;
  const size_t across = is_high ? column_end - column : row_end - row;
  char *const dst = plane->dst + (ptrdiff_t)row * plane->dst_stride + (ptrdiff_t)(column * SIZE);
  const char *const src =
      plane->src + (ptrdiff_t)(row * SIZE) + (ptrdiff_t)column * plane->src_stride;
  for (size_t i = 0; i < along; i += LOOSE_ALONG) {
    const size_t some = along - i < LOOSE_ALONG ? along - i : LOOSE_ALONG;
    for (size_t k = 0; k < across; k += 4) {
      char *const to = dst + (ptrdiff_t)i * dst_stride[0] + (ptrdiff_t)k * dst_stride[1];
      const char *const from = src + (ptrdiff_t)i * src_stride[0] + (ptrdiff_t)k * src_stride[1];
      if (across - k >= 4)
        LOOSE_OF(to, from, some, dst_stride, src_stride, 4);
      else if (across - k == 3)
        LOOSE_OF(to, from, some, dst_stride, src_stride, 3);
      else if (across - k == 2)
        LOOSE_OF(to, from, some, dst_stride, src_stride, 2);
      else
        LOOSE_OF(to, from, some, dst_stride, src_stride, 1);
    }
  }
}

#include "aml/dma/internal/narrow_template.h"

// A panel is some lines of destination rows. More of them, so more source rows, make longer writes;
// fewer let all of the rows' lines into the cache, where rows a power of two apart have few places.
// ROWS of it are done before the next one, so that both tiles are visited in runs that the
// translation of addresses does not suffer from.
enum {
  PASTE(NAME, _TURN) = 2 * LINE / SIZE,
  PASTE(NAME, _PANEL) = (IS_WHOLE    ? 1
                         : SIZE == 8 ? 3
                                     : 2) *
                        PASTE(NAME, _TURN),
  PASTE(NAME, _ROWS) = 4096 / SIZE,
};

/**
 * How far ahead to prefetch, from `done` bytes into a strip on; null where that was done.
 *
 * @param left  bytes to the strip's end.
 * @param jump  from there to where the next strip begins.
 */
static inline const ptrdiff_t *AHEAD_OF(ptrdiff_t ahead[AHEAD], ptrdiff_t done, ptrdiff_t left,
                                        ptrdiff_t jump) {
  if (done % LINE >= (ptrdiff_t)(SIDE * SIZE))
    return NULL;
  for (size_t i = 0; i < AHEAD; ++i) {
    ahead[i] = (ptrdiff_t)(AHEAD + i) * AHEAD_STEP * LINE;
    ahead[i] += ahead[i] < left ? 0 : jump;
  }
  return ahead;
}

/** Transposes a strip: whole vectors or, past the caches, lines. */
KERNEL static inline __attribute__((always_inline)) void
STRIP(const struct aml_internal_plane *plane, const struct strip *strip, bool streams) {
  const size_t turn = PASTE(NAME, _TURN);
  const ptrdiff_t src_stride = plane->src_stride;
  const ptrdiff_t size = (ptrdiff_t)(strip->rows * SIZE);
  const ptrdiff_t jump = strip->next - strip->src - size;
  const char *from = strip->src;
  char *to = strip->dst;
  for (ptrdiff_t done = 0; done < size; done += (ptrdiff_t)(SIDE * SIZE)) {
    ptrdiff_t distances[AHEAD];
    const ptrdiff_t *const ahead = AHEAD_OF(distances, done, size - done, jump);
    for (size_t c = 0; c < strip->columns; c += turn) {
      const size_t some = strip->columns - c < turn ? strip->columns - c : turn;
      TURN_OF(to + c * SIZE, from + (ptrdiff_t)c * src_stride, plane->dst_stride, src_stride,
              some * SIZE, ahead, streams);
    }
    from += SIDE * SIZE;
    to += (ptrdiff_t)SIDE * plane->dst_stride;
  }
}

/**
 * Transposes a panel of SIDE rows that begin anywhere in a line, past the caches: their whole
 * lines.
 *
 * @param lines  what the panel has; the stage has one more if `more` does, so that each row finds
 * all of the lines that begin in the panel.
 */
KERNEL static inline void SHIFTED(char *dst, const char *src, ptrdiff_t dst_stride,
                                  ptrdiff_t src_stride, size_t lines, bool more,
                                  const ptrdiff_t *ahead) {
  char stage[SIDE][(SHIFTED_LINES + 1) * LINE] __attribute__((aligned(LINE)));
  for (size_t k = 0; k < (lines + more) * LINE; k += sizeof(VECTOR))
    BLOCK(stage[0] + k, src + (ptrdiff_t)(k / SIZE) * src_stride, sizeof stage[0], src_stride,
          ahead);
  for (size_t i = 0; i < SIDE; ++i) {
    char *const to = dst + (ptrdiff_t)i * dst_stride;
    const size_t head = head_of(to);
    const size_t whole = head == 0 || more ? lines : lines - 1;
    for (size_t k = head; k < head + whole * LINE; k += LINE)
      stream_line(to + k, stage[i] + k);
  }
}

/** Transposes a plane whose rows begin anywhere in a line, between elements, past the caches. */
KERNEL static void SHIFTED_ALL(const struct aml_internal_plane *plane) {
  enum { ROWS = PASTE(NAME, _ROWS) };
  const size_t in_line = LINE / SIZE;
  const size_t rows = plane->rows / SIDE * SIDE;
  const size_t lines = plane->columns / in_line;
  const ptrdiff_t panel_stride = (ptrdiff_t)(SHIFTED_LINES * in_line) * plane->src_stride;
  for (size_t first = 0; first < rows; first += ROWS) {
    const size_t end = rows - first < ROWS ? rows : first + ROWS;
    for (size_t line = 0; line < lines; line += SHIFTED_LINES) {
      const size_t some = lines - line < SHIFTED_LINES ? lines - line : SHIFTED_LINES;
      for (size_t row = first; row < end; row += SIDE) {
        ptrdiff_t distances[AHEAD];
        const ptrdiff_t left = (ptrdiff_t)((end - row) * SIZE);
        const ptrdiff_t *const ahead = AHEAD_OF(distances, (ptrdiff_t)((row - first) * SIZE), left,
                                                panel_stride - (ptrdiff_t)((end - first) * SIZE));
        SHIFTED(plane->dst + (ptrdiff_t)row * plane->dst_stride + line * LINE,
                plane->src + row * SIZE + (ptrdiff_t)(line * in_line) * plane->src_stride,
                plane->dst_stride, plane->src_stride, some, line + some < lines, ahead);
      }
    }
  }
  for (size_t row = 0; row < rows; ++row) {
    const size_t head = head_of(plane->dst + (ptrdiff_t)row * plane->dst_stride) / SIZE;
    const size_t whole = (lines - (head != 0)) * in_line;
    LOOSE(plane, row, row + 1, 0, head);
    LOOSE(plane, row, row + 1, head + whole, plane->columns);
  }
  LOOSE(plane, rows, plane->rows, 0, plane->columns);
}

KERNEL static void NAME(const struct aml_internal_plane *plane, bool streams) {
  enum { ROWS = PASTE(NAME, _ROWS) };
  if (NARROW(plane))
    return;
  const size_t panel = plane->src_stride % CROWDED == 0 ? PASTE(NAME, _TURN) : PASTE(NAME, _PANEL);
  const size_t head = head_of(plane->dst);
  const bool are_whole = plane->dst_stride % (ptrdiff_t)SIZE == 0 && head % SIZE == 0;
  const bool are_alike = plane->dst_stride % LINE == 0;
  if (streams && are_whole && !are_alike && plane->columns >= SHIFTED_MIN * LINE / SIZE) {
    SHIFTED_ALL(plane);
    return;
  }
  streams = streams && are_whole && are_alike;
  const size_t first = !streams ? 0 : head / SIZE < plane->columns ? head / SIZE : plane->columns;
  const size_t grain = streams ? LINE / SIZE : plane->columns < SIDE ? SIDE : 1;
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
#undef LOOSE_OF
#undef SPLIT
#undef MERGE
#undef SPLIT_BLOCK
#undef MERGE_BLOCK
#undef SPLIT_ALL
#undef MERGE_ALL
#undef NARROW
#undef TURNED
#undef AHEAD_OF
#undef STRIP
#undef SHIFTED
#undef SHIFTED_ALL
#undef EXCHANGE
