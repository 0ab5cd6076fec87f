// SPDX-License-Identifier: BSD-3-Clause

#include "area/internal/fallback_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/core/error.h"

static const unsigned OF_ALL = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE | AML_AREA_ZEROED |
                               AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE |
                               AML_AREA_CAN_RESIZE | AML_AREA_CAN_PURGE | AML_AREA_CAN_SYNC;
static const unsigned OF_ANY = AML_AREA_SHARED | AML_AREA_FILE_BACKED | AML_AREA_DEVICE;
static const unsigned OF_NUMBERS = AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE;

void aml_internal_fallback_add_reason(struct aml_internal_fallback_reasons *reasons, size_t index,
                                      const struct aml_area *area) {
  const char *sentence = aml_error_detail();
  const size_t call_size = strlen(reasons->call);
  if (strncmp(sentence, reasons->call, call_size) == 0 &&
      strncmp(sentence + call_size, ": ", 2) == 0)
    sentence += call_size + 2;
  reasons->err = aml_error_code();
  const size_t room = sizeof reasons->text - reasons->size;
  const size_t share = sizeof reasons->text / reasons->count;
  const size_t most = share < room ? share : room;
  const int size = snprintf(reasons->text + reasons->size, most, "%sarea %zu (%s): %s",
                            reasons->size == 0 ? "" : "; ", index, area->ops->name, sentence);
  if (size > 0 && most > 0)
    reasons->size += (size_t)size < most ? (size_t)size : most - 1;
}

/** What areas can do together. */
static unsigned join_capabilities(unsigned joined, unsigned next) {
  const unsigned both = (joined & next & OF_ALL) | ((joined | next) & OF_ANY);
  return ((joined ^ next) & AML_AREA_DEVICE) != 0 ? both & ~OF_NUMBERS : both;
}

/** Makes of what is true of some areas what is true of one more, too. */
static void join(struct aml_area_info *joined, const struct aml_area_info *next) {
  static const struct aml_native_handle none = {.kind = AML_NATIVE_NONE};
  // Where numbers of nodes and of devices are mixed, none has a meaning.
  const bool is_mixed = ((joined->capabilities ^ next->capabilities) & AML_AREA_DEVICE) != 0;
  joined->capabilities = join_capabilities(joined->capabilities, next->capabilities);
  joined->granted &= next->granted;
  if (next->granularity > joined->granularity)
    joined->granularity = next->granularity;
  if (next->max_alignment < joined->max_alignment)
    joined->max_alignment = next->max_alignment;
  joined->native = none;
  if (next->page_size > joined->page_size)
    joined->page_size = next->page_size;
  if (next->policy != joined->policy)
    joined->policy = AML_POLICY_DEFAULT;
  if (is_mixed || aml_nodeset_is_empty(&joined->devices) || aml_nodeset_is_empty(&next->devices))
    joined->devices = (struct aml_nodeset){{0}};
  else
    aml_nodeset_unite(&joined->devices, &next->devices);
  uint64_t *const quantities[] = {&joined->read_bandwidth_mib_s, &joined->write_bandwidth_mib_s,
                                  &joined->read_latency_ns, &joined->write_latency_ns};
  const uint64_t others[] = {next->read_bandwidth_mib_s, next->write_bandwidth_mib_s,
                             next->read_latency_ns, next->write_latency_ns};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i)
    if (*quantities[i] != others[i])
      *quantities[i] = AML_UNKNOWN;
}

int aml_internal_fallback_whole_info(const struct aml_area_fallback_state *state,
                                     struct aml_area_info *result) {
  struct aml_area_info joined = {0};
  for (size_t i = 0; i < state->count; ++i) {
    struct aml_area_info next = {0};
    const int err = aml_area_get_info(state->members[i].area, NULL, &next);
    if (err)
      return err;
    if (i == 0)
      joined = next;
    else
      join(&joined, &next);
  }
  *result = joined;
  return 0;
}

int aml_internal_fallback_require(const char *call, const struct aml_area *area,
                                  unsigned capability) {
  if (aml_internal_fallback_state_of(area) == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is not initialised");
  if ((aml_internal_fallback_state_of(area)->capabilities & capability) != capability)
    return aml_error_set(-AML_ENOTSUP, call, "area", "is of areas of which one cannot do this");
  return 0;
}

void aml_internal_fallback_put(struct aml_area_fallback_state *state, const void *pointer,
                               struct aml_internal_fallback_record *record) {
  (void)pthread_mutex_lock(&state->lock);
  struct aml_area_fallback_stats *stats;
  for (struct aml_internal_mapping *stale;
       (stale = aml_internal_mappings_put(&state->mappings, pointer, &record->mapping)) != NULL;
       free(stale)) {
    stats = &state->members[((struct aml_internal_fallback_record *)stale)->index].stats;
    --stats->live_count;
    stats->live_size -= stale->range.size;
  }
  stats = &state->members[record->index].stats;
  ++stats->live_count;
  stats->live_size += record->mapping.range.size;
  (void)pthread_mutex_unlock(&state->lock);
}

int aml_internal_fallback_take(struct aml_area_fallback_state *state, const char *call,
                               const void *pointer, const char *size_name, size_t size,
                               struct aml_internal_fallback_record **record) {
  struct aml_internal_mapping *mapping = NULL;
  (void)pthread_mutex_lock(&state->lock);
  const int err = aml_internal_mappings_take(&state->mappings, call, pointer, size_name, size,
                                             state->granularity, &mapping);
  if (!err) {
    *record = (struct aml_internal_fallback_record *)mapping;
    struct aml_area_fallback_stats *const stats = &state->members[(*record)->index].stats;
    --stats->live_count;
    stats->live_size -= mapping->range.size;
  }
  (void)pthread_mutex_unlock(&state->lock);
  return err;
}

bool aml_internal_fallback_find(struct aml_area_fallback_state *state, const void *pointer,
                                struct aml_internal_fallback_record *record) {
  (void)pthread_mutex_lock(&state->lock);
  const struct aml_internal_fallback_record *const found =
      (const struct aml_internal_fallback_record *)aml_internal_mappings_find(&state->mappings,
                                                                              pointer);
  if (found != NULL)
    *record = *found;
  (void)pthread_mutex_unlock(&state->lock);
  return found != NULL;
}
