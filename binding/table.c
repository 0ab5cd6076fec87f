// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/table.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_table *table_of(const struct aml_binding *binding) {
  return (const struct aml_binding_table *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_table *)binding =
      (struct aml_binding_table){.binding = {.ops = &aml_binding_table_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  static const char call[] = "aml_binding_device_of";
  const struct aml_binding_table *const it = table_of(binding);
  (void)count;
  if (it->devices == NULL)
    return aml_error_set(-AML_EINVAL, call, "binding", "was not initialised");
  if (index >= it->length.divisor && !it->repeat)
    return aml_error_set_value(-AML_EINVAL, call, "index", index, "is behind the end of the table");
  return aml_binding_table_device_of(binding, index);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = table_of(binding)->named;
}

/** Ends with the table, even where that repeats. */
static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const struct aml_binding_table *const it = table_of(binding);
  const size_t length = it->length.divisor;
  size_t first = index;
  if (it->repeat)
    (void)aml_reciprocal_divide(&it->length, index, &first);
  if (first >= length)
    return 1;
  const size_t most = length - first < count - index ? length - first : count - index;
  size_t found = 1;
  while (found < most && it->devices[first + found] == it->devices[first])
    ++found;
  return found;
}

const struct aml_binding_ops aml_binding_table_ops = {
    .name = "table",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
};

int aml_binding_table_init(struct aml_binding *binding, const int numbers[], size_t length,
                           const struct aml_binding_table_options *options) {
  static const char call[] = "aml_binding_table_init";
  if (binding == NULL || binding->ops != &aml_binding_table_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_TABLE_DECL");
  if (numbers == NULL)
    return aml_error_set(-AML_EINVAL, call, "devices", "is null");
  if (length == 0)
    return aml_error_set(-AML_EINVAL, call, "length", "is 0");
  struct aml_nodeset named = {{0}};
  for (size_t i = 0; i < length; ++i)
    if (numbers[i] != -AML_ENOENT && !aml_nodeset_add(&named, numbers[i]))
      return aml_error_set_value(-AML_EINVAL, call, "devices: the entry of item", i,
                                 "is no number of a device");
  struct aml_binding_table *const it = (struct aml_binding_table *)binding;
  it->devices = numbers;
  it->length = aml_reciprocal_of(length);
  it->named = named;
  it->repeat = options != NULL && options->repeat;
  return 0;
}

int aml_binding_table_create(struct aml_binding **binding, const int numbers[], size_t length,
                             const struct aml_binding_table_options *options) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_table_create", "binding", binding,
                       sizeof(struct aml_binding_table), &aml_binding_table_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_table_init(made, numbers, length, options);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
