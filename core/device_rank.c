// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/device_rank.h"

#include <limits.h>

#include "aml/core/error.h"

/** A query with its defaults filled in. */
struct search {
  const struct aml_devices *devices;
  struct aml_device_query query;
  struct aml_nodeset initiators; /**< the nodes of its CPUs */
};

static bool is_larger_better(enum aml_device_criterion criterion) {
  return criterion == AML_DEVICE_BY_READ_BANDWIDTH || criterion == AML_DEVICE_BY_WRITE_BANDWIDTH ||
         criterion == AML_DEVICE_BY_SIZE || criterion == AML_DEVICE_BY_USABLE;
}

/** The figure between one node's CPUs and a device. */
static uint64_t value_from(const struct search *search, enum aml_device_criterion criterion,
                           int initiator, int target) {
  if (criterion == AML_DEVICE_BY_DISTANCE) {
    const int distance = aml_devices_distance(search->devices, initiator, target);
    return distance < 0 ? AML_UNKNOWN : (uint64_t)distance;
  }
  const struct aml_device_performance figures =
      aml_devices_performance(search->devices, initiator, target);
  switch (criterion) {
  case AML_DEVICE_BY_READ_BANDWIDTH:
    return figures.read_bandwidth_mib_s;
  case AML_DEVICE_BY_WRITE_BANDWIDTH:
    return figures.write_bandwidth_mib_s;
  case AML_DEVICE_BY_READ_LATENCY:
    return figures.read_latency_ns;
  default:
    return figures.write_latency_ns;
  }
}

/** The figure of a device: the worst one that is known for a node of the query. */
static uint64_t value_of(const struct search *search, enum aml_device_criterion criterion,
                         const struct aml_device *device) {
  if (criterion == AML_DEVICE_BY_SIZE)
    return device->total;
  if (criterion == AML_DEVICE_BY_USABLE)
    return device->usable;
  uint64_t worst = AML_UNKNOWN;
  for (int from = aml_nodeset_next(&search->initiators, -1); from >= 0;
       from = aml_nodeset_next(&search->initiators, from)) {
    const uint64_t value = value_from(search, criterion, from, device->number);
    const bool is_worse = is_larger_better(criterion) ? value < worst : value > worst;
    if (value != AML_UNKNOWN && (worst == AML_UNKNOWN || is_worse))
      worst = value;
  }
  return worst;
}

static bool answers(const struct search *search, const struct aml_device *device) {
  const struct aml_device_query *const query = &search->query;
  if (device->is_online == AML_ANSWER_NO || device->total == 0)
    return false;
  if (device->is_allowed == AML_ANSWER_NO && !query->includes_forbidden)
    return false;
  if (query->kinds != 0 && (query->kinds & (unsigned)device->kind) == 0)
    return false;
  return query->min_usable == 0 ||
         (device->usable != AML_UNKNOWN && device->usable >= query->min_usable);
}

/** Whether a figure is better than another; what is not known never is. */
static bool is_better(enum aml_device_criterion criterion, uint64_t a, uint64_t b) {
  if (a == AML_UNKNOWN || b == AML_UNKNOWN)
    return a != AML_UNKNOWN && b == AML_UNKNOWN;
  return is_larger_better(criterion) ? a > b : a < b;
}

static int check(const char *call, const struct aml_devices *devices,
                 const struct aml_device_query *query) {
  static const unsigned kinds =
      AML_DEVICE_UNKNOWN | AML_DEVICE_DRAM | AML_DEVICE_HBM | AML_DEVICE_EXPANSION;
  if (devices == NULL)
    return aml_error_set(-AML_EINVAL, call, "devices", "is null");
  if (query->criterion > AML_DEVICE_BY_USABLE)
    return aml_error_set(-AML_EINVAL, call, "criterion", "is none");
  if ((query->kinds & ~kinds) != 0)
    return aml_error_set(-AML_EINVAL, call, "kinds", "has an unknown bit");
  return 0;
}

/** Fills in a query's defaults. */
static int start(const char *call, const struct aml_devices *devices,
                 const struct aml_device_query *query, struct search *search) {
  static const struct aml_device_query defaults = {0};
  *search = (struct search){.devices = devices, .query = query != NULL ? *query : defaults};
  const int err = check(call, devices, &search->query);
  if (err)
    return err;
  const bool is_given = search->query.cpus != NULL;
  if (!is_given)
    search->query.cpus = aml_devices_cpus(devices);
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const device = aml_devices_at(devices, i);
    struct aml_cpuset near = device->near_cpus;
    aml_cpuset_intersect(&near, search->query.cpus);
    if (!aml_cpuset_is_empty(&near))
      (void)aml_nodeset_add(&search->initiators, device->number);
  }
  if (is_given && aml_nodeset_is_empty(&search->initiators))
    return aml_error_set(-AML_EINVAL, call, "cpus", "are near no device of this machine");
  return 0;
}

