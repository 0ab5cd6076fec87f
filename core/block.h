// SPDX-License-Identifier: BSD-3-Clause
//
// What every block's header needs: visibility, the "use my result" attribute, and the one macro
// behind every AML_<BLOCK>_<TYPE>_DECL.
//
// A block is a struct whose first member is the generic struct of its interface, and the generic
// struct holds one pointer, to a table of operations. Declaring a block fills in that pointer and
// zeroes the rest; that is how _init tells storage of its own type from storage of another one.

#ifndef AML_CORE_BLOCK_H
#define AML_CORE_BLOCK_H

/** Marks what a shared object built from AML exports; all else is hidden. */
#define AML_PUBLIC __attribute__((visibility("default")))

/** Marks a function whose result says whether it failed. */
#define AML_MUST_CHECK __attribute__((warn_unused_result))

/** A quantity that is not known, in any field of type size_t or uint64_t that says so. */
#define AML_UNKNOWN UINT64_MAX

/**
 * Declares `struct type name_storage` and `struct generic *name`, which points into it.
 *
 * `member` is the generic struct's name inside `struct type`, and `table` the type's operations.
 * For those who write a type of their own; a type's users have its _DECL. Both are variables of
 * the scope that the macro stands in; no memory is allocated.
 */
#ifdef __cplusplus
#define AML_BLOCK_DECL(type, generic, member, table, name)                                         \
  struct type name##_storage = {};                                                                 \
  struct generic *name = (name##_storage.member.ops = &(table), &name##_storage.member)
#else
#define AML_BLOCK_DECL(type, generic, member, table, name)                                         \
  struct type name##_storage = {.member = {.ops = &(table)}};                                      \
  struct generic *name = &name##_storage.member
#endif

#endif
