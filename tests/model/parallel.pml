/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dma:parallel's queue and its ways to sleep, statement by statement where threads meet: the queue
 * of dma/internal/ring.c, the events of dma/internal/event.h, and who calls them in
 * dma/parallel.c. Atomic operations there are atomic steps here; all that the protocol rests on is
 * sequentially consistent there.
 *
 * Shown for all interleavings: each request runs once, or never if it was called off; a claim gets
 * the request that was put there; nobody sleeps or looks for ever; all ends. (A loop that looks is
 * a statement that blocks here, so that one which finds nothing any more is a deadlock.)
 *
 * tests/model/run says with which numbers of all, and which defects must be found (BROKEN_...).
 */

#ifndef SIZE
#define SIZE 2 /* of the queue */
#endif
#ifndef WORKERS
#define WORKERS 1
#endif
#ifndef SUBMITTERS
#define SUBMITTERS 2
#endif
#ifndef EACH
#define EACH 2 /* requests of a submitter */
#endif
#define COUNT (SUBMITTERS * EACH)

/* A slot's word is one word: its fields are read and written in one step. */
#define FREE 0
#define READY 1
#define LATER 2
typedef slot_t { byte lap; byte unfinished; byte phase; byte request }
slot_t slot[SIZE];
byte head, tail;

#define PENDING 0
#define DONE 1
#define CANCELED 2
byte state[COUNT];    /* of requests */
byte position[COUNT]; /* where they were put */
bool is_ready[COUNT]; /* what they come after was done when they were put */
byte ran[COUNT];

/* `asleep` has a bit for each who is in futex(2): those who are woken are those who were there. */
typedef event_t { byte epoch; byte sleepers; byte asleep }
#define ME (1 << _pid)
event_t idle, done, finished;
byte spinning, ended;
bool is_ending;

inline prepare(event, ticket) {
  event.sleepers++;
  ticket = event.epoch
}
inline forget(event, ticket) { atomic { event.sleepers--; ticket = 0 } }
inline sleep(event, ticket) {
  if
  :: atomic { event.epoch == ticket -> event.asleep = event.asleep | ME }
     (event.asleep & ME) == 0
  :: atomic { event.epoch != ticket -> skip }
  fi;
  forget(event, ticket)
}
inline wake_some(event) {
  event.epoch++;
  atomic {
    if /* any one of them */
    :: (event.asleep & 1) != 0 -> event.asleep = event.asleep & ~1
    :: (event.asleep & 2) != 0 -> event.asleep = event.asleep & ~2
    :: (event.asleep & 4) != 0 -> event.asleep = event.asleep & ~4
    :: (event.asleep & 8) != 0 -> event.asleep = event.asleep & ~8
    :: (event.asleep & 16) != 0 -> event.asleep = event.asleep & ~16
    :: event.asleep == 0
    fi
  }
}
inline wake_all(event) {
  event.epoch++;
  event.asleep = 0
}

#define HAS_WORK \
  (slot[head % SIZE].lap != head / SIZE || slot[head % SIZE].phase != FREE)
#define CAN_TAKE \
  (slot[head % SIZE].lap != head / SIZE || slot[head % SIZE].phase == READY)
#define IS_FREE(p) \
  (slot[(p) % SIZE].lap == (p) / SIZE && slot[(p) % SIZE].phase == FREE)
#define IS_FINISHED(p) \
  (slot[(p) % SIZE].lap > (p) / SIZE && slot[(p) % SIZE].unfinished == 0)

/* A thread that is about to sleep, or has slept, sees the work; one that spins will. */
inline wake_one() {
  if
  :: idle.sleepers > 0 ->
     if
     :: spinning == 0 -> wake_some(idle)
     :: else
     fi
  :: else
  fi
}

