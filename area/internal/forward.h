// SPDX-License-Identifier: BSD-3-Clause
//
// What wrappers share: operations that do the same to the area below. A wrapper's struct begins as
// struct aml_internal_forward does, and its table names these for all that it does not change.
// A wrapper that is only declared has no area below: calls say that it is null.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_FORWARD_H
#define AML_AREA_INTERNAL_FORWARD_H

#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_forward {
  struct aml_area area;
  struct aml_area *inner; /**< borrowed */
};

unsigned aml_internal_forward_capabilities(const struct aml_area *area);
int aml_internal_forward_map(struct aml_area *area, size_t size,
                             const struct aml_area_map_options *options, void **pointer);
int aml_internal_forward_unmap(struct aml_area *area, void *pointer, size_t size);
/** All but the type, which is the wrapper's. */
int aml_internal_forward_info(struct aml_area *area, const void *pointer,
                              struct aml_area_info *info);
int aml_internal_forward_bind(struct aml_area *area, void *pointer, size_t size,
                              enum aml_policy policy, const struct aml_nodeset *devices,
                              unsigned flags);
int aml_internal_forward_locate(struct aml_area *area, size_t count, void *const pointers[],
                                int devices[]);
int aml_internal_forward_move(struct aml_area *area, size_t count, void *const pointers[],
                              const int devices[], int results[]);
int aml_internal_forward_resize(struct aml_area *area, void *pointer, size_t old_size,
                                size_t new_size, unsigned flags, void **new_pointer);
int aml_internal_forward_purge(struct aml_area *area, void *pointer, size_t size);
int aml_internal_forward_sync(struct aml_area *area, void *pointer, size_t size);

/**
 * What each wrapper's _init begins with.
 *
 * @param granularity  the inner area's.
 *
 * Returns: 0; -AML_EINVAL if `area` is null or its table is not `ops`, or `inner` is null or `area`
 * itself; what the inner area's info fails with.
 */
int aml_internal_forward_check(const char *call, const struct aml_area *area,
                               const struct aml_area_ops *ops, struct aml_area *inner,
                               size_t *granularity);

#ifdef __cplusplus
}
#endif

#endif
