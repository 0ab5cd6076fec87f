// SPDX-License-Identifier: BSD-3-Clause
//
// An account of blocks by address, for arenas over others: where each block starts, its size, and a
// word that the owner of the account keeps with it. Nothing of it lies in the memory of the blocks,
// which is never touched.
//
// A hand is what one thread has of the account: counters that it alone adds to, and memory that it
// holds ready, so that a put never fails (see aml_internal_ledger_prepare()).
//
// Threads: thread-safe if made shared, else thread-compatible. Two threads that put, or take, one
// block at once are told apart: one of them takes it.
// Cost: put and take are a probe of a hash table, by 64 KiB of addresses, and two loads in tables
// that are indexed by the address; no lock, but for the first block in such a range, and at most
// one locked instruction. They touch no memory that calls on addresses far away write to.

#ifndef AML_ARENA_INTERNAL_LEDGER_H
#define AML_ARENA_INTERNAL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_ledger;
struct aml_internal_hand;

/** What is kept of a block. */
struct aml_internal_entry {
  uintptr_t start;
  size_t size;    /**< bytes, not 0 */
  uintptr_t word; /**< the owner's */
  bool mark;      /**< likewise */
};

enum {
  AML_INTERNAL_LEDGER_CLASSES = 48, /**< a block's class is the power of two at or below its size */
  AML_INTERNAL_LEDGER_EVENTS = 4    /**< kinds of events that the owner counts */
};

/** The largest size that there is room for. */
#define AML_INTERNAL_LEDGER_MAX_SIZE (((size_t)1 << 47) - 1)

/** What happened so far; live_count == puts - takes - lost. */
struct aml_internal_ledger_sums {
  uint64_t live_count;
  uint64_t live_size;
  uint64_t peak_size;
  uint64_t puts;
  uint64_t takes;
  uint64_t lost;    /**< blocks found to have ended, as another one begins where they did */
  uint64_t cleared; /**< those of takes that were by clear */
  uint64_t events[AML_INTERNAL_LEDGER_EVENTS];
  uint64_t histogram[AML_INTERNAL_LEDGER_CLASSES]; /**< puts by class */
  size_t memory;                                   /**< bytes, without what hands hold ready */
};

/**
 * Makes an account.
 *
 * @param is_shared  threads use it at once.
 * @param quantum    peak_size may be less than the truth by so many bytes for each thread; 0: none.
 *                   Not looked at unless shared. Each time that a thread has added or taken so
 * much, it writes to memory that all share.
 *
 * Returns: null if there is no memory.
 */
struct aml_internal_ledger *aml_internal_ledger_create(bool is_shared, size_t quantum);

/** Frees it; null is fine. */
void aml_internal_ledger_destroy(struct aml_internal_ledger *ledger);

/**
 * Sees to it that the calling thread's next put of a block of this size cannot fail.
 *
 * Returns: the thread's hand; null if there is no memory.
 */
struct aml_internal_hand *aml_internal_ledger_prepare(struct aml_internal_ledger *ledger,
                                                      size_t size);

/**
 * Sets the label of the calling thread; of all threads unless shared. Those that come later, and
 * use its hand, begin without one.
 *
 * Returns: false: there is no memory.
 */
bool aml_internal_ledger_set_label(struct aml_internal_ledger *ledger, const char *label,
                                   const char **previous);

/** The label of the calling thread, whose hand it is; null: none. */
const char *aml_internal_hand_label(const struct aml_internal_hand *hand);

/**
 * Puts a block in.
 *
 * @param hand  prepared for a block of that size.
 * @param size  bytes; not 0, nor more than the largest.
 */
void aml_internal_ledger_put(struct aml_internal_ledger *ledger, struct aml_internal_hand *hand,
                             const void *pointer, size_t size, uintptr_t word, bool mark);

/** Puts a block back that was taken, as if it had not been; for a call that failed. */
void aml_internal_ledger_put_back(struct aml_internal_ledger *ledger,
                                  struct aml_internal_hand *hand,
                                  const struct aml_internal_entry *entry);

/** Takes the block out that starts at an address, and tells of it if `entry` is not null. Returns:
    false: there is none. Never allocates. */
bool aml_internal_ledger_take(struct aml_internal_ledger *ledger, const void *pointer,
                              struct aml_internal_entry *entry);

/** Marks the block that starts at an address, and tells of it. Returns: false: there is none, or it
    was marked before. Of threads that mark one block at once one does. */
bool aml_internal_ledger_mark(struct aml_internal_ledger *ledger, const void *pointer,
                              struct aml_internal_entry *entry);

/** Tells of the block that starts at an address. */
bool aml_internal_ledger_get(const struct aml_internal_ledger *ledger, const void *pointer,
                             struct aml_internal_entry *entry);

/**
 * Tells of the block that an address is in.
 *
 * Cost: some nanoseconds for each 64 KiB from there down to the nearest start of a block.
 */
bool aml_internal_ledger_find(const struct aml_internal_ledger *ledger, uintptr_t address,
                              struct aml_internal_entry *entry);

/** Tells of the first block that does not start below an address. Takes a lock. */
bool aml_internal_ledger_next(struct aml_internal_ledger *ledger, uintptr_t address,
                              struct aml_internal_entry *entry);

/** Takes all blocks out. Cost: linear in the address space that blocks ever started in. */
void aml_internal_ledger_clear(struct aml_internal_ledger *ledger);

/** Counts an event, from 0 on. Never allocates. */
void aml_internal_ledger_count(struct aml_internal_ledger *ledger, unsigned event);

/** Adds up what all threads did. Exact while no other thread is in a call. */
void aml_internal_ledger_sum(const struct aml_internal_ledger *ledger,
                             struct aml_internal_ledger_sums *sums);

/** Proves that what is kept is what was counted. Returns: null; or what is wrong. */
const char *aml_internal_ledger_check(struct aml_internal_ledger *ledger);

#ifdef __cplusplus
}
#endif

#endif