/* What whoever claimed a request says once it is done. */
inline tell(r, p) {
  slot[p % SIZE].unfinished--;
  if :: done.sleepers > 0 -> wake_all(done) :: else fi;
#ifdef BROKEN_TELL
  if
  :: state[r] == CANCELED
  :: state[r] != CANCELED && finished.sleepers > 0 -> wake_all(finished)
  :: else
  fi
#else
  if :: finished.sleepers > 0 -> wake_all(finished) :: else fi
#endif
}

inline perform_now(r, p) {
  assert(state[r] == PENDING);
  ran[r]++;
  state[r] = DONE;
  tell(r, p)
}

/* Claims what is at p if nobody has; the word may have changed since it was looked at. */
inline try_claim(p, claimed) {
  atomic {
    if
    :: slot[p % SIZE].lap == p / SIZE && slot[p % SIZE].phase != FREE ->
       slot[p % SIZE].phase = FREE;
       slot[p % SIZE].lap++;
       slot[p % SIZE].unfinished++;
       claimed = true
    :: else -> claimed = false
    fi
  }
}

/* Request AFTER comes after request 0: its phase in the queue is another one. */
#ifdef AFTER
#define IS_LATER(r) ((r) == AFTER)
#else
#define IS_LATER(r) false
#endif

/* aml_internal_ring_take(), with what run_next() says of more work. */
inline take(any, r, at, got) {
  got = false;
  do
  :: atomic {
       at = head;
       lap = slot[at % SIZE].lap;
       phase = slot[at % SIZE].phase;
       unfinished = slot[at % SIZE].unfinished
     }
     if
     :: lap == at / SIZE && (phase == FREE || (phase == LATER && !any)) -> break
     :: lap == at / SIZE && (phase == READY || (phase == LATER && any)) ->
        r = slot[at % SIZE].request;
        atomic {
          if
#ifdef BROKEN_CLAIM
          :: slot[at % SIZE].phase == phase ->
#else
          :: slot[at % SIZE].lap == lap && slot[at % SIZE].phase == phase &&
             slot[at % SIZE].unfinished == unfinished ->
#endif
             slot[at % SIZE].phase = FREE;
             slot[at % SIZE].lap++;
             slot[at % SIZE].unfinished++;
             got = true
          :: else
          fi
        }
        if
        :: got ->
           assert(position[r] == at);
           atomic { if :: head == at -> head++ :: else fi }
           if :: HAS_WORK -> wake_one() :: else fi;
           break
        :: else
        fi
     :: lap != at / SIZE ->
        atomic { if :: head == at -> head++ :: else fi }
     fi
  od;
  atomic { lap = 0; phase = 0; unfinished = 0 } /* fewer states */
}

/* Waits for request 0, as aml_dma_request_await_others(). */
inline await_first() {
  do
  :: state[0] != PENDING -> break
  :: else ->
     try_claim(position[0], helped);
     if
     :: helped -> perform_now(0, position[0])
     :: else ->
        take(false, other, there, helped);
        if
        :: helped -> perform_now(other, there)
        :: else
        fi;
        atomic { other = 0; there = 0 }
        if
        :: helped
        :: else ->
           prepare(done, ticket);
           if
           :: state[0] != PENDING -> forget(done, ticket)
           :: else -> sleep(done, ticket)
           fi
        fi
     fi
  od
}

/* What whoever claimed a request does. */
inline perform(r, p) {
  if
  :: IS_LATER(r) -> await_first()
  :: else
  fi;
  perform_now(r, p)
}

inline run_next(any, got) {
  take(any, r, at, got);
  if
  :: got -> perform(r, at)
  :: else
  fi;
  atomic { r = 0; at = 0 }
}

/* Waits for a request of one's own. */
inline wait(mine) {
  do
  :: state[mine] != PENDING -> break
  :: else ->
     got = false;
     if
     :: is_ready[mine] -> try_claim(position[mine], got)
     :: else
     fi;
     if
     :: got -> perform(mine, position[mine])
     :: else ->
        run_next(false, got);
        if
        :: got
        :: else ->
           prepare(done, ticket);
           if
           :: state[mine] != PENDING -> forget(done, ticket)
           :: else -> sleep(done, ticket)
           fi
        fi
     fi
  od
}

