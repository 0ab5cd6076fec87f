// SPDX-License-Identifier: BSD-3-Clause
//
// placement: cuts an array into tiles, binds each to a device, writes it, and shows where it is.

#include "aml/examples/placement/job.h"

int main(int argc, char *argv[]) {
  return job_run(argc, argv);
}
