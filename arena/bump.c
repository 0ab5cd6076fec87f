// SPDX-License-Identifier: BSD-3-Clause
//
// Chunks that hold blocks are a stack, linked by `below`: the current one on top. Reset and rewind
// move chunks from that stack to the list of spares; growing takes the first spare that is large
// enough, and maps a new chunk where there is none. Descriptors of chunks are on the C heap, so
// that nothing is written into the memory itself.
//
// The technique is as old as the obstack of GNU libc, whose growing "chunks" and freeing "back to
// an object" these are (The GNU C Library Reference Manual, "Obstacks").

#include "aml/arena/bump.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/source.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

struct aml_arena_bump_chunk {
  struct aml_arena_bump_chunk *below;
  char *base;
  size_t size;
  size_t used;    // bytes below the first free one when the chunk ceased to be current
  size_t touched; // bytes from base that may have been written to
};

enum { DEFAULT_CHUNK_SIZE = 1 << 20 };

static struct aml_arena_bump *bump_of(struct aml_arena *arena) {
  return (struct aml_arena_bump *)arena;
}

static const struct aml_arena_bump *const_bump_of(const struct aml_arena *arena) {
  return (const struct aml_arena_bump *)arena;
}

static void *refuse_alloc(int err, const char *argument, const char *reason) {
  (void)aml_error_set(err, "aml_arena_alloc", argument, reason);
  return NULL;
}

/** Bytes used in the current chunk. */
static size_t current_used(const struct aml_arena_bump *bump) {
  return bump->current == NULL ? 0 : (size_t)(bump->next - bump->current->base);
}

static size_t live_size(const struct aml_arena_bump *bump) {
  return bump->full_size + current_used(bump);
}

/** Takes note of what next says before next is set back. */
static void note_use(struct aml_arena_bump *bump) {
  const size_t live = live_size(bump);
  if (live > bump->peak_size)
    bump->peak_size = live;
  if (bump->current != NULL && current_used(bump) > bump->current->touched)
    bump->current->touched = current_used(bump);
}

static void hide_end(struct aml_arena_bump *bump) {
  if (AML_INTERNAL_POISONS)
    bump->end = bump->next;
}

/** Makes a chunk the top of the stack; `used` bytes of it hold blocks. */
static void enter(struct aml_arena_bump *bump, struct aml_arena_bump_chunk *chunk, size_t used) {
  bump->current = chunk;
  bump->next = chunk == NULL ? NULL : chunk->base + used;
  bump->end = chunk == NULL ? NULL : chunk->base + chunk->size;
  if (chunk != NULL)
    aml_internal_poison(bump->next, chunk->size - used);
  hide_end(bump);
}

static bool fits(const struct aml_arena_bump_chunk *chunk, size_t size, size_t alignment) {
  const size_t padding = (size_t)(0 - (uintptr_t)chunk->base) & (alignment - 1);
  return padding <= chunk->size && size <= chunk->size - padding;
}

/** Takes the first spare chunk that has room for a block, or returns null. */
static struct aml_arena_bump_chunk *take_spare(struct aml_arena_bump *bump, size_t size,
                                               size_t alignment) {
  for (struct aml_arena_bump_chunk **link = &bump->spare; *link != NULL; link = &(*link)->below) {
    struct aml_arena_bump_chunk *const chunk = *link;
    if (!fits(chunk, size, alignment))
      continue;
    *link = chunk->below;
    return chunk;
  }
  return NULL;
}

/** Maps a chunk with room for a block; null, with the reason recorded, if there is none. */
static struct aml_arena_bump_chunk *map_chunk(struct aml_arena_bump *bump, size_t size,
                                              size_t alignment) {
  struct aml_arena_bump_chunk *const chunk = calloc(1, sizeof *chunk);
  if (chunk == NULL)
    return refuse_alloc(-AML_ENOMEM, NULL, "no memory for the description of a chunk");
  chunk->base = aml_internal_source_map(&bump->source, "arena:bump", size, alignment, &chunk->size);
  if (chunk->base == NULL) {
    free(chunk);
    return NULL;
  }
  chunk->touched = bump->source.is_zeroed ? 0 : chunk->size;
  ++bump->chunk_count;
  return chunk;
}

