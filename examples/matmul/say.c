// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print(const char *format, va_list arguments, const char *reason) {
  fputs("matmul: ", stderr);
  (void)vfprintf(stderr, format, arguments);
  if (reason != NULL)
    fprintf(stderr, ": %s", reason);
  fputc('\n', stderr);
}

int say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print(format, arguments, NULL);
  va_end(arguments);
  return -1;
}

int say_errno(const char *format, ...) {
  const char *const reason = strerror(errno);
  va_list arguments;
  va_start(arguments, format);
  print(format, arguments, reason);
  va_end(arguments);
  return -1;
}
