// SPDX-License-Identifier: BSD-3-Clause
//
// The memory devices of a machine as text: a table for people, JSON for programs.
//
//     char text[65536];
//     if (aml_devices_format_json(devices, text, sizeof text) < sizeof text)
//       puts(text);
//
// The JSON is one object:
//
//     {"cpus": "0-3", "headroom": null, "devices": [
//       {"number": 0, "kind": "dram", "evidence": "cpus", "online": true, "allowed": true,
//        "movable": false, "cpus": "0-3", "tier": 4, "total": 1, "plugged": 1, "free": 1,
//        "usable": 1, "distances": {"0": 10},
//        "access0": {"initiators": "0", "read_bandwidth_mib_s": 1, "write_bandwidth_mib_s": 1,
//                    "read_latency_ns": 1, "write_latency_ns": 1}, "access1": {...},
//        "caches": [{"level": 1, "size": 1, "line_size": 64}],
//        "pools": [{"page_size": 2097152, "total": 0, "free": 0, "surplus": 0}]}]}
//
// Sizes are bytes. What is not known is null, sets are as "0-3,8"; keys may be added, and none
// changes its meaning.
//
// Threads: thread-safe, for one snapshot that nobody changes meanwhile. No function allocates.

#ifndef AML_CORE_DEVICE_FORMAT_H
#define AML_CORE_DEVICE_FORMAT_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Name a kind: "dram", "hbm", "expansion", "unknown". */
AML_PUBLIC const char *aml_device_kind_name(enum aml_device_kind kind);

/** Name an evidence: "none", "user", "cxl", "dax", "bandwidth", "latency", "tier", "cpus". */
AML_PUBLIC const char *aml_device_evidence_name(enum aml_device_evidence evidence);

/**
 * Write a table, of a line for each device, and the distances between them. What is not known is
 * "-".
 *
 * @param text      where it goes, null-terminated; may be null if `capacity` is 0.
 * @param capacity  of `text`, in bytes.
 *
 * Returns: the length of the whole text without its null; what does not fit is cut off. 0 for null
 * devices.
 */
AML_PUBLIC size_t aml_devices_format_table(const struct aml_devices *devices, char *text,
                                           size_t capacity);

/** Write JSON; takes and returns as aml_devices_format_table(). Ends with a newline, as that does.
 */
AML_PUBLIC size_t aml_devices_format_json(const struct aml_devices *devices, char *text,
                                          size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
