// SPDX-License-Identifier: BSD-3-Clause
//
// The size classes of arena:slab. Blocks of class k have (k + 1) * 16 bytes up to 128; from there
// each power of two is cut into eight. A class's blocks lie in spans: runs of units, that is of 4
// KiB, with room for so many blocks that little is left over.

#ifndef AML_ARENA_INTERNAL_SLAB_CLASSES_H
#define AML_ARENA_INTERNAL_SLAB_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_SLAB_UNIT_SHIFT = 12,
  AML_INTERNAL_SLAB_UNIT = 1 << AML_INTERNAL_SLAB_UNIT_SHIFT,
  AML_INTERNAL_SLAB_CLASS_COUNT = 112,
  AML_INTERNAL_SLAB_MAX_SIZE = 1 << 20,  /**< the largest class's */
  AML_INTERNAL_SLAB_MAX_CAPACITY = 512,  /**< the most blocks in a span */
  AML_INTERNAL_SLAB_MAX_MANY_UNITS = 64, /**< the most units of a span of more than one block */
  AML_INTERNAL_SLAB_MAX_SLOTS = 128,     /**< the most slots that a class has */
  AML_INTERNAL_SLAB_SLOT_COUNT = 3808    /**< of all classes */
};

/** A class. capacity * size <= units * AML_INTERNAL_SLAB_UNIT. */
struct aml_internal_slab_class {
  uint32_t size;       /**< of a block; bytes */
  uint32_t inverse;    /**< 2^32 / size, rounded up; 0 where a span is one block */
  uint16_t first_slot; /**< slots of the classes before it */
  uint16_t units;      /**< of a span */
  uint16_t capacity;   /**< blocks in a span */
  uint16_t slots;      /**< the most blocks that a thread keeps for itself */
};

extern const struct aml_internal_slab_class
    aml_internal_slab_classes[AML_INTERNAL_SLAB_CLASS_COUNT];

/** The smallest class whose blocks hold `size` bytes, at most AML_INTERNAL_SLAB_MAX_SIZE; 0 is 1.
 */
static inline unsigned aml_internal_slab_class_of(size_t size) {
  const size_t last = size - (size != 0);
  const unsigned power = 63u - (unsigned)__builtin_clzll((unsigned long long)last | 128);
  return ((power - 7) << 3) + (unsigned)(last >> (power - 3));
}

/** Which block of a span an offset lies in; may be one that does not fit whole. Sizes are multiples
 * of 16, and of no others is the inverse exact enough. */
static inline size_t aml_internal_slab_index(const struct aml_internal_slab_class *its,
                                             size_t offset) {
  return (size_t)(((uint64_t)(offset & ~(size_t)15) * its->inverse) >> 32);
}

#ifdef __cplusplus
}
#endif

#endif
