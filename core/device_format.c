// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/device_format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "aml/core/cpuset.h"
#include "aml/core/nodeset.h"

/** A text that grows as far as there is room, and is measured beyond that. */
struct writer {
  char *text;
  size_t capacity;
  size_t length;
};

static void put(struct writer *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *to, const char *format, ...) {
  const size_t room = to->length < to->capacity ? to->capacity - to->length : 0;
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(room != 0 ? to->text + to->length : NULL, room, format, arguments);
  va_end(arguments);
  to->length += length > 0 ? (size_t)length : 0;
}

const char *aml_device_kind_name(enum aml_device_kind kind) {
  switch (kind) {
  case AML_DEVICE_DRAM:
    return "dram";
  case AML_DEVICE_HBM:
    return "hbm";
  case AML_DEVICE_EXPANSION:
    return "expansion";
  case AML_DEVICE_UNKNOWN:
    break;
  }
  return "unknown";
}

const char *aml_device_evidence_name(enum aml_device_evidence evidence) {
  static const char *const names[] = {
      [AML_DEVICE_EVIDENCE_NONE] = "none",
      [AML_DEVICE_EVIDENCE_USER] = "user",
      [AML_DEVICE_EVIDENCE_CXL] = "cxl",
      [AML_DEVICE_EVIDENCE_DAX] = "dax",
      [AML_DEVICE_EVIDENCE_BANDWIDTH] = "bandwidth",
      [AML_DEVICE_EVIDENCE_LATENCY] = "latency",
      [AML_DEVICE_EVIDENCE_TIER] = "tier",
      [AML_DEVICE_EVIDENCE_CPUS] = "cpus",
  };
  return (size_t)evidence < sizeof names / sizeof *names ? names[evidence] : "none";
}

/** Puts a set; long ones are cut, which no set of a real machine is. */
static void put_cpus(struct writer *to, const struct aml_cpuset *set, const char *empty) {
  char text[AML_CPUSET_TEXT_CAPACITY];
  (void)aml_cpuset_format(set, text, sizeof text);
  put(to, "%s", text[0] != '\0' ? text : empty);
}

// The table

/** Puts a size with three digits at most before its unit. */
static void put_size(struct writer *to, uint64_t size) {
  static const char units[] = "BKMGTPE";
  size_t unit = 0;
  double value = (double)size;
  for (; value >= 1000 && unit + 2 < sizeof units; ++unit)
    value /= 1024;
  if (size == AML_UNKNOWN)
    put(to, " %8s", "-");
  else if (unit == 0)
    put(to, " %7.0f%c", value, units[unit]);
  else
    put(to, " %7.1f%c", value, units[unit]);
}

static void put_figure(struct writer *to, int width, uint64_t value) {
  if (value == AML_UNKNOWN)
    put(to, " %*s", width, "-");
  else
    put(to, " %*" PRIu64, width, value);
}

static const char *state_of(const struct aml_device *device) {
  if (device->is_online == AML_ANSWER_NO)
    return "offline";
  if (device->total == 0)
    return "no memory";
  if (device->is_allowed == AML_ANSWER_NO)
    return "forbidden";
  return device->is_movable == AML_ANSWER_YES ? "movable" : "online";
}

static void put_row(struct writer *to, const struct aml_device *device) {
  const struct aml_device_access *const access =
      aml_nodeset_is_empty(&device->access1.initiators) ? &device->access0 : &device->access1;
  put(to, "%4d %-9s %-9s %-9s", device->number, aml_device_kind_name(device->kind),
      aml_device_evidence_name(device->evidence), state_of(device));
  put_size(to, device->total);
  put_size(to, device->free);
  put_size(to, device->usable);
  put_figure(to, 9, access->performance.read_bandwidth_mib_s);
  put_figure(to, 9, access->performance.write_bandwidth_mib_s);
  put_figure(to, 7, access->performance.read_latency_ns);
  put_size(to, device->cache_count != 0 ? device->caches[0].size : AML_UNKNOWN);
  put_figure(to, 4, device->tier < 0 ? AML_UNKNOWN : (uint64_t)device->tier);
  put(to, " ");
  put_cpus(to, &device->near_cpus, "-");
  put(to, "\n");
}

static void put_distances(struct writer *to, const struct aml_devices *devices) {
  const size_t count = aml_devices_count(devices);
  put(to, "\ndistance");
  for (size_t i = 0; i < count; ++i)
    put(to, " %4d", aml_devices_at(devices, i)->number);
  put(to, "\n");
  for (size_t i = 0; i < count; ++i) {
    const int from = aml_devices_at(devices, i)->number;
    put(to, "%8d", from);
    for (size_t j = 0; j < count; ++j) {
      const int distance = aml_devices_distance(devices, from, aml_devices_at(devices, j)->number);
      put_figure(to, 4, distance < 0 ? AML_UNKNOWN : (uint64_t)distance);
    }
    put(to, "\n");
  }
}

