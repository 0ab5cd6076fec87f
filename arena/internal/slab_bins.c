// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_bins.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/slab_bits.h"
#include "aml/arena/internal/slab_chunk.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/arena/internal/slab_map.h"

typedef struct aml_internal_slab_bins bins_type;
typedef struct aml_internal_slab_bin bin_type;
typedef struct aml_internal_slab_span span_type;
typedef struct aml_internal_slab_class class_type;
typedef struct aml_internal_slab_depot depot_type;

// Spans that got so many batches in a row are a sign that nobody takes what a depot holds.
// Blocks of at most so many bytes have depots.
// Of a batch that is given back, so many blocks are looked at at once.
// A span is looked at for pages to purge when 1 / SHARE_TO_LOOK of its blocks have come back since;
// while live bytes sink, and all spans empty, not before 1 / SHARE_TO_LOOK_SINKING have.
// A class of blocks smaller than a page is sparse if half of them are free, and LEAST_SPARSE bytes;
// or a quarter, and MUCH_SPARSE bytes: of few blocks it is normal that many are free.
enum {
  UNIT = AML_INTERNAL_SLAB_UNIT,
  VAIN_BATCHES = 16,
  MOST_IN_DEPOT = 8192,
  AT_ONCE = 64,
  SHARE_TO_LOOK = 32,
  SHARE_TO_LOOK_SINKING = 8,
  LEAST_SPARSE = 1 << 16,
  MUCH_SPARSE = 1 << 18
};

// Lists

static unsigned fullness_of(const span_type *span) {
  if (span->free_count == 0)
    return AML_INTERNAL_SLAB_FULL;
  if (4u * span->free_count <= span->capacity)
    return AML_INTERNAL_SLAB_DENSE;
  return 2u * span->free_count <= span->capacity ? AML_INTERNAL_SLAB_HALF
                                                 : AML_INTERNAL_SLAB_SPARSE;
}

/** Says whether a class is sparse, when its live blocks are counted anew. */
static void judge(bin_type *bin, const class_type *its) {
  const size_t count = bin->block_count - bin->live_count;
  const size_t size = count * its->size;
  const bool is_sparse =
      its->size < UNIT && ((2 * count > bin->block_count && size >= LEAST_SPARSE) ||
                           (4 * count > bin->block_count && size >= MUCH_SPARSE));
  if (is_sparse != bin->is_sparse)
    __atomic_store_n(&bin->is_sparse, is_sparse, __ATOMIC_RELAXED);
}

/** Puts a span where it belongs by what is free of it now. */
static void relist(bin_type *bin, span_type *span) {
  const unsigned fullness = fullness_of(span);
  if (fullness == span->fullness)
    return;
  if (span->fullness != AML_INTERNAL_SLAB_FULL)
    aml_internal_slab_unlink(&bin->lists[span->fullness], span);
  if (fullness != AML_INTERNAL_SLAB_FULL)
    aml_internal_slab_link(&bin->lists[fullness], span);
  span->fullness = (uint8_t)fullness;
}

static void link_candidate(bin_type *bin, span_type *span) {
  span->is_candidate = 1;
  span->previous_candidate = NULL;
  span->next_candidate = bin->candidates;
  if (bin->candidates != NULL)
    bin->candidates->previous_candidate = span;
  bin->candidates = span;
}

void aml_internal_slab_unlink_candidate(bin_type *bin, span_type *span) {
  if (!span->is_candidate)
    return;
  span->is_candidate = 0;
  if (span->previous_candidate != NULL)
    span->previous_candidate->next_candidate = span->next_candidate;
  else
    bin->candidates = span->next_candidate;
  if (span->next_candidate != NULL)
    span->next_candidate->previous_candidate = span->previous_candidate;
}

// Taking

/** A span for a class, all of it free, in no list; null with a sentence. */
static span_type *make_span(bins_type *bins, unsigned class_index, uint64_t *clean) {
  const class_type *const its = &aml_internal_slab_classes[class_index];
  const struct aml_internal_slab_want want = {its->units, 1, AML_INTERNAL_SLAB_BLOCKS, class_index};
  span_type *const span = aml_internal_slab_take(&bins->heap, &want, clean);
  if (span == NULL)
    return NULL;
  span->clean = its->capacity == 1 ? 0 : clean[0];
  span->capacity = its->capacity;
  span->free_count = its->capacity;
  span->looked_count = its->capacity;
  span->fullness = AML_INTERNAL_SLAB_FULL;
  memset(span->free_bits, 0, aml_internal_slab_words(its->capacity) * sizeof(uint64_t));
  aml_internal_slab_set(span->free_bits, 0, its->capacity);
  return span;
}

