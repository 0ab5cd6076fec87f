// SPDX-License-Identifier: BSD-3-Clause
//
// What every _create shares; for those who write a type of block.

#ifndef AML_CORE_CREATE_H
#define AML_CORE_CREATE_H

#include <stddef.h>

#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Allocate a block in the state in which _DECL leaves one: zeroed, but for its operations.
 *
 * @param call      the _create on whose behalf this is, for the sentence.
 * @param argument  the name of its first argument.
 * @param result    that argument, where the block is to go; refused if null, else not looked at.
 * @param size      bytes of the type's struct.
 * @param ops       its operations, which the struct begins with a pointer to.
 *
 * Returns: the block; or null, and aml_error_code() is -AML_EINVAL or -AML_ENOMEM.
 * Owns: the caller frees it with free() if the type's _init refuses it; else the block's destroy
 * does.
 */
AML_PUBLIC AML_MUST_CHECK void *aml_block_create(const char *call, const char *argument,
                                                 const void *result, size_t size, const void *ops);

#ifdef __cplusplus
}
#endif

#endif
