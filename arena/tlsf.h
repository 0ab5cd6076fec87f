// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tlsf: two-level segregated fit, for those who must know what a call costs at most. Blocks
// of any size come and go in any order; free neighbours merge at once; alloc, free and a realloc in
// place are a bounded number of instructions, whatever the arena holds and has gone through.
//
//     AML_ARENA_TLSF_DECL(arena);
//     int err = aml_arena_tlsf_init(arena, NULL, &(struct aml_arena_tlsf_options){
//         .region = memory, .region_size = sizeof memory});
//     struct message *message = aml_arena_alloc(arena, size, 0, 0);
//     …
//     aml_arena_free(arena, message);
//
// The bound holds inside a region, and over an area as long as no chunk must be mapped: to grow is
// a system call of the area's, and never O(1). AML_ARENA_ZERO, and a realloc that moves, also cost
// what it takes to write the bytes.
//
// Metadata is in band: one word before each block. So the area's memory must be the host's.
//
// Threads: thread-compatible.
// Cost: alloc and free O(1), realloc O(1) where it stays; owns, trim and stats O(chunks), reset
// O(chunks) and the size classes in use.
// Fit: the first block of the smallest class that holds none too small. Up to 2 KiB a class is one
// size; above, sizes within 1/64 share one, and of the size's own class the first block is tried.
// Fragmentation: a block has one word of overhead; sizes round up to 16 bytes, 32 at least. Of M
// live bytes in blocks of which the largest is n times the smallest, the arena needs at most M (1 +
// n (1 + 1/64)) and the block that is asked for: behind each live block lies at most one free one,
// which was too small. Best fit, which this comes near, does need almost n M for some sequences of
// calls (Robson, "Worst Case Fragmentation of First Fit and Best Fit Storage Allocation
// Strategies", The Computer Journal 20(3), 1977); what random ones cost is in tlsf_benchmark.cc.

#ifndef AML_ARENA_TLSF_H
#define AML_ARENA_TLSF_H

#include <stddef.h>

#include "aml/arena/internal/source.h"
#include "aml/arena/internal/tlsf_heap.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An arena of two-level segregated fit; use functions. */
struct aml_arena_tlsf {
  struct aml_arena arena;
  struct aml_internal_tlsf_heap heap;
  struct aml_internal_source source; /**< of chunks */
};

/** How such an arena is made; each field's zero is its default. */
struct aml_arena_tlsf_options {
  size_t chunk_size;  /**< bytes that are mapped at once, or more for a larger block; 0: 1 MiB */
  size_t limit;       /**< the most bytes to hold from the area; 0: no limit */
  void *region;       /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region, 128 or more; it must outlive the arena */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_tlsf_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena of two-level segregated fit. */
#define AML_ARENA_TLSF_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_arena_tlsf, aml_arena, arena, aml_arena_tlsf_ops, name)

/**
 * Initialise an arena of two-level segregated fit.
 *
 * @param arena    declared by AML_ARENA_TLSF_DECL, not initialised.
 * @param area     where chunks come from; must outlive the arena. With a region: whose memory
 *                 that is, and null for plain host memory.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no area and no region, a region without
 * a size or too small, a size without a region, a region together with a chunk size or limit, an
 * area whose memory the host cannot read and write; -AML_ENOMEM.
 * Cost: maps nothing yet. The table of size classes is on the C heap: 520 bytes for each doubling
 * of the size from 1 KiB to that of the region, to the limit, or to the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tlsf_init(struct aml_arena *arena, struct aml_area *area,
                                                  const struct aml_arena_tlsf_options *options);

/** Allocate and initialise one; else as aml_arena_tlsf_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tlsf_create(struct aml_arena **arena, struct aml_area *area,
                                                    const struct aml_arena_tlsf_options *options);

#ifdef __cplusplus
}
#endif

#endif
