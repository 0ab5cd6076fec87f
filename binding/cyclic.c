// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/cyclic.h"

#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_cyclic *cyclic_of(const struct aml_binding *binding) {
  return (const struct aml_binding_cyclic *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_cyclic *)binding =
      (struct aml_binding_cyclic){.binding = {.ops = &aml_binding_cyclic_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)count;
  if (cyclic_of(binding)->round.divisor == 0)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_cyclic_device_of(binding, index);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result =
      aml_internal_devices_set(cyclic_of(binding)->devices, cyclic_of(binding)->round.divisor);
}

static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  const struct aml_binding_cyclic *const it = cyclic_of(binding);
  if (it->round.divisor == 1)
    return count - index;
  size_t before;
  (void)aml_reciprocal_divide(&it->block, index, &before);
  const size_t left = it->block.divisor - before;
  return left < count - index ? left : count - index;
}

const struct aml_binding_ops aml_binding_cyclic_ops = {
    .name = "cyclic",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
};

int aml_binding_cyclic_init(struct aml_binding *binding, const struct aml_nodeset *nodes,
                            const struct aml_binding_cyclic_options *options) {
  static const char call[] = "aml_binding_cyclic_init";
  if (binding == NULL || binding->ops != &aml_binding_cyclic_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_CYCLIC_DECL");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  struct aml_binding_cyclic *const it = (struct aml_binding_cyclic *)binding;
  it->block = aml_reciprocal_of(options == NULL || options->block == 0 ? 1 : options->block);
  it->round = aml_reciprocal_of(aml_internal_devices_list(nodes, it->devices));
  return 0;
}

int aml_binding_cyclic_create(struct aml_binding **binding, const struct aml_nodeset *nodes,
                              const struct aml_binding_cyclic_options *options) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_cyclic_create", "binding", binding,
                       sizeof(struct aml_binding_cyclic), &aml_binding_cyclic_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_cyclic_init(made, nodes, options);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
