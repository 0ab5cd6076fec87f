// SPDX-License-Identifier: BSD-3-Clause
//
// The area interface. An area reserves and releases memory on a device, can say what that memory
// is, and can bind a range of it to a device.
//
//     double *v = aml_area_map(area, n * sizeof *v, NULL);
//     …
//     (void)aml_area_unmap(area, v, n * sizeof *v);
//
// "Device" is a device number: for memory of the host a NUMA node, for others (AML_AREA_DEVICE) the
// ordinal that the runtime behind the area counts its devices by. A mapping is what one map
// returned. Sizes round up to the area's granularity, so a map of 1 byte and its unmap may both
// say 1.
//
// Threads: every area is thread-safe.

#ifndef AML_CORE_AREA_H
#define AML_CORE_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_area_ops;

/** Any area. */
struct aml_area {
  const struct aml_area_ops *ops;
};

/** What an area's memory is and can do; bits of aml_area_capabilities(). */
enum aml_area_capability {
  AML_AREA_HOST_READABLE = 1 << 0, /**< host code may load from its addresses */
  AML_AREA_HOST_WRITABLE = 1 << 1, /**< host code may store to its addresses */
  AML_AREA_SHARED = 1 << 2,        /**< other processes can see what is written */
  AML_AREA_FILE_BACKED = 1 << 3,   /**< contents come from a file, and go to it if SHARED too */
  AML_AREA_DEVICE = 1 << 4,        /**< device numbers are not NUMA nodes */
  AML_AREA_ZEROED = 1 << 5,        /**< fresh memory reads as zero */
  AML_AREA_CAN_BIND = 1 << 6,      /**< aml_area_bind() works */
  AML_AREA_CAN_LOCATE = 1 << 7,    /**< aml_area_locate() works */
  AML_AREA_CAN_MOVE = 1 << 8,      /**< aml_area_move() works */
  AML_AREA_CAN_RESIZE = 1 << 9,    /**< aml_area_resize() works */
  AML_AREA_CAN_PURGE = 1 << 10,    /**< aml_area_purge() works */
  AML_AREA_CAN_SYNC = 1 << 11      /**< aml_area_sync() works */
};

/** Which device a page comes from when it is first touched. */
enum aml_policy {
  AML_POLICY_DEFAULT = 0,        /**< as the thread that touches it is set; takes no devices */
  AML_POLICY_LOCAL,              /**< nearest to the CPU that touches it; takes no devices */
  AML_POLICY_BIND,               /**< from the devices only; fails where they are full */
  AML_POLICY_PREFERRED,          /**< from the one device, elsewhere where it is full */
  AML_POLICY_PREFERRED_MANY,     /**< from the devices, elsewhere where they are full */
  AML_POLICY_INTERLEAVE,         /**< page after page, round the devices */
  AML_POLICY_WEIGHTED_INTERLEAVE /**< likewise, in proportion to the system's weights */
};

/** How aml_area_bind() binds. */
enum aml_area_bind_flag {
  AML_AREA_BIND_MOVE = 1 << 0,  /**< move pages that are elsewhere already */
  AML_AREA_BIND_STRICT = 1 << 1 /**< fail with -AML_EIO if pages are, or stay, elsewhere */
};

/** What a mapping got; bits of aml_area_info::granted. */
enum aml_area_grant {
  AML_AREA_GRANT_HUGE_TRANSPARENT = 1 << 0, /**< the system may use huge pages */
  AML_AREA_GRANT_HUGE_POOL = 1 << 1,        /**< pages come from a pool of huge pages */
  AML_AREA_GRANT_POPULATED = 1 << 2,        /**< every page is present */
  AML_AREA_GRANT_LOCKED = 1 << 3,           /**< no page leaves memory */
  AML_AREA_GRANT_NO_DUMP = 1 << 4,          /**< left out of core dumps */
  AML_AREA_GRANT_GUARDED = 1 << 5,          /**< inaccessible pages lie before and behind */
  AML_AREA_GRANT_NO_MERGE = 1 << 6,         /**< kept from same-page merging */
  AML_AREA_GRANT_SYNC = 1 << 7,             /**< stores are durable without aml_area_sync() */
  AML_AREA_GRANT_POLICY = 1 << 8            /**< fresh pages come from where the policy says */
};

/** How a mapping is asked for; each field's zero is its default. */
struct aml_area_map_options {
  size_t alignment;  /**< bytes, a power of two; 0: the granularity */
  void *hint;        /**< where it may well be; null: anywhere */
  unsigned flags;    /**< bits of enum aml_area_map_flag */
  const char *label; /**< who asks, for areas that keep account; borrowed until unmap */
};

enum aml_area_map_flag {
  AML_AREA_MAP_POPULATE = 1 << 0, /**< make every page present before it returns */
  AML_AREA_MAP_NO_ZERO = 1 << 1,  /**< contents may be anything; spares areas that zero by hand */
  AML_AREA_MAP_EXACT = 1 << 2     /**< at the hint or not at all: -AML_EEXIST */
};

