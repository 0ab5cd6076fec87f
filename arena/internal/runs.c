// SPDX-License-Identifier: BSD-3-Clause
//
// A chunk's bit is 1 where its page is used, and beyond its last page. A search begins at `lowest`,
// below which no page is free, and ends where enough are: so a chunk that fills up in order is not
// searched at all. `longest` is no less than its longest run of free pages, so that chunks which
// cannot serve are passed over; a search that fails makes it exact, and whatever comes back makes
// it the number of free pages.

#include "aml/arena/internal/runs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

struct aml_internal_runs_chunk {
  void *mapping; // what the source gave
  size_t mapping_size;
  char *base; // the first whole page
  size_t pages;
  size_t free_pages;
  size_t lowest;  // see above
  size_t longest; // see above
  size_t touched; // pages from base that may have been written to
  uint64_t used[];
};

enum { WORD_BITS = 64 };

static size_t words_of(size_t pages) {
  return pages / WORD_BITS + 1;
}

static size_t record_size(size_t pages) {
  return sizeof(struct aml_internal_runs_chunk) + words_of(pages) * sizeof(uint64_t);
}

/** The first page from `from` on whose bit is `used`; `limit` where there is none before that. */
static size_t next_page(const struct aml_internal_runs_chunk *chunk, size_t from, size_t limit,
                        bool used) {
  while (from < limit) {
    const uint64_t bits = used ? chunk->used[from / WORD_BITS] : ~chunk->used[from / WORD_BITS];
    const uint64_t rest = bits >> (from % WORD_BITS);
    if (rest != 0) {
      const size_t found = from + (size_t)__builtin_ctzll(rest);
      return found < limit ? found : limit;
    }
    from = (from / WORD_BITS + 1) * WORD_BITS;
  }
  return limit;
}

static void mark(struct aml_internal_runs_chunk *chunk, size_t first, size_t count, bool used) {
  while (count > 0) {
    const size_t bit = first % WORD_BITS;
    const size_t step = count < WORD_BITS - bit ? count : WORD_BITS - bit;
    const uint64_t mask = (step == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << step) - 1) << bit;
    uint64_t *const word = &chunk->used[first / WORD_BITS];
    *word = used ? *word | mask : *word & ~mask;
    first += step;
    count -= step;
  }
}

void aml_internal_runs_init(struct aml_internal_runs *runs, struct aml_internal_source *source,
                            const char *label, size_t page_size) {
  *runs = (struct aml_internal_runs){.source = source, .label = label, .page_size = page_size};
}

