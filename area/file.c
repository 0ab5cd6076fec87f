// SPDX-License-Identifier: BSD-3-Clause
//
// How the file is opened is in internal/file_open.c, how a piece is had and mapped in
// internal/file_map.c, and which addresses are which piece in internal/file_area.c.

#include "aml/area/file.h"

#include <pthread.h>
#include <stdlib.h>

#include "aml/area/internal/file_area.h"
#include "aml/area/internal/file_state.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "area/internal/file_open.h"

const struct aml_area_ops aml_area_file_ops = {
    .name = "file",
    .fini = aml_internal_file_area_fini,
    .capabilities = aml_internal_file_area_capabilities,
    .map = aml_internal_file_area_map,
    .unmap = aml_internal_file_area_unmap,
    .info = aml_internal_file_area_info,
    .resize = aml_internal_file_area_resize,
    .sync = aml_internal_file_area_sync,
};

int aml_area_file_init(struct aml_area *area, const struct aml_area_file_options *options) {
  static const char call[] = "aml_area_file_init";
  if (area == NULL || area->ops != &aml_area_file_ops)
    return aml_error_set(-AML_EINVAL, call, "area",
                         "is null, or was not declared by AML_AREA_FILE_DECL");
  if (options == NULL)
    return aml_error_set(-AML_EINVAL, call, "options", "is null");
  struct aml_area_file_state *const state = malloc(sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the state of the area");
  *state = (struct aml_area_file_state){.lock = PTHREAD_MUTEX_INITIALIZER, .descriptor = -1};
  const int err = aml_internal_file_open(state, options);
  if (err)
    free(state);
  else
    ((struct aml_area_file *)area)->state = state;
  return err;
}

int aml_area_file_create(struct aml_area **area, const struct aml_area_file_options *options) {
  struct aml_area *const made = aml_block_create("aml_area_file_create", "area", area,
                                                 sizeof(struct aml_area_file), &aml_area_file_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_file_init(made, options);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

void *aml_area_file_map_at(struct aml_area *area, uint64_t offset, size_t size,
                           const struct aml_area_map_options *options) {
  return aml_internal_file_area_map_at("aml_area_file_map_at", area, offset, size, options);
}

int aml_area_file_check(struct aml_area *area, const void *pointer, size_t size) {
  return aml_internal_file_area_check_range("aml_area_file_check", area, pointer, size);
}
