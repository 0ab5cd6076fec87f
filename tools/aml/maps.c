// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tools/aml/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Takes a decimal number of pages for a node, "N3=17". */
static bool parse_node(const char *word, uint64_t pages[]) {
  char *end = NULL;
  const unsigned long node = strtoul(word + 1, &end, 10);
  if (end == word + 1 || *end != '=' || node >= MAPS_NODES)
    return false;
  pages[node] = strtoull(end + 1, &end, 10);
  return *end == '\0';
}

static bool is_octal(char digit) {
  return digit >= '0' && digit <= '7';
}

/** The kernel writes a blank in a name as \040, and so a few others. */
static void copy_name(char *to, const char *from) {
  size_t length = 0;
  for (; *from != '\0' && length + 1 < MAPS_TEXT; ++length) {
    if (*from == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
      to[length] = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      to[length] = *from++;
    }
  }
  to[length] = '\0';
}

static void parse_word(const char *word, struct maps_mapping *mapping) {
  if (word[0] == 'N' && word[1] >= '0' && word[1] <= '9')
    (void)parse_node(word, mapping->size);
  else if (strncmp(word, "kernelpagesize_kB=", 18) == 0)
    mapping->page_size = strtoull(word + 18, NULL, 10) * 1024;
  else if (strncmp(word, "file=", 5) == 0)
    copy_name(mapping->name, word + 5);
  else if (strcmp(word, "heap") == 0 || strcmp(word, "stack") == 0)
    copy_name(mapping->name, word);
}

bool maps_parse_line(const char *line, struct maps_mapping *mapping) {
  char text[MAPS_TEXT];
  memset(mapping, 0, sizeof *mapping);
  if (snprintf(text, sizeof text, "%s", line) >= (int)sizeof text)
    return false;
  char *rest = NULL;
  const char *word = strtok_r(text, " \n", &rest);
  char *end = NULL;
  if (word == NULL)
    return false;
  mapping->start = strtoull(word, &end, 16);
  if (end == word || *end != '\0')
    return false;
  word = strtok_r(NULL, " \n", &rest);
  if (word == NULL)
    return false;
  (void)snprintf(mapping->policy, sizeof mapping->policy, "%s", word);
  while ((word = strtok_r(NULL, " \n", &rest)) != NULL)
    parse_word(word, mapping);
  for (size_t node = 0; node < MAPS_NODES; ++node)
    mapping->size[node] *= mapping->page_size;
  return true;
}

enum maps_line maps_parse_smaps_line(const char *line, uint64_t *start, uint64_t *end) {
  static const char huge[] = "AnonHugePages:";
  char *rest = NULL;
  if (strncmp(line, huge, sizeof huge - 1) == 0) {
    *start = strtoull(line + sizeof huge - 1, &rest, 10) * 1024;
    return strncmp(rest, " kB", 3) == 0 ? MAPS_LINE_TRANSPARENT : MAPS_LINE_OTHER;
  }
  const uint64_t first = strtoull(line, &rest, 16);
  if (rest == line || *rest != '-')
    return MAPS_LINE_OTHER;
  const uint64_t behind = strtoull(rest + 1, &rest, 16);
  if (*rest != ' ')
    return MAPS_LINE_OTHER;
  *start = first;
  *end = behind;
  return MAPS_LINE_FIRST;
}
