// SPDX-License-Identifier: BSD-3-Clause
//
// Free blocks are kept in lists by size class, and two levels of bitmaps tell which lists have
// blocks: a bit for each row of classes (a doubling of the size), and in it one for each class. To
// alloc is to round the size up to a class, to find the next class that has a block by two bit
// scans, and to cut the block. To free is to merge with the neighbours, which heads and the last
// words of free blocks lead to, and to put the result into its list. No step loops.
//
// M. Masmano, I. Ripoll, A. Crespo, J. Real: "TLSF: a New Dynamic Memory Allocator for Real-Time
// Systems", ECRTS 2004, sections 4 and 5. What differs: a row has 64 classes; before a block of a
// larger class is cut, the first of the size's own class is tried, so that a block of exactly the
// size of all free memory can be had; blocks know what points to them, so that taking one out of
// the middle of a list needs no class.

#include "aml/arena/tlsf.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/source.h"
#include "aml/arena/internal/tlsf_blocks.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

enum { DEFAULT_CHUNK_SIZE = 1 << 20, LEAST_REGION = 128 };

/** No address space has as much; one bit of that is the kernel's. */
#define MOST_MEMORY (sizeof(size_t) == 8 ? (size_t)1 << (sizeof(size_t) * 6 - 1) : SIZE_MAX / 2)

static struct aml_arena_tlsf *tlsf_of(struct aml_arena *arena) {
  return (struct aml_arena_tlsf *)arena;
}

static const struct aml_arena_tlsf *const_tlsf_of(const struct aml_arena *arena) {
  return (const struct aml_arena_tlsf *)arena;
}

static void *refuse(int err, const char *call, const char *argument, const char *reason) {
  (void)aml_error_set(err, call, argument, reason);
  return NULL;
}

/** How far the payload of a block must move to be aligned, so that a block fits before it. */
static size_t gap_of(const block *it, size_t alignment) {
  const size_t gap = (size_t)(0 - (uintptr_t)payload_of(it)) & (alignment - 1);
  return gap == 0 || gap >= LEAST ? gap : gap + alignment;
}

static bool fits(const block *it, size_t size, size_t alignment) {
  const size_t gap = gap_of(it, alignment);
  return gap <= size_of(it) && size <= size_of(it) - gap;
}

static void count_live(struct aml_internal_tlsf_heap *heap, size_t size) {
  heap->live_size += size;
  if (heap->live_size > heap->peak_size)
    heap->peak_size = heap->live_size;
}

/**
 * Makes a live block of `size` from the first bytes of one that is in no list and has `whole`; the
 * rest becomes free, if it can be a block. `flags` are the head's. Returns: the block's size.
 */
static inline size_t cut(struct aml_internal_tlsf_heap *heap, block *it, size_t whole, size_t size,
                         size_t flags) {
  if (whole - size >= LEAST) {
    put(&it->head, size | flags);
    make_free(heap, block_at(it, size), whole - size);
    return size;
  }
  put(&it->head, whole | flags);
  set_previous_free(block_at(it, whole), false);
  return whole;
}

/** Takes account of a block that has become live. Returns: its payload. */
static inline void *hand_out(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  ++heap->live_count;
  count_live(heap, size - WORD);
  aml_internal_poison_contents(payload_of(it), size - WORD);
  return payload_of(it);
}

/** Makes a free block live. Returns: its payload. */
static inline void *use(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  const size_t whole = size_of(it);
  take(heap, it);
  return hand_out(heap, it, cut(heap, it, whole, size, 0));
}

/** Likewise, behind a gap that stays free. */
static void *use_aligned(struct aml_internal_tlsf_heap *heap, block *it, size_t size,
                         size_t alignment) {
  const size_t gap = gap_of(it, alignment);
  if (gap == 0)
    return use(heap, it, size);
  const size_t whole = size_of(it);
  block *const aligned = block_at(it, gap);
  take(heap, it);
  make_free(heap, it, gap);
  return hand_out(heap, aligned, cut(heap, aligned, whole - gap, size, IS_PREVIOUS_FREE));
}

/** Makes all of a chunk one free block. */
static void make_chunk_free(struct aml_internal_tlsf_heap *heap,
                            const struct aml_internal_tlsf_chunk *chunk) {
  const size_t size = room_of(chunk);
  aml_internal_poison((const char *)chunk + sizeof *chunk, size + WORD);
  put(&end_block(chunk)->head, IS_PREVIOUS_FREE);
  make_free(heap, first_block(chunk), size);
}

