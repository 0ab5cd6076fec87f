// SPDX-License-Identifier: BSD-3-Clause
//
// How a piece of a segment is passed over a Unix socket: its descriptor, and one message on where
// it lies. Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_SHM_SOCKET_H
#define AML_AREA_INTERNAL_SHM_SOCKET_H

#include <stdint.h>

#include "aml/core/area.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What goes with a descriptor; of one machine, so of one byte order. */
struct aml_internal_shm_message {
  uint64_t magic;
  uint64_t offset;
  uint64_t size;
};

#define AML_INTERNAL_SHM_MAGIC UINT64_C(0x316d68736c6d61)

int aml_internal_shm_send(const char *call, int socket, int descriptor, uint64_t offset,
                          uint64_t size);

/** Receives exactly one descriptor, which is the caller's then. */
int aml_internal_shm_receive(const char *call, int socket, struct aml_internal_shm_message *message,
                             int *descriptor);

/** Initialises a declared area over a descriptor, which it takes, also if it fails. */
int aml_internal_shm_adopt(struct aml_area *area, const char *call, const char *name,
                           int descriptor, unsigned flags);

#ifdef __cplusplus
}
#endif

#endif
