// SPDX-License-Identifier: BSD-3-Clause
//
// The account is a set of records, by address, and sums, under one lock. The lock is not held while
// the inner area works: a record is made before its mapping is, and is out of the set while that is
// given back or resized, so that no two records are ever of one address, and so that a call which
// the inner area refuses can put its record back.

#include "aml/area/tracked.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "aml/area/internal/forward.h"
#include "aml/area/internal/mappings.h"
#include "aml/area/internal/ranges.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

struct record {
  struct aml_internal_mapping mapping;
  const char *label;
  uint64_t number;
};

struct aml_area_tracked_account {
  pthread_mutex_t lock; // guards mappings and stats
  struct aml_internal_ranges mappings;
  struct aml_area_tracked_stats stats;
  size_t granularity;
  struct aml_area_tracked_options options;
};

_Static_assert(offsetof(struct aml_area_tracked, inner) ==
                   offsetof(struct aml_internal_forward, inner),
               "begins as every wrapper");
_Static_assert(offsetof(struct record, mapping) == 0 &&
                   offsetof(struct aml_internal_mapping, range) == 0,
               "a range begins its record");

static struct aml_area_tracked *self_of(struct aml_area *area) {
  return (struct aml_area_tracked *)area;
}

static struct aml_area_tracked_account *lock(struct aml_area *area) {
  struct aml_area_tracked_account *const account = self_of(area)->state;
  (void)pthread_mutex_lock(&account->lock);
  return account;
}

static void unlock(struct aml_area_tracked_account *account) {
  (void)pthread_mutex_unlock(&account->lock);
}

/** The greatest i for which 2^i is at most `size`. */
static unsigned class_of(size_t size) {
  return 63 - (unsigned)__builtin_clzll(size);
}

/** Puts a record in, under the lock; its range's size is set. */
static void put(struct aml_area_tracked_account *account, const void *pointer,
                struct record *record) {
  struct aml_area_tracked_stats *const stats = &account->stats;
  for (struct aml_internal_mapping *stale;
       (stale = aml_internal_mappings_put(&account->mappings, pointer, &record->mapping)) != NULL;
       free(stale)) {
    --stats->live_count;
    stats->live_size -= stale->range.size;
    ++stats->lost;
  }
  ++stats->live_count;
  stats->live_size += record->mapping.range.size;
  if (stats->live_size > stats->peak_size)
    stats->peak_size = stats->live_size;
}

/** Takes a record out, under the lock. */
static int take(struct aml_area_tracked_account *account, const char *call, const void *pointer,
                const char *size_name, size_t size, struct record **record) {
  struct aml_area_tracked_stats *const stats = &account->stats;
  struct aml_internal_mapping *mapping = NULL;
  const int err = aml_internal_mappings_take(&account->mappings, call, pointer, size_name, size,
                                             account->granularity, &mapping);
  if (err) {
    ++stats->refusals;
    ++stats->failures;
    return err;
  }
  --stats->live_count;
  stats->live_size -= mapping->range.size;
  *record = (struct record *)mapping;
  return 0;
}

