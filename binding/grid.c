// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/grid.h"

#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_grid *grid_of(const struct aml_binding *binding) {
  return (const struct aml_binding_grid *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_grid *)binding =
      (struct aml_binding_grid){.binding = {.ops = &aml_binding_grid_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)count;
  if (grid_of(binding)->ndims == 0)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_grid_device_of(binding, index);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = aml_internal_devices_set(grid_of(binding)->devices, grid_of(binding)->count);
}

/** Ends with a block of the fastest dimension, or with a row where that is all on one device. */
static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const struct aml_binding_grid *const it = grid_of(binding);
  const struct aml_binding_grid_dim *const fastest = &it->dim[0];
  size_t run = count - index;
  if (it->count <= 1)
    return run;
  size_t coord = index;
  if (it->ndims > 1) {
    (void)aml_reciprocal_divide(&fastest->tiles, index, &coord);
    const size_t row = fastest->tiles.divisor - coord;
    run = row < run ? row : run;
  }
  if (fastest->grid.divisor == 1)
    return run;
  size_t before;
  (void)aml_reciprocal_divide(&fastest->block, coord, &before);
  const size_t block = fastest->block.divisor - before;
  return block < run ? block : run;
}

const struct aml_binding_ops aml_binding_grid_ops = {
    .name = "grid",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
};

static size_t or_one(size_t given) {
  return given == 0 ? 1 : given;
}

/** The dimension that is at a place in the order from the fastest to the slowest. */
static size_t dimension_at(const struct aml_binding_grid_options *options, size_t place) {
  return options->order == AML_ORDER_ROW ? options->ndims - 1 - place : place;
}

static int check_shape(const char *call, const struct aml_binding_grid_options *options) {
  if (options->ndims == 0 || options->ndims > AML_MAX_DIMS)
    return aml_error_set(-AML_EINVAL, call, "options: ndims", "is not 1 to AML_MAX_DIMS");
  if (options->order != AML_ORDER_ROW && options->order != AML_ORDER_COLUMN)
    return aml_error_set(-AML_EINVAL, call, "options: order", "is unknown");
  size_t tiles = 1;
  for (size_t place = 0; place + 1 < options->ndims; ++place) {
    const size_t extent = options->tiles[dimension_at(options, place)];
    if (extent == 0)
      return aml_error_set(-AML_EINVAL, call, "options: tiles", "has a 0");
    if (!aml_checked_multiply(tiles, extent, &tiles))
      return aml_error_set(-AML_EOVERFLOW, call, "options: tiles", "are more than can be numbered");
  }
  return 0;
}

static int check_devices(const char *call, const struct aml_binding_grid_options *options,
                         size_t *count) {
  if (options->devices == NULL)
    return aml_error_set(-AML_EINVAL, call, "options: devices", "is null");
  *count = 1;
  for (size_t d = 0; d < options->ndims; ++d)
    if (!aml_checked_multiply(*count, or_one(options->grid[d]), count) ||
        *count > AML_NODESET_CAPACITY)
      return aml_error_set(-AML_EOVERFLOW, call, "options: grid",
                           "has more than AML_NODESET_CAPACITY devices");
  for (size_t i = 0; i < *count; ++i)
    if (options->devices[i] < 0 || options->devices[i] >= AML_NODESET_CAPACITY)
      return aml_error_set_value(-AML_EINVAL, call, "options: devices: the entry at", i,
                                 "is no number of a device");
  return 0;
}

static void lay_out(struct aml_binding_grid *it, const struct aml_binding_grid_options *options) {
  size_t step[AML_MAX_DIMS] = {0};
  size_t product = 1;
  for (size_t d = options->ndims; d-- > 0;) {
    step[d] = product;
    product *= or_one(options->grid[d]);
  }
  for (size_t place = 0; place < options->ndims; ++place) {
    const size_t d = dimension_at(options, place);
    const size_t tiles = place + 1 < options->ndims ? options->tiles[d] : 1;
    it->dim[place] = (struct aml_binding_grid_dim){
        .tiles = aml_reciprocal_of(tiles),
        .block = aml_reciprocal_of(or_one(options->block[d])),
        .grid = aml_reciprocal_of(or_one(options->grid[d])),
        .step = step[d],
    };
  }
}

int aml_binding_grid_init(struct aml_binding *binding,
                          const struct aml_binding_grid_options *options) {
  static const char call[] = "aml_binding_grid_init";
  if (binding == NULL || binding->ops != &aml_binding_grid_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_GRID_DECL");
  if (options == NULL)
    return aml_error_set(-AML_EINVAL, call, "options", "is null");
  size_t count = 0;
  int err = check_shape(call, options);
  if (!err)
    err = check_devices(call, options, &count);
  if (err)
    return err;
  struct aml_binding_grid *const it = (struct aml_binding_grid *)binding;
  it->ndims = options->ndims;
  it->count = count;
  lay_out(it, options);
  for (size_t i = 0; i < count; ++i)
    it->devices[i] = (uint16_t)options->devices[i];
  return 0;
}

int aml_binding_grid_create(struct aml_binding **binding,
                            const struct aml_binding_grid_options *options) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_grid_create", "binding", binding,
                       sizeof(struct aml_binding_grid), &aml_binding_grid_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_grid_init(made, options);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
