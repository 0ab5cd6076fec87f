// SPDX-License-Identifier: BSD-3-Clause
//
// aml: what memory a machine has, how good it is, and where a process has its own.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/error.h"
#include "aml/core/version.h"
#include "tools/aml/command.h"

static const char HELP[] =
    "usage: aml COMMAND [OPTION...]\n"
    "\n"
    "  aml devices [--json] [--sysfs DIR] [--procfs DIR] [--cgroups DIR]\n"
    "      The memory devices (NUMA nodes) of this machine: kind, sizes, figures of the\n"
    "      firmware, CPUs, distances. With --sysfs, --procfs and --cgroups of another one, from\n"
    "      copies of its /sys, /proc and /sys/fs/cgroup.\n"
    "  aml probe [--json] [--svg FILE] [--time MS] [--size BYTES]\n"
    "      Measures bandwidth and latency between the CPUs of each node and the memory of each\n"
    "      device, for MS milliseconds per figure (default 100), in buffers of BYTES (K, M, G;\n"
    "      default: some times the caches). --svg draws the matrix as a heat map.\n"
    "  aml where [--json] PID [ADDRESS]\n"
    "      Bytes per node and page size of a process's mappings, or of the one at ADDRESS.\n"
    "  aml --help, aml --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong use.\n";

int command_usage(const char *command, const char *what, const char *argument) {
  fprintf(stderr, "aml %s: %s%s%s; see aml --help\n", command, what, argument != NULL ? ": " : "",
          argument != NULL ? argument : "");
  return EXIT_USAGE;
}

int command_failed(const char *command) {
  fprintf(stderr, "aml %s: %s\n", command, aml_error_detail());
  return EXIT_FAILED;
}

void command_print_json(const char *text) {
  putchar('"');
  for (; *text != '\0'; ++text) {
    const unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\')
      printf("\\%c", byte);
    else if (byte < ' ' || byte > '~')
      printf("\\u%04x", byte);
    else
      putchar(byte);
  }
  putchar('"');
}

static int run(int argc, char *argv[]) {
  static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
  } commands[] = {{"devices", command_devices}, {"probe", command_probe}, {"where", command_where}};
  if (argc < 2) {
    fputs(HELP, stderr);
    return EXIT_USAGE;
  }
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--help") == 0) {
      fputs(HELP, stdout);
      return EXIT_DONE;
    }
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("aml %s\n", aml_version());
    return EXIT_DONE;
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  fprintf(stderr, "aml: there is no command %s; see aml --help\n", argv[1]);
  return EXIT_USAGE;
}

int main(int argc, char *argv[]) {
  const int status = run(argc, argv);
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  fprintf(stderr, "aml: cannot write to standard output: %s\n", strerror(errno));
  return EXIT_FAILED;
}
