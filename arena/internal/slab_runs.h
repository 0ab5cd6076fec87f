// SPDX-License-Identifier: BSD-3-Clause
//
// Free runs of arena:slab, in lists by size: of one size up to 15 units, from there four lists for
// each power of two.

#ifndef AML_ARENA_INTERNAL_SLAB_RUNS_H
#define AML_ARENA_INTERNAL_SLAB_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_SLAB_RUN_LISTS = 96 };

/** Runs; zeroed, none. A bit of `used` for each list that is not empty. */
struct aml_internal_slab_runs {
  uint64_t used[2];
  struct aml_internal_slab_span *lists[AML_INTERNAL_SLAB_RUN_LISTS];
};

/** The list that runs of so many units, at least 1, are in. */
unsigned aml_internal_slab_run_list(size_t units);

void aml_internal_slab_runs_put(struct aml_internal_slab_runs *runs,
                                struct aml_internal_slab_span *run);

void aml_internal_slab_runs_remove(struct aml_internal_slab_runs *runs,
                                   struct aml_internal_slab_span *run);

/** A run of at least so many units, still in its list; the smallest of the first few. Or null. */
struct aml_internal_slab_span *
aml_internal_slab_runs_find(const struct aml_internal_slab_runs *runs, size_t units);

#ifdef __cplusplus
}
#endif

#endif
