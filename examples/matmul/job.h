// SPDX-License-Identifier: BSD-3-Clause
//
// One job: three names of files in, a product and a report out.

#ifndef MATMUL_JOB_H
#define MATMUL_JOB_H

#include <stddef.h>

#include "aml/examples/matmul/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct job {
  const char *a;
  const char *b;
  const char *c;
  size_t memory; /**< bytes for tiles */
  enum kernel_kind kernel;
};

/**
 * Multiply a and b into c, and print a report to standard output.
 *
 * Returns: 0; or -1, has said why on standard error, and c is as it was.
 */
int job_run(const struct job *job);

#ifdef __cplusplus
}
#endif

#endif
