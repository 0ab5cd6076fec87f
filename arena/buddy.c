// SPDX-License-Identifier: BSD-3-Clause
//
// A free block of the least order that will do is cut in halves until one has the order that is
// asked for; a block that is freed merges with its buddy as long as that is free (D. E. Knuth, The
// Art of Computer Programming, volume 1, section 2.5, algorithms R and S; K. C. Knowlton, "A Fast
// Storage Allocator", CACM 8(10), 1965). The algorithms there keep a list for each order, in the
// blocks; here free blocks are bits (internal/buddy_tree.h), so that six levels are cut or merged
// in registers, and nothing is written into the memory.
//
// Chunks are kept in an array by address. Blocks are aligned by their addresses, so a chunk that is
// not aligned to its size, or has no power of two, holds the largest blocks that it can.

#include "aml/arena/buddy.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/buddy_chunks.h"
#include "aml/arena/internal/buddy_tree.h"
#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/source.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

typedef struct aml_internal_buddy_chunk chunk;

enum { DEFAULT_CHUNK_SIZE = 1 << 20, DEFAULT_GRAIN = 64, LEAST_GRAIN = 16, MOST_GRAIN = 1 << 30 };

/** No block is larger; no address space has as much. */
#define MOST_SIZE ((size_t)1 << (sizeof(size_t) == 8 ? 46 : 30))

static struct aml_arena_buddy *buddy_of(struct aml_arena *arena) {
  return (struct aml_arena_buddy *)arena;
}

static const struct aml_arena_buddy *const_buddy_of(const struct aml_arena *arena) {
  return (const struct aml_arena_buddy *)arena;
}

static void *refuse(int err, const char *call, const char *argument, const char *reason) {
  (void)aml_error_set(err, call, argument, reason);
  return NULL;
}

/** The least order whose blocks have `size`, at most MOST_SIZE. */
static unsigned order_of(const struct aml_arena_buddy *buddy, size_t size) {
  const uint64_t grains = size == 0 ? 0 : (uint64_t)(size - 1) >> buddy->grain_bits;
  return grains == 0 ? 0 : 64 - (unsigned)__builtin_clzll(grains);
}

static size_t size_of(const struct aml_arena_buddy *buddy, unsigned order) {
  return (size_t)1 << (order + buddy->grain_bits);
}

/** A live block. */
struct found {
  chunk *chunk; // null: the pointer is none
  size_t grain; // from the chunk's first one on
  unsigned order;
};

static inline struct found find_block(const struct aml_arena_buddy *buddy, const void *pointer) {
  struct found found = {aml_internal_buddy_chunks_find(&buddy->chunks, pointer), 0, 0};
  if (found.chunk == NULL)
    return found;
  found.grain = ((uintptr_t)pointer >> buddy->grain_bits) - found.chunk->first;
  if (((uintptr_t)pointer & (size_of(buddy, 0) - 1)) != 0 || found.grain >= found.chunk->count ||
      found.chunk->orders[found.grain] == 0)
    found.chunk = NULL;
  else
    found.order = found.chunk->orders[found.grain] - 1u;
  return found;
}

static void *address_of(const struct aml_arena_buddy *buddy, const chunk *it, uintptr_t grain) {
  return it->base + ((grain << buddy->grain_bits) - (uintptr_t)it->base);
}

/** Adds memory, all of it free. Returns: false if there is no memory for its description. */
static bool add_chunk(struct aml_arena_buddy *buddy, void *base, size_t size) {
  chunk *const it = aml_internal_buddy_make(base, size, buddy->grain_bits);
  if (it == NULL)
    return false;
  if (!aml_internal_buddy_chunks_add(&buddy->chunks, it)) {
    free(it);
    return false;
  }
  it->touched = buddy->source.is_zeroed ? 0 : it->count;
  aml_internal_poison(base, size);
  aml_internal_buddy_put_all(&buddy->tree, it);
  return true;
}

/** Maps a chunk that has a block of an order. Returns: false, with the reason recorded. */
static bool grow(struct aml_arena_buddy *buddy, unsigned order) {
  const size_t block = size_of(buddy, order);
  // Aligned as a whole, if that costs nothing, a chunk holds blocks of its size.
  size_t alignment = (size_t)1 << (sizeof(size_t) * 8 - 1);
  while (alignment > block &&
         (alignment > buddy->source.chunk_size || alignment > buddy->source.max_alignment))
    alignment /= 2;
  size_t size = 0;
  void *const base =
      aml_internal_source_map(&buddy->source, "arena:buddy", block, alignment, &size);
  if (base == NULL)
    return false;
  if (add_chunk(buddy, base, size))
    return true;
  // What the area refuses to take back is the area's from here on.
  if (aml_internal_source_unmap(&buddy->source, base, size) != 0)
    buddy->source.reserved_size -= size;
  return refuse(-AML_ENOMEM, "aml_arena_alloc", NULL, "no memory for the description of a chunk") !=
         NULL;
}

