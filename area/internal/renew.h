// SPDX-License-Identifier: BSD-3-Clause
//
// Makes a used mapping what a fresh one would be. Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_RENEW_H
#define AML_AREA_INTERNAL_RENEW_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Whether mappings of an area can be made as the options ask, zeroed and populated. */
bool aml_internal_can_renew(const struct aml_area *area,
                            const struct aml_area_map_options *options);

/**
 * Do that, where it can be done. What the host cannot write is purged.
 *
 * @param size  whole granules.
 *
 * Returns: 0; what aml_area_purge() fails with. Cost: touches pages only to zero or to populate.
 */
int aml_internal_renew(struct aml_area *area, void *pointer, size_t size,
                       const struct aml_area_map_options *options);

#ifdef __cplusplus
}
#endif

#endif
