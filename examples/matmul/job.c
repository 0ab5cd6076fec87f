// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/job.h"

#include <time.h>

#include "aml/area/linux.h"
#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/examples/matmul/multiply.h"
#include "aml/examples/matmul/npy_file.h"
#include "aml/examples/matmul/plan.h"
#include "aml/examples/matmul/report.h"
#include "aml/examples/matmul/say.h"

/** The files of a job; zeroed: none is open. */
struct files {
  struct npy_file a;
  struct npy_file b;
  struct npy_file c;
};

static int say_detail(void) {
  return say("%s", aml_error_detail());
}

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/** Whether the matrices can be multiplied. */
static int check_match(const struct npy_file *a, const struct npy_file *b) {
  if (a->header.element_size != b->header.element_size)
    return say("%s has float%zu and %s float%zu numbers; both must have the same type", a->path,
               8 * a->header.element_size, b->path, 8 * b->header.element_size);
  if (a->header.columns != b->header.rows)
    return say("%s is %zu x %zu and %s %zu x %zu: the first has other columns than the second rows",
               a->path, a->header.rows, a->header.columns, b->path, b->header.rows,
               b->header.columns);
  return 0;
}

/** Opens the input. */
static int open_input(const struct job *job, struct files *files) {
  if (npy_file_open(job->a, &files->a) != 0 || npy_file_open(job->b, &files->b) != 0)
    return -1;
  if (npy_file_is(&files->a, job->c) || npy_file_is(&files->b, job->c))
    return say("%s is one of the files to be read; the product needs a name of its own", job->c);
  return check_match(&files->a, &files->b);
}

static int create_output(const struct job *job, struct files *files) {
  const struct npy_header header = {.rows = files->a.header.rows,
                                    .columns = files->b.header.columns,
                                    .element_size = files->a.header.element_size};
  return npy_file_create(job->c, &header, &files->c);
}

static int make_plan(const struct job *job, const struct files *files, struct aml_area *fast,
                     struct plan *plan) {
  struct aml_area_info info;
  if (aml_area_get_info(fast, NULL, &info))
    return say_detail();
  const struct plan_problem problem = {.m = files->a.header.rows,
                                       .n = files->b.header.columns,
                                       .k = files->a.header.columns,
                                       .element_size = files->a.header.element_size,
                                       .a_fortran_order = files->a.header.fortran_order,
                                       .b_fortran_order = files->b.header.fortran_order,
                                       .granularity = info.granularity};
  if (!plan_make(&problem, job->memory, plan))
    return say("--memory %zu is too small: it must hold a tile of each matrix", job->memory);
  return 0;
}

/** Plans and multiplies, and prints the report. */
static int multiply_files(const struct job *job, struct files *files, struct aml_area *fast,
                          struct aml_arena *arena, struct report *report) {
  if (make_plan(job, files, fast, &report->plan) != 0)
    return -1;
  if (kernel_init(&report->kernel, job->kernel, report->element_size, NULL, arena) != 0)
    return say_detail();
  struct progress progress = progress_start();
  const struct multiply_task task = {.a = &files->a,
                                     .b = &files->b,
                                     .c = &files->c,
                                     .plan = &report->plan,
                                     .kernel = &report->kernel,
                                     .fast = fast,
                                     .progress = progress_update,
                                     .progress_argument = &progress};
  const double start = now();
  const int err = multiply(&task, &report->stats);
  progress_end(&progress);
  if (err)
    return say_detail();
  if (npy_file_commit(&files->c) != 0)
    return -1;
  report->seconds = now() - start;
  report_print(report);
  return 0;
}

/** Multiplies in memory of a fast area, where an arena is the kernel's workspace. */
static int multiply_with_blocks(const struct job *job, struct files *files, struct report *report) {
  AML_AREA_LINUX_DECL(fast);
  AML_ARENA_BUMP_DECL(arena);
  int result = -1;
  if (aml_area_linux_init(fast, NULL) || aml_arena_bump_init(arena, fast, NULL))
    (void)say_detail();
  else
    result = multiply_files(job, files, fast, arena, report);
  aml_arena_fini(arena);
  aml_area_fini(fast);
  return result;
}

static int run(const struct job *job, struct files *files) {
  if (open_input(job, files) != 0 || create_output(job, files) != 0)
    return -1;
  struct report report = {.m = files->a.header.rows,
                          .n = files->b.header.columns,
                          .k = files->a.header.columns,
                          .element_size = files->a.header.element_size,
                          .budget = job->memory};
  // A sum of nothing is 0, as the new file is. AML's tiles are never empty.
  report.is_empty = report.m == 0 || report.n == 0 || report.k == 0;
  if (report.is_empty) {
    if (npy_file_commit(&files->c) != 0)
      return -1;
    report_print(&report);
    return 0;
  }
  return multiply_with_blocks(job, files, &report);
}

int job_run(const struct job *job) {
  struct files files = {0};
  const int result = run(job, &files);
  npy_file_close(&files.a);
  npy_file_close(&files.b);
  npy_file_close(&files.c);
  return result;
}
