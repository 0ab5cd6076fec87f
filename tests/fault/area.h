// SPDX-License-Identifier: BSD-3-Clause
//
// An area that fails on demand, over any area: the n-th map, unmap, … does nothing and says why. It
// counts what is mapped, and can hide capabilities. With it, a test shows that a user of areas
// survives each failure with nothing lost:
//
//     AML_AREA_FAULT_DECL(area);
//     int err = aml_area_fault_init(area, inner, 0);
//     aml_area_fault_arm(area, AML_AREA_FAULT_MAP, 2, 1, -AML_ENOMEM);  // the second map from here
//     …
//     EXPECT_EQ(1u, aml_area_fault_disarm(area));
//     EXPECT_EQ(0u, aml_area_fault_live(area));
//
// Threads: thread-safe, but arm and disarm, which are for when nobody else is calling.

#ifndef AML_TESTS_FAULT_AREA_H
#define AML_TESTS_FAULT_AREA_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/tests/fault/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The operations that can fail. */
enum aml_area_fault_operation {
  AML_AREA_FAULT_MAP = 1 << 0,
  AML_AREA_FAULT_UNMAP = 1 << 1,
  AML_AREA_FAULT_INFO = 1 << 2,
  AML_AREA_FAULT_BIND = 1 << 3,
  AML_AREA_FAULT_LOCATE = 1 << 4,
  AML_AREA_FAULT_MOVE = 1 << 5,
  AML_AREA_FAULT_RESIZE = 1 << 6,
  AML_AREA_FAULT_PURGE = 1 << 7,
  AML_AREA_FAULT_SYNC = 1 << 8,
  AML_AREA_FAULT_ALL = (1 << 9) - 1
};

/** An area that fails on demand; use functions. */
struct aml_area_fault {
  struct aml_area area;
  struct aml_area *inner; /**< borrowed; null: not initialised */
  unsigned hidden;        /**< bits of enum aml_area_capability */
  struct aml_fault_plan plan;
  size_t live; /**< atomic */
};

extern const struct aml_area_ops aml_area_fault_ops;

/** Declare `struct aml_area *name`, to be initialised as an area that fails on demand. */
#define AML_AREA_FAULT_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_area_fault, aml_area, area, aml_area_fault_ops, name)

/**
 * Initialise an area that does as `inner` does until armed.
 *
 * @param area    declared by AML_AREA_FAULT_DECL, not initialised.
 * @param inner   borrowed.
 * @param hidden  bits of enum aml_area_capability that it denies to have; what needs one of the
 *                AML_AREA_CAN_… among them answers -AML_ENOTSUP.
 *
 * Returns: 0; -AML_EINVAL for null, or storage of another type.
 */
AML_MUST_CHECK int aml_area_fault_init(struct aml_area *area, struct aml_area *inner,
                                       unsigned hidden);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_area_fault_init(). */
AML_MUST_CHECK int aml_area_fault_create(struct aml_area **area, struct aml_area *inner,
                                         unsigned hidden);

/**
 * Make calls fail, from now until disarmed.
 *
 * @param operations  which are counted: bits of enum aml_area_fault_operation.
 * @param nth         the first call that fails, counted from 1 over all of them; 0: none.
 * @param count       how many fail from there on; SIZE_MAX: all.
 * @param err         the negated code that they fail with.
 */
void aml_area_fault_arm(struct aml_area *area, unsigned operations, size_t nth, size_t count,
                        int err);

/** Let all calls through again. Returns: how many failed since the area was armed. */
size_t aml_area_fault_disarm(struct aml_area *area);

/** How many mappings made by this area were not given back. */
size_t aml_area_fault_live(const struct aml_area *area);

#ifdef __cplusplus
}
#endif

#endif