/** How aml_area_resize() resizes. */
enum aml_area_resize_flag {
  AML_AREA_RESIZE_MAY_MOVE = 1 << 0 /**< the mapping may get another address */
};

enum aml_native_kind {
  AML_NATIVE_NONE = 0,
  AML_NATIVE_FILE,
  AML_NATIVE_CUDA,
  AML_NATIVE_OPENCL,
  AML_NATIVE_MPI
};

/**
 * How the system behind an area names its memory, for a dma that must reach it other than by
 * loads and stores. The area owns what is named, and it lives as long as the mapping.
 */
struct aml_native_handle {
  enum aml_native_kind kind;
  /** For AML_NATIVE_FILE, OPENCL and MPI: what address `origin` is the offset 0 of. */
  const void *origin;
  union {
    struct {
      int descriptor;
      uint64_t offset; /**< in the file, of `origin` */
    } file;
    struct {
      int device;
      void *context; /**< CUcontext; null: the primary one */
    } cuda;
    struct {
      void *context; /**< cl_context */
      void *queue;   /**< cl_command_queue */
      void *buffer;  /**< cl_mem; null: `origin` is a shared-virtual-memory address */
    } opencl;
    struct {
      void *window; /**< MPI_Win * */
      int rank;     /**< the target */
    } mpi;
  } as;
};

/** What is known of an area, or of one mapping. */
struct aml_area_info {
  const char *type;                /**< the ops table's name */
  unsigned capabilities;           /**< bits of enum aml_area_capability */
  size_t granularity;              /**< bytes that sizes round up to; a power of two */
  size_t max_alignment;            /**< bytes; the largest that map accepts */
  size_t page_size;                /**< bytes; what bind, move and locate work in;
                                        a mapping's may be smaller than its area's */
  size_t size;                     /**< bytes of the mapping; AML_UNKNOWN for an area */
  unsigned granted;                /**< bits of enum aml_area_grant: what was really got */
  enum aml_policy policy;          /**< of fresh pages */
  struct aml_nodeset devices;      /**< which memory can come from; empty: not known */
  struct aml_native_handle native; /**< NONE where loads and stores are the only way */
  uint64_t read_bandwidth_mib_s;   /**< from the nearest CPUs; or AML_UNKNOWN */
  uint64_t write_bandwidth_mib_s;  /**< likewise */
  uint64_t read_latency_ns;        /**< likewise */
  uint64_t write_latency_ns;       /**< likewise */
};

/**
 * What a type of area does; for those who write one.
 *
 * The generic functions below check arguments as their text says, and forward. `area` is never
 * null, `pointer` neither, sizes are not 0, alignments are powers of two, options are not null.
 * Every operation may run concurrently with every other one on the same area, fini apart. An
 * operation that fails has recorded why (aml_error_set()), has changed nothing, and leaves its
 * results untouched. All up to info are mandatory; a null one further on means that the area
 * lacks the capability.
 */
struct aml_area_ops {
  const char *name; /**< "linux" */
  /** Release all but the struct itself, which is zeroed but for ops. Zeroed state: do nothing. */
  void (*fini)(struct aml_area *area);
  /** The same for every call on one area; no system call. */
  unsigned (*capabilities)(const struct aml_area *area);
  int (*map)(struct aml_area *area, size_t size, const struct aml_area_map_options *options,
             void **pointer);
  int (*unmap)(struct aml_area *area, void *pointer, size_t size);
  /** `pointer` is null to ask about the area, else an address of a mapping. Fills all fields. */
  int (*info)(struct aml_area *area, const void *pointer, struct aml_area_info *info);
  int (*bind)(struct aml_area *area, void *pointer, size_t size, enum aml_policy policy,
              const struct aml_nodeset *devices, unsigned flags);
  int (*locate)(struct aml_area *area, size_t count, void *const pointers[], int devices[]);
  int (*move)(struct aml_area *area, size_t count, void *const pointers[], const int devices[],
              int results[]);
  int (*resize)(struct aml_area *area, void *pointer, size_t old_size, size_t new_size,
                unsigned flags, void **new_pointer);
  int (*purge)(struct aml_area *area, void *pointer, size_t size);
  int (*sync)(struct aml_area *area, void *pointer, size_t size);
};

/** What the area's memory is and can do: bits of enum aml_area_capability. 0 for null. */
static inline unsigned aml_area_capabilities(const struct aml_area *area) {
  return area == NULL ? 0 : area->ops->capabilities(area);
}

