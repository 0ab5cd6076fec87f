// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/placement/job.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/examples/placement/bindings.h"
#include "aml/examples/placement/map.h"
#include "aml/examples/placement/options.h"
#include "aml/examples/placement/picture.h"
#include "aml/examples/placement/tilings.h"

enum { STATUS_RIGHT = 0, STATUS_WRONG = 1, STATUS_USAGE = 2 };

static int say(int err) {
  if (err)
    fprintf(stderr, "placement: %s\n", aml_error_detail());
  return err;
}

/** Applies a binding and writes all of the array, in the order that was asked for. */
static int place(const struct options *options, const struct aml_binding *binding,
                 const struct aml_tiling *tiling, const struct aml_tile *datum, size_t size) {
  const struct aml_binding_apply_options apply = {.flags =
                                                      options->is_moved ? AML_AREA_BIND_MOVE : 0};
  if (options->is_moved)
    memset(datum->base, 1, size);
  const int err = aml_binding_apply_tiled(binding, tiling, datum, &apply);
  if (!err && !options->is_moved)
    memset(datum->base, 1, size);
  return err;
}

/** Shows a map. Returns: a status. */
static int show(const struct options *options, const struct map *map) {
  printf("%zu bytes in %zu tiles (%s), pages of %zu bytes\n", map->info.storage_size, map->count,
         map->info.type, map->page_size);
  picture_print(map, stdout);
  picture_print_report(map, stdout);
  if (options->svg != NULL) {
    const int number = picture_draw(map, options->svg);
    if (number != 0) {
      fprintf(stderr, "placement: --svg %s: %s\n", options->svg, strerror(number));
      return STATUS_WRONG;
    }
  }
  return map->report.wrong_size + map->report.absent_size == 0 ? STATUS_RIGHT : STATUS_WRONG;
}

/** Places an array in memory of an area, and shows where it is. */
static int place_and_show(const struct options *options, struct aml_area *area,
                          const struct made_tiling *tiling, const struct aml_binding *binding) {
  struct aml_tiling_info info;
  struct aml_tile datum;
  struct map map;
  if (say(aml_tiling_get_info(tiling->tiling, &info)))
    return STATUS_WRONG;
  void *const memory = aml_area_map(area, info.storage_size, NULL);
  if (memory == NULL) {
    say(aml_error_code());
    return STATUS_WRONG;
  }
  int status = STATUS_WRONG;
  int err = tilings_lay_out(tiling, area, memory, &datum);
  if (!err)
    err = place(options, binding, tiling->tiling, &datum, info.storage_size);
  if (!err)
    err = map_make(binding, tiling->tiling, &datum, info.storage_size, &map);
  if (!say(err)) {
    status = show(options, &map);
    map_destroy(&map);
  }
  (void)aml_area_unmap(area, memory, info.storage_size);
  return status;
}

static int run(const struct options *options) {
  static struct made_binding binding;
  struct made_tiling tiling;
  if (tilings_make(options->tiling, options->element_size, options->ndims, options->extent,
                   &tiling) != 0)
    return STATUS_USAGE;
  int status = STATUS_USAGE;
  if (bindings_make(options->binding, tiling.tiling, &binding) == 0) {
    AML_AREA_LINUX_DECL(area);
    const struct aml_area_linux_options area_options = {
        .huge_pages =
            options->is_huge ? AML_AREA_LINUX_HUGE_TRANSPARENT : AML_AREA_LINUX_HUGE_NONE};
    status = STATUS_WRONG;
    if (!say(aml_area_linux_init(area, &area_options)))
      status = place_and_show(options, area, &tiling, binding.binding);
    aml_area_fini(area);
    bindings_destroy(&binding);
  }
  tilings_destroy(&tiling);
  return status;
}

int job_run(int argc, char *argv[]) {
  struct options options;
  if (options_parse(argc, argv, &options) != 0)
    return STATUS_USAGE;
  int status = STATUS_RIGHT;
  if (options.help)
    options_print_help();
  else
    status = run(&options);
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  fprintf(stderr, "placement: cannot write to standard output: %s\n", strerror(errno));
  return STATUS_WRONG;
}