/** Adds memory. Returns: its first block, which is in its list. */
static block *add_chunk(struct aml_internal_tlsf_heap *heap, void *base, size_t size) {
  struct aml_internal_tlsf_chunk *const chunk =
      (struct aml_internal_tlsf_chunk *)block_at(base, (0 - (uintptr_t)base) & (GRAIN - 1));
  aml_internal_poison_none(chunk, sizeof *chunk);
  *chunk = (struct aml_internal_tlsf_chunk){.next = heap->chunks, .base = base, .size = size};
  heap->chunks = chunk;
  make_chunk_free(heap, chunk);
  return first_block(chunk);
}

/** Bytes of a block that has one of `size` in it at an alignment, wherever it lies. */
static bool padded_size(size_t size, size_t alignment, size_t *padded) {
  *padded = size;
  return alignment <= GRAIN || aml_checked_add(size, alignment + GRAIN, padded);
}

/** Finds a free block, or maps one. *is_new tells which. */
static block *find_or_grow(struct aml_arena_tlsf *tlsf, size_t size, size_t alignment,
                           bool *is_new) {
  size_t padded;
  size_t chunk_size;
  // One that was cut for such a block fits the next.
  block *it = find(&tlsf->heap, size);
  if (it != NULL && fits(it, size, alignment))
    return it;
  if (!padded_size(size, alignment, &padded) || padded > tlsf->heap.most)
    return refuse(-AML_ENOMEM, "aml_arena_alloc", "size",
                  "with its alignment is larger than the arena can be");
  it = find(&tlsf->heap, padded);
  if (it != NULL)
    return it;
  void *const base = aml_internal_source_map(&tlsf->source, "arena:tlsf", padded + CHUNK_OVERHEAD,
                                             GRAIN, &chunk_size);
  if (base == NULL)
    return NULL;
  *is_new = true;
  return add_chunk(&tlsf->heap, base, chunk_size);
}

/** Zeroes a block that was never in use but for the words of a free block. */
static void zero_new(void *payload) {
  block *const it = block_of(payload);
  const size_t size = size_of(it);
  memset(payload, 0, 2 * WORD);
  memset(size_word(it, size), 0, WORD);
}

/** alloc, where there is more to it than to find a block; apart, so that the rest needs no stack.
 */
__attribute__((noinline)) static void *alloc_slow(struct aml_arena_tlsf *tlsf, size_t size,
                                                  size_t alignment, unsigned flags) {
  bool is_new = false;
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return refuse(-AML_EINVAL, "aml_arena_alloc", "flags", "has an unknown bit");
  if (size >= tlsf->heap.most)
    return refuse(-AML_ENOMEM, "aml_arena_alloc", "size", "is larger than the arena can be");
  block *const it = find_or_grow(tlsf, block_size(size), alignment, &is_new);
  if (it == NULL)
    return NULL;
  void *const payload = use_aligned(&tlsf->heap, it, block_size(size), alignment);
  if (flags == 0)
    return payload;
  const size_t usable = size_of(block_of(payload)) - WORD;
  aml_internal_poison_none(payload, usable);
  if (is_new && tlsf->source.is_zeroed)
    zero_new(payload);
  else
    memset(payload, 0, usable);
  return payload;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  struct aml_arena_tlsf *const tlsf = tlsf_of(arena);
  if (flags == 0 && alignment <= GRAIN && size < tlsf->heap.most) {
    block *const it = find(&tlsf->heap, block_size(size));
    if (it != NULL)
      return use(&tlsf->heap, it, block_size(size));
  }
  return alloc_slow(tlsf, size, alignment, flags);
}

/** Gives bytes back that are a block, and in no list; what lies before them is live. */
static void release(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  block *const next = block_at(it, size);
  if (is_free(next)) {
    take(heap, next);
    size += size_of(next);
  } else {
    set_previous_free(next, true);
  }
  make_free(heap, it, size);
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_internal_tlsf_heap *const heap = &tlsf_of(arena)->heap;
  block *it = block_of(pointer);
  const size_t head = get(&it->head);
  size_t size = head & ~(size_t)FLAGS;
  --heap->live_count;
  heap->live_size -= size - WORD;
  aml_internal_poison(pointer, size - WORD);
  if ((head & IS_PREVIOUS_FREE) != 0) {
    it = previous_free(it);
    take(heap, it);
    size += size_of(it);
  }
  release(heap, it, size);
}

/** Makes a block smaller, if what is cut off can be a block or be part of the next one. */
static void shrink(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  const size_t head = get(&it->head);
  const size_t whole = head & ~(size_t)FLAGS;
  if (whole - size < LEAST && (whole == size || !is_free(block_at(it, whole))))
    return;
  put(&it->head, size | (head & FLAGS));
  aml_internal_poison(block_at(it, size), whole - size);
  release(heap, block_at(it, size), whole - size);
}

