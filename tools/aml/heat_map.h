// SPDX-License-Identifier: BSD-3-Clause
//
// Draws figures between CPUs and devices as a heat map in SVG: the more bandwidth, the darker.

#ifndef AML_TOOLS_AML_HEAT_MAP_H
#define AML_TOOLS_AML_HEAT_MAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heat_map_cell {
  int row;    /**< the node whose CPUs they are */
  int column; /**< the device */
  uint64_t bandwidth_mib_s;
  uint64_t latency_ns;
};

/** Writes a picture to a file, whole or not at all. Returns: 0, or errno. */
int heat_map_write(const char *path, const struct heat_map_cell cells[], size_t count);

#ifdef __cplusplus
}
#endif

#endif
