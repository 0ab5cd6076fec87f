// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/nodeset.h"

#include <ctype.h>
#include <stdio.h>

#include "aml/core/error.h"

enum { WORD_COUNT = AML_NODESET_CAPACITY / 64 };

// The longest text is that of every other number, from 0 to 1022: 10 of one digit, 90 of two, 900
// of three and 24 of four, half of each, with a comma or the final null after each number.
_Static_assert(5 * 2 + 45 * 3 + 450 * 4 + 12 * 5 <= AML_NODESET_TEXT_CAPACITY, "text capacity");

size_t aml_nodeset_count(const struct aml_nodeset *set) {
  size_t count = 0;
  for (size_t i = 0; i < WORD_COUNT; ++i)
    count += (size_t)__builtin_popcountll(set->words[i]);
  return count;
}

bool aml_nodeset_is_empty(const struct aml_nodeset *set) {
  return aml_nodeset_next(set, -1) < 0;
}

int aml_nodeset_next(const struct aml_nodeset *set, int previous) {
  if (previous < -1 || previous >= AML_NODESET_CAPACITY - 1)
    return -1;
  const int from = previous + 1;
  uint64_t word = set->words[from / 64] & (~UINT64_C(0) << (from % 64));
  for (int i = from / 64;;) {
    if (word != 0)
      return i * 64 + __builtin_ctzll(word);
    if (++i == WORD_COUNT)
      return -1;
    word = set->words[i];
  }
}

int aml_nodeset_at(const struct aml_nodeset *set, size_t index) {
  for (int i = 0; i < WORD_COUNT; ++i) {
    uint64_t word = set->words[i];
    const size_t count = (size_t)__builtin_popcountll(word);
    if (index >= count) {
      index -= count;
      continue;
    }
    for (; index > 0; --index)
      word &= word - 1;
    return i * 64 + __builtin_ctzll(word);
  }
  return -1;
}

int aml_nodeset_last(const struct aml_nodeset *set) {
  for (int i = WORD_COUNT - 1; i >= 0; --i)
    if (set->words[i] != 0)
      return i * 64 + 63 - __builtin_clzll(set->words[i]);
  return -1;
}

bool aml_nodeset_is_equal(const struct aml_nodeset *a, const struct aml_nodeset *b) {
  return aml_nodeset_is_subset(a, b) && aml_nodeset_is_subset(b, a);
}

bool aml_nodeset_is_subset(const struct aml_nodeset *part, const struct aml_nodeset *whole) {
  uint64_t outside = 0;
  for (size_t i = 0; i < WORD_COUNT; ++i)
    outside |= part->words[i] & ~whole->words[i];
  return outside == 0;
}

void aml_nodeset_intersect(struct aml_nodeset *set, const struct aml_nodeset *other) {
  for (size_t i = 0; i < WORD_COUNT; ++i)
    set->words[i] &= other->words[i];
}

void aml_nodeset_unite(struct aml_nodeset *set, const struct aml_nodeset *other) {
  for (size_t i = 0; i < WORD_COUNT; ++i)
    set->words[i] |= other->words[i];
}

void aml_nodeset_subtract(struct aml_nodeset *set, const struct aml_nodeset *other) {
  for (size_t i = 0; i < WORD_COUNT; ++i)
    set->words[i] &= ~other->words[i];
}

static const char *skip_blanks(const char *text) {
  while (isspace((unsigned char)*text))
    ++text;
  return text;
}

/** Reads a number at *text and moves *text past it. */
static int parse_number(const char **text, int *number) {
  if (!isdigit((unsigned char)**text))
    return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text",
                         "has no number where one is due");
  int value = 0;
  for (; isdigit((unsigned char)**text); ++*text) {
    value = value * 10 + (**text - '0');
    if (value >= AML_NODESET_CAPACITY)
      return aml_error_set(-AML_EOVERFLOW, "aml_nodeset_parse", "text",
                           "has a number that is too large for a set");
  }
  *number = value;
  return 0;
}

/** Reads "3" or "0-3" at *text into `set`, and moves *text past it. */
static int parse_range(const char **text, struct aml_nodeset *set) {
  int first;
  int err = parse_number(text, &first);
  if (err)
    return err;
  int last = first;
  if (**text == '-') {
    ++*text;
    err = parse_number(text, &last);
    if (err)
      return err;
    if (last < first)
      return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text", "has a descending range");
  }
  for (int number = first; number <= last; ++number)
    (void)aml_nodeset_add(set, number);
  return 0;
}

int aml_nodeset_parse(const char *text, struct aml_nodeset *set) {
  if (text == NULL)
    return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text", "is null");
  if (set == NULL)
    return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "set", "is null");
  struct aml_nodeset parsed = {{0}};
  text = skip_blanks(text);
  while (*text != '\0') {
    const int err = parse_range(&text, &parsed);
    if (err)
      return err;
    if (*text == ',') {
      ++text;
      if (*text != '\0')
        continue;
      return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text", "ends with a comma");
    }
    if (*skip_blanks(text) != '\0')
      return aml_error_set(-AML_EINVAL, "aml_nodeset_parse", "text",
                           "has something else than numbers, '-' and ','");
    break;
  }
  *set = parsed;
  return 0;
}

size_t aml_nodeset_format(const struct aml_nodeset *set, char *text, size_t capacity) {
  size_t length = 0;
  if (capacity > 0)
    text[0] = '\0';
  for (int first = aml_nodeset_next(set, -1); first >= 0;) {
    int last = first;
    while (aml_nodeset_has(set, last + 1))
      ++last;
    char range[16];
    const char *comma = length == 0 ? "" : ",";
    const int size = first == last ? snprintf(range, sizeof range, "%s%d", comma, first)
                                   : snprintf(range, sizeof range, "%s%d-%d", comma, first, last);
    if (length < capacity)
      (void)snprintf(text + length, capacity - length, "%s", range);
    length += (size_t)size;
    first = aml_nodeset_next(set, last);
  }
  return length;
}