/** Puts a chunk with room for a block on top. Returns: false, with the reason recorded. */
static bool grow(struct aml_arena_bump *bump, size_t size, size_t alignment) {
  struct aml_arena_bump_chunk *chunk = take_spare(bump, size, alignment);
  if (chunk == NULL)
    chunk = map_chunk(bump, size, alignment);
  if (chunk == NULL)
    return false;
  note_use(bump);
  if (bump->current != NULL) {
    bump->current->used = current_used(bump);
    bump->full_size += bump->current->used;
  }
  chunk->below = bump->current;
  enter(bump, chunk, 0);
  return true;
}

void *aml_arena_bump_grow(struct aml_arena *arena, size_t size, size_t alignment) {
  struct aml_arena_bump *const bump = bump_of(arena);
  // The end may have been hidden; see the head of the struct.
  if (bump->current != NULL)
    bump->end = bump->current->base + bump->current->size;
  const size_t room = (size_t)(bump->end - bump->next);
  const size_t padding = (size_t)(0 - (uintptr_t)bump->next) & (alignment - 1);
  char *block = NULL;
  if ((padding <= room && size <= room - padding) || grow(bump, size, alignment)) {
    block = bump->next + ((size_t)(0 - (uintptr_t)bump->next) & (alignment - 1));
    bump->next = block + size;
    aml_internal_poison_contents(block, size);
  }
  hide_end(bump);
  return block;
}

/** Zeroes a new block, as far as it is not fresh. */
static void *zero(const struct aml_arena_bump *bump, char *block, size_t size) {
  const size_t offset = (size_t)(block - bump->current->base);
  const size_t touched = bump->current->touched;
  aml_internal_poison_none(block, size);
  if (offset >= touched)
    return block;
  memset(block, 0, size < touched - offset ? size : touched - offset);
  return block;
}

/** Allocates with flags; apart from alloc, which without them needs no stack frame. */
__attribute__((noinline)) static void *alloc_flagged(struct aml_arena *arena, size_t size,
                                                     size_t alignment, unsigned flags) {
  struct aml_arena_bump *const bump = bump_of(arena);
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return refuse_alloc(-AML_EINVAL, "flags", "has an unknown bit");
  if (!bump->source.is_writable)
    return refuse_alloc(-AML_ENOTSUP, "flags", "asks for zeros where the host cannot write");
  char *const block = aml_arena_bump_alloc(arena, size, alignment);
  return block == NULL ? NULL : zero(bump, block, size == 0 ? 1 : size);
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  if (flags != 0)
    return alloc_flagged(arena, size, alignment, flags);
  return aml_arena_bump_alloc(arena, size, alignment);
}

static void free_nothing(struct aml_arena *arena, void *pointer) {
  (void)arena;
  (void)pointer;
}

/** Moves chunks from the top of the stack to the spares, down to `bottom`, which stays. */
static void pop_down_to(struct aml_arena_bump *bump, const struct aml_arena_bump_chunk *bottom) {
  struct aml_arena_bump_chunk *chunk = bump->current;
  while (chunk != bottom) {
    struct aml_arena_bump_chunk *const below = chunk->below;
    aml_internal_poison(chunk->base, chunk->size);
    chunk->below = bump->spare;
    bump->spare = chunk;
    chunk = below;
    if (chunk != NULL)
      bump->full_size -= chunk->used;
  }
  bump->current = chunk;
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_bump *const bump = bump_of(arena);
  note_use(bump);
  // The bottom chunk stays current, so that a loop of reset and few allocs never leaves the
  // inline path.
  struct aml_arena_bump_chunk *bottom = bump->current;
  while (bottom != NULL && bottom->below != NULL)
    bottom = bottom->below;
  pop_down_to(bump, bottom);
  enter(bump, bottom, 0);
}

