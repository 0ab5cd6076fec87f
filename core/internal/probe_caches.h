// SPDX-License-Identifier: BSD-3-Clause
//
// The last-level caches of CPUs, as sysfs tells them.
//
// Threads: thread-safe.

#ifndef AML_CORE_INTERNAL_PROBE_CACHES_H
#define AML_CORE_INTERNAL_PROBE_CACHES_H

#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes; 0 where sysfs does not tell, and 64 for lines. */
struct aml_internal_probe_caches {
  uint64_t total;   /**< of all last-level caches that the CPUs have, each counted once */
  uint64_t largest; /**< of one of them */
  uint64_t line_size;
};

/**
 * Read them.
 *
 * @param sysfs  "/sys", or a copy of such a tree.
 *
 * Returns: 0; -AML_ENOMEM; the system's reason if there are no descriptors or memory left.
 */
AML_MUST_CHECK int aml_internal_probe_read_caches(const char *call, const char *sysfs,
                                                  const struct aml_cpuset *cpus,
                                                  struct aml_internal_probe_caches *caches);

#ifdef __cplusplus
}
#endif

#endif