/** Takes account of live blocks that have become more or larger. */
static inline void count_live(struct aml_arena_buddy *buddy, size_t size) {
  buddy->live_size += size;
  if (buddy->live_size > buddy->peak_size)
    buddy->peak_size = buddy->live_size;
}

/** Makes a block live that was taken from the tree. */
static inline void *use(struct aml_arena_buddy *buddy, struct aml_internal_buddy_place place,
                        unsigned order) {
  chunk *const it = place.chunk;
  const size_t grain = place.grain - it->first;
  const size_t end = grain + ((size_t)1 << order);
  it->orders[grain] = (uint8_t)(order + 1);
  ++it->live_count;
  if (end > it->touched)
    it->touched = end;
  buddy->chunks.last = it;
  ++buddy->live_count;
  count_live(buddy, size_of(buddy, order));
  void *const block = address_of(buddy, it, place.grain);
  aml_internal_poison_contents(block, size_of(buddy, order));
  return block;
}

/** Zeroes bytes of a chunk, of which as many as `touched` grains may be other than zero. */
static void zero(const struct aml_arena_buddy *buddy, const chunk *it, char *from, size_t size,
                 size_t touched) {
  const char *const end = address_of(buddy, it, it->first + touched);
  aml_internal_poison_none(from, size);
  if (from < end)
    memset(from, 0, size < (size_t)(end - from) ? size : (size_t)(end - from));
}

/** alloc, where there is more to it than to take a block. */
__attribute__((noinline)) static void *alloc_slow(struct aml_arena_buddy *buddy, size_t size,
                                                  size_t alignment, unsigned flags) {
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return refuse(-AML_EINVAL, "aml_arena_alloc", "flags", "has an unknown bit");
  if (flags != 0 && !buddy->source.is_writable)
    return refuse(-AML_ENOTSUP, "aml_arena_alloc", "flags",
                  "asks for zeros where the host cannot write");
  if (size > MOST_SIZE || alignment > MOST_SIZE)
    return refuse(-AML_ENOMEM, "aml_arena_alloc", size > MOST_SIZE ? "size" : "alignment",
                  "is larger than memory");
  const unsigned order = order_of(buddy, size);
  const unsigned aligned = order_of(buddy, alignment);
  const unsigned from = order < aligned ? aligned : order;
  struct aml_internal_buddy_place place = aml_internal_buddy_take(&buddy->tree, from, order);
  if (place.chunk == NULL) {
    if (!grow(buddy, from))
      return NULL;
    place = aml_internal_buddy_take(&buddy->tree, from, order);
  }
  const size_t touched = place.chunk->touched;
  char *const block = use(buddy, place, order);
  if (flags != 0)
    zero(buddy, place.chunk, block, size_of(buddy, order), touched);
  return block;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  if (flags == 0 && alignment <= size_of(buddy, 0) && size <= MOST_SIZE) {
    const unsigned order = order_of(buddy, size);
    const struct aml_internal_buddy_place place =
        aml_internal_buddy_take(&buddy->tree, order, order);
    if (place.chunk != NULL)
      return use(buddy, place, order);
  }
  return alloc_slow(buddy, size, alignment, flags);
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  const struct found found = find_block(buddy, pointer);
  if (found.chunk == NULL)
    return;
  buddy->chunks.last = found.chunk;
  found.chunk->orders[found.grain] = 0;
  --found.chunk->live_count;
  --buddy->live_count;
  buddy->live_size -= size_of(buddy, found.order);
  aml_internal_poison(pointer, size_of(buddy, found.order));
  aml_internal_buddy_put(&buddy->tree, found.chunk, found.chunk->first + found.grain, found.order);
}

/** Gives the second halves of a block back, down to an order. */
static void shrink(struct aml_arena_buddy *buddy, const struct found *found, unsigned order) {
  const uintptr_t grain = found->chunk->first + found->grain;
  for (unsigned half = found->order; half-- > order;)
    aml_internal_buddy_put(&buddy->tree, found->chunk, grain + ((uintptr_t)1 << half), half);
  char *const end = (char *)address_of(buddy, found->chunk, grain) + size_of(buddy, order);
  aml_internal_poison(end, size_of(buddy, found->order) - size_of(buddy, order));
}

