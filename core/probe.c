// SPDX-License-Identifier: BSD-3-Clause
//
// Streams come first, since writing them destroys the cycle, which is made once: repetitions go on
// where the one before stopped, so that no line is met again while it may be in a cache still.

#include "aml/core/probe.h"

#include <stdlib.h>

#include "aml/core/device.h"
#include "aml/core/error.h"
#include "aml/core/internal/probe_caches.h"
#include "aml/core/internal/probe_kernels.h"
#include "aml/core/internal/probe_memory.h"
#include "aml/core/internal/probe_team.h"

enum { GRAIN = AML_INTERNAL_PROBE_GRAIN, REPETITIONS = 3, TIME_MS = 100 };
enum { MIN_SIZE = 64 << 20 }; // of the default
enum { ALL = (1 << 5) - 1 };

static const char call[] = "aml_probe";

/** A probe under way. */
struct probe {
  struct aml_probe_options options; /**< with the defaults filled in */
  struct aml_cpuset cpus;
  size_t cpu_count;
  struct aml_internal_probe_caches caches;
  struct aml_internal_probe_memory memory;
  size_t half;                         /**< bytes of the buffer's front, where the cycle is */
  char *line;                          /**< where the cycle goes on */
  struct aml_internal_probe_job *jobs; /**< as many as threads that ever run at once */
  unsigned done;
  unsigned total; /**< repetitions, of all that is measured */
};

static unsigned larger(unsigned a, unsigned b) {
  return a > b ? a : b;
}

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, call, argument, reason);
}

static int check_options(const struct aml_probe_options *options, size_t cpu_count) {
  if ((options->measurements & ~(unsigned)ALL) != 0)
    return refuse("options.measurements", "has bits that are no measurement");
  if (options->load != AML_PROBE_LOAD_READ && options->load != AML_PROBE_LOAD_WRITE)
    return refuse("options.load", "is no load");
  if (options->repetitions > AML_PROBE_MAX_REPETITIONS)
    return refuse("options.repetitions", "is more than AML_PROBE_MAX_REPETITIONS");
  if (options->threads > cpu_count)
    return refuse("options.threads", "is more than there are CPUs in the set");
  if (options->load_threads > cpu_count - 1)
    return refuse("options.load_threads", "is more than there are CPUs in the set but one");
  return 0;
}

/** Fills in the defaults, but for the size, and leaves out what cannot be measured. */
static void complete(struct aml_probe_options *options, size_t cpu_count) {
  const unsigned count = (unsigned)cpu_count;
  options->measurements = options->measurements == 0 ? ALL : options->measurements;
  options->threads = options->threads == 0 ? count : options->threads;
  options->load_threads = options->load_threads == 0 ? count - 1 : options->load_threads;
  options->repetitions = options->repetitions == 0 ? REPETITIONS : options->repetitions;
  options->time_ms = options->time_ms == 0 ? TIME_MS : options->time_ms;
  if (options->load_threads == 0)
    options->measurements &= ~(unsigned)AML_PROBE_LOADED_LATENCY;
  if (!aml_internal_probe_has_nontemporal())
    options->measurements &= ~(unsigned)AML_PROBE_NONTEMPORAL_WRITE;
}

static int check_device(const struct aml_device *device, int target) {
  const uint64_t number = (uint64_t)target;
  if (device == NULL)
    return aml_error_set_value(-AML_ENODEV, call, "target", number, "is no device");
  if (device->is_online == AML_ANSWER_NO)
    return aml_error_set_value(-AML_ENODEV, call, "target", number, "is offline");
  if (device->total == 0)
    return aml_error_set_value(-AML_ENODEV, call, "target", number, "has no memory");
  if (device->is_allowed == AML_ANSWER_NO)
    return aml_error_set_value(-AML_EPERM, call, "target", number,
                               "is not allowed to this process");
  return 0;
}

/** What all devices together have to give, as far as it is known. */
static uint64_t usable_anywhere(const struct aml_devices *devices) {
  const uint64_t headroom = aml_devices_headroom(devices);
  uint64_t sum = 0;
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const uint64_t usable = aml_devices_at(devices, i)->usable;
    if (usable == AML_UNKNOWN)
      return headroom;
    sum += usable;
  }
  return sum < headroom ? sum : headroom;
}

