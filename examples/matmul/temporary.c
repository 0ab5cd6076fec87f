// SPDX-License-Identifier: BSD-3-Clause
//
// Paths stand in a fixed table which the signal handler reads. Whoever changes it blocks the
// signals meanwhile, so that a file and its entry come and go as one. Other threads (OpenBLAS has
// some, idle ones) do not block them, so they hand a signal that they get on to the one that does.

#include "aml/examples/matmul/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_PATHS = 8 };

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static const char *paths[MAX_PATHS];
static int count;
static pthread_t owner; // of the table

/** Calls only what a signal handler may. */
static void remove_paths(void) {
  while (count > 0) {
    --count;
    if (unlink(paths[count]) != 0)
      (void)rmdir(paths[count]);
  }
}

static void on_signal(int number) {
  if (!pthread_equal(pthread_self(), owner)) {
    (void)pthread_kill(owner, number);
    return;
  }
  remove_paths();
  // Ends the program as if the signal were unhandled, once this handler returns and unblocks it.
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

static sigset_t all_signals(void) {
  sigset_t set;
  (void)sigemptyset(&set);
  for (int i = 0; i < SIGNALS; ++i)
    (void)sigaddset(&set, signals[i]);
  return set;
}

static sigset_t block(void) {
  const sigset_t set = all_signals();
  sigset_t before;
  (void)pthread_sigmask(SIG_BLOCK, &set, &before);
  return before;
}

static void unblock(const sigset_t *before) {
  (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

void temporary_install(void) {
  const struct sigaction action = {.sa_handler = on_signal, .sa_mask = all_signals()};
  owner = pthread_self();
  for (int i = 0; i < SIGNALS; ++i) {
    struct sigaction before;
    // Who started the program to ignore a signal (nohup) has it ignored.
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      (void)sigaction(signals[i], &action, NULL);
  }
}

/** Registers a path; the caller has blocked the signals. */
static int add(const char *path) {
  if (count == MAX_PATHS) {
    errno = ENOSPC;
    return -1;
  }
  paths[count++] = path;
  return 0;
}

int temporary_file(char *path) {
  const sigset_t before = block();
  int descriptor = mkostemp(path, O_CLOEXEC);
  if (descriptor >= 0 && add(path) != 0) {
    (void)unlink(path);
    (void)close(descriptor);
    descriptor = -1;
  }
  unblock(&before);
  return descriptor;
}

int temporary_directory(char *path) {
  const sigset_t before = block();
  int result = mkdtemp(path) == NULL ? -1 : 0;
  if (result == 0 && add(path) != 0) {
    (void)rmdir(path);
    result = -1;
  }
  unblock(&before);
  return result;
}

int temporary_adopt(const char *path) {
  const sigset_t before = block();
  const int result = add(path);
  unblock(&before);
  return result;
}

/** Takes a path out of the table; the caller has blocked the signals. */
static void forget(const char *path) {
  int kept = 0;
  for (int i = 0; i < count; ++i)
    if (paths[i] != path)
      paths[kept++] = paths[i];
  count = kept;
}

int temporary_keep(const char *path, const char *name) {
  const sigset_t before = block();
  const int result = rename(path, name);
  if (result == 0)
    forget(path);
  unblock(&before);
  return result;
}

void temporary_remove(const char *path) {
  const sigset_t before = block();
  (void)unlink(path);
  forget(path);
  unblock(&before);
}

void temporary_remove_all(void) {
  const sigset_t before = block();
  remove_paths();
  unblock(&before);
}
