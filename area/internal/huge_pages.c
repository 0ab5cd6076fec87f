// SPDX-License-Identifier: BSD-3-Clause
//
// Documentation/admin-guide/mm/transhuge.rst and hugetlbpage.rst of the kernel; PR_SET_THP_DISABLE
// in prctl(2).

#include "aml/area/internal/huge_pages.h"

#include <fcntl.h>
#include <stdio.h>
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

size_t aml_internal_huge_pool_default(void) {
  static const char name[] = "\nHugepagesize:";
  char text[4096]; // all of it, in kernels so far; the line is one of the last
  ssize_t length = -1;
  const int descriptor = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) {
    length = read(descriptor, text, sizeof text - 1);
    (void)close(descriptor);
  }
  text[length < 0 ? 0 : length] = '\0';
  const char *const line = strstr(text, name);
  const size_t size = line == NULL ? 0 : (size_t)strtoull(line + sizeof name - 1, NULL, 10) * 1024;
  return aml_is_power_of_two(size) ? size : 0;
}

bool aml_internal_huge_pool_exists(size_t page_size) {
  char path[96];
  (void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%zukB", page_size / 1024);
  return page_size >= 1024 && access(path, F_OK) == 0;
}