/** Tells what the target has to give, if known, and whether it is the machine's only device. */
static int look_up(int target, uint64_t *usable, bool *is_only) {
  struct aml_devices *devices = NULL;
  if (target < AML_PROBE_ANY)
    return refuse("target", "is neither a device nor AML_PROBE_ANY");
  int err = aml_devices_read(&devices, NULL);
  if (target == AML_PROBE_ANY && (err == -AML_ENOENT || err == -AML_ENODEV))
    return 0;
  if (err)
    return err;
  if (target == AML_PROBE_ANY) {
    *usable = usable_anywhere(devices);
  } else {
    const struct aml_device *const device = aml_devices_find(devices, target);
    err = check_device(device, target);
    *usable = err ? 0 : device->usable;
    *is_only = aml_devices_count(devices) == 1;
  }
  aml_devices_destroy(&devices);
  return err;
}

/** Settles how large the buffer is. */
static int settle_size(const struct probe *it, uint64_t usable, size_t *result) {
  const unsigned threads = larger(it->options.threads, it->options.load_threads);
  uint64_t size = it->options.size;
  if (size == 0) {
    size = MIN_SIZE;
    if (size < 4 * it->caches.total)
      size = 4 * it->caches.total;
    if (size < 8 * it->caches.largest)
      size = 8 * it->caches.largest;
    if (size > usable / 2)
      size = usable / 2;
  } else if (size / 2 / GRAIN < threads) {
    return refuse("options.size", "is less than 8 KiB for each thread");
  }
  if (size > usable || size / 2 / GRAIN < threads)
    return aml_error_set_value(-AML_ENOMEM, call, "a buffer of", size,
                               "bytes is not what the device has to give now");
  *result = size / GRAIN / it->options.threads * it->options.threads * GRAIN;
  return 0;
}

/** Asks whether to go on. */
static int proceed(struct probe *it) {
  const struct aml_probe_options *const options = &it->options;
  if (options->progress != NULL && !options->progress(it->done, it->total, options->context))
    return aml_error_set(-AML_ECANCELED, call, "options.progress", "said to stop");
  ++it->done;
  return 0;
}

/** Gives the threads on the CPUs from `first` on equal parts of a block. */
static void share_out(struct probe *it, enum aml_internal_probe_kind kind, unsigned first,
                      unsigned count, char *block, size_t size) {
  const size_t each = size / GRAIN / count * GRAIN;
  int cpu = aml_cpuset_at(&it->cpus, first);
  for (unsigned i = 0; i < count; ++i) {
    it->jobs[first + i] = (struct aml_internal_probe_job){
        .kind = kind, .cpu = cpu, .block = block + i * each, .size = each, .sum = i + 1};
    cpu = aml_cpuset_next(&it->cpus, cpu);
  }
}

/** Bandwidth of all of these jobs. */
static uint64_t bandwidth(const struct aml_internal_probe_job jobs[], unsigned count) {
  double bytes_per_ns = 0;
  for (unsigned i = 0; i < count; ++i)
    bytes_per_ns += (double)jobs[i].count / (double)jobs[i].time_ns;
  const double mib_s = bytes_per_ns * 1e9 / (1 << 20);
  return mib_s < 1 ? 1 : (uint64_t)mib_s;
}

static uint64_t latency(const struct aml_internal_probe_job *job) {
  const uint64_t ns = (job->time_ns + job->count / 2) / job->count;
  return ns == 0 ? 1 : ns;
}

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a;
  const uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static struct aml_probe_figure of_bandwidths(uint64_t values[], unsigned count) {
  qsort(values, count, sizeof *values, compare);
  return (struct aml_probe_figure){.best = values[count - 1], .median = values[(count - 1) / 2]};
}

static struct aml_probe_figure of_latencies(uint64_t values[], unsigned count) {
  qsort(values, count, sizeof *values, compare);
  return (struct aml_probe_figure){.best = values[0], .median = values[count / 2]};
}

static uint64_t time_of(const struct probe *it) {
  return (uint64_t)it->options.time_ms * 1000000;
}

