// SPDX-License-Identifier: BSD-3-Clause
//
// How memory goes back to the area. What is free in spans is found by looking at those of which
// blocks were given back since they were last looked at: a page goes if no block lies in it, even
// in part. This is done each time that the live bytes have sunk by an eighth from the most that
// they were, so that its cost is in proportion to what was given back. But if they had risen
// shortly before, more than once, as they do in a loop that fills the arena and empties it, that is
// put off: until somebody gives blocks back after a while in which they have not risen.

#include <string.h>
#include <time.h>

#include "aml/arena/internal/slab_bins.h"
#include "aml/arena/internal/slab_bits.h"
#include "aml/arena/internal/slab_chunk.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab_bins bins_type;
typedef struct aml_internal_slab_bin bin_type;
typedef struct aml_internal_slab_heap heap_type;
typedef struct aml_internal_slab_span span_type;
typedef struct aml_internal_slab_class class_type;

enum { UNIT = AML_INTERNAL_SLAB_UNIT };

// Memory is given back after the live bytes have sunk by 1 / SHARE_TO_SINK, and at least so many,
// or fewer where they are less than 1 / SHARE_OF_THIN of the spans that they lie in, of more than
// THIN_SIZE: few blocks then keep much. 1 / SHARE_TO_KEEP of what is live may stay, and at least so
// much. And if sparse classes have gathered more than may stay; but while live bytes sink, by more
// than 1 / SHARE_OF_NOISE from one time to the next, they empty anyhow, and memory goes in fewer
// and larger pieces. A loop has been seen to fill the arena again LOOP_ROUNDS times, each time
// shortly after it had emptied it. What it has not used in SMALLER_ROUNDS goes.
enum {
  SHARE_TO_SINK = 8,
  LEAST_TO_SINK = 1 << 19,
  LEAST_TO_SINK_THIN = 1 << 14,
  THIN_SIZE = 2 << 20,
  SHARE_OF_THIN = 4,
  SHARE_TO_KEEP = 1024,
  SHARE_TO_KEEP_SINKING = 64,
  SHARE_OF_NOISE = 128,
  LEAST_TO_KEEP = 1 << 19,
  LOOP_ROUNDS = 2,
  SMALLER_ROUNDS = 8,
  SHORTLY_NS = 100000000
};

/** A bit for each unit of a span that no block that is not free lies in. */
static uint64_t free_units(const span_type *span, const class_type *its) {
  uint64_t result = 0;
  for (size_t unit = 0; unit < span->units; ++unit) {
    const size_t first = aml_internal_slab_index(its, unit * UNIT);
    size_t end = aml_internal_slab_index(its, unit * UNIT + UNIT - 1) + 1;
    if (end > span->capacity)
      end = span->capacity;
    if (first >= end || aml_internal_slab_all(span->free_bits, first, end - first))
      result |= UINT64_C(1) << unit;
  }
  return result;
}

/** Purges the whole pages in units [first, end) of a span, unless they are clean. */
static void purge_units(bins_type *bins, span_type *span, size_t first, size_t end) {
  const size_t mask = bins->heap.page_size - 1;
  const uintptr_t number = (uintptr_t)span->base;
  first += ((size_t)(0 - (number + first * UNIT)) & mask) / UNIT;
  end -= ((size_t)(number + end * UNIT) & mask) / UNIT;
  if (first >= end || end > span->units)
    return;
  const uint64_t range = aml_internal_slab_ones(first, end - first);
  if ((range & ~span->clean) != 0 &&
      aml_internal_slab_purge(&bins->heap, span->base + first * UNIT, (end - first) * UNIT))
    span->clean |= range;
}

/** Purges what of a span holds no block. */
static void purge_span(bins_type *bins, bin_type *bin, span_type *span) {
  const uint64_t free = free_units(span, &aml_internal_slab_classes[span->class_index]);
  aml_internal_slab_unlink_candidate(bin, span);
  span->looked_count = span->free_count;
  for (size_t unit = 0; unit < span->units;) {
    const size_t first = aml_internal_slab_find(&free, true, unit, span->units);
    unit = aml_internal_slab_find(&free, false, first, span->units);
    purge_units(bins, span, first, unit);
  }
}

/** Looks at the candidates of a class, one after the other, each under the lock. */
static void purge_candidates(bins_type *bins, unsigned class_index) {
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  bool is_left = bin != NULL;
  while (is_left) {
    aml_internal_slab_lock(&bin->lock);
    is_left = bin->candidates != NULL;
    if (is_left)
      purge_span(bins, bin, bin->candidates);
    aml_internal_slab_unlock(&bin->lock);
  }
}

