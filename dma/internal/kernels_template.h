// SPDX-License-Identifier: BSD-3-Clause
//
// The kernels of one instruction set, written in the compilers' vectors. Whoever includes this
// defines before
//
//   KERNEL            the attribute that lets a function use the instruction set
//   WIDTH             bytes of its widest vector
//   IS_WHOLE          whether the CPU moves such a vector at once, and fetches rows by itself
//   stream_store()    stores a vector past the caches
//   string_copy()     copies by the CPU's own loop; only if IS_WHOLE
//   LANES_1 .. _8     how many elements of 1 to 8 bytes the vectors have that transpose them
//
// What limits a copy is how many lines are on their way at once. Loads and prefetches into the
// first-level cache are few (about two dozen); those that the hardware sends ahead of long streams
// into the second level, and prefetches that go there, are many more. So rows that are long go
// side by side, each a stream of its own, and planes are prefetched into the second level far
// ahead. Stores past the caches want their lines in bursts, for the memory's pages' sake.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "aml/dma/internal/kernels.h"

enum { LINE = 64 };

typedef unsigned char wide __attribute__((vector_size(WIDTH)));
typedef wide wide_memory __attribute__((aligned(1), may_alias)); // at any address

/** Prefetches into the first-level cache without displacing the others. */
#define PREFETCH_ONCE(address) __builtin_prefetch((address), 0, 0)
/** Prefetches into the second-level cache. */
#define PREFETCH_FAR(address) __builtin_prefetch((address), 0, 2)

// Loops take vectors of at most 32 bytes where the CPU moves those of 64 by halves: two of those
// move as much as one of 64, and mind other stores on their way less.
#if WIDTH < 32 || IS_WHOLE
#define UNIT WIDTH
#else
#define UNIT 32
#endif
enum { TURN = 4 * UNIT };
typedef unsigned char unit __attribute__((vector_size(UNIT)));
typedef unit unit_memory __attribute__((aligned(1), may_alias));

/** Keeps lines in order, which the compiler would mix; where that was seen to matter. */
#if IS_WHOLE
#define IN_ORDER __asm__ volatile("" : : : "memory")
#else
#define IN_ORDER (void)0
#endif

// Both loops store whole lines, in between what is stored at both ends first or last. `size` is a
// line and a turn at least.

// Small arrays of vectors are registers once the loops over them are unrolled.
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_8 _Pragma("GCC unroll 8")

KERNEL static inline void copy_up(char *dst, const char *src, size_t size) {
  unit head[LINE / UNIT];
  unit tail[4];
  UNROLL for (size_t i = 0; i < LINE / UNIT; ++i) {
    head[i] = *(const unit_memory *)(src + i * UNIT);
  }
  UNROLL for (size_t i = 0; i < 4; ++i) {
    tail[i] = *(const unit_memory *)(src + size - TURN + i * UNIT);
  }
  UNROLL for (size_t i = 0; i < LINE / UNIT; ++i) {
    *(unit_memory *)(dst + i * UNIT) = head[i];
  }
  for (size_t i = LINE - (uintptr_t)dst % LINE; i + TURN < size; i += TURN) {
    const unit a = *(const unit_memory *)(src + i);
    const unit b = *(const unit_memory *)(src + i + UNIT);
    const unit c = *(const unit_memory *)(src + i + 2 * UNIT);
    const unit d = *(const unit_memory *)(src + i + 3 * UNIT);
    *(unit_memory *)(dst + i) = a;
    *(unit_memory *)(dst + i + UNIT) = b;
    *(unit_memory *)(dst + i + 2 * UNIT) = c;
    *(unit_memory *)(dst + i + 3 * UNIT) = d;
  }
  UNROLL for (size_t i = 0; i < 4; ++i) {
    *(unit_memory *)(dst + size - TURN + i * UNIT) = tail[i];
  }
}

