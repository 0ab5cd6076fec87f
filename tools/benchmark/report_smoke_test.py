#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reports one real benchmark, briefly: report_smoke_test.py PROGRAM."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

REPORT = pathlib.Path(__file__).resolve().with_name("report.py")
PROGRAM = sys.argv[1]


class ReportSmokeTest(unittest.TestCase):
    def test_a_page_of_a_real_benchmark(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run(
                [sys.executable, REPORT, "--min-time=0.0005", "--repetitions=2", PROGRAM],
                env={**os.environ, "BUILD_WORKSPACE_DIRECTORY": scratch},
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(0, done.returncode, done.stderr)
            output = pathlib.Path(scratch, "docs/benchmarks")
            text = (output / "arena.md").read_text(encoding="utf-8")
            for row in ("CPU", "memory", "kernel", "date"):
                self.assertRegex(text, r"(?m)^\| %s \| .+ \|$" % row)
            self.assertRegex(text, r"(?m)^\| AllocInline \| 64 \| [0-9.]+ .?s ± ")
            plots = re.findall(r"\]\((.*\.svg)\)", text)
            self.assertGreater(len(plots), 1)
            for plot in plots:
                ElementTree.parse(output / plot)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
