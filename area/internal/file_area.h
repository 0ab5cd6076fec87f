// SPDX-License-Identifier: BSD-3-Clause
//
// The operations of areas that are a file, by name or by descriptor: for their tables. What such a
// type adds is how the file is had; its struct begins as struct aml_internal_file_area does.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_FILE_AREA_H
#define AML_AREA_INTERNAL_FILE_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_file_area {
  struct aml_area area;
  struct aml_area_file_state *state; /**< owned; null: not initialised */
};

unsigned aml_internal_file_area_capabilities(const struct aml_area *area);
int aml_internal_file_area_map(struct aml_area *area, size_t size,
                               const struct aml_area_map_options *options, void **pointer);
int aml_internal_file_area_unmap(struct aml_area *area, void *pointer, size_t size);
int aml_internal_file_area_info(struct aml_area *area, const void *pointer,
                                struct aml_area_info *info);
int aml_internal_file_area_resize(struct aml_area *area, void *pointer, size_t old_size,
                                  size_t new_size, unsigned flags, void **new_pointer);
int aml_internal_file_area_sync(struct aml_area *area, void *pointer, size_t size);
void aml_internal_file_area_fini(struct aml_area *area);

/** Refuses what is no initialised area of such a type. */
int aml_internal_file_area_check(const char *call, const struct aml_area *area);

/** Maps what lies at `offset` in the file; as aml_area_file_map_at(). */
void *aml_internal_file_area_map_at(const char *call, struct aml_area *area, uint64_t offset,
                                    size_t size, const struct aml_area_map_options *options);

/** Whether the file has all of a range's pages; as aml_area_file_check(). */
int aml_internal_file_area_check_range(const char *call, struct aml_area *area, const void *pointer,
                                       size_t size);

#ifdef __cplusplus
}
#endif

#endif
