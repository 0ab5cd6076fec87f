// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/limited.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aml/area/internal/forward.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

_Static_assert(offsetof(struct aml_area_limited, inner) ==
                   offsetof(struct aml_internal_forward, inner),
               "begins as every wrapper");

static struct aml_area_limited *self_of(struct aml_area *area) {
  return (struct aml_area_limited *)area;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/** What an area charges to its quota. */
static size_t charge_of(const struct aml_area_limited *self) {
  return larger(self->mapped, self->reserved);
}

/** Records what an area has mapped and reserved from now on, and charges it; under the lock. */
static void settle(struct aml_area_limited *self, size_t mapped, size_t reserved) {
  struct aml_area_quota_state *const state = &self->quota->state;
  state->charged -= charge_of(self);
  state->mapped -= self->mapped;
  __atomic_store_n(&self->mapped, mapped, __ATOMIC_RELAXED);
  self->reserved = reserved;
  state->mapped += mapped;
  state->charged += charge_of(self);
  state->peak = larger(state->peak, state->charged);
}

/** What an area wants of its quota. */
struct claim {
  size_t mapped;     /**< bytes beyond those that it has */
  bool is_reserving; /**< whether `reserved` is to be its reservation */
  size_t reserved;
};

/** Settles a claim, if that keeps to the limit or `is_allowed`; else tells how the quota stands. */
static bool try_claim(struct aml_area_limited *self, const struct claim *claim, bool is_allowed,
                      struct aml_area_quota_state *state) {
  struct aml_area_quota *const quota = self->quota;
  size_t mapped = 0;
  size_t total = 0;
  (void)pthread_mutex_lock(&quota->lock);
  const size_t reserved = claim->is_reserving ? claim->reserved : self->reserved;
  const size_t others = quota->state.charged - charge_of(self);
  bool fits = aml_checked_add(self->mapped, claim->mapped, &mapped) &&
              aml_checked_add(others, larger(mapped, reserved), &total);
  // What needs no more than is charged already was promised before.
  fits = fits && (is_allowed || total <= larger(quota->state.limit, quota->state.charged));
  if (fits)
    settle(self, mapped, reserved);
  else
    *state = quota->state;
  (void)pthread_mutex_unlock(&quota->lock);
  return fits;
}

static void unmap_bytes(struct aml_area_limited *self, size_t size) {
  (void)pthread_mutex_lock(&self->quota->lock);
  settle(self, self->mapped > size ? self->mapped - size : 0, self->reserved);
  (void)pthread_mutex_unlock(&self->quota->lock);
}

static int refuse(struct aml_area_limited *self, const char *call, const char *argument,
                  size_t size) {
  (void)pthread_mutex_lock(&self->quota->lock);
  ++self->quota->state.refusals;
  (void)pthread_mutex_unlock(&self->quota->lock);
  return aml_error_set_value(-AML_ENOMEM, call, argument, size,
                             "would go over the limit of the quota");
}

/** Settles a claim, of `size` bytes, and asks the callback where that goes over the limit. */
static int settle_claim(struct aml_area_limited *self, const struct claim *claim, const char *call,
                        const char *argument, size_t size) {
  const struct aml_area_quota *const quota = self->quota;
  struct aml_area_quota_state state;
  enum aml_area_quota_answer answer = AML_AREA_QUOTA_RETRY;
  while (!try_claim(self, claim, answer == AML_AREA_QUOTA_ALLOW, &state)) {
    if (quota->callback == NULL || answer == AML_AREA_QUOTA_ALLOW)
      return refuse(self, call, argument, size);
    answer = quota->callback(quota->argument, &state, size);
    if (answer != AML_AREA_QUOTA_ALLOW && answer != AML_AREA_QUOTA_RETRY)
      return refuse(self, call, argument, size);
  }
  return 0;
}

static int claim_mapped(struct aml_area_limited *self, const char *call, const char *argument,
                        size_t size) {
  const struct claim claim = {.mapped = size};
  return settle_claim(self, &claim, call, argument, size);
}

/** Rounds up a size as the inner area does; `err` is for one that is too large. */
static int round_up(const struct aml_area_limited *self, int err, const char *call,
                    const char *argument, size_t size, size_t *rounded) {
  if (self->inner == NULL)
    return aml_error_set(-AML_EINVAL, call, "area", "is not initialised");
  if (!aml_checked_round_up(size, self->granularity, rounded))
    return aml_error_set(err, call, argument, "is too large to be rounded up");
  return 0;
}

static int claim_reserved(struct aml_area_limited *self, const char *call, size_t size) {
  struct claim claim = {.is_reserving = true};
  const int err = round_up(self, -AML_ENOMEM, call, "reserve", size, &claim.reserved);
  return err ? err : settle_claim(self, &claim, call, "reserve", size);
}

static int map(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
               void **pointer) {
  static const char call[] = "aml_area_map";
  struct aml_area_limited *const self = self_of(area);
  size_t rounded = 0;
  int err = round_up(self, -AML_ENOMEM, call, "size", size, &rounded);
  if (!err)
    err = claim_mapped(self, call, "size", rounded);
  if (err)
    return err;
  err = aml_internal_forward_map(area, size, options, pointer);
  if (err)
    unmap_bytes(self, rounded);
  return err;
}

/**
 * Rounds up the size of what is to be a mapping, and refuses more than there is. Without the lock:
 * the caller's own mapping is counted already, and stays so until the caller gives it back.
 */
static int round_up_mapped(struct aml_area_limited *self, const char *call, const char *argument,
                           size_t size, size_t *rounded) {
  const int err = round_up(self, -AML_EINVAL, call, argument, size, rounded);
  if (err)
    return err;
  if (*rounded > __atomic_load_n(&self->mapped, __ATOMIC_RELAXED))
    return aml_error_set_value(-AML_EINVAL, call, argument, size, "is more than is mapped");
  return 0;
}

static int unmap(struct aml_area *area, void *pointer, size_t size) {
  struct aml_area_limited *const self = self_of(area);
  size_t rounded = 0;
  int err = round_up_mapped(self, "aml_area_unmap", "size", size, &rounded);
  if (!err)
    err = aml_internal_forward_unmap(area, pointer, size);
  if (!err)
    unmap_bytes(self, rounded);
  return err;
}

static int resize(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                  unsigned flags, void **new_pointer) {
  static const char call[] = "aml_area_resize";
  struct aml_area_limited *const self = self_of(area);
  size_t old_rounded = 0;
  size_t new_rounded = 0;
  int err = round_up_mapped(self, call, "old_size", old_size, &old_rounded);
  if (!err)
    err = round_up(self, -AML_ENOMEM, call, "new_size", new_size, &new_rounded);
  if (err)
    return err;
  const size_t grown = new_rounded > old_rounded ? new_rounded - old_rounded : 0;
  const size_t shrunk = old_rounded > new_rounded ? old_rounded - new_rounded : 0;
  if (grown != 0)
    err = claim_mapped(self, call, "new_size", grown);
  if (err)
    return err;
  err = aml_internal_forward_resize(area, pointer, old_size, new_size, flags, new_pointer);
  const size_t returned = err ? grown : shrunk;
  if (returned != 0)
    unmap_bytes(self, returned);
  return err;
}

static void fini(struct aml_area *area) {
  struct aml_area_limited *const self = self_of(area);
  if (self->inner != NULL) {
    (void)pthread_mutex_lock(&self->quota->lock);
    settle(self, 0, 0);
    (void)pthread_mutex_unlock(&self->quota->lock);
  }
  *self = (struct aml_area_limited){.area = {.ops = &aml_area_limited_ops}};
}

const struct aml_area_ops aml_area_limited_ops = {
    .name = "limited",
    .fini = fini,
    .capabilities = aml_internal_forward_capabilities,
    .map = map,
    .unmap = unmap,
    .info = aml_internal_forward_info,
    .bind = aml_internal_forward_bind,
    .locate = aml_internal_forward_locate,
    .move = aml_internal_forward_move,
    .resize = resize,
    .purge = aml_internal_forward_purge,
    .sync = aml_internal_forward_sync,
};

int aml_area_quota_init(struct aml_area_quota *quota,
                        const struct aml_area_quota_options *options) {
  if (quota == NULL || options == NULL)
    return aml_error_set(-AML_EINVAL, "aml_area_quota_init", quota == NULL ? "quota" : "options",
                         "is null");
  *quota = (struct aml_area_quota){.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .state = {.limit = options->limit},
                                   .callback = options->callback,
                                   .argument = options->argument};
  return 0;
}

int aml_area_quota_get(struct aml_area_quota *quota, struct aml_area_quota_state *state) {
  if (quota == NULL || state == NULL)
    return aml_error_set(-AML_EINVAL, "aml_area_quota_get", quota == NULL ? "quota" : "state",
                         "is null");
  (void)pthread_mutex_lock(&quota->lock);
  *state = quota->state;
  (void)pthread_mutex_unlock(&quota->lock);
  return 0;
}

int aml_area_quota_set_limit(struct aml_area_quota *quota, size_t limit) {
  if (quota == NULL)
    return aml_error_set(-AML_EINVAL, "aml_area_quota_set_limit", "quota", "is null");
  (void)pthread_mutex_lock(&quota->lock);
  quota->state.limit = limit;
  (void)pthread_mutex_unlock(&quota->lock);
  return 0;
}

int aml_area_limited_init(struct aml_area *area, struct aml_area *inner,
                          struct aml_area_quota *quota, size_t reserve) {
  static const char call[] = "aml_area_limited_init";
  size_t granularity = 0;
  int err = aml_internal_forward_check(call, area, &aml_area_limited_ops, inner, &granularity);
  if (err)
    return err;
  if (quota == NULL)
    return aml_error_set(-AML_EINVAL, call, "quota", "is null");
  struct aml_area_limited made = {
      .area = *area, .inner = inner, .quota = quota, .granularity = granularity};
  err = claim_reserved(&made, call, reserve);
  if (!err)
    *self_of(area) = made;
  return err;
}

int aml_area_limited_create(struct aml_area **area, struct aml_area *inner,
                            struct aml_area_quota *quota, size_t reserve) {
  struct aml_area *const made =
      aml_block_create("aml_area_limited_create", "area", area, sizeof(struct aml_area_limited),
                       &aml_area_limited_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_area_limited_init(made, inner, quota, reserve);
  if (err)
    free(made);
  else
    *area = made;
  return err;
}

int aml_area_limited_reserve(struct aml_area *area, size_t reserve) {
  static const char call[] = "aml_area_limited_reserve";
  if (area == NULL || area->ops != &aml_area_limited_ops)
    return aml_error_set(-AML_EINVAL, call, "area", "is null, or of another type");
  return claim_reserved(self_of(area), call, reserve);
}