KERNEL static inline void copy_down(char *dst, const char *src, size_t size) {
  unit head[4];
  unit tail[LINE / UNIT];
  UNROLL for (size_t i = 0; i < 4; ++i) {
    head[i] = *(const unit_memory *)(src + i * UNIT);
  }
  UNROLL for (size_t i = 0; i < LINE / UNIT; ++i) {
    tail[i] = *(const unit_memory *)(src + size - LINE + i * UNIT);
  }
  UNROLL for (size_t i = 0; i < LINE / UNIT; ++i) {
    *(unit_memory *)(dst + size - LINE + i * UNIT) = tail[i];
  }
  size_t i = size - ((uintptr_t)dst + size - 1) % LINE - 1;
  for (; i > TURN; i -= TURN) {
    const unit a = *(const unit_memory *)(src + i - UNIT);
    const unit b = *(const unit_memory *)(src + i - 2 * UNIT);
    const unit c = *(const unit_memory *)(src + i - 3 * UNIT);
    const unit d = *(const unit_memory *)(src + i - 4 * UNIT);
    *(unit_memory *)(dst + i - UNIT) = a;
    *(unit_memory *)(dst + i - 2 * UNIT) = b;
    *(unit_memory *)(dst + i - 3 * UNIT) = c;
    *(unit_memory *)(dst + i - 4 * UNIT) = d;
  }
  UNROLL for (size_t k = 0; k < 4; ++k) {
    *(unit_memory *)(dst + k * UNIT) = head[k];
  }
}

/** Copies `half` to twice as many vectors, all of which are loaded before any is stored. */
#define COPY_FEW(name, half, vector, memory)                                                       \
  KERNEL static inline __attribute__((always_inline)) void name(char *dst, const char *src,        \
                                                                size_t size) {                     \
    vector v[2 * (half)];                                                                          \
    char *const dst_end = dst + size - (half) * sizeof(vector);                                    \
    const char *const src_end = src + size - (half) * sizeof(vector);                              \
    UNROLL for (size_t i = 0; i < (half); ++i) {                                                   \
      v[i] = *(const memory *)(src + i * sizeof(vector));                                          \
      v[(half) + i] = *(const memory *)(src_end + i * sizeof(vector));                             \
    }                                                                                              \
    UNROLL for (size_t i = 0; i < (half); ++i) {                                                   \
      *(memory *)(dst + i * sizeof(vector)) = v[i];                                                \
      *(memory *)(dst_end + i * sizeof(vector)) = v[(half) + i];                                   \
    }                                                                                              \
  }

COPY_FEW(copy_two_units, 1, unit, unit_memory)
COPY_FEW(copy_fewer_units, 2, unit, unit_memory)
COPY_FEW(copy_few_units, 4, unit, unit_memory)
COPY_FEW(copy_few_wide, 4, wide, wide_memory)
#if IS_WHOLE
COPY_FEW(copy_many_units, 8, unit, unit_memory)
#endif

/**
 * Whether loads going up would soon meet stores before them at addresses that differ by a multiple
 * of a page, which CPUs take for the same ones at first.
 */
static inline bool meets_stores(const char *dst, const char *src) {
  const uintptr_t distance = ((uintptr_t)dst - (uintptr_t)src) % 4096;
  return distance != 0 && distance <= 1024;
}

/** Copies larger than that, of which the first-level cache holds no two, are the CPU's own. */
enum { STRING_SIZE = 26 << 10 };

// Which of them is best at which size was measured on AMD EPYC of the fourth generation, resp. of
// the fifth if IS_WHOLE. A call of memcpy is not: on the fourth, with `rep movsb`, it is 20 times
// slower where tiles are not aligned alike.
KERNEL __attribute__((aligned(64))) static void copy(char *dst, const char *src, size_t size) {
  const size_t least = IS_WHOLE ? UNIT : 2 * UNIT;
  if (__builtin_expect(size <= 4 * UNIT, 1)) {
    if (__builtin_expect(size < least, 0))
      memcpy(dst, src, size);
    else if (__builtin_expect(size <= 2 * UNIT, 1))
      copy_two_units(dst, src, size);
    else
      copy_fewer_units(dst, src, size);
  } else if (__builtin_expect(size <= 8 * UNIT, 1)) {
    copy_few_units(dst, src, size);
  } else if (size > 7 * WIDTH && size <= 8 * WIDTH) {
    copy_few_wide(dst, src, size);
#if IS_WHOLE
  } else if (size > 12 * UNIT && size <= 16 * UNIT) {
    copy_many_units(dst, src, size);
  } else if (size > STRING_SIZE) {
    string_copy(dst, src, size);
#endif
  } else if (meets_stores(dst, src)) {
    copy_down(dst, src, size);
  } else {
    copy_up(dst, src, size);
  }
}

