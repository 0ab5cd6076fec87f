// SPDX-License-Identifier: BSD-3-Clause
//
// How area:linux makes, prepares and ends its mappings. Sizes are multiples of the area's
// granularity, and pointers are what map returned.
//
// A mapping with guards is three neighbours, guard, body and guard, of which map returns the body.
// Since all mappings of an area have guards or none has, unmap knows of them without a record.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_LINUX_MAPPING_H
#define AML_AREA_INTERNAL_LINUX_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/area/linux.h"
#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_LINUX_MAX_ALIGNMENT = 1 << 30 };

/** What went wrong, not recorded yet: something else may be tried. */
struct aml_internal_linux_trouble {
  const char *what; /**< null: mbind */
  int number;       /**< errno */
};

/** Checks options and makes an area of them, but for its table; records failures as of init. */
int aml_internal_linux_configure(const struct aml_area_linux_options *options,
                                 struct aml_area_linux *result);

/** Records it as a failure of `call`; returns the code. */
int aml_internal_linux_refuse(const struct aml_area_linux *self, const char *call,
                              const struct aml_internal_linux_trouble *trouble);

/** Makes a mapping; options are checked already. */
bool aml_internal_linux_map(struct aml_area_linux *self, size_t size,
                            const struct aml_area_map_options *options, void **pointer,
                            struct aml_internal_linux_trouble *trouble);

/** Maps accessible memory at an address or not at all, from the pool if asked. */
bool aml_internal_linux_map_at(const struct aml_area_linux *self, void *place, size_t size,
                               bool from_pool, struct aml_internal_linux_trouble *trouble);

/** Reserves inaccessible addresses, aligned to their size, at the hint if that is free. */
bool aml_internal_linux_reserve(const struct aml_area_linux *self, void *hint, size_t size,
                                char **base);

/** Makes a mapping that needs no more advice on huge pages, if it is of a size for that. */
bool aml_internal_linux_map_piece(struct aml_area_linux *self, size_t size, char **base);

/** Gives back what such mappings would have been made of. */
void aml_internal_linux_end_reservation(struct aml_area_linux *self);

/** Whether this area's mappings are to come from a pool. */
bool aml_internal_linux_has_pool(const struct aml_area_linux *self);

/** A fresh part of a mapping. */
struct aml_internal_linux_part {
  char *base;
  size_t size;
  size_t whole_size; /**< of the mapping */
  bool is_pool;
  bool is_advised;   /**< to be of huge pages */
  bool is_populated; /**< asked for by the caller of map */
};

/** Tells the kernel what it should know of a part before its first page is touched. */
bool aml_internal_linux_prepare(const struct aml_area_linux *self,
                                const struct aml_internal_linux_part *part,
                                struct aml_internal_linux_trouble *trouble);

/** Ends a mapping and its guards. */
bool aml_internal_linux_unmap(const struct aml_area_linux *self, void *pointer, size_t size,
                              struct aml_internal_linux_trouble *trouble);

/** Resizes a mapping. */
bool aml_internal_linux_resize(struct aml_area_linux *self, char *pointer, size_t old_size,
                               size_t new_size, unsigned flags, void **new_pointer,
                               struct aml_internal_linux_trouble *trouble);

#ifdef __cplusplus
}
#endif

#endif
