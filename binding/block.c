// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/block.h"

#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_block *block_of(const struct aml_binding *binding) {
  return (const struct aml_binding_block *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_block *)binding =
      (struct aml_binding_block){.binding = {.ops = &aml_binding_block_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  if (block_of(binding)->count == 0)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_block_device_of(binding, index, count);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = aml_internal_devices_set(block_of(binding)->devices, block_of(binding)->count);
}

static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const size_t of = block_of(binding)->count;
  if (of == 0)
    return 1;
  // (i + 1) * count / of, with count = of * each + left so that no product can wrap.
  const size_t next = aml_binding_block_place_of(binding, index, count) + 1;
  const size_t each = count / of;
  const size_t left = count % of;
  return next * each + next * left / of - index;
}

const struct aml_binding_ops aml_binding_block_ops = {
    .name = "block",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
};

int aml_binding_block_init(struct aml_binding *binding, const struct aml_nodeset *nodes) {
  static const char call[] = "aml_binding_block_init";
  if (binding == NULL || binding->ops != &aml_binding_block_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_BLOCK_DECL");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  struct aml_binding_block *const it = (struct aml_binding_block *)binding;
  it->count = aml_internal_devices_list(nodes, it->devices);
  return 0;
}

int aml_binding_block_create(struct aml_binding **binding, const struct aml_nodeset *nodes) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_block_create", "binding", binding,
                       sizeof(struct aml_binding_block), &aml_binding_block_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_block_init(made, nodes);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
