// SPDX-License-Identifier: BSD-3-Clause
//
// TYPE[:OPTION[,OPTION]…]. A set of nodes has commas too, so an option that begins with a digit
// belongs to the set before it.

#include "aml/tools/malloc/options.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/nodeset.h"

enum { MOST_SHOWN = 60 };

/** Where the reading is, and what is wrong. */
struct reader {
  const char *rest;
  char *fault;
  size_t capacity;
};

/** An option: its name, and what stands behind "=", null where there is none. */
struct option {
  char name[32];
  const char *value;
  char text[MALLOC_TEXT_CAPACITY];
};

static bool complain(const struct reader *reader, const char *what, const char *reason) {
  (void)snprintf(reader->fault, reader->capacity, "%s %s", what, reason);
  return false;
}

static bool complain_of_area(const struct reader *reader, const char *name, size_t length) {
  const int shown = length < MOST_SHOWN ? (int)length : MOST_SHOWN;
  (void)snprintf(reader->fault, reader->capacity, "the area %.*s is neither linux nor file", shown,
                 name);
  return false;
}

/** The length of the option at the front; a set of nodes is one with its commas. */
static size_t option_length(const char *text) {
  size_t length = strcspn(text, ",");
  const bool is_set = strncmp(text, "nodes=", 6) == 0;
  while (is_set && text[length] == ',' && isdigit((unsigned char)text[length + 1]))
    length += 1 + strcspn(text + length + 1, ",");
  return length;
}

/** Takes the next option. Returns: false with a fault. */
static bool next(struct reader *reader, struct option *option) {
  const size_t length = option_length(reader->rest);
  if (length == 0)
    return complain(reader, "an option", "is empty");
  if (length >= sizeof option->text)
    return complain(reader, "an option", "is too long");
  memcpy(option->text, reader->rest, length);
  option->text[length] = '\0';
  reader->rest += length + (reader->rest[length] == ',');
  const size_t name_length = strcspn(option->text, "=");
  if (name_length >= sizeof option->name)
    return complain(reader, option->text, "is no option");
  memcpy(option->name, option->text, name_length);
  option->name[name_length] = '\0';
  option->value = option->text[name_length] == '=' ? option->text + name_length + 1 : NULL;
  return true;
}

/** Reads a size: digits, and K, M, G or T. */
static bool read_size(const char *text, size_t *size) {
  static const char units[] = "KMGT";
  size_t value = 0;
  if (!isdigit((unsigned char)*text))
    return false;
  for (; isdigit((unsigned char)*text); ++text)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, (size_t)(*text - '0'), &value))
      return false;
  const char *const unit = *text == '\0' ? NULL : strchr(units, *text);
  if (*text != '\0' && (unit == NULL || text[1] != '\0'))
    return false;
  const unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
  *size = value << shift;
  return value != 0 && *size >> shift == value;
}

static bool read_policy(const char *name, enum aml_policy *policy) {
  static const struct {
    const char *name;
    enum aml_policy policy;
  } known[] = {{"bind", AML_POLICY_BIND},
               {"interleave", AML_POLICY_INTERLEAVE},
               {"local", AML_POLICY_LOCAL},
               {"preferred", AML_POLICY_PREFERRED_MANY},
               {"weighted", AML_POLICY_WEIGHTED_INTERLEAVE}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
    if (strcmp(known[i].name, name) == 0) {
      *policy = known[i].policy;
      return true;
    }
  return false;
}

static bool read_huge(const char *value, struct aml_area_linux_options *options) {
  if (value == NULL || strcmp(value, "transparent") == 0)
    options->huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
  else if (strcmp(value, "none") == 0)
    options->huge_pages = AML_AREA_LINUX_HUGE_NONE;
  else if (strncmp(value, "pool", 4) == 0)
    options->huge_pages = AML_AREA_LINUX_HUGE_POOL;
  else
    return false;
  if (options->huge_pages != AML_AREA_LINUX_HUGE_POOL || value[4] == '\0')
    return true;
  return value[4] == '-' && read_size(value + 5, &options->pool_page_size);
}

/** Takes an option of any area. Returns: whether it is one. */
static bool take_common(const struct option *option, struct malloc_options *options,
                        bool *is_right) {
  *is_right = true;
  if (strcmp(option->name, "limit") == 0)
    *is_right = option->value != NULL && read_size(option->value, &options->limit);
  else if (strcmp(option->name, "report") == 0 && option->value == NULL)
    options->reports = true;
  else
    return false;
  return true;
}

static bool take_linux(const struct option *option, struct malloc_options *options,
                       bool *is_right) {
  struct aml_area_linux_options *const area = &options->linux_area;
  *is_right = true;
  if (strcmp(option->name, "nodes") == 0)
    *is_right = option->value != NULL && aml_nodeset_parse(option->value, &area->devices) == 0 &&
                !aml_nodeset_is_empty(&area->devices);
  else if (strcmp(option->name, "policy") == 0)
    *is_right = option->value != NULL && read_policy(option->value, &area->policy);
  else if (strcmp(option->name, "huge") == 0)
    *is_right = read_huge(option->value, area);
  else if (strcmp(option->name, "populate") == 0 && option->value == NULL)
    area->flags |= AML_AREA_LINUX_POPULATE;
  else if (strcmp(option->name, "lock") == 0 && option->value == NULL)
    area->flags |= AML_AREA_LINUX_LOCK;
  else
    return false;
  return true;
}

static bool take_file(const struct option *option, struct malloc_options *options, bool *is_right) {
  *is_right = option->value != NULL && option->value[0] != '\0';
  if (strcmp(option->name, "path") != 0)
    return false;
  if (*is_right)
    (void)snprintf(options->path, sizeof options->path, "%s", option->value);
  return true;
}

static bool take_all(struct reader *reader, struct malloc_options *options) {
  struct option option;
  while (*reader->rest != '\0') {
    bool is_right = true;
    if (!next(reader, &option))
      return false;
    if (!take_common(&option, options, &is_right) &&
        !(options->is_file ? take_file : take_linux)(&option, options, &is_right))
      return complain(reader, option.text, "is no option of this area");
    if (!is_right)
      return complain(reader, option.text, "has a value that is none");
  }
  return true;
}

bool malloc_options_parse(const char *text, struct malloc_options *options, char *fault,
                          size_t capacity) {
  if (text == NULL)
    text = "";
  memset(options, 0, sizeof *options);
  const size_t length = strcspn(text, ":");
  struct reader reader = {text + length, fault, capacity};
  if (*reader.rest == ':')
    ++reader.rest;
  if (length == 4 && strncmp(text, "file", 4) == 0)
    options->is_file = true;
  else if (length != 0 && !(length == 5 && strncmp(text, "linux", 5) == 0))
    return complain_of_area(&reader, text, length);
  if (!take_all(&reader, options))
    return false;
  if (options->is_file && options->path[0] == '\0')
    return complain(&reader, "path", "is missing");
  options->file.kind = AML_AREA_FILE_TEMPORARY;
  options->file.path = options->path;
  struct aml_area_linux_options *const area = &options->linux_area;
  if (area->policy == AML_POLICY_DEFAULT && !aml_nodeset_is_empty(&area->devices))
    area->policy = AML_POLICY_BIND;
  // Older kernels know the policy for one node only.
  if (area->policy == AML_POLICY_PREFERRED_MANY && aml_nodeset_count(&area->devices) == 1)
    area->policy = AML_POLICY_PREFERRED;
  return true;
}
