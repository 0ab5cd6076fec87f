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
#define LATER 2 /* LARGE is as READY, but passed over by who waits for another request */
typedef slot_t { byte lap; byte unfinished[2]; byte phase; byte request }
slot_t slot[SIZE];
byte head, tail;
bit epoch;    /* which count claims are in */
#ifdef BARRIER
#define LOOK_AT_EPOCH(e) e = epoch
#else
#define LOOK_AT_EPOCH(e) skip /* the only barrier comes after all claims */
#endif
bool barring; /* one barrier at a time */

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
#define IS_CLAIMED(p) (slot[(p) % SIZE].lap > (p) / SIZE)

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

/* What whoever claimed a request, in the epoch e, says once it is done. */
inline tell(r, p, e) {
  slot[p % SIZE].unfinished[e]--;
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

inline perform_now(r, p, e) {
  assert(state[r] == PENDING);
  ran[r]++;
  state[r] = DONE;
  tell(r, p, e)
}

/* Claims what is at p if nobody has; the word may have changed since it was looked at. */
inline try_claim(p, claimed, e) {
  LOOK_AT_EPOCH(e);
  atomic {
    if
    :: slot[p % SIZE].lap == p / SIZE && slot[p % SIZE].phase != FREE ->
       slot[p % SIZE].phase = FREE;
       slot[p % SIZE].lap++;
       slot[p % SIZE].unfinished[e]++;
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
inline take(any, r, at, got, e) {
  got = false;
  LOOK_AT_EPOCH(e);
  do
  :: atomic {
       at = head;
       lap = slot[at % SIZE].lap;
       phase = slot[at % SIZE].phase;
       unfinished = slot[at % SIZE].unfinished[0] + 8 * slot[at % SIZE].unfinished[1]
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
             slot[at % SIZE].unfinished[0] + 8 * slot[at % SIZE].unfinished[1] == unfinished ->
#endif
             slot[at % SIZE].phase = FREE;
             slot[at % SIZE].lap++;
             slot[at % SIZE].unfinished[e]++;
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
     try_claim(position[0], helped, other_claim);
     if
     :: helped -> perform_now(0, position[0], other_claim)
     :: else ->
        take(false, other, there, helped, other_claim);
        if
        :: helped -> perform_now(other, there, other_claim)
        :: else
        fi;
        atomic { other = 0; there = 0; other_claim = 0 }
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
inline perform(r, p, e) {
  if
  :: IS_LATER(r) -> await_first()
  :: else
  fi;
  perform_now(r, p, e)
}

inline run_next(any, got) {
  take(any, r, at, got, claim);
  if
  :: got -> perform(r, at, claim)
  :: else
  fi;
  atomic { r = 0; at = 0; claim = 0 }
}

/* Waits for a request of one's own. */
inline wait(mine) {
  do
  :: state[mine] != PENDING -> break
  :: else ->
     got = false;
     if
     :: is_ready[mine] -> try_claim(position[mine], got, claim)
     :: else
     fi;
     if
     :: got -> perform(mine, position[mine], claim)
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

/* Puts a request into the queue. Where that is full, runs some of what is in it, and then reserves a
 * place and waits. A thread that sleeps is woken first, for what was put before it as one of many. */
inline put(mine) {
  is_ready[mine] = !IS_LATER(mine) || state[0] != PENDING;
  is_first = true;
  do
  :: atomic { IS_FREE(tail) -> position[mine] = tail; tail++ }
     break
  :: atomic { !IS_FREE(tail) -> skip }
#ifndef BROKEN_BATCH
     if
     :: is_first -> wake_one()
     :: else
     fi;
     is_first = false;
#endif
     if /* as often as it may */
     :: run_next(false, got)
     :: got = false
     fi;
     if
     :: got
     :: else ->
        atomic { position[mine] = tail; tail++ }
        IS_FREE(position[mine]);
        break
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
  try_claim(position[mine], got, claim);
  if
  :: got ->
     assert(state[mine] == PENDING);
     state[mine] = CANCELED;
     tell(mine, position[mine], claim)
  :: else
  fi
}

/* Sleeps until what is told to barriers makes a condition true. */
inline sleep_until(condition) {
  prepare(finished, ticket);
  if
  :: condition -> forget(finished, ticket)
  :: else -> sleep(finished, ticket)
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
     :: IS_CLAIMED(p) -> p++
     :: else ->
        run_next(false, got);
        if
        :: got
        :: else -> sleep_until(IS_CLAIMED(p))
        fi
     fi
  od;
  atomic { !barring -> barring = true }
#ifdef BROKEN_EPOCH
  turns = 1;
#else
  turns = 2;
#endif
  do
  :: turns == 0 -> break
  :: else ->
     atomic { before = epoch; epoch = 1 - epoch }
     p = 0;
     do
     :: p == SIZE -> break
     :: else ->
        if
        :: slot[p].unfinished[before] == 0 -> p++
        :: else -> sleep_until(slot[p].unfinished[before] == 0)
        fi
     od;
     turns--
  od;
  barring = false
}

proctype submitter(byte first) {
  byte r, at, other, there, lap, phase, unfinished, ticket, i;
  bit claim, other_claim;
  bool got, helped, is_first;
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
  bit claim, other_claim;
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
  byte r, at, other, there, lap, phase, unfinished, ticket, p, end, turns;
  bit claim, other_claim, before;
  bool got, helped;
#ifdef BARRIER
#if BARRIER == 2
  barrier();
#endif
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
