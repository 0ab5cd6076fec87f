// SPDX-License-Identifier: BSD-3-Clause
//
// The buffer that a probe measures: anonymous memory bound to a device.
//
// Threads: thread-safe; a buffer is one thread's.

#ifndef AML_CORE_INTERNAL_PROBE_MEMORY_H
#define AML_CORE_INTERNAL_PROBE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/device_facts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_probe_memory {
  char *base;          /**< aligned to 2 MiB */
  size_t size;         /**< to be used */
  void *mapping;       /**< around it */
  size_t mapping_size; /**< bytes */
  int target;          /**< or -1: not bound */
};

/**
 * Map memory, with a wish for huge pages, and not inherited by fork; nothing is touched.
 *
 * @param target   a device to bind it to, or -1.
 * @param is_only  whether that is the machine's only one, so that it need not be bound.
 *
 * Returns: 0; -AML_ENOMEM; -AML_EINVAL, -AML_EPERM, -AML_ENOTSUP: binding failed.
 * Owns: aml_internal_probe_unmap() releases it.
 */
AML_MUST_CHECK int aml_internal_probe_map(const char *call, size_t size, int target, bool is_only,
                                          struct aml_internal_probe_memory *memory);

void aml_internal_probe_unmap(struct aml_internal_probe_memory *memory);

/**
 * Ask where each page is, once all are touched.
 *
 * Returns: 0, or -AML_EAGAIN if one is on another device than the target.
 */
AML_MUST_CHECK int aml_internal_probe_check(const char *call,
                                            const struct aml_internal_probe_memory *memory,
                                            enum aml_answer *is_on_target);

/** How many bytes of it are in transparent huge pages; 0 also if not told. */
size_t aml_internal_probe_huge_size(const struct aml_internal_probe_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
