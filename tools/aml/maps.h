// SPDX-License-Identifier: BSD-3-Clause
//
// Reads what the kernel tells of a process's mappings: a line of /proc/PID/numa_maps, and the
// bytes in transparent huge pages that smaps has for it.

#ifndef AML_TOOLS_AML_MAPS_H
#define AML_TOOLS_AML_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MAPS_NODES = 1024, MAPS_TEXT = 4352 };

/** A mapping. */
struct maps_mapping {
  uint64_t start;
  uint64_t end;              /**< 0: not known, as numa_maps does not tell it */
  uint64_t page_size;        /**< bytes; 0: not told, as nothing is present */
  uint64_t transparent;      /**< bytes in transparent huge pages */
  uint64_t size[MAPS_NODES]; /**< bytes on each node */
  char policy[64];
  char name[MAPS_TEXT]; /**< of the file, "heap", "stack" or empty */
};

/** Reads a line of numa_maps. False: it is none. */
bool maps_parse_line(const char *line, struct maps_mapping *mapping);

/** What a line of smaps tells. */
enum maps_line { MAPS_LINE_OTHER, MAPS_LINE_FIRST, MAPS_LINE_TRANSPARENT };

/** Reads a line of smaps: "start-end …", or "AnonHugePages: n kB", whose bytes go to *start. */
enum maps_line maps_parse_smaps_line(const char *line, uint64_t *start, uint64_t *end);

#ifdef __cplusplus
}
#endif

#endif
