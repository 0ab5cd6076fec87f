// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/scratchpad.h"

#include <stdlib.h>

// The hot function is inline in the header; this is where its symbol lives.
extern inline int aml_scratchpad_pull(struct aml_scratchpad *scratchpad, size_t id, unsigned flags,
                                      const struct aml_tile **tile);

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

int aml_scratchpad_refuse_pull(const struct aml_scratchpad *scratchpad) {
  return refuse_null("aml_scratchpad_pull", scratchpad == NULL ? "scratchpad" : "tile");
}

int aml_scratchpad_release(struct aml_scratchpad *scratchpad, size_t id, bool dirty) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_release", "scratchpad");
  return scratchpad->ops->release(scratchpad, id, dirty);
}

int aml_scratchpad_push(struct aml_scratchpad *scratchpad, size_t id) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_push", "scratchpad");
  return scratchpad->ops->push(scratchpad, id);
}

int aml_scratchpad_prefetch(struct aml_scratchpad *scratchpad, size_t id) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_prefetch", "scratchpad");
  return scratchpad->ops->prefetch(scratchpad, id);
}

int aml_scratchpad_flush(struct aml_scratchpad *scratchpad) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_flush", "scratchpad");
  return scratchpad->ops->flush(scratchpad);
}

int aml_scratchpad_drop(struct aml_scratchpad *scratchpad, size_t id) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_drop", "scratchpad");
  return scratchpad->ops->drop(scratchpad, id);
}

int aml_scratchpad_get_stats(const struct aml_scratchpad *scratchpad,
                             struct aml_scratchpad_stats *stats) {
  if (scratchpad == NULL || stats == NULL)
    return refuse_null("aml_scratchpad_get_stats", scratchpad == NULL ? "scratchpad" : "stats");
  scratchpad->ops->stats(scratchpad, stats);
  return 0;
}

int aml_scratchpad_validate(const struct aml_scratchpad *scratchpad) {
  if (scratchpad == NULL)
    return refuse_null("aml_scratchpad_validate", "scratchpad");
  return scratchpad->ops->validate(scratchpad);
}

void aml_scratchpad_fini(struct aml_scratchpad *scratchpad) {
  if (scratchpad != NULL)
    scratchpad->ops->fini(scratchpad);
}

void aml_scratchpad_destroy(struct aml_scratchpad **scratchpad) {
  if (scratchpad == NULL)
    return;
  aml_scratchpad_fini(*scratchpad);
  free(*scratchpad);
  *scratchpad = NULL;
}
