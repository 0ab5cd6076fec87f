// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_runs.h"

typedef struct aml_internal_slab_runs runs_type;
typedef struct aml_internal_slab_span span_type;

// Lists up to 15 hold one size; power 4 begins at 16. Of a list, so many runs are looked at.
enum { EXACT = 16, EXACT_POWER = 4, STEPS_POWER = 2, LOOKS = 8 };

unsigned aml_internal_slab_run_list(size_t units) {
  if (units < EXACT)
    return (unsigned)units;
  const unsigned power = 63u - (unsigned)__builtin_clzll((unsigned long long)units);
  const unsigned step = (unsigned)(units >> (power - STEPS_POWER)) & ((1u << STEPS_POWER) - 1);
  const unsigned list = EXACT + ((power - EXACT_POWER) << STEPS_POWER) + step;
  return list < AML_INTERNAL_SLAB_RUN_LISTS ? list : AML_INTERNAL_SLAB_RUN_LISTS - 1;
}

void aml_internal_slab_runs_put(runs_type *runs, span_type *run) {
  const unsigned list = aml_internal_slab_run_list(run->units);
  aml_internal_slab_link(&runs->lists[list], run);
  runs->used[list / 64] |= UINT64_C(1) << (list % 64);
}

void aml_internal_slab_runs_remove(runs_type *runs, span_type *run) {
  const unsigned list = aml_internal_slab_run_list(run->units);
  aml_internal_slab_unlink(&runs->lists[list], run);
  if (runs->lists[list] == NULL)
    runs->used[list / 64] &= ~(UINT64_C(1) << (list % 64));
}

/** The smallest run that fits, of the first `looks` in a list; or null. */
static span_type *look(span_type *run, size_t units, size_t looks) {
  span_type *best = NULL;
  for (; run != NULL && looks != 0; run = run->next, --looks)
    if (run->units >= units && (best == NULL || run->units < best->units))
      best = run;
  return best;
}

/** The first list from `list` on that is not empty, or RUN_LISTS. */
static unsigned next_list(const runs_type *runs, unsigned list) {
  for (; list < AML_INTERNAL_SLAB_RUN_LISTS; list = (list / 64 + 1) * 64) {
    const uint64_t rest = runs->used[list / 64] >> (list % 64);
    if (rest != 0)
      return list + (unsigned)__builtin_ctzll(rest);
  }
  return AML_INTERNAL_SLAB_RUN_LISTS;
}

span_type *aml_internal_slab_runs_find(const runs_type *runs, size_t units) {
  const unsigned list = aml_internal_slab_run_list(units);
  span_type *const found = look(runs->lists[list], units, LOOKS);
  if (found != NULL)
    return found;
  const unsigned larger = next_list(runs, list + 1);
  if (larger < AML_INTERNAL_SLAB_RUN_LISTS)
    return look(runs->lists[larger], units, LOOKS);
  return look(runs->lists[list], units, SIZE_MAX);
}
