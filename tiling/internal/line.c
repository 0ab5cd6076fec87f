// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/internal/line.h"

#include "aml/core/error.h"

static int check(const struct aml_tiling *tiling, const char *call, const char *argument,
                 size_t id) {
  if (id < tiling->ops->count(tiling))
    return 0;
  return aml_error_set_value(-AML_EINVAL, call, argument, id, "is not below the number of tiles");
}

int aml_internal_line_check(const struct aml_tiling *tiling, const char *call, size_t id) {
  return check(tiling, call, "id", id);
}

int aml_internal_line_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id) {
  const int err = check(tiling, "aml_tiling_id", "coords", coords[0]);
  if (!err)
    *id = coords[0];
  return err;
}

int aml_internal_line_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]) {
  const int err = check(tiling, "aml_tiling_coords", "id", id);
  if (!err)
    coords[0] = id;
  return err;
}
