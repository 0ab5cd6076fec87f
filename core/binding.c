// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/binding.h"

#include <stdlib.h>

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

int aml_binding_device_of(const struct aml_binding *binding, size_t index, size_t count) {
  static const char call[] = "aml_binding_device_of";
  if (binding == NULL)
    return refuse_null(call, "binding");
  if (index >= count)
    return aml_error_set_value(-AML_EINVAL, call, "index", index, "is not below count");
  return binding->ops->device_of(binding, index, count);
}

int aml_binding_devices(const struct aml_binding *binding, struct aml_nodeset *devices) {
  if (binding == NULL || devices == NULL)
    return refuse_null("aml_binding_devices", binding == NULL ? "binding" : "devices");
  binding->ops->devices(binding, devices);
  return 0;
}

int aml_binding_policy(const struct aml_binding *binding, enum aml_policy *policy,
                       struct aml_nodeset *devices) {
  static const char call[] = "aml_binding_policy";
  if (binding == NULL)
    return refuse_null(call, "binding");
  if (policy == NULL || devices == NULL)
    return refuse_null(call, policy == NULL ? "policy" : "devices");
  if (binding->ops->policy == NULL)
    return aml_error_set(-AML_ENOTSUP, call, "binding", "is no policy of the kernel");
  return binding->ops->policy(binding, policy, devices);
}

void aml_binding_fini(struct aml_binding *binding) {
  if (binding != NULL)
    binding->ops->fini(binding);
}

void aml_binding_destroy(struct aml_binding **binding) {
  if (binding == NULL)
    return;
  aml_binding_fini(*binding);
  free(*binding);
  *binding = NULL;
}
