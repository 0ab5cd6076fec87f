// SPDX-License-Identifier: BSD-3-Clause
//
// Codes are few and dense, so the texts are two arrays indexed by the code. The sentence is put
// together by hand and not by snprintf, since failures such as -AML_EAGAIN are part of normal work.

#include "aml/core/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { DETAIL_CAPACITY = 256, DECIMAL_DIGITS = 20 };

struct last_error {
  int code;
  char detail[DETAIL_CAPACITY];
};

static _Thread_local struct last_error last;

static const char *const texts[] = {[0] = "no error",
#define AML_ERROR_TEXT(name, number, text) [number] = text,
                                    AML_ERRORS(AML_ERROR_TEXT)
#undef AML_ERROR_TEXT
};

static const char *const names[] = {[0] = "0",
#define AML_ERROR_NAME(name, number, text) [number] = #name,
                                    AML_ERRORS(AML_ERROR_NAME)
#undef AML_ERROR_NAME
};

enum { CODE_COUNT = sizeof texts / sizeof texts[0] };

/** The index of a code in the tables, or CODE_COUNT. */
static size_t code_index(int err) {
  // Negated as unsigned, since -INT_MIN is not an int.
  const unsigned magnitude = err < 0 ? 0u - (unsigned)err : (unsigned)err;
  return magnitude < CODE_COUNT ? magnitude : CODE_COUNT;
}

const char *aml_strerror(int err) {
  const size_t index = code_index(err);
  return index < CODE_COUNT ? texts[index] : "unknown error";
}

const char *aml_error_name(int err) {
  const size_t index = code_index(err);
  return index < CODE_COUNT ? names[index] : "unknown";
}

const char *aml_error_detail(void) {
  return last.detail;
}

int aml_error_code(void) {
  return last.code;
}

/** A sentence that is being put together, apart from the last one, which may be part of it. */
struct sentence {
  size_t length;
  char text[DETAIL_CAPACITY];
};

static void append(struct sentence *it, const char *text) {
  if (text == NULL)
    return;
  const size_t room = DETAIL_CAPACITY - 1 - it->length;
  size_t size = strlen(text);
  if (size > room)
    size = room;
  memcpy(it->text + it->length, text, size);
  it->length += size;
}

static void append_number(struct sentence *it, uint64_t value) {
  char digits[DECIMAL_DIGITS + 1];
  size_t first = DECIMAL_DIGITS;
  digits[first] = '\0';
  do {
    digits[--first] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  append(it, digits + first);
}

static int record(int err, const struct sentence *it) {
  last.code = err;
  memcpy(last.detail, it->text, it->length);
  last.detail[it->length] = '\0';
  return err;
}

int aml_error_set(int err, const char *call, const char *argument, const char *reason) {
  struct sentence it;
  it.length = 0;
  append(&it, call);
  append(&it, ": ");
  if (argument != NULL) {
    append(&it, argument);
    append(&it, " ");
  }
  append(&it, reason);
  return record(err, &it);
}

int aml_error_set_value(int err, const char *call, const char *argument, uint64_t value,
                        const char *reason) {
  struct sentence it;
  it.length = 0;
  append(&it, call);
  append(&it, ": ");
  append(&it, argument);
  append(&it, " ");
  append_number(&it, value);
  append(&it, " ");
  append(&it, reason);
  return record(err, &it);
}

static int code_of_errno(int number) {
  switch (number) {
  case EINVAL:
  case EFAULT:
  case EBADF:
    return -AML_EINVAL;
  case ENOMEM:
    return -AML_ENOMEM;
  case ENOSYS:
  case EOPNOTSUPP:
    return -AML_ENOTSUP;
  case EAGAIN:
    return -AML_EAGAIN;
  case EBUSY:
  case ETXTBSY:
    return -AML_EBUSY;
  case EPERM:
  case EACCES:
  case EROFS:
    return -AML_EPERM;
  case ENOENT:
  case ENOTDIR:
    return -AML_ENOENT;
  case EEXIST:
    return -AML_EEXIST;
  case EIO:
    return -AML_EIO;
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return -AML_ENOSPC;
  case EOVERFLOW:
  case ERANGE:
    return -AML_EOVERFLOW;
  case EDEADLK:
    return -AML_EDEADLK;
  case ECANCELED:
    return -AML_ECANCELED;
  case ETIMEDOUT:
    return -AML_ETIMEDOUT;
  case ENODEV:
  case ENXIO:
    return -AML_ENODEV;
  default:
    return -AML_ESYSTEM;
  }
}

int aml_error_set_system(const char *call, const char *what, int number) {
  char unknown[64];
  struct sentence it;
  it.length = 0;
  append(&it, call);
  append(&it, ": ");
  append(&it, what);
  append(&it, ": ");
  // GNU strerror_r, which returns the text wherever it is.
  append(&it, strerror_r(number, unknown, sizeof unknown));
  return record(code_of_errno(number), &it);
}