/** Whether a mark was taken at a place that still holds blocks, or is where the next one goes. */
static bool is_reachable(const struct aml_arena_bump *bump, struct aml_arena_bump_mark mark) {
  size_t used = current_used(bump);
  for (const struct aml_arena_bump_chunk *chunk = bump->current; chunk != NULL;
       chunk = chunk->below) {
    if (chunk == mark.chunk)
      return mark.next >= chunk->base && mark.next <= chunk->base + used;
    used = chunk->below == NULL ? 0 : chunk->below->used;
  }
  return mark.chunk == NULL && mark.next == NULL;
}

int aml_arena_bump_rewind(struct aml_arena *arena, struct aml_arena_bump_mark mark) {
  static const char call[] = "aml_arena_bump_rewind";
  if (arena == NULL || arena->ops != &aml_arena_bump_ops)
    return aml_error_set(-AML_EINVAL, call, "arena", "is null or no bump arena");
  struct aml_arena_bump *const bump = bump_of(arena);
  if (!is_reachable(bump, mark))
    return aml_error_set(-AML_EINVAL, call, "mark", "is of another arena, or has ended");
  if (mark.chunk == NULL) {
    reset(arena);
    return 0;
  }
  note_use(bump);
  pop_down_to(bump, mark.chunk);
  enter(bump, bump->current, (size_t)(mark.next - mark.chunk->base));
  return 0;
}

/** Unmaps one chunk and forgets it; on failure it stays as it was. */
static int release(struct aml_arena_bump *bump, struct aml_arena_bump_chunk *chunk) {
  const int err = aml_internal_source_unmap(&bump->source, chunk->base, chunk->size);
  if (err)
    return err;
  --bump->chunk_count;
  free(chunk);
  return 0;
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  struct aml_arena_bump *const bump = bump_of(arena);
  size_t kept = 0;
  size_t gone = 0;
  int err = 0;
  if (!bump->source.is_region && live_size(bump) == 0 && bump->current != NULL) {
    // Without blocks the current chunk is a spare one too.
    note_use(bump);
    pop_down_to(bump, NULL);
    enter(bump, NULL, 0);
  }
  for (struct aml_arena_bump_chunk **link = &bump->spare;
       !bump->source.is_region && *link != NULL;) {
    struct aml_arena_bump_chunk *const chunk = *link;
    struct aml_arena_bump_chunk *const below = chunk->below;
    const size_t size = chunk->size;
    if (size <= keep - kept) {
      kept += size;
      link = &chunk->below;
      continue;
    }
    err = release(bump, chunk);
    if (err)
      break;
    *link = below;
    gone += size;
  }
  *released = gone;
  return err;
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  const struct aml_arena_bump *const bump = const_bump_of(arena);
  const struct aml_arena_bump_chunk *const stacks[] = {bump->current, bump->spare};
  for (size_t i = 0; i < 2; ++i)
    for (const struct aml_arena_bump_chunk *chunk = stacks[i]; chunk != NULL; chunk = chunk->below)
      if ((uintptr_t)pointer - (uintptr_t)chunk->base < chunk->size)
        return true;
  return false;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_internal_source *const source = &const_bump_of(arena)->source;
  const unsigned can = AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
  return source->is_readable && source->is_writable ? can | AML_ARENA_HOST_MEMORY : can;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_bump *const bump = const_bump_of(arena);
  const size_t live = live_size(bump);
  *result = (struct aml_arena_stats){
      .live_count = AML_UNKNOWN,
      .live_size = live,
      .peak_size = live > bump->peak_size ? live : bump->peak_size,
      .reserved_size = bump->source.reserved_size,
      .metadata_size = sizeof *bump + bump->chunk_count * sizeof(struct aml_arena_bump_chunk),
      .limit = bump->source.limit == SIZE_MAX ? AML_UNKNOWN : bump->source.limit,
  };
}