/** Takes the second halves that make a block one of a larger order. Returns: false if it cannot. */
static bool extend(struct aml_arena_buddy *buddy, const struct found *found, unsigned order) {
  chunk *const it = found->chunk;
  const uintptr_t grain = it->first + found->grain;
  const size_t count = (size_t)1 << order;
  if ((grain & (count - 1)) != 0 || count > it->count - found->grain)
    return false;
  for (unsigned half = found->order; half < order; ++half)
    if (!aml_internal_buddy_is_free(it, grain + ((uintptr_t)1 << half), half))
      return false;
  for (unsigned half = found->order; half < order; ++half)
    aml_internal_buddy_take_at(&buddy->tree, it, grain + ((uintptr_t)1 << half), half);
  const size_t before = size_of(buddy, found->order);
  aml_internal_poison_contents((char *)address_of(buddy, it, grain) + before,
                               size_of(buddy, order) - before);
  return true;
}

/** Resizes a block where it lies. Returns: false, and nothing was changed, if it must move. */
static bool resize(struct aml_arena_buddy *buddy, const struct found *found, unsigned order) {
  if (order > found->order && !extend(buddy, found, order))
    return false;
  if (order < found->order)
    shrink(buddy, found, order);
  const size_t end = found->grain + ((size_t)1 << order);
  found->chunk->orders[found->grain] = (uint8_t)(order + 1);
  if (end > found->chunk->touched)
    found->chunk->touched = end;
  buddy->live_size -= size_of(buddy, found->order);
  count_live(buddy, size_of(buddy, order));
  return true;
}

/** Checks what realloc is asked for. Returns: 0, or a code, with the reason recorded. */
static int check_realloc(const struct aml_arena_buddy *buddy, const struct found *found,
                         size_t size, size_t alignment, unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  if (!buddy->source.is_writable || !buddy->source.is_readable)
    return aml_error_set(-AML_ENOTSUP, call, "arena",
                         "has memory that the host cannot read and write");
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  if (found->chunk == NULL)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is no block of the arena");
  if (size > MOST_SIZE || alignment > MOST_SIZE)
    return aml_error_set(-AML_ENOMEM, call, size > MOST_SIZE ? "size" : "alignment",
                         "is larger than memory");
  return 0;
}

static void *resize_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                          unsigned flags) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  const struct found found = find_block(buddy, pointer);
  if (check_realloc(buddy, &found, size, alignment, flags))
    return NULL;
  const size_t old = size_of(buddy, found.order);
  char *moved = pointer;
  if (((uintptr_t)pointer & (alignment - 1)) != 0 ||
      !resize(buddy, &found, order_of(buddy, size))) {
    moved = alloc(arena, size, alignment, 0);
    if (moved == NULL)
      return NULL;
    memcpy(moved, pointer, old < size ? old : size);
    free_block(arena, pointer);
  }
  // Also what is left over of a block that has shrunk, so that it is zero if it grows again.
  const size_t kept = old < size ? old : size;
  const size_t usable = size_of(buddy, order_of(buddy, size));
  if (flags != 0) {
    aml_internal_poison_none(moved + kept, usable - kept);
    memset(moved + kept, 0, usable - kept);
  }
  return moved;
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  const struct found found = find_block(const_buddy_of(arena), pointer);
  return found.chunk == NULL ? 0 : size_of(const_buddy_of(arena), found.order);
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  return aml_internal_buddy_chunks_find(&const_buddy_of(arena)->chunks, pointer) != NULL;
}

/** Makes all of a chunk one free piece of memory again. */
static void empty_chunk(struct aml_arena_buddy *buddy, chunk *it) {
  aml_internal_buddy_take_all(&buddy->tree, it);
  it->live_count = 0;
  aml_internal_poison(it->base, it->size);
  aml_internal_buddy_put_all(&buddy->tree, it);
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  for (size_t i = 0; i < buddy->chunks.count; ++i)
    empty_chunk(buddy, buddy->chunks.entries[i].chunk);
  buddy->live_count = 0;
  buddy->live_size = 0;
}

