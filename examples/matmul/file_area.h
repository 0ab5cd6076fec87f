// SPDX-License-Identifier: BSD-3-Clause
//
// A type of area of this program's own: the bytes of one open file, reached by reading and writing
// alone. Its addresses stand for offsets, so that tiles can be cut out of a file; the host cannot
// touch them. A dma that knows files learns from aml_area_get_info() which descriptor to use.
//
//     FILE_AREA_DECL(area);
//     int err = file_area_init(area, descriptor, size);
//     char *start = aml_area_map(area, size, NULL);    // stands for offset 0
//
// Threads: thread-safe.

#ifndef MATMUL_FILE_AREA_H
#define MATMUL_FILE_AREA_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A file as an area. It maps the whole file, once, or again after an unmap. */
struct file_area {
  struct aml_area area;
  int descriptor; /**< borrowed */
  size_t size;    /**< bytes of the file that have addresses */
  int is_mapped;  /**< atomic */
};

extern const struct aml_area_ops file_area_ops;

/** Declare `struct aml_area *name`, to be initialised as a file area. */
#define FILE_AREA_DECL(name) AML_BLOCK_DECL(file_area, aml_area, area, file_area_ops, name)

/**
 * Initialise a file area.
 *
 * @param area        declared by FILE_AREA_DECL, not initialised.
 * @param descriptor  of a file that allows reads, writes, or both at any offset; borrowed.
 * @param size        bytes from its start that are to have addresses, not 0.
 *
 * Returns: 0; -AML_EINVAL; -AML_EOVERFLOW if there are not so many addresses.
 */
AML_MUST_CHECK int file_area_init(struct aml_area *area, int descriptor, size_t size);

/** Allocate and initialise one; -AML_ENOMEM, and else as file_area_init(). */
AML_MUST_CHECK int file_area_create(struct aml_area **area, int descriptor, size_t size);

#ifdef __cplusplus
}
#endif

#endif
