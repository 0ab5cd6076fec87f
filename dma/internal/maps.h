// SPDX-License-Identifier: BSD-3-Clause
//
// What the kernel says of the mappings of this process.

#ifndef AML_DMA_INTERNAL_MAPS_H
#define AML_DMA_INTERNAL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where the kernel is asked. */
struct aml_internal_maps {
  int descriptor;   /**< -1: it tells by text alone, or not at all */
  uint64_t process; /**< that opened the descriptor, which tells of no other */
};

void aml_internal_maps_open(struct aml_internal_maps *maps);

void aml_internal_maps_close(struct aml_internal_maps *maps);

/**
 * Whether each of two ranges of `size` bytes lies in one mapping that is private, of no file, and
 * may be read and written. False also where that cannot be found out.
 *
 * Cost: half a microsecond for each mapping from Linux 6.11 on; else, and in the child of a fork,
 * some hundred nanoseconds for each mapping below it.
 */
bool aml_internal_maps_are_private(const struct aml_internal_maps *maps, const void *one,
                                   const void *other, size_t size);

#ifdef __cplusplus
}
#endif

#endif
