// SPDX-License-Identifier: BSD-3-Clause
//
// All threads are there before any begins, or none does. Each takes its own time from its own
// first byte to its own last, so that one which the system schedules late is not charged for it.
//
// pthread_attr_setaffinity_np(3): a thread is bound before it runs, or is not created at all.

#include "aml/core/internal/probe_team.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "aml/core/cpuset.h"
#include "aml/core/error.h"
#include "aml/core/internal/probe_kernels.h"

enum { CHUNK = 256 << 10, HOPS = 1024 };

enum gate { GATE_CLOSED = 0, GATE_OPEN, GATE_ABANDONED };

struct team {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum gate gate; /**< under the lock */
  uint64_t time_ns;
  bool is_chased;    /**< the first job is a chase, and the others go on until it is done */
  atomic_bool ended; /**< it is */
};

struct member {
  struct team *team;
  struct aml_internal_probe_job *job;
  pthread_t thread;
};

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/** Streams over a piece; returns the sum of what was read. */
static uint64_t stream_piece(const struct aml_internal_probe_job *job, char *piece, size_t size) {
  switch (job->kind) {
  case AML_INTERNAL_PROBE_WRITE:
    aml_internal_probe_write(piece, size, job->sum);
    return 0;
  case AML_INTERNAL_PROBE_WRITE_NONTEMPORAL:
    aml_internal_probe_write_nontemporal(piece, size, job->sum);
    return 0;
  default:
    return aml_internal_probe_read(piece, size);
  }
}

static bool is_over(struct team *team, uint64_t elapsed, bool is_pass) {
  if (team->is_chased)
    return atomic_load_explicit(&team->ended, memory_order_relaxed);
  return team->time_ns == 0 ? is_pass : elapsed >= team->time_ns;
}

static void stream(struct team *team, struct aml_internal_probe_job *job) {
  const uint64_t start = now_ns();
  uint64_t elapsed = 0;
  uint64_t sum = 0;
  uint64_t bytes = 0;
  size_t offset = 0;
  do {
    const size_t rest = job->size - offset;
    const size_t size = rest < CHUNK ? rest : CHUNK;
    sum += stream_piece(job, job->block + offset, size);
    bytes += size;
    offset = size == rest ? 0 : offset + size;
    elapsed = now_ns() - start;
  } while (!is_over(team, elapsed, offset == 0));
  job->sum += sum;
  job->count = bytes;
  job->time_ns = elapsed;
}

/** Follows pointers for some time. */
static void chase_for(struct aml_internal_probe_job *job, uint64_t time_ns) {
  const uint64_t start = now_ns();
  void *line = job->block;
  job->count = 0;
  do {
    line = aml_internal_probe_chase(line, HOPS);
    job->count += HOPS;
    job->time_ns = now_ns() - start;
  } while (job->time_ns < time_ns);
  job->block = line;
}

static void *run_job(void *context) {
  const struct member *const it = context;
  struct team *const team = it->team;
  (void)pthread_mutex_lock(&team->lock);
  while (team->gate == GATE_CLOSED)
    (void)pthread_cond_wait(&team->changed, &team->lock);
  const bool is_open = team->gate == GATE_OPEN;
  (void)pthread_mutex_unlock(&team->lock);
  if (!is_open)
    return NULL;
  if (it->job->kind == AML_INTERNAL_PROBE_MAKE_CYCLE) {
    aml_internal_probe_make_cycle(it->job->block, it->job->size, it->job->line_size, it->job->sum);
  } else if (it->job->kind == AML_INTERNAL_PROBE_CHASE) {
    chase_for(it->job, team->time_ns / 10);
    chase_for(it->job, team->time_ns);
    atomic_store_explicit(&team->ended, true, memory_order_relaxed);
  } else {
    stream(team, it->job);
  }
  it->job->ran_on = sched_getcpu();
  return NULL;
}

/** Creates a member's thread on its CPU; 0 or errno. */
static int start(struct member *member) {
  pthread_attr_t attributes;
  cpu_set_t set[AML_CPUSET_CAPACITY / CPU_SETSIZE];
  CPU_ZERO_S(sizeof set, set);
  CPU_SET_S((size_t)member->job->cpu, sizeof set, set);
  int number = pthread_attr_init(&attributes);
  if (number != 0)
    return number;
  number = pthread_attr_setaffinity_np(&attributes, sizeof set, set);
  if (number == 0)
    number = pthread_create(&member->thread, &attributes, run_job, member);
  (void)pthread_attr_destroy(&attributes);
  return number;
}

static int refuse(const char *call, int cpu, int number) {
  if (number == EINVAL)
    return aml_error_set_value(-AML_EINVAL, call, "cpus: CPU", (uint64_t)cpu,
                               "is offline, or not allowed to this process");
  return aml_error_set_system(call, "pthread_create", number);
}

/** Starts all threads, lets them run, or not if one could not be started, and waits for them. */
static int run(const char *call, struct team *team, struct member members[], size_t count) {
  sigset_t all;
  sigset_t before;
  size_t started = 0;
  int number = 0;
  // A handler of the program is to run on the program's threads.
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started < count && (number = start(&members[started])) == 0)
    ++started;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_mutex_lock(&team->lock);
  team->gate = number == 0 ? GATE_OPEN : GATE_ABANDONED;
  (void)pthread_cond_broadcast(&team->changed);
  (void)pthread_mutex_unlock(&team->lock);
  for (size_t i = 0; i < started; ++i)
    (void)pthread_join(members[i].thread, NULL);
  return number == 0 ? 0 : refuse(call, members[started].job->cpu, number);
}

int aml_internal_probe_run(const char *call, struct aml_internal_probe_job jobs[], size_t count,
                           uint64_t time_ns) {
  struct team team = {.lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER,
                      .time_ns = time_ns,
                      .is_chased = jobs[0].kind == AML_INTERNAL_PROBE_CHASE};
  atomic_init(&team.ended, false);
  struct member *const members = calloc(count, sizeof *members);
  if (members == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the list of threads");
  for (size_t i = 0; i < count; ++i)
    members[i] = (struct member){.team = &team, .job = &jobs[i]};
  const int err = run(call, &team, members, count);
  free(members);
  return err;
}