KERNEL static inline void copy_line(char *dst, const char *src) {
  wide line[LINE / WIDTH];
  UNROLL for (size_t i = 0; i < LINE / WIDTH; ++i) {
    line[i] = *(const wide_memory *)(src + i * WIDTH);
  }
  UNROLL for (size_t i = 0; i < LINE / WIDTH; ++i) {
    *(wide_memory *)(dst + i * WIDTH) = line[i];
  }
}

/** Copies a line to where a line begins, past the caches. */
KERNEL static inline void stream_line(char *dst, const char *src) {
  wide line[LINE / WIDTH];
  UNROLL for (size_t i = 0; i < LINE / WIDTH; ++i) {
    line[i] = *(const wide_memory *)(src + i * WIDTH);
  }
  UNROLL for (size_t i = 0; i < LINE / WIDTH; ++i) {
    stream_store(dst + i * WIDTH, line[i]);
  }
}

/** Bytes from `dst` to the next line. */
static inline size_t head_of(const char *dst) {
  return (0 - (uintptr_t)dst) & (LINE - 1);
}

// Loads of eight lines go together, and so do their stores; of four where the CPU fetches ahead.
enum { BURST = 8 * LINE, STREAM_BURST = IS_WHOLE ? BURST / 2 : BURST, BURST_AHEAD = 3 * BURST };

KERNEL static void stream(char *dst, const char *src, size_t size) {
  const size_t head = head_of(dst);
  if (size < head + STREAM_BURST) {
    memcpy(dst, src, size);
    return;
  }
  memcpy(dst, src, head);
  size_t i = head;
  for (; i + STREAM_BURST <= size; i += STREAM_BURST) {
    wide v[STREAM_BURST / WIDTH];
    if (!IS_WHOLE) {
      UNROLL for (size_t k = 0; k < STREAM_BURST; k += LINE) {
        PREFETCH_ONCE(src + i + BURST_AHEAD + k);
      }
    }
    UNROLL for (size_t k = 0; k < STREAM_BURST / WIDTH; ++k) {
      v[k] = *(const wide_memory *)(src + i + k * WIDTH);
      IN_ORDER;
    }
    UNROLL for (size_t k = 0; k < STREAM_BURST / WIDTH; ++k) {
      stream_store(dst + i + k * WIDTH, v[k]);
      IN_ORDER;
    }
  }
  memcpy(dst + i, src + i, size - i);
}

/**
 * Copies some lines, which are all loaded before any is stored, and fetches those that are `ahead`
 * bytes farther on. `lines`, at most a burst, and `streams` are constants wherever this is inlined.
 */
KERNEL static inline __attribute__((always_inline)) void
copy_burst(char *dst, const char *src, size_t lines, ptrdiff_t ahead, bool streams) {
  wide v[BURST / WIDTH];
  if (ahead != 0) {
    UNROLL_8 for (size_t k = 0; k < lines; ++k) {
      PREFETCH_FAR(src + ahead + k * LINE);
    }
  }
  UNROLL for (size_t k = 0; k < lines * LINE / WIDTH; ++k) {
    v[k] = *(const wide_memory *)(src + k * WIDTH);
  }
  UNROLL for (size_t k = 0; k < lines * LINE / WIDTH; ++k) {
    if (streams)
      stream_store(dst + k * WIDTH, v[k]);
    else
      *(wide_memory *)(dst + k * WIDTH) = v[k];
  }
}

/** Copies the whole lines of a row, and fetches what is `ahead`. Returns: bytes that are done. */
KERNEL static inline __attribute__((always_inline)) size_t
copy_lines(char *dst, const char *src, size_t size, ptrdiff_t ahead, bool streams) {
  size_t i = 0;
  for (; IS_WHOLE && i + BURST <= size; i += BURST)
    copy_burst(dst + i, src + i, BURST / LINE, ahead, streams);
  for (; IS_WHOLE && i + BURST / 2 <= size; i += BURST / 2)
    copy_burst(dst + i, src + i, BURST / LINE / 2, ahead, streams);
  for (; i + LINE <= size; i += LINE)
    copy_burst(dst + i, src + i, 1, ahead, streams);
  return i;
}

enum { STREAMS = 8 };

