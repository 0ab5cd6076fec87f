// SPDX-License-Identifier: BSD-3-Clause
//
// matmul: multiplies matrices in files under a budget of memory. options.c has the usage.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aml/examples/matmul/demo.h"
#include "aml/examples/matmul/job.h"
#include "aml/examples/matmul/options.h"
#include "aml/examples/matmul/say.h"
#include "aml/examples/matmul/temporary.h"

enum { WRONG_USAGE = 2 };

static const size_t DEFAULT_MEMORY = (size_t)64 << 20;

/** `bazel run` starts programs elsewhere; names of files mean where the user is. */
static int enter_user_directory(void) {
  const char *const directory = getenv("BUILD_WORKING_DIRECTORY");
  if (directory != NULL && chdir(directory) != 0)
    return say_errno("cannot enter %s", directory);
  return 0;
}

static int run(const struct options *options) {
  if (options->a == NULL)
    return demo_run(options->memory, options->kernel);
  const struct job job = {.a = options->a,
                          .b = options->b,
                          .c = options->c,
                          .memory = options->memory == 0 ? DEFAULT_MEMORY : options->memory,
                          .kernel = options->kernel};
  return enter_user_directory() == 0 ? job_run(&job) : -1;
}

int main(int argc, char *argv[]) {
  struct options options;
  if (options_parse(argc, argv, &options) != 0) {
    fputs("matmul: --help tells how it is used\n", stderr);
    return WRONG_USAGE;
  }
  if (options.help) {
    options_print_help();
    return EXIT_SUCCESS;
  }
  // Writing past a limit on the size of files then is an error with a reason, not the end.
  (void)signal(SIGXFSZ, SIG_IGN);
  temporary_install();
  int result = run(&options);
  temporary_remove_all();
  if (fflush(stdout) != 0)
    result = say_errno("cannot print the report");
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
