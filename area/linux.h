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
// What options ask for is had, or map fails with a sentence; unless the same is among the wishes:
// then it may be missing, and aml_area_info::granted tells of a mapping which wishes it got, as the
// kernel reports it. The transparent huge pages that are the default may be missing always, but are
// told of each mapping only if they are named among the wishes, as the kernel is slow to tell.
//
// The kernel interleaves by pages, and by huge pages where it uses them.
//
// Threads: thread-safe. Threads are made only by a map that populates, and end with it.
// Cost: map and unmap are one system call each, and one more for a policy (mbind(2)), for huge
// pages, and for each other option; a larger alignment than a page up to two more. Where the system
// wants advice on huge pages, mappings of one or two of them are cut out of a reservation of 32,
// which spares that call; its addresses, not memory, are the area's until its end. No page is
// touched but to populate, to lock, and for bound memory from a pool. The area keeps no record of
// mappings: aml_area_info::size is AML_UNKNOWN, and unmap trusts its caller, who may give back a
// part, and must not give back twice: what has the addresses by then would go (area:tracked tells).

#ifndef AML_AREA_LINUX_H
#define AML_AREA_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which pages mappings get (madvise(2), MAP_HUGETLB in mmap(2)). */
enum aml_area_linux_huge_pages {
  AML_AREA_LINUX_HUGE_DEFAULT = 0, /**< transparent huge ones where there are such, for mappings as
                                        large as one and larger, which are aligned to it */
  AML_AREA_LINUX_HUGE_NONE,        /**< all of the base size */
  AML_AREA_LINUX_HUGE_TRANSPARENT, /**< likewise, and for smaller mappings any that fit */
  AML_AREA_LINUX_HUGE_POOL         /**< from the pool of `pool_page_size`; that, or where the pool
                                        is a wish still, is the granularity. Where it is not had,
                                        transparent ones are, by the default's rules */
};

/** What else mappings get; bits of aml_area_linux_options::flags. */
enum aml_area_linux_flag {
  AML_AREA_LINUX_POPULATE = 1 << 0,      /**< every map is AML_AREA_MAP_POPULATE */
  AML_AREA_LINUX_LOCK = 1 << 1,          /**< populated, and no page leaves memory (mlock(2)) */
  AML_AREA_LINUX_LOCK_ON_FAULT = 1 << 2, /**< likewise, from a page's first touch on (mlock2(2)) */
  AML_AREA_LINUX_NO_DUMP = 1 << 3,       /**< left out of core dumps */
  AML_AREA_LINUX_NO_MERGE = 1 << 4       /**< kept from same-page merging, even if the process or
                                              system is set to merge */
};

/** How an area of anonymous memory is made; each field's zero is its default. */
struct aml_area_linux_options {
  enum aml_policy policy; /**< of each mapping; default: the thread's own */
  enum aml_area_linux_huge_pages huge_pages;
  unsigned bind_flags;        /**< bits of enum aml_area_bind_flag, for the policy */
  unsigned flags;             /**< bits of enum aml_area_linux_flag */
  unsigned wishes;            /**< bits of enum aml_area_grant: what may be missing; guards never */
  unsigned populate_threads;  /**< that populate at most, each some MiB at least, the calling one
                                   among them; 0: 1. By the default and the local policy pages
                                   come from the nodes that these threads run on */
  size_t pool_page_size;      /**< for AML_AREA_LINUX_HUGE_POOL; 0: the system's default */
  size_t guard_size;          /**< inaccessible bytes before and behind each mapping, rounded up
                                   to the granularity; 0: none */
  struct aml_nodeset devices; /**< nodes of the policy, exactly; empty for those that take none */
};

/** Anonymous memory; use functions. Once initialised only `reserved` changes, as atomics do. */
struct aml_area_linux {
  struct aml_area area;
  enum aml_policy policy;
  enum aml_area_linux_huge_pages huge_pages; /**< POOL: there is one, and `pool_flags` name it */
  unsigned bind_flags;
  unsigned flags;
  unsigned wishes;
  unsigned granted; /**< bits of enum aml_area_grant: what mappings get, wishes perhaps not */
  unsigned populate_threads;
  int pool_flags;        /**< of mmap(2) */
  size_t page_size;      /**< the system's; 0: not initialised */
  size_t granularity;    /**< page_size, or a pool's */
  size_t huge_page_size; /**< what mappings of that size and more are aligned to; 0: nothing */
  size_t advised_size;   /**< from which on mappings are advised to be huge; SIZE_MAX: none is */
  size_t guard_size;     /**< a multiple of granularity */
  uintptr_t reserved;    /**< the next piece of a reservation; 0: there is none */
  struct aml_nodeset devices;
};

extern AML_PUBLIC const struct aml_area_ops aml_area_linux_ops;

/** Declare `struct aml_area *name`, to be initialised as anonymous memory. */
#define AML_AREA_LINUX_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_area_linux, aml_area, area, aml_area_linux_ops, name)

/**
 * Initialise an area of anonymous memory.
 *
 * What map and resize say beyond core/area.h: -AML_EPERM: mbind(2) or mlock2(2) is forbidden, the
 * latter where RLIMIT_MEMLOCK is 0; -AML_ENOMEM: also an empty pool, and more than RLIMIT_MEMLOCK;
 * -AML_ENOTSUP: the kernel lacks the policy. A mapping from a pool, or with guards, that cannot
 * grow in place is copied where it may move, and what was bound by aml_area_bind() is not taken
 * along. Otherwise a mapping that moves is aligned to pages only, goes on with the rotation of its
 * former address, and is populated as far as memory goes.
 *
 * @param area     declared by AML_AREA_LINUX_DECL, not initialised.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an unknown policy, flag, wish or kind of
 * huge pages, both ways to lock, a size of pool pages that is no power of two or for no pool,
 * guards larger than the range of addresses, a policy without the nodes that it takes, nodes for a
 * policy that takes none, a node from which this process may have no memory. -AML_ENOTSUP: there is
 * no pool of such pages, or transparent huge pages are asked for and off. -AML_ENOTSUP or
 * -AML_EPERM, for policies that take nodes: the system lacks or forbids NUMA. Whether it has the
 * policy is found out by the first map, which then fails as aml_area_bind() does. Cost: reads the
 * system's setting of huge pages; with nodes, one system call more.
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
