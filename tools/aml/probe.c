// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/tools/aml/heat_map.h"
#include "tools/aml/command.h"

struct options {
  bool is_json;
  const char *svg;
  struct aml_probe_options probe;
};

/** What was measured between the CPUs of a node and a device. */
struct cell {
  int from;
  int to;
  struct aml_probe_result result;
};

struct matrix {
  struct cell *cells;
  size_t count;
};

static bool parse_size(const char *text, size_t *size) {
  char *end = NULL;
  errno = 0;
  const unsigned long long number = strtoull(text, &end, 10);
  const char *const unit = *end != '\0' ? strchr("KMG", *end) : NULL;
  const unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - "KMG" + 1);
  if (end == text || *text == '-' || errno != 0 ||
      (*end != '\0' && (unit == NULL || end[1] != '\0')))
    return false;
  *size = (size_t)(number << shift);
  return number != 0 && *size >> shift == number;
}

static int parse(int argc, char *argv[], struct options *options) {
  for (int i = 1; i < argc; ++i) {
    const char *const option = argv[i];
    if (strcmp(option, "--json") == 0) {
      options->is_json = true;
      continue;
    }
    if (strcmp(option, "--svg") != 0 && strcmp(option, "--time") != 0 &&
        strcmp(option, "--size") != 0)
      return command_usage(argv[0], "there is no such option", option);
    if (++i == argc)
      return command_usage(argv[0], "this option needs a value", option);
    size_t number = 0;
    if (strcmp(option, "--svg") == 0)
      options->svg = argv[i];
    else if (!parse_size(argv[i], &number) || (option[2] == 't' && number > 60000))
      return command_usage(argv[0], "this is no such number", argv[i]);
    else if (strcmp(option, "--time") == 0)
      options->probe.time_ms = (unsigned)number;
    else
      options->probe.size = number;
  }
  return EXIT_DONE;
}

static bool show_progress(unsigned done, unsigned total, void *context) {
  const struct cell *const cell = context;
  fprintf(stderr, "\rnode %d to device %d: %u of %u ", cell->from, cell->to, done, total);
  return true;
}

/** Measures one cell; what is not possible is said, and leaves it out. */
static bool measure(const struct aml_device *from, const struct aml_devices *devices,
                    const struct options *options, struct cell *cell) {
  struct aml_probe_options probe = options->probe;
  struct aml_cpuset cpus = from->near_cpus;
  aml_cpuset_intersect(&cpus, aml_devices_cpus(devices));
  if (isatty(STDERR_FILENO)) {
    probe.progress = show_progress;
    probe.context = cell;
  }
  const int err = aml_probe(&cpus, cell->to, &probe, &cell->result);
  if (probe.progress != NULL)
    fprintf(stderr, "\r\033[K");
  if (err)
    (void)command_failed("probe");
  return err == 0;
}

static bool has_cpus(const struct aml_device *device, const struct aml_devices *devices) {
  struct aml_cpuset cpus = device->near_cpus;
  aml_cpuset_intersect(&cpus, aml_devices_cpus(devices));
  return !aml_cpuset_is_empty(&cpus);
}

/** Measures each pair; returns how many could not be. */
static size_t measure_all(const struct aml_devices *devices, const struct options *options,
                          struct matrix *matrix) {
  size_t failed = 0;
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const from = aml_devices_at(devices, i);
    for (size_t j = 0; has_cpus(from, devices) && j < aml_devices_count(devices); ++j) {
      const struct aml_device *const to = aml_devices_at(devices, j);
      struct cell *const cell = &matrix->cells[matrix->count];
      if (to->total == 0 || to->is_online == AML_ANSWER_NO || to->is_allowed == AML_ANSWER_NO)
        continue;
      *cell = (struct cell){.from = from->number, .to = to->number};
      if (measure(from, devices, options, cell))
        ++matrix->count;
      else
        ++failed;
    }
  }
  return failed;
}

static void print_figure(uint64_t value) {
  if (value == AML_UNKNOWN)
    printf(" %9s", "-");
  else
    printf(" %9" PRIu64, value);
}