size_t aml_devices_format_table(const struct aml_devices *devices, char *text, size_t capacity) {
  struct writer to = {.text = text, .capacity = capacity};
  if (capacity != 0)
    *text = '\0';
  if (devices == NULL)
    return 0;
  put(&to, "node kind      evidence  state        total     free   usable");
  put(&to, "  read M/s write M/s lat. ns    cache tier cpus\n");
  for (size_t i = 0; i < aml_devices_count(devices); ++i)
    put_row(&to, aml_devices_at(devices, i));
  put_distances(&to, devices);
  if (aml_devices_headroom(devices) != AML_UNKNOWN) {
    put(&to, "\ncontrol groups leave");
    put_size(&to, aml_devices_headroom(devices));
    put(&to, "\n");
  }
  return to.length;
}

// JSON

static void put_number(struct writer *to, const char *key, uint64_t value) {
  if (value == AML_UNKNOWN)
    put(to, "\"%s\": null", key);
  else
    put(to, "\"%s\": %" PRIu64, key, value);
}

static void put_answer(struct writer *to, const char *key, enum aml_answer answer) {
  static const char *const words[] = {"null", "false", "true"};
  put(to, "\"%s\": %s, ", key, words[answer]);
}

static void put_access(struct writer *to, const char *key, const struct aml_device_access *access) {
  char nodes[AML_NODESET_TEXT_CAPACITY];
  (void)aml_nodeset_format(&access->initiators, nodes, sizeof nodes);
  put(to, "\"%s\": {\"initiators\": \"%s\", ", key, nodes);
  put_number(to, "read_bandwidth_mib_s", access->performance.read_bandwidth_mib_s);
  put(to, ", ");
  put_number(to, "write_bandwidth_mib_s", access->performance.write_bandwidth_mib_s);
  put(to, ", ");
  put_number(to, "read_latency_ns", access->performance.read_latency_ns);
  put(to, ", ");
  put_number(to, "write_latency_ns", access->performance.write_latency_ns);
  put(to, "}, ");
}

static void put_caches(struct writer *to, const struct aml_device *device) {
  put(to, "\"caches\": [");
  for (size_t i = 0; i < device->cache_count; ++i) {
    put(to, "%s{\"level\": %d, ", i == 0 ? "" : ", ", device->caches[i].level);
    put_number(to, "size", device->caches[i].size);
    put(to, ", ");
    put_number(to, "line_size", device->caches[i].line_size);
    put(to, "}");
  }
  put(to, "], \"pools\": [");
  for (size_t i = 0; i < device->pool_count; ++i) {
    put(to, "%s{", i == 0 ? "" : ", ");
    put_number(to, "page_size", device->pools[i].page_size);
    put(to, ", ");
    put_number(to, "total", device->pools[i].total);
    put(to, ", ");
    put_number(to, "free", device->pools[i].free);
    put(to, ", ");
    put_number(to, "surplus", device->pools[i].surplus);
    put(to, "}");
  }
  put(to, "]}");
}

static void put_sizes(struct writer *to, const struct aml_device *device) {
  put_number(to, "tier", device->tier < 0 ? AML_UNKNOWN : (uint64_t)device->tier);
  put(to, ", ");
  put_number(to, "total", device->total);
  put(to, ", ");
  put_number(to, "plugged", device->plugged);
  put(to, ", ");
  put_number(to, "free", device->free);
  put(to, ", ");
  put_number(to, "usable", device->usable);
}

static void put_device(struct writer *to, const struct aml_devices *devices,
                       const struct aml_device *device) {
  put(to, "{\"number\": %d, \"kind\": \"%s\", \"evidence\": \"%s\", ", device->number,
      aml_device_kind_name(device->kind), aml_device_evidence_name(device->evidence));
  put_answer(to, "online", device->is_online);
  put_answer(to, "allowed", device->is_allowed);
  put_answer(to, "movable", device->is_movable);
  put(to, "\"cpus\": \"");
  put_cpus(to, &device->near_cpus, "");
  put(to, "\", ");
  put_sizes(to, device);
  put(to, ", \"distances\": {");
  const char *comma = "";
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const int other = aml_devices_at(devices, i)->number;
    const int distance = aml_devices_distance(devices, device->number, other);
    if (distance >= 0)
      put(to, "%s\"%d\": %d", comma, other, distance);
    comma = distance >= 0 ? ", " : comma;
  }
  put(to, "}, ");
  put_access(to, "access0", &device->access0);
  put_access(to, "access1", &device->access1);
  put_caches(to, device);
}

size_t aml_devices_format_json(const struct aml_devices *devices, char *text, size_t capacity) {
  struct writer to = {.text = text, .capacity = capacity};
  if (capacity != 0)
    *text = '\0';
  if (devices == NULL)
    return 0;
  put(&to, "{\"cpus\": \"");
  put_cpus(&to, aml_devices_cpus(devices), "");
  put(&to, "\", ");
  put_number(&to, "headroom", aml_devices_headroom(devices));
  put(&to, ", \"devices\": [");
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    put(&to, i == 0 ? "\n  " : ",\n  ");
    put_device(&to, devices, aml_devices_at(devices, i));
  }
  put(&to, "\n]}\n");
  return to.length;
}
