// SPDX-License-Identifier: BSD-3-Clause
//
// .npy files on disk: one that is read, and one that is written under a temporary name and gets
// its final one when it is whole. Functions that fail have said why on standard error.
//
// Threads: thread-compatible; files that are written, as temporary.h says.

#ifndef MATMUL_NPY_FILE_H
#define MATMUL_NPY_FILE_H

#include <stddef.h>

#include "aml/examples/matmul/npy.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A matrix in a file. Zeroed: none. */
struct npy_file {
  const char *path; /**< the user's name for it; borrowed */
  char *temporary;  /**< its name as long as it is written; null for one that is read */
  int descriptor;
  size_t size; /**< bytes that header and matrix take */
  struct npy_header header;
};

/** Open a file to read it and check that its matrix is whole. Returns: 0, or -1. */
int npy_file_open(const char *path, struct npy_file *file);

/**
 * Create a file to write: header and room on the disk for all numbers, which are zeros at first.
 *
 * @param path    its final name; what is there stays until the commit.
 * @param header  `data_offset` is not read.
 *
 * Returns: 0, or -1. Close it either way.
 */
int npy_file_create(const char *path, const struct npy_header *header, struct npy_file *file);

/** Make what was written durable and give the file its final name. Returns: 0, or -1. */
int npy_file_commit(struct npy_file *file);

/** Whether `path` names one and the same file as an open one. */
int npy_file_is(const struct npy_file *file, const char *path);

/** Close, and remove what was not committed. A zeroed file is fine. */
void npy_file_close(struct npy_file *file);

#ifdef __cplusplus
}
#endif

#endif