/** Looks at all spans of a class that have free blocks. */
static void purge_all(bins_type *bins, unsigned class_index) {
  bin_type *const bin = aml_internal_slab_bin_of(bins, class_index);
  if (bin == NULL)
    return;
  aml_internal_slab_lock(&bin->lock);
  for (unsigned list = 0; list < AML_INTERNAL_SLAB_LISTS; ++list)
    for (span_type *span = bin->lists[list]; span != NULL; span = span->next)
      purge_span(bins, bin, span);
  aml_internal_slab_unlock(&bin->lock);
}

static int64_t now_ns(void) {
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** Says whether few blocks keep much, when memory has been given back. */
static void judge_thin(bins_type *bins, size_t live) {
  const heap_type *const heap = &bins->heap;
  aml_internal_slab_lock(&bins->heap.lock);
  const size_t held = heap->source.reserved_size - heap->large_size - heap->free_units * UNIT;
  aml_internal_slab_unlock(&bins->heap.lock);
  const bool is_thin = held > THIN_SIZE && live < held / SHARE_OF_THIN;
  __atomic_store_n(&bins->is_thin, is_thin, __ATOMIC_RELAXED);
}

/** Gives back what is free, under the purge lock. */
static void give_back(bins_type *bins, size_t live) {
  if (bins->heap.source.can_purge)
    for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i)
      purge_candidates(bins, i);
  const size_t keep = live / SHARE_TO_KEEP > LEAST_TO_KEEP ? live / SHARE_TO_KEEP : LEAST_TO_KEEP;
  size_t released = 0;
  (void)aml_internal_slab_release(&bins->heap, keep, &released);
  judge_thin(bins, live);
}

/** How much there is to give back, as far as it is known without looking. */
struct balance {
  size_t live;
  size_t mark;
  size_t sink;
  int64_t put_off_ns;
  bool has_sunk;
  bool has_gathered;
};

static struct balance balance_of(const bins_type *bins) {
  struct balance its = {
      .live = __atomic_load_n(&bins->live_size, __ATOMIC_RELAXED),
      .mark = __atomic_load_n(&bins->mark, __ATOMIC_RELAXED),
      .put_off_ns = __atomic_load_n(&bins->loop.put_off_ns, __ATOMIC_RELAXED),
  };
  const bool is_thin = __atomic_load_n(&bins->is_thin, __ATOMIC_RELAXED);
  const size_t least = is_thin ? LEAST_TO_SINK_THIN : LEAST_TO_SINK;
  its.sink = its.mark / SHARE_TO_SINK > least ? its.mark / SHARE_TO_SINK : least;
  its.has_sunk = its.live + its.sink <= its.mark;
  const bool sinks = __atomic_load_n(&bins->sinks, __ATOMIC_RELAXED);
  its.has_gathered =
      __atomic_load_n(&bins->gathered_size, __ATOMIC_RELAXED) >=
      LEAST_TO_KEEP + its.live / (sinks ? (size_t)SHARE_TO_KEEP_SINKING : SHARE_TO_KEEP);
  return its;
}

/** Counts a round of a loop; after some that were smaller than others it begins anew. */
static void count_round(struct aml_internal_slab_loop *loop, const struct balance *its) {
  const bool is_smaller = loop->rises != 0 && its->mark + its->sink < loop->peak;
  loop->smaller = is_smaller ? loop->smaller + 1 : 0;
  if (!is_smaller)
    loop->peak = its->mark;
  if (loop->smaller == SMALLER_ROUNDS)
    loop->rises = 0;
  else if (loop->rises < LOOP_ROUNDS)
    ++loop->rises;
}

/** Takes note of how live bytes have changed. Returns: whether what is free stays, for a loop. */
static bool is_in_loop(bins_type *bins, const struct balance *its, int64_t now) {
  struct aml_internal_slab_loop *const loop = &bins->loop;
  const bool has_risen = its->mark > loop->seen_size + its->sink;
  const int64_t last = its->put_off_ns > bins->purged_ns ? its->put_off_ns : bins->purged_ns;
  if (now - last >= SHORTLY_NS)
    loop->rises = 0;
  else if (has_risen && loop->has_sunk)
    count_round(loop, its);
  loop->seen_size = its->live;
  const bool has_sunk = its->has_sunk || (loop->has_sunk && !has_risen);
  __atomic_store_n(&loop->has_sunk, has_sunk, __ATOMIC_RELAXED);
  const bool stays = loop->rises == LOOP_ROUNDS && (has_risen || its->put_off_ns != 0);
  const int64_t put_off_ns = !stays ? 0 : has_risen ? now : its->put_off_ns;
  __atomic_store_n(&loop->put_off_ns, put_off_ns, __ATOMIC_RELAXED);
  return stays;
}

