// SPDX-License-Identifier: BSD-3-Clause
//
// mbind(2) and move_pages(2) are called by syscall(2): libnuma, whose functions they are, is no
// part of what core depends on. Their constants are the kernel's interface.

#include "aml/core/internal/probe_memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"
#include "aml/core/internal/smaps.h"
#include "aml/core/nodeset.h"

enum { BIND = 2 };            // MPOL_BIND
enum { HUGE_PAGE = 2 << 20 }; // what the mapping is aligned to; larger ones need not fit
enum { PAGES = 512 };         // asked for at once

static int refuse_bind(const char *call, int target, int number) {
  if (number == EPERM)
    return aml_error_set_system(call, "mbind", number);
  if (number == ENOSYS)
    return aml_error_set(-AML_ENOTSUP, call, "target", "cannot be bound to, the kernel lacks NUMA");
  if (number == EINVAL)
    return aml_error_set_value(-AML_EINVAL, call, "target", (uint64_t)target,
                               "is no node from which this process may have memory");
  return aml_error_set_system(call, "mbind", number);
}

/** Binds memory that is not touched yet; 0 or errno. */
static int bind_to(const struct aml_internal_probe_memory *memory) {
  const struct aml_nodeset nodes = aml_nodeset_of(memory->target);
  // The kernel takes one bit less than it is told.
  return syscall(SYS_mbind, memory->mapping, memory->mapping_size, BIND, nodes.words,
                 (unsigned long)AML_NODESET_CAPACITY + 1, 0U) == 0
             ? 0
             : errno;
}

int aml_internal_probe_map(const char *call, size_t size, int target, bool is_only,
                           struct aml_internal_probe_memory *memory) {
  struct aml_internal_probe_memory made = {.size = size, .target = target};
  if (!aml_checked_add(size, HUGE_PAGE, &made.mapping_size))
    return aml_error_set(-AML_ENOMEM, call, "size", "is larger than the range of addresses");
  made.mapping = mmap(NULL, made.mapping_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made.mapping == MAP_FAILED)
    return aml_error_set_system(call, "mmap", errno);
  made.base = (char *)made.mapping + (-(uintptr_t)made.mapping & (HUGE_PAGE - 1));
  const int number = target < 0 ? 0 : bind_to(&made);
  if (number != 0 && !(is_only && (number == EPERM || number == ENOSYS))) {
    aml_internal_probe_unmap(&made);
    return refuse_bind(call, target, number);
  }
  // Wishes: a process that forks meanwhile is to have neither the memory nor the writing slower.
  (void)madvise(made.mapping, made.mapping_size, MADV_HUGEPAGE);
  (void)madvise(made.mapping, made.mapping_size, MADV_DONTFORK);
  *memory = made;
  return 0;
}

void aml_internal_probe_unmap(struct aml_internal_probe_memory *memory) {
  (void)munmap(memory->mapping, memory->mapping_size);
  *memory = (struct aml_internal_probe_memory){0};
}

int aml_internal_probe_check(const char *call, const struct aml_internal_probe_memory *memory,
                             enum aml_answer *is_on_target) {
  void *pages[PAGES];
  int nodes[PAGES];
  const size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
  *is_on_target = AML_ANSWER_UNKNOWN;
  if (memory->target < 0)
    return 0;
  for (size_t offset = 0; offset < memory->size;) {
    size_t count = 0;
    for (; count < PAGES && offset < memory->size; offset += page_size)
      pages[count++] = memory->base + offset;
    if (syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) != 0)
      return 0;
    for (size_t i = 0; i < count; ++i) {
      if (nodes[i] != memory->target)
        return aml_error_set_value(-AML_EAGAIN, call, "target", (uint64_t)memory->target,
                                   "has not all pages of the buffer, though it is bound to it");
    }
  }
  *is_on_target = AML_ANSWER_YES;
  return 0;
}

size_t aml_internal_probe_huge_size(const struct aml_internal_probe_memory *memory) {
  struct aml_internal_smaps_entry entry;
  if (!aml_internal_smaps_find(memory->base, &entry))
    return 0;
  return entry.transparent_size < memory->size ? entry.transparent_size : memory->size;
}
