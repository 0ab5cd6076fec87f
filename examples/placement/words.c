// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/placement/words.h"

#include <string.h>

#include "aml/core/checked.h"

bool words_skip(struct words *words, const char *word) {
  const size_t length = strlen(word);
  if (strncmp(words->at, word, length) != 0)
    return false;
  words->at += length;
  return true;
}

bool words_end(const struct words *words) {
  return *words->at == '\0';
}

bool words_number(struct words *words, size_t *number) {
  struct words rest = *words;
  size_t result = 0;
  if (*rest.at < '0' || *rest.at > '9')
    return false;
  for (; *rest.at >= '0' && *rest.at <= '9'; ++rest.at)
    if (!aml_checked_multiply(result, 10, &result) ||
        !aml_checked_add(result, (size_t)(*rest.at - '0'), &result))
      return false;
  const size_t unit = words_skip(&rest, "K")   ? (size_t)1 << 10
                      : words_skip(&rest, "M") ? (size_t)1 << 20
                      : words_skip(&rest, "G") ? (size_t)1 << 30
                                               : 1;
  if (!aml_checked_multiply(result, unit, &result))
    return false;
  *number = result;
  *words = rest;
  return true;
}

bool words_numbers(struct words *words, const char *separator, size_t capacity, size_t numbers[],
                   size_t *count) {
  struct words rest = *words;
  size_t read = 0;
  do {
    if (read == capacity || !words_number(&rest, &numbers[read]))
      return false;
    ++read;
  } while (words_skip(&rest, separator));
  *count = read;
  *words = rest;
  return true;
}

bool words_extents(struct words *words, size_t ndims, size_t extent[]) {
  struct words rest = *words;
  size_t count;
  if (!words_numbers(&rest, "x", ndims, extent, &count) || count != ndims)
    return false;
  *words = rest;
  return true;
}

bool words_devices(struct words *words, struct aml_nodeset *devices) {
  char text[256];
  const size_t length = strcspn(words->at, "/=");
  if (length >= sizeof text)
    return false;
  memcpy(text, words->at, length);
  text[length] = '\0';
  if (aml_nodeset_parse(text, devices) != 0 || aml_nodeset_count(devices) == 0)
    return false;
  words->at += length;
  return true;
}