/** Makes a block larger by the free one behind it. Returns: false, if that is not enough. */
static bool extend(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  const size_t head = get(&it->head);
  const size_t whole = head & ~(size_t)FLAGS;
  block *const next = block_at(it, whole);
  if (!is_free(next) || size_of(next) < size - whole)
    return false;
  const size_t both = whole + size_of(next);
  take(heap, next);
  cut(heap, it, both, size, head & IS_PREVIOUS_FREE);
  aml_internal_poison_contents(block_at(it, whole), size_of(it) - whole);
  return true;
}

/** Resizes a block where it lies. Returns: false, and nothing was changed, if it must move. */
static bool resize(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  const size_t before = size_of(it);
  if (size <= before)
    shrink(heap, it, size);
  else if (!extend(heap, it, size))
    return false;
  heap->live_size -= before;
  count_live(heap, size_of(it));
  return true;
}

static void *move(struct aml_arena *arena, void *pointer, size_t size, size_t alignment) {
  void *const moved = alloc(arena, size, alignment, 0);
  if (moved == NULL)
    return NULL;
  const size_t old = size_of(block_of(pointer)) - WORD;
  memcpy(moved, pointer, old < size ? old : size);
  free_block(arena, pointer);
  return moved;
}

static void *resize_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                          unsigned flags) {
  struct aml_internal_tlsf_heap *const heap = &tlsf_of(arena)->heap;
  const size_t old = size_of(block_of(pointer)) - WORD;
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return refuse(-AML_EINVAL, "aml_arena_realloc", "flags", "has an unknown bit");
  if (size >= heap->most)
    return refuse(-AML_ENOMEM, "aml_arena_realloc", "size", "is larger than the arena can be");
  if (((uintptr_t)pointer & (alignment - 1)) != 0 ||
      !resize(heap, block_of(pointer), block_size(size)))
    pointer = move(arena, pointer, size, alignment);
  if (pointer == NULL || flags == 0)
    return pointer;
  // Also what is left over of a block that has shrunk, so that it is zero if it grows again.
  const size_t kept = old < size ? old : size;
  const size_t usable = size_of(block_of(pointer)) - WORD;
  aml_internal_poison_none((char *)pointer + kept, usable - kept);
  memset((char *)pointer + kept, 0, usable - kept);
  return pointer;
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  (void)arena;
  return size_of(block_of(pointer)) - WORD;
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  const struct aml_internal_tlsf_chunk *chunk = const_tlsf_of(arena)->heap.chunks;
  while (chunk != NULL && (uintptr_t)pointer - (uintptr_t)chunk->base >= chunk->size)
    chunk = chunk->next;
  return chunk != NULL;
}

/** Empties all lists. */
static void forget_blocks(struct aml_internal_tlsf_heap *heap) {
  for (; heap->rows != 0; heap->rows &= heap->rows - 1) {
    const size_t row = (size_t)__builtin_ctzll(heap->rows);
    for (; heap->columns[row] != 0; heap->columns[row] &= heap->columns[row] - 1)
      heap->heads[(row << COLUMN_BITS) + (size_t)__builtin_ctzll(heap->columns[row])] = NULL;
  }
}

static void reset(struct aml_arena *arena) {
  struct aml_internal_tlsf_heap *const heap = &tlsf_of(arena)->heap;
  forget_blocks(heap);
  for (const struct aml_internal_tlsf_chunk *chunk = heap->chunks; chunk != NULL;
       chunk = chunk->next)
    make_chunk_free(heap, chunk);
  heap->live_count = 0;
  heap->live_size = 0;
}

/** Whether a chunk has no live block. */
static bool is_empty(const struct aml_internal_tlsf_chunk *chunk) {
  return is_free(first_block(chunk)) && size_of(first_block(chunk)) == room_of(chunk);
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  struct aml_arena_tlsf *const tlsf = tlsf_of(arena);
  size_t kept = 0;
  size_t gone = 0;
  int err = 0;
  struct aml_internal_tlsf_chunk **link = &tlsf->heap.chunks;
  while (!tlsf->source.is_region && *link != NULL && !err) {
    const struct aml_internal_tlsf_chunk chunk = **link;
    block *const first = first_block(*link);
    if (!is_empty(*link) || chunk.size <= keep - kept) {
      kept += is_empty(*link) ? chunk.size : 0;
      link = &(*link)->next;
      continue;
    }
    take(&tlsf->heap, first);
    err = aml_internal_source_unmap(&tlsf->source, chunk.base, chunk.size);
    if (err) {
      insert(&tlsf->heap, first, size_of(first));
    } else {
      *link = chunk.next;
      gone += chunk.size;
    }
  }
  *released = gone;
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  (void)arena;
  return AML_ARENA_IN_BAND | AML_ARENA_CAN_FREE | AML_ARENA_CAN_REALLOC | AML_ARENA_KNOWS_SIZE |
         AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM | AML_ARENA_HOST_MEMORY;
}

