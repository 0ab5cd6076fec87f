// SPDX-License-Identifier: BSD-3-Clause
//
// A fixed-size set of CPU numbers, as a plain value of 1 KiB: copy it, compare it, put it in a
// struct. Its text form is that of taskset -c and of sysfs: "0-3,8".
//
// Threads: thread-compatible. No function allocates.

#ifndef AML_CORE_CPUSET_H
#define AML_CORE_CPUSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The largest number of CPUs that Linux can be configured for on x86 (NR_CPUS, MAXSMP). */
#define AML_CPUSET_CAPACITY 8192

/** The capacity of a buffer that holds the text form of any set, its null included. */
#define AML_CPUSET_TEXT_CAPACITY 20480

/** Number n is in the set if bit n % 64 of words[n / 64] is 1; a zeroed struct is the empty set. */
struct aml_cpuset {
  uint64_t words[AML_CPUSET_CAPACITY / 64];
};

/** Add `number`. Returns: false, and nothing is changed, if it is negative or too large. */
static inline bool aml_cpuset_add(struct aml_cpuset *set, int number) {
  if (number < 0 || number >= AML_CPUSET_CAPACITY)
    return false;
  set->words[number / 64] |= UINT64_C(1) << (number % 64);
  return true;
}

/** Remove `number`, whether it was in the set or not. */
static inline void aml_cpuset_remove(struct aml_cpuset *set, int number) {
  if (number >= 0 && number < AML_CPUSET_CAPACITY)
    set->words[number / 64] &= ~(UINT64_C(1) << (number % 64));
}

/** Whether `number` is in the set; false for a number that no set can hold. */
static inline bool aml_cpuset_has(const struct aml_cpuset *set, int number) {
  return number >= 0 && number < AML_CPUSET_CAPACITY &&
         (set->words[number / 64] >> (number % 64) & 1) != 0;
}

/** The set of `number` alone; the empty set where no set can hold it. */
static inline struct aml_cpuset aml_cpuset_of(int number) {
  struct aml_cpuset set = {{0}};
  (void)aml_cpuset_add(&set, number);
  return set;
}

/** How many numbers are in the set. */
AML_PUBLIC size_t aml_cpuset_count(const struct aml_cpuset *set);

/** Whether the set is empty. */
AML_PUBLIC bool aml_cpuset_is_empty(const struct aml_cpuset *set);

/**
 * The smallest number in the set that is larger than `previous`, or -1.
 *
 *     for (int n = aml_cpuset_next(&set, -1); n >= 0; n = aml_cpuset_next(&set, n))
 */
AML_PUBLIC int aml_cpuset_next(const struct aml_cpuset *set, int previous);

/** The number at place `index` in ascending order, counted from 0, or -1. */
AML_PUBLIC int aml_cpuset_at(const struct aml_cpuset *set, size_t index);

/** The largest number in the set, or -1. */
AML_PUBLIC int aml_cpuset_last(const struct aml_cpuset *set);

/** Whether both hold the same numbers. */
AML_PUBLIC bool aml_cpuset_is_equal(const struct aml_cpuset *a, const struct aml_cpuset *b);

/** Whether each number of `part` is in `whole`. */
AML_PUBLIC bool aml_cpuset_is_subset(const struct aml_cpuset *part, const struct aml_cpuset *whole);

/** Keep in `set` what `other` has too. */
AML_PUBLIC void aml_cpuset_intersect(struct aml_cpuset *set, const struct aml_cpuset *other);

/** Add to `set` what `other` has. */
AML_PUBLIC void aml_cpuset_unite(struct aml_cpuset *set, const struct aml_cpuset *other);

/** Remove from `set` what `other` has. */
AML_PUBLIC void aml_cpuset_subtract(struct aml_cpuset *set, const struct aml_cpuset *other);

/**
 * Read a set from its text form.
 *
 * The form is numbers and ascending ranges with commas between them; the empty text is the empty
 * set. Blanks are allowed at the ends only (a file of sysfs ends with a newline).
 *
 * Returns: 0; -AML_EINVAL if the text has another form or an argument is null; -AML_EOVERFLOW if
 * a number is too large for a set. `set` is untouched on failure.
 */
AML_PUBLIC AML_MUST_CHECK int aml_cpuset_parse(const char *text, struct aml_cpuset *set);

/**
 * Write a set in its text form, as short as can be ("0-3,8").
 *
 * @param text      where it goes, null-terminated; may be null if `capacity` is 0.
 * @param capacity  of `text`, in bytes; AML_CPUSET_TEXT_CAPACITY is always enough.
 *
 * Returns: the length of the whole text without its null; what does not fit is cut off.
 */
AML_PUBLIC size_t aml_cpuset_format(const struct aml_cpuset *set, char *text, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
