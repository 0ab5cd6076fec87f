// SPDX-License-Identifier: BSD-3-Clause

#include "area/internal/kept.h"

typedef struct aml_internal_kept_link link_type;
typedef struct aml_internal_kept_record record_type;

static void ring_init(link_type *ring) {
  *ring = (link_type){.next = ring, .previous = ring};
}

static void ring_add(link_type *after, link_type *link) {
  *link = (link_type){.next = after->next, .previous = after};
  after->next->previous = link;
  after->next = link;
}

static void ring_remove(const link_type *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
}

static record_type *of_size_link(link_type *link) {
  return (record_type *)((char *)link - offsetof(record_type, by_size));
}

/** The bucket of a size: the sizes of a program often differ by powers of two. */
static link_type *bucket_of(struct aml_internal_kept *kept, size_t size) {
  const size_t granules = size / kept->granularity;
  return &kept->by_size[(granules ^ (granules >> 6) ^ (granules >> 12)) %
                        AML_INTERNAL_KEPT_BUCKETS];
}

void aml_internal_kept_init(struct aml_internal_kept *kept, size_t granularity) {
  *kept = (struct aml_internal_kept){.granularity = granularity};
  ring_init(&kept->by_age);
  for (size_t i = 0; i < AML_INTERNAL_KEPT_BUCKETS; ++i)
    ring_init(&kept->by_size[i]);
}

void aml_internal_kept_add(struct aml_internal_kept *kept, record_type *record, bool is_youngest) {
  link_type *const bucket = bucket_of(kept, record->mapping.range.size);
  ring_add(is_youngest ? &kept->by_age : kept->by_age.previous, &record->by_age);
  ring_add(is_youngest ? bucket : bucket->previous, &record->by_size);
  ++kept->count;
  kept->size += record->mapping.range.size;
}

void aml_internal_kept_remove(struct aml_internal_kept *kept, record_type *record) {
  ring_remove(&record->by_age);
  ring_remove(&record->by_size);
  --kept->count;
  kept->size -= record->mapping.range.size;
}

record_type *aml_internal_kept_oldest(const struct aml_internal_kept *kept) {
  if (kept->count == 0)
    return NULL;
  return (record_type *)((char *)kept->by_age.previous - offsetof(record_type, by_age));
}

record_type *aml_internal_kept_find(struct aml_internal_kept *kept, size_t size, size_t alignment) {
  link_type *const bucket = bucket_of(kept, size);
  for (link_type *at = bucket->next; at != bucket; at = at->next) {
    const struct aml_internal_range *const range = &of_size_link(at)->mapping.range;
    if (range->size == size && (alignment == 0 || range->start % alignment == 0))
      return of_size_link(at);
  }
  return NULL;
}
