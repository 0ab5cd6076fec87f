// SPDX-License-Identifier: BSD-3-Clause
//
// Where huge pages need advice, a mapping takes three system calls, and the advice costs as much as
// a quarter of the others. So mappings of a huge page or two are pieces of a reservation that was
// advised as a whole: one call opens a piece, and munmap(2) ends it as any mapping.
//
// A reservation is aligned to its size, hence one address, that of the next piece, says all of it:
// the rest goes from there to the next multiple of the size. Who changes that address by a
// compare-and-swap owns what lies between the old value and the new one. No piece is given twice;
// what was unmapped is the system's to reuse. Used up, a reservation is its start with EMPTY set:
// the next one is tried there first, as what was mapped there may well have ended.
//
// mmap(2), madvise(2), mprotect(2).

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "area/internal/linux_mapping.h"

// A reservation's huge pages, and the most of them that a mapping may take.
enum { HUGE_PAGES = 32, LARGEST = 2 };

enum { EMPTY = 1 };

static size_t reservation_size(const struct aml_area_linux *self) {
  return HUGE_PAGES * self->huge_page_size;
}

/** Whether mappings of that size are pieces of a reservation. */
static bool is_piece(const struct aml_area_linux *self, size_t size) {
  return !aml_internal_linux_has_pool(self) && self->advised_size != SIZE_MAX &&
         self->huge_page_size != 0 && size <= LARGEST * self->huge_page_size &&
         (size & (self->huge_page_size - 1)) == 0 &&
         reservation_size(self) <= AML_INTERNAL_LINUX_MAX_ALIGNMENT;
}

static uintptr_t start_of(const struct aml_area_linux *self, uintptr_t next) {
  return next & ~(reservation_size(self) - 1);
}

/** What is left from `next` on. */
static size_t rest_of(const struct aml_area_linux *self, uintptr_t next) {
  return next == 0 || (next & EMPTY) != 0 ? 0
                                          : start_of(self, next) + reservation_size(self) - next;
}

/** What follows when [next, next + size) is taken. */
static uintptr_t after(const struct aml_area_linux *self, uintptr_t next, size_t size) {
  return rest_of(self, next) == size ? start_of(self, next) | EMPTY : next + size;
}

static void give_back(const struct aml_area_linux *self, uintptr_t next) {
  const size_t rest = rest_of(self, next);
  if (rest != 0)
    (void)munmap((void *)next, rest); // NOLINT(performance-no-int-to-ptr)
}

/** A new reservation, where the last one was if that is free; 0: none can be had. */
static uintptr_t reserve(const struct aml_area_linux *self, uintptr_t last) {
  const size_t size = reservation_size(self);
  void *const hint = (void *)start_of(self, last); // NOLINT(performance-no-int-to-ptr)
  char *base;
  if (!aml_internal_linux_reserve(self, hint, size, &base))
    return 0;
  // Without advice it would be of no use.
  if (madvise(base, size, MADV_HUGEPAGE) == 0)
    return (uintptr_t)base;
  (void)munmap(base, size);
  return 0;
}

/** Takes addresses, from a new reservation if need be; 0: there are none. */
static uintptr_t take(struct aml_area_linux *self, size_t size) {
  uintptr_t next = __atomic_load_n(&self->reserved, __ATOMIC_RELAXED);
  for (;;) {
    const bool is_new = rest_of(self, next) < size;
    const uintptr_t piece = is_new ? reserve(self, next) : next;
    if (piece == 0)
      return 0;
    if (__atomic_compare_exchange_n(&self->reserved, &next, after(self, piece, size), false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      if (is_new)
        give_back(self, next);
      return piece;
    }
    if (is_new)
      give_back(self, piece);
  }
}

bool aml_internal_linux_map_piece(struct aml_area_linux *self, size_t size, char **base) {
  if (!is_piece(self, size))
    return false;
  void *const piece = (void *)take(self, size); // NOLINT(performance-no-int-to-ptr)
  if (piece == NULL)
    return false;
  *base = piece;
  if (mprotect(piece, size, PROT_READ | PROT_WRITE) == 0)
    return true;
  (void)munmap(piece, size);
  return false;
}

void aml_internal_linux_end_reservation(struct aml_area_linux *self) {
  give_back(self, self->reserved);
  self->reserved = 0;
}
