// SPDX-License-Identifier: BSD-3-Clause
//
// Documentation/admin-guide/mm/transhuge.rst of the kernel; PR_SET_THP_DISABLE in prctl(2).

#include "aml/area/internal/huge_pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "aml/core/checked.h"

enum { TEXT_CAPACITY = 64 };

/** Reads a small file of the kernel into a string, which is empty where that fails. */
static void read_text(const char *path, char text[TEXT_CAPACITY]) {
  ssize_t length = -1;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) {
    length = read(descriptor, text, TEXT_CAPACITY - 1);
    (void)close(descriptor);
  }
  text[length < 0 ? 0 : length] = '\0';
}

bool aml_internal_huge_pages_are_used(bool are_asked_for) {
  char text[TEXT_CAPACITY]; // "always [madvise] never"
  if (prctl(PR_GET_THP_DISABLE, 0UL, 0UL, 0UL, 0UL) > 0)
    return false;
  read_text("/sys/kernel/mm/transparent_hugepage/enabled", text);
  return strstr(text, "[always]") != NULL || (are_asked_for && strstr(text, "[madvise]") != NULL);
}

size_t aml_internal_huge_page_size(void) {
  char text[TEXT_CAPACITY];
  read_text("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text);
  const unsigned long long size = strtoull(text, NULL, 10);
  return aml_is_power_of_two(size) ? size : 0;
}
