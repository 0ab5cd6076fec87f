// SPDX-License-Identifier: BSD-3-Clause
//
// The commands of aml, one file each. A command gets its own name as argv[0], prints to standard
// output what it was asked for and to standard error what went wrong, and returns an exit status.

#ifndef AML_TOOLS_AML_COMMAND_H
#define AML_TOOLS_AML_COMMAND_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int command_devices(int argc, char *argv[]);
int command_probe(int argc, char *argv[]);
int command_where(int argc, char *argv[]);

/** Says on standard error that the command line is wrong; returns EXIT_USAGE. */
int command_usage(const char *command, const char *what, const char *argument);

/** Says on standard error what aml_error_detail() tells; returns EXIT_FAILED. */
int command_failed(const char *command);

/** Prints a string as JSON has it, quotes included. */
void command_print_json(const char *text);

#ifdef __cplusplus
}
#endif

#endif
