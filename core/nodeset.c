// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/nodeset.h"

#include "aml/core/error.h"
#include "aml/core/internal/bits.h"

// The longest text is that of every other number, from 0 to 1022: 10 of one digit, 90 of two, 900
// of three and 24 of four, half of each, with a comma or the final null after each number.
_Static_assert(5 * 2 + 45 * 3 + 450 * 4 + 12 * 5 <= AML_NODESET_TEXT_CAPACITY, "text capacity");

size_t aml_nodeset_count(const struct aml_nodeset *set) {
  return aml_internal_bits_count(set->words, AML_NODESET_CAPACITY);
}

bool aml_nodeset_is_empty(const struct aml_nodeset *set) {
  return aml_internal_bits_next(set->words, AML_NODESET_CAPACITY, -1) < 0;
}

int aml_nodeset_next(const struct aml_nodeset *set, int previous) {
  return aml_internal_bits_next(set->words, AML_NODESET_CAPACITY, previous);
}

int aml_nodeset_at(const struct aml_nodeset *set, size_t index) {
  return aml_internal_bits_at(set->words, AML_NODESET_CAPACITY, index);
}

int aml_nodeset_last(const struct aml_nodeset *set) {
  return aml_internal_bits_last(set->words, AML_NODESET_CAPACITY);
}

bool aml_nodeset_is_equal(const struct aml_nodeset *a, const struct aml_nodeset *b) {
  return aml_nodeset_is_subset(a, b) && aml_nodeset_is_subset(b, a);
}

bool aml_nodeset_is_subset(const struct aml_nodeset *part, const struct aml_nodeset *whole) {
  return aml_internal_bits_is_subset(part->words, whole->words, AML_NODESET_CAPACITY);
}

void aml_nodeset_intersect(struct aml_nodeset *set, const struct aml_nodeset *other) {
  aml_internal_bits_intersect(set->words, other->words, AML_NODESET_CAPACITY);
}

void aml_nodeset_unite(struct aml_nodeset *set, const struct aml_nodeset *other) {
  aml_internal_bits_unite(set->words, other->words, AML_NODESET_CAPACITY);
}

void aml_nodeset_subtract(struct aml_nodeset *set, const struct aml_nodeset *other) {
  aml_internal_bits_subtract(set->words, other->words, AML_NODESET_CAPACITY);
}

int aml_nodeset_parse(const char *text, struct aml_nodeset *set) {
  if (text == NULL)
    return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text", "is null");
  if (set == NULL)
    return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "set", "is null");
  struct aml_nodeset parsed = {{0}};
  const char *reason = NULL;
  const int err = aml_internal_bits_parse(text, parsed.words, AML_NODESET_CAPACITY, &reason);
  if (err)
    return aml_error_set(err, "aml_nodeset_parse", "text", reason);
  *set = parsed;
  return 0;
}

size_t aml_nodeset_format(const struct aml_nodeset *set, char *text, size_t capacity) {
  return aml_internal_bits_format(set->words, AML_NODESET_CAPACITY, text, capacity);
}
