// SPDX-License-Identifier: BSD-3-Clause
//
// A further type is one function and one line of the table.

#include "aml/examples/placement/tilings.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "aml/core/error.h"
#include "aml/examples/placement/words.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/nested.h"
#include "aml/tiling/padded.h"
#include "aml/tiling/ragged.h"

enum { MISREAD = 1 }; // beside AML's codes, which are negative

/** What is to be cut. */
struct shape {
  size_t element_size;
  size_t ndims;
  const size_t *extent;
};

/** Makes a tiling from what follows its name. Returns: 0; MISREAD; a code of AML. */
typedef int make_function(struct words *words, const struct shape *shape, struct made_tiling *made);

static int make_1d(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t count;
  if (shape->ndims != 1 || !words_number(words, &count))
    return MISREAD;
  return aml_tiling_1d_create(&made->tiling, shape->extent[0], shape->element_size, count);
}

static int make_clipped(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t tile[AML_MAX_DIMS];
  if (!words_extents(words, shape->ndims, tile))
    return MISREAD;
  return aml_tiling_clipped_create(&made->tiling, shape->element_size, shape->ndims, shape->extent,
                                   tile, NULL);
}

static int make_padded(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t tile[AML_MAX_DIMS];
  if (!words_extents(words, shape->ndims, tile))
    return MISREAD;
  return aml_tiling_padded_create(&made->tiling, shape->element_size, shape->ndims, shape->extent,
                                  tile, NULL);
}

static int make_blocked(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t tile[AML_MAX_DIMS];
  if (!words_extents(words, shape->ndims, tile))
    return MISREAD;
  return aml_tiling_blocked_create(&made->tiling, shape->element_size, shape->ndims, shape->extent,
                                   tile, NULL);
}

static int make_morton(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t tile[AML_MAX_DIMS];
  if (!words_extents(words, shape->ndims, tile))
    return MISREAD;
  return aml_tiling_morton_create(&made->tiling, shape->element_size, shape->ndims, shape->extent,
                                  tile);
}

static int make_halo(struct words *words, const struct shape *shape, struct made_tiling *made) {
  struct aml_tiling_halo_options options = {.has_border = false};
  size_t tile[AML_MAX_DIMS];
  size_t width;
  if (!words_extents(words, shape->ndims, tile) || !words_skip(words, "+") ||
      !words_number(words, &width))
    return MISREAD;
  for (size_t d = 0; d < shape->ndims; ++d)
    options.before[d] = options.after[d] = width;
  return aml_tiling_halo_create(&made->tiling, shape->element_size, shape->ndims, shape->extent,
                                tile, &options);
}

/** Repeats sizes up to the array's end, where the last tile is as small as what is left. */
static int make_ragged(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t sizes[64];
  size_t count;
  size_t sum = 0;
  if (shape->ndims != 1 || !words_numbers(words, "+", sizeof sizes / sizeof *sizes, sizes, &count))
    return MISREAD;
  for (size_t i = 0; i < count; ++i)
    sum = sizes[i] > SIZE_MAX - sum ? SIZE_MAX : sum + sizes[i];
  if (sum == 0)
    return MISREAD;
  const size_t rounds = (shape->extent[0] - 1) / sum + 1;
  made->offsets = calloc(rounds, (count + 1) * sizeof *made->offsets);
  if (made->offsets == NULL)
    return aml_error_set(-AML_ENOMEM, "placement", NULL, "no memory for the sizes of tiles");
  size_t tiles = 0;
  while (made->offsets[tiles] < shape->extent[0]) {
    const size_t left = shape->extent[0] - made->offsets[tiles];
    const size_t size = sizes[tiles % count];
    made->offsets[tiles + 1] = made->offsets[tiles] + (size < left ? size : left);
    ++tiles;
  }
  return aml_tiling_ragged_create(&made->tiling, shape->element_size, tiles, made->offsets);
}

static int make_nested(struct words *words, const struct shape *shape, struct made_tiling *made) {
  size_t outer[AML_MAX_DIMS];
  size_t inner[AML_MAX_DIMS];
  if (!words_extents(words, shape->ndims, outer) || !words_skip(words, "/") ||
      !words_extents(words, shape->ndims, inner))
    return MISREAD;
  const int err = aml_tiling_clipped_create(&made->outer, shape->element_size, shape->ndims,
                                            shape->extent, outer, NULL);
  return err ? err : aml_tiling_nested_create(&made->tiling, made->outer, inner, NULL);
}

static const struct {
  const char *name;
  make_function *make;
} types[] = {
    {"1d:", make_1d},           {"clipped:", make_clipped}, {"padded:", make_padded},
    {"blocked:", make_blocked}, {"morton:", make_morton},   {"halo:", make_halo},
    {"ragged:", make_ragged},   {"nested:", make_nested},
};

static int read_and_make(const char *text, const struct shape *shape, struct made_tiling *made) {
  struct words words = {text};
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
    if (!words_skip(&words, types[i].name))
      continue;
    const int result = types[i].make(&words, shape, made);
    return result == 0 && !words_end(&words) ? MISREAD : result;
  }
  return MISREAD;
}

int tilings_make(const char *text, size_t element_size, size_t ndims, const size_t extent[],
                 struct made_tiling *made) {
  struct made_tiling result = {NULL, NULL, NULL};
  for (size_t d = 0; d < ndims; ++d) {
    if (extent[d] == 0) {
      fprintf(stderr, "placement: --shape: an extent is 0\n");
      return -1;
    }
  }
  const struct shape shape = {element_size, ndims, extent};
  const int err = read_and_make(text, &shape, &result);
  if (err == 0) {
    *made = result;
    return 0;
  }
  if (err == MISREAD)
    fprintf(stderr,
            "placement: --tiling %s: is no tiling of %zu dimensions; see placement --help\n", text,
            ndims);
  else
    fprintf(stderr, "placement: --tiling %s: %s\n", text, aml_error_detail());
  tilings_destroy(&result);
  return -1;
}

void tilings_destroy(struct made_tiling *made) {
  aml_tiling_destroy(&made->tiling);
  aml_tiling_destroy(&made->outer);
  free(made->offsets);
  *made = (struct made_tiling){NULL, NULL, NULL};
}

int tilings_lay_out(const struct made_tiling *made, struct aml_area *area, void *memory,
                    struct aml_tile *datum) {
  struct aml_tiling_info info;
  const int err = aml_tiling_get_info(made->tiling, &info);
  if (err)
    return err;
  if (made->tiling->ops == &aml_tiling_padded_ops)
    return aml_tiling_padded_datum(made->tiling, area, memory, AML_ORDER_ROW, datum);
  return aml_tile_dense(datum, area, memory, info.element_size, info.ndims, info.extent,
                        AML_ORDER_ROW);
}
