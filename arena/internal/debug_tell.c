// SPDX-License-Identifier: BSD-3-Clause

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/debug.h"
#include "aml/arena/internal/ledger.h"
#include "aml/core/error.h"
#include "arena/internal/debug_record.h"
#include "arena/internal/debug_state.h"

/** Tells what is wrong; the sentence goes on for one about a block, which may be null. */
static void tell(struct aml_arena_debug_state *state, const char *call,
                 enum aml_arena_debug_kind kind, const void *address,
                 const struct aml_internal_debug_record *record) {
  static const char *const texts[] = {
      "was written to behind its end", "was written to before its start",
      "was written to after it was freed", "is free already", "does not start there"};
  char sentence[AML_INTERNAL_DEBUG_SENTENCE_SIZE];
  if (record == NULL)
    (void)snprintf(sentence, sizeof sentence, "%s: pointer %p is of no block that there is", call,
                   address);
  else
    (void)snprintf(sentence, sizeof sentence, "%s: block %p of %zu bytes%s%.60s %s: %p, byte %td",
                   call, (void *)record->block, record->size, record->label == NULL ? "" : " by ",
                   record->label == NULL ? "" : record->label, texts[kind], address,
                   (const char *)address - record->block);
  if (state->first[0] == '\0')
    memcpy(state->first, sentence, sizeof sentence);
  ++state->stats.errors[kind];
  (void)aml_error_set(-AML_EINVAL, call, NULL, sentence + strlen(call) + 2);
  if (state->options.report == NULL)
    return;
  struct aml_arena_debug_error error = {.kind = kind, .sentence = sentence, .address = address};
  if (record != NULL) {
    error.block = record->block;
    error.size = record->size;
    error.label = record->label;
    error.alloc_trace = record->alloc_trace.frames;
    error.alloc_frames = record->alloc_trace.count;
    error.free_trace = record->free_trace.frames;
    error.free_frames = record->free_trace.count;
  }
  state->options.report(state->options.context, &error);
}

void aml_internal_debug_inspect(struct aml_arena_debug_state *state, const char *call,
                                struct aml_internal_debug_record *record) {
  const char *const other = aml_internal_debug_record_check(record);
  if (other == NULL || record->is_told)
    return;
  record->is_told = true;
  tell(state, call,
       other < record->block                   ? AML_ARENA_DEBUG_UNDERFLOW
       : other >= record->block + record->size ? AML_ARENA_DEBUG_OVERFLOW
                                               : AML_ARENA_DEBUG_USE_AFTER_FREE,
       other, record);
}

void aml_internal_debug_tell_pointer(struct aml_arena_debug_state *state, const char *call,
                                     const void *pointer) {
  struct aml_internal_entry entry;
  if (aml_internal_ledger_get(state->ledger, pointer, &entry) && entry.mark)
    tell(state, call, AML_ARENA_DEBUG_DOUBLE_FREE, pointer, aml_internal_debug_record_of(&entry));
  else if (aml_internal_ledger_find(state->ledger, (uintptr_t)pointer, &entry))
    tell(state, call, AML_ARENA_DEBUG_INVALID_FREE, pointer, aml_internal_debug_record_of(&entry));
  else
    tell(state, call, AML_ARENA_DEBUG_INVALID_FREE, pointer, NULL);
}

static void print_trace(FILE *file, const char *title, void *const *frames, size_t count) {
  char **const names = count == 0 ? NULL : backtrace_symbols(frames, (int)count);
  if (count != 0)
    (void)fprintf(file, "  %s\n", title);
  for (size_t i = 0; i < count; ++i)
    if (names == NULL)
      (void)fprintf(file, "    %p\n", frames[i]);
    else
      (void)fprintf(file, "    %s\n", names[i]);
  free(names);
}

void aml_arena_debug_print(void *file, const struct aml_arena_debug_error *error) {
  (void)fprintf(file, "aml: %s\n", error->sentence);
  print_trace(file, "allocated at", error->alloc_trace, error->alloc_frames);
  print_trace(file, "given back at", error->free_trace, error->free_frames);
}
