// SPDX-License-Identifier: BSD-3-Clause
//
// The kernels of one instruction set, written in the compilers' vectors. Whoever includes this
// defines before
//
//   KERNEL            the attribute that lets a function use the instruction set
//   WIDTH             bytes of its widest vector
//   struct wide       see below
//   stream_store()    stores a vector past the caches
//   LANES_1 .. _8     how many elements of 1 to 8 bytes the vectors have that transpose them
//
// What limits a copy is how many lines are on their way at once. Loads and prefetches into the
// first-level cache are few (about two dozen); those that the hardware sends ahead of long streams
// into the second level, and prefetches that go there, are many more. So rows that are long go
// several at a time, each a stream of its own, and planes are prefetched into the second level far
// ahead. Stores past the caches want their lines in bursts, for the memory's pages' sake.

#include <stdint.h>
#include <string.h>

#include "aml/dma/internal/kernels.h"

enum { LINE = 64, AHEAD = 1024, STEP = 4 * LINE };

typedef unsigned char wide __attribute__((vector_size(WIDTH), aligned(1), may_alias));

/** Prefetches into the first-level cache without displacing the others. */
#define PREFETCH_ONCE(address) __builtin_prefetch((address), 0, 0)
/** Prefetches into the second-level cache. */
#define PREFETCH_FAR(address) __builtin_prefetch((address), 0, 2)

// Between these sizes a plain loop beats the C library's choice of one.
enum { MIN_LOOP = 192, MAX_LOOP = 16 << 10 };

KERNEL static void copy(char *dst, const char *src, size_t size) {
  if (size < MIN_LOOP || size > MAX_LOOP) {
    memcpy(dst, src, size);
    return;
  }
  const wide last = *(const wide *)(src + size - WIDTH);
  size_t i = 0;
  for (; i + 4 * WIDTH <= size; i += 4 * WIDTH) {
    const wide a = *(const wide *)(src + i);
    const wide b = *(const wide *)(src + i + WIDTH);
    const wide c = *(const wide *)(src + i + 2 * WIDTH);
    const wide d = *(const wide *)(src + i + 3 * WIDTH);
    *(wide *)(dst + i) = a;
    *(wide *)(dst + i + WIDTH) = b;
    *(wide *)(dst + i + 2 * WIDTH) = c;
    *(wide *)(dst + i + 3 * WIDTH) = d;
  }
  for (; i + WIDTH <= size; i += WIDTH)
    *(wide *)(dst + i) = *(const wide *)(src + i);
  *(wide *)(dst + size - WIDTH) = last;
}

/** Copies a line to where a line begins, past the caches. */
KERNEL static inline void stream_line(char *dst, const char *src) {
  wide line[LINE / WIDTH];
  for (size_t i = 0; i < LINE / WIDTH; ++i)
    line[i] = *(const wide *)(src + i * WIDTH);
  for (size_t i = 0; i < LINE / WIDTH; ++i)
    stream_store(dst + i * WIDTH, line[i]);
}

/** Bytes from `dst` to the next line. */
static inline size_t head_of(const char *dst) {
  return (0 - (uintptr_t)dst) & (LINE - 1);
}

KERNEL static void stream(char *dst, const char *src, size_t size) {
  const size_t head = head_of(dst);
  if (size < head + STEP) {
    memcpy(dst, src, size);
    return;
  }
  memcpy(dst, src, head);
  size_t i = head;
  for (; i + STEP <= size; i += STEP) {
    for (size_t k = 0; k < STEP; k += LINE)
      PREFETCH_ONCE(src + i + AHEAD + k);
    for (size_t k = 0; k < STEP; k += LINE)
      stream_line(dst + i + k, src + i + k);
  }
  memcpy(dst + i, src + i, size - i);
}

enum { STREAMS = 4 };

/** Copies STREAMS rows side by side. */
KERNEL static void copy_some_rows(char *dst, const char *src, size_t size, ptrdiff_t dst_stride,
                                  ptrdiff_t src_stride) {
  size_t i = 0;
  for (; i + LINE <= size; i += LINE)
    for (ptrdiff_t row = 0; row < STREAMS; ++row) {
      wide line[LINE / WIDTH];
      const char *const from = src + row * src_stride + i;
      char *const to = dst + row * dst_stride + i;
      PREFETCH_FAR(from + STREAMS * src_stride);
      for (size_t k = 0; k < LINE / WIDTH; ++k)
        line[k] = *(const wide *)(from + k * WIDTH);
      for (size_t k = 0; k < LINE / WIDTH; ++k)
        *(wide *)(to + k * WIDTH) = line[k];
    }
  for (ptrdiff_t row = 0; i < size && row < STREAMS; ++row)
    memcpy(dst + row * dst_stride + i, src + row * src_stride + i, size - i);
}

KERNEL static void copy_rows(const struct aml_internal_rows *rows) {
  char *dst = rows->dst;
  const char *src = rows->src;
  size_t row = 0;
  for (; row + STREAMS <= rows->count; row += STREAMS) {
    copy_some_rows(dst, src, rows->size, rows->dst_stride, rows->src_stride);
    dst += STREAMS * rows->dst_stride;
    src += STREAMS * rows->src_stride;
  }
  for (; row < rows->count; ++row) {
    memcpy(dst, src, rows->size);
    dst += rows->dst_stride;
    src += rows->src_stride;
  }
}

/** Copies a row past the caches while the next one is fetched. */
KERNEL static void stream_row(char *dst, const char *src, size_t size, ptrdiff_t next) {
  const size_t head = head_of(dst);
  if (size < head + LINE) {
    memcpy(dst, src, size);
    return;
  }
  memcpy(dst, src, head);
  size_t i = head;
  for (; i + LINE <= size; i += LINE) {
    PREFETCH_FAR(src + next + i);
    stream_line(dst + i, src + i);
  }
  memcpy(dst + i, src + i, size - i);
}

KERNEL static void stream_rows(const struct aml_internal_rows *rows) {
  char *dst = rows->dst;
  const char *src = rows->src;
  for (size_t row = 0; row < rows->count; ++row) {
    stream_row(dst, src, rows->size, row + 1 < rows->count ? rows->src_stride : 0);
    dst += rows->dst_stride;
    src += rows->src_stride;
  }
}

// A block of as many vectors as a vector has groups of lanes is transposed by exchanging ever
// larger halves: of vectors i and i + d, lanes with bit h set of the one for those without of the
// other (Eklundh, A Fast Computer Method for Matrix Transposing, 1972).

#define KEPT(lane, h, lanes) ((lane) & (h) ? (lanes) + (lane) - (h) : (lane))
#define TAKEN(lane, h, lanes) ((lane) & (h) ? (lanes) + (lane) : (lane) + (h))
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

#define KERNELS(the_name, when, streams, fences)                                                   \
  {                                                                                                \
    .name = (the_name), .is_supported = (when), .can_stream = (streams), .copy = copy,             \
    .stream = stream, .copy_rows = copy_rows, .stream_rows = stream_rows,                          \
    .transpose = {transpose_1, transpose_2, transpose_4, transpose_8, transpose_16},               \
    .fence = (fences),                                                                             \
  }
