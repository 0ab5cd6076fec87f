#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs coverage.py on a small program of two targets, compiled as `bazel coverage` compiles."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().with_name("coverage.py")

HEADER = """
static inline int half(int x) {
  if (x < 0)
    return 0;
  return x / 2;
}
"""

SOURCE = """
#include "aml/arena/half.h"
int twice(int x) {
  if (x < 0)
    return 0;
  return 2 * x;
}
int main(void) {
  return half(twice(1)) - 1;
}
"""


@unittest.skipUnless(shutil.which("gcc") and shutil.which("gcov"), "no gcc or no gcov here")
class CoverageTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        self.objects = "bazel-out/k8-fastbuild/bin/arena/_objs/bump"
        self.includes = "bazel-out/k8-fastbuild/bin/arena/_virtual_includes/half"
        for path, text in [("arena/bump.c", SOURCE), (self.includes + "/aml/arena/half.h", HEADER)]:
            (self.root / path).parent.mkdir(parents=True)
            (self.root / path).write_text(text)
        (self.root / self.objects).mkdir(parents=True)
        self.compile()

    def compile(self):
        object_file = self.objects + "/bump.o"
        self.run_in_root("gcc", "--coverage", "-I", self.includes, "-c", "arena/bump.c", "-o", object_file)
        self.run_in_root("gcc", "--coverage", object_file, "-o", "program")

    def run_in_root(self, *command):
        result = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return result.stdout

    def collect(self, output):
        self.run_in_root(sys.executable, SCRIPT, "--coverage_dir=.", "--output_file=" + output)

    def report(self, *tracefiles):
        (self.root / "reports").write_text("\n".join(tracefiles))
        return self.run_in_root(
            sys.executable, SCRIPT, "--reports_file=reports", "--output_file=all.dat"
        ).split("\n")

    def test_counts_lines_of_each_target(self):
        self.run_in_root("./program")
        self.collect("one.dat")
        rows = [row.split() for row in self.report("one.dat") if row]
        self.assertEqual(rows[0], ["//arena:bump", "83.3%", "(5/6)"])
        self.assertEqual(rows[1], ["//arena:half", "75.0%", "(3/4)"])
        self.assertEqual(rows[2], ["total", "80.0%", "(8/10)"])

    def test_counts_what_was_never_run(self):
        self.collect("one.dat")
        self.assertIn(["//arena:bump", "0.0%", "(0/6)"], [row.split() for row in self.report("one.dat")])

    def test_adds_up_and_prints_again(self):
        self.collect("none.dat")
        self.run_in_root("./program")
        self.collect("one.dat")
        rows = self.report("none.dat", "one.dat")
        self.assertIn("(8/10)", rows[-3])
        again = self.run_in_root(sys.executable, SCRIPT, "all.dat")
        self.assertEqual(again.split("\n"), rows[1:-1])

    def test_leaves_out_the_examples_of_documents(self):
        arena = self.root / "arena"
        (arena / "bump.c").write_text('#line 1 "arena/README.md"\n' + SOURCE)
        self.compile()
        self.run_in_root("./program")
        self.collect("one.dat")
        self.assertEqual(self.report("one.dat")[1].split()[0], "//arena:half")

    def test_names_a_line_of_the_source(self):
        self.run_in_root("./program")
        self.collect("one.dat")
        trace = (self.root / "one.dat").read_text()
        self.assertIn("TN://arena:half\nSF:arena/half.h\n", trace)
        self.assertIn("DA:5,0\n", trace)


if __name__ == "__main__":
    # `bazel coverage` redirects what this test's own programs count.
    os.environ.pop("GCOV_PREFIX", None)
    os.environ.pop("GCOV_PREFIX_STRIP", None)
    unittest.main()
