// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/single.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_single *single_of(const struct aml_binding *binding) {
  return (const struct aml_binding_single *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_single *)binding =
      (struct aml_binding_single){.binding = {.ops = &aml_binding_single_ops}};
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)index;
  (void)count;
  return single_of(binding)->device;
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = aml_nodeset_of(single_of(binding)->device);
}

static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  (void)binding;
  return count - index;
}

static int policy(const struct aml_binding *binding, enum aml_policy *result,
                  struct aml_nodeset *nodes) {
  *result = AML_POLICY_BIND;
  devices(binding, nodes);
  return 0;
}

const struct aml_binding_ops aml_binding_single_ops = {
    .name = "single",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
    .policy = policy,
};

int aml_binding_single_init(struct aml_binding *binding, int device) {
  static const char call[] = "aml_binding_single_init";
  if (binding == NULL || binding->ops != &aml_binding_single_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_SINGLE_DECL");
  if (device < 0 || device >= AML_NODESET_CAPACITY)
    return aml_error_set(-AML_EINVAL, call, "device", "is no number of a device");
  ((struct aml_binding_single *)binding)->device = device;
  return 0;
}

int aml_binding_single_create(struct aml_binding **binding, int device) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_single_create", "binding", binding,
                       sizeof(struct aml_binding_single), &aml_binding_single_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_single_init(made, device);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
