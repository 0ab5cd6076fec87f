// SPDX-License-Identifier: BSD-3-Clause
//
// area:heap: the C heap, by posix_memalign() and free(). For systems without mmap(), and as a
// baseline: what an arena or a program costs over it is what it costs over malloc.
//
//     AML_AREA_HEAP_DECL(area);
//     int err = aml_area_heap_init(area);
//     double *v = aml_area_map(area, n * sizeof *v, NULL);
//
// Mappings are aligned to a cache line, and are zeroed by the host unless AML_AREA_MAP_NO_ZERO says
// otherwise. Where they are is the heap's affair: the area cannot bind, locate or take a hint.
//
// Threads: thread-safe, as the heap is.
// Cost: that of the heap, and of the zeroing. Nothing is recorded: unmap trusts its caller.

#ifndef AML_AREA_HEAP_H
#define AML_AREA_HEAP_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The C heap as an area; use functions. */
struct aml_area_heap {
  struct aml_area area;
  size_t page_size; /**< the system's; 0: not initialised */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_heap_ops;

/** Declare `struct aml_area *name`, to be initialised as the C heap. */
#define AML_AREA_HEAP_DECL(name)                                                                   \
  AML_BLOCK_DECL(aml_area_heap, aml_area, area, aml_area_heap_ops, name)

/**
 * Initialise an area that maps from the C heap.
 *
 * Beyond core/area.h, map refuses AML_AREA_MAP_EXACT with -AML_ENOTSUP. A resize that moves a
 * mapping keeps the alignment that its address has, up to a page; one that shrinks stays in place,
 * and the rest is the heap's again with the unmap only.
 *
 * @param area  declared by AML_AREA_HEAP_DECL, not initialised.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_heap_init(struct aml_area *area);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_heap_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_heap_create(struct aml_area **area);

#ifdef __cplusplus
}
#endif

#endif
