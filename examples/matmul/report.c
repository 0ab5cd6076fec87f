// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/report.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 40 };

static const double MIB = 1 << 20;

struct progress progress_start(void) {
  return (struct progress){.is_shown = isatty(STDERR_FILENO) == 1, .percent = -1};
}

void progress_update(void *argument, uint64_t done, uint64_t total) {
  struct progress *const progress = argument;
  const int percent = (int)(100.0 * (double)done / (double)total);
  if (!progress->is_shown || percent == progress->percent)
    return;
  progress->percent = percent;
  char bar[BAR_WIDTH + 1];
  for (int i = 0; i < BAR_WIDTH; ++i)
    bar[i] = i * 100 < percent * BAR_WIDTH ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  fprintf(stderr, "\r[%s] %3d%%", bar, percent);
  (void)fflush(stderr);
}

void progress_end(struct progress *progress) {
  // Return to the line's start, and erase it.
  if (progress->percent >= 0)
    fputs("\r\033[K", stderr);
  progress->percent = -1;
}

size_t report_peak_memory(void) {
  FILE *const file = fopen("/proc/self/status", "r");
  char line[256];
  size_t kib = 0;
  if (file == NULL)
    return 0;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %zu", &kib) == 1)
      break;
  (void)fclose(file);
  return kib << 10;
}

static void print_pad(const char *name, const struct aml_scratchpad_stats *stats, size_t rows,
                      size_t columns) {
  const uint64_t pulls = stats->hits + stats->misses;
  printf("scratchpad %s: %llu hits, %llu misses (%.0f%% hits); %llu slots of %zu x %zu\n", name,
         (unsigned long long)stats->hits, (unsigned long long)stats->misses,
         pulls == 0 ? 0.0 : 100.0 * (double)stats->hits / (double)pulls,
         (unsigned long long)stats->slots, rows, columns);
}

static void print_work(const struct report *report) {
  const struct plan *const plan = &report->plan;
  const struct kernel *const kernel = &report->kernel;
  const struct multiply_stats *const stats = &report->stats;
  const double work = 2e-9 * (double)report->m * (double)report->n * (double)report->k;
  printf("%.2f GFLOP in %.3f s: %.1f GFLOP/s; in the kernel alone (%s%s%s) %.1f GFLOP/s\n", work,
         report->seconds, work / report->seconds, kernel->name, *kernel->isa == '\0' ? "" : ", ",
         kernel->isa, work / stats->kernel_seconds);
  printf("moved %.1f MiB from files and %.1f MiB to files, in %llu calls\n",
         (double)stats->read_size / MIB, (double)stats->written_size / MIB,
         (unsigned long long)stats->calls);
  print_pad("A", &stats->a, plan->tile_m, plan->tile_k);
  print_pad("B", &stats->b, plan->tile_k, plan->tile_n);
  print_pad("C", &stats->c, plan->tile_m, plan->tile_n);
}

void report_print(const struct report *report) {
  printf("%zu x %zu = %zu x %zu * %zu x %zu, float%zu\n", report->m, report->n, report->m,
         report->k, report->k, report->n, 8 * report->element_size);
  if (!report->is_empty)
    print_work(report);
  printf(
      "peak resident memory %.1f MiB; at most the budget of %.1f MiB and %.0f MiB for all else\n",
      (double)report_peak_memory() / MIB, (double)report->budget / MIB,
      (double)REPORT_CONSTANT_SIZE / MIB);
}
