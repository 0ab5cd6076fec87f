// SPDX-License-Identifier: BSD-3-Clause
//
// What is told of one memory device: a NUMA node, as Linux describes it in sysfs. A figure that the
// system does not give, or not in its form, is AML_UNKNOWN, never 0.
//
// Plain values; to read them, see core/device.h.

#ifndef AML_CORE_DEVICE_FACTS_H
#define AML_CORE_DEVICE_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/cpuset.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_DEVICE_CACHES = 4, /**< as many levels of memory-side caches are told */
  AML_DEVICE_POOLS = 8   /**< as many sizes of huge pages are told */
};

enum aml_answer { AML_ANSWER_UNKNOWN = 0, AML_ANSWER_NO, AML_ANSWER_YES };

/** What a device's memory is; single bits, so that a query can name several. */
enum aml_device_kind {
  AML_DEVICE_UNKNOWN = 1 << 0,
  AML_DEVICE_DRAM = 1 << 1,
  AML_DEVICE_HBM = 1 << 2,
  AML_DEVICE_EXPANSION = 1 << 3 /**< behind CXL, or persistent */
};

/**
 * How a kind was told: the first of these that says anything.
 *
 * CXL to TIER are looked at for devices without CPUs only. Figures and tiers are compared with
 * those of the CPUs' own memory: HBM has 1.5 times its bandwidth, or a lower tier; expansion at
 * most half its bandwidth, 1.5 times its latency, or a higher tier; DRAM has figures between.
 */
enum aml_device_evidence {
  AML_DEVICE_EVIDENCE_NONE = 0,  /**< unknown kind, or no memory */
  AML_DEVICE_EVIDENCE_USER,      /**< aml_devices_set_kind() */
  AML_DEVICE_EVIDENCE_CXL,       /**< a region of the CXL bus lies in its memory */
  AML_DEVICE_EVIDENCE_DAX,       /**< a DAX device of an NVDIMM or CXL region is its memory */
  AML_DEVICE_EVIDENCE_BANDWIDTH, /**< firmware's figures (HMAT) */
  AML_DEVICE_EVIDENCE_LATENCY,   /**< likewise */
  AML_DEVICE_EVIDENCE_TIER,      /**< the kernel's memory tiers */
  AML_DEVICE_EVIDENCE_CPUS       /**< CPUs are near, so DRAM; weak: some machines have HBM there */
};

/** Figures between CPUs and a device; each may be AML_UNKNOWN. */
struct aml_device_performance {
  uint64_t read_bandwidth_mib_s;
  uint64_t write_bandwidth_mib_s;
  uint64_t read_latency_ns;
  uint64_t write_latency_ns;
};

/** Figures as firmware gives them, and for whom: the nodes that have the best access. */
struct aml_device_access {
  struct aml_nodeset initiators; /**< none: not known */
  struct aml_device_performance performance;
};

enum aml_device_cache_indexing {
  AML_DEVICE_CACHE_INDEXING_UNKNOWN = 0,
  AML_DEVICE_CACHE_DIRECT_MAPPED,
  AML_DEVICE_CACHE_INDEXED,
  AML_DEVICE_CACHE_INDEXING_OTHER
};

enum aml_device_cache_writes {
  AML_DEVICE_CACHE_WRITES_UNKNOWN = 0,
  AML_DEVICE_CACHE_WRITE_BACK,
  AML_DEVICE_CACHE_WRITE_THROUGH,
  AML_DEVICE_CACHE_WRITES_OTHER
};

/** A memory-side cache: it caches the device's memory, for all who access it. */
struct aml_device_cache {
  int level; /**< from 1 */
  enum aml_device_cache_indexing indexing;
  enum aml_device_cache_writes writes;
  uint64_t size;      /**< bytes, or AML_UNKNOWN */
  uint64_t line_size; /**< likewise */
};

/** A device's pool of huge pages of one size; counts of pages, each may be AML_UNKNOWN. */
struct aml_device_pool {
  uint64_t page_size; /**< bytes */
  uint64_t total;     /**< of them */
  uint64_t free;      /**< of them, those reserved and not yet touched included */
  uint64_t surplus;   /**< of them, those beyond the pool's set size */
};

/** A memory device. Sizes are bytes; each may be AML_UNKNOWN. */
struct aml_device {
  int number; /**< of the NUMA node */
  enum aml_device_kind kind;
  enum aml_device_evidence evidence;
  enum aml_answer is_online;  /**< the kernel uses the node */
  enum aml_answer is_allowed; /**< this process may allocate there (cpuset, Mems_allowed_list) */
  enum aml_answer is_movable; /**< all of it, as of memory plugged in to be removed again */
  enum aml_answer has_cpus;   /**< CPUs that are online */
  int tier;                   /**< the kernel's memory tier, smaller is faster; -1: unknown */
  uint64_t total;             /**< managed by the kernel: without what is offline */
  uint64_t plugged;           /**< the node's memory blocks, those offline included */
  uint64_t free;              /**< used by nobody, not even by caches of files */
  uint64_t usable;            /**< of `free`, what this process may have: 0 where it is not allowed,
                                   and at most aml_devices_headroom() */
  struct aml_cpuset near_cpus;
  struct aml_device_access access0; /**< for the best initiators, be they CPUs or not */
  struct aml_device_access access1; /**< for the best CPUs */
  size_t cache_count;
  struct aml_device_cache caches[AML_DEVICE_CACHES]; /**< by level */
  size_t pool_count;
  struct aml_device_pool pools[AML_DEVICE_POOLS]; /**< by page size */
};

#ifdef __cplusplus
}
#endif

#endif
