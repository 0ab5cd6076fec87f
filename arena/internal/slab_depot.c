// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_depot.h"

#include <stdlib.h>
#include <string.h>

typedef struct aml_internal_slab_depot depot_type;

enum {
  BATCHES = AML_INTERNAL_SLAB_DEPOT_BATCHES,
  LINE = _Alignof(depot_type),
  ALL = (1 << BATCHES) - 1
};

size_t aml_internal_slab_depot_size(size_t room) {
  const size_t size = sizeof(depot_type) + BATCHES * room * sizeof(void *);
  return (size + LINE - 1) / LINE * LINE;
}

void aml_internal_slab_close_depot(depot_type *depot) {
  memset(depot, 0, offsetof(depot_type, room));
  depot->is_open = false;
}

depot_type *aml_internal_slab_make_depot(size_t room) {
  depot_type *const depot = aligned_alloc(LINE, aml_internal_slab_depot_size(room));
  if (depot == NULL)
    return NULL;
  depot->room = (uint16_t)room;
  aml_internal_slab_close_depot(depot);
  return depot;
}

/** A bit for each batch of a giver. */
static unsigned batches_of(const depot_type *depot, const void *giver) {
  unsigned bits = 0;
  for (unsigned i = 0; i < BATCHES; ++i)
    bits |= (unsigned)(depot->givers[i] == giver) << i;
  return bits;
}

/** A bit for each batch of so many blocks. */
static unsigned batches_with(const depot_type *depot, size_t count) {
  unsigned bits = 0;
  for (unsigned i = 0; i < BATCHES; ++i)
    bits |= (unsigned)(depot->counts[i] == count) << i;
  return bits;
}

/** The batches to take from: for who gives as well its own, or others' if more than half of the
 * room is used; for who only takes, or took all that it gave and comes again, all. */
static unsigned batches_for_taker(depot_type *depot, const void *taker) {
  const unsigned filled = ALL & ~batches_with(depot, 0);
  const unsigned own = taker == NULL ? 0 : batches_of(depot, taker);
  if ((own & filled) != 0)
    return own & filled;
  if (own == 0 || depot->count > BATCHES / 2 * depot->room)
    return filled;
  for (unsigned i = 0; i < BATCHES; ++i)
    if (depot->givers[i] == taker)
      depot->givers[i] = NULL;
  return 0;
}

size_t aml_internal_slab_depot_take(depot_type *depot, const void *taker, size_t count,
                                    void **blocks) {
  size_t got = 0;
  for (unsigned rest = batches_for_taker(depot, taker); rest != 0 && got < count;) {
    const unsigned i = 31 - (unsigned)__builtin_clz(rest);
    const size_t some = count - got < depot->counts[i] ? count - got : depot->counts[i];
    depot->counts[i] = (uint16_t)(depot->counts[i] - some);
    memcpy(&blocks[got], aml_internal_slab_depot_batch(depot, i) + depot->counts[i],
           some * sizeof *blocks);
    got += some;
    rest &= ~(1u << i);
  }
  depot->count = (uint16_t)(depot->count - got);
  return got;
}

/** The batches with room to give to: the giver's own; else nobody's; else empty ones; else any. */
static unsigned batches_for_giver(const depot_type *depot, const void *giver) {
  const unsigned all = ALL & ~batches_with(depot, depot->room);
  const unsigned own = all & batches_of(depot, giver);
  const unsigned nobodys = all & batches_of(depot, NULL);
  const unsigned empty = batches_with(depot, 0);
  return own != 0 ? own : nobodys != 0 ? nobodys : empty != 0 ? empty : all;
}

bool aml_internal_slab_depot_give(depot_type *depot, const void *giver, size_t count,
                                  void *const *blocks) {
  if (!depot->is_open || count + depot->count > (size_t)BATCHES * depot->room)
    return false;
  while (count != 0) {
    const unsigned i = (unsigned)__builtin_ctz(batches_for_giver(depot, giver));
    const size_t room = (size_t)depot->room - depot->counts[i];
    const size_t some = count < room ? count : room;
    if (depot->counts[i] == 0)
      depot->givers[i] = giver;
    memcpy(aml_internal_slab_depot_batch(depot, i) + depot->counts[i], blocks,
           some * sizeof *blocks);
    depot->counts[i] = (uint16_t)(depot->counts[i] + some);
    depot->count = (uint16_t)(depot->count + some);
    blocks += some;
    count -= some;
  }
  return true;
}

bool aml_internal_slab_is_depot_right(const depot_type *depot) {
  size_t count = 0;
  for (unsigned i = 0; i < BATCHES; ++i) {
    if (depot->counts[i] > depot->room)
      return false;
    count += depot->counts[i];
  }
  return count == depot->count && (depot->is_open || count == 0);
}
