// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/kernel.h"

#include <string.h>

#include "aml/core/error.h"
#include "examples/matmul/internal/kernel_types.h"

static const char call[] = "kernel_init";

static const struct kernel_own *own_of(size_t element_size) {
  return element_size == sizeof(float) ? &kernel_float : &kernel_double;
}

/** The first variant that the CPU has, and that has the name if there is one. */
static const struct kernel_micro *find_variant(const struct kernel_own *own, const char *isa) {
  for (size_t i = 0; i < KERNEL_ISAS; ++i) {
    const struct kernel_micro *const variant = own->variants[i];
    if (variant != NULL && (isa == NULL || strcmp(isa, variant->isa) == 0) &&
        variant->is_supported())
      return variant;
  }
  return NULL;
}

const char *const *kernel_isas(void) {
  static const char *const names[KERNEL_ISAS + 1] = {"avx512f", "avx2", "any", NULL};
  return names;
}

static int init_own(struct kernel *kernel, size_t element_size, const char *isa,
                    struct aml_arena *arena) {
  const struct kernel_own *const own = own_of(element_size);
  const struct kernel_micro *const variant = find_variant(own, isa);
  if (variant == NULL)
    return aml_error_set(-AML_ENOTSUP, call, "isa", "is not one that this CPU has");
  void *const workspace = aml_arena_alloc(arena, own->workspace_size, 64, 0);
  if (workspace == NULL)
    return aml_error_code();
  *kernel = (struct kernel){.name = "own",
                            .isa = variant->isa,
                            .multiply = own->multiply,
                            .variant = variant,
                            .workspace = workspace};
  return 0;
}

int kernel_init(struct kernel *kernel, enum kernel_kind kind, size_t element_size, const char *isa,
                struct aml_arena *arena) {
  kernel_function *const openblas = kind == KERNEL_OWN ? NULL : kernel_openblas(element_size);
  if (kind == KERNEL_OPENBLAS && openblas == NULL)
    return aml_error_set(-AML_ENOTSUP, call, "kind",
                         "is openblas, which was not there when this program was built");
  if (openblas == NULL)
    return init_own(kernel, element_size, isa, arena);
  *kernel = (struct kernel){.name = "openblas", .isa = "", .multiply = openblas};
  return 0;
}