/* Puts a request into the queue; where that is full, runs what is in it. A thread that sleeps is
 * woken first, for what was put before it as one of many. */
inline put(mine) {
  is_ready[mine] = !IS_LATER(mine) || state[0] != PENDING;
  atomic { position[mine] = tail; tail++ }
#ifndef BROKEN_BATCH
  if
  :: IS_FREE(position[mine])
  :: else -> wake_one()
  fi;
#endif
  do
  :: IS_FREE(position[mine]) -> break
  :: else ->
     run_next(false, got);
     if /* looks again and again */
     :: got
     :: !got -> IS_FREE(position[mine]) || CAN_TAKE
     fi
  od;
  slot[position[mine] % SIZE].request = mine;
  slot[position[mine] % SIZE].phase = (IS_LATER(mine) -> LATER : READY)
}

/* Requests first .. first + EACH - 1, one by one or as one of many. */
inline submit() {
  for (i : first .. first + EACH - 1) {
#ifdef BROKEN_WAKE
    wake_one();
#endif
    put(i);
#if !defined(BROKEN_WAKE) && !defined(BATCH)
    wake_one()
#endif
  }
#if !defined(BROKEN_WAKE) && defined(BATCH)
  wake_one()
#endif
}

inline call_off(mine) {
  try_claim(position[mine], got);
  if
  :: got ->
     assert(state[mine] == PENDING);
     state[mine] = CANCELED;
     tell(mine, position[mine])
  :: else
  fi
}

/* Waits for all that was submitted before. */
inline barrier() {
  end = tail;
  p = (end < SIZE -> 0 : end - SIZE);
  do
  :: p == end -> break
  :: else ->
     if
     :: IS_FINISHED(p) -> p++
     :: else ->
        run_next(false, got);
        if
        :: got
        :: else ->
           prepare(finished, ticket);
           if
           :: IS_FINISHED(p) -> forget(finished, ticket)
           :: else -> sleep(finished, ticket)
           fi
        fi
     fi
  od
}

proctype submitter(byte first) {
  byte r, at, other, there, lap, phase, unfinished, ticket, i;
  bool got, helped;
  submit();
#ifdef CANCEL
  call_off(first);
#endif
  for (i : first .. first + EACH - 1) {
#ifdef POLL
    state[i] != PENDING; /* and nobody helps */
#else
    wait(i);
#endif
    assert(ran[i] == (state[i] == DONE -> 1 : 0))
  }
  ended++
}

proctype worker() {
  byte r, at, other, there, lap, phase, unfinished, ticket;
  bool got, found, helped;
  do
  :: run_next(true, got);
     if
     :: got
     :: else ->
        if :: is_ending -> break :: else fi;
        found = HAS_WORK;
        spinning++;
        if
        :: found
        :: else -> found = HAS_WORK || is_ending
        fi;
        spinning--;
        if
        :: found
        :: else ->
           prepare(idle, ticket);
           if
#ifndef BROKEN_SLEEP
           :: HAS_WORK || is_ending -> forget(idle, ticket)
#endif
           :: else -> sleep(idle, ticket)
           fi
        fi
     fi
  od;
  ended++
}

/* A barrier at any time, and the end of the dma. */
proctype owner() {
  byte r, at, other, there, lap, phase, unfinished, ticket, p, end;
  bool got, helped;
#ifdef BARRIER
  barrier();
  for (p : 0 .. COUNT - 1) { assert(end < COUNT || state[p] != PENDING) }
#endif
  ended == SUBMITTERS;
  barrier();
  is_ending = true;
  wake_all(idle);
  ended == SUBMITTERS + WORKERS;
  assert(tail == COUNT && head <= tail)
}

init {
  byte i;
  atomic {
    for (i : 0 .. SUBMITTERS - 1) { run submitter(i * EACH) }
    for (i : 1 .. WORKERS) { run worker() }
    run owner()
  }
}
