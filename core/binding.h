// SPDX-License-Identifier: BSD-3-Clause
//
// The binding interface. A binding is a pure mapping: on which device is item `index` of `count`?
// It knows neither pages nor addresses. This header also applies a binding to memory, page by page
// or tile by tile of a tiling, and verifies where memory really is.
//
//     int device = aml_binding_device_of(binding, index, count);
//     err = aml_binding_apply(binding, area, pointer, size, NULL);
//     err = aml_binding_verify(binding, area, pointer, size, &report);
//
// Which item a page is. Pages of a range are numbered from its first page on. One exception: where
// the whole binding is one policy of the kernel (aml_binding_policy()), the kernel numbers pages
// by address, and so do apply and verify; then a range of any size is one system call, and
// neighbouring ranges continue each other's rotation. (Linux before 6.7 takes the lower 32 bits of
// that number only.) Pages of pools and of shared memory, which the kernel numbers by their place
// in a file, are bound run by run instead, with the same result.
//
// Which item a tile is. A page that several tiles share goes to the device that the most of its
// bytes are bound to, and to the smaller device number where there are two such; the report tells
// what that costs.
//
// Threads: thread-safe once made: no call but fini changes a binding.

#ifndef AML_CORE_BINDING_H
#define AML_CORE_BINDING_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_binding_ops;

/** Any binding. */
struct aml_binding {
  const struct aml_binding_ops *ops;
};

/**
 * What a type of binding does; for those who write one.
 *
 * The generic functions check arguments as their text says, and forward: `binding` is not null,
 * index is below count. Every operation but fini may run concurrently with every other.
 */
struct aml_binding_ops {
  const char *name; /**< "interleave" */
  /** Release all but the struct itself, which is zeroed but for ops. Zeroed state: do nothing. */
  void (*fini)(struct aml_binding *binding);
  /** The device, or -AML_ENOENT for "wherever it is", or another negated code. */
  int (*device_of)(const struct aml_binding *binding, size_t index, size_t count);
  /** Every device that device_of can answer. */
  void (*devices)(const struct aml_binding *binding, struct aml_nodeset *devices);
  /** How many items from `index` on have its device, at least 1; null: asked one by one. */
  size_t (*run)(const struct aml_binding *binding, size_t index, size_t count);
  /** The kernel policy that is this mapping with pages numbered by address; null: there is none. */
  int (*policy)(const struct aml_binding *binding, enum aml_policy *policy,
                struct aml_nodeset *devices);
};

/**
 * Tell which device an item lives on.
 *
 * @param index  below `count`.
 * @param count  how many items there are in all.
 *
 * Returns: the device's number; -AML_ENOENT if the binding leaves the item where it is;
 * -AML_EINVAL; what a binding by callback answers.
 * Cost: arithmetic only. Each type has an inline typed form.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_device_of(const struct aml_binding *binding, size_t index,
                                                    size_t count);

/** Tell every device that a binding can answer. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_binding_devices(const struct aml_binding *binding,
                                                  struct aml_nodeset *devices);

/**
 * Tell the one kernel policy that a binding is.
 *
 * Returns: 0; -AML_ENOTSUP if no policy of the kernel is this mapping; -AML_EINVAL for null.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_policy(const struct aml_binding *binding,
                                                 enum aml_policy *policy,
                                                 struct aml_nodeset *devices);

/** How a binding is applied; each field's zero is its default. */
struct aml_binding_apply_options {
  /** Bits of enum aml_area_bind_flag. 0: pages get their device when they are first touched, and
      those present stay; AML_AREA_BIND_MOVE: those present are moved too; AML_AREA_BIND_STRICT: it
      is a failure if some are elsewhere then. */
  unsigned flags;
  size_t max_mappings; /**< how many pieces the range may be split into; 0: 1000 */
};