static void print_table(const struct matrix *matrix) {
  printf("cpus of  device  read M/s write M/s    nt M/s lat. ns loaded ns\n");
  for (size_t i = 0; i < matrix->count; ++i) {
    const struct aml_probe_result *const result = &matrix->cells[i].result;
    printf("%7d %7d", matrix->cells[i].from, matrix->cells[i].to);
    print_figure(result->read_bandwidth_mib_s.median);
    print_figure(result->write_bandwidth_mib_s.median);
    print_figure(result->nontemporal_write_bandwidth_mib_s.median);
    print_figure(result->read_latency_ns.median);
    print_figure(result->loaded_read_latency_ns.median);
    printf("\n");
  }
}

static void print_json_figure(const char *key, struct aml_probe_figure figure) {
  if (figure.median == AML_UNKNOWN)
    printf(", \"%s\": null", key);
  else
    printf(", \"%s\": {\"median\": %" PRIu64 ", \"best\": %" PRIu64 "}", key, figure.median,
           figure.best);
}

static void print_json(const struct matrix *matrix) {
  printf("{\"figures\": [");
  for (size_t i = 0; i < matrix->count; ++i) {
    const struct aml_probe_result *const result = &matrix->cells[i].result;
    printf("%s\n  {\"cpus_of\": %d, \"device\": %d, \"size\": %zu, \"threads\": %u",
           i == 0 ? "" : ",", matrix->cells[i].from, matrix->cells[i].to, result->size,
           result->threads);
    print_json_figure("read_bandwidth_mib_s", result->read_bandwidth_mib_s);
    print_json_figure("write_bandwidth_mib_s", result->write_bandwidth_mib_s);
    print_json_figure("nontemporal_write_bandwidth_mib_s",
                      result->nontemporal_write_bandwidth_mib_s);
    print_json_figure("read_latency_ns", result->read_latency_ns);
    print_json_figure("loaded_read_latency_ns", result->loaded_read_latency_ns);
    printf("}");
  }
  printf("\n]}\n");
}

static int draw(const struct matrix *matrix, const char *path) {
  struct heat_map_cell *const cells = calloc(matrix->count, sizeof *cells);
  if (cells == NULL) {
    fputs("aml probe: no memory for the picture\n", stderr);
    return EXIT_FAILED;
  }
  for (size_t i = 0; i < matrix->count; ++i)
    cells[i] = (struct heat_map_cell){
        .row = matrix->cells[i].from,
        .column = matrix->cells[i].to,
        .bandwidth_mib_s = matrix->cells[i].result.read_bandwidth_mib_s.median,
        .latency_ns = matrix->cells[i].result.read_latency_ns.median,
    };
  const int number = heat_map_write(path, cells, matrix->count);
  free(cells);
  if (number == 0)
    return EXIT_DONE;
  fprintf(stderr, "aml probe: %s: %s\n", path, strerror(number));
  return EXIT_FAILED;
}

static int report(const struct matrix *matrix, const struct options *options) {
  if (options->is_json)
    print_json(matrix);
  else
    print_table(matrix);
  return options->svg != NULL ? draw(matrix, options->svg) : EXIT_DONE;
}

int command_probe(int argc, char *argv[]) {
  struct options options = {0};
  struct aml_devices *devices = NULL;
  struct matrix matrix = {0};
  int status = parse(argc, argv, &options);
  if (status != EXIT_DONE)
    return status;
  if (aml_devices_read(&devices, NULL))
    return command_failed(argv[0]);
  const size_t count = aml_devices_count(devices);
  matrix.cells = calloc(count * count, sizeof *matrix.cells);
  size_t failed = 1;
  if (matrix.cells == NULL)
    fputs("aml probe: no memory for the figures\n", stderr);
  else
    failed = measure_all(devices, &options, &matrix);
  if (matrix.count != 0)
    status = report(&matrix, &options);
  free(matrix.cells);
  aml_devices_destroy(&devices);
  return failed != 0 ? EXIT_FAILED : status;
}
