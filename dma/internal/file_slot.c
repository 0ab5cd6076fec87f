// SPDX-License-Identifier: BSD-3-Clause
//
// A direct read takes the aligned range around what it wants, by way of the buffer. A direct write
// must not, since what lies around may be another writer's: its head and its tail are written
// through the page cache. That reads the page around them and writes it back whole, at any time
// later, over what was written to the disk behind its back. Hence only whole pages (the side's
// `grain`, which may be more than the alignment) are written directly: two writers of one page both
// go through the cache.

#include "aml/dma/internal/file_slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "aml/core/error.h"

static uint64_t align_down(uint64_t value, size_t alignment) {
  return value & ~(uint64_t)(alignment - 1);
}

static uint64_t align_up(uint64_t value, size_t alignment) {
  return align_down(value + alignment - 1, alignment);
}

/** Puts a piece's runs into the vectors; false: there are too many, or they are too small. */
static bool put_vectors(struct aml_internal_file_slot *slot) {
  const struct aml_internal_plan *const copy = &slot->piece.copy;
  const size_t run_size = copy->run_count * copy->dst_element_size;
  size_t runs = 1;
  for (size_t d = 0; d < copy->ndims; ++d)
    if (__builtin_mul_overflow(runs, copy->extent[d], &runs))
      return false;
  if (!slot->piece.is_dense || runs > AML_INTERNAL_FILE_VECTORS ||
      (runs > 1 && run_size < AML_INTERNAL_FILE_MIN_VECTOR))
    return false;
  for (size_t i = 0; i < runs; ++i) {
    const char *run = copy->src;
    size_t rest = i;
    for (size_t d = copy->ndims; d-- > 0;) {
      run += (ptrdiff_t)(rest % copy->extent[d]) * copy->src_stride[d];
      rest /= copy->extent[d];
    }
    slot->iov[i] = (struct iovec){(void *)(uintptr_t)run, run_size};
  }
  slot->first = 0;
  slot->vectors = runs;
  return true;
}

/** Whether the vectors can be transferred directly. */
static bool vectors_are_aligned(const struct aml_internal_file_slot *slot, bool is_write) {
  const struct aml_internal_file_piece *const piece = &slot->piece;
  if (is_write && ((piece->offset | piece->span) & (slot->file.grain - 1)) != 0)
    return false;
  uintptr_t bits = piece->offset;
  for (size_t i = 0; i < slot->vectors; ++i)
    bits |= (uintptr_t)slot->iov[i].iov_base | slot->iov[i].iov_len;
  return (bits & (slot->file.alignment - 1)) == 0;
}

static void add(struct aml_internal_file_slot *slot, int descriptor, bool is_write, uint64_t offset,
                char *data, size_t size, size_t needed, size_t alignment) {
  if (size != 0)
    slot->transfers[slot->count++] = (struct aml_internal_file_transfer){
        descriptor, is_write, offset, data, size, needed, alignment};
}

/** Reads `size` bytes into the buffer. Returns: where in it they then begin. */
static char *add_read(struct aml_internal_file_slot *slot,
                      const struct aml_internal_file_side *file, uint64_t offset, size_t size) {
  if (file->direct < 0) {
    add(slot, file->buffered, false, offset, slot->buffer, size, size, 1);
    return slot->buffer;
  }
  const uint64_t from = align_down(offset, file->alignment);
  const uint64_t to = align_up(offset + size, file->alignment);
  add(slot, file->direct, false, from, slot->buffer, (size_t)(to - from),
      (size_t)(offset + size - from), file->alignment);
  return slot->buffer + (offset - from);
}

/** Where in the buffer data must be so that what is aligned in the file is so in memory. */
static char *place_of_write(const struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_side *const file = &slot->file;
  return slot->buffer + (slot->piece.offset & (file->alignment - 1));
}

/** Writes the piece from the buffer. */
static void add_write(struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_side *const file = &slot->file;
  const uint64_t begin = slot->piece.offset;
  const uint64_t end = begin + slot->piece.span;
  const uint64_t from = align_up(begin, file->grain);
  const uint64_t to = align_down(end, file->grain);
  char *const data = place_of_write(slot);
  if (file->direct < 0 || from >= to) {
    add(slot, file->buffered, true, begin, data, slot->piece.span, slot->piece.span, 1);
    return;
  }
  const size_t head = (size_t)(from - begin);
  const size_t middle = (size_t)(to - from);
  const size_t tail = (size_t)(end - to);
  add(slot, file->buffered, true, begin, data, head, head, 1);
  add(slot, file->direct, true, from, data + head, middle, middle, file->alignment);
  add(slot, file->buffered, true, to, data + head + middle, tail, tail, 1);
}