/** Measures streams, if they are among what is wanted. */
static int measure_streams(struct probe *it, enum aml_probe_measurement which,
                           enum aml_internal_probe_kind kind, struct aml_probe_figure *figure) {
  uint64_t values[AML_PROBE_MAX_REPETITIONS];
  if ((it->options.measurements & which) == 0)
    return 0;
  for (unsigned i = 0; i < it->options.repetitions; ++i) {
    int err = proceed(it);
    share_out(it, kind, 0, it->options.threads, it->memory.base, it->memory.size);
    if (!err)
      err = aml_internal_probe_run(call, it->jobs, it->options.threads, time_of(it));
    if (err)
      return err;
    values[i] = bandwidth(it->jobs, it->options.threads);
  }
  *figure = of_bandwidths(values, it->options.repetitions);
  return 0;
}

/** Follows the cycle once for the set time, alone or under load. */
static int chase(struct probe *it, bool is_loaded) {
  const unsigned load_threads = is_loaded ? it->options.load_threads : 0;
  const enum aml_internal_probe_kind kind =
      it->options.load == AML_PROBE_LOAD_WRITE ? AML_INTERNAL_PROBE_WRITE : AML_INTERNAL_PROBE_READ;
  it->jobs[0] = (struct aml_internal_probe_job){
      .kind = AML_INTERNAL_PROBE_CHASE, .cpu = aml_cpuset_next(&it->cpus, -1), .block = it->line};
  if (is_loaded)
    share_out(it, kind, 1, load_threads, it->memory.base + it->half, it->half);
  const int err = aml_internal_probe_run(call, it->jobs, 1 + (size_t)load_threads, time_of(it));
  it->line = it->jobs[0].block;
  return err;
}

static int measure_latency(struct probe *it, struct aml_probe_figure *figure) {
  uint64_t values[AML_PROBE_MAX_REPETITIONS];
  if ((it->options.measurements & AML_PROBE_LATENCY) == 0)
    return 0;
  for (unsigned i = 0; i < it->options.repetitions; ++i) {
    int err = proceed(it);
    if (!err)
      err = chase(it, false);
    if (err)
      return err;
    values[i] = latency(it->jobs);
  }
  *figure = of_latencies(values, it->options.repetitions);
  return 0;
}

static int measure_loaded_latency(struct probe *it, struct aml_probe_figure *figure,
                                  struct aml_probe_figure *load) {
  uint64_t latencies[AML_PROBE_MAX_REPETITIONS];
  uint64_t loads[AML_PROBE_MAX_REPETITIONS];
  if ((it->options.measurements & AML_PROBE_LOADED_LATENCY) == 0)
    return 0;
  for (unsigned i = 0; i < it->options.repetitions; ++i) {
    int err = proceed(it);
    if (!err)
      err = chase(it, true);
    if (err)
      return err;
    latencies[i] = latency(it->jobs);
    loads[i] = bandwidth(it->jobs + 1, it->options.load_threads);
  }
  *figure = of_latencies(latencies, it->options.repetitions);
  *load = of_bandwidths(loads, it->options.repetitions);
  return 0;
}

/** Makes the cycle, and then reads the other half, so that caches have nothing of it. */
static int prepare_chase(struct probe *it) {
  if ((it->options.measurements & (AML_PROBE_LATENCY | AML_PROBE_LOADED_LATENCY)) == 0)
    return 0;
  it->half = it->memory.size / 2 / GRAIN * GRAIN;
  it->line = it->memory.base;
  share_out(it, AML_INTERNAL_PROBE_MAKE_CYCLE, 0, 1, it->memory.base, it->half);
  it->jobs[0].line_size = it->caches.line_size;
  const int err = aml_internal_probe_run(call, it->jobs, 1, 0);
  if (err)
    return err;
  share_out(it, AML_INTERNAL_PROBE_READ, 0, 1, it->memory.base + it->half, it->half);
  return aml_internal_probe_run(call, it->jobs, 1, 0);
}

/** Touches the buffer from the CPUs that will use it, and looks where that got memory. */
static int populate(struct probe *it, bool is_only, struct aml_probe_result *result) {
  share_out(it, AML_INTERNAL_PROBE_WRITE, 0, it->options.threads, it->memory.base, it->memory.size);
  int err = aml_internal_probe_run(call, it->jobs, it->options.threads, 0);
  if (!err)
    err = aml_internal_probe_check(call, &it->memory, &result->is_on_target);
  if (err)
    return err;
  if (is_only)
    result->is_on_target = AML_ANSWER_YES;
  result->size = it->memory.size;
  result->huge_size = aml_internal_probe_huge_size(&it->memory);
  result->threads = it->options.threads;
  return 0;
}

