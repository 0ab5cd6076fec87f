// SPDX-License-Identifier: BSD-3-Clause
//
// The account is arena/internal/ledger.h; the word that it keeps with a block is the label, which
// is marked, or the caller. A block is put in after `inner` gave it, and is taken out before
// `inner` has it back, so that no two blocks of the account are ever of one address; memory for it
// is held ready before, so that a block that `inner` gave can always be put in.

#include "aml/arena/tracked.h"

#include <stdio.h>
#include <stdlib.h>

#include "aml/arena/internal/callers.h"
#include "aml/arena/internal/forward.h"
#include "aml/arena/internal/ledger.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

enum { PEAK_QUANTUM = 1 << 16 };

enum event { FAILURE, REFUSAL, REALLOC };

struct aml_arena_tracked_account {
  struct aml_internal_ledger *ledger;
  bool can_free;
  struct aml_arena_tracked_options options;
};

_Static_assert(offsetof(struct aml_arena_tracked, inner) ==
                   offsetof(struct aml_internal_forward_arena, inner),
               "begins as every arena over another");
_Static_assert((int)AML_ARENA_TRACKED_CLASSES == (int)AML_INTERNAL_LEDGER_CLASSES,
               "the histogram is the ledger's");

static struct aml_arena_tracked *self_of(struct aml_arena *arena) {
  return (struct aml_arena_tracked *)arena;
}

static struct aml_arena_tracked_account *account_of(const struct aml_arena *arena) {
  return ((const struct aml_arena_tracked *)arena)->state;
}

static int check(const char *call, const struct aml_arena *arena) {
  if (arena == NULL || arena->ops != &aml_arena_tracked_ops || account_of(arena) == NULL)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, of another type, or not initialised");
  return 0;
}

/** Makes the account ready for a block; null, with the reason recorded and counted. */
static struct aml_internal_hand *prepare(struct aml_internal_ledger *ledger, const char *call,
                                         size_t size) {
  struct aml_internal_hand *const hand =
      size > AML_INTERNAL_LEDGER_MAX_SIZE ? NULL : aml_internal_ledger_prepare(ledger, size);
  if (__builtin_expect(hand == NULL, 0)) {
    (void)aml_error_set(-AML_ENOMEM, call, size > AML_INTERNAL_LEDGER_MAX_SIZE ? "size" : NULL,
                        size > AML_INTERNAL_LEDGER_MAX_SIZE
                            ? "is larger than can be kept account of"
                            : "no memory for the account");
    aml_internal_ledger_count(ledger, FAILURE);
  }
  return hand;
}

static inline void *alloc_for(struct aml_arena *arena, size_t size, size_t alignment,
                              unsigned flags, const void *caller) {
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_tracked_account *const account = account_of(arena);
  if (__builtin_expect(account == NULL, 0)) {
    (void)check("aml_arena_alloc", arena);
    return NULL;
  }
  const size_t bytes = size == 0 ? 1 : size;
  struct aml_internal_hand *const hand = prepare(account->ledger, "aml_arena_alloc", bytes);
  if (hand == NULL)
    return NULL;
  void *const block = inner->ops->alloc(inner, size, alignment, flags);
  if (__builtin_expect(block == NULL, 0)) {
    aml_internal_ledger_count(account->ledger, FAILURE);
    return NULL;
  }
  const char *label = aml_internal_hand_label(hand);
  if (label == NULL)
    label = account->options.label;
  aml_internal_ledger_put(account->ledger, hand, block, bytes,
                          label == NULL ? (uintptr_t)caller : (uintptr_t)label, label != NULL);
  return block;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  return alloc_for(arena, size, alignment, flags, __builtin_return_address(0));
}

static size_t alloc_batch(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
  size_t got = 0;
  while (got < count) {
    void *const block = alloc_for(arena, size, alignment, flags, __builtin_return_address(0));
    if (block == NULL)
      break;
    pointers[got++] = block;
  }
  return got;
}

/** Takes a block out, or says that there is none and counts that. */
static bool take(struct aml_arena_tracked_account *account, const char *call, const void *pointer,
                 struct aml_internal_entry *entry) {
  if (__builtin_expect(aml_internal_ledger_take(account->ledger, pointer, entry), 1))
    return true;
  (void)aml_error_set(-AML_EINVAL, call, "pointer", "is not where a live block starts");
  aml_internal_ledger_count(account->ledger, REFUSAL);
  return false;
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_tracked_account *const account = account_of(arena);
  if (account != NULL && account->can_free && take(account, "aml_arena_free", pointer, NULL))
    inner->ops->free(inner, pointer);
}