/** How many chunks begin at or below an address: the place behind the one that may hold it. */
static size_t place_of(const struct aml_internal_runs *runs, const void *pointer) {
  size_t low = 0;
  size_t high = runs->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if ((uintptr_t)runs->chunks[middle]->base <= (uintptr_t)pointer)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/** The index of the chunk that holds an address; runs->count where there is none. */
static size_t find(const struct aml_internal_runs *runs, const void *pointer) {
  const size_t place = place_of(runs, pointer);
  if (place == 0)
    return runs->count;
  const struct aml_internal_runs_chunk *const chunk = runs->chunks[place - 1];
  const size_t offset = (size_t)((uintptr_t)pointer - (uintptr_t)chunk->base);
  return offset < chunk->pages * runs->page_size ? place - 1 : runs->count;
}

/** Makes room for one chunk more in the array. */
static bool reserve_place(struct aml_internal_runs *runs) {
  if (runs->count < runs->capacity)
    return true;
  const size_t capacity = runs->capacity == 0 ? 8 : 2 * runs->capacity;
  void *const chunks = realloc(runs->chunks, capacity * sizeof(void *));
  if (chunks == NULL)
    return false;
  runs->chunks = chunks;
  runs->capacity = capacity;
  return true;
}

/** The whole pages of a mapping; the rest of the chunk is zeroed. */
static void frame(const struct aml_internal_runs *runs, struct aml_internal_runs_chunk *chunk,
                  void *mapping, size_t size) {
  const size_t padding = (size_t)(0 - (uintptr_t)mapping) & (runs->page_size - 1);
  chunk->mapping = mapping;
  chunk->mapping_size = size;
  chunk->base = (char *)mapping + (padding < size ? padding : 0);
  chunk->pages = padding < size ? (size - padding) / runs->page_size : 0;
  chunk->free_pages = chunk->pages;
  chunk->longest = chunk->pages;
  chunk->touched = runs->source->is_zeroed ? 0 : chunk->pages;
  mark(chunk, chunk->pages, WORD_BITS - chunk->pages % WORD_BITS, true);
  aml_internal_poison(chunk->base, chunk->pages * runs->page_size);
}

static void insert(struct aml_internal_runs *runs, struct aml_internal_runs_chunk *chunk) {
  const size_t place = place_of(runs, chunk->base);
  memmove(&runs->chunks[place + 1], &runs->chunks[place], (runs->count - place) * sizeof(void *));
  runs->chunks[place] = chunk;
  ++runs->count;
}

bool aml_internal_runs_adopt(struct aml_internal_runs *runs, void *region, size_t size) {
  struct aml_internal_runs_chunk *const chunk = calloc(1, record_size(size / runs->page_size));
  if (chunk == NULL || !reserve_place(runs)) {
    free(chunk);
    return false;
  }
  frame(runs, chunk, region, size);
  insert(runs, chunk);
  return true;
}

/** Maps a chunk that has a run; null with the reason recorded. */
static struct aml_internal_runs_chunk *grow(struct aml_internal_runs *runs, size_t size,
                                            size_t alignment) {
  if (alignment < runs->page_size)
    alignment = runs->page_size;
  size_t mapped;
  void *const mapping =
      aml_internal_source_map(runs->source, runs->label, size, alignment, &mapped);
  if (mapping == NULL)
    return NULL;
  struct aml_internal_runs_chunk *const chunk = calloc(1, record_size(mapped / runs->page_size));
  if (chunk == NULL || !reserve_place(runs)) {
    free(chunk);
    (void)aml_internal_source_unmap(runs->source, mapping, mapped);
    (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", NULL,
                        "no memory for the description of a chunk");
    return NULL;
  }
  frame(runs, chunk, mapping, mapped);
  insert(runs, chunk);
  return chunk;
}

/** The first page of the first run in a chunk that serves; chunk->pages where there is none. */
static size_t search(const struct aml_internal_runs *runs, struct aml_internal_runs_chunk *chunk,
                     size_t pages, size_t alignment) {
  size_t longest = 0;
  chunk->lowest = next_page(chunk, chunk->lowest, chunk->pages, false);
  for (size_t first = chunk->lowest; first < chunk->pages;) {
    const uintptr_t address = (uintptr_t)chunk->base + first * runs->page_size;
    const size_t skip = ((size_t)(0 - address) & (alignment - 1)) / runs->page_size;
    const size_t rest = chunk->pages - first;
    const bool has_room = skip <= rest && pages <= rest - skip;
    const size_t wanted = has_room ? first + skip + pages : chunk->pages;
    const size_t end = next_page(chunk, first, wanted, true);
    if (has_room && end == wanted)
      return first + skip;
    if (end - first > longest)
      longest = end - first;
    first = next_page(chunk, end, chunk->pages, false);
  }
  chunk->longest = longest;
  return chunk->pages;
}

/** Hands pages of a chunk out. */
static void *use(struct aml_internal_runs *runs, struct aml_internal_runs_chunk *chunk,
                 size_t first, size_t pages, bool *zero) {
  char *const run = chunk->base + first * runs->page_size;
  const size_t touched = chunk->touched > first ? chunk->touched - first : 0;
  const size_t stale = touched < pages ? touched : pages;
  if (zero != NULL && *zero && stale != 0) {
    aml_internal_poison_none(run, stale * runs->page_size);
    memset(run, 0, stale * runs->page_size);
    aml_internal_poison(run, stale * runs->page_size);
  } else if (zero != NULL) {
    *zero = stale == 0;
  }
  mark(chunk, first, pages, true);
  chunk->free_pages -= pages;
  if (first == chunk->lowest)
    chunk->lowest += pages;
  if (first + pages > chunk->touched)
    chunk->touched = first + pages;
  runs->used_pages += pages;
  return run;
}

void *aml_internal_runs_take(struct aml_internal_runs *runs, size_t size, size_t alignment,
                             bool *zero) {
  const size_t pages = size / runs->page_size;
  for (size_t i = 0; i < runs->count; ++i) {
    struct aml_internal_runs_chunk *const chunk = runs->chunks[i];
    if (chunk->longest < pages)
      continue;
    const size_t first = search(runs, chunk, pages, alignment);
    if (first != chunk->pages)
      return use(runs, chunk, first, pages, zero);
  }
  struct aml_internal_runs_chunk *const chunk = grow(runs, size, alignment);
  return chunk == NULL ? NULL
                       : use(runs, chunk, search(runs, chunk, pages, alignment), pages, zero);
}

void aml_internal_runs_give(struct aml_internal_runs *runs, void *run, size_t size) {
  struct aml_internal_runs_chunk *const chunk = runs->chunks[find(runs, run)];
  const size_t pages = size / runs->page_size;
  const size_t first = (size_t)((char *)run - chunk->base) / runs->page_size;
  mark(chunk, first, pages, false);
  chunk->free_pages += pages;
  if (first < chunk->lowest)
    chunk->lowest = first;
  chunk->longest = chunk->free_pages;
  runs->used_pages -= pages;
}

bool aml_internal_runs_is_same_chunk(const struct aml_internal_runs *runs, const void *a,
                                     const void *b) {
  return find(runs, a) == find(runs, b);
}

bool aml_internal_runs_owns(const struct aml_internal_runs *runs, const void *pointer) {
  return find(runs, pointer) < runs->count;
}

/** Gives a chunk back, and forgets it if that goes well. */
static int release(struct aml_internal_runs *runs, size_t index) {
  struct aml_internal_runs_chunk *const chunk = runs->chunks[index];
  const int err = aml_internal_source_unmap(runs->source, chunk->mapping, chunk->mapping_size);
  if (err)
    return err;
  free(chunk);
  --runs->count;
  memmove(&runs->chunks[index], &runs->chunks[index + 1], (runs->count - index) * sizeof(void *));
  return 0;
}

static bool is_spare(const struct aml_internal_runs *runs, size_t index) {
  return runs->chunks[index]->free_pages == runs->chunks[index]->pages && !runs->source->is_region;
}

bool aml_internal_runs_release(struct aml_internal_runs *runs, const void *pointer) {
  const size_t index = find(runs, pointer);
  return index < runs->count && is_spare(runs, index) && release(runs, index) == 0;
}

int aml_internal_runs_trim(struct aml_internal_runs *runs, size_t keep, size_t *released) {
  size_t gone = 0;
  size_t spare = 0;
  int err = 0;
  for (size_t i = 0; i < runs->count; ++i)
    spare += is_spare(runs, i) ? runs->chunks[i]->mapping_size : 0;
  for (size_t i = runs->count; i-- > 0 && spare > keep;) {
    const size_t size = runs->chunks[i]->mapping_size;
    if (!is_spare(runs, i))
      continue;
    err = release(runs, i);
    if (err)
      break;
    gone += size;
    spare -= size;
  }
  *released = gone;
  return err;
}

void aml_internal_runs_poison(const struct aml_internal_runs *runs) {
  for (size_t i = 0; i < runs->count; ++i)
    aml_internal_poison(runs->chunks[i]->base, runs->chunks[i]->pages * runs->page_size);
}

/** What is wrong with one chunk, or null. */
static const char *fault_of(const struct aml_internal_runs_chunk *chunk) {
  size_t free_pages = 0;
  size_t longest = 0;
  for (size_t first = next_page(chunk, 0, chunk->pages, false); first < chunk->pages;) {
    const size_t end = next_page(chunk, first, chunk->pages, true);
    free_pages += end - first;
    longest = end - first > longest ? end - first : longest;
    first = next_page(chunk, end, chunk->pages, false);
  }
  if (free_pages != chunk->free_pages)
    return "has a chunk with other free pages than it counts";
  if (next_page(chunk, 0, chunk->lowest, false) != chunk->lowest)
    return "has a chunk with a free page below its lowest";
  if (longest > chunk->longest)
    return "has a chunk with a longer free run than it knows of";
  if (next_page(chunk, chunk->pages, words_of(chunk->pages) * WORD_BITS, false) !=
      words_of(chunk->pages) * WORD_BITS)
    return "has a chunk with free pages behind its end";
  return NULL;
}

const char *aml_internal_runs_validate(const struct aml_internal_runs *runs) {
  size_t reserved = 0;
  size_t used = 0;
  for (size_t i = 0; i < runs->count; ++i) {
    const struct aml_internal_runs_chunk *const chunk = runs->chunks[i];
    const char *const fault = fault_of(chunk);
    if (fault != NULL)
      return fault;
    if (i > 0 && (uintptr_t)chunk->mapping <
                     (uintptr_t)runs->chunks[i - 1]->mapping + runs->chunks[i - 1]->mapping_size)
      return "has chunks that overlap or are out of order";
    reserved += chunk->mapping_size;
    used += chunk->pages - chunk->free_pages;
  }
  if (reserved != runs->source->reserved_size)
    return "holds other chunks than it counts";
  return used == runs->used_pages ? NULL : "has other pages in use than it counts";
}

size_t aml_internal_runs_metadata_size(const struct aml_internal_runs *runs) {
  size_t size = runs->count * sizeof(void *);
  for (size_t i = 0; i < runs->count; ++i)
    size += record_size(runs->chunks[i]->pages);
  return size;
}

void aml_internal_runs_fini(struct aml_internal_runs *runs) {
  for (size_t i = 0; i < runs->count; ++i) {
    struct aml_internal_runs_chunk *const chunk = runs->chunks[i];
    // A chunk that the area refuses to take back is the area's from here on.
    aml_internal_poison_none(chunk->base, chunk->pages * runs->page_size);
    if (!runs->source->is_region)
      (void)aml_internal_source_unmap(runs->source, chunk->mapping, chunk->mapping_size);
    free(chunk);
  }
  free(runs->chunks);
  *runs = (struct aml_internal_runs){0};
}
