// SPDX-License-Identifier: BSD-3-Clause
//
// Two files tell of the same mappings, in the same order: smaps has their ends and transparent huge
// pages, numa_maps their nodes. The process may change meanwhile; what only one tells is left so.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/tools/aml/maps.h"
#include "tools/aml/command.h"

struct options {
  bool is_json;
  const char *process;
  bool has_address;
  uint64_t address;
};

/** The two files, and where in smaps we are. */
struct source {
  FILE *nodes;
  FILE *sizes;
  char *line;
  size_t capacity;
  uint64_t start; /**< of the mapping that was read last; end 0: none */
  uint64_t end;
  uint64_t transparent;
  uint64_t next_start; /**< of the one whose first line was read; end 0: none */
  uint64_t next_end;
};

static int parse(int argc, char *argv[], struct options *options) {
  for (int i = 1; i < argc; ++i) {
    char *end = NULL;
    if (strcmp(argv[i], "--json") == 0) {
      options->is_json = true;
    } else if (argv[i][0] == '-') {
      return command_usage(argv[0], "there is no such option", argv[i]);
    } else if (options->process == NULL) {
      const unsigned long number = strtoul(argv[i], &end, 10);
      if (strcmp(argv[i], "self") != 0 && (number == 0 || *end != '\0'))
        return command_usage(argv[0], "this is no process", argv[i]);
      options->process = argv[i];
    } else if (!options->has_address) {
      options->has_address = true;
      options->address = strtoull(argv[i], &end, 16);
      if (end == argv[i] || *end != '\0')
        return command_usage(argv[0], "this is no hexadecimal address", argv[i]);
    } else {
      return command_usage(argv[0], "this is one argument too many", argv[i]);
    }
  }
  return options->process == NULL ? command_usage(argv[0], "which process?", NULL) : EXIT_DONE;
}

static FILE *open_file(const char *process, const char *name) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%s/%s", process, name);
  FILE *const file = fopen(path, "re");
  if (file != NULL)
    return file;
  const int number = errno;
  if (number == ENOENT && strcmp(name, "numa_maps") == 0)
    fprintf(stderr, "aml where: there is no process %s, or this kernel has no NUMA\n", process);
  else
    fprintf(stderr, "aml where: %s: %s\n", path, strerror(number));
  return NULL;
}

/** Reads the next mapping of smaps. */
static bool next_size(struct source *source) {
  uint64_t first = 0;
  uint64_t behind = 0;
  source->start = source->next_start;
  source->end = source->next_end;
  source->transparent = 0;
  source->next_end = 0;
  while (getline(&source->line, &source->capacity, source->sizes) >= 0) {
    const enum maps_line kind = maps_parse_smaps_line(source->line, &first, &behind);
    if (kind == MAPS_LINE_TRANSPARENT)
      source->transparent = first;
    if (kind != MAPS_LINE_FIRST)
      continue;
    source->next_start = first;
    source->next_end = behind;
    if (source->end != 0)
      return true;
    source->start = first;
    source->end = behind;
    source->next_end = 0;
  }
  return source->end != 0;
}

/** Goes on in smaps to the mapping that starts where `mapping` does, and takes what that tells. */
static void find_size(struct source *source, struct maps_mapping *mapping) {
  while (source->end == 0 || source->start < mapping->start)
    if (!next_size(source))
      return;
  if (source->start != mapping->start)
    return;
  mapping->end = source->end;
  mapping->transparent = source->transparent;
}

