// SPDX-License-Identifier: BSD-3-Clause
//
// dma:multiplex: one dma in front of several, of which each request gets the first that serves the
// two areas that its tiles are in.
//
//     const struct aml_dma_route routes[] = {
//         {.dst = AML_AREA_FILE_BACKED, .dma = files},   // whatever goes to a file
//         {.src = AML_AREA_FILE_BACKED, .dma = files},
//         {.dma = copies},                               // all else
//     };
//     AML_DMA_MULTIPLEX_DECL(dma);
//     int err = aml_dma_multiplex_init(dma, routes, 3);
//
// A request that was taken is its route's: waiting for it, testing it and calling it off cost what
// they cost there, and aml_dma_wait_any() takes those of all routes at once. A request that comes
// after others may come after such of any route. A dma may be in several routes.
//
// Capabilities are those that all its dmas have, and AML_DMA_ASYNC if one of them has. A request
// that asks for more is taken where its route takes it.
//
// Threads: thread-safe if all its dmas are.
// Cost: some nanoseconds per request and per route that is passed by. A batch is cut where the
// route changes. No thread is made, and no byte allocated, after create.

#ifndef AML_DMA_MULTIPLEX_H
#define AML_DMA_MULTIPLEX_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_DMA_MULTIPLEX_ROUTES = 16 };

/**
 * Which requests a dma serves: those whose areas have these capabilities at least. A tile without
 * an area is AML_AREA_HOST_READABLE and AML_AREA_HOST_WRITABLE.
 */
struct aml_dma_route {
  unsigned dst;        /**< of the destination's area: bits of enum aml_area_capability; 0: any */
  unsigned src;        /**< of the source's area, likewise */
  struct aml_dma *dma; /**< not owned; lives longer */
};

/** A dma in front of others; use functions. */
struct aml_dma_multiplex {
  struct aml_dma dma;
  size_t count; /**< of routes; 0: not initialised */
  struct aml_dma_route routes[AML_DMA_MULTIPLEX_ROUTES];
};

extern AML_PUBLIC const struct aml_dma_ops aml_dma_multiplex_ops;

/** Declare `struct aml_dma *name`, to be initialised as a dma in front of others. */
#define AML_DMA_MULTIPLEX_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_dma_multiplex, aml_dma, dma, aml_dma_multiplex_ops, name)

/**
 * Initialise a dma in front of others.
 *
 * Its submit says -AML_ENOTSUP, and what both areas are, where no route leads.
 *
 * @param dma     declared by AML_DMA_MULTIPLEX_DECL, not initialised.
 * @param routes  in the order in which they are tried; copied.
 * @param count   of routes: 1 to AML_DMA_MULTIPLEX_ROUTES.
 *
 * Returns: 0; -AML_EINVAL: an argument, a route without a dma, or storage of another type.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_multiplex_init(struct aml_dma *dma, const struct aml_dma_route routes[], size_t count);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_dma_multiplex_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_dma_multiplex_create(struct aml_dma **dma, const struct aml_dma_route routes[], size_t count);

#ifdef __cplusplus
}
#endif

#endif
