// SPDX-License-Identifier: BSD-3-Clause
//
// Errors in the use of an arena's memory, for the tools that watch memory to find: see
// planted_test.sh. In C, so that MemorySanitizer needs no C++ library of its own.
//
// usage: planted               what there is to run: "tool NAME", then lines "ARENA ERROR"
//        planted ARENA ERROR   make it; prints "ran through" at the end
//
// A type of arena is a line of ARENAS, with what its options need besides the region; an include;
// and a dependency.

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "aml/area/heap.h"
#include "aml/arena/buddy.h"
#include "aml/arena/bump.h"
#include "aml/arena/debug.h"
#include "aml/arena/internal/poison.h"
#include "aml/arena/pool.h"
#include "aml/arena/slab.h"
#include "aml/arena/tlsf.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

#define ARENAS(X)                                                                                  \
  X(buddy, )                                                                                       \
  X(bump, )                                                                                        \
  X(slab, )                                                                                        \
  X(tlsf, )

enum { REGION_SIZE = 1 << 20, SIZE = 200 };

static _Alignas(4096) char region[REGION_SIZE];

/** Makes an arena over an area, or in the region if that is null. */
typedef int (*make)(struct aml_arena **arena, struct aml_area *area);

#define MAKE(type, ...)                                                                            \
  static int make_##type(struct aml_arena **arena, struct aml_area *area) {                        \
    struct aml_arena_##type##_options options = {__VA_ARGS__};                                     \
    options.region = area == NULL ? region : NULL;                                                 \
    options.region_size = area == NULL ? sizeof region : 0;                                        \
    return aml_arena_##type##_create(arena, area, &options);                                       \
  }
ARENAS(MAKE)

static int make_pool(struct aml_arena **arena, struct aml_area *area) {
  struct aml_arena_pool_options options = {0};
  options.region = area == NULL ? region : NULL;
  options.region_size = area == NULL ? sizeof region : 0;
  return aml_arena_pool_create(arena, area, SIZE, &options);
}

static int make_debug(struct aml_arena **arena, struct aml_area *area) {
  static struct aml_arena *inner; // until the next one is made, or the program ends
  aml_arena_destroy(&inner);
  const int err = make_bump(&inner, area);
  return err ? err : aml_arena_debug_create(arena, inner, NULL);
}

static const struct {
  const char *name;
  make make;
} arenas[] = {
#define ROW(type, ...) {#type, make_##type},
    ARENAS(ROW){"pool", make_pool},
    {"debug", make_debug},
};

/** A read that the compiler knows nothing of, and what comes of it decides what is done. */
static void look_at(const char *byte) {
  const volatile char *const bytes = byte;
  if (*bytes == 'x')
    puts("x");
}

static char *alloc(struct aml_arena *arena) {
  char *const block = aml_arena_alloc(arena, SIZE, 0, 0);
  if (block == NULL)
    puts(aml_error_detail());
  return block;
}

/** All that is right: nobody has anything to report. */
static void none(struct aml_arena *arena) {
  for (int i = 0; i < 3; ++i) {
    char *const block = alloc(arena);
    char *const zeros = aml_arena_alloc(arena, SIZE, 64, AML_ARENA_ZERO);
    if (block == NULL || zeros == NULL)
      return;
    memset(block, 'a', SIZE);
    for (int byte = 0; byte < SIZE; ++byte) {
      look_at(block + byte);
      look_at(zeros + byte);
    }
    aml_arena_free(arena, block);
    aml_arena_free(arena, zeros);
    if ((aml_arena_capabilities(arena) & AML_ARENA_CAN_RESET) != 0 && aml_arena_reset(arena))
      puts(aml_error_detail());
    if (aml_arena_validate(arena))
      puts(aml_error_detail());
  }
}

static void use_after_free(struct aml_arena *arena) {
  char *const block = alloc(arena);
  memset(block, 'a', SIZE);
  aml_arena_free(arena, block);
  look_at(block + SIZE / 2);
}

