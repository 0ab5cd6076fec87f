// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/local.h"

#include "aml/core/create.h"
#include "aml/core/nodeset.h"

static void fini(struct aml_binding *binding) {
  (void)binding;
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  (void)index;
  (void)count;
  return aml_binding_local_device_of(binding);
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  (void)binding;
  *result = (struct aml_nodeset){{0}};
}

static size_t run(const struct aml_binding *binding, size_t index, size_t count) {
  (void)binding;
  return count - index;
}

static int policy(const struct aml_binding *binding, enum aml_policy *result,
                  struct aml_nodeset *nodes) {
  *result = AML_POLICY_LOCAL;
  devices(binding, nodes);
  return 0;
}

const struct aml_binding_ops aml_binding_local_ops = {
    .name = "local",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
    .run = run,
    .policy = policy,
};

int aml_binding_local_init(struct aml_binding *binding) {
  if (binding == NULL || binding->ops != &aml_binding_local_ops)
    return aml_error_set(-AML_EINVAL, "aml_binding_local_init", "binding",
                         "is null, or was not declared by AML_BINDING_LOCAL_DECL");
  return 0;
}

int aml_binding_local_create(struct aml_binding **binding) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_local_create", "binding", binding,
                       sizeof(struct aml_binding_local), &aml_binding_local_ops);
  if (made == NULL)
    return aml_error_code();
  *binding = made;
  return 0;
}
