// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/bits.h"

#include <ctype.h>
#include <stdio.h>

#include "aml/core/error.h"

static const char *skip_blanks(const char *text) {
  while (isspace((unsigned char)*text))
    ++text;
  return text;
}

static int refuse(int err, const char *why, const char **reason) {
  *reason = why;
  return err;
}

/** Reads a number at *text and moves *text past it. */
static int parse_number(const char **text, int capacity, int *number, const char **reason) {
  if (!isdigit((unsigned char)**text))
    return refuse(-AML_EINVAL, "has no number where one is due", reason);
  int value = 0;
  for (; isdigit((unsigned char)**text); ++*text) {
    value = value * 10 + (**text - '0');
    if (value >= capacity)
      return refuse(-AML_EOVERFLOW, "has a number that is too large for a set", reason);
  }
  *number = value;
  return 0;
}

/** Reads "3" or "0-3" at *text into `words`, and moves *text past it. */
static int parse_range(const char **text, uint64_t *words, int capacity, const char **reason) {
  int first;
  int err = parse_number(text, capacity, &first, reason);
  if (err)
    return err;
  int last = first;
  if (**text == '-') {
    ++*text;
    err = parse_number(text, capacity, &last, reason);
    if (err)
      return err;
    if (last < first)
      return refuse(-AML_EINVAL, "has a descending range", reason);
  }
  for (int number = first; number <= last; ++number)
    words[number / 64] |= UINT64_C(1) << (number % 64);
  return 0;
}

int aml_internal_bits_parse(const char *text, uint64_t *words, int capacity, const char **reason) {
  text = skip_blanks(text);
  while (*text != '\0') {
    const int err = parse_range(&text, words, capacity, reason);
    if (err)
      return err;
    if (*text == ',') {
      ++text;
      if (*text != '\0')
        continue;
      return refuse(-AML_EINVAL, "ends with a comma", reason);
    }
    if (*skip_blanks(text) != '\0')
      return refuse(-AML_EINVAL, "has something else than numbers, '-' and ','", reason);
    break;
  }
  return 0;
}

size_t aml_internal_bits_format(const uint64_t *words, int capacity, char *text,
                                size_t text_capacity) {
  size_t length = 0;
  if (text_capacity > 0)
    text[0] = '\0';
  for (int first = aml_internal_bits_next(words, capacity, -1); first >= 0;) {
    int last = first;
    while (aml_internal_bits_has(words, capacity, last + 1))
      ++last;
    char range[32];
    const char *comma = length == 0 ? "" : ",";
    const int size = first == last ? snprintf(range, sizeof range, "%s%d", comma, first)
                                   : snprintf(range, sizeof range, "%s%d-%d", comma, first, last);
    if (length < text_capacity)
      (void)snprintf(text + length, text_capacity - length, "%s", range);
    length += (size_t)size;
    first = aml_internal_bits_next(words, capacity, last);
  }
  return length;
}