static void print_mapping(const struct options *options, const struct maps_mapping *mapping,
                          bool is_first) {
  if (!options->is_json) {
    printf("%12" PRIx64 " %10" PRIu64 " %8" PRIu64 " %10" PRIu64 " %-14s", mapping->start,
           (mapping->end > mapping->start ? mapping->end - mapping->start : 0) / 1024,
           mapping->page_size / 1024, mapping->transparent / 1024, mapping->policy);
    for (size_t node = 0; node < MAPS_NODES; ++node)
      if (mapping->size[node] != 0)
        printf(" N%zu=%" PRIu64, node, mapping->size[node] / 1024);
    printf("%s%s\n", mapping->name[0] != '\0' ? "  " : "", mapping->name);
    return;
  }
  printf("%s\n  {\"start\": \"0x%" PRIx64 "\", \"size\": %" PRIu64 ", \"page_size\": %" PRIu64
         ", \"transparent\": %" PRIu64 ", \"policy\": ",
         is_first ? "" : ",", mapping->start,
         mapping->end > mapping->start ? mapping->end - mapping->start : 0, mapping->page_size,
         mapping->transparent);
  command_print_json(mapping->policy);
  printf(", \"nodes\": {");
  const char *comma = "";
  for (size_t node = 0; node < MAPS_NODES; ++node) {
    if (mapping->size[node] == 0)
      continue;
    printf("%s\"%zu\": %" PRIu64, comma, node, mapping->size[node]);
    comma = ", ";
  }
  printf("}, \"name\": ");
  command_print_json(mapping->name);
  printf("}");
}

static bool is_asked_for(const struct options *options, const struct maps_mapping *mapping) {
  return !options->has_address ||
         (options->address >= mapping->start && options->address < mapping->end);
}

static void print_totals(const struct options *options, const uint64_t totals[]) {
  const char *comma = "";
  printf(options->is_json ? "\n], \"nodes\": {" : "\nall of them:");
  for (size_t node = 0; node < MAPS_NODES; ++node) {
    if (totals[node] == 0)
      continue;
    if (options->is_json)
      printf("%s\"%zu\": %" PRIu64, comma, node, totals[node]);
    else
      printf(" N%zu=%" PRIu64, node, totals[node] / 1024);
    comma = ", ";
  }
  printf(options->is_json ? "}}\n" : " KiB\n");
}

/** Prints what is asked for; returns how many mappings that was. */
static size_t print_all(const struct options *options, struct source *source) {
  static struct maps_mapping mapping;
  static uint64_t totals[MAPS_NODES];
  size_t count = 0;
  char *line = NULL;
  size_t capacity = 0;
  if (options->is_json) {
    printf("{\"process\": ");
    command_print_json(options->process);
    printf(", \"mappings\": [");
  } else {
    printf("     address   size KiB page KiB   huge KiB policy         KiB on each node  name\n");
  }
  while (getline(&line, &capacity, source->nodes) >= 0) {
    if (!maps_parse_line(line, &mapping))
      continue;
    find_size(source, &mapping);
    if (!is_asked_for(options, &mapping))
      continue;
    print_mapping(options, &mapping, count == 0);
    for (size_t node = 0; node < MAPS_NODES; ++node)
      totals[node] += mapping.size[node];
    ++count;
  }
  free(line);
  print_totals(options, totals);
  return count;
}

int command_where(int argc, char *argv[]) {
  struct options options = {0};
  struct source source = {0};
  int status = parse(argc, argv, &options);
  if (status != EXIT_DONE)
    return status;
  source.nodes = open_file(options.process, "numa_maps");
  source.sizes = source.nodes != NULL ? open_file(options.process, "smaps") : NULL;
  status = EXIT_FAILED;
  if (source.sizes != NULL) {
    const size_t count = print_all(&options, &source);
    if (ferror(source.nodes) || ferror(source.sizes))
      fprintf(stderr, "aml where: cannot read of process %s: %s\n", options.process,
              strerror(errno));
    else if (options.has_address && count == 0)
      fprintf(stderr, "aml where: no mapping of process %s is at %" PRIx64 "\n", options.process,
              options.address);
    else
      status = EXIT_DONE;
    fclose(source.sizes);
  }
  if (source.nodes != NULL)
    fclose(source.nodes);
  free(source.line);
  return status;
}
