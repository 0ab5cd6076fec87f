// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/area.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aml/core/checked.h"

static const unsigned MAP_FLAGS = AML_AREA_MAP_POPULATE | AML_AREA_MAP_NO_ZERO | AML_AREA_MAP_EXACT;

static int refuse(const char *call, const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, call, argument, reason);
}

static int not_supported(const char *call) {
  return aml_error_set(-AML_ENOTSUP, call, "area", "is of a type that cannot do this");
}

/** Checks a range, whose size is the argument `size_name`. */
static int check_named_range(const char *call, const struct aml_area *area, const void *pointer,
                             const char *size_name, size_t size) {
  if (area == NULL)
    return refuse(call, "area", "is null");
  if (pointer == NULL)
    return refuse(call, "pointer", "is null");
  if (size == 0)
    return refuse(call, size_name, "is 0");
  return 0;
}

/** Checks what every call on a range takes. */
static int check_range(const char *call, const struct aml_area *area, const void *pointer,
                       size_t size) {
  return check_named_range(call, area, pointer, "size", size);
}

void *aml_area_map(struct aml_area *area, size_t size, const struct aml_area_map_options *options) {
  static const char call[] = "aml_area_map";
  static const struct aml_area_map_options defaults = {0};
  void *pointer = NULL;
  if (options == NULL)
    options = &defaults;
  if (area == NULL)
    (void)refuse(call, "area", "is null");
  else if (size == 0)
    (void)refuse(call, "size", "is 0");
  else if (options->alignment != 0 && !aml_is_power_of_two(options->alignment))
    (void)aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                              "is not a power of two");
  else if ((options->flags & ~MAP_FLAGS) != 0)
    (void)refuse(call, "flags", "has an unknown bit");
  else if (options->hint == NULL && (options->flags & AML_AREA_MAP_EXACT) != 0)
    (void)refuse(call, "hint", "is null, yet AML_AREA_MAP_EXACT asks for it");
  else if (area->ops->map(area, size, options, &pointer))
    return NULL;
  return pointer;
}

int aml_area_unmap(struct aml_area *area, void *pointer, size_t size) {
  if (pointer == NULL)
    return 0;
  const int err = check_range("aml_area_unmap", area, pointer, size);
  return err ? err : area->ops->unmap(area, pointer, size);
}

int aml_area_get_info(struct aml_area *area, const void *pointer, struct aml_area_info *info) {
  if (area == NULL)
    return refuse("aml_area_get_info", "area", "is null");
  if (info == NULL)
    return refuse("aml_area_get_info", "info", "is null");
  return area->ops->info(area, pointer, info);
}

/** Checks that a policy exists, and has the devices that it takes. */
static int check_policy(const char *call, enum aml_policy policy,
                        const struct aml_nodeset *devices) {
  switch (policy) {
  case AML_POLICY_DEFAULT:
  case AML_POLICY_LOCAL:
    return 0;
  case AML_POLICY_BIND:
  case AML_POLICY_PREFERRED_MANY:
  case AML_POLICY_INTERLEAVE:
  case AML_POLICY_WEIGHTED_INTERLEAVE:
    return devices != NULL && !aml_nodeset_is_empty(devices)
               ? 0
               : refuse(call, "devices", "is null or empty, and the policy needs some");
  case AML_POLICY_PREFERRED:
    return devices != NULL && aml_nodeset_count(devices) == 1
               ? 0
               : refuse(call, "devices", "must be exactly one for AML_POLICY_PREFERRED");
  }
  return refuse(call, "policy", "is no policy");
}

int aml_area_bind(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
                  const struct aml_nodeset *devices, unsigned flags) {
  static const char call[] = "aml_area_bind";
  int err = check_range(call, area, pointer, size);
  if (!err)
    err = check_policy(call, policy, devices);
  if (err)
    return err;
  if ((flags & ~(unsigned)(AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT)) != 0)
    return refuse(call, "flags", "has an unknown bit");
  if (area->ops->bind == NULL)
    return not_supported(call);
  return area->ops->bind(area, pointer, size, policy, devices, flags);
}

int aml_area_locate(struct aml_area *area, size_t count, void *const pointers[], int devices[]) {
  static const char call[] = "aml_area_locate";
  if (area == NULL)
    return refuse(call, "area", "is null");
  if (area->ops->locate == NULL)
    return not_supported(call);
  if (count == 0)
    return 0;
  if (pointers == NULL)
    return refuse(call, "pointers", "is null");
  if (devices == NULL)
    return refuse(call, "devices", "is null");
  return area->ops->locate(area, count, pointers, devices);
}

int aml_area_move(struct aml_area *area, size_t count, void *const pointers[], const int devices[],
                  int results[]) {
  static const char call[] = "aml_area_move";
  if (area == NULL)
    return refuse(call, "area", "is null");
  if (area->ops->move == NULL)
    return not_supported(call);
  if (count == 0)
    return 0;
  if (pointers == NULL)
    return refuse(call, "pointers", "is null");
  if (devices == NULL)
    return refuse(call, "devices", "is null");
  if (results == NULL)
    return refuse(call, "results", "is null");
  return area->ops->move(area, count, pointers, devices, results);
}

void *aml_area_resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                      unsigned flags) {
  static const char call[] = "aml_area_resize";
  void *new_pointer = NULL;
  if (check_named_range(call, area, pointer, "old_size", old_size))
    return NULL;
  if (new_size == 0)
    (void)refuse(call, "new_size", "is 0");
  else if ((flags & ~(unsigned)AML_AREA_RESIZE_MAY_MOVE) != 0)
    (void)refuse(call, "flags", "has an unknown bit");
  else if (area->ops->resize == NULL)
    (void)not_supported(call);
  else if (area->ops->resize(area, pointer, old_size, new_size, flags, &new_pointer))
    return NULL;
  return new_pointer;
}

int aml_area_purge(struct aml_area *area, void *pointer, size_t size) {
  const int err = check_range("aml_area_purge", area, pointer, size);
  if (err)
    return err;
  if (area->ops->purge == NULL)
    return not_supported("aml_area_purge");
  return area->ops->purge(area, pointer, size);
}

int aml_area_sync(struct aml_area *area, void *pointer, size_t size) {
  const int err = check_range("aml_area_sync", area, pointer, size);
  if (err)
    return err;
  if (area->ops->sync == NULL)
    return not_supported("aml_area_sync");
  return area->ops->sync(area, pointer, size);
}

void aml_area_fini(struct aml_area *area) {
  if (area != NULL)
    area->ops->fini(area);
}

void aml_area_destroy(struct aml_area **area) {
  if (area == NULL)
    return;
  aml_area_fini(*area);
  free(*area);
  *area = NULL;
}
