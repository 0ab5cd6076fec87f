// SPDX-License-Identifier: BSD-3-Clause
//
// The loops that probes time. Blocks are aligned to 64 bytes, and sizes are multiples of
// AML_INTERNAL_PROBE_GRAIN.
//
// Threads: thread-safe on memory of their own.

#ifndef AML_CORE_INTERNAL_PROBE_KERNELS_H
#define AML_CORE_INTERNAL_PROBE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_PROBE_GRAIN = 4096 };

/** The sum of all words, so that they must be read. */
uint64_t aml_internal_probe_read(const void *block, size_t size);

/** Writes `word` all over, by ordinary stores. */
void aml_internal_probe_write(void *block, size_t size, uint64_t word);

/** Whether there are non-temporal stores. */
bool aml_internal_probe_has_nontemporal(void);

/** As aml_internal_probe_write(), by non-temporal stores, which are done when this returns. */
void aml_internal_probe_write_nontemporal(void *block, size_t size, uint64_t word);

/**
 * Makes a cycle: the first word of each line is the address of another line, and following them
 * from any line visits each once. Of all such cycles each is as likely, for a perfect `seed`.
 *
 * @param line_size  a power of two, at least that of a pointer.
 */
void aml_internal_probe_make_cycle(void *block, size_t size, size_t line_size, uint64_t seed);

/** Follows `count` pointers, a multiple of 16. Returns: the line reached. */
void *aml_internal_probe_chase(void *line, size_t count);

#ifdef __cplusplus
}
#endif

#endif
