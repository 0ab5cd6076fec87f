// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/file_area.h"

#include <stdint.h>
#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"

// Offset 0 is an address that is not null, and as aligned as a page.
enum { ORIGIN = 4096, PAGE = 4096 };

static struct file_area *file_of(struct aml_area *area) {
  return (struct file_area *)area;
}

static void *origin(void) {
  return (void *)(uintptr_t)ORIGIN;
}

static void fini(struct aml_area *area) {
  *file_of(area) = (struct file_area){.area = {.ops = area->ops}};
}

static unsigned capabilities(const struct aml_area *area) {
  (void)area;
  return AML_AREA_SHARED | AML_AREA_FILE_BACKED;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  struct file_area *const file = file_of(area);
  if (options->alignment > PAGE)
    return aml_error_set(-AML_ENOTSUP, call, "alignment", "is larger than a page");
  if ((options->flags & AML_AREA_MAP_EXACT) != 0 && options->hint != origin())
    return aml_error_set(-AML_EEXIST, call, "hint", "is not where a file is");
  if (size > file->size)
    return aml_error_set_value(-AML_ENOMEM, call, "size", size, "is more than the file's");
  if (__atomic_exchange_n(&file->is_mapped, 1, __ATOMIC_ACQ_REL))
    return aml_error_set(-AML_ENOMEM, call, NULL, "the file is mapped already");
  *pointer = origin();
  return 0;
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  struct file_area *const file = file_of(area);
  if (pointer != origin() || size > file->size ||
      !__atomic_exchange_n(&file->is_mapped, 0, __ATOMIC_ACQ_REL))
    return aml_error_set(-AML_EINVAL, "aml_area_unmap", "pointer", "is no mapping of this file");
  return 0;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *info) {
  const struct file_area *const file = file_of(area);
  const uintptr_t address = (uintptr_t)pointer;
  if (pointer != NULL && (address < ORIGIN || address - ORIGIN >= file->size))
    return aml_error_set(-AML_EINVAL, "aml_area_get_info", "pointer", "is not in the file");
  *info = (struct aml_area_info){
      .type = area->ops->name,
      .capabilities = capabilities(area),
      .granularity = 1,
      .max_alignment = PAGE,
      .page_size = PAGE,
      .size = pointer == NULL ? AML_UNKNOWN : file->size,
      .native = {.kind = AML_NATIVE_FILE,
                 .origin = origin(),
                 .as = {.file = {.descriptor = file->descriptor, .offset = 0}}},
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  return 0;
}

const struct aml_area_ops file_area_ops = {
    .name = "matmul file",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
};

int file_area_init(struct aml_area *area, int descriptor, size_t size) {
  static const char call[] = "file_area_init";
  if (area == NULL || area->ops != &file_area_ops)
    return aml_error_set(-AML_EINVAL, call, "area", "was not declared as a file area");
  if (descriptor < 0)
    return aml_error_set(-AML_EINVAL, call, "descriptor", "is negative");
  if (size == 0)
    return aml_error_set(-AML_EINVAL, call, "size", "is 0");
  if (size > (size_t)PTRDIFF_MAX - ORIGIN)
    return aml_error_set(-AML_EOVERFLOW, call, "size", "is more than there are addresses");
  struct file_area *const file = file_of(area);
  file->descriptor = descriptor;
  file->size = size;
  file->is_mapped = 0;
  return 0;
}

int file_area_create(struct aml_area **area, int descriptor, size_t size) {
  struct aml_area *const made =
      aml_block_create("file_area_create", "area", area, sizeof(struct file_area), &file_area_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = file_area_init(made, descriptor, size);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}
