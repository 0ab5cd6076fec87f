// SPDX-License-Identifier: BSD-3-Clause
//
// area:linux: anonymous memory of the host, from the NUMA nodes that a policy names. Device numbers
// are node numbers.
//
//     AML_AREA_LINUX_DECL(area);
//     int err = aml_area_linux_init(area, &(struct aml_area_linux_options){
//         .policy = AML_POLICY_INTERLEAVE, .devices = nodes});
//     double *v = aml_area_map(area, n * sizeof *v, NULL);
//
// The policy is given for each mapping; that of the thread is neither read nor changed. Devices
// are taken exactly: a set with a node from which this process may have no memory is refused, where
// the kernel would leave the node out. With the default policy nothing of NUMA is called but by
// aml_area_bind(), locate, move, and get_info of a mapping, so it works where a container forbids
// that.
//
// The kernel interleaves by pages, and by huge pages where it uses them. A mapping that
// aml_area_resize() moves is aligned to pages only, and goes on with the rotation of its former
// address.
//
// Threads: thread-safe.
// Cost: map and unmap are one system call each, and one more with a policy (mbind(2)); a larger
// alignment than a page up to two more. No page is touched. The area keeps no record of mappings:
// aml_area_info::size is AML_UNKNOWN, and unmap trusts its caller.

#ifndef AML_AREA_LINUX_H
#define AML_AREA_LINUX_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Whether the system may use huge pages where it sees fit (madvise(2)). */
enum aml_area_linux_huge_pages {
  AML_AREA_LINUX_HUGE_DEFAULT = 0, /**< as the system is set */
  AML_AREA_LINUX_HUGE_NONE,        /**< it must not, so that all pages are of one size */
  AML_AREA_LINUX_HUGE_TRANSPARENT  /**< it may; mappings as large as a huge page are aligned to it.
                                        Ignored where there are none: see `granted` */
};

/** How an area of anonymous memory is made; each field's zero is its default. */
struct aml_area_linux_options {
  enum aml_policy policy; /**< of each mapping; default: the thread's own */
  enum aml_area_linux_huge_pages huge_pages;
  unsigned bind_flags;        /**< bits of enum aml_area_bind_flag, for the policy */
  struct aml_nodeset devices; /**< nodes of the policy, exactly; empty for those that take none */
};

/** Anonymous memory; use functions. Does not change once initialised. */
struct aml_area_linux {
  struct aml_area area;
  enum aml_policy policy;
  enum aml_area_linux_huge_pages huge_pages;
  unsigned bind_flags;
  unsigned granted;      /**< bits of enum aml_area_grant that each mapping gets */
  size_t page_size;      /**< 0: not initialised */
  size_t huge_page_size; /**< what mappings of that size and more are aligned to; 0: nothing */
  struct aml_nodeset devices;
};

extern AML_PUBLIC const struct aml_area_ops aml_area_linux_ops;

/** Declare `struct aml_area *name`, to be initialised as anonymous memory. */
#define AML_AREA_LINUX_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_area_linux, aml_area, area, aml_area_linux_ops, name)

/**
 * Initialise an area of anonymous memory.
 *
 * @param area     declared by AML_AREA_LINUX_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an unknown policy, flag or kind of huge
 * pages, a policy without the nodes that it takes, nodes for a policy that takes none, a node
 * from which this process may have no memory. -AML_ENOTSUP or -AML_EPERM, for policies that take
 * nodes: the system lacks or forbids NUMA. Whether it has the policy is found out by the first
 * map, which then fails as aml_area_bind() does.
 * Cost: reads the system's setting of huge pages; with nodes, one system call more.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_linux_init(struct aml_area *area,
                                                  const struct aml_area_linux_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_linux_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_area_linux_create(struct aml_area **area,
                                                    const struct aml_area_linux_options *options);

#ifdef __cplusplus
}
#endif

#endif
