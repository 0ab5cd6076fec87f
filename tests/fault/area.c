// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/fault/area.h"

#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

static struct aml_area_fault *fault_of(const struct aml_area *area) {
  return (struct aml_area_fault *)area;
}

/** Fails a call if the plan says so. */
static int next(struct aml_area *area, unsigned operation, const char *call) {
  const int err = aml_fault_plan_next(&fault_of(area)->plan, operation);
  return err ? aml_error_set(err, call, NULL, "fails, as a test planned") : 0;
}

/** Refuses what needs a capability that is hidden. */
static int require(const struct aml_area *area, unsigned capability, const char *call) {
  if ((fault_of(area)->hidden & capability) == 0)
    return 0;
  return aml_error_set(-AML_ENOTSUP, call, "area", "is of a type that cannot do this");
}

static unsigned capabilities(const struct aml_area *area) {
  const struct aml_area_fault *const fault = fault_of(area);
  return aml_area_capabilities(fault->inner) & ~fault->hidden;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  struct aml_area_fault *const fault = fault_of(area);
  const int err = next(area, AML_AREA_FAULT_MAP, "aml_area_map");
  if (err)
    return err;
  void *const mapped = aml_area_map(fault->inner, size, options);
  if (mapped == NULL)
    return aml_error_code();
  (void)__atomic_add_fetch(&fault->live, 1, __ATOMIC_RELAXED);
  *pointer = mapped;
  return 0;
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  struct aml_area_fault *const fault = fault_of(area);
  int err = next(area, AML_AREA_FAULT_UNMAP, "aml_area_unmap");
  if (!err)
    err = aml_area_unmap(fault->inner, pointer, size);
  if (!err)
    (void)__atomic_sub_fetch(&fault->live, 1, __ATOMIC_RELAXED);
  return err;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *result) {
  int err = next(area, AML_AREA_FAULT_INFO, "aml_area_get_info");
  if (!err)
    err = aml_area_get_info(fault_of(area)->inner, pointer, result);
  if (!err)
    result->capabilities = capabilities(area);
  return err;
}

static int bind_range(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
                      const struct aml_nodeset *devices, unsigned flags) {
  static const char call[] = "aml_area_bind";
  int err = require(area, AML_AREA_CAN_BIND, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_BIND, call);
  return err ? err : aml_area_bind(fault_of(area)->inner, pointer, size, policy, devices, flags);
}

static int locate(struct aml_area *area, size_t count, void *const pointers[], int devices[]) {
  static const char call[] = "aml_area_locate";
  int err = require(area, AML_AREA_CAN_LOCATE, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_LOCATE, call);
  return err ? err : aml_area_locate(fault_of(area)->inner, count, pointers, devices);
}

static int move(struct aml_area *area, size_t count, void *const pointers[], const int devices[],
                int results[]) {
  static const char call[] = "aml_area_move";
  int err = require(area, AML_AREA_CAN_MOVE, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_MOVE, call);
  return err ? err : aml_area_move(fault_of(area)->inner, count, pointers, devices, results);
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  int err = require(area, AML_AREA_CAN_RESIZE, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_RESIZE, call);
  if (err)
    return err;
  void *const resized = aml_area_resize(fault_of(area)->inner, pointer, old_size, new_size, flags);
  if (resized == NULL)
    return aml_error_code();
  *new_pointer = resized;
  return 0;
}

static int purge(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_purge";
  int err = require(area, AML_AREA_CAN_PURGE, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_PURGE, call);
  return err ? err : aml_area_purge(fault_of(area)->inner, pointer, size);
}

static int sync_range(struct aml_area *area, void *pointer, size_t size) {
  static const char call[] = "aml_area_sync";
  int err = require(area, AML_AREA_CAN_SYNC, call);
  if (!err)
    err = next(area, AML_AREA_FAULT_SYNC, call);
  return err ? err : aml_area_sync(fault_of(area)->inner, pointer, size);
}

static void fini(struct aml_area *area) {
  *fault_of(area) = (struct aml_area_fault){.area = {.ops = &aml_area_fault_ops}};
}

const struct aml_area_ops aml_area_fault_ops = {
    .name = "fault",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .bind = bind_range,
    .locate = locate,
    .move = move,
    .resize = resize,
    .purge = purge,
    .sync = sync_range,
};

int aml_area_fault_init(struct aml_area *area, struct aml_area *inner, unsigned hidden) {
  static const char call[] = "aml_area_fault_init";
  if (area == NULL || area->ops != &aml_area_fault_ops)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "is null, or was not declared by AML_AREA_FAULT_DECL");
  if (inner == NULL)
    return aml_error_set(-AML_EINVAL, call, "inner", "is null");
  *fault_of(area) = (struct aml_area_fault){
      .area = {.ops = &aml_area_fault_ops}, .inner = inner, .hidden = hidden};
  return 0;
}

int aml_area_fault_create(struct aml_area **area, struct aml_area *inner, unsigned hidden) {
  struct aml_area *const made = aml_block_create(
      "aml_area_fault_create", "area", area, sizeof(struct aml_area_fault), &aml_area_fault_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_fault_init(made, inner, hidden);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

void aml_area_fault_arm(struct aml_area *area, unsigned operations, size_t nth, size_t count,
                        int err) {
  fault_of(area)->plan =
      (struct aml_fault_plan){.operations = operations, .nth = nth, .count = count, .err = err};
}

size_t aml_area_fault_disarm(struct aml_area *area) {
  const size_t failed = fault_of(area)->plan.failed;
  fault_of(area)->plan = (struct aml_fault_plan){0};
  return failed;
}

size_t aml_area_fault_live(const struct aml_area *area) {
  return __atomic_load_n(&fault_of(area)->live, __ATOMIC_RELAXED);
}
