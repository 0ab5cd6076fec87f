// SPDX-License-Identifier: BSD-3-Clause

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/core/device.h"
#include "aml/core/device_format.h"
#include "tools/aml/command.h"

struct options {
  bool is_json;
  struct aml_devices_options from;
};

static int parse(int argc, char *argv[], struct options *options) {
  for (int i = 1; i < argc; ++i) {
    const char **const folder = strcmp(argv[i], "--sysfs") == 0     ? &options->from.sysfs
                                : strcmp(argv[i], "--procfs") == 0  ? &options->from.procfs
                                : strcmp(argv[i], "--cgroups") == 0 ? &options->from.cgroups
                                                                    : NULL;
    if (strcmp(argv[i], "--json") == 0)
      options->is_json = true;
    else if (folder == NULL)
      return command_usage(argv[0], "there is no such option", argv[i]);
    else if (i + 1 == argc)
      return command_usage(argv[0], "this option needs a folder", argv[i]);
    else
      *folder = argv[++i];
  }
  return EXIT_DONE;
}

static int print(const struct aml_devices *devices, bool is_json) {
  size_t (*const format)(const struct aml_devices *, char *, size_t) =
      is_json ? aml_devices_format_json : aml_devices_format_table;
  const size_t size = format(devices, NULL, 0) + 1;
  char *const text = malloc(size);
  if (text == NULL) {
    fputs("aml devices: no memory for the text\n", stderr);
    return EXIT_FAILED;
  }
  (void)format(devices, text, size);
  fputs(text, stdout);
  free(text);
  return EXIT_DONE;
}

int command_devices(int argc, char *argv[]) {
  struct options options = {0};
  struct aml_devices *devices = NULL;
  int status = parse(argc, argv, &options);
  if (status != EXIT_DONE)
    return status;
  if (aml_devices_read(&devices, &options.from))
    return command_failed(argv[0]);
  status = print(devices, options.is_json);
  aml_devices_destroy(&devices);
  return status;
}
