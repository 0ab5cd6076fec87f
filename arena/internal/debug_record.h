// SPDX-License-Identifier: BSD-3-Clause
//
// What arena:debug keeps of a block, and the patterns around and in it.
//
//     base      block          block + size   base + whole
//     | redzone | as asked for | redzone      |
//
// Memory that the host cannot write to is never touched: base == block, and whole == size.

#ifndef AML_ARENA_INTERNAL_DEBUG_RECORD_H
#define AML_ARENA_INTERNAL_DEBUG_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/** A back trace; room for as many frames as the arena's options say. */
struct aml_internal_debug_trace {
  void **frames;
  size_t count;
};

struct aml_internal_debug_record {
  char *base;
  char *block;
  size_t front; // bytes of the redzone before the block
  size_t size;
  size_t whole;
  const char *label;
  bool has_zones;
  bool is_free;
  bool is_told;                           // an error in its patterns is
  struct aml_internal_debug_record *next; // in quarantine
  struct aml_internal_debug_trace alloc_trace;
  struct aml_internal_debug_trace free_trace;
};

/** Makes a record with room for two traces of `frames`. Null: no memory. */
struct aml_internal_debug_record *aml_internal_debug_record_create(size_t frames);

/**
 * Keeps the back trace of a call.
 *
 * @param caller  where the call into AML returns to: the first frame.
 */
void aml_internal_debug_trace_take(struct aml_internal_debug_trace *trace, size_t frames,
                                   void *caller);

/** Writes the redzones, and the pattern of new blocks unless the block is zeroed. */
void aml_internal_debug_record_open(const struct aml_internal_debug_record *record, bool is_zeroed);

/** Writes the pattern of free blocks. */
void aml_internal_debug_record_close(const struct aml_internal_debug_record *record);

/** Lets the memory be touched by whoever has it next. */
void aml_internal_debug_record_release(const struct aml_internal_debug_record *record);

/** The first byte before, behind or in a block that has not its pattern; null: all have. */
const char *aml_internal_debug_record_check(const struct aml_internal_debug_record *record);

#endif
