// SPDX-License-Identifier: BSD-3-Clause
//
// Tools are told what of a block nobody may touch (arena/internal/poison.h). To look at a pattern,
// its bytes are opened to the tools for that time.

#include "arena/internal/debug_record.h"

#include <execinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"

enum {
  ZONE_BYTE = 0xFB,
  NEW_BYTE = 0xCD,
  FREE_BYTE = 0xDF,
  INNER_FRAMES = 8, // the most that a trace can begin with before the caller's
  MOST_FRAMES = 64 + INNER_FRAMES,
};

struct aml_internal_debug_record *aml_internal_debug_record_create(size_t frames) {
  struct aml_internal_debug_record *const record =
      malloc(sizeof *record + 2 * frames * sizeof(void *));
  if (record == NULL)
    return NULL;
  *record = (struct aml_internal_debug_record){0};
  record->alloc_trace.frames = (void **)(record + 1);
  record->free_trace.frames = record->alloc_trace.frames + frames;
  return record;
}

void aml_internal_debug_trace_take(struct aml_internal_debug_trace *trace, size_t frames,
                                   void *caller) {
  void *all[MOST_FRAMES];
  const size_t count = frames == 1 ? 0 : (size_t)backtrace(all, (int)frames + INNER_FRAMES);
  size_t first = 0;
  while (first < count && all[first] != caller)
    ++first;
  trace->count = count - first < frames ? count - first : frames;
  memcpy(trace->frames, all + first, trace->count * sizeof all[0]);
  if (trace->count == 0) {
    // No more is wanted, or there is nothing to unwind the stack by.
    trace->frames[0] = caller;
    trace->count = 1;
  }
}

static char *back(const struct aml_internal_debug_record *record) {
  return record->block + record->size;
}

static size_t back_size(const struct aml_internal_debug_record *record) {
  return record->whole - record->front - record->size;
}

void aml_internal_debug_record_open(const struct aml_internal_debug_record *record,
                                    bool is_zeroed) {
  if (!record->has_zones)
    return;
  memset(record->base, ZONE_BYTE, record->front);
  memset(back(record), ZONE_BYTE, back_size(record));
  if (!is_zeroed) {
    memset(record->block, NEW_BYTE, record->size);
    aml_internal_poison_contents(record->block, record->size);
  }
  aml_internal_poison(record->base, record->front);
  aml_internal_poison(back(record), back_size(record));
}

void aml_internal_debug_record_close(const struct aml_internal_debug_record *record) {
  if (!record->has_zones)
    return;
  memset(record->block, FREE_BYTE, record->size);
  aml_internal_poison(record->block, record->size);
}

void aml_internal_debug_record_release(const struct aml_internal_debug_record *record) {
  if (record->has_zones)
    aml_internal_poison_none(record->base, record->whole);
}

/** Whether all bytes are as they should be; else tells the first that is not. */
static bool is_intact(const char *bytes, size_t size, int byte, const char **other) {
  size_t i = 0;
  aml_internal_poison_none(bytes, size);
  while (i < size && bytes[i] == (char)byte)
    ++i;
  aml_internal_poison(bytes, size);
  *other = bytes + i;
  return i == size;
}

const char *aml_internal_debug_record_check(const struct aml_internal_debug_record *record) {
  const char *other = NULL;
  if (!record->has_zones ||
      (is_intact(back(record), back_size(record), ZONE_BYTE, &other) &&
       is_intact(record->base, record->front, ZONE_BYTE, &other) &&
       (!record->is_free || is_intact(record->block, record->size, FREE_BYTE, &other))))
    return NULL;
  return other;
}
