// SPDX-License-Identifier: BSD-3-Clause
//
// Open locals are a list, by slot. A thread's table begins in its fixed storage and moves to the C
// heap when a slot is beyond that. A lock guards the list; it is held while owners are told
// something, so that an owner which has closed is told nothing more. Owners take locks of their own
// under it, and never call here with these held, but for get and set, which need none.

#include "aml/arena/internal/local.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FIXED_COUNT = 8 };

__thread struct aml_internal_local_table aml_internal_local_mine
    __attribute__((tls_model("initial-exec")));
static __thread struct aml_internal_local_entry fixed[FIXED_COUNT]
    __attribute__((tls_model("initial-exec")));
static __thread bool is_ending __attribute__((tls_model("initial-exec")));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct aml_internal_local *open_locals;
static uint64_t opened; // so many were, ever

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_of_thread;
static bool can_tell; // of the ends of threads, and of forks

static void before_fork(void) {
  (void)pthread_mutex_lock(&lock);
  for (struct aml_internal_local *local = open_locals; local != NULL; local = local->next)
    local->ops->before_fork(local);
}

static void after_fork(bool is_child) {
  for (struct aml_internal_local *local = open_locals; local != NULL; local = local->next)
    local->ops->after_fork(local, is_child);
  (void)pthread_mutex_unlock(&lock);
}

static void after_fork_in_parent(void) {
  after_fork(false);
}

static void after_fork_in_child(void) {
  after_fork(true);
}

/** The thread may yet call arenas, in what else is called at its end; it then has no pointers. */
static void end_thread(void *unused) {
  struct aml_internal_local_table *const mine = &aml_internal_local_mine;
  (void)unused;
  is_ending = true;
  (void)pthread_mutex_lock(&lock);
  for (struct aml_internal_local *local = open_locals; local != NULL; local = local->next) {
    void *const pointer = aml_internal_local_get(local->key);
    if (pointer != NULL)
      local->ops->leave(local, pointer);
  }
  (void)pthread_mutex_unlock(&lock);
  if (mine->entries != fixed)
    free(mine->entries);
  *mine = (struct aml_internal_local_table){0};
}

static void prepare(void) {
  can_tell = pthread_key_create(&end_of_thread, end_thread) == 0 &&
             pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/** Makes room in the thread's table. */
static bool reach(struct aml_internal_local_table *mine, size_t slot, bool may_allocate) {
  if (mine->entries == NULL) {
    // Any value but null has the thread's end told.
    if (is_ending || !can_tell || pthread_setspecific(end_of_thread, fixed) != 0)
      return false;
    *mine = (struct aml_internal_local_table){FIXED_COUNT, fixed};
  }
  if (slot < mine->count)
    return true;
  const size_t count = 2 * slot;
  struct aml_internal_local_entry *const longer =
      may_allocate ? calloc(count, sizeof *longer) : NULL;
  if (longer == NULL)
    return false;
  memcpy(longer, mine->entries, mine->count * sizeof *longer);
  if (mine->entries != fixed)
    free(mine->entries);
  *mine = (struct aml_internal_local_table){count, longer};
  return true;
}

bool aml_internal_local_set(uint64_t key, void *pointer, bool may_allocate) {
  struct aml_internal_local_table *const mine = &aml_internal_local_mine;
  const size_t slot = key % AML_INTERNAL_LOCAL_SLOTS;
  if (!reach(mine, slot, may_allocate))
    return false;
  mine->entries[slot] = (struct aml_internal_local_entry){key, pointer};
  return true;
}

bool aml_internal_local_open(struct aml_internal_local *local,
                             const struct aml_internal_local_ops *ops) {
  (void)pthread_once(&once, prepare);
  (void)pthread_mutex_lock(&lock);
  struct aml_internal_local **link = &open_locals;
  uint64_t slot = 0;
  while (*link != NULL && (*link)->key % AML_INTERNAL_LOCAL_SLOTS == slot) {
    link = &(*link)->next;
    ++slot;
  }
  const bool has_room = slot < AML_INTERNAL_LOCAL_SLOTS;
  if (has_room) {
    const uint64_t key = ++opened * AML_INTERNAL_LOCAL_SLOTS + slot;
    *local = (struct aml_internal_local){ops, *link, key};
    *link = local;
  }
  (void)pthread_mutex_unlock(&lock);
  return has_room;
}

void aml_internal_local_close(struct aml_internal_local *local) {
  if (local->key == 0)
    return;
  (void)pthread_mutex_lock(&lock);
  struct aml_internal_local **link = &open_locals;
  while (*link != local)
    link = &(*link)->next;
  *link = local->next;
  (void)pthread_mutex_unlock(&lock);
  *local = (struct aml_internal_local){0};
}
