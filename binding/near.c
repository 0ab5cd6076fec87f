// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/near.h"

#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

static const struct aml_binding_near *near_of(const struct aml_binding *binding) {
  return (const struct aml_binding_near *)binding;
}

static void fini(struct aml_binding *binding) {
  struct aml_binding_near *const it = (struct aml_binding_near *)binding;
  free(it->devices);
  *it = (struct aml_binding_near){.binding = {.ops = &aml_binding_near_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  if (near_of(binding)->devices == NULL)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_near_device_of(binding, index, count);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = aml_internal_devices_set(near_of(binding)->devices, near_of(binding)->threads.divisor);
}

/** Where the share of the thread that has item `index` ends. */
static size_t share_end(const struct aml_binding *binding, size_t index, size_t count) {
  const size_t next = aml_binding_near_thread_of(binding, index, count) + 1;
  size_t rest;
  const size_t share = aml_reciprocal_divide(&near_of(binding)->threads, count, &rest);
  return next * share + (next < rest ? next : rest);
}

/** Ends with what one thread has, even where the next one's is on the same device. */
static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const struct aml_binding_near *const it = near_of(binding);
  if (it->devices == NULL)
    return 1;
  if (it->threads.divisor == 1)
    return count - index;
  if (it->chunk.divisor == 0)
    return share_end(binding, index, count) - index;
  size_t before;
  (void)aml_reciprocal_divide(&it->chunk, index, &before);
  const size_t left = it->chunk.divisor - before;
  return left < count - index ? left : count - index;
}

const struct aml_binding_ops aml_binding_near_ops = {
    .name = "near",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
};

/** Finds the device of each thread. */
static int find_devices(const char *call, const struct aml_devices *snapshot,
                        const struct aml_cpuset cpus[], size_t threads,
                        const struct aml_binding_near_options *options, uint16_t found[]) {
  for (size_t t = 0; t < threads; ++t) {
    const struct aml_device_query query = {
        .criterion = options->criterion, .kinds = options->kinds, .cpus = &cpus[t]};
    struct aml_nodeset best = {{0}};
    const int err = aml_devices_best(snapshot, &query, &best);
    if (err)
      return aml_error_set_value(err, call, "cpus: of thread", t, aml_error_detail());
    found[t] = (uint16_t)aml_nodeset_next(&best, -1);
  }
  return 0;
}

int aml_binding_near_init(struct aml_binding *binding, const struct aml_devices *snapshot,
                          const struct aml_cpuset cpus[], size_t threads,
                          const struct aml_binding_near_options *options) {
  static const char call[] = "aml_binding_near_init";
  static const struct aml_binding_near_options defaults = {0};
  if (binding == NULL || binding->ops != &aml_binding_near_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_NEAR_DECL");
  if (snapshot == NULL || cpus == NULL)
    return aml_error_set(-AML_EINVAL, call, snapshot == NULL ? "snapshot" : "cpus", "is null");
  if (threads == 0)
    return aml_error_set(-AML_EINVAL, call, "threads", "is 0");
  if (options == NULL)
    options = &defaults;
  struct aml_binding_near *const it = (struct aml_binding_near *)binding;
  size_t size = 0;
  uint16_t *found = NULL;
  if (aml_checked_multiply(threads, sizeof *found, &size))
    found = malloc(size);
  if (found == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the devices of threads");
  const int err = find_devices(call, snapshot, cpus, threads, options, found);
  if (err) {
    free(found);
    return err;
  }
  it->devices = found;
  it->threads = aml_reciprocal_of(threads);
  if (options->chunk != 0)
    it->chunk = aml_reciprocal_of(options->chunk);
  return 0;
}

int aml_binding_near_create(struct aml_binding **binding, const struct aml_devices *snapshot,
                            const struct aml_cpuset cpus[], size_t threads,
                            const struct aml_binding_near_options *options) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_near_create", "binding", binding,
                       sizeof(struct aml_binding_near), &aml_binding_near_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_near_init(made, snapshot, cpus, threads, options);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
