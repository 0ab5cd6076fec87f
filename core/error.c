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

static size_t append(size_t length, const char *text) {
  if (text == NULL)
    return length;
  const size_t room = DETAIL_CAPACITY - 1 - length;
  size_t size = strlen(text);
  if (size > room)
    size = room;
  memmove(last.detail + length, text, size);
  last.detail[length + size] = '\0';
  return length + size;
}

static size_t append_number(size_t length, uint64_t value) {
  char digits[DECIMAL_DIGITS + 1];
  size_t first = DECIMAL_DIGITS;
  digits[first] = '\0';
  do {
    digits[--first] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return append(length, digits + first);
}

int aml_error_set(int err, const char *call, const char *argument, const char *reason) {
  last.code = err;
  size_t length = append(append(0, call), ": ");
  if (argument != NULL)
    length = append(append(length, argument), " ");
  append(length, reason);
  return err;
}

int aml_error_set_value(int err, const char *call, const char *argument, uint64_t value,
                        const char *reason) {
  last.code = err;
  size_t length = append(append(append(append(0, call), ": "), argument), " ");
  length = append_number(length, value);
  append(append(length, " "), reason);
  return err;
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
  last.code = code_of_errno(number);
  const size_t length = append(append(append(append(0, call), ": "), what), ": ");
  // GNU strerror_r, which returns the text wherever it is.
  append(length, strerror_r(number, unknown, sizeof unknown));
  return last.code;
}
