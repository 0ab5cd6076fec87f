// SPDX-License-Identifier: BSD-3-Clause
//
// The arena that a process allocates from, made by what AML_MALLOC asks for.

#ifndef AML_TOOLS_MALLOC_HEAP_H
#define AML_TOOLS_MALLOC_HEAP_H

struct aml_arena;

/** Make the area and the arena. Ends the process with a sentence where they cannot be had. */
struct aml_arena *heap_make(void);

#endif