static void *realloc_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                           unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_tracked_account *const account = account_of(arena);
  struct aml_internal_entry entry;
  if (check(call, arena))
    return NULL;
  struct aml_internal_hand *const hand = prepare(account->ledger, call, size);
  if (hand == NULL)
    return NULL;
  if (!take(account, call, pointer, &entry)) {
    aml_internal_ledger_count(account->ledger, FAILURE);
    return NULL;
  }
  void *const block = aml_arena_realloc(inner, pointer, size, alignment, flags);
  if (block == NULL) {
    aml_internal_ledger_put_back(account->ledger, hand, &entry);
    aml_internal_ledger_count(account->ledger, FAILURE);
    return NULL;
  }
  aml_internal_ledger_put(account->ledger, hand, block, size, entry.word, entry.mark);
  aml_internal_ledger_count(account->ledger, REALLOC);
  return block;
}

/** 0 for what is no live block, though the arena below may know a size there. */
static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  const struct aml_arena_tracked_account *const account = account_of(arena);
  struct aml_internal_entry entry;
  if (account == NULL || !aml_internal_ledger_get(account->ledger, pointer, &entry))
    return 0;
  return aml_internal_forward_arena_usable_size(arena, pointer);
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_tracked_account *const account = account_of(arena);
  // First, as a block that another thread allocates after the inner reset is live.
  aml_internal_ledger_clear(account->ledger);
  struct aml_arena *const inner = self_of(arena)->inner;
  inner->ops->reset(inner);
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_tracked_account *const account = account_of(arena);
  struct aml_internal_ledger_sums sums;
  if (account == NULL ||
      aml_arena_get_stats(((const struct aml_arena_tracked *)arena)->inner, result)) {
    *result = (struct aml_arena_stats){.limit = AML_UNKNOWN};
    return;
  }
  aml_internal_ledger_sum(account->ledger, &sums);
  if (result->live_count == AML_UNKNOWN)
    result->live_count = sums.live_count;
  if (result->metadata_size != AML_UNKNOWN)
    result->metadata_size += sizeof(struct aml_arena_tracked) + sizeof *account + sums.memory;
}

static int validate(const struct aml_arena *arena) {
  const int err = check("aml_arena_validate", arena);
  if (err)
    return err;
  const char *const wrong = aml_internal_ledger_check(account_of(arena)->ledger);
  if (wrong != NULL)
    return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", wrong);
  return aml_arena_validate(((const struct aml_arena_tracked *)arena)->inner);
}

static struct aml_arena_tracked_block describe(const struct aml_internal_entry *entry) {
  return (struct aml_arena_tracked_block){
      .pointer = (void *)entry->start,
      .size = entry->size,
      .label = entry->mark ? (const char *)entry->word : NULL,
      .caller = entry->mark ? NULL : (const void *)entry->word,
  };
}

/** Says that blocks were left when the arena ended, the first of which is told. */
static void complain(const struct aml_internal_ledger_sums *sums,
                     const struct aml_arena_tracked_block *first) {
  char reason[200];
  if (first->label != NULL)
    (void)snprintf(reason, sizeof reason, "has %zu live blocks of %zu bytes, the first of %.80s",
                   (size_t)sums->live_count, (size_t)sums->live_size, first->label);
  else
    (void)snprintf(reason, sizeof reason, "has %zu live blocks of %zu bytes, the first by %p",
                   (size_t)sums->live_count, (size_t)sums->live_size, first->caller);
  (void)aml_error_set(-AML_EBUSY, "aml_arena_fini", "arena", reason);
}

static void report(struct aml_arena_tracked_account *account) {
  struct aml_internal_ledger_sums sums;
  struct aml_internal_entry entry;
  aml_internal_ledger_sum(account->ledger, &sums);
  bool is_first = true;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(account->ledger, address, &entry); address = entry.start + 1) {
    const struct aml_arena_tracked_block block = describe(&entry);
    if (is_first)
      complain(&sums, &block);
    is_first = false;
    if (account->options.report == NULL)
      break;
    (void)account->options.report(account->options.context, &block);
  }
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_tracked_account *const account = account_of(arena);
  if (account != NULL) {
    report(account);
    aml_internal_ledger_destroy(account->ledger);
    free(account);
  }
  *self_of(arena) = (struct aml_arena_tracked){.arena = {.ops = &aml_arena_tracked_ops}};
}

const struct aml_arena_ops aml_arena_tracked_ops = {
    .name = "tracked",
    .fini = fini,
    .capabilities = aml_internal_forward_arena_capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = realloc_block,
    .usable_size = usable_size,
    .owns = aml_internal_forward_arena_owns,
    .reset = reset,
    .trim = aml_internal_forward_arena_trim,
    .alloc_batch = alloc_batch,
};

int aml_arena_tracked_init(struct aml_arena *arena, struct aml_arena *inner,
                           const struct aml_arena_tracked_options *options) {
  static const char call[] = "aml_arena_tracked_init";
  const int err = aml_internal_forward_arena_check(call, arena, &aml_arena_tracked_ops, inner);
  if (err)
    return err;
  const unsigned capabilities = aml_arena_capabilities(inner);
  struct aml_arena_tracked_account *const account = calloc(1, sizeof *account);
  if (account != NULL)
    account->ledger =
        aml_internal_ledger_create((capabilities & AML_ARENA_THREAD_SAFE) != 0, PEAK_QUANTUM);
  if (account == NULL || account->ledger == NULL) {
    free(account);
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the account");
  }
  account->can_free = (capabilities & AML_ARENA_CAN_FREE) != 0;
  if (options != NULL)
    account->options = *options;
  *self_of(arena) = (struct aml_arena_tracked){
      .arena = {.ops = &aml_arena_tracked_ops}, .inner = inner, .state = account};
  return 0;
}

