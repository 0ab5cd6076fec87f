// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/maps.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "aml/dma/internal/process.h"

/** What PROCMAP_QUERY takes and fills (Linux 6.11); here since older headers have none. */
struct query {
  uint64_t size;
  uint64_t query_flags;
  uint64_t query_addr;
  uint64_t vma_start;
  uint64_t vma_end;
  uint64_t vma_flags;
  uint64_t vma_page_size;
  uint64_t vma_offset;
  uint64_t inode;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint32_t vma_name_size;
  uint32_t build_id_size;
  uint64_t vma_name_addr;
  uint64_t build_id_addr;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct query)
enum { READABLE = 1, WRITABLE = 2, SHARED = 8 };

struct mapping {
  uintptr_t start;
  uintptr_t end;
  bool is_usable; /**< private, of no file, may be read and written */
};

static bool query_mapping(int maps, uintptr_t address, struct mapping *mapping) {
  struct query query = {.size = sizeof query, .query_addr = address};
  if (ioctl(maps, PROCMAP_QUERY, &query) != 0)
    return false;
  mapping->start = (uintptr_t)query.vma_start;
  mapping->end = (uintptr_t)query.vma_end;
  mapping->is_usable = query.inode == 0 &&
                       (query.vma_flags & (READABLE | WRITABLE | SHARED)) == (READABLE | WRITABLE);
  return true;
}

/** Reads "start-end rwxp offset device inode …". */
static bool read_line(const char *line, struct mapping *mapping) {
  char access[5];
  unsigned long inode;
  if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &mapping->start, &mapping->end, access, &inode) != 4)
    return false;
  mapping->is_usable = inode == 0 && access[0] == 'r' && access[1] == 'w' && access[3] == 'p';
  return true;
}

/** Looks for the mapping of an address in the lines of maps. */
static bool find_line(int maps, uintptr_t address, struct mapping *mapping) {
  char text[4096 + 1];
  size_t kept = 0; // of a line that has not ended
  ssize_t got;
  while ((got = read(maps, text + kept, sizeof text - 1 - kept)) > 0) {
    char *line = text;
    kept += (size_t)got;
    text[kept] = '\0';
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = '\0';
      if (read_line(line, mapping) && address < mapping->end)
        return address >= mapping->start;
    }
    kept -= (size_t)(line - text);
    memmove(text, line, kept);
  }
  return false;
}

static int open_maps(void) {
  return open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
}

void aml_internal_maps_open(struct aml_internal_maps *maps) {
  struct mapping mapping;
  maps->process = aml_internal_process_current();
  maps->descriptor = open_maps();
  // One that is there: this function's.
  if (maps->descriptor < 0 ||
      !query_mapping(maps->descriptor, (uintptr_t)&aml_internal_maps_open, &mapping))
    aml_internal_maps_close(maps);
}

void aml_internal_maps_close(struct aml_internal_maps *maps) {
  if (maps->descriptor >= 0)
    (void)close(maps->descriptor);
  maps->descriptor = -1;
}

/** Looks an address up in the text. */
static bool read_mapping(uintptr_t address, struct mapping *mapping) {
  const int text = open_maps();
  if (text < 0)
    return false;
  const bool found = find_line(text, address, mapping);
  (void)close(text);
  return found;
}

static bool find_mapping(const struct aml_internal_maps *maps, uintptr_t address,
                         struct mapping *mapping) {
  return maps->descriptor >= 0 && aml_internal_process_is(maps->process)
             ? query_mapping(maps->descriptor, address, mapping)
             : read_mapping(address, mapping);
}

static bool is_within(uintptr_t address, size_t size, const struct mapping *mapping) {
  return address >= mapping->start && address < mapping->end && mapping->end - address >= size;
}

bool aml_internal_maps_are_private(const struct aml_internal_maps *maps, const void *one,
                                   const void *other, size_t size) {
  struct mapping mapping;
  const uintptr_t first = (uintptr_t)one;
  const uintptr_t second = (uintptr_t)other;
  if (!find_mapping(maps, first, &mapping) || !mapping.is_usable ||
      !is_within(first, size, &mapping))
    return false;
  return is_within(second, size, &mapping) ||
         (find_mapping(maps, second, &mapping) && mapping.is_usable &&
          is_within(second, size, &mapping));
}