/** Sets the vectors for the transfer that is next. Returns: whether there is one. */
static bool next(struct aml_internal_file_slot *slot) {
  slot->moved = 0;
  if (slot->error != 0 || slot->at == slot->count)
    return false;
  const struct aml_internal_file_transfer *const transfer = &slot->transfers[slot->at];
  if (transfer->data != NULL) {
    slot->iov[0] = (struct iovec){transfer->data, transfer->size};
    slot->first = 0;
    slot->vectors = 1;
  }
  return true;
}

bool aml_internal_file_slot_begin(struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_piece *const piece = &slot->piece;
  const struct aml_internal_file_side *const file = &slot->file;
  const bool is_write = slot->way != AML_INTERNAL_FILE_READ;
  slot->count = slot->at = 0;
  slot->error = 0;
  slot->scatter_from = NULL;
  if (piece->span == 0)
    return false;
  if (slot->way == AML_INTERNAL_FILE_RELAY) {
    slot->scatter_from = add_read(slot, &slot->source, slot->source_offset, piece->span);
    return next(slot);
  }
  const bool is_vectored = put_vectors(slot);
  if (is_vectored && file->direct < 0) {
    add(slot, file->buffered, is_write, piece->offset, NULL, piece->span, piece->span, 1);
  } else if (is_vectored && vectors_are_aligned(slot, is_write)) {
    add(slot, file->direct, is_write, piece->offset, NULL, piece->span, piece->span,
        file->alignment);
  } else if (is_write) {
    aml_internal_file_piece_gather(slot->engine, piece, place_of_write(slot));
    add_write(slot);
  } else {
    slot->scatter_from = add_read(slot, file, piece->offset, piece->span);
  }
  return next(slot);
}

/** Keeps that a file had nothing to read at an offset, and where it ends if that is why. */
static void fail_at_end(struct aml_internal_file_slot *slot, int descriptor, const char *path,
                        unsigned long long offset) {
  struct stat status;
  slot->error = -AML_EIO;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
      (unsigned long long)status.st_size <= offset)
    (void)snprintf(slot->reason, sizeof slot->reason,
                   "%s ends at offset %llu, before the tile does", path,
                   (unsigned long long)status.st_size);
  else // a device, or it has grown since
    (void)snprintf(slot->reason, sizeof slot->reason, "%s had nothing to read at offset %llu", path,
                   offset);
}

/** Keeps what went wrong; number 0: the file ends. */
static bool fail(struct aml_internal_file_slot *slot, int number) {
  const struct aml_internal_file_transfer *const transfer = &slot->transfers[slot->at];
  const struct aml_internal_file_side *const file =
      slot->way == AML_INTERNAL_FILE_RELAY && !transfer->is_write ? &slot->source : &slot->file;
  const unsigned long long offset = transfer->offset + slot->moved;
  char path[48];
  aml_internal_file_path(file->descriptor, path, sizeof path);
  if (number == 0) {
    fail_at_end(slot, file->descriptor, path, offset);
    return false;
  }
  char text[64];
  slot->error = aml_error_set_system("aml_dma_wait", path, number);
  (void)snprintf(slot->reason, sizeof slot->reason, "%s %s at offset %llu: %s",
                 transfer->is_write ? "write" : "read", path, offset,
                 strerror_r(number, text, sizeof text));
  return false;
}

static void advance(struct aml_internal_file_slot *slot, size_t size) {
  slot->moved += size;
  while (size > 0) {
    struct iovec *const vector = &slot->iov[slot->first];
    const size_t part = size < vector->iov_len ? size : vector->iov_len;
    vector->iov_base = (char *)vector->iov_base + part;
    vector->iov_len -= part;
    size -= part;
    slot->first += vector->iov_len == 0;
  }
}

/** Goes on behind a transfer that is complete. */
static bool follow(struct aml_internal_file_slot *slot) {
  ++slot->at;
  if (slot->at == slot->count && slot->scatter_from != NULL) {
    const char *const from = slot->scatter_from;
    slot->scatter_from = NULL;
    if (slot->way == AML_INTERNAL_FILE_READ) {
      aml_internal_file_piece_scatter(slot->engine, &slot->piece, from, slot->use);
    } else {
      memmove(place_of_write(slot), from, slot->piece.span);
      add_write(slot);
    }
  }
  return next(slot);
}

bool aml_internal_file_slot_complete(struct aml_internal_file_slot *slot, int64_t result) {
  const struct aml_internal_file_transfer *const transfer = &slot->transfers[slot->at];
  if (result == -EINTR || result == -EAGAIN)
    return true;
  if (result < 0)
    return fail(slot, (int)-result);
  if (result == 0)
    return fail(slot, transfer->is_write ? EIO : 0);
  advance(slot, (size_t)result);
  if (slot->moved >= transfer->needed)
    return follow(slot);
  // Only where a file ends is a direct read cut short elsewhere than at a block.
  if (!transfer->is_write && (slot->moved & (transfer->alignment - 1)) != 0)
    return fail(slot, 0);
  return true;
}
