// SPDX-License-Identifier: BSD-3-Clause
//
// All of placement but main(), so that tests can run it where there is no shell.

#ifndef PLACEMENT_JOB_H
#define PLACEMENT_JOB_H

#ifdef __cplusplus
extern "C" {
#endif

/** Run the program. Returns: its exit status: 0 all is right, 1 it is not, 2 wrong use. */
int job_run(int argc, char *argv[]);

#ifdef __cplusplus
}
#endif

#endif
