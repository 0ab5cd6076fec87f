// SPDX-License-Identifier: BSD-3-Clause
//
// area:file: memory that is a file, or a range of one.
//
//     AML_AREA_FILE_DECL(area);
//     int err = aml_area_file_init(area, &(struct aml_area_file_options){
//         .kind = AML_AREA_FILE_TEMPORARY, .path = "/scratch"});
//     double *v = aml_area_map(area, n * sizeof *v, NULL);     // its blocks are allocated
//     err = aml_area_sync(area, v, n * sizeof *v);             // and are now on the device
//
// A mapping is a piece of the file, the first that is free and large enough; to have a known one,
// use aml_area_file_map_at(). A file that the area makes grows as needed, and each piece's blocks
// are allocated when it is mapped, so that a full disk is an error of map and never a fatal signal.
// Of an existing file nothing beyond its end is mapped. What another process cuts off later is a
// fatal signal to touch (SIGBUS), as the system has no other answer: aml_area_file_check() tells
// whether that has happened.
//
// Threads: thread-safe. In the child of a fork() the mappings are there, and the area can be used
// if no other thread was in a call. Cost: map is mmap(2), fstat(2) and, unless it is sparse,
// fallocate(2); unmap is munmap(2), and for temporary files fallocate(2). A lock is held over the
// records only.

#ifndef AML_AREA_FILE_H
#define AML_AREA_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which file it is. */
enum aml_area_file_kind {
  AML_AREA_FILE_EXISTING = 0, /**< whose contents are what mappings read */
  AML_AREA_FILE_NEW,          /**< must not exist yet; stays behind */
  AML_AREA_FILE_TEMPORARY     /**< without a name, in the folder `path`; ends with the area */
};

/** Bits of aml_area_file_options::flags. */
enum aml_area_file_flag {
  AML_AREA_FILE_READ_ONLY = 1 << 0, /**< host code may load only */
  AML_AREA_FILE_PRIVATE = 1 << 1, /**< what is stored stays in this process, and is lost at unmap */
  AML_AREA_FILE_SPARSE = 1 << 2,  /**< no blocks are allocated ahead: a full disk is SIGBUS */
  AML_AREA_FILE_DURABLE = 1 << 3  /**< stores are durable once they leave the CPU's caches
                                       (MAP_SYNC): a file system on persistent memory (DAX) */
};

/** How a file is mapped; each field's zero is its default. */
struct aml_area_file_options {
  enum aml_area_file_kind kind;
  const char *path; /**< of the file; for TEMPORARY of a folder, null: that of temporary files */
  unsigned flags;   /**< bits of enum aml_area_file_flag */
  unsigned wishes;  /**< AML_AREA_GRANT_SYNC: DURABLE may be missing */
  unsigned mode;    /**< of a NEW file's permissions; 0: 0600 */
  uint64_t offset;  /**< where the area's range begins in the file; a multiple of a page */
  uint64_t size;    /**< bytes of the range; 0: up to the end of an EXISTING file, else no limit */
};

/** A file as an area; use functions. */
struct aml_area_file {
  struct aml_area area;
  struct aml_area_file_state *state; /**< owned; null: not initialised */
};

extern AML_PUBLIC const struct aml_area_ops aml_area_file_ops;

/** Declare `struct aml_area *name`, to be initialised as a file. */
#define AML_AREA_FILE_DECL(name)                                                                   \
  AML_BLOCK_DECL(aml_area_file, aml_area, area, aml_area_file_ops, name)

/**
 * Initialise an area that is a file.
 *
 * Beyond core/area.h, map and resize fail with -AML_ENOMEM where the range has no piece of that
 * size left, -AML_ENOSPC on a full disk (or quota, or RLIMIT_FSIZE), -AML_EIO where the file has
 * become shorter than the piece. Sentences name the file. Fresh memory of a file that the area made
 * is zero, also where it was mapped before.
 *
 * @param area     declared by AML_AREA_FILE_DECL, not initialised.
 * @param options  not null. Not kept, but for a copy of the path.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an unknown kind or flag, a NEW or
 * TEMPORARY file that is read-only or private, a range that is not aligned or wraps, an empty one,
 * what is not a regular file; -AML_EIO: a range beyond the end of an EXISTING file; -AML_ENOTSUP:
 * no DAX for DURABLE; -AML_ENOENT, -AML_EEXIST, -AML_EPERM, … of open(2); -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_file_init(struct aml_area *area,
                                                 const struct aml_area_file_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_file_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_file_create(struct aml_area **area,
                                                   const struct aml_area_file_options *options);

/**
 * Map a known piece: what lies at `offset` in the file.
 *
 * @param offset   from the beginning of the file, in the area's range; a multiple of a page.
 * @param options  as for aml_area_map(), which this is otherwise; contents are those of the file.
 *
 * Returns: as aml_area_map(); -AML_EBUSY: another mapping has a part of the piece.
 */
AML_PUBLIC AML_MUST_CHECK void *aml_area_file_map_at(struct aml_area *area, uint64_t offset,
                                                     size_t size,
                                                     const struct aml_area_map_options *options);

/**
 * Tell whether the file still has all of a range's pages.
 *
 * Returns: 0; -AML_EIO: it has become shorter, and where it ends a touch is fatal; -AML_EINVAL.
 * Cost: fstat(2).
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_file_check(struct aml_area *area, const void *pointer,
                                                  size_t size);

#ifdef __cplusplus
}
#endif

#endif
