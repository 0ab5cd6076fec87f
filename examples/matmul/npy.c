// SPDX-License-Identifier: BSD-3-Clause
//
// A recursive-descent parser of the one kind of dictionary that NumPy writes. It accepts what
// Python's own reader would: keys in any order, either quote, any white space, commas at the end.

#include "aml/examples/matmul/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/checked.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read as they are");

static const char magic[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6, VERSION_END = 8 };

static const char malformed[] = "has a header that is not the dictionary of a .npy file";

struct cursor {
  const char *at;
  const char *end;
};

struct text {
  const char *start;
  size_t size;
};

static void skip_space(struct cursor *cursor) {
  while (cursor->at < cursor->end && memchr(" \t\n\r\f", *cursor->at, 5) != NULL)
    ++cursor->at;
}

/** Takes one character, and white space before it, if it is the next one. */
static bool take(struct cursor *cursor, char character) {
  skip_space(cursor);
  if (cursor->at == cursor->end || *cursor->at != character)
    return false;
  ++cursor->at;
  return true;
}

static bool take_word(struct cursor *cursor, const char *word) {
  const size_t size = strlen(word);
  skip_space(cursor);
  if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, word, size) != 0)
    return false;
  cursor->at += size;
  return true;
}

/** Takes a string in quotes. Those that NumPy writes need no escapes, so none are known. */
static bool take_string(struct cursor *cursor, struct text *text) {
  if (!take(cursor, '\'') && !take(cursor, '"'))
    return false;
  const char quote = cursor->at[-1];
  text->start = cursor->at;
  while (cursor->at < cursor->end && *cursor->at != quote) {
    if (*cursor->at == '\\' || *cursor->at == '\n')
      return false;
    ++cursor->at;
  }
  text->size = (size_t)(cursor->at - text->start);
  return take(cursor, quote);
}

static bool equals(struct text text, const char *other) {
  return text.size == strlen(other) && memcmp(text.start, other, text.size) == 0;
}

static const char *parse_type(struct cursor *cursor, struct npy_header *header) {
  struct text type;
  if (take(cursor, '['))
    return "has elements of a structured type; only float32 and float64 can be multiplied";
  if (!take_string(cursor, &type))
    return malformed;
  if (equals(type, "<f4"))
    header->element_size = 4;
  else if (equals(type, "<f8"))
    header->element_size = 8;
  else if (type.size > 0 && type.start[0] == '>')
    return "has big-endian numbers; only little-endian ones can be multiplied";
  else
    return "has elements of another type than float32 and float64";
  return NULL;
}

static const char *parse_order(struct cursor *cursor, struct npy_header *header) {
  header->fortran_order = take_word(cursor, "True");
  return header->fortran_order || take_word(cursor, "False") ? NULL : malformed;
}

static const char *parse_size(struct cursor *cursor, size_t *size) {
  if (take(cursor, '-'))
    return "has a negative size in its shape";
  skip_space(cursor);
  if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
    return malformed;
  size_t value = 0;
  for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; ++cursor->at)
    if (!aml_checked_multiply(value, 10, &value) ||
        !aml_checked_add(value, (size_t)(*cursor->at - '0'), &value))
      return "has a shape that is larger than any file";
  // Python 2 wrote its long integers so.
  if (cursor->at < cursor->end && *cursor->at == 'L')
    ++cursor->at;
  *size = value;
  return NULL;
}

static const char *parse_shape(struct cursor *cursor, struct npy_header *header) {
  size_t extents[2] = {0, 0};
  size_t ndims = 0;
  if (!take(cursor, '('))
    return malformed;
  while (!take(cursor, ')')) {
    size_t extent = 0;
    const char *const reason = parse_size(cursor, &extent);
    if (reason != NULL)
      return reason;
    if (ndims < 2)
      extents[ndims] = extent;
    ++ndims;
    if (take(cursor, ','))
      continue;
    // (3) is a number and no tuple.
    if (ndims == 1 || !take(cursor, ')'))
      return malformed;
    break;
  }
  if (ndims != 2)
    return "is no matrix: its shape does not have two dimensions";
  header->rows = extents[0];
  header->columns = extents[1];
  return NULL;
}

