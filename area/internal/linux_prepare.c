// SPDX-License-Identifier: BSD-3-Clause
//
// The order matters: a policy and advice count for pages that are not there yet, so populating and
// locking, which touch, come last. What fails and is a wish is left out.
//
// mbind(2), madvise(2), mlock2(2).

#include <errno.h>
#include <sys/mman.h>

#include "aml/area/internal/numa.h"
#include "aml/area/internal/populate.h"
#include "area/internal/linux_mapping.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static bool is_wish(const struct aml_area_linux *self, unsigned grant) {
  return (self->wishes & grant) != 0;
}

static bool fail(struct aml_internal_linux_trouble *trouble, const char *what, int number) {
  *trouble = (struct aml_internal_linux_trouble){.what = what, .number = number};
  return false;
}

static bool bind_part(const struct aml_area_linux *self, const struct aml_internal_linux_part *part,
                      struct aml_internal_linux_trouble *trouble) {
  if (self->policy == AML_POLICY_DEFAULT)
    return true;
  const int number = aml_internal_numa_try_bind(part->base, part->size, self->policy,
                                                &self->devices, self->bind_flags);
  return number == 0 || is_wish(self, AML_AREA_GRANT_POLICY) || fail(trouble, NULL, number);
}

/** EINVAL is of a kernel without the feature, and means that there is nothing to be told. */
static bool advise(const struct aml_internal_linux_part *part, int advice, const char *what,
                   struct aml_internal_linux_trouble *trouble) {
  return madvise(part->base, part->size, advice) == 0 || errno == EINVAL ||
         fail(trouble, what, errno);
}

static bool advise_huge(const struct aml_area_linux *self,
                        const struct aml_internal_linux_part *part,
                        struct aml_internal_linux_trouble *trouble) {
  if (part->is_pool || part->is_advised)
    return true;
  if (self->huge_pages == AML_AREA_LINUX_HUGE_NONE)
    return advise(part, MADV_NOHUGEPAGE, "madvise", trouble);
  if (part->whole_size < self->advised_size)
    return true;
  return advise(part, MADV_HUGEPAGE, "madvise", trouble) ||
         is_wish(self, AML_AREA_GRANT_HUGE_TRANSPARENT);
}

static bool set_flags(const struct aml_area_linux *self, const struct aml_internal_linux_part *part,
                      struct aml_internal_linux_trouble *trouble) {
  if ((self->flags & AML_AREA_LINUX_NO_MERGE) != 0 &&
      !advise(part, MADV_UNMERGEABLE, "madvise(MADV_UNMERGEABLE)", trouble) &&
      !is_wish(self, AML_AREA_GRANT_NO_MERGE))
    return false;
  // Every kernel has this one.
  return (self->flags & AML_AREA_LINUX_NO_DUMP) == 0 ||
         madvise(part->base, part->size, MADV_DONTDUMP) == 0 ||
         is_wish(self, AML_AREA_GRANT_NO_DUMP) || fail(trouble, "madvise(MADV_DONTDUMP)", errno);
}

/** A touch of memory bound to nodes whose pool is empty is a fatal signal, so it is done here. */
static bool must_be_present(const struct aml_area_linux *self,
                            const struct aml_internal_linux_part *part) {
  return part->is_pool &&
         (self->policy == AML_POLICY_BIND || (self->flags & AML_AREA_LINUX_LOCK) != 0);
}

static bool populate(const struct aml_area_linux *self, const struct aml_internal_linux_part *part,
                     struct aml_internal_linux_trouble *trouble) {
  const bool is_asked = part->is_populated || (self->flags & AML_AREA_LINUX_POPULATE) != 0;
  const bool is_needed = must_be_present(self, part);
  // Locking populates too, by one thread.
  const bool is_prelude = (self->flags & AML_AREA_LINUX_LOCK) != 0 && self->populate_threads > 1;
  if (!is_asked && !is_needed && !is_prelude)
    return true;
  const int number =
      aml_internal_populate(part->base, part->size, self->page_size, self->populate_threads);
  return number == 0 || (!is_needed && is_wish(self, AML_AREA_GRANT_POPULATED)) ||
         fail(trouble, "madvise(MADV_POPULATE_WRITE)", number);
}

static bool lock(const struct aml_area_linux *self, const struct aml_internal_linux_part *part,
                 struct aml_internal_linux_trouble *trouble) {
  // The system takes no page of a pool away.
  if ((self->flags & (AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT)) == 0 || part->is_pool)
    return true;
  const bool on_fault = (self->flags & AML_AREA_LINUX_LOCK_ON_FAULT) != 0;
  if ((on_fault ? mlock2(part->base, part->size, MLOCK_ONFAULT) : mlock(part->base, part->size)) ==
      0)
    return true;
  // EAGAIN says that pages could not be had.
  (void)fail(trouble, "mlock, which RLIMIT_MEMLOCK limits", errno == EAGAIN ? ENOMEM : errno);
  // It may have failed in the midst of populating, with the range locked.
  if (is_wish(self, AML_AREA_GRANT_LOCKED))
    (void)munlock(part->base, part->size);
  return is_wish(self, AML_AREA_GRANT_LOCKED);
}

bool aml_internal_linux_prepare(const struct aml_area_linux *self,
                                const struct aml_internal_linux_part *part,
                                struct aml_internal_linux_trouble *trouble) {
  return bind_part(self, part, trouble) && advise_huge(self, part, trouble) &&
         set_flags(self, part, trouble) && populate(self, part, trouble) &&
         lock(self, part, trouble);
}
