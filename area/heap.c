// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

/** A cache line, of most CPUs. */
static const size_t GRANULARITY = 64;
static const size_t MAX_ALIGNMENT = (size_t)1 << 30;

static struct aml_area_heap *self_of(struct aml_area *area) {
  return (struct aml_area_heap *)area;
}

static int check(const struct aml_area *area, const char *call) {
  if (((const struct aml_area_heap *)area)->page_size == 0)
    return aml_error_set(-AML_EINVAL, call, "area", "is not initialised");
  return 0;
}

static unsigned capabilities(const struct aml_area *area) {
  (void)area;
  return AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE | AML_AREA_ZEROED | AML_AREA_CAN_RESIZE;
}

/** Takes memory off the heap, and rounds up its size, which is an argument's. */
static int take(const char *call, const char *size_name, size_t *size, size_t alignment,
                void **pointer) {
  size_t rounded = 0;
  void *memory = NULL;
  if (!aml_checked_round_up(*size, GRANULARITY, &rounded) || rounded > PTRDIFF_MAX ||
      posix_memalign(&memory, alignment, rounded) != 0)
    return aml_error_set_value(-AML_ENOMEM, call, size_name, *size, "is more than the heap has");
  *pointer = memory;
  *size = rounded;
  return 0;
}

static int check_options(const struct aml_area_map_options *options) {
  static const char call[] = "aml_area_map";
  if ((options->flags & AML_AREA_MAP_EXACT) != 0)
    return aml_error_set(-AML_ENOTSUP, call, "flags", "asks for an address, and the heap has none");
  if (options->alignment > MAX_ALIGNMENT)
    return aml_error_set_value(-AML_EINVAL, call, "alignment", options->alignment,
                               "is more than 1 GiB");
  return 0;
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  const size_t alignment = options->alignment > GRANULARITY ? options->alignment : GRANULARITY;
  void *memory = NULL;
  int err = check(area, call);
  if (!err)
    err = check_options(options);
  if (!err)
    err = take(call, "size", &size, alignment, &memory);
  if (err)
    return err;
  volatile char *const bytes = memory;
  if ((options->flags & AML_AREA_MAP_NO_ZERO) == 0)
    memset(memory, 0, size);
  else if ((options->flags & AML_AREA_MAP_POPULATE) != 0)
    for (size_t offset = 0; offset < size; offset += self_of(area)->page_size)
      bytes[offset] = 0;
  *pointer = memory;
  return 0;
}

static int check_pointer(const struct aml_area *area, const char *call, const void *pointer) {
  if ((uintptr_t)pointer % GRANULARITY != 0)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is not the start of a mapping");
  return check(area, call);
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  (void)size;
  const int err = check_pointer(area, "aml_area_unmap", pointer);
  if (!err)
    free(pointer);
  return err;
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  size_t room = 0;
  int err = check_pointer(area, call, pointer);
  if (err)
    return err;
  if (!aml_checked_round_up(old_size, GRANULARITY, &room))
    return aml_error_set_value(-AML_EINVAL, call, "old_size", old_size, "is that of no mapping");
  void *memory = pointer;
  if (new_size > room) {
    if ((flags & AML_AREA_RESIZE_MAY_MOVE) == 0)
      return aml_error_set(-AML_ENOMEM, call, "new_size", "needs another place on the heap");
    const uintptr_t address = (uintptr_t)pointer;
    const size_t aligned = address & -address;
    const size_t page_size = self_of(area)->page_size;
    err = take(call, "new_size", &new_size, aligned < page_size ? aligned : page_size, &memory);
    if (err)
      return err;
    memcpy(memory, pointer, room);
    memset((char *)memory + room, 0, new_size - room);
    free(pointer);
  }
  *new_pointer = memory;
  return 0;
}

static int info(struct aml_area *area, const void *pointer, struct aml_area_info *info) {
  (void)pointer;
  const int err = check(area, "aml_area_get_info");
  if (err)
    return err;
  *info = (struct aml_area_info){
      .type = aml_area_heap_ops.name,
      .capabilities = capabilities(area),
      .granularity = GRANULARITY,
      .max_alignment = MAX_ALIGNMENT,
      .page_size = self_of(area)->page_size,
      .size = AML_UNKNOWN,
      .read_bandwidth_mib_s = AML_UNKNOWN,
      .write_bandwidth_mib_s = AML_UNKNOWN,
      .read_latency_ns = AML_UNKNOWN,
      .write_latency_ns = AML_UNKNOWN,
  };
  return 0;
}

static void fini(struct aml_area *area) {
  *self_of(area) = (struct aml_area_heap){.area = {.ops = &aml_area_heap_ops}};
}

const struct aml_area_ops aml_area_heap_ops = {
    .name = "heap",
    .fini = fini,
    .capabilities = capabilities,
    .map = map,
    .unmap = unmap,
    .info = info,
    .resize = resize,
};

int aml_area_heap_init(struct aml_area *area) {
  if (area == NULL || area->ops != &aml_area_heap_ops)
    return aml_error_set(-AML_EINVAL, "aml_area_heap_init", "area",
                         "is null, or was not declared by AML_AREA_HEAP_DECL");
  self_of(area)->page_size = (size_t)sysconf(_SC_PAGESIZE);
  return 0;
}

int aml_area_heap_create(struct aml_area **area) {
  struct aml_area *const made = aml_block_create("aml_area_heap_create", "area", area,
                                                 sizeof(struct aml_area_heap), &aml_area_heap_ops);
  if (made == NULL)
    return aml_error_code();
  *area = made;
  return aml_area_heap_init(made);
}