/**
 * Makes a class with a span of it, which is put into *span, or finds it where somebody has made it.
 * Returns: the class, locked, so that nobody sees a span that is not counted; null with a sentence.
 */
static bin_type *make_bin(bins_type *bins, unsigned class_index, uint64_t *clean,
                          span_type **span) {
  struct aml_internal_slab_group **const place =
      &bins->groups[class_index / AML_INTERNAL_SLAB_GROUP];
  // First of all, since a run that was taken may be of a new chunk, which would stay.
  struct aml_internal_slab_group *group = calloc(1, sizeof *group);
  if (group == NULL)
    return aml_internal_slab_no_memory();
  aml_internal_slab_lock(&bins->groups_lock);
  if (*place == NULL)
    *span = make_span(bins, class_index, clean);
  if (*span != NULL) {
    (void)__atomic_add_fetch(&bins->metadata_size, sizeof *group, __ATOMIC_RELAXED);
    __atomic_store_n(place, group, __ATOMIC_RELEASE);
    group = NULL;
  }
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  if (bin != NULL)
    aml_internal_slab_lock(&bin->lock);
  aml_internal_slab_unlock(&bins->groups_lock);
  free(group);
  return bin;
}

/** A class, locked, and perhaps a span of it as make_bin() makes; null with a sentence. */
static bin_type *lock_bin(bins_type *bins, unsigned class_index, uint64_t *clean,
                          span_type **span) {
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  if (bin == NULL)
    return make_bin(bins, class_index, clean, span);
  aml_internal_slab_lock(&bin->lock);
  return bin;
}

/** Writes blocks side by side, from `block` on, the lowest last. */
static void write_blocks(char *block, size_t size, size_t count, void **end) {
  for (; count >= 4; count -= 4, end -= 4, block += 4 * size) {
    end[-1] = block;
    end[-2] = block + size;
    end[-3] = block + 2 * size;
    end[-4] = block + 3 * size;
  }
  for (; count != 0; --count, block += size)
    *--end = block;
}

/** Writes blocks of a word of bits, the lowest last; at most `count`. Returns: how many. */
static size_t take_word(char *base, size_t size, uint64_t *word, size_t count, void **end) {
  uint64_t bits = *word;
  size_t taken = 0;
  while (bits != 0 && taken < count) {
    const size_t low = (size_t)__builtin_ctzll(bits);
    const uint64_t gaps = ~(bits >> low);
    const size_t run = gaps == 0 ? 64 : (size_t)__builtin_ctzll(gaps);
    const size_t some = run < count - taken ? run : count - taken;
    write_blocks(base + low * size, size, some, end - taken);
    const size_t next = low + some;
    bits = next < 64 ? bits >> next << next : 0;
    taken += some;
  }
  *word = bits;
  return taken;
}

/** Says that units are not clean that blocks [low, high] lie in, which are all taken now. */
static void take_clean(span_type *span, size_t low, size_t high, size_t size) {
  const size_t first = low * size / UNIT;
  const size_t last = ((high + 1) * size - 1) / UNIT;
  span->clean &= ~aml_internal_slab_ones(first, last - first + 1);
}

/** Takes `count` blocks of a span, which has them, from its lowest on. */
static void take_from(span_type *span, size_t count, void **blocks) {
  const size_t size = aml_internal_slab_classes[span->class_index].size;
  size_t low = SIZE_MAX;
  size_t high = 0;
  span->free_count = (uint16_t)(span->free_count - count);
  if (span->free_count < span->looked_count)
    span->looked_count = span->free_count;
  for (size_t word = 0; count != 0; ++word) {
    const uint64_t bits = span->free_bits[word];
    if (bits == 0)
      continue;
    count -= take_word(span->base + 64 * word * size, size, &span->free_bits[word], count,
                       blocks + count);
    if (low == SIZE_MAX)
      low = 64 * word + (size_t)__builtin_ctzll(bits);
    high = 64 * word + 63 - (size_t)__builtin_clzll(bits ^ span->free_bits[word]);
  }
  if (span->clean != 0)
    take_clean(span, low, high, size);
}