/** From now on it is counted anew what there is to give back. */
static void begin_anew(bins_type *bins, size_t live) {
  __atomic_store_n(&bins->mark, live, __ATOMIC_RELAXED);
  __atomic_store_n(&bins->gathered_size, 0, __ATOMIC_RELAXED);
}

static bool is_due(const struct balance *its, int64_t now) {
  return its->has_sunk || its->has_gathered ||
         (its->put_off_ns != 0 && now - its->put_off_ns >= SHORTLY_NS);
}

/** Gives memory back if there is much, now, or puts that off. Returns: whether it did, as live
 * bytes have sunk. */
static bool give_back_or_wait(bins_type *bins) {
  const int64_t now = now_ns();
  const struct balance its = balance_of(bins);
  if (!is_due(&its, now))
    return false;
  const bool stays = is_in_loop(bins, &its, now);
  begin_anew(bins, its.live);
  if (stays)
    return false;
  give_back(bins, its.live);
  const bool sinks = its.live + its.live / SHARE_OF_NOISE < bins->purged_size;
  __atomic_store_n(&bins->sinks, sinks, __ATOMIC_RELAXED);
  bins->purged_size = its.live;
  bins->purged_ns = now;
  return its.has_sunk || its.put_off_ns != 0;
}

bool aml_internal_slab_decay(bins_type *bins) {
  const struct balance its = balance_of(bins);
  if (bins->keeps || !(its.has_sunk || its.has_gathered || its.put_off_ns != 0) ||
      !aml_internal_slab_try_lock(&bins->purge_lock))
    return false;
  const bool was_done = give_back_or_wait(bins);
  aml_internal_slab_unlock(&bins->purge_lock);
  return was_done;
}

int aml_internal_slab_bins_trim(bins_type *bins, size_t keep, size_t *released) {
  aml_internal_slab_lock(&bins->purge_lock);
  (void)aml_internal_slab_empty_depots(bins);
  if (bins->heap.source.can_purge && keep == 0)
    for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i)
      purge_all(bins, i);
  const int err = aml_internal_slab_release(&bins->heap, keep, released);
  const size_t live = __atomic_load_n(&bins->live_size, __ATOMIC_RELAXED);
  begin_anew(bins, live);
  judge_thin(bins, live);
  __atomic_store_n(&bins->loop.put_off_ns, 0, __ATOMIC_RELAXED);
  aml_internal_slab_unlock(&bins->purge_lock);
  return err;
}

void aml_internal_slab_count_blocks(bins_type *bins, uint64_t *count, uint64_t *size) {
  *count = 0;
  *size = 0;
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i) {
    bin_type *const bin = aml_internal_slab_bin_of(bins, i);
    if (bin == NULL)
      continue;
    aml_internal_slab_lock(&bin->lock);
    const size_t live = bin->live_count - (bin->depot == NULL ? 0 : bin->depot->count);
    aml_internal_slab_unlock(&bin->lock);
    *count += live;
    *size += (uint64_t)live * aml_internal_slab_classes[i].size;
  }
  aml_internal_slab_lock(&bins->heap.lock);
  *count += bins->heap.large_count;
  *size += bins->heap.large_size;
  aml_internal_slab_unlock(&bins->heap.lock);
}

void aml_internal_slab_bins_reset(bins_type *bins) {
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i) {
    bin_type *const bin = aml_internal_slab_bin_of(bins, i);
    if (bin == NULL)
      continue;
    memset(bin->lists, 0, sizeof bin->lists);
    bin->candidates = NULL;
    bin->live_count = 0;
    bin->block_count = 0;
    bin->is_sparse = false;
    if (bin->depot != NULL)
      aml_internal_slab_close_depot(bin->depot);
  }
  __atomic_store_n(&bins->live_size, 0, __ATOMIC_RELAXED);
  begin_anew(bins, 0);
  bins->loop = (struct aml_internal_slab_loop){0};
  bins->purged_size = 0;
  bins->sinks = false;
  bins->is_thin = false;
  aml_internal_slab_heap_reset(&bins->heap);
}