/** Tells the place of one device among all, and how it stands in a list of them. */
static void place(const struct search *search, const struct aml_device *device,
                  struct aml_device_ranked *ranked, size_t *index) {
  const enum aml_device_criterion criterion = search->query.criterion;
  const uint64_t value = value_of(search, criterion, device);
  const uint64_t distance = value_of(search, AML_DEVICE_BY_DISTANCE, device);
  *ranked = (struct aml_device_ranked){.number = device->number, .value = value};
  size_t before = 0;
  for (size_t i = 0; i < aml_devices_count(search->devices); ++i) {
    const struct aml_device *const other = aml_devices_at(search->devices, i);
    if (other == device || !answers(search, other))
      continue;
    const uint64_t others = value_of(search, criterion, other);
    if (is_better(criterion, others, value)) {
      ++ranked->rank;
    } else if (!is_better(criterion, value, others)) {
      ranked->is_tied = true;
      const uint64_t far = value_of(search, AML_DEVICE_BY_DISTANCE, other);
      const bool is_nearer = is_better(AML_DEVICE_BY_DISTANCE, far, distance);
      const bool is_farther = is_better(AML_DEVICE_BY_DISTANCE, distance, far);
      before += is_nearer || (!is_farther && other->number < device->number);
    }
  }
  *index = ranked->rank + before;
}

int aml_devices_rank(const struct aml_devices *devices, const struct aml_device_query *query,
                     struct aml_device_ranked ranked[], size_t capacity, size_t *count) {
  static const char call[] = "aml_devices_rank";
  struct search search;
  const int err = start(call, devices, query, &search);
  if (err)
    return err;
  if (count == NULL || (ranked == NULL && capacity != 0))
    return aml_error_set(-AML_EINVAL, call, count == NULL ? "count" : "ranked", "is null");
  size_t found = 0;
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const device = aml_devices_at(devices, i);
    if (!answers(&search, device))
      continue;
    ++found;
    struct aml_device_ranked one;
    size_t index = 0;
    place(&search, device, &one, &index);
    if (index < capacity)
      ranked[index] = one;
  }
  *count = found;
  return 0;
}

int aml_devices_best(const struct aml_devices *devices, const struct aml_device_query *query,
                     struct aml_nodeset *best) {
  static const char call[] = "aml_devices_best";
  struct search search;
  struct aml_nodeset found = {{0}};
  const int err = start(call, devices, query, &search);
  if (err)
    return err;
  if (best == NULL)
    return aml_error_set(-AML_EINVAL, call, "best", "is null");
  bool is_known = false;
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const device = aml_devices_at(devices, i);
    struct aml_device_ranked one = {.rank = 1};
    size_t index = 0;
    if (answers(&search, device))
      place(&search, device, &one, &index);
    if (one.rank != 0)
      continue;
    (void)aml_nodeset_add(&found, device->number);
    is_known = is_known || one.value != AML_UNKNOWN;
  }
  if (aml_nodeset_is_empty(&found))
    return aml_error_set(-AML_ENODEV, call, "query", "is answered by no device");
  if (!is_known)
    return aml_error_set(-AML_ENOENT, call, "criterion", "is a figure that is known of no device");
  *best = found;
  return 0;
}

/** How far a device with such CPUs is from another; its own memory is nearest to it. */
static int distance_from(const struct aml_devices *devices, int from, int to) {
  const int distance = aml_devices_distance(devices, from, to);
  return from == to ? 0 : distance < 0 ? INT_MAX : distance;
}

int aml_devices_nearest_cpus(const struct aml_devices *devices, int number,
                             struct aml_cpuset *cpus) {
  static const char call[] = "aml_devices_nearest_cpus";
  struct aml_cpuset found = {{0}};
  int nearest = INT_MAX;
  if (devices == NULL || cpus == NULL)
    return aml_error_set(-AML_EINVAL, call, devices == NULL ? "devices" : "cpus", "is null");
  if (aml_devices_find(devices, number) == NULL)
    return aml_error_set(-AML_ENODEV, call, "number", "is no device's");
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const device = aml_devices_at(devices, i);
    const int distance = distance_from(devices, device->number, number);
    struct aml_cpuset near = device->near_cpus;
    aml_cpuset_intersect(&near, aml_devices_cpus(devices));
    if (distance > nearest || distance == INT_MAX || aml_cpuset_is_empty(&near))
      continue;
    if (distance == nearest)
      aml_cpuset_unite(&near, &found);
    nearest = distance;
    found = near;
  }
  if (nearest == INT_MAX)
    return aml_error_set(-AML_ENOENT, call, "number",
                         "is a device to which no distance is known from CPUs");
  *cpus = found;
  return 0;
}
