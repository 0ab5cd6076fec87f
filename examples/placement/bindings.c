// SPDX-License-Identifier: BSD-3-Clause
//
// A further type is one function and one line of the table.

#include "aml/examples/placement/bindings.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "aml/binding/block.h"
#include "aml/binding/cyclic.h"
#include "aml/binding/function.h"
#include "aml/binding/grid.h"
#include "aml/binding/interleave.h"
#include "aml/binding/local.h"
#include "aml/binding/near.h"
#include "aml/binding/single.h"
#include "aml/binding/table.h"
#include "aml/binding/weighted.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/examples/placement/words.h"

enum { MISREAD = 1 }; // beside AML's codes, which are negative

/** Makes a binding from what follows its name. Returns: 0; MISREAD; a code of AML. */
typedef int make_function(struct words *words, struct made_binding *made);

static int make_single(struct words *words, struct made_binding *made) {
  size_t device;
  if (!words_number(words, &device) || device >= AML_NODESET_CAPACITY)
    return MISREAD;
  return aml_binding_single_create(&made->binding, (int)device);
}

static int make_interleave(struct words *words, struct made_binding *made) {
  if (!words_devices(words, &made->devices))
    return MISREAD;
  return aml_binding_interleave_create(&made->binding, &made->devices);
}

static int make_block(struct words *words, struct made_binding *made) {
  if (!words_devices(words, &made->devices))
    return MISREAD;
  return aml_binding_block_create(&made->binding, &made->devices);
}

static int make_cyclic(struct words *words, struct made_binding *made) {
  struct aml_binding_cyclic_options options = {.block = 0};
  if (!words_devices(words, &made->devices) ||
      (words_skip(words, "/") && !words_number(words, &options.block)))
    return MISREAD;
  return aml_binding_cyclic_create(&made->binding, &made->devices, &options);
}

/** Reads a list of devices, as 0,1,1,0. */
static bool read_list(struct words *words, struct made_binding *made, size_t *count) {
  size_t numbers[BINDINGS_MAX_LIST];
  if (!words_numbers(words, ",", BINDINGS_MAX_LIST, numbers, count))
    return false;
  for (size_t i = 0; i < *count; ++i) {
    if (numbers[i] >= AML_NODESET_CAPACITY)
      return false;
    made->list[i] = (int)numbers[i];
  }
  return true;
}

static int make_weighted(struct words *words, struct made_binding *made) {
  unsigned weights[AML_NODESET_CAPACITY];
  size_t numbers[AML_NODESET_CAPACITY];
  size_t count;
  if (!words_devices(words, &made->devices))
    return MISREAD;
  if (words_end(words)) // the system's
    return aml_binding_weighted_create(&made->binding, &made->devices, NULL);
  if (!words_skip(words, "=") ||
      !words_numbers(words, ",", AML_NODESET_CAPACITY, numbers, &count) ||
      count != aml_nodeset_count(&made->devices))
    return MISREAD;
  for (size_t i = 0; i < count; ++i) {
    if (numbers[i] > UINT_MAX)
      return MISREAD;
    weights[i] = (unsigned)numbers[i];
  }
  return aml_binding_weighted_create(&made->binding, &made->devices,
                                     &(struct aml_binding_weighted_options){.weights = weights});
}

/** Deals tiles to a grid of devices; of tilings without a grid of their own, in one dimension. */
static int make_grid(struct words *words, struct made_binding *made) {
  struct aml_tiling_info info;
  size_t count;
  size_t product = 1;
  const int err = aml_tiling_get_info(made->tiling, &info);
  if (err)
    return err;
  struct aml_binding_grid_options options = {.ndims = info.grid_ndims, .devices = made->list};
  if (!words_numbers(words, "x", AML_MAX_DIMS, options.grid, &count) || !words_skip(words, "="))
    return MISREAD;
  for (size_t d = 0; d < count; ++d)
    product = options.grid[d] > BINDINGS_MAX_LIST ? 0 : product * options.grid[d];
  if (count > info.grid_ndims) { // fold the grid into what there is
    options.grid[0] = product;
    count = 1;
  }
  for (size_t d = 0; d < info.grid_ndims; ++d) {
    options.tiles[d] = info.grid[d];
    options.grid[d] = d < count ? options.grid[d] : 1;
  }
  if (!read_list(words, made, &count) || count != product)
    return MISREAD;
  return aml_binding_grid_create(&made->binding, &options);
}

static int make_table(struct words *words, struct made_binding *made) {
  size_t count;
  if (!read_list(words, made, &count))
    return MISREAD;
  return aml_binding_table_create(&made->binding, made->list, count,
                                  &(struct aml_binding_table_options){.repeat = true});
}

/** The first or the second of a set, as the sum of a number's digits is even or odd. */
static int by_digits(void *context, size_t index, size_t count) {
  const struct aml_nodeset *const devices = context;
  size_t sum = 0;
  (void)count;
  for (; index > 0; index /= 10)
    sum += index % 10;
  return aml_nodeset_at(devices, sum % 2 % aml_nodeset_count(devices));
}

static int make_function_binding(struct words *words, struct made_binding *made) {
  if (!words_devices(words, &made->devices))
    return MISREAD;
  return aml_binding_function_create(&made->binding, by_digits, &made->devices, &made->devices);
}

static int make_local(struct words *words, struct made_binding *made) {
  (void)words;
  return aml_binding_local_create(&made->binding);
}

/** As for one thread on each node that has CPUs. */
static int make_near(struct words *words, struct made_binding *made) {
  struct aml_devices *devices;
  (void)words;
  int err = aml_devices_read(&devices, NULL);
  if (err)
    return err;
  struct aml_cpuset *const cpus = calloc(aml_devices_count(devices), sizeof *cpus);
  size_t threads = 0;
  for (size_t i = 0; cpus != NULL && i < aml_devices_count(devices); ++i) {
    cpus[threads] = aml_devices_at(devices, i)->near_cpus;
    threads += aml_cpuset_is_empty(&cpus[threads]) ? 0 : 1;
  }
  if (cpus == NULL)
    err = aml_error_set(-AML_ENOMEM, "placement", NULL, "no memory for the CPUs of nodes");
  else
    err = aml_binding_near_create(&made->binding, devices, cpus, threads, NULL);
  free(cpus);
  aml_devices_destroy(&devices);
  return err;
}

static const struct {
  const char *name;
  make_function *make;
} types[] = {
    {"single:", make_single},
    {"interleave:", make_interleave},
    {"block:", make_block},
    {"weighted:", make_weighted},
    {"grid:", make_grid},
    {"cyclic:", make_cyclic},
    {"function:", make_function_binding},
    {"table:", make_table},
    {"near", make_near},
    {"local", make_local},
};

static int read_and_make(const char *text, struct made_binding *made) {
  struct words words = {text};
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
    if (!words_skip(&words, types[i].name))
      continue;
    const int result = types[i].make(&words, made);
    return result == 0 && !words_end(&words) ? MISREAD : result;
  }
  return MISREAD;
}

int bindings_make(const char *text, const struct aml_tiling *tiling, struct made_binding *made) {
  made->binding = NULL;
  made->tiling = tiling;
  const int err = read_and_make(text, made);
  if (err == 0)
    return 0;
  if (err == MISREAD)
    fprintf(stderr, "placement: --binding %s: is no binding; see placement --help\n", text);
  else
    fprintf(stderr, "placement: --binding %s: %s\n", text, aml_error_detail());
  bindings_destroy(made);
  return -1;
}

void bindings_destroy(struct made_binding *made) {
  aml_binding_destroy(&made->binding);
}
