// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/function.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static const struct aml_binding_function *function_of(const struct aml_binding *binding) {
  return (const struct aml_binding_function *)binding;
}

static void fini(struct aml_binding *binding) {
  *(struct aml_binding_function *)binding =
      (struct aml_binding_function){.binding = {.ops = &aml_binding_function_ops}};
}

static bool is_negated_code(int answer) {
  switch (answer) {
#define NEGATED(name, number, text) case -number:
    AML_ERRORS(NEGATED)
#undef NEGATED
    return true;
  default:
    return false;
  }
}

static int device_of(const struct aml_binding *binding, size_t index, size_t count) {
  static const char call[] = "aml_binding_device_of";
  const struct aml_binding_function *const it = function_of(binding);
  if (it->function == NULL)
    return aml_error_set(-AML_EINVAL, call, "binding", "was not initialised");
  const int answer = aml_binding_function_device_of(binding, index, count);
  if (answer == -AML_ENOENT || aml_nodeset_has(&it->devices, answer))
    return answer;
  if (is_negated_code(answer))
    return aml_error_set_value(answer, call, "function: of item", index, "it answers an error");
  return aml_error_set_value(-AML_EINVAL, call, "function: of item", index,
                             "it answers no device of its set");
}

static void devices(const struct aml_binding *binding, struct aml_nodeset *result) {
  *result = function_of(binding)->devices;
}

const struct aml_binding_ops aml_binding_function_ops = {
    .name = "function",
    .fini = fini,
    .device_of = device_of,
    .devices = devices,
};

int aml_binding_function_init(struct aml_binding *binding, aml_binding_function_call *function,
                              void *context, const struct aml_nodeset *nodes) {
  static const char call[] = "aml_binding_function_init";
  if (binding == NULL || binding->ops != &aml_binding_function_ops)
    return aml_error_set(-AML_EINVAL, call, "binding",
                         "is null, or was not declared by AML_BINDING_FUNCTION_DECL");
  if (function == NULL)
    return aml_error_set(-AML_EINVAL, call, "function", "is null");
  if (nodes == NULL || aml_nodeset_is_empty(nodes))
    return aml_error_set(-AML_EINVAL, call, "devices", "is null or empty");
  struct aml_binding_function *const it = (struct aml_binding_function *)binding;
  it->function = function;
  it->context = context;
  it->devices = *nodes;
  return 0;
}

int aml_binding_function_create(struct aml_binding **binding, aml_binding_function_call *function,
                                void *context, const struct aml_nodeset *nodes) {
  struct aml_binding *const made =
      aml_block_create("aml_binding_function_create", "binding", binding,
                       sizeof(struct aml_binding_function), &aml_binding_function_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_binding_function_init(made, function, context, nodes);
  if (err)
    free(made);
  else
    *binding = made;
  return err;
}
