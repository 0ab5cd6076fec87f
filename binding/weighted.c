// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/weighted.h"

#include <assert.h>
#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/binding/internal/shares.h"
#include "aml/core/create.h"
#include "aml/core/device_rank.h"
#include "aml/core/error.h"

static const struct aml_binding_weighted *weighted_of(const struct aml_binding *binding) {
  return (const struct aml_binding_weighted *)binding;
}

static void fini(struct aml_binding *binding) {
  struct aml_binding_weighted *const it = (struct aml_binding_weighted *)binding;
  free(it->period);
  *it = (struct aml_binding_weighted){.binding = {.ops = &aml_binding_weighted_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)count;
  if (weighted_of(binding)->period == NULL)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_weighted_device_of(binding, index);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = weighted_of(binding)->devices;
}

/** Ends with the period, where that is of several items. */
static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const struct aml_binding_weighted *const it = weighted_of(binding);
  const size_t rest = count - index;
  if (it->period == NULL || it->length.divisor == 1)
    return it->period == NULL ? 1 : rest;
  size_t first;
  (void)aml_reciprocal_divide(&it->length, index, &first);
  const size_t left = it->length.divisor - first;
  const size_t most = left < rest ? left : rest;
  size_t found = 1;
  while (found < most && it->period[first + found] == it->period[first])
    ++found;
  return found;
}

static int policy(const struct aml_binding *binding, enum aml_policy *result,
                  struct aml_nodeset *nodes) {
  if (!weighted_of(binding)->is_system)
    return aml_error_set(-AML_ENOTSUP, "aml_binding_policy", "binding",
                         "has weights that are not the system's");
  *result = AML_POLICY_WEIGHTED_INTERLEAVE;
  devices(binding, nodes);
  return 0;
}

const struct aml_binding_ops aml_binding_weighted_ops = {
    .name = "weighted",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
    .policy = policy,
};

static int deal(const char *call, const struct aml_internal_shares *shares, bool is_system,
                struct aml_binding_weighted *it) {
  const uint64_t total = aml_internal_shares_total(shares);
  if (total > AML_BINDING_WEIGHTED_MAX_PERIOD)
    return aml_error_set_value(-AML_EOVERFLOW, call, "weights: their sum, reduced,", total,
                               "is more than 65536");
  uint16_t *const period = malloc(total * sizeof *period);
  if (period == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the devices of a period");
  if (is_system)
    aml_internal_shares_deal_in_turn(shares, period);
  else
    aml_internal_shares_deal_evenly(shares, period);
  it->period = period;
  it->length = aml_reciprocal_of(total);
  it->devices = aml_internal_devices_set(shares->devices, shares->count);
  it->is_system = is_system;
  return 0;
}

int aml_binding_weighted_init(struct aml_binding *binding, const struct aml_nodeset *nodes,
                              const struct aml_binding_weighted_options *options) {
  static const char call[] = "aml_binding_weighted_init";
  static const struct aml_binding_weighted_options defaults = {0};
  if (binding == NULL || binding->ops != &aml_binding_weighted_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_WEIGHTED_DECL");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  if (options == NULL)
    options = &defaults;
  struct aml_internal_shares shares;
  const bool is_system = options->weights == NULL;
  const int err =
      is_system
          ? aml_internal_shares_of_system(
                call, nodes, options->sysfs_root == NULL ? "/sys" : options->sysfs_root, &shares)
          : aml_internal_shares_given(call, nodes, options->weights, &shares);
  return err ? err : deal(call, &shares, is_system, (struct aml_binding_weighted *)binding);
}

int aml_binding_weighted_create(struct aml_binding **binding, const struct aml_nodeset *nodes,
                                const struct aml_binding_weighted_options *options) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_weighted_create", "binding", binding,
                       sizeof(struct aml_binding_weighted), &aml_binding_weighted_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_weighted_init(made, nodes, options);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}

// Weights by bandwidth

enum { MOST_IN_TOTAL = 4096, TOLERANCE = 16 };

__extension__ typedef unsigned __int128 wide;

/** Finds the bandwidth of each device, in ascending order, and adds them to *sum. */
static int find_figures(const char *call, const struct aml_devices *snapshot,
                        const struct aml_cpuset *cpus, const struct aml_nodeset *nodes,
                        uint64_t figures[], wide *sum) {
  struct aml_device_ranked ranked[AML_NODESET_CAPACITY];
  const struct aml_device_query query = {
      .criterion = AML_DEVICE_BY_READ_BANDWIDTH, .cpus = cpus, .includes_forbidden = true};
  size_t count;
  const int err = aml_devices_rank(snapshot, &query, ranked, AML_NODESET_CAPACITY, &count);
  if (err)
    return aml_error_set(err, call, "snapshot or cpus:", aml_error_detail());
  size_t found = 0;
  for (int node = aml_nodeset_next(nodes, -1); node >= 0; node = aml_nodeset_next(nodes, node)) {
    size_t i = 0;
    while (i < count && ranked[i].number != node)
      ++i;
    if (i == count || ranked[i].value == AML_UNKNOWN)
      return aml_error_set_value(-AML_ENOENT, call, "devices: of device", (uint64_t)node,
                                 "no read bandwidth is known");
    figures[found++] = ranked[i].value;
    *sum += ranked[i].value;
  }
  return 0;
}

static unsigned rounded(size_t total, uint64_t figure, wide sum) {
  return (unsigned)(((wide)2 * total * figure + sum) / (2 * sum));
}

/** Whether weights rounded for `total` are as near to the figures as they shall be. */
static bool is_near(size_t total, const uint64_t figures[], size_t count, wide sum) {
  wide weights = 0;
  for (size_t i = 0; i < count; ++i)
    weights += rounded(total, figures[i], sum);
  if (weights == 0)
    return false;
  for (size_t i = 0; i < count; ++i) {
    const wide share = rounded(total, figures[i], sum) * sum;
    const wide exact = weights * figures[i];
    if ((share > exact ? share - exact : exact - share) > exact / TOLERANCE)
      return false;
  }
  return true;
}

int aml_binding_weighted_by_bandwidth(const struct aml_devices *snapshot,
                                      const struct aml_cpuset *cpus,
                                      const struct aml_nodeset *nodes, unsigned weights[]) {
  static const char call[] = "aml_binding_weighted_by_bandwidth";
  if (snapshot == NULL || weights == NULL)
    return aml_error_set(-AML_EINVAL, call, snapshot == NULL ? "snapshot" : "weights", "is null");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  uint64_t figures[AML_NODESET_CAPACITY] = {0};
  wide sum = 0;
  const int err = find_figures(call, snapshot, cpus, nodes, figures, &sum);
  if (err)
    return err;
  assert(sum > 0); // no figure is 0
  const size_t count = aml_nodeset_count(nodes);
  size_t total = 1;
  while (total < MOST_IN_TOTAL && !is_near(total, figures, count, sum))
    ++total;
  for (size_t i = 0; i < count; ++i)
    weights[i] = rounded(total, figures[i], sum);
  return 0;
}