static int measure(struct probe *it, struct aml_probe_result *result) {
  int err =
      measure_streams(it, AML_PROBE_READ, AML_INTERNAL_PROBE_READ, &result->read_bandwidth_mib_s);
  if (!err)
    err = measure_streams(it, AML_PROBE_WRITE, AML_INTERNAL_PROBE_WRITE,
                          &result->write_bandwidth_mib_s);
  if (!err)
    err = measure_streams(it, AML_PROBE_NONTEMPORAL_WRITE, AML_INTERNAL_PROBE_WRITE_NONTEMPORAL,
                          &result->nontemporal_write_bandwidth_mib_s);
  if (!err)
    err = prepare_chase(it);
  if (!err)
    err = measure_latency(it, &result->read_latency_ns);
  if (!err)
    err =
        measure_loaded_latency(it, &result->loaded_read_latency_ns, &result->load_bandwidth_mib_s);
  return err;
}

/** With the options settled: gets what is needed, measures, and gives it back. */
static int run(struct probe *it, int target, struct aml_probe_result *result) {
  uint64_t usable = AML_UNKNOWN;
  bool is_only = false;
  size_t size = 0;
  int err = look_up(target, &usable, &is_only);
  if (!err)
    err = aml_internal_probe_read_caches(call, "/sys", &it->cpus, &it->caches);
  if (!err)
    err = settle_size(it, usable, &size);
  if (err)
    return err;
  it->jobs = calloc(larger(it->options.threads, 1 + it->options.load_threads), sizeof *it->jobs);
  if (it->jobs == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the list of threads");
  err = aml_internal_probe_map(call, size, target, is_only, &it->memory);
  if (!err) {
    err = populate(it, is_only, result);
    if (!err)
      err = measure(it, result);
    aml_internal_probe_unmap(&it->memory);
  }
  free(it->jobs);
  return err;
}

int aml_probe(const struct aml_cpuset *cpus, int target, const struct aml_probe_options *options,
              struct aml_probe_result *result) {
  static const struct aml_probe_options defaults = {0};
  static const struct aml_probe_figure unknown = {.best = AML_UNKNOWN, .median = AML_UNKNOWN};
  struct aml_probe_result made = {.read_bandwidth_mib_s = unknown,
                                  .write_bandwidth_mib_s = unknown,
                                  .nontemporal_write_bandwidth_mib_s = unknown,
                                  .read_latency_ns = unknown,
                                  .loaded_read_latency_ns = unknown,
                                  .load_bandwidth_mib_s = unknown};
  if (cpus == NULL || aml_cpuset_is_empty(cpus))
    return refuse("cpus", "is null or empty");
  if (result == NULL)
    return refuse("result", "is null");
  struct probe it = {.options = options == NULL ? defaults : *options,
                     .cpus = *cpus,
                     .cpu_count = aml_cpuset_count(cpus)};
  int err = check_options(&it.options, it.cpu_count);
  if (err)
    return err;
  complete(&it.options, it.cpu_count);
  it.total = (unsigned)__builtin_popcount(it.options.measurements) * it.options.repetitions;
  err = run(&it, target, &made);
  if (!err)
    *result = made;
  return err;
}

struct aml_device_performance aml_probe_performance(const struct aml_probe_result *result) {
  struct aml_device_performance performance = {.read_bandwidth_mib_s = AML_UNKNOWN,
                                               .write_bandwidth_mib_s = AML_UNKNOWN,
                                               .read_latency_ns = AML_UNKNOWN,
                                               .write_latency_ns = AML_UNKNOWN};
  if (result == NULL)
    return performance;
  performance.read_bandwidth_mib_s = result->read_bandwidth_mib_s.median;
  performance.write_bandwidth_mib_s = result->nontemporal_write_bandwidth_mib_s.median;
  if (performance.write_bandwidth_mib_s == AML_UNKNOWN)
    performance.write_bandwidth_mib_s = result->write_bandwidth_mib_s.median;
  performance.read_latency_ns = result->read_latency_ns.median;
  return performance;
}