/** Bytes of the table of classes. */
static size_t table_size(size_t row_count) {
  return (row_count + 1) * sizeof(uint64_t) +
         row_count * AML_INTERNAL_TLSF_COLUMNS * sizeof(block *);
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_tlsf *const tlsf = const_tlsf_of(arena);
  uint64_t metadata = sizeof *tlsf + table_size(tlsf->heap.row_count);
  for (const struct aml_internal_tlsf_chunk *chunk = tlsf->heap.chunks; chunk != NULL;
       chunk = chunk->next)
    metadata += CHUNK_OVERHEAD;
  *result = (struct aml_arena_stats){
      .live_count = tlsf->heap.live_count,
      .live_size = tlsf->heap.live_size,
      .peak_size = tlsf->heap.peak_size,
      .reserved_size = tlsf->source.reserved_size,
      .metadata_size = metadata + tlsf->heap.live_count * WORD,
      .limit = tlsf->source.limit == SIZE_MAX ? AML_UNKNOWN : tlsf->source.limit,
  };
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_tlsf *const tlsf = const_tlsf_of(arena);
  const char *const defect = aml_internal_tlsf_find_defect(&tlsf->heap, tlsf->source.reserved_size);
  return defect == NULL ? 0 : aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", defect);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_tlsf *const tlsf = tlsf_of(arena);
  while (tlsf->heap.chunks != NULL) {
    const struct aml_internal_tlsf_chunk chunk = *tlsf->heap.chunks;
    tlsf->heap.chunks = chunk.next;
    // A chunk that the area refuses to take back is the area's from here on.
    aml_internal_poison_none(chunk.base, chunk.size);
    if (!tlsf->source.is_region)
      (void)aml_internal_source_unmap(&tlsf->source, chunk.base, chunk.size);
  }
  free(tlsf->heap.columns);
  *tlsf = (struct aml_arena_tlsf){.arena = {.ops = &aml_arena_tlsf_ops}};
}

const struct aml_arena_ops aml_arena_tlsf_ops = {
    .name = "tlsf",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = resize_block,
    .usable_size = usable_size,
    .owns = owns,
    .reset = reset,
    .trim = trim,
};

/** Makes the table of classes, for blocks of up to `most` bytes. */
static int make_table(struct aml_internal_tlsf_heap *heap, size_t most) {
  heap->most = most < MOST_MEMORY ? most : MOST_MEMORY;
  heap->row_count = (class_from(block_size(heap->most)) >> COLUMN_BITS) + 1;
  heap->columns = calloc(1, table_size(heap->row_count));
  if (heap->columns == NULL)
    return aml_error_set(-AML_ENOMEM, "aml_arena_tlsf_init", NULL,
                         "no memory for the table of size classes");
  heap->heads = (block **)(heap->columns + heap->row_count + 1);
  return 0;
}

/** Checks what the source does not: that the host can work in the memory, and that it is enough. */
static int check(const struct aml_arena_tlsf *made, const struct aml_arena_tlsf_options *options) {
  static const char call[] = "aml_arena_tlsf_init";
  if (!made->source.is_readable || !made->source.is_writable)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "has memory that the host cannot read and write");
  if (options->region != NULL && options->region_size < LEAST_REGION)
    return aml_error_set_value(-AML_EINVAL, call, "region_size", options->region_size,
                               "is less than 128");
  return 0;
}

int aml_arena_tlsf_init(struct aml_arena *arena, struct aml_area *area,
                        const struct aml_arena_tlsf_options *options) {
  static const char call[] = "aml_arena_tlsf_init";
  static const struct aml_arena_tlsf_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (arena == NULL || arena->ops != &aml_arena_tlsf_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_TLSF_DECL");
  struct aml_arena_tlsf made = {.arena = {.ops = &aml_arena_tlsf_ops}};
  const struct aml_internal_source_options source = {options->chunk_size, options->limit,
                                                     options->region, options->region_size};
  int err = aml_internal_source_init(&made.source, call, area, &source, DEFAULT_CHUNK_SIZE);
  if (!err)
    err = check(&made, options);
  if (!err)
    err =
        make_table(&made.heap, options->region != NULL ? options->region_size : made.source.limit);
  if (err)
    return err;
  if (options->region != NULL)
    (void)add_chunk(&made.heap, options->region, options->region_size);
  *tlsf_of(arena) = made;
  return 0;
}

int aml_arena_tlsf_create(struct aml_arena **arena, struct aml_area *area,
                          const struct aml_arena_tlsf_options *options) {
  struct aml_arena *const made = aml_block_create(
      "aml_arena_tlsf_create", "arena", arena, sizeof(struct aml_arena_tlsf), &aml_arena_tlsf_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_tlsf_init(made, area, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
