// SPDX-License-Identifier: BSD-3-Clause
//
// area:limited: any area, but no more of it than a quota allows; one quota may be for several
// areas.
//
//     struct aml_area_quota quota;
//     err = aml_area_quota_init(&quota, &(struct aml_area_quota_options){.limit = 1 << 30});
//     AML_AREA_LIMITED_DECL(area);
//     err = aml_area_limited_init(area, hbm, &quota, 64 << 20); // 64 MiB are this area's own
//
// A reservation is a part of the quota that is promised to one area: it is taken when it is made,
// so that a job fails at its start and not in the middle, and the area's maps draw from it first.
// What an area charges to its quota is the larger of what it has mapped and what it has reserved.
// Bytes count as the inner area rounds them: to its granularity.
//
// Threads: thread-safe. A quota has a lock, held for some instructions only; in the child of a
// fork() during which another thread was in a call, the quota cannot be used.
// Cost: map, unmap and resize add taking the lock, twice where the inner area fails; the rest is
// forwarded.

#ifndef AML_AREA_LIMITED_H
#define AML_AREA_LIMITED_H

#include <pthread.h>
#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a quota stands; bytes, but for `refusals`. */
struct aml_area_quota_state {
  size_t limit;
  size_t charged;  /**< by all areas; above the limit if a callback allowed it, or it was lowered */
  size_t mapped;   /**< by all areas; what is charged beyond it is reserved */
  size_t peak;     /**< the highest `charged` so far */
  size_t refusals; /**< calls that the quota refused */
};

/** What becomes of a call that would charge more than the limit. */
enum aml_area_quota_answer {
  AML_AREA_QUOTA_REFUSE = 0, /**< -AML_ENOMEM */
  AML_AREA_QUOTA_ALLOW,      /**< it goes over the limit */
  AML_AREA_QUOTA_RETRY       /**< something was given back: look, and perhaps ask, again */
};

/**
 * Asked when `size` bytes would go over the limit, in the thread of the call that wants them and
 * without a lock: it may unmap, and change the limit. What it maps itself is charged and may have
 * it called again.
 */
typedef enum aml_area_quota_answer (*aml_area_quota_callback)(
    void *argument, const struct aml_area_quota_state *state, size_t size);

/** How a quota is made. */
struct aml_area_quota_options {
  size_t limit;                     /**< bytes */
  aml_area_quota_callback callback; /**< null: the limit is hard */
  void *argument;                   /**< for the callback; borrowed */
};

/** Bytes that several areas may have together; use functions. */
struct aml_area_quota {
  pthread_mutex_t lock;
  struct aml_area_quota_state state;
  aml_area_quota_callback callback;
  void *argument;
};

/** Set up a quota. Returns: 0; -AML_EINVAL for null. Owns: nothing that needs an end. */
AML_PUBLIC AML_MUST_CHECK int aml_area_quota_init(struct aml_area_quota *quota,
                                                  const struct aml_area_quota_options *options);

/** Tell how a quota stands. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_area_quota_get(struct aml_area_quota *quota,
                                                 struct aml_area_quota_state *state);

/** Change the limit; what is charged already stays. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_area_quota_set_limit(struct aml_area_quota *quota, size_t limit);

/** An area with a quota; use functions. */
struct aml_area_limited {
  struct aml_area area;
  struct aml_area *inner;       /**< borrowed; null: not initialised */
  struct aml_area_quota *quota; /**< borrowed; its lock guards what follows */
  size_t granularity;
  size_t mapped; /**< atomic where the lock is not held */
  size_t reserved;
};

extern AML_PUBLIC const struct aml_area_ops aml_area_limited_ops;

/** Declare `struct aml_area *name`, to be initialised as an area with a quota. */
#define AML_AREA_LIMITED_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_area_limited, aml_area, area, aml_area_limited_ops, name)

/**
 * Initialise an area with a quota.
 *
 * Beyond core/area.h, map and a resize that grows fail with -AML_ENOMEM for the quota; unmap and
 * resize with -AML_EINVAL for a size that is more than all that is mapped. Fini gives back what the
 * area has charged.
 *
 * @param area     declared by AML_AREA_LIMITED_DECL, not initialised.
 * @param inner    borrowed; may be used beside, which then does not count.
 * @param quota    borrowed.
 * @param reserve  bytes to reserve, rounded up to the inner area's granularity; 0: none.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type; -AML_ENOMEM: the quota refuses the
 * reservation; what aml_area_get_info() of `inner` fails with.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_limited_init(struct aml_area *area, struct aml_area *inner,
                                                    struct aml_area_quota *quota, size_t reserve);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_limited_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_limited_create(struct aml_area **area,
                                                      struct aml_area *inner,
                                                      struct aml_area_quota *quota, size_t reserve);

/**
 * Change the size of the reservation, of which mappings may already have drawn.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOMEM: the quota refuses, and the reservation is as it was.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_limited_reserve(struct aml_area *area, size_t reserve);

#ifdef __cplusplus
}
#endif

#endif
