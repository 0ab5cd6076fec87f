// SPDX-License-Identifier: BSD-3-Clause
//
// A pointer for each thread, for arenas that keep something per thread: found without a lock and
// without a search, and handed to its arena when the thread ends. Threads may end, and the process
// may fork, while the arena is used or ended by others.
//
// Each local that is open has a key, which no other one ever has again. Its low bits say where in
// a thread's table the pointer is, so that a table is no longer than there are locals open at once;
// the rest tells an entry from one that a former local left there.

#ifndef AML_ARENA_INTERNAL_LOCAL_H
#define AML_ARENA_INTERNAL_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_local;

/** What an owner is told. */
struct aml_internal_local_ops {
  /** The calling thread ends, and this was its pointer. Never after close has returned. */
  void (*leave)(struct aml_internal_local *local, void *pointer);
  /** Take the owner's lock, so that what it guards is whole in the child. */
  void (*before_fork)(struct aml_internal_local *local);
  /** Release it. In the child there is no thread but the calling one. */
  void (*after_fork)(struct aml_internal_local *local, bool is_child);
};

/** Part of its owner. While it is open it may not be moved. */
struct aml_internal_local {
  const struct aml_internal_local_ops *ops;
  struct aml_internal_local *next;
  uint64_t key; /**< 0: not open */
};

enum { AML_INTERNAL_LOCAL_SLOTS = 1 << 12 };

struct aml_internal_local_entry {
  uint64_t key;
  void *pointer;
};

/** The calling thread's pointers. */
struct aml_internal_local_table {
  size_t count;
  struct aml_internal_local_entry *entries;
};

/** Small, and so placed with the thread's fixed storage, even from a library that is loaded late.
 */
extern __thread struct aml_internal_local_table aml_internal_local_mine
    __attribute__((tls_model("initial-exec")));

/** Returns the calling thread's pointer; null if it has set none. */
static inline void *aml_internal_local_get(uint64_t key) {
  const struct aml_internal_local_table *const mine = &aml_internal_local_mine;
  const size_t slot = key % AML_INTERNAL_LOCAL_SLOTS;
  if (slot >= mine->count || mine->entries[slot].key != key)
    return NULL;
  return mine->entries[slot].pointer;
}

/**
 * Sets the calling thread's pointer.
 *
 * @param may_allocate  whether the C heap may be asked for a longer table.
 *
 * Returns: false if there is no room for it, or if the thread is ending.
 */
bool aml_internal_local_set(uint64_t key, void *pointer, bool may_allocate);

/** Opens a local: fills in its key. Returns: false if there are too many. Cost: O(open ones). */
bool aml_internal_local_open(struct aml_internal_local *local,
                             const struct aml_internal_local_ops *ops);

/** Closes it; what threads have set is forgotten. One that is not open: does nothing. */
void aml_internal_local_close(struct aml_internal_local *local);

#ifdef __cplusplus
}
#endif

#endif