enum { SEEN_TYPE = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

/** Parses one "key: value"; `seen` tells which keys came before. */
static const char *parse_entry(struct cursor *cursor, unsigned *seen, struct npy_header *header) {
  struct text key;
  if (!take_string(cursor, &key) || !take(cursor, ':'))
    return malformed;
  unsigned which = 0;
  if (equals(key, "descr"))
    which = SEEN_TYPE;
  else if (equals(key, "fortran_order"))
    which = SEEN_ORDER;
  else if (equals(key, "shape"))
    which = SEEN_SHAPE;
  if (which == 0 || (*seen & which) != 0)
    return malformed;
  *seen |= which;
  if (which == SEEN_TYPE)
    return parse_type(cursor, header);
  return which == SEEN_ORDER ? parse_order(cursor, header) : parse_shape(cursor, header);
}

static const char *parse_dictionary(struct cursor *cursor, struct npy_header *header) {
  unsigned seen = 0;
  if (!take(cursor, '{'))
    return malformed;
  while (!take(cursor, '}')) {
    const char *const reason = parse_entry(cursor, &seen, header);
    if (reason != NULL)
      return reason;
    if (take(cursor, ','))
      continue;
    if (!take(cursor, '}'))
      return malformed;
    break;
  }
  skip_space(cursor);
  return seen == SEEN_ALL && cursor->at == cursor->end ? NULL : malformed;
}

/** Finds the dictionary's text behind magic, version and length. */
static const char *find_text(const unsigned char *bytes, size_t size, struct cursor *cursor) {
  if (size < MAGIC_SIZE || memcmp(bytes, magic, MAGIC_SIZE) != 0)
    return "is no .npy file: it does not begin with \\x93NUMPY";
  if (size < VERSION_END)
    return "is truncated: it ends within its header";
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
    return "has a version of the .npy format other than 1.0, 2.0 and 3.0";
  const size_t length_size = bytes[6] == 1 ? 2 : 4;
  if (size < VERSION_END + length_size)
    return "is truncated: it ends within its header";
  size_t length = 0;
  for (size_t i = 0; i < length_size; ++i)
    length |= (size_t)bytes[VERSION_END + i] << (8 * i);
  const size_t start = VERSION_END + length_size;
  if (length > NPY_MAX_HEADER_SIZE - start)
    return "has a header longer than 64 KiB";
  if (length > size - start)
    return "is truncated: it ends within its header";
  cursor->at = (const char *)bytes + start;
  cursor->end = cursor->at + length;
  return NULL;
}

bool npy_data_size(const struct npy_header *header, size_t *size) {
  size_t result = 0;
  size_t end = 0;
  if (!aml_checked_multiply(header->rows, header->columns, &result) ||
      !aml_checked_multiply(result, header->element_size, &result) ||
      !aml_checked_add(result, NPY_MAX_HEADER_SIZE, &end) || end > INT64_MAX)
    return false;
  *size = result;
  return true;
}

const char *npy_parse(const void *bytes, size_t size, struct npy_header *header) {
  struct cursor cursor;
  struct npy_header result;
  size_t data_size = 0;
  const char *reason = find_text(bytes, size, &cursor);
  if (reason == NULL)
    reason = parse_dictionary(&cursor, &result);
  if (reason == NULL && !npy_data_size(&result, &data_size))
    reason = "has a shape that is larger than any file";
  if (reason != NULL)
    return reason;
  result.data_offset = (size_t)(cursor.end - (const char *)bytes);
  *header = result;
  return NULL;
}

void npy_format(const struct npy_header *header, char bytes[NPY_HEADER_SIZE]) {
  const size_t length = NPY_HEADER_SIZE - VERSION_END - 2;
  char text[NPY_HEADER_SIZE + 1];
  (void)snprintf(text, sizeof text,
                 "{'descr': '<f%zu', 'fortran_order': %s, 'shape': (%zu, %zu), }",
                 header->element_size, header->fortran_order ? "True" : "False", header->rows,
                 header->columns);
  memset(bytes, ' ', NPY_HEADER_SIZE);
  memcpy(bytes, magic, MAGIC_SIZE);
  bytes[6] = 1;
  bytes[7] = 0;
  bytes[8] = (char)length;
  bytes[9] = 0;
  memcpy(bytes + VERSION_END + 2, text, strlen(text));
  bytes[NPY_HEADER_SIZE - 1] = '\n';
}
