// SPDX-License-Identifier: BSD-3-Clause
//
// What the kernel tells of this process's mappings, read from /proc/self/smaps one by one.
//
// Threads: thread-safe; a reader is one thread's.

#ifndef AML_CORE_INTERNAL_SMAPS_H
#define AML_CORE_INTERNAL_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is told in VmFlags; bits of aml_internal_smaps_entry::flags. */
enum aml_internal_smaps_flag {
  AML_INTERNAL_SMAPS_LOCKED = 1 << 0,    /**< lo */
  AML_INTERNAL_SMAPS_NO_DUMP = 1 << 1,   /**< dd */
  AML_INTERNAL_SMAPS_POOL = 1 << 2,      /**< ht */
  AML_INTERNAL_SMAPS_HUGE = 1 << 3,      /**< hg */
  AML_INTERNAL_SMAPS_NO_HUGE = 1 << 4,   /**< nh */
  AML_INTERNAL_SMAPS_MERGEABLE = 1 << 5, /**< mg */
};

/** A mapping as the kernel sees it: neighbours that are alike are one. */
struct aml_internal_smaps_entry {
  uintptr_t start;
  uintptr_t end;
  size_t page_size;        /**< bytes of a page, those of transparent huge pages apart */
  size_t resident_size;    /**< bytes present */
  size_t transparent_size; /**< bytes of them in transparent huge pages */
  unsigned flags;
};

struct aml_internal_smaps {
  int descriptor;
  size_t position;
  size_t length;
  char text[4096];
};

/** Start to read; false, with nothing to close, where the kernel does not let us. */
bool aml_internal_smaps_open(struct aml_internal_smaps *it);

/** Read the next mapping, in ascending order; false at the end. */
bool aml_internal_smaps_next(struct aml_internal_smaps *it, struct aml_internal_smaps_entry *entry);

void aml_internal_smaps_close(struct aml_internal_smaps *it);

/**
 * Read the mapping around an address; false if it is not known.
 *
 * Cost: the kernel visits the present pages of all mappings up to there.
 */
bool aml_internal_smaps_find(const void *pointer, struct aml_internal_smaps_entry *entry);

#ifdef __cplusplus
}
#endif

#endif
