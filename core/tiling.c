// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/tiling.h"

#include <stdlib.h>

// The hot function is inline in the header; this is where its symbol lives.
extern inline int aml_tiling_tile(const struct aml_tiling *tiling, const struct aml_tile *datum,
                                  size_t id, struct aml_tile *tile);

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

int aml_tiling_refuse_tile(const struct aml_tiling *tiling, const struct aml_tile *datum) {
  return refuse_null("aml_tiling_tile",
                     tiling == NULL ? "tiling" : (datum == NULL ? "datum" : "tile"));
}

size_t aml_tiling_count(const struct aml_tiling *tiling) {
  return tiling == NULL ? 0 : tiling->ops->count(tiling);
}

int aml_tiling_get_info(const struct aml_tiling *tiling, struct aml_tiling_info *info) {
  if (tiling == NULL || info == NULL)
    return refuse_null("aml_tiling_get_info", tiling == NULL ? "tiling" : "info");
  tiling->ops->info(tiling, info);
  return 0;
}

int aml_tiling_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id) {
  static const char call[] = "aml_tiling_id";
  if (tiling == NULL)
    return refuse_null(call, "tiling");
  if (coords == NULL || id == NULL)
    return refuse_null(call, coords == NULL ? "coords" : "id");
  return tiling->ops->id(tiling, coords, id);
}

int aml_tiling_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]) {
  if (tiling == NULL || coords == NULL)
    return refuse_null("aml_tiling_coords", tiling == NULL ? "tiling" : "coords");
  return tiling->ops->coords(tiling, id, coords);
}

int aml_tiling_tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]) {
  if (tiling == NULL || extent == NULL)
    return refuse_null("aml_tiling_tile_extent", tiling == NULL ? "tiling" : "extent");
  return tiling->ops->tile_extent(tiling, id, extent);
}

void aml_tiling_fini(struct aml_tiling *tiling) {
  if (tiling != NULL)
    tiling->ops->fini(tiling);
}

void aml_tiling_destroy(struct aml_tiling **tiling) {
  if (tiling == NULL)
    return;
  aml_tiling_fini(*tiling);
  free(*tiling);
  *tiling = NULL;
}