/** Copies STREAMS rows side by side; `streams` is a constant wherever this is inlined. */
KERNEL static inline __attribute__((always_inline)) void
copy_side_by_side(char *dst, const char *src, const struct aml_internal_rows *rows, bool streams) {
  const ptrdiff_t dst_stride = rows->dst_stride;
  const ptrdiff_t src_stride = rows->src_stride;
  const size_t size = rows->size;
  size_t i = 0;
  for (; i + LINE <= size; i += LINE)
    UNROLL for (ptrdiff_t row = 0; row < STREAMS; ++row) {
      const char *const from = src + row * src_stride + i;
      char *const to = dst + row * dst_stride + i;
      PREFETCH_FAR(from + STREAMS * src_stride);
      if (streams)
        stream_line(to, from);
      else
        copy_line(to, from);
    }
  for (ptrdiff_t row = 0; i < size && row < STREAMS; ++row)
    memcpy(dst + row * dst_stride + i, src + row * src_stride + i, size - i);
}

/**
 * How many rows ahead one is fetched while another is copied in bursts. Where a row is a burst or
 * two, the CPU has several on their way by itself.
 */
static inline ptrdiff_t rows_ahead(size_t size) {
  return size >= (size_t)2 * BURST || !IS_WHOLE ? 1 : size >= BURST ? 0 : 16;
}

/** Copies rows of a burst's half and more, one after the other. */
KERNEL static void copy_rows_in_bursts(const struct aml_internal_rows *rows) {
  const ptrdiff_t ahead = rows_ahead(rows->size) * rows->src_stride;
  const size_t last = rows->size - LINE;
  char *dst = rows->dst;
  const char *src = rows->src;
  for (size_t row = 0; row < rows->count; ++row) {
    if (copy_lines(dst, src, rows->size, ahead, false) != rows->size)
      copy_line(dst + last, src + last);
    dst += rows->dst_stride;
    src += rows->src_stride;
  }
}

KERNEL static void copy_rows(const struct aml_internal_rows *rows) {
  char *dst = rows->dst;
  const char *src = rows->src;
  size_t row = 0;
  if (IS_WHOLE && rows->size >= BURST / 2 && rows->size < (size_t)2 * BURST) {
    copy_rows_in_bursts(rows);
    return;
  }
  for (; row + STREAMS <= rows->count; row += STREAMS) {
    copy_side_by_side(dst, src, rows, false);
    dst += STREAMS * rows->dst_stride;
    src += STREAMS * rows->src_stride;
  }
  for (; row < rows->count; ++row) {
    memcpy(dst, src, rows->size);
    dst += rows->dst_stride;
    src += rows->src_stride;
  }
}

/** Copies a row past the caches while one is fetched that is `ahead` bytes farther on. */
KERNEL static void stream_row(char *dst, const char *src, size_t size, ptrdiff_t ahead) {
  size_t done = head_of(dst);
  if (size < done + LINE) {
    memcpy(dst, src, size);
    return;
  }
  if (done != 0)
    memcpy(dst, src, done);
  done += copy_lines(dst + done, src + done, size - done, ahead, true);
  if (done != size)
    memcpy(dst + done, src + done, size - done);
}

/**
 * Whether rows that go past the caches do so side by side: they come from farther apart than they
 * go to, and are whole lines.
 */
static inline bool are_gathered(const struct aml_internal_rows *rows) {
  const ptrdiff_t src_stride = rows->src_stride < 0 ? -rows->src_stride : rows->src_stride;
  return (!IS_WHOLE || rows->size < BURST / 2) && src_stride > rows->dst_stride &&
         rows->size % LINE == 0 && rows->dst_stride % LINE == 0 && (uintptr_t)rows->dst % LINE == 0;
}

KERNEL static void stream_rows(const struct aml_internal_rows *rows) {
  char *dst = rows->dst;
  const char *src = rows->src;
  size_t row = 0;
  for (; are_gathered(rows) && row + STREAMS <= rows->count; row += STREAMS) {
    copy_side_by_side(dst, src, rows, true);
    dst += STREAMS * rows->dst_stride;
    src += STREAMS * rows->src_stride;
  }
  for (; row < rows->count; ++row) {
    stream_row(dst, src, rows->size, rows_ahead(rows->size) * rows->src_stride);
    dst += rows->dst_stride;
    src += rows->src_stride;
  }
}

// A block of as many vectors as a vector has groups of lanes is transposed by exchanging ever
// larger halves: of vectors i and i + d, lanes with bit h set of the one for those without of the
// other (Eklundh, A Fast Computer Method for Matrix Transposing, 1972).