static void use_after_reset(struct aml_arena *arena) {
  char *const block = alloc(arena);
  memset(block, 'a', SIZE);
  if (aml_arena_reset(arena) == 0)
    look_at(block + SIZE / 2);
}

/** Behind all that may be used of a block. */
static void overflow(struct aml_arena *arena) {
  char *const block = alloc(arena);
  const size_t usable = aml_arena_usable_size(arena, block);
  memset(block, 'a', SIZE);
  look_at(block + (usable > SIZE ? usable : SIZE));
}

/** Also where the memory was used before. */
static void uninitialised(struct aml_arena *arena) {
  char *const block = alloc(arena);
  memset(block, 'a', SIZE);
  aml_arena_free(arena, block);
  if ((aml_arena_capabilities(arena) & AML_ARENA_CAN_RESET) != 0 && aml_arena_reset(arena) != 0)
    return;
  look_at(alloc(arena) + SIZE / 2);
}

static const struct {
  const char *name;
  void (*plant)(struct aml_arena *arena);
  unsigned needs; // of the arena
} errors[] = {
    {"none", none, 0},
    {"use_after_free", use_after_free, AML_ARENA_CAN_FREE},
    {"use_after_reset", use_after_reset, AML_ARENA_CAN_RESET},
    {"overflow", overflow, 0},
    {"uninitialised", uninitialised, 0},
};

enum {
  ARENA_COUNT = sizeof arenas / sizeof arenas[0],
  ERROR_COUNT = sizeof errors / sizeof errors[0],
};

static const char *tool(void) {
#if defined(AML_INTERNAL_HAS_ASAN)
  return "asan";
#elif defined(AML_INTERNAL_HAS_MSAN)
  return "msan";
#elif AML_INTERNAL_POISONS
  return "valgrind";
#else
  return "none";
#endif
}

/** Lists what an arena can be used wrongly by, or does one of it. Returns: whether that is there.
 */
static bool run(struct aml_arena *arena, const char *name, const char *error) {
  bool is_there = false;
  for (size_t i = 0; i < ERROR_COUNT; ++i) {
    if ((aml_arena_capabilities(arena) & errors[i].needs) != errors[i].needs)
      continue;
    if (error == NULL)
      printf("%s %s\n", name, errors[i].name);
    else if (strcmp(error, errors[i].name) == 0)
      errors[i].plant(arena);
    is_there = is_there || error == NULL || strcmp(error, errors[i].name) == 0;
  }
  return is_there;
}

/** Makes each arena of a name, or all; over an area, then in a region. */
static bool run_all(const char *name, const char *error) {
  AML_AREA_HEAP_DECL(area);
  bool is_there = false;
  if (aml_area_heap_init(area)) {
    puts(aml_error_detail());
    return false;
  }
  for (size_t i = 0; i < 2 * ARENA_COUNT; ++i) {
    char full_name[64];
    (void)snprintf(full_name, sizeof full_name, "%s%s", arenas[i / 2].name,
                   i % 2 == 0 ? "" : "-region");
    if (name != NULL && strcmp(name, full_name) != 0)
      continue;
    struct aml_arena *arena = NULL;
    if (arenas[i / 2].make(&arena, i % 2 == 0 ? area : NULL)) {
      puts(aml_error_detail());
      return false;
    }
    is_there = run(arena, full_name, error) || is_there;
    aml_arena_destroy(&arena);
  }
  return is_there;
}

int main(int argc, char *argv[]) {
  if (argc == 1)
    printf("tool %s\n", tool());
  if ((argc != 1 && argc != 3) ||
      !run_all(argc == 3 ? argv[1] : NULL, argc == 3 ? argv[2] : NULL)) {
    puts("no such arena, or no such error of it");
    return 2;
  }
  if (argc == 3)
    puts("ran through");
  return 0;
}
