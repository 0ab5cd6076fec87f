// SPDX-License-Identifier: BSD-3-Clause
//
// What the sources of area:fallback share: its state, the record of each mapping, what several
// areas have in common, and the sentence for when none of them can.

#ifndef AML_AREA_INTERNAL_FALLBACK_STATE_H
#define AML_AREA_INTERNAL_FALLBACK_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "aml/area/fallback.h"
#include "aml/area/internal/mappings.h"
#include "aml/area/internal/ranges.h"
#include "aml/core/area.h"
#include "aml/core/nodeset.h"

struct aml_internal_fallback_record {
  struct aml_internal_mapping mapping;
  size_t index; /**< of the area that it came from */
};

struct aml_internal_fallback_member {
  struct aml_area *area;
  size_t granularity;
  struct aml_area_fallback_stats stats;
};

struct aml_area_fallback_state {
  pthread_mutex_t lock; /**< guards mappings, and what is live of the members' stats; the counts
                             are atomic */
  struct aml_internal_ranges mappings;
  unsigned capabilities;
  unsigned reasons;
  size_t granularity;
  size_t max_alignment;
  size_t count;
  struct aml_internal_fallback_member members[];
};

/** What areas said that could not. */
struct aml_internal_fallback_reasons {
  const char *call; /**< which their sentences begin with */
  size_t count;     /**< of areas that will speak at most; each has its share of the text */
  size_t size;
  int err; /**< the code of the last */
  char text[256];
};

/** The state of an area of this type; null: it is only declared. */
static inline struct aml_area_fallback_state *
aml_internal_fallback_state_of(const struct aml_area *area) {
  return ((const struct aml_area_fallback *)area)->state;
}

/** Add the calling thread's last failure as that of an area. */
void aml_internal_fallback_add_reason(struct aml_internal_fallback_reasons *reasons, size_t index,
                                      const struct aml_area *area);

/** Tell what is true of all mappings, by the areas' info. */
int aml_internal_fallback_whole_info(const struct aml_area_fallback_state *state,
                                     struct aml_area_info *result);

/** Refuse an area that is only declared, or lacks a capability. */
int aml_internal_fallback_require(const char *call, const struct aml_area *area,
                                  unsigned capability);

/** Put a record in; its range's size is set. */
void aml_internal_fallback_put(struct aml_area_fallback_state *state, const void *pointer,
                               struct aml_internal_fallback_record *record);

/** Take a record out, as aml_internal_mappings_take() does. */
int aml_internal_fallback_take(struct aml_area_fallback_state *state, const char *call,
                               const void *pointer, const char *size_name, size_t size,
                               struct aml_internal_fallback_record **record);

/** Copy the record of the mapping that an address is in; false: there is none. */
bool aml_internal_fallback_find(struct aml_area_fallback_state *state, const void *pointer,
                                struct aml_internal_fallback_record *record);

// The operations that the area which has a range does.

int aml_internal_fallback_bind(struct aml_area *area, void *pointer, size_t size,
                               enum aml_policy policy, const struct aml_nodeset *devices,
                               unsigned flags);
int aml_internal_fallback_purge(struct aml_area *area, void *pointer, size_t size);
int aml_internal_fallback_sync(struct aml_area *area, void *pointer, size_t size);
int aml_internal_fallback_locate(struct aml_area *area, size_t count, void *const pointers[],
                                 int devices[]);
int aml_internal_fallback_move(struct aml_area *area, size_t count, void *const pointers[],
                               const int devices[], int results[]);

#endif
