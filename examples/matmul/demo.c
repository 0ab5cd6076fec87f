// SPDX-License-Identifier: BSD-3-Clause
//
// The numbers are small integers: all sums are exact, so that the result must be equal to the
// direct product, in whatever order it was added up.

#include "aml/examples/matmul/demo.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aml/examples/matmul/job.h"
#include "aml/examples/matmul/npy_file.h"
#include "aml/examples/matmul/say.h"
#include "aml/examples/matmul/temporary.h"

enum { M = 1000, N = 900, K = 1100, DEFAULT_MEMORY = 4 << 20, MAX_PATH = 4096 };

// What the signal handler removes must outlive every function.
static char directory[MAX_PATH];
static char paths[3][MAX_PATH];

static int make_directory(void) {
  static const char *const names[3] = {"A.npy", "B.npy", "C.npy"};
  const char *const base = getenv("TMPDIR");
  const int length = snprintf(directory, sizeof directory, "%s/matmul-XXXXXX",
                              base == NULL || *base == '\0' ? "/tmp" : base);
  if (length < 0 || (size_t)length + 8 > sizeof directory)
    return say("the name of the temporary directory is too long");
  if (temporary_directory(directory) != 0)
    return say_errno("cannot create a directory in %s", base == NULL ? "/tmp" : base);
  for (int i = 0; i < 3; ++i) {
    memcpy(paths[i], directory, (size_t)length);
    (void)snprintf(paths[i] + length, sizeof paths[i] - (size_t)length, "/%s", names[i]);
    if (temporary_adopt(paths[i]) != 0)
      return say_errno("cannot remember %s", paths[i]);
  }
  return 0;
}

/** The element at a place: an integer from -8 to 8 that looks random. */
static double element(uint64_t seed, size_t row, size_t column) {
  uint64_t x = seed + row * UINT64_C(0x9E3779B97F4A7C15) + column * UINT64_C(0xD1B54A32D192ED03);
  x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)(x >> 33 & 0xf) - 8 + (double)(x >> 60 & 1);
}

/** Writes a matrix row by row, or column by column in Fortran order. */
static int write_matrix(uint64_t seed, struct npy_file *file) {
  const bool fortran = file->header.fortran_order;
  const size_t lines = fortran ? file->header.columns : file->header.rows;
  const size_t length = fortran ? file->header.rows : file->header.columns;
  double *const line = malloc(length * sizeof *line);
  if (line == NULL)
    return say("no memory for a line of %s", file->path);
  int result = 0;
  for (size_t i = 0; result == 0 && i < lines; ++i) {
    for (size_t j = 0; j < length; ++j)
      line[j] = fortran ? element(seed, j, i) : element(seed, i, j);
    const size_t size = length * sizeof *line;
    const size_t offset = file->header.data_offset + i * size;
    if (pwrite(file->descriptor, line, size, (off_t)offset) != (ssize_t)size)
      result = say_errno("cannot write %s", file->path);
  }
  free(line);
  return result;
}

static int make_matrix(const char *path, uint64_t seed, size_t rows, size_t columns,
                       bool fortran_order) {
  const struct npy_header header = {
      .rows = rows, .columns = columns, .element_size = 8, .fortran_order = fortran_order};
  struct npy_file file;
  int result = npy_file_create(path, &header, &file);
  if (result == 0)
    result = write_matrix(seed, &file);
  if (result == 0)
    result = npy_file_commit(&file);
  npy_file_close(&file);
  return result;
}

/** Computes one row of the product, directly. */
static void direct_row(size_t i, const double *b, double *row) {
  memset(row, 0, N * sizeof *row);
  for (size_t p = 0; p < K; ++p) {
    const double a = element(1, i, p);
    for (size_t j = 0; j < N; ++j)
      row[j] += a * b[p * N + j];
  }
}

/** Compares the file with the product; `b`, `expected` and `found` are room for B and two rows. */
static int compare(const struct npy_file *file, double *b, double *expected, double *found) {
  const size_t size = N * sizeof *found;
  if (file->header.rows != M || file->header.columns != N || file->header.element_size != 8)
    return say("%s has another shape than the product", file->path);
  for (size_t p = 0; p < K; ++p)
    for (size_t j = 0; j < N; ++j)
      b[p * N + j] = element(2, p, j);
  for (size_t i = 0; i < M; ++i) {
    const size_t offset = file->header.data_offset + i * size;
    if (pread(file->descriptor, found, size, (off_t)offset) != (ssize_t)size)
      return say_errno("cannot read %s", file->path);
    direct_row(i, b, expected);
    for (size_t j = 0; j < N; ++j)
      if (found[j] != expected[j])
        return say("the result is wrong: in row %zu, column %zu is %g, not %g", i, j, found[j],
                   expected[j]);
  }
  return 0;
}

static int check(void) {
  struct npy_file file;
  if (npy_file_open(paths[2], &file) != 0)
    return -1;
  double *const room = malloc(((size_t)K * N + 2 * N) * sizeof *room);
  int result = -1;
  if (room == NULL)
    (void)say("no memory to check the result");
  else
    result = compare(&file, room, room + (size_t)K * N, room + (size_t)K * N + N);
  free(room);
  npy_file_close(&file);
  return result;
}

int demo_run(size_t memory, enum kernel_kind kernel) {
  if (make_directory() != 0 || make_matrix(paths[0], 1, M, K, false) != 0 ||
      make_matrix(paths[1], 2, K, N, true) != 0)
    return -1;
  printf("made A.npy and B.npy in %s\n", directory);
  const struct job job = {.a = paths[0],
                          .b = paths[1],
                          .c = paths[2],
                          .memory = memory == 0 ? DEFAULT_MEMORY : memory,
                          .kernel = kernel};
  if (job_run(&job) != 0 || check() != 0)
    return -1;
  printf("C.npy is equal to the direct product\n");
  return 0;
}