/** Unmaps a chunk without blocks; it stays as it was if the area refuses it. */
static int release(struct aml_arena_buddy *buddy, chunk *it) {
  const int err = aml_internal_source_unmap(&buddy->source, it->base, it->size);
  if (err)
    return err;
  aml_internal_buddy_take_all(&buddy->tree, it);
  if (buddy->chunks.last == it)
    buddy->chunks.last = NULL;
  free(it);
  return 0;
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  size_t kept = 0;
  size_t left = 0;
  size_t gone = 0;
  int err = 0;
  for (size_t i = 0; i < buddy->chunks.count; ++i) {
    const struct aml_internal_buddy_entry entry = buddy->chunks.entries[i];
    chunk *const it = entry.chunk;
    const size_t size = it->size;
    if (!err && !buddy->source.is_region && it->live_count == 0 && size > keep - kept) {
      err = release(buddy, it);
      if (!err) {
        gone += size;
        continue;
      }
    }
    kept += !err && it->live_count == 0 ? size : 0;
    buddy->chunks.entries[left++] = entry;
  }
  buddy->chunks.count = left;
  *released = gone;
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_buddy *const buddy = const_buddy_of(arena);
  const unsigned all = AML_ARENA_CAN_FREE | AML_ARENA_KNOWS_SIZE | AML_ARENA_KNOWS_OWN |
                       AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
  return buddy->source.is_readable && buddy->source.is_writable
             ? all | AML_ARENA_CAN_REALLOC | AML_ARENA_HOST_MEMORY
             : all;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_buddy *const buddy = const_buddy_of(arena);
  uint64_t metadata =
      sizeof *buddy + buddy->chunks.capacity * sizeof(struct aml_internal_buddy_entry);
  for (size_t i = 0; i < buddy->chunks.count; ++i)
    metadata += buddy->chunks.entries[i].chunk->metadata_size;
  *result = (struct aml_arena_stats){
      .live_count = buddy->live_count,
      .live_size = buddy->live_size,
      .peak_size = buddy->peak_size,
      .reserved_size = buddy->source.reserved_size,
      .metadata_size = metadata,
      .limit = buddy->source.limit == SIZE_MAX ? AML_UNKNOWN : buddy->source.limit,
  };
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_buddy *const buddy = const_buddy_of(arena);
  struct aml_internal_buddy_sums sums;
  const char *defect = aml_internal_buddy_check(&buddy->chunks, &buddy->tree, &sums);
  if (defect == NULL && (sums.live_count != buddy->live_count ||
                         sums.live_grains << buddy->grain_bits != buddy->live_size ||
                         buddy->peak_size < buddy->live_size))
    defect = "has other live blocks than it counts";
  if (defect == NULL && sums.reserved_size != buddy->source.reserved_size)
    defect = "holds other chunks than it counts";
  return defect == NULL ? 0 : aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", defect);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_buddy *const buddy = buddy_of(arena);
  for (size_t i = 0; i < buddy->chunks.count; ++i) {
    chunk *const it = buddy->chunks.entries[i].chunk;
    // A chunk that the area refuses to take back is the area's from here on.
    aml_internal_poison_none(it->base, it->size);
    if (!buddy->source.is_region)
      (void)aml_internal_source_unmap(&buddy->source, it->base, it->size);
    free(it);
  }
  free(buddy->chunks.entries);
  *buddy = (struct aml_arena_buddy){.arena = {.ops = &aml_arena_buddy_ops}};
}

const struct aml_arena_ops aml_arena_buddy_ops = {
    .name = "buddy",
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

/** Makes the region the one chunk that there is; on failure the arena is as declared. */
static int adopt_region(struct aml_arena_buddy *buddy,
                        const struct aml_arena_buddy_options *options) {
  static const char call[] = "aml_arena_buddy_init";
  const size_t grain = size_of(buddy, 0);
  const size_t lost = (size_t)(0 - (uintptr_t)options->region) & (grain - 1);
  int err = 0;
  if (options->region_size < lost || options->region_size - lost < grain) {
    err = aml_error_set_value(-AML_EINVAL, call, "region_size", options->region_size,
                              "has no room for one aligned block");
  } else if (!add_chunk(buddy, options->region, options->region_size)) {
    err = aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the description of the region");
  }
  if (err)
    fini(&buddy->arena);
  return err;
}

int aml_arena_buddy_init(struct aml_arena *arena, struct aml_area *area,
                         const struct aml_arena_buddy_options *options) {
  static const char call[] = "aml_arena_buddy_init";
  static const struct aml_arena_buddy_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  const size_t grain = options->min_block == 0 ? (size_t)DEFAULT_GRAIN : options->min_block;
  if (arena == NULL || arena->ops != &aml_arena_buddy_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_BUDDY_DECL");
  if (!aml_is_power_of_two(grain) || grain < LEAST_GRAIN || grain > MOST_GRAIN)
    return aml_error_set_value(-AML_EINVAL, call, "min_block", grain,
                               "is not a power of two from 16 to 1 GiB");
  struct aml_arena_buddy made = {.arena = {.ops = &aml_arena_buddy_ops}};
  made.grain_bits = (unsigned)__builtin_ctzll(grain);
  const struct aml_internal_source_options source = {options->chunk_size, options->limit,
                                                     options->region, options->region_size};
  const int err = aml_internal_source_init(&made.source, call, area, &source, DEFAULT_CHUNK_SIZE);
  if (err)
    return err;
  // In its place, since nodes point into the tree.
  *buddy_of(arena) = made;
  return options->region == NULL ? 0 : adopt_region(buddy_of(arena), options);
}

int aml_arena_buddy_create(struct aml_arena **arena, struct aml_area *area,
                           const struct aml_arena_buddy_options *options) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_buddy_create", "arena", arena, sizeof(struct aml_arena_buddy),
                       &aml_arena_buddy_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_buddy_init(made, area, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
