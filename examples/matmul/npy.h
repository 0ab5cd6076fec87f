// SPDX-License-Identifier: BSD-3-Clause
//
// The header of a NumPy .npy file: what stands in front of the numbers.
//
//     \x93NUMPY  major minor  length of the text (2 bytes in version 1, 4 in 2 and 3)
//     {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   spaces   \n
//
// The text is a dictionary as Python writes it; numbers are little-endian. Nothing here reads or
// writes a file: a header is bytes in memory, which may come from anybody.
//
// Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.

#ifndef MATMUL_NPY_H
#define MATMUL_NPY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes at a file's start that npy_parse() needs at most: no header may be longer. */
#define NPY_MAX_HEADER_SIZE ((size_t)65536 + 12)

/** The size of every header that npy_format() writes; a multiple of 64, as NumPy does it. */
#define NPY_HEADER_SIZE 128

/** What a header says of a matrix. Its numbers are float32 or float64. */
struct npy_header {
  size_t rows;
  size_t columns;
  size_t element_size; /**< bytes: 4 or 8 */
  bool fortran_order;  /**< columns are contiguous, not rows */
  size_t data_offset;  /**< bytes of the header: where the numbers begin */
};

/**
 * Parse the header of a matrix.
 *
 * @param bytes   the start of a file.
 * @param size    bytes of it: the whole file's size, or at least NPY_MAX_HEADER_SIZE.
 * @param header  the result.
 *
 * Returns: null; or, with `header` untouched, why this is no matrix that can be multiplied, as the
 * end of a sentence that begins with the file's name ("is no .npy file").
 */
const char *npy_parse(const void *bytes, size_t size, struct npy_header *header);

/** Write the header of a matrix, in version 1.0. `data_offset` is not read: it will be `size`. */
void npy_format(const struct npy_header *header, char bytes[NPY_HEADER_SIZE]);

/** The bytes of the matrix behind its header; false if they or their end have no number. */
bool npy_data_size(const struct npy_header *header, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
