// SPDX-License-Identifier: BSD-3-Clause
//
// Who asks for certain memory must not run in other memory unawares for hours, so what cannot be
// had ends the process at once. Nothing here may allocate by the C library, but what the bootstrap
// heap serves.

#include "tools/malloc/heap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aml/area/file.h"
#include "aml/area/linux.h"
#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tools/malloc/bootstrap.h"
#include "aml/tools/malloc/options.h"

// Descriptors from FIRST_KEPT on are of no number that a program would count on.
enum { EXIT_STATUS = 127, MESSAGE_CAPACITY = 512, FIRST_KEPT = 1000 };

// Made once, before there can be a second thread in here.
static struct malloc_options options;
static struct aml_area *area;
static struct aml_arena *arena;

// Where sentences go. Programs close standard error before they end, so a report keeps it.
static int output = STDERR_FILENO;
static struct stat kept; // what that was, if it is kept

static void keep_output(void) {
  const int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FIRST_KEPT);
  if (copy >= 0 && fstat(copy, &kept) == 0)
    output = copy;
}

/** Whether what was kept is still there; a program may have closed all, and opened its own. */
static bool has_output(void) {
  struct stat now;
  return output == STDERR_FILENO ||
         (fstat(output, &now) == 0 && now.st_dev == kept.st_dev && now.st_ino == kept.st_ino);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char message[MESSAGE_CAPACITY];
  va_list arguments;
  int length = snprintf(message, sizeof message, "libaml_malloc: ");
  va_start(arguments, format);
  length += vsnprintf(message + length, sizeof message - (size_t)length, format, arguments);
  va_end(arguments);
  if (length >= (int)sizeof message)
    length = (int)sizeof message - 1;
  message[length - 1] = '\n';
  if (write(output, message, (size_t)length) < 0)
    return; // there is nobody to tell
}

static void lock_before_fork(void) {
  bootstrap_lock();
}

static void unlock_after_fork(void) {
  bootstrap_unlock();
}

static void begin_child(void) {
  bootstrap_unlock();
  if (options.is_file) {
    // Both would write to the same blocks.
    say("a process whose heap is a file cannot fork; it may spawn\n");
    _exit(EXIT_STATUS);
  }
}

struct aml_arena *heap_make(void) {
  char fault[MESSAGE_CAPACITY / 2];
  if (!malloc_options_parse(getenv("AML_MALLOC"), &options, fault, sizeof fault)) {
    say("AML_MALLOC: %s\n", fault);
    _exit(EXIT_STATUS);
  }
  // Before the arena's own handlers, so that this lock is taken after theirs: they take it too.
  int err = pthread_atfork(lock_before_fork, unlock_after_fork, begin_child);
  if (err != 0) {
    say("pthread_atfork: %d\n", err);
    _exit(EXIT_STATUS);
  }
  const struct aml_arena_slab_options slab = {.limit = options.limit};
  err = options.is_file ? aml_area_file_create(&area, &options.file)
                        : aml_area_linux_create(&area, &options.linux_area);
  if (!err)
    err = aml_arena_slab_create(&arena, area, &slab);
  // A node that does not exist, or a pool that is empty, is only found out by a map.
  void *const probe = err ? NULL : aml_arena_alloc(arena, 1, 0, 0);
  if (probe == NULL) {
    say("%s\n", aml_error_detail());
    _exit(EXIT_STATUS);
  }
  aml_arena_free(arena, probe);
  if (options.reports)
    keep_output();
  return arena;
}

__attribute__((destructor)) static void report(void) {
  struct aml_arena_stats stats;
  struct aml_area_info info;
  if (!options.reports || arena == NULL || !has_output() ||
      aml_arena_get_stats(arena, &stats) != 0 || aml_area_get_info(area, NULL, &info) != 0)
    return;
  say("process %d ends with %llu KiB held from area:%s, %llu blocks of %llu KiB in it\n",
      (int)getpid(), (unsigned long long)stats.reserved_size / 1024, info.type,
      (unsigned long long)stats.live_count, (unsigned long long)stats.live_size / 1024);
}
