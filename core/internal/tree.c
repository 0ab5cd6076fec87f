// SPDX-License-Identifier: BSD-3-Clause
//
// Files are opened so that one which is a pipe or a device does not keep us waiting.

#include "aml/core/internal/tree.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "aml/core/block.h"
#include "aml/core/internal/bits.h"

static void note_lack(struct aml_internal_tree *tree, int number) {
  if (tree->number == 0 && (number == EMFILE || number == ENFILE || number == ENOMEM))
    tree->number = number;
}

/** Writes the path; false if it is too long, or a lack was met before. */
__attribute__((format(printf, 2, 0))) static bool set_path(struct aml_internal_tree *tree,
                                                           const char *format, va_list arguments) {
  if (tree->number != 0) {
    errno = tree->number;
    return false;
  }
  const int length = vsnprintf(tree->path, sizeof tree->path, format, arguments);
  errno = ENAMETOOLONG;
  return length >= 0 && (size_t)length < sizeof tree->path;
}

/** Reads all of a file; its length, or -1. */
static ssize_t read_all(struct aml_internal_tree *tree, int descriptor) {
  size_t length = 0;
  while (length < sizeof tree->text) {
    const ssize_t part = read(descriptor, tree->text + length, sizeof tree->text - length);
    if (part < 0 && errno == EINTR)
      continue;
    if (part < 0) {
      note_lack(tree, errno);
      return -1;
    }
    if (part == 0)
      return (ssize_t)length;
    length += (size_t)part;
  }
  return -1;
}

char *aml_internal_tree_text(struct aml_internal_tree *tree, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool is_path = set_path(tree, format, arguments);
  va_end(arguments);
  if (!is_path)
    return NULL;
  const int descriptor = open(tree->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    note_lack(tree, errno);
    return NULL;
  }
  const ssize_t length = read_all(tree, descriptor);
  (void)close(descriptor);
  if (length <= 0 || tree->text[length - 1] != '\n' ||
      memchr(tree->text, '\0', (size_t)length) != NULL)
    return NULL;
  tree->text[length] = '\0';
  return tree->text;
}

char *aml_internal_tree_link(struct aml_internal_tree *tree, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool is_path = set_path(tree, format, arguments);
  va_end(arguments);
  if (!is_path)
    return NULL;
  const ssize_t length = readlink(tree->path, tree->text, sizeof tree->text - 1);
  if (length < 0) {
    note_lack(tree, errno);
    return NULL;
  }
  tree->text[length] = '\0';
  return tree->text;
}

DIR *aml_internal_tree_folder(struct aml_internal_tree *tree, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool is_path = set_path(tree, format, arguments);
  va_end(arguments);
  DIR *const folder = is_path ? opendir(tree->path) : NULL;
  if (folder == NULL)
    note_lack(tree, errno);
  return folder;
}

/** The number of such a name; -1 if it is another one. */
static int64_t number_in(const char *name, const char *prefix, const char *suffix, int64_t limit) {
  const size_t length = strlen(prefix);
  if (strncmp(name, prefix, length) != 0)
    return -1;
  name += length;
  if (!isdigit((unsigned char)*name) || (*name == '0' && isdigit((unsigned char)name[1])))
    return -1;
  char *end;
  const long long number = strtoll(name, &end, 10); // the largest there is if it is larger
  return number < limit && strcmp(end, suffix) == 0 ? number : -1;
}

int64_t aml_internal_tree_next(DIR *folder, const char *prefix, const char *suffix, int64_t limit) {
  if (folder == NULL)
    return -1;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    const int64_t number = number_in(entry->d_name, prefix, suffix, limit);
    if (number >= 0)
      return number;
  }
  (void)closedir(folder);
  return -1;
}

/** Reads digits at `text`, with `unit` and the end of a line behind them. */
static uint64_t parse_number(const char *text, int base, const char *unit) {
  if (text == NULL || !isxdigit((unsigned char)*text))
    return AML_UNKNOWN;
  char *end;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, base);
  const size_t length = strlen(unit);
  if (errno != 0 || end == text || strncmp(end, unit, length) != 0 || end[length] != '\n')
    return AML_UNKNOWN;
  return value;
}

uint64_t aml_internal_tree_number(const char *text, int base) {
  const uint64_t value = parse_number(text, base, "");
  // One line, and no more.
  return value == AML_UNKNOWN || strchr(text, '\n')[1] != '\0' ? AML_UNKNOWN : value;
}

uint64_t aml_internal_tree_figure(const char *text) {
  const uint64_t value = aml_internal_tree_number(text, 10);
  return value == 0 ? AML_UNKNOWN : value;
}

static bool parse_set(const char *text, uint64_t *words, int capacity) {
  const char *reason;
  memset(words, 0, (size_t)capacity / 8);
  return text != NULL && aml_internal_bits_parse(text, words, capacity, &reason) == 0;
}

bool aml_internal_tree_nodes(const char *text, struct aml_nodeset *set) {
  struct aml_nodeset parsed;
  if (!parse_set(text, parsed.words, AML_NODESET_CAPACITY))
    return false;
  *set = parsed;
  return true;
}

bool aml_internal_tree_cpus(const char *text, struct aml_cpuset *set) {
  struct aml_cpuset parsed;
  if (!parse_set(text, parsed.words, AML_CPUSET_CAPACITY))
    return false;
  *set = parsed;
  return true;
}

char *aml_internal_tree_find(char *text, const char *name) {
  const size_t length = strlen(name);
  for (char *at = text == NULL ? NULL : strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
    if (at != text && !isspace((unsigned char)at[-1]))
      continue;
    at += length;
    return at + strspn(at, " \t");
  }
  return NULL;
}

uint64_t aml_internal_tree_find_number(char *text, const char *name, const char *unit) {
  return parse_number(aml_internal_tree_find(text, name), 10, unit);
}

/** As parse_set(), for the line at `text`, which is as before afterwards. */
static bool parse_line(char *text, uint64_t *words, int capacity) {
  char *const end = text == NULL ? NULL : strchr(text, '\n');
  if (end == NULL)
    return false;
  *end = '\0';
  const bool is_set = parse_set(text, words, capacity);
  *end = '\n';
  return is_set;
}

bool aml_internal_tree_find_nodes(char *text, const char *name, struct aml_nodeset *set) {
  struct aml_nodeset parsed;
  if (!parse_line(aml_internal_tree_find(text, name), parsed.words, AML_NODESET_CAPACITY))
    return false;
  *set = parsed;
  return true;
}

bool aml_internal_tree_find_cpus(char *text, const char *name, struct aml_cpuset *set) {
  struct aml_cpuset parsed;
  if (!parse_line(aml_internal_tree_find(text, name), parsed.words, AML_CPUSET_CAPACITY))
    return false;
  *set = parsed;
  return true;
}
