// SPDX-License-Identifier: BSD-3-Clause
//
// proc(5), /proc/pid/smaps. A mapping begins with a line "start-end …", and its last line is that
// of VmFlags.

#include "aml/core/internal/smaps.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_CAPACITY = 200 };

bool aml_internal_smaps_open(struct aml_internal_smaps *it) {
  it->position = 0;
  it->length = 0;
  it->descriptor = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
  return it->descriptor >= 0;
}

void aml_internal_smaps_close(struct aml_internal_smaps *it) {
  (void)close(it->descriptor);
}

static bool refill(struct aml_internal_smaps *it) {
  const ssize_t length = read(it->descriptor, it->text, sizeof it->text);
  it->position = 0;
  it->length = length > 0 ? (size_t)length : 0;
  return it->length > 0;
}

/** Reads a line without its end, cut where it is long, as names of files can be. */
static bool read_line(struct aml_internal_smaps *it, char line[LINE_CAPACITY]) {
  size_t length = 0;
  for (;;) {
    if (it->position == it->length && !refill(it))
      return false;
    const char *const text = it->text + it->position;
    const char *const newline = memchr(text, '\n', it->length - it->position);
    const size_t part = newline != NULL ? (size_t)(newline - text) : it->length - it->position;
    const size_t room = LINE_CAPACITY - 1 - length;
    const size_t kept = part < room ? part : room;
    memcpy(line + length, text, kept);
    length += kept;
    it->position += part + (newline != NULL);
    if (newline != NULL)
      break;
  }
  line[length] = '\0';
  return true;
}

static unsigned parse_flags(const char *text) {
  static const struct {
    char name[3];
    unsigned flag;
  } known[] = {
      {"lo", AML_INTERNAL_SMAPS_LOCKED},  {"dd", AML_INTERNAL_SMAPS_NO_DUMP},
      {"ht", AML_INTERNAL_SMAPS_POOL},    {"hg", AML_INTERNAL_SMAPS_HUGE},
      {"nh", AML_INTERNAL_SMAPS_NO_HUGE}, {"mg", AML_INTERNAL_SMAPS_MERGEABLE},
  };
  unsigned flags = 0;
  for (; *text != '\0'; text += strcspn(text, " ")) {
    text += strspn(text, " ");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
      if (strncmp(text, known[i].name, 2) == 0)
        flags |= known[i].flag;
  }
  return flags;
}

/** Reads "start-end …". */
static bool parse_range(const char *line, struct aml_internal_smaps_entry *entry) {
  char *end;
  const unsigned long long first = strtoull(line, &end, 16);
  if (end == line || *end != '-')
    return false;
  const char *const second = end + 1;
  const unsigned long long last = strtoull(second, &end, 16);
  if (end == second || *end != ' ' || last < first)
    return false;
  *entry = (struct aml_internal_smaps_entry){.start = (uintptr_t)first, .end = (uintptr_t)last};
  return true;
}

/** Adds what a line "name: value kB" says; true if it is a mapping's last. */
static bool parse_field(const char *line, struct aml_internal_smaps_entry *entry) {
  const char *const colon = strchr(line, ':');
  if (colon == NULL)
    return false;
  const size_t length = (size_t)(colon - line);
  if (length == 7 && strncmp(line, "VmFlags", length) == 0) {
    entry->flags = parse_flags(colon + 1);
    return true;
  }
  const size_t value = (size_t)strtoull(colon + 1, NULL, 10) * 1024;
  if (length == 14 && strncmp(line, "KernelPageSize", length) == 0)
    entry->page_size = value;
  else if ((length == 3 && strncmp(line, "Rss", length) == 0) ||
           (length == 15 && strncmp(line, "Private_Hugetlb", length) == 0) ||
           (length == 14 && strncmp(line, "Shared_Hugetlb", length) == 0))
    entry->resident_size += value;
  else if ((length == 13 && strncmp(line, "AnonHugePages", length) == 0) ||
           (length == 14 && strncmp(line, "ShmemPmdMapped", length) == 0) ||
           (length == 13 && strncmp(line, "FilePmdMapped", length) == 0))
    entry->transparent_size += value;
  return false;
}

bool aml_internal_smaps_next(struct aml_internal_smaps *it,
                             struct aml_internal_smaps_entry *entry) {
  char line[LINE_CAPACITY];
  struct aml_internal_smaps_entry found;
  bool is_in_one = false;
  while (read_line(it, line)) {
    if (parse_range(line, &found)) {
      is_in_one = true;
    } else if (is_in_one && parse_field(line, &found)) {
      *entry = found;
      return true;
    }
  }
  return false;
}

bool aml_internal_smaps_find(const void *pointer, struct aml_internal_smaps_entry *entry) {
  struct aml_internal_smaps reader;
  struct aml_internal_smaps_entry found;
  bool is_found = false;
  if (!aml_internal_smaps_open(&reader))
    return false;
  while (!is_found && aml_internal_smaps_next(&reader, &found) && found.start <= (uintptr_t)pointer)
    is_found = (uintptr_t)pointer < found.end;
  aml_internal_smaps_close(&reader);
  if (is_found)
    *entry = found;
  return is_found;
}
