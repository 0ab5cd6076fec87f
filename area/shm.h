// SPDX-License-Identifier: BSD-3-Clause
//
// area:shm: memory that processes share: an unnamed segment (memfd), a named one (POSIX shared
// memory), or one that not even the kernel maps (memfd_secret).
//
//     AML_AREA_SHM_DECL(area);                                   // one process
//     int err = aml_area_shm_init(area, NULL);
//     double *v = aml_area_map(area, size, NULL);
//     err = aml_area_shm_send(area, v, socket);
//
//     AML_AREA_SHM_DECL(theirs);                                 // another one
//     err = aml_area_shm_receive(theirs, socket, AML_AREA_SHM_SEALED, &pointer, &size);
//
// A mapping is a piece of the segment, which grows as needed; its memory is taken when it is
// mapped, so that a lack of it is an error of map and never a fatal signal. A descriptor is passed
// over a Unix socket and needs no right over the other process. An unnamed segment is sealed
// against shrinking, so that no process can cut pages off that others have mapped.
//
// Threads: thread-safe. In the child of a fork() the mappings are there and are shared.
// Cost: map is mmap(2), fstat(2) and fallocate(2); unmap munmap(2) and fallocate(2).

#ifndef AML_AREA_SHM_H
#define AML_AREA_SHM_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which segment it is. */
enum aml_area_shm_kind {
  AML_AREA_SHM_UNNAMED = 0, /**< ends with the last process that has it */
  AML_AREA_SHM_NAMED,       /**< shm_open(3); its name goes with the area, unless KEEP is set */
  AML_AREA_SHM_SECRET       /**< as UNNAMED, of a given size; locked, and RLIMIT_MEMLOCK counts */
};

/** Bits of the flags of init, attach and receive. */
enum aml_area_shm_flag {
  AML_AREA_SHM_REPLACE = 1 << 0,   /**< init: a segment of that name, as a process that died leaves
                                        it, loses the name */
  AML_AREA_SHM_KEEP = 1 << 1,      /**< init: the name stays behind */
  AML_AREA_SHM_HUGE = 1 << 2,      /**< init, UNNAMED: of huge pages from a pool */
  AML_AREA_SHM_READ_ONLY = 1 << 3, /**< attach and receive: host code may load only */
  AML_AREA_SHM_SEALED = 1 << 4     /**< receive: refuse a segment that could be made shorter */
};

/** What nobody can do to an unnamed segment any more. */
enum aml_area_shm_seal {
  AML_AREA_SHM_SEAL_GROW = 1 << 0, /**< make it longer: map finds room in what there is */
  AML_AREA_SHM_SEAL_WRITE = 1 << 1 /**< map it for writing; what is mapped stays */
};

/** How a segment is made; each field's zero is its default. */
struct aml_area_shm_options {
  enum aml_area_shm_kind kind;
  unsigned flags;        /**< bits of enum aml_area_shm_flag */
  const char *name;      /**< of NAMED: "/name"; else for /proc/PID/maps, null: "aml" */
  unsigned mode;         /**< of NAMED: who may attach; 0: 0600 */
  size_t huge_page_size; /**< of HUGE; 0: the system's default */
  uint64_t size;         /**< bytes at most; 0: no limit. SECRET needs it */
};

/** A shared segment as an area; use functions. */
struct aml_area_shm {
  struct aml_area area;
  struct aml_area_file_state *state; /**< owned; null: not initialised */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_shm_ops;

/** Declare `struct aml_area *name`, to be initialised as a shared segment. */
#define AML_AREA_SHM_DECL(name) AML_BLOCK_DECL(aml_area_shm, aml_area, area, aml_area_shm_ops, name)

/**
 * Initialise an area of a new segment.
 *
 * Beyond core/area.h, map and resize fail with -AML_ENOSPC or -AML_ENOMEM where the system has no
 * memory or no huge pages left for it.
 *
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an unknown kind or flag, flags of another
 * kind, a name that is missing or not of the form, SECRET without a size; -AML_EEXIST: the name is
 * taken, perhaps by a process that died; -AML_ENOTSUP: the kernel has no memfd_secret
 * (secretmem.enable=1), or no such huge pages; -AML_ENOMEM; what the system says.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_init(struct aml_area *area,
                                                const struct aml_area_shm_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_shm_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_create(struct aml_area **area,
                                                  const struct aml_area_shm_options *options);

/**
 * Initialise an area of a segment that exists, by its name. Its mappings are pieces of what the
 * segment is now, with their contents.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOENT: there is none of that name; -AML_EIO: it is empty, as
 * nothing has been mapped in it yet; -AML_EPERM; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_attach(struct aml_area *area, const char *name,
                                                  unsigned flags);

/**
 * Send a mapping to the process at the other end of a Unix socket.
 *
 * Returns: 0; -AML_EINVAL; what sendmsg(2) fails with. Waits as the socket does.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_send(struct aml_area *area, void *pointer, int socket);

/**
 * Receive a mapping: initialise an area of its segment, and map it. What was sent is not trusted.
 *
 * @param area  declared by AML_AREA_SHM_DECL, not initialised.
 *
 * Returns: 0; -AML_EINVAL; -AML_EIO: the other end closed, or sent something else, or a piece
 * beyond the segment; -AML_EPERM: not SEALED; what recvmsg(2) or map fails with.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_receive(struct aml_area *area, int socket,
                                                   unsigned flags, void **pointer, size_t *size);

/** Map what lies at `offset` in the segment. Returns: as aml_area_map(); -AML_EBUSY: is mapped. */
AML_PUBLIC AML_MUST_CHECK void *aml_area_shm_map_at(struct aml_area *area, uint64_t offset,
                                                    size_t size,
                                                    const struct aml_area_map_options *options);

/** Seal an unnamed segment. Returns: 0; -AML_EINVAL; -AML_EPERM: the segment takes no seals. */
AML_PUBLIC AML_MUST_CHECK int aml_area_shm_seal(struct aml_area *area, unsigned seals);

#ifdef __cplusplus
}
#endif

#endif
