// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/forward.h"

#include "aml/core/error.h"

static struct aml_area *inner_of(const struct aml_area *area) {
  return ((const struct aml_internal_forward *)area)->inner;
}

unsigned aml_internal_forward_capabilities(const struct aml_area *area) {
  return aml_area_capabilities(inner_of(area));
}

int aml_internal_forward_map(struct aml_area *area, size_t size,
                             const struct aml_area_map_options *options, void **pointer) {
  void *const mapped = aml_area_map(inner_of(area), size, options);
  if (mapped == NULL)
    return aml_error_code();
  *pointer = mapped;
  return 0;
}

int aml_internal_forward_unmap(struct aml_area *area, void *pointer, size_t size) {
  return aml_area_unmap(inner_of(area), pointer, size);
}

int aml_internal_forward_info(struct aml_area *area, const void *pointer,
                              struct aml_area_info *info) {
  const int err = aml_area_get_info(inner_of(area), pointer, info);
  if (!err)
    info->type = area->ops->name;
  return err;
}

int aml_internal_forward_bind(struct aml_area *area, void *pointer, size_t size,
                              enum aml_policy policy, const struct aml_nodeset *devices,
                              unsigned flags) {
  return aml_area_bind(inner_of(area), pointer, size, policy, devices, flags);
}

int aml_internal_forward_locate(struct aml_area *area, size_t count, void *const pointers[],
                                int devices[]) {
  return aml_area_locate(inner_of(area), count, pointers, devices);
}

int aml_internal_forward_move(struct aml_area *area, size_t count, void *const pointers[],
                              const int devices[], int results[]) {
  return aml_area_move(inner_of(area), count, pointers, devices, results);
}

int aml_internal_forward_resize(struct aml_area *area, void *pointer, size_t old_size,
                                size_t new_size, unsigned flags, void **new_pointer) {
  void *const resized = aml_area_resize(inner_of(area), pointer, old_size, new_size, flags);
  if (resized == NULL)
    return aml_error_code();
  *new_pointer = resized;
  return 0;
}

int aml_internal_forward_purge(struct aml_area *area, void *pointer, size_t size) {
  return aml_area_purge(inner_of(area), pointer, size);
}

int aml_internal_forward_sync(struct aml_area *area, void *pointer, size_t size) {
  return aml_area_sync(inner_of(area), pointer, size);
}

int aml_internal_forward_check(const char *call, const struct aml_area *area,
                               const struct aml_area_ops *ops, struct aml_area *inner,
                               size_t *granularity) {
  struct aml_area_info info;
  if (area == NULL || area->ops != ops)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, or was declared for another type");
  if (inner == NULL || inner == area)
    return aml_error_set(-AML_EINVAL, call, "inner", "is null, or the area itself");
  const int err = aml_area_get_info(inner, NULL, &info);
  if (!err)
    *granularity = info.granularity;
  return err;
}
