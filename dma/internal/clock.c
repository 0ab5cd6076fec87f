// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/clock.h"

#include <time.h>

uint64_t aml_internal_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