void aml_internal_slab_bins_lock(bins_type *bins) {
  aml_internal_slab_lock(&bins->purge_lock);
  aml_internal_slab_lock(&bins->groups_lock);
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i)
    if (aml_internal_slab_bin_of(bins, i) != NULL)
      aml_internal_slab_lock(&aml_internal_slab_bin_of(bins, i)->lock);
  aml_internal_slab_lock(&bins->heap.lock);
}

void aml_internal_slab_bins_unlock(bins_type *bins) {
  aml_internal_slab_unlock(&bins->heap.lock);
  for (unsigned i = AML_INTERNAL_SLAB_CLASS_COUNT; i-- != 0;)
    if (aml_internal_slab_bin_of(bins, i) != NULL)
      aml_internal_slab_unlock(&aml_internal_slab_bin_of(bins, i)->lock);
  aml_internal_slab_unlock(&bins->groups_lock);
  aml_internal_slab_unlock(&bins->purge_lock);
}

/** What spans of a class must add up to. */
struct tally {
  size_t live;
  size_t blocks;
  size_t listed;
};

static const char *check_blocks(const span_type *span, struct tally *tally) {
  const class_type *const its = &aml_internal_slab_classes[span->class_index];
  const size_t count = aml_internal_slab_count(span->free_bits, 0, its->capacity);
  if (span->capacity != its->capacity || span->units != its->units)
    return "has a span that is not like those of its class";
  if (count != span->free_count || count >= span->capacity || span->looked_count > count)
    return "has a span that counts its free blocks wrong, or has no other";
  if (span->units <= AML_INTERNAL_SLAB_MAX_MANY_UNITS &&
      (span->clean & ~free_units(span, its)) != 0)
    return "has blocks in units that are said to be clean";
  tally->live += its->capacity - count;
  tally->blocks += its->capacity;
  tally->listed += span->free_count != 0;
  return (span->fullness == AML_INTERNAL_SLAB_FULL) == (span->free_count == 0)
             ? NULL
             : "has a span that is full and in a list, or neither";
}

static const char *check_bin(const bin_type *bin, const struct tally *tally) {
  size_t listed = 0;
  if (bin == NULL)
    return tally->live == 0 ? NULL : "has blocks of a class that it does not know";
  for (unsigned list = 0; list < AML_INTERNAL_SLAB_LISTS; ++list)
    for (const span_type *span = bin->lists[list]; span != NULL; span = span->next, ++listed)
      if (span->fullness != list)
        return "has a span in a wrong list";
  for (const span_type *span = bin->candidates; span != NULL; span = span->next_candidate)
    if (!span->is_candidate || span->state != AML_INTERNAL_SLAB_BLOCKS)
      return "has a candidate that is none";
  if (listed != tally->listed || bin->live_count != tally->live ||
      bin->block_count != tally->blocks)
    return "has other blocks of a class than it counts";
  if (bin->depot == NULL)
    return NULL;
  if (!aml_internal_slab_is_depot_right(bin->depot))
    return "has a depot that counts its blocks wrong";
  return bin->depot->count <= bin->live_count ? NULL
                                              : "has more blocks in a depot than spans are without";
}

/** Checks the spans of blocks, which the check of the heap has found to be where they must. */
static const char *check_spans(const bins_type *bins, struct tally *tallies) {
  const struct aml_internal_slab_chunk *chunk = bins->heap.chunks;
  const char *broken = NULL;
  for (; chunk != NULL && broken == NULL; chunk = chunk->next)
    for (size_t unit = 0; unit < chunk->units && broken == NULL;) {
      const span_type *const span =
          aml_internal_slab_find_span(&bins->heap.map, chunk->base + unit * UNIT);
      if (span->state == AML_INTERNAL_SLAB_BLOCKS)
        broken = check_blocks(span, &tallies[span->class_index]);
      unit += span->units;
    }
  return broken;
}

const char *aml_internal_slab_bins_check(bins_type *bins) {
  struct tally tallies[AML_INTERNAL_SLAB_CLASS_COUNT] = {{0}};
  aml_internal_slab_bins_lock(bins);
  const char *broken = aml_internal_slab_heap_check_locked(&bins->heap);
  if (broken == NULL)
    broken = check_spans(bins, tallies);
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT && broken == NULL; ++i)
    broken = check_bin(aml_internal_slab_bin_of(bins, i), &tallies[i]);
  aml_internal_slab_bins_unlock(bins);
  return broken;
}
