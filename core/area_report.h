// SPDX-License-Identifier: BSD-3-Clause
//
// Where the memory of an area really is, and in pages of which size. For any area that can locate.
//
//     static struct aml_area_pages report;
//     if (aml_area_report(area, v, size, &report) == 0)
//       printf("%zu of %zu bytes on device 2\n", report.device_size[2], report.size);
//
// Threads: thread-safe, as areas are.

#ifndef AML_CORE_AREA_REPORT_H
#define AML_CORE_AREA_REPORT_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How many sizes of pool pages a report tells apart; the rest is of unknown size. */
enum { AML_AREA_PAGES_POOLS = 4 };

/** What lies in pages from a pool of huge pages. */
struct aml_area_pages_in_pool {
  size_t page_size; /**< bytes of such a page; 0: the entry is not used */
  size_t size;      /**< bytes */
};

/**
 * Where a range of memory is; all are bytes of whole pages.
 *
 * size == absent_size + unlocated_size + present, and present == the sum of device_size ==
 * base_size + transparent_size + the sizes of pools + unknown_size.
 */
struct aml_area_pages {
  size_t size;             /**< the range, grown to whole pages */
  size_t absent_size;      /**< not present */
  size_t unlocated_size;   /**< of which the area could not tell where it is */
  size_t base_size;        /**< in pages of the system's base size */
  size_t transparent_size; /**< in transparent huge pages */
  size_t unknown_size;     /**< in pages of a size that cannot be told */
  struct aml_area_pages_in_pool pools[AML_AREA_PAGES_POOLS];
  size_t device_size[AML_NODESET_CAPACITY]; /**< on each device */
};

/**
 * Find out where the pages of a range are, and how large they are.
 *
 * A page's size is known for memory of this process on Linux: that of pool pages always, that of
 * transparent ones from Linux 6.7, and before where all of a system's mapping is of one kind. What
 * other threads do to the range meanwhile may or may not count.
 *
 * @param area     can locate.
 * @param pointer  an address in a mapping.
 * @param size     bytes, not 0; the range ends in the same mapping.
 * @param report   filled wholly; 8 KiB, so rather not on a small stack.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOTSUP; what aml_area_get_info() and locate fail with.
 * Cost: locates some hundreds of pages per call; reads the system's list of mappings up to the
 * range. No page is touched, nothing is allocated.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_report(struct aml_area *area, void *pointer, size_t size,
                                              struct aml_area_pages *report);

#ifdef __cplusplus
}
#endif

#endif