static int check(const char *call, const struct aml_area *area) {
  const struct aml_area_tracked *const self = (const struct aml_area_tracked *)area;
  if (area == NULL || area->ops != &aml_area_tracked_ops || self->state == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, of another type, or not initialised");
  return 0;
}

static int count_failure(struct aml_area *area, int err) {
  struct aml_area_tracked_account *const account = lock(area);
  ++account->stats.failures;
  unlock(account);
  return err;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  int err = check("aml_area_map", area);
  if (err)
    return err;
  struct record *const record = malloc(sizeof *record);
  if (record == NULL)
    return count_failure(
        area, aml_error_set(-AML_ENOMEM, "aml_area_map", NULL, "no memory for a record"));
  void *mapped = NULL;
  err = aml_internal_forward_map(area, size, options, &mapped);
  if (err) {
    free(record);
    return count_failure(area, err);
  }
  struct aml_area_tracked_account *const account = lock(area);
  *record = (struct record){
      .mapping = {.range = {.size = size}, .size = size},
      .label = options->label != NULL ? options->label : account->options.label,
      .number = ++account->stats.maps,
  };
  // What was mapped can be rounded up.
  (void)aml_checked_round_up(size, account->granularity, &record->mapping.range.size);
  ++account->stats.histogram[class_of(size)];
  put(account, mapped, record);
  unlock(account);
  *pointer = mapped;
  return 0;
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_unmap";
  struct record *record = NULL;
  int err = check(call, area);
  if (err)
    return err;
  struct aml_area_tracked_account *account = lock(area);
  err = take(account, call, pointer, "size", size, &record);
  account->stats.unmaps += err == 0;
  unlock(account);
  if (err)
    return err;
  err = aml_internal_forward_unmap(area, pointer, record->mapping.size);
  if (!err) {
    free(record);
    return 0;
  }
  account = lock(area);
  --account->stats.unmaps;
  ++account->stats.failures;
  put(account, pointer, record);
  unlock(account);
  return err;
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  struct record *record = NULL;
  void *resized = pointer;
  int err = check(call, area);
  if (err)
    return err;
  struct aml_area_tracked_account *account = lock(area);
  err = take(account, call, pointer, "old_size", old_size, &record);
  unlock(account);
  if (err)
    return err;
  err = aml_internal_forward_resize(area, pointer, record->mapping.size, new_size, flags, &resized);
  account = lock(area);
  if (err) {
    ++account->stats.failures;
  } else {
    ++account->stats.resizes;
    record->mapping.size = new_size;
    (void)aml_checked_round_up(new_size, account->granularity, &record->mapping.range.size);
    *new_pointer = resized;
  }
  put(account, resized, record);
  unlock(account);
  return err;
}

/** What is told of a record, or of none. */
static struct aml_area_tracked_mapping describe(const struct record *record) {
  struct aml_area_tracked_mapping mapping = {0};
  if (record != NULL)
    mapping = (struct aml_area_tracked_mapping){.pointer = (void *)record->mapping.range.start,
                                                .size = record->mapping.size,
                                                .label = record->label,
                                                .number = record->number};
  return mapping;
}

/** Tells of the first mapping that does not start below an address; null: there is none. */
static struct aml_area_tracked_mapping next_from(struct aml_area *area, uintptr_t address) {
  struct aml_area_tracked_account *const account = lock(area);
  const struct aml_area_tracked_mapping mapping =
      describe((const struct record *)aml_internal_ranges_from(&account->mappings, address));
  unlock(account);
  return mapping;
}

/** Tells of the mapping that an address is in; null: there is none. */
static struct aml_area_tracked_mapping around(struct aml_area *area, const void *pointer) {
  struct aml_area_tracked_account *const account = lock(area);
  const struct aml_area_tracked_mapping mapping =
      describe((const struct record *)aml_internal_mappings_find(&account->mappings, pointer));
  unlock(account);
  return mapping;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *result) {
  static const char call[] = "aml_area_get_info";
  struct aml_area_tracked_mapping mapping = {.size = AML_UNKNOWN};
  int err = check(call, area);
  if (!err && pointer != NULL) {
    mapping = around(area, pointer);
    if (mapping.pointer == NULL)
      err = aml_error_set(-AML_EINVAL, call, "pointer", "is in no mapping");
  }
  if (!err)
    err = aml_internal_forward_info(area, pointer, result);
  if (!err)
    result->size = mapping.size;
  return err;
}

/** Says that mappings were left when the area ended, the first of which is told. */
static void complain(const struct aml_area_tracked_stats *stats,
                     const struct aml_area_tracked_mapping *first) {
  char reason[200];
  (void)snprintf(reason, sizeof reason, "has %zu live mappings of %zu bytes, the first %s%.80s",
                 stats->live_count, stats->live_size,
                 first->label == NULL ? "without a label" : "of ",
                 first->label == NULL ? "" : first->label);
  (void)aml_error_set(-AML_EBUSY, "aml_area_fini", "area", reason);
}

/** Reports what is live, and forgets it. */
static void report(struct aml_area_tracked_account *account) {
  struct aml_internal_range *range = aml_internal_ranges_from(&account->mappings, 0);
  if (range != NULL) {
    const struct aml_area_tracked_mapping first = describe((const struct record *)range);
    complain(&account->stats, &first);
  }
  for (; range != NULL; range = aml_internal_ranges_from(&account->mappings, 0)) {
    const struct aml_area_tracked_mapping mapping = describe((const struct record *)range);
    if (account->options.report != NULL)
      (void)account->options.report(account->options.context, &mapping);
    aml_internal_ranges_remove(&account->mappings, range);
    free(range);
  }
}

static void fini(struct aml_area *area) {
  struct aml_area_tracked_account *const account = self_of(area)->state;
  if (account != NULL) {
    report(account);
    (void)pthread_mutex_destroy(&account->lock);
  }
  free(account);
  *self_of(area) = (struct aml_area_tracked){.area = {.ops = &aml_area_tracked_ops}};
}

const struct aml_area_ops aml_area_tracked_ops = {
    .name = "tracked",
    .fini = fini,
    .capabilities = aml_internal_forward_capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .bind = aml_internal_forward_bind,
    .locate = aml_internal_forward_locate,
    .move = aml_internal_forward_move,
    .resize = resize,
    .purge = aml_internal_forward_purge,
    .sync = aml_internal_forward_sync,
};

int aml_area_tracked_init(struct aml_area *area, struct aml_area *inner,
                          const struct aml_area_tracked_options *options) {
  static const char call[] = "aml_area_tracked_init";
  size_t granularity = 0;
  const int err =
      aml_internal_forward_check(call, area, &aml_area_tracked_ops, inner, &granularity);
  if (err)
    return err;
  struct aml_area_tracked_account *const account = malloc(sizeof *account);
  if (account == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the account");
  *account = (struct aml_area_tracked_account){.lock = PTHREAD_MUTEX_INITIALIZER,
                                               .granularity = granularity};
  if (options != NULL)
    account->options = *options;
  *self_of(area) = (struct aml_area_tracked){
      .area = {.ops = &aml_area_tracked_ops}, .inner = inner, .state = account};
  return 0;
}

int aml_area_tracked_create(struct aml_area **area, struct aml_area *inner,
                            const struct aml_area_tracked_options *options) {
  struct aml_area *const made =
      aml_block_create("aml_area_tracked_create", "area", area, sizeof(struct aml_area_tracked),
                       &aml_area_tracked_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_tracked_init(made, inner, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

int aml_area_tracked_get_stats(struct aml_area *area, struct aml_area_tracked_stats *stats) {
  static const char call[] = "aml_area_tracked_get_stats";
  const int err = check(call, area);
  if (err)
    return err;
  if (stats == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  struct aml_area_tracked_account *const account = lock(area);
  *stats = account->stats;
  unlock(account);
  return 0;
}

int aml_area_tracked_find(struct aml_area *area, const void *pointer,
                          struct aml_area_tracked_mapping *mapping) {
  static const char call[] = "aml_area_tracked_find";
  const int err = check(call, area);
  if (err)
    return err;
  if (mapping == NULL)
    return aml_error_set(-AML_EINVAL, call, "mapping", "is null");
  const struct aml_area_tracked_mapping found = around(area, pointer);
  if (found.pointer == NULL)
    return aml_error_set(-AML_ENOENT, call, "pointer", "is in no mapping");
  *mapping = found;
  return 0;
}

int aml_area_tracked_walk(struct aml_area *area, aml_area_tracked_visit visit, void *context) {
  static const char call[] = "aml_area_tracked_walk";
  int err = check(call, area);
  if (err)
    return err;
  if (visit == NULL)
    return aml_error_set(-AML_EINVAL, call, "visit", "is null");
  struct aml_area_tracked_mapping mapping = next_from(area, 0);
  while (!err && mapping.pointer != NULL) {
    err = visit(context, &mapping);
    mapping = next_from(area, (uintptr_t)mapping.pointer + 1);
  }
  return err;
}

int aml_area_tracked_print(void *file, const struct aml_area_tracked_mapping *mapping) {
  (void)fprintf(file, "aml: live mapping %" PRIu64 " at %p of %zu bytes%s%s\n", mapping->number,
                mapping->pointer, mapping->size, mapping->label == NULL ? "" : " by ",
                mapping->label == NULL ? "" : mapping->label);
  return 0;
}
