// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/interleave.h"

#include <stdlib.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_interleave *interleave_of(const struct aml_binding *binding) {
  return (const struct aml_binding_interleave *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_interleave *)binding =
      (struct aml_binding_interleave){.binding = {.ops = &aml_binding_interleave_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)count;
  if (interleave_of(binding)->count == 0)
    return aml_error_set(-AML_EINVAL, "aml_binding_device_of", "binding", "was not initialised");
  return aml_binding_interleave_device_of(binding, index);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result =
      aml_internal_devices_set(interleave_of(binding)->devices, interleave_of(binding)->count);
}

static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  return interleave_of(binding)->count == 1 ? count - index : 1;
}

static int policy(const struct aml_binding *binding, enum aml_policy *result,
                  struct aml_nodeset *nodes) {
  *result = AML_POLICY_INTERLEAVE;
  devices(binding, nodes);
  return 0;
}

const struct aml_binding_ops aml_binding_interleave_ops = {
    .name = "interleave",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
    .policy = policy,
};

int aml_binding_interleave_init(struct aml_binding *binding, const struct aml_nodeset *nodes) {
  static const char call[] = "aml_binding_interleave_init";
  if (binding == NULL || binding->ops != &aml_binding_interleave_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_INTERLEAVE_DECL");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  struct aml_binding_interleave *const it = (struct aml_binding_interleave *)binding;
  it->count = aml_internal_devices_list(nodes, it->devices);
  return 0;
}

int aml_binding_interleave_create(struct aml_binding **binding, const struct aml_nodeset *nodes) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_interleave_create", "binding", binding,
                       sizeof(struct aml_binding_interleave), &aml_binding_interleave_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_interleave_init(made, nodes);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
