// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/extents.h"

#include <stdlib.h>

#include "aml/core/checked.h"

typedef struct aml_internal_extents extents_type;
typedef struct aml_internal_mapping piece_type;
typedef enum aml_internal_extents_result result_type;

static piece_type *of_range(struct aml_internal_range *range) {
  return (piece_type *)range;
}

static piece_type *new_piece(void) {
  return calloc(1, sizeof(piece_type));
}

/** The free piece behind one, or null. */
static piece_type *behind(const extents_type *extents, const piece_type *piece) {
  const uintptr_t end = piece->range.start + piece->range.size;
  return end == 0 ? NULL : of_range(aml_internal_ranges_find(&extents->free, end));
}

static void insert_free(extents_type *extents, piece_type *piece) {
  (void)aml_internal_ranges_insert(&extents->free, &piece->range);
  extents->free_size += piece->range.size;
}

static void remove_free(extents_type *extents, piece_type *piece) {
  aml_internal_ranges_remove(&extents->free, &piece->range);
  extents->free_size -= piece->range.size;
}

/** Makes a piece that is in neither set free, as one with its free neighbours. */
static void merge_free(extents_type *extents, piece_type *piece) {
  piece_type *const after = behind(extents, piece);
  if (after != NULL) {
    remove_free(extents, after);
    piece->range.size += after->range.size;
    free(after);
  }
  const uintptr_t start = piece->range.start;
  piece_type *const before =
      start == 0 ? NULL : of_range(aml_internal_ranges_find(&extents->free, start - 1));
  if (before != NULL) {
    remove_free(extents, before);
    before->range.size += piece->range.size;
    free(piece);
    piece = before;
  }
  insert_free(extents, piece);
}

result_type aml_internal_extents_add(extents_type *extents, uintptr_t start, size_t size) {
  piece_type *const piece = new_piece();
  if (piece == NULL)
    return AML_INTERNAL_EXTENTS_NO_MEMORY;
  piece->range.start = start;
  piece->range.size = size;
  merge_free(extents, piece);
  return AML_INTERNAL_EXTENTS_OK;
}

/** Cuts a piece out of a free one that it lies in. */
static result_type cut(extents_type *extents, piece_type *from, uintptr_t start, size_t size,
                       piece_type **piece) {
  const size_t before = start - from->range.start;
  const size_t after = from->range.size - before - size;
  piece_type *const head = before != 0 ? new_piece() : NULL;
  piece_type *const tail = after != 0 ? new_piece() : NULL;
  if ((before != 0 && head == NULL) || (after != 0 && tail == NULL)) {
    free(head);
    free(tail);
    return AML_INTERNAL_EXTENTS_NO_MEMORY;
  }
  remove_free(extents, from);
  if (head != NULL) {
    head->range = (struct aml_internal_range){.start = from->range.start, .size = before};
    insert_free(extents, head);
  }
  if (tail != NULL) {
    tail->range = (struct aml_internal_range){.start = start + size, .size = after};
    insert_free(extents, tail);
  }
  from->size = size;
  from->range = (struct aml_internal_range){.start = start, .size = size};
  (void)aml_internal_ranges_insert(&extents->live, &from->range);
  *piece = from;
  return AML_INTERNAL_EXTENTS_OK;
}

result_type aml_internal_extents_take(extents_type *extents, size_t size, size_t alignment,
                                      piece_type **piece) {
  uintptr_t at = 0;
  for (struct aml_internal_range *free = NULL;
       (free = aml_internal_ranges_from(&extents->free, at)) != NULL; at = free->start + 1) {
    size_t start = 0;
    if (free->size < size || !aml_checked_round_up(free->start, alignment, &start))
      continue;
    if (start - free->start <= free->size - size)
      return cut(extents, of_range(free), start, size, piece);
  }
  return AML_INTERNAL_EXTENTS_NO_ROOM;
}

result_type aml_internal_extents_take_at(extents_type *extents, uintptr_t start, size_t size,
                                         piece_type **piece) {
  piece_type *const from = of_range(aml_internal_ranges_find(&extents->free, start));
  if (from == NULL || from->range.size - (start - from->range.start) < size)
    return AML_INTERNAL_EXTENTS_NO_ROOM;
  return cut(extents, from, start, size, piece);
}

void aml_internal_extents_give(extents_type *extents, piece_type *piece) {
  if (of_range(aml_internal_ranges_find(&extents->live, piece->range.start)) == piece)
    aml_internal_ranges_remove(&extents->live, &piece->range);
  merge_free(extents, piece);
}

static result_type shrink(extents_type *extents, piece_type *piece, size_t size) {
  piece_type *const rest = new_piece();
  if (rest == NULL)
    return AML_INTERNAL_EXTENTS_NO_MEMORY;
  rest->range = (struct aml_internal_range){.start = piece->range.start + size,
                                            .size = piece->range.size - size};
  piece->range.size = size;
  merge_free(extents, rest);
  return AML_INTERNAL_EXTENTS_OK;
}

static result_type grow(extents_type *extents, piece_type *piece, size_t size) {
  const size_t extra = size - piece->range.size;
  piece_type *const after = behind(extents, piece);
  if (after == NULL || after->range.size < extra)
    return AML_INTERNAL_EXTENTS_NO_ROOM;
  remove_free(extents, after);
  after->range.start += extra;
  after->range.size -= extra;
  if (after->range.size != 0)
    insert_free(extents, after);
  else
    free(after);
  piece->range.size = size;
  return AML_INTERNAL_EXTENTS_OK;
}

result_type aml_internal_extents_resize(extents_type *extents, piece_type *piece, size_t size) {
  // The set orders by starts, so that a size may change in it where nothing else is.
  if (size == piece->range.size)
    return AML_INTERNAL_EXTENTS_OK;
  return size < piece->range.size ? shrink(extents, piece, size) : grow(extents, piece, size);
}

size_t aml_internal_extents_largest(const extents_type *extents) {
  size_t largest = 0;
  uintptr_t at = 0;
  for (const struct aml_internal_range *free = NULL;
       (free = aml_internal_ranges_from(&extents->free, at)) != NULL; at = free->start + 1)
    if (free->size > largest)
      largest = free->size;
  return largest;
}

static void clear(struct aml_internal_ranges *ranges) {
  for (struct aml_internal_range *at; (at = aml_internal_ranges_from(ranges, 0)) != NULL;) {
    aml_internal_ranges_remove(ranges, at);
    free(of_range(at));
  }
}

void aml_internal_extents_clear(extents_type *extents) {
  clear(&extents->live);
  clear(&extents->free);
  extents->free_size = 0;
}