/**
 * Reserve memory.
 *
 * @param size     bytes, not 0; rounded up to the granularity.
 * @param options  null: the defaults.
 *
 * Returns: its lowest address, aligned as asked and at least to the granularity, its bytes zero
 * if the area is AML_AREA_ZEROED and options do not waive it; or null, and aml_error_code() is
 * -AML_EINVAL (an argument), -AML_ENOMEM, -AML_EEXIST (AML_AREA_MAP_EXACT), -AML_ENOTSUP (an
 * option that the area lacks) or what the type documents.
 * Owns: the caller owns the mapping and gives it back by aml_area_unmap().
 * Cost: system calls; pages are touched only if options ask for it.
 */
AML_PUBLIC AML_MUST_CHECK void *aml_area_map(struct aml_area *area, size_t size,
                                             const struct aml_area_map_options *options);

/**
 * Give a mapping back.
 *
 * @param pointer  what aml_area_map() or aml_area_resize() returned; null does nothing.
 * @param size     the size that was asked for there.
 *
 * Returns: 0; -AML_EINVAL if the area can tell that this is no mapping of its.
 */
AML_PUBLIC int aml_area_unmap(struct aml_area *area, void *pointer, size_t size);

/**
 * Tell what is known of an area, or of a mapping.
 *
 * @param pointer  an address in a mapping; null: the area as a whole.
 * @param info     every field is set.
 *
 * Returns: 0; -AML_EINVAL for null, or if the area can tell that the address is not its own.
 * Cost: for a mapping, perhaps system calls.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_get_info(struct aml_area *area, const void *pointer,
                                                struct aml_area_info *info);

/**
 * Say which devices the pages of a range are to come from.
 *
 * The range grows to whole pages. Pages present already stay unless flags say otherwise.
 *
 * @param pointer  an address in a mapping.
 * @param size     bytes, not 0; the range ends in the same mapping.
 * @param devices  may be null for policies that take none; else not empty.
 * @param flags    bits of enum aml_area_bind_flag.
 *
 * Returns: 0; -AML_ENOTSUP (the area cannot bind, or the system lacks the policy); -AML_EINVAL (an
 * argument, or a device that does not exist); -AML_EIO (strict, and pages are elsewhere);
 * -AML_EPERM (the system forbids it, as containers often do); -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_bind(struct aml_area *area, void *pointer, size_t size,
                                            enum aml_policy policy,
                                            const struct aml_nodeset *devices, unsigned flags);

/**
 * Tell which device each address is on now.
 *
 * @param count     of pointers and devices; 0 does nothing.
 * @param pointers  addresses in mappings of this area.
 * @param devices   for each one its device's number, or -AML_ENOENT for a page that is not
 *                  present, or another negated code.
 *
 * Returns: 0; -AML_ENOTSUP; -AML_EINVAL; -AML_EPERM. Touches no page.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_locate(struct aml_area *area, size_t count,
                                              void *const pointers[], int devices[]);

/**
 * Move pages, each to a device of its own, without splitting mappings.
 *
 * @param count     of pointers, devices and results; 0 does nothing.
 * @param pointers  an address in each page.
 * @param devices   where each is to go.
 * @param results   for each its device's number afterwards, or a negated code: -AML_ENOENT (not
 *                  present), -AML_ENOMEM (the device is full), -AML_EBUSY.
 *
 * Returns: 0 if every page was tried; -AML_ENOTSUP; -AML_EINVAL; -AML_EPERM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_move(struct aml_area *area, size_t count,
                                            void *const pointers[], const int devices[],
                                            int results[]);

/**
 * Grow or shrink a mapping; what stays keeps its contents, what is new is as from aml_area_map().
 *
 * @param old_size  the mapping's size as asked for.
 * @param new_size  bytes, not 0.
 * @param flags     bits of enum aml_area_resize_flag.
 *
 * Returns: its address, or null with the mapping as it was: -AML_ENOTSUP, -AML_ENOMEM (no room
 * in place, or none at all), -AML_EINVAL.
 */
AML_PUBLIC AML_MUST_CHECK void *aml_area_resize(struct aml_area *area, void *pointer,
                                                size_t old_size, size_t new_size, unsigned flags);

/**
 * Give the pages of a range back to the system and keep its addresses; it then is as freshly
 * mapped. Only whole pages within the range go.
 *
 * Returns: 0; -AML_ENOTSUP; -AML_EINVAL.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_purge(struct aml_area *area, void *pointer, size_t size);

/**
 * Make what was written to a range durable in the file behind it.
 *
 * Returns: 0; -AML_ENOTSUP; -AML_EINVAL; -AML_EIO; -AML_ENOSPC.
 */
AML_PUBLIC AML_MUST_CHECK int aml_area_sync(struct aml_area *area, void *pointer, size_t size);

/**
 * End the life of a declared area. Its mappings must have been given back, and whoever borrows it
 * must be gone. Null, and a declared area that was not initialised, are fine.
 */
AML_PUBLIC void aml_area_fini(struct aml_area *area);

/** End the life of a created area, and set *area to null. Null and a pointer to null are fine. */
AML_PUBLIC void aml_area_destroy(struct aml_area **area);

#ifdef __cplusplus
}
#endif

#endif
