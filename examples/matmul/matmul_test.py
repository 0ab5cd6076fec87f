#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""matmul against NumPy: files that NumPy wrote go in, and NumPy reads what comes out."""

import itertools
import os
import pty
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from matmul_testing import PROGRAM, MatmulTestCase, has_openblas, integers, is_sanitized, np

KERNELS = ["own", "openblas"] if has_openblas() else ["own"]
SHAPES = [(1, 1, 1), (5, 1, 3), (1, 70, 1), (64, 64, 64), (97, 61, 113), (3, 200, 150)]


class ProductTest(MatmulTestCase):
    """What is computed."""

    def expect_product(self, a, b, *options):
        self.save("A.npy", a)
        self.save("B.npy", b)
        output = self.multiply(*options, "A.npy", "B.npy", "C.npy")
        c = np.load(self.path("C.npy"))
        self.assertEqual(c.dtype, a.dtype)
        self.assertTrue(c.flags.c_contiguous)
        np.testing.assert_array_equal(c, a @ b)
        return output

    def test_every_type_order_shape_budget_and_kernel(self):
        for dtype, (m, n, k), kernel in itertools.product(["<f4", "<f8"], SHAPES, KERNELS):
            a = integers(m, k, dtype)
            b = integers(k, n, dtype, seed=1)
            for a_order, b_order, memory in [
                ("C", "C", "64M"),
                ("C", "F", "24K"),
                ("F", "C", "16K"),
                ("F", "F", "48K"),
                ("C", "C", "12K"),
            ]:
                with self.subTest(dtype=dtype, m=m, n=n, k=k, kernel=kernel, memory=memory):
                    self.expect_product(
                        np.array(a, order=a_order),
                        np.array(b, order=b_order),
                        "--kernel=" + kernel,
                        "--memory=" + memory,
                    )

    def test_real_numbers_are_as_close_as_numpy(self):
        random = np.random.default_rng(5)
        for dtype in (np.float32, np.float64):
            a = random.standard_normal((150, 333)).astype(dtype)
            b = random.standard_normal((333, 170)).astype(dtype)
            self.save("A.npy", a)
            self.save("B.npy", b)
            for kernel in KERNELS:
                self.multiply("--memory=100K", "--kernel", kernel, "A.npy", "B.npy", "C.npy")
                exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
                bound = 333 * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b))
                self.assertTrue((np.abs(np.load(self.path("C.npy")) - exact) <= bound).all())

    def test_every_version_of_the_format(self):
        a = integers(30, 40)
        b = integers(40, 20)
        for version in [(1, 0), (2, 0), (3, 0)]:
            with self.subTest(version=version):
                self.save("A.npy", np.asfortranarray(a), version)
                self.save("B.npy", b, version)
                self.multiply("A.npy", "B.npy", "C.npy")
                np.testing.assert_array_equal(np.load(self.path("C.npy")), a @ b)

    def test_empty_matrices(self):
        for m, n, k in [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (0, 3, 0)]:
            with self.subTest(m=m, n=n, k=k):
                self.expect_product(np.ones((m, k)), np.ones((k, n)))

    def test_a_matrix_times_itself(self):
        a = integers(80, 80)
        self.save("A.npy", a)
        self.multiply("--memory=20K", "A.npy", "A.npy", "C.npy")
        np.testing.assert_array_equal(np.load(self.path("C.npy")), a @ a)

    def test_bytes_behind_the_matrix_do_no_harm(self):
        a = integers(10, 10)
        with open(self.save("A.npy", a), "ab") as file:
            file.write(b"more")
        self.multiply("A.npy", "A.npy", "C.npy")
        np.testing.assert_array_equal(np.load(self.path("C.npy")), a @ a)


class ProgramTest(MatmulTestCase):
    """How the program behaves."""

    def setUp(self):
        super().setUp()
        self.a = integers(120, 90)
        self.b = integers(90, 110)
        self.save("A.npy", self.a)
        self.save("B.npy", self.b)

    def expect_result(self, path):
        np.testing.assert_array_equal(np.load(path), self.a @ self.b)

    def test_an_old_result_is_replaced(self):
        self.write("C.npy", b"old")
        os.chmod(self.path("C.npy"), 0o600)
        self.multiply("A.npy", "B.npy", "C.npy", umask=0o027)
        self.expect_result(self.path("C.npy"))
        self.assertEqual(os.stat(self.path("C.npy")).st_mode & 0o777, 0o640)
        self.assertEqual(sorted(os.listdir(self.directory)), ["A.npy", "B.npy", "C.npy"])

    def test_names_mean_where_bazel_run_was_called(self):
        environment = dict(os.environ, BUILD_WORKING_DIRECTORY=self.directory)
        self.multiply("A.npy", "B.npy", "C.npy", cwd="/", env=environment)
        self.expect_result(self.path("C.npy"))

    def test_prints_figures(self):
        output = self.multiply("--memory=64K", "A.npy", "B.npy", "C.npy")
        self.assertIn("120 x 110 = 120 x 90 * 90 x 110, float64\n", output)
        self.assertRegex(output, r"GFLOP in [0-9.]+ s: [0-9.]+ GFLOP/s")
        self.assertRegex(output, r"moved [0-9.]+ MiB from files and 0\.1 MiB to files, in \d+ calls")
        for name in "ABC":
            self.assertRegex(output, rf"scratchpad {name}: \d+ hits, [1-9]\d* misses")
        self.assertRegex(output, r"peak resident memory [1-9][0-9.]* MiB")

    def test_help_names_every_option(self):
        output = self.multiply("--help")
        for option in ["--memory", "--kernel", "--help"]:
            self.assertIn(option, output)

    def test_progress_is_shown_on_a_terminal_only(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminal to be had: {error}")
        with os.fdopen(ours, "rb", 0) as terminal:
            subprocess.run(
                [PROGRAM, "--memory=64K", "A.npy", "B.npy", "C.npy"],
                cwd=self.directory,
                stdout=subprocess.DEVNULL,
                stderr=theirs,
                check=True,
            )
            shown = terminal.read(4096).decode()
        os.close(theirs)
        self.assertIn("100%", shown)
        self.assertTrue(shown.endswith("\r\033[K"), shown)

    def test_without_files_it_checks_itself_and_cleans_up(self):
        for kernel in KERNELS:
            environment = dict(os.environ, TMPDIR=self.path("."))
            before = os.listdir(self.directory)
            output = self.multiply("--kernel", kernel, env=environment)
            self.assertIn("C.npy is equal to the direct product\n", output)
            self.assertEqual(os.listdir(self.directory), before)


class MemoryTest(MatmulTestCase):
    """The budget."""

    @unittest.skipIf(is_sanitized(), "a sanitizer's own memory is in no budget")
    def test_resident_memory_keeps_to_the_budget(self):
        self.save("A.npy", integers(2000, 300))
        self.save("B.npy", np.asfortranarray(integers(300, 2500)))
        for kernel, memory in itertools.product(KERNELS, [1, 4, 16]):
            with self.subTest(kernel=kernel, memory=memory):
                output = self.multiply(
                    f"--memory={memory}M", "--kernel", kernel, "A.npy", "B.npy", "C.npy"
                )
                figures = re.search(
                    r"peak resident memory ([0-9.]+) MiB; "
                    r"at most the budget of ([0-9.]+) MiB and (\d+) MiB for all else",
                    output,
                )
                peak, budget, constant = map(float, figures.groups())
                self.assertEqual(budget, memory)
                self.assertLessEqual(peak, budget + constant)
                # C alone is larger.
                self.assertLess(budget + constant, 2000 * 2500 * 8 / 2**20 + 16)


if __name__ == "__main__":
    unittest.main()