static size_t take_from_spans(bins_type *bins, unsigned class_index, size_t count, void **blocks) {
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  uint64_t clean[AML_INTERNAL_SLAB_CLEAN_WORDS] = {0};
  size_t got = 0;
  while (got < count) {
    unsigned list = 0;
    while (list < AML_INTERNAL_SLAB_LISTS && bin->lists[list] == NULL)
      ++list;
    if (list == AML_INTERNAL_SLAB_LISTS && got != 0)
      break;
    span_type *const span =
        list == AML_INTERNAL_SLAB_LISTS ? make_span(bins, class_index, clean) : bin->lists[list];
    if (span == NULL)
      break;
    bin->block_count += list == AML_INTERNAL_SLAB_LISTS ? span->capacity : 0u;
    const size_t some = span->free_count < count - got ? span->free_count : count - got;
    take_from(span, some, blocks + got);
    relist(bin, span);
    got += some;
  }
  bin->live_count += got;
  judge(bin, &aml_internal_slab_classes[class_index]);
  return got;
}

/** Makes a depot, or opens the one that there is again; without memory there is none. */
static void want_depot(bins_type *bins, bin_type *bin, unsigned class_index) {
  const size_t room = aml_internal_slab_classes[class_index].slots;
  bin->spilled = 0;
  if (bin->depot == NULL) {
    bin->depot = aml_internal_slab_make_depot(room);
    if (bin->depot == NULL)
      return;
    __atomic_add_fetch(&bins->metadata_size, aml_internal_slab_depot_size(room), __ATOMIC_RELAXED);
  }
  bin->depot->is_open = true;
}

void aml_internal_slab_count_live(bins_type *bins, size_t size) {
  const size_t live = __atomic_add_fetch(&bins->live_size, size, __ATOMIC_RELAXED);
  if (live > __atomic_load_n(&bins->mark, __ATOMIC_RELAXED))
    __atomic_store_n(&bins->mark, live, __ATOMIC_RELAXED);
}

size_t aml_internal_slab_take_blocks(bins_type *bins, unsigned class_index, const void *taker,
                                     size_t count, void **blocks) {
  uint64_t clean[AML_INTERNAL_SLAB_CLEAN_WORDS] = {0};
  span_type *span = NULL;
  bin_type *const bin = lock_bin(bins, class_index, clean, &span);
  if (bin == NULL)
    return 0;
  if (span != NULL) {
    relist(bin, span);
    bin->block_count += span->capacity;
  }
  bin->streak = 0;
  size_t got =
      bin->depot == NULL ? 0 : aml_internal_slab_depot_take(bin->depot, taker, count, blocks);
  if (got != 0) {
    aml_internal_slab_unlock(&bin->lock);
    return got;
  }
  got = take_from_spans(bins, class_index, count, blocks);
  if (got != 0 && bin->spilled != 0 && __atomic_load_n(&bins->is_shared, __ATOMIC_RELAXED) &&
      aml_internal_slab_classes[class_index].size <= MOST_IN_DEPOT)
    want_depot(bins, bin, class_index);
  aml_internal_slab_unlock(&bin->lock);
  aml_internal_slab_count_live(bins, got * aml_internal_slab_classes[class_index].size);
  return got;
}

void *aml_internal_slab_take_whole(bins_type *bins, unsigned class_index, uint64_t *clean) {
  span_type *span = NULL;
  void *block = NULL;
  bin_type *const bin = lock_bin(bins, class_index, clean, &span);
  if (bin == NULL)
    return NULL;
  if (span == NULL)
    span = make_span(bins, class_index, clean);
  if (span != NULL) {
    take_from(span, 1, &block);
    ++bin->live_count;
    ++bin->block_count;
  }
  aml_internal_slab_unlock(&bin->lock);
  if (block == NULL)
    return NULL;
  aml_internal_slab_count_live(bins, aml_internal_slab_classes[class_index].size);
  return block;
}

// Giving back

/** What became of a span of which blocks were given back. */
static void settle(bins_type *bins, bin_type *bin, span_type *span, const class_type *its) {
  if (span->free_count == span->capacity) {
    if (span->fullness != AML_INTERNAL_SLAB_FULL)
      aml_internal_slab_unlink(&bin->lists[span->fullness], span);
    aml_internal_slab_unlink_candidate(bin, span);
    bin->block_count -= span->capacity;
    aml_internal_slab_give(&bins->heap, span);
    return;
  }
  relist(bin, span);
  const bool sinks = __atomic_load_n(&bins->sinks, __ATOMIC_RELAXED);
  const size_t more = its->capacity / (sinks ? (size_t)SHARE_TO_LOOK_SINKING : SHARE_TO_LOOK);
  if (!span->is_candidate && (size_t)span->free_count * its->size >= UNIT &&
      span->free_count >= span->looked_count + (more == 0 ? 1 : more))
    link_candidate(bin, span);
}

/** Gives back the first blocks, as far as they are of one span. Returns: how many. */
static size_t give_to_span(span_type *span, const class_type *its, size_t count,
                           void *const *blocks) {
  const char *const base = span->base;
  const size_t size = span->units * UNIT;
  uint64_t bits = 0;
  size_t word = 0;
  size_t i = 0;
  for (; i < count && (size_t)((const char *)blocks[i] - base) < size; ++i) {
    const size_t index = aml_internal_slab_index(its, (size_t)((const char *)blocks[i] - base));
    if (index / 64 != word) {
      span->free_bits[word] |= bits;
      word = index / 64;
      bits = 0;
    }
    bits |= UINT64_C(1) << (index % 64);
  }
  span->free_bits[word] |= bits;
  span->free_count = (uint16_t)(span->free_count + i);
  return i;
}

/** Gives back at most AT_ONCE blocks. Their spans are often in no near cache, so that all are
 * looked up before any is waited for. */
static void give_some(bins_type *bins, bin_type *bin, const class_type *its, size_t count,
                      void *const *blocks) {
  span_type *spans[AT_ONCE];
  for (size_t i = 0; i < count; ++i) {
    if (i != 0 && (uintptr_t)blocks[i] / UNIT == (uintptr_t)blocks[i - 1] / UNIT) {
      spans[i] = spans[i - 1];
      continue;
    }
    spans[i] = aml_internal_slab_find_span(&bins->heap.map, blocks[i]);
    __builtin_prefetch(spans[i], 1);
    __builtin_prefetch(spans[i]->free_bits, 1);
  }
  for (size_t i = 0; i < count;) {
    span_type *const span = spans[i];
    i += give_to_span(span, its, count - i, blocks + i);
    settle(bins, bin, span, its);
  }
}

void aml_internal_slab_give_to_spans(bins_type *bins, unsigned class_index, size_t count,
                                     void *const *blocks) {
  const class_type *const its = &aml_internal_slab_classes[class_index];
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  for (size_t i = 0; i < count; i += AT_ONCE)
    give_some(bins, bin, its, count - i < AT_ONCE ? count - i : AT_ONCE, blocks + i);
  bin->live_count -= count;
  judge(bin, its);
  if (bin->is_sparse)
    (void)__atomic_add_fetch(&bins->gathered_size, count * its->size, __ATOMIC_RELAXED);
  (void)__atomic_sub_fetch(&bins->live_size, count * its->size, __ATOMIC_RELAXED);
}

/** Gives what a depot holds back, and closes it. Returns: how many blocks. */
static size_t empty_depot(bins_type *bins, bin_type *bin, unsigned class_index) {
  if (bin->depot == NULL)
    return 0;
  depot_type *const depot = bin->depot;
  const size_t count = depot->count;
  for (unsigned i = 0; count != 0 && i < AML_INTERNAL_SLAB_DEPOT_BATCHES; ++i)
    aml_internal_slab_give_to_spans(bins, class_index, depot->counts[i],
                                    aml_internal_slab_depot_batch(depot, i));
  aml_internal_slab_close_depot(depot);
  return count;
}

bool aml_internal_slab_give_blocks(bins_type *bins, unsigned class_index, const void *giver,
                                   size_t count, void *const *blocks) {
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  aml_internal_slab_lock(&bin->lock);
  const bool is_held =
      bin->depot != NULL && aml_internal_slab_depot_give(bin->depot, giver, count, blocks);
  if (!is_held) {
    aml_internal_slab_give_to_spans(bins, class_index, count, blocks);
    bin->spilled = 1;
    if (++bin->streak == VAIN_BATCHES)
      (void)empty_depot(bins, bin, class_index);
  }
  aml_internal_slab_unlock(&bin->lock);
  return is_held;
}

size_t aml_internal_slab_empty_depots(bins_type *bins) {
  size_t count = 0;
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i) {
    bin_type *const bin = aml_internal_slab_bin_of(bins, i);
    if (bin == NULL)
      continue;
    aml_internal_slab_lock(&bin->lock);
    count += empty_depot(bins, bin, i);
    aml_internal_slab_unlock(&bin->lock);
  }
  return count;
}

void aml_internal_slab_bins_fini(bins_type *bins) {
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_GROUPS; ++i) {
    for (unsigned j = 0; j < AML_INTERNAL_SLAB_GROUP && bins->groups[i] != NULL; ++j)
      free(bins->groups[i]->bins[j].depot);
    free(bins->groups[i]);
  }
}
