// SPDX-License-Identifier: BSD-3-Clause
//
// Dealing evenly is the chairman assignment problem: n states with weights w of sum W send a
// chairman each year, and after t years the number x of those of each state shall differ from
// t * w / W by less than 1. Tijdeman's algorithm (R. Tijdeman, The chairman assignment problem,
// Discrete Mathematics 32, 1980) reaches 1 - 1 / (2n - 2), which is the best possible: in year t,
// of those states that are behind by at least 1 / (2n - 2), t * w / W - x, the one is chosen that
// would be the first to be behind by more than 1 - 1 / (2n - 2) if it were not. All of it is
// multiplied by W and by 2n - 2 here, so that it is exact in integers.

#include "aml/binding/internal/shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aml/binding/internal/devices.h"
#include "aml/core/error.h"

enum { PATH_CAPACITY = 4096, MOST_OF_SYSTEM = 255 };

static uint64_t common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

int aml_internal_shares_given(const char *call, const struct aml_nodeset *devices,
                              const unsigned weights[], struct aml_internal_shares *shares) {
  const size_t count = aml_internal_devices_list(devices, shares->devices);
  uint64_t divisor = 0;
  shares->count = 0;
  for (size_t i = 0; i < count; ++i) {
    if (weights[i] == 0)
      continue;
    divisor = common_divisor(weights[i], divisor);
    shares->devices[shares->count] = shares->devices[i];
    shares->weights[shares->count++] = weights[i];
  }
  if (shares->count == 0)
    return aml_error_set(-AML_EINVAL, call, "weights", "are all 0");
  for (size_t i = 0; i < shares->count; ++i)
    shares->weights[i] /= divisor;
  return 0;
}

/** Says why a file cannot be opened; `path` is changed. */
static int refuse_file(const char *call, int device, char *path, int number) {
  char what[64];
  (void)snprintf(what, sizeof what, "open the weight of device %d", device);
  if (number != ENOENT)
    return aml_error_set_system(call, what, number);
  *strrchr(path, '/') = '\0';
  if (access(path, F_OK) != 0)
    return aml_error_set(-AML_ENOTSUP, call, "weights",
                         "are none of the system's: Linux has them from 6.9 on");
  return aml_error_set_value(-AML_ENODEV, call, "devices: of device", (uint64_t)device,
                             "the kernel has no weight");
}

/** Reads a number of 1 to 255 and a newline. */
static bool is_weight(const char *text, size_t length, uint64_t *weight) {
  uint64_t value = 0;
  size_t i = 0;
  for (; i < length && i < 3 && text[i] >= '0' && text[i] <= '9'; ++i)
    value = value * 10 + (uint64_t)(text[i] - '0');
  *weight = value;
  return value != 0 && value <= MOST_OF_SYSTEM && i + 1 == length && text[i] == '\n';
}

static int read_weight(const char *call, const char *root, int device, uint64_t *weight) {
  char path[PATH_CAPACITY];
  const int length = snprintf(path, sizeof path,
                              "%s/kernel/mm/mempolicy/weighted_interleave/node%d", root, device);
  if (length < 0 || (size_t)length >= sizeof path)
    return aml_error_set(-AML_EINVAL, call, "sysfs_root", "is too long");
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return refuse_file(call, device, path, errno);
  char text[16];
  const ssize_t got = read(descriptor, text, sizeof text);
  const int number = errno;
  (void)close(descriptor);
  if (got < 0)
    return aml_error_set_system(call, "read a weight of the system", number);
  if (!is_weight(text, (size_t)got, weight))
    return aml_error_set_value(-AML_EIO, call, "weights: that of device", (uint64_t)device,
                               "is no number of 1 to 255");
  return 0;
}

int aml_internal_shares_of_system(const char *call, const struct aml_nodeset *devices,
                                  const char *root, struct aml_internal_shares *shares) {
  shares->count = aml_internal_devices_list(devices, shares->devices);
  int err = 0;
  for (size_t i = 0; i < shares->count && !err; ++i)
    err = read_weight(call, root, shares->devices[i], &shares->weights[i]);
  if (!err && shares->count == 1)
    shares->weights[0] = 1;
  return err;
}

uint64_t aml_internal_shares_total(const struct aml_internal_shares *shares) {
  uint64_t total = 0;
  for (size_t i = 0; i < shares->count; ++i)
    total += shares->weights[i];
  return total;
}

/** The place of the state whose turn it is; `behind` as above, times W and `scale`. */
static size_t choose(const struct aml_internal_shares *it, const int64_t behind[], int64_t total,
                     int64_t scale) {
  size_t chosen = it->count;
  for (size_t i = 0; i < it->count; ++i) {
    if (behind[i] < total)
      continue;
    // Its deadline is `left` divided by its weight from now; the earlier one of two, by products.
    const int64_t left = (scale - 1) * total - behind[i];
    if (chosen == it->count || left * (int64_t)it->weights[chosen] <
                                   ((scale - 1) * total - behind[chosen]) * (int64_t)it->weights[i])
      chosen = i;
  }
  return chosen;
}

void aml_internal_shares_deal_evenly(const struct aml_internal_shares *shares, uint16_t period[]) {
  const int64_t total = (int64_t)aml_internal_shares_total(shares);
  const int64_t scale = shares->count == 1 ? 2 : 2 * ((int64_t)shares->count - 1);
  int64_t behind[AML_NODESET_CAPACITY] = {0};
  for (int64_t t = 0; t < total; ++t) {
    for (size_t i = 0; i < shares->count; ++i)
      behind[i] += scale * (int64_t)shares->weights[i];
    const size_t chosen = choose(shares, behind, total, scale);
    behind[chosen] -= scale * total;
    period[t] = shares->devices[chosen];
  }
}

void aml_internal_shares_deal_in_turn(const struct aml_internal_shares *shares, uint16_t period[]) {
  for (size_t i = 0; i < shares->count; ++i)
    for (uint64_t left = shares->weights[i]; left != 0; --left)
      *period++ = shares->devices[i];
}
