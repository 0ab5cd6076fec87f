// SPDX-License-Identifier: BSD-3-Clause
//
// What is called of jemalloc, by the names that it is linked in under (third_party/system.bzl).

#ifndef AML_ARENA_INTERNAL_JEMALLOC_CALLS_H
#define AML_ARENA_INTERNAL_JEMALLOC_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include <jemalloc/jemalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

// A shared object that has AML in it exports none of them.
#pragma GCC visibility push(hidden)
extern __typeof__(mallocx) aml_internal_jemalloc_mallocx;
extern __typeof__(rallocx) aml_internal_jemalloc_rallocx;
extern __typeof__(sallocx) aml_internal_jemalloc_sallocx;
extern __typeof__(nallocx) aml_internal_jemalloc_nallocx;
extern __typeof__(dallocx) aml_internal_jemalloc_dallocx;
extern __typeof__(sdallocx) aml_internal_jemalloc_sdallocx;
extern __typeof__(mallctl) aml_internal_jemalloc_mallctl;
extern const char *aml_internal_jemalloc_malloc_conf;
#pragma GCC visibility pop

/** What experimental.arenas_create_ext takes; from jemalloc 5.3's arena_types.h. */
struct aml_internal_jemalloc_arena_config {
  extent_hooks_t *hooks;
  bool metadata_use_hooks; /**< whether jemalloc's records of the arena lie in its memory */
};

#ifdef __cplusplus
}
#endif

#endif