int aml_arena_tracked_create(struct aml_arena **arena, struct aml_arena *inner,
                             const struct aml_arena_tracked_options *options) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_tracked_create", "arena", arena, sizeof(struct aml_arena_tracked),
                       &aml_arena_tracked_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_tracked_init(made, inner, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}

int aml_arena_tracked_set_label(struct aml_arena *arena, const char *label, const char **previous) {
  static const char call[] = "aml_arena_tracked_set_label";
  const char *unwanted;
  const int err = check(call, arena);
  if (err)
    return err;
  if (!aml_internal_ledger_set_label(account_of(arena)->ledger, label,
                                     previous == NULL ? &unwanted : previous))
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the account");
  return 0;
}

int aml_arena_tracked_get_stats(struct aml_arena *arena, struct aml_arena_tracked_stats *result) {
  static const char call[] = "aml_arena_tracked_get_stats";
  struct aml_internal_ledger_sums sums;
  const int err = check(call, arena);
  if (err)
    return err;
  if (result == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  aml_internal_ledger_sum(account_of(arena)->ledger, &sums);
  *result = (struct aml_arena_tracked_stats){
      .live_count = sums.live_count,
      .live_size = sums.live_size,
      .peak_size = sums.peak_size,
      .allocs = sums.puts - sums.events[REALLOC],
      .frees = sums.takes - sums.cleared - sums.events[REALLOC],
      .reallocs = sums.events[REALLOC],
      .resets = sums.cleared,
      .failures = sums.events[FAILURE],
      .refusals = sums.events[REFUSAL],
      .lost = sums.lost,
  };
  for (unsigned i = 0; i < AML_ARENA_TRACKED_CLASSES; ++i)
    result->histogram[i] = sums.histogram[i];
  return 0;
}

int aml_arena_tracked_find(struct aml_arena *arena, const void *pointer,
                           struct aml_arena_tracked_block *block) {
  static const char call[] = "aml_arena_tracked_find";
  struct aml_internal_entry entry;
  const int err = check(call, arena);
  if (err)
    return err;
  if (block == NULL)
    return aml_error_set(-AML_EINVAL, call, "block", "is null");
  struct aml_internal_ledger *const ledger = account_of(arena)->ledger;
  if (!aml_internal_ledger_get(ledger, pointer, &entry) &&
      !aml_internal_ledger_find(ledger, (uintptr_t)pointer, &entry))
    return aml_error_set(-AML_ENOENT, call, "pointer", "is in no live block");
  *block = describe(&entry);
  return 0;
}

int aml_arena_tracked_walk(struct aml_arena *arena, aml_arena_tracked_visit visit, void *context) {
  static const char call[] = "aml_arena_tracked_walk";
  struct aml_internal_entry entry;
  uintptr_t address = 0;
  int err = check(call, arena);
  if (err)
    return err;
  if (visit == NULL)
    return aml_error_set(-AML_EINVAL, call, "visit", "is null");
  while (!err && aml_internal_ledger_next(account_of(arena)->ledger, address, &entry)) {
    const struct aml_arena_tracked_block block = describe(&entry);
    err = visit(context, &block);
    address = entry.start + 1;
  }
  return err;
}

int aml_arena_tracked_get_callers(struct aml_arena *arena, size_t count,
                                  struct aml_arena_tracked_caller callers[], size_t *found) {
  static const char call[] = "aml_arena_tracked_get_callers";
  struct aml_internal_callers all;
  const int err = check(call, arena);
  if (err)
    return err;
  if (callers == NULL || found == NULL)
    return aml_error_set(-AML_EINVAL, call, callers == NULL ? "callers" : "found", "is null");
  if (!aml_internal_callers_collect(account_of(arena)->ledger, &all))
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the callers");
  *found = all.count < count ? all.count : count;
  for (size_t i = 0; i < *found; ++i) {
    const struct aml_internal_caller *const it = &all.callers[i];
    callers[i] = (struct aml_arena_tracked_caller){
        .label = it->mark ? (const char *)it->word : NULL,
        .caller = it->mark ? NULL : (const void *)it->word,
        .count = it->count,
        .size = it->size,
    };
  }
  aml_internal_callers_free(&all);
  return 0;
}

int aml_arena_tracked_print(void *file, const struct aml_arena_tracked_block *block) {
  if (block->label != NULL)
    (void)fprintf(file, "aml: live block at %p of %zu bytes by %s\n", block->pointer, block->size,
                  block->label);
  else
    (void)fprintf(file, "aml: live block at %p of %zu bytes by %p\n", block->pointer, block->size,
                  block->caller);
  return 0;
}
