// SPDX-License-Identifier: BSD-3-Clause
//
// Which threads are near which memory. The home of memory is, of the nodes on whose CPUs the
// threads of a dma run, the nearest one to its node; so memory of nodes without CPUs has one too. A
// home is a node's number plus 1, or 0 for none: a page that nobody has touched, a node to which
// two are equally near, or a system that does not tell.

#ifndef AML_DMA_INTERNAL_HOMES_H
#define AML_DMA_INTERNAL_HOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/cpuset.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_homes {
  bool are_several;                      /**< else there is nothing to tell apart */
  int16_t of_node[AML_NODESET_CAPACITY]; /**< a home */
};

/**
 * Finds out, into what is zeroed.
 *
 * @param cpus  where threads run; null: wherever the calling thread may.
 *
 * Cost: one system call where this process has memory of one node only; else aml_devices_read().
 */
void aml_internal_homes_find(struct aml_internal_homes *homes, const struct aml_cpuset *cpus);

/** The home of the memory that is nearest to the calling thread, by where it runs now. */
int16_t aml_internal_homes_here(const struct aml_internal_homes *homes);

/**
 * The homes of pages, none of which is touched.
 *
 * @param count  at most AML_INTERNAL_HOMES_AT_ONCE.
 * @param pages  addresses within them.
 *
 * Cost: a system call, in which each page takes some tenths of a microsecond.
 */
void aml_internal_homes_locate(const struct aml_internal_homes *homes, size_t count, void *pages[],
                               int16_t home[]);

enum { AML_INTERNAL_HOMES_AT_ONCE = 64 };

#ifdef __cplusplus
}
#endif

#endif
