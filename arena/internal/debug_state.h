// SPDX-License-Identifier: BSD-3-Clause
//
// What arena:debug keeps, and how it tells what is wrong.

#ifndef AML_ARENA_INTERNAL_DEBUG_STATE_H
#define AML_ARENA_INTERNAL_DEBUG_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "aml/arena/debug.h"
#include "aml/arena/internal/ledger.h"
#include "arena/internal/debug_record.h"

enum { AML_INTERNAL_DEBUG_SENTENCE_SIZE = 200 };

struct aml_arena_debug_state {
  struct aml_internal_ledger *ledger;
  struct aml_arena_debug_options options;
  unsigned capabilities; // of inner
  _Atomic(int) memory;
  _Atomic(uint64_t) live_count;
  _Atomic(uint64_t) live_size;
  _Atomic(uint64_t) peak_size;
  pthread_mutex_t lock;                     // guards what follows
  struct aml_internal_debug_record *oldest; // in quarantine
  struct aml_internal_debug_record *newest;
  struct aml_arena_debug_stats stats;
  char first[AML_INTERNAL_DEBUG_SENTENCE_SIZE]; // of all errors
};

static inline struct aml_internal_debug_record *
aml_internal_debug_record_of(const struct aml_internal_entry *entry) {
  return (struct aml_internal_debug_record *)entry->word;
}

/** Looks at a block's patterns, and tells what is wrong, once. Under the lock. */
void aml_internal_debug_inspect(struct aml_arena_debug_state *state, const char *call,
                                struct aml_internal_debug_record *record);

/** Tells what is wrong with a pointer that is not that of a live block. Under the lock. */
void aml_internal_debug_tell_pointer(struct aml_arena_debug_state *state, const char *call,
                                     const void *pointer);

#endif
