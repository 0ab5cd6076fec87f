// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/cpuset.h"

#include "aml/core/error.h"
#include "aml/core/internal/bits.h"

// The longest text is that of every other number, from 0 to 8190: 10 of one digit, 90 of two, 900
// of three and 7192 of four, half of each, with a comma or the final null after each number.
_Static_assert(5 * 2 + 45 * 3 + 450 * 4 + 3596 * 5 <= AML_CPUSET_TEXT_CAPACITY, "text capacity");

size_t aml_cpuset_count(const struct aml_cpuset *set) {
  return aml_internal_bits_count(set->words, AML_CPUSET_CAPACITY);
}

bool aml_cpuset_is_empty(const struct aml_cpuset *set) {
  return aml_internal_bits_next(set->words, AML_CPUSET_CAPACITY, -1) < 0;
}

int aml_cpuset_next(const struct aml_cpuset *set, int previous) {
  return aml_internal_bits_next(set->words, AML_CPUSET_CAPACITY, previous);
}

int aml_cpuset_at(const struct aml_cpuset *set, size_t index) {
  return aml_internal_bits_at(set->words, AML_CPUSET_CAPACITY, index);
}

int aml_cpuset_last(const struct aml_cpuset *set) {
  return aml_internal_bits_last(set->words, AML_CPUSET_CAPACITY);
}

bool aml_cpuset_is_equal(const struct aml_cpuset *a, const struct aml_cpuset *b) {
  return aml_cpuset_is_subset(a, b) && aml_cpuset_is_subset(b, a);
}

bool aml_cpuset_is_subset(const struct aml_cpuset *part, const struct aml_cpuset *whole) {
  return aml_internal_bits_is_subset(part->words, whole->words, AML_CPUSET_CAPACITY);
}

void aml_cpuset_intersect(struct aml_cpuset *set, const struct aml_cpuset *other) {
  aml_internal_bits_intersect(set->words, other->words, AML_CPUSET_CAPACITY);
}

void aml_cpuset_unite(struct aml_cpuset *set, const struct aml_cpuset *other) {
  aml_internal_bits_unite(set->words, other->words, AML_CPUSET_CAPACITY);
}

void aml_cpuset_subtract(struct aml_cpuset *set, const struct aml_cpuset *other) {
  aml_internal_bits_subtract(set->words, other->words, AML_CPUSET_CAPACITY);
}

int aml_cpuset_parse(const char *text, struct aml_cpuset *set) {
  if (text == NULL)
    return aml_error_set(-AML_EINVAL, "aml_cpuset_parse", "text", "is null");
  if (set == NULL)
    return aml_error_set(-AML_EINVAL, "aml_cpuset_parse", "set", "is null");
  struct aml_cpuset parsed = {{0}};
  const char *reason = NULL;
  const int err = aml_internal_bits_parse(text, parsed.words, AML_CPUSET_CAPACITY, &reason);
  if (err)
    return aml_error_set(err, "aml_cpuset_parse", "text", reason);
  *set = parsed;
  return 0;
}

size_t aml_cpuset_format(const struct aml_cpuset *set, char *text, size_t capacity) {
  return aml_internal_bits_format(set->words, AML_CPUSET_CAPACITY, text, capacity);
}