static int broken(const char *invariant) {
  return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", invariant);
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_bump *const bump = const_bump_of(arena);
  const struct aml_arena_bump_chunk *const current = bump->current;
  size_t reserved = 0;
  size_t full = 0;
  size_t count = 0;
  for (const struct aml_arena_bump_chunk *chunk = current; chunk != NULL; chunk = chunk->below) {
    reserved += chunk->size;
    ++count;
    if (chunk->used > chunk->size || chunk->touched > chunk->size)
      return broken("has a chunk of which more is used than there is");
    if (chunk != current)
      full += chunk->used;
  }
  for (const struct aml_arena_bump_chunk *chunk = bump->spare; chunk != NULL;
       chunk = chunk->below) {
    reserved += chunk->size;
    ++count;
  }
  if (reserved != bump->source.reserved_size || count != bump->chunk_count)
    return broken("holds other chunks than it counts");
  if (full != bump->full_size)
    return broken("has other bytes in its chunks than it counts");
  if (current == NULL)
    return bump->next == NULL && bump->end == NULL ? 0 : broken("has a place without a chunk");
  const char *const end = current->base + current->size;
  if (bump->next < current->base || bump->next > end ||
      bump->end != (AML_INTERNAL_POISONS ? bump->next : end))
    return broken("has a place outside its chunk");
  return 0;
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_bump *const bump = bump_of(arena);
  pop_down_to(bump, NULL);
  while (bump->spare != NULL) {
    struct aml_arena_bump_chunk *const chunk = bump->spare;
    bump->spare = chunk->below;
    // A chunk that the area refuses to take back is the area's from here on.
    aml_internal_poison_none(chunk->base, chunk->size);
    if (!bump->source.is_region)
      (void)aml_internal_source_unmap(&bump->source, chunk->base, chunk->size);
    free(chunk);
  }
  *bump = (struct aml_arena_bump){.arena = {.ops = &aml_arena_bump_ops}};
}

const struct aml_arena_ops aml_arena_bump_ops = {
    .name = "bump",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_nothing,
    .owns = owns,
    .reset = reset,
    .trim = trim,
};

/** Makes the region the one chunk that there is. */
static int adopt_region(struct aml_arena_bump *bump, const struct aml_arena_bump_options *options) {
  struct aml_arena_bump_chunk *const chunk = calloc(1, sizeof *chunk);
  if (chunk == NULL)
    return aml_error_set(-AML_ENOMEM, "aml_arena_bump_init", NULL,
                         "no memory for the description of the region");
  chunk->base = options->region;
  chunk->size = options->region_size;
  chunk->touched = options->region_size;
  bump->chunk_count = 1;
  enter(bump, chunk, 0);
  return 0;
}

int aml_arena_bump_init(struct aml_arena *arena, struct aml_area *area,
                        const struct aml_arena_bump_options *options) {
  static const char call[] = "aml_arena_bump_init";
  static const struct aml_arena_bump_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (arena == NULL || arena->ops != &aml_arena_bump_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_BUMP_DECL");
  struct aml_arena_bump made = {.arena = {.ops = &aml_arena_bump_ops}};
  const struct aml_internal_source_options source = {options->chunk_size, options->limit,
                                                     options->region, options->region_size};
  int err = aml_internal_source_init(&made.source, call, area, &source, DEFAULT_CHUNK_SIZE);
  if (!err && options->region != NULL)
    err = adopt_region(&made, options);
  if (!err)
    *bump_of(arena) = made;
  return err;
}

int aml_arena_bump_create(struct aml_arena **arena, struct aml_area *area,
                          const struct aml_arena_bump_options *options) {
  struct aml_arena *const made = aml_block_create(
      "aml_arena_bump_create", "arena", arena, sizeof(struct aml_arena_bump), &aml_arena_bump_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_bump_init(made, area, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