#define KEPT(lane, h, lanes) ((lane) & (h) ? (lanes) + (lane) - (h) : (lane))
#define TAKEN(lane, h, lanes) ((lane) & (h) ? (lanes) + (lane) : (lane) + (h))
// Of two vectors that go on in one another, lanes by their order; and groups of three lanes in
// places of four, where the fourth is any.
#define EVEN(lane, h, lanes) (2 * (lane))
#define ODD(lane, h, lanes) (2 * (lane) + 1)
#define ZIP_LOW(lane, h, lanes) ((lane) / 2 + (lane) % 2 * (lanes))
#define ZIP_HIGH(lane, h, lanes) (((lanes) + (lane)) / 2 + (lane) % 2 * (lanes))
#define SPREAD(lane, h, lanes) ((lane) / 4 * 3 + (lane) % 4)
#define SQUEEZED(lane, h, lanes) ((lane) / 3 * 4 + (lane) % 3)
#define EACH_OF_2(F, h) F(0, h, 2), F(1, h, 2)
#define EACH_OF_4(F, h) F(0, h, 4), F(1, h, 4), F(2, h, 4), F(3, h, 4)
#define EACH_OF_8(F, h)                                                                            \
  F(0, h, 8), F(1, h, 8), F(2, h, 8), F(3, h, 8), F(4, h, 8), F(5, h, 8), F(6, h, 8), F(7, h, 8)
#define EACH_OF_16(F, h)                                                                           \
  F(0, h, 16), F(1, h, 16), F(2, h, 16), F(3, h, 16), F(4, h, 16), F(5, h, 16), F(6, h, 16),       \
      F(7, h, 16), F(8, h, 16), F(9, h, 16), F(10, h, 16), F(11, h, 16), F(12, h, 16),             \
      F(13, h, 16), F(14, h, 16), F(15, h, 16)
#define EACH_OF_(lanes, F, h) EACH_OF_##lanes(F, h)
#define EACH_OF(lanes, F, h) EACH_OF_(lanes, F, h)

#if defined(__clang__)
#define PICK(a, b, mask, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, mask, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif

/** Some rows by some columns of a plane. */
struct strip {
  char *dst;
  const char *src;
  const char *next; // where the source of the next one begins
  size_t rows;
  size_t columns;
};

/** Rows that are multiples of that apart share few lines of second-level caches. */
enum { CROWDED = 256 << 10 };

/** In how many distances ahead transposes prefetch, and how many lines these are apart. */
enum { AHEAD = 4, AHEAD_STEP = IS_WHOLE ? 2 : 1 };

/** How many lines of a row are staged at once where rows begin anywhere in one. */
enum { SHIFTED_LINES = 6 };

/** How many lines such rows have at least: shorter ones would leave too many in part. */
enum { SHIFTED_MIN = 16 };

/** How many elements of a long side are visited before more of the short one are. */
enum { LOOSE_ALONG = 256 };

/** How narrow planes are that go element by element where vectors have few. */
enum { NARROW_SIDE = 16 };

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#define LANE uint8_t
#define LANES LANES_1
#define GROUP 1
#define NAME transpose_1
#include "aml/dma/internal/transpose_template.h"

#define LANE uint16_t
#define LANES LANES_2
#define GROUP 1
#define NAME transpose_2
#include "aml/dma/internal/transpose_template.h"

#define LANE uint32_t
#define LANES LANES_4
#define GROUP 1
#define NAME transpose_4
#include "aml/dma/internal/transpose_template.h"

#define LANE uint64_t
#define LANES LANES_8
#define GROUP 1
#define NAME transpose_8
#include "aml/dma/internal/transpose_template.h"

// Elements of 16 bytes are pairs of lanes.
#define LANE uint64_t
#define LANES LANES_8
#define GROUP 2
#define NAME transpose_16
#include "aml/dma/internal/transpose_template.h"

#define KERNELS(the_name, when, made_for, streams, fences)                                         \
  {                                                                                                \
    .name = (the_name), .is_supported = (when), .is_made_for = (made_for),                         \
    .can_stream = (streams), .copy = copy, .stream = stream, .copy_rows = copy_rows,               \
    .stream_rows = stream_rows,                                                                    \
    .transpose = {transpose_1, transpose_2, transpose_4, transpose_8, transpose_16},               \
    .fence = (fences),                                                                             \
  }