/**
 * Bind a range of an area, page by page.
 *
 * Runs of pages with one device become one aml_area_bind(). A binding that is a kernel policy
 * becomes a single one, where the kernel has that policy; pages present already then are moved in
 * bulk, if flags ask for it. If there are more runs than options allow, no mapping is split:
 * all pages that have a device are moved there in bulk by aml_area_move(), and those not yet
 * present are made so before, if the host can write the area: one byte of each is read and written
 * back, in one step, so that others may use the memory meanwhile. Pages then do not remember where
 * they belong: what is purged or swapped out may come back elsewhere.
 *
 * @param pointer  an address in a mapping of `area`; its page is the first one.
 * @param size     bytes, not 0; the range ends in the same mapping.
 * @param options  null: the defaults.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOMEM; -AML_EIO (strict); -AML_EOVERFLOW: more runs than allowed,
 * and pages not present that the host cannot write; what device_of, bind or move fails with, as
 * -AML_ENOTSUP of an area that cannot; part of the range may then be bound already.
 * Cost: a system call per run, and no page is touched; or in bulk one per some hundreds of pages.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_apply(const struct aml_binding *binding,
                                                struct aml_area *area, void *pointer, size_t size,
                                                const struct aml_binding_apply_options *options);

/**
 * Bind a datum tile by tile: tile `id` of the tiling goes where item `id` of its count belongs.
 *
 * @param tiling  made for the datum's shape.
 * @param datum   a valid tile whose area is not null.
 *
 * Returns, cost: as aml_binding_apply(). What of the datum's pages belongs to no tile stays.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_apply_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                        const struct aml_tile *datum,
                        const struct aml_binding_apply_options *options);

/** Where memory is, compared with where a binding wants it; bytes of whole pages. */
struct aml_binding_report {
  size_t right_size;  /**< on the device that the binding says, or on any that it allows */
  size_t wrong_size;  /**< on another one */
  size_t absent_size; /**< not present */
  /** Of pages that tiles bound to several devices share, wherever they are. */
  size_t shared_size;
  /** Bytes of tiles in such pages that are bound to another device than the page: what the rule of
      the majority could not give. */
  size_t outvoted_size;
  void *first_wrong; /**< the first page of wrong_size; null: there is none */
  size_t device_size[AML_NODESET_CAPACITY]; /**< what is on each device */
};

/**
 * Find out where the pages of a range are; the counterpart of aml_binding_apply().
 *
 * Returns: 0, whatever the report says; -AML_EINVAL; -AML_ENOMEM; what locate fails with.
 * Cost: a system call per some hundreds of pages; no page is touched.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_verify(const struct aml_binding *binding,
                                                 struct aml_area *area, void *pointer, size_t size,
                                                 struct aml_binding_report *report);

/** Find out where the pages of a datum's tiles are; else as aml_binding_verify(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_verify_tiled(const struct aml_binding *binding,
                                                       const struct aml_tiling *tiling,
                                                       const struct aml_tile *datum,
                                                       struct aml_binding_report *report);

/** How far a rebalancing is; bytes of whole pages. All 0: not begun. A plain value. */
struct aml_binding_progress {
  size_t done_size;   /**< looked at, and moved where that was called for */
  size_t total_size;  /**< to look at; done_size has reached it when all is done */
  size_t moved_size;  /**< were elsewhere, and now are where they belong */
  size_t failed_size; /**< are elsewhere still, since the device is full or the page is in use */
};

/**
 * Move those pages of a range that are not where a binding wants them, a part at a time.
 *
 *     struct aml_binding_progress progress = {0};
 *     do
 *       err = aml_binding_rebalance(binding, area, pointer, size, 64 << 20, &progress);
 *     while (!err && progress.done_size < progress.total_size && !is_time_up());
 *
 * Pages that are right, not present, or free to be anywhere, are left alone. No policy is set, and
 * no mapping split.
 *
 * @param max_size  bytes to move at most, in this call; less than a page is one page; 0: no limit.
 * @param progress  zeroed to begin. To go on, also much later: as the last call left it, with
 *                  the same range; the binding may be another one, and pages may have moved.
 *
 * Returns: 0, also when pages could not be moved; -AML_EINVAL, also for a progress of a range of
 * another size; what device_of, locate or move fails with, as -AML_ENOTSUP of an area that cannot:
 * *progress then tells what was done before, and the same call goes on from there.
 * Cost: two system calls per some hundreds of pages, and the moving, some microseconds a page.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_rebalance(const struct aml_binding *binding,
                                                    struct aml_area *area, void *pointer,
                                                    size_t size, size_t max_size,
                                                    struct aml_binding_progress *progress);

/**
 * Move the pages of a datum's tiles likewise; else as aml_binding_rebalance().
 *
 * Returns: -AML_ENOMEM too.
 * Cost: besides, each call looks at every tile, as aml_binding_apply_tiled() does.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_rebalance_tiled(const struct aml_binding *binding,
                                                          const struct aml_tiling *tiling,
                                                          const struct aml_tile *datum,
                                                          size_t max_size,
                                                          struct aml_binding_progress *progress);

/** End the life of a declared binding. Null, and one that was not initialised, are fine. */
AML_PUBLIC void aml_binding_fini(struct aml_binding *binding);

/** End the life of a created binding; sets *binding to null. Null, pointer to null: fine. */
AML_PUBLIC void aml_binding_destroy(struct aml_binding **binding);

#ifdef __cplusplus
}
#endif

#endif
