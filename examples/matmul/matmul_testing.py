# SPDX-License-Identifier: BSD-3-Clause
"""What the end-to-end tests of matmul share: running it, and matrices to run it on."""

import os
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    sys.exit("numpy is missing: sudo apt-get install python3-numpy")

# The program under test: the first argument, which unittest must not see.
PROGRAM = os.path.abspath(sys.argv.pop(1))


def has_openblas():
    """Whether the program was built with OpenBLAS."""
    with tempfile.TemporaryDirectory() as directory:
        one = os.path.join(directory, "one.npy")
        np.save(one, np.ones((1, 1)))
        result = subprocess.run(
            [PROGRAM, "--kernel", "openblas", one, one, os.path.join(directory, "C.npy")],
            capture_output=True,
        )
    return result.returncode == 0


def is_sanitized():
    """Whether the program keeps shadow memory, which neither budgets nor limits know of."""
    with open(PROGRAM, "rb") as program:
        content = program.read()
    return b"__asan_init" in content or b"__tsan_init" in content


def integers(rows, columns, dtype=np.float64, seed=0):
    """A matrix of small integers: every sum of their products is exact."""
    random = np.random.default_rng([seed, rows, columns])
    return random.integers(-8, 9, (rows, columns)).astype(dtype)


class MatmulTestCase(unittest.TestCase):
    """Runs each test in a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def save(self, name, array, version=(1, 0)):
        """Has NumPy write an array; returns the file's path."""
        with open(self.path(name), "wb") as file:
            np.lib.format.write_array(file, array, version=version)
        return self.path(name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def run_matmul(self, *arguments, **options):
        return subprocess.run(
            [PROGRAM, *arguments],
            capture_output=True,
            text=True,
            cwd=options.pop("cwd", self.directory),
            **options,
        )

    def multiply(self, *arguments, **options):
        """Runs the program, which must succeed; returns what it printed."""
        result = self.run_matmul(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout
