#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What matmul does when something is wrong: one sentence, status 1, and no half-made result."""

import os
import resource
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from matmul_testing import PROGRAM, MatmulTestCase, has_openblas, integers, is_sanitized, np


class FailureTestCase(MatmulTestCase):
    """Checks what every failure has in common."""

    def setUp(self):
        super().setUp()
        self.save("A.npy", integers(100, 80))
        self.save("B.npy", integers(80, 90))

    def content(self):
        """Every file in the directory, with what is in it."""
        result = {}
        for name in os.listdir(self.directory):
            path = self.path(name)
            result[name] = None
            if os.path.isfile(path) and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    result[name] = file.read()
        return result

    def expect_failure(self, sentence, *arguments, status=1, lines=1, **options):
        before = self.content()
        result = self.run_matmul(*(arguments or ("A.npy", "B.npy", "C.npy")), **options)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, r"^matmul: .*" + sentence)
        self.assertEqual(result.stderr.count("\n"), lines, result.stderr)
        self.assertEqual(self.content(), before)


class InputTest(FailureTestCase):
    def test_files_that_cannot_be_read(self):
        self.expect_failure("cannot open no.npy: No such file", "no.npy", "B.npy", "C.npy")
        self.expect_failure("cannot open no.npy: No such file", "A.npy", "no.npy", "C.npy")
        self.expect_failure(r"\. is a directory", ".", "B.npy", "C.npy")
        os.mkfifo(self.path("pipe"))
        self.expect_failure("pipe is not a regular file", "pipe", "B.npy", "C.npy")
        os.symlink("loop", self.path("loop"))
        self.expect_failure("cannot open loop: Too many levels", "A.npy", "loop", "C.npy")
        self.expect_failure("/dev/zero is not a regular file", "/dev/zero", "B.npy", "C.npy")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_file_without_permission(self):
        os.chmod(self.path("A.npy"), 0)
        self.expect_failure("cannot open A.npy: Permission denied")

    def test_truncated_files(self):
        with open(self.path("A.npy"), "rb") as file:
            whole = file.read()
        for size in [0, 3, 6, 7, 8, 9, 10, 50, 127, 128, len(whole) - 1]:
            with self.subTest(size=size):
                self.write("A.npy", whole[:size])
                self.expect_failure(r"A\.npy is (truncated|no \.npy file)")

    def test_hostile_headers(self):
        def with_text(text, version=1, length=None):
            pack = "<H" if version == 1 else "<I"
            size = len(text) if length is None else length
            return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(pack, size) + text

        good = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100, 80), }"
        for content, sentence in [
            (b"PK\3\4" + bytes(100), "is no .npy file"),
            (with_text(good, version=4), "version"),
            (with_text(good, version=2, length=0xFFFFFFFF), "longer than 64 KiB"),
            (with_text(good, length=65535), "truncated"),
            (with_text(good.replace(b"100", b"-100")), "negative"),
            (with_text(good.replace(b"100", b"1" + b"0" * 30)), "larger than any file"),
            (with_text(good.replace(b"100", b"9" * 18)), "larger than any file"),
            (with_text(good.replace(b"100", b"9" * 12)), "truncated: it has"),
            (with_text(good.replace(b"False", b"__import__('os')")), "not the dictionary"),
            (with_text(b"[" * 60000), "not the dictionary"),
        ]:
            with self.subTest(sentence=sentence):
                self.write("A.npy", content + bytes(1000))
                self.expect_failure(r"A\.npy .*" + sentence)

    def test_other_arrays(self):
        for array, sentence in [
            (np.ones((100, 80), ">f8"), "big-endian"),
            (np.ones((100, 80), "<i8"), "another type"),
            (np.ones((100, 80), "<f2"), "another type"),
            (np.ones((100, 80), "<c16"), "another type"),
            (np.ones((100, 80), [("x", "<f8")]), "structured"),
            (np.ones(80), "two dimensions"),
            (np.ones(()), "two dimensions"),
            (np.ones((2, 50, 80)), "two dimensions"),
        ]:
            with self.subTest(sentence=sentence):
                self.save("A.npy", array)
                self.expect_failure(r"A\.npy .*" + sentence)

    def test_matrices_that_do_not_fit_together(self):
        self.expect_failure(
            r"A\.npy is 100 x 80 and A\.npy 100 x 80: .* columns", "A.npy", "A.npy", "C.npy"
        )
        self.save("B.npy", integers(80, 90, np.float32))
        self.expect_failure(r"A\.npy has float64 and B\.npy float32 .* same type")

    def test_a_product_larger_than_any_file(self):
        self.save("A.npy", np.ones((1, 0)))
        for name, shape in [("A.npy", b"(9999999999, 0)"), ("B.npy", b"(0, 9999999999)")]:
            text = b"{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + b"}\n"
            self.write(name, b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)
        self.expect_failure(r"C\.npy: a 9999999999 x 9999999999 matrix is larger than any file")


class OutputTest(FailureTestCase):
    def test_places_where_nothing_can_be_written(self):
        self.expect_failure("C.npy: No such file", "A.npy", "B.npy", "no/C.npy")
        self.expect_failure("not a regular file", "A.npy", "B.npy", ".")
        self.expect_failure("not a regular file", "A.npy", "B.npy", "/dev/null")
        self.assertTrue(os.path.exists("/dev/null"))
        self.expect_failure("Not a directory", "A.npy", "B.npy", "A.npy/C.npy")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_directory_without_permission(self):
        os.chmod(self.directory, 0o500)
        self.addCleanup(os.chmod, self.directory, 0o700)
        self.expect_failure("cannot create C.npy: Permission denied")

    def test_the_input_is_not_overwritten(self):
        os.link(self.path("B.npy"), self.path("link.npy"))
        for name in ["A.npy", "./A.npy", "B.npy", "link.npy"]:
            self.expect_failure("one of the files to be read", "A.npy", "B.npy", name)

    @unittest.skipIf(is_sanitized(), "a sanitizer's own files do not fit either")
    def test_no_room_for_the_result_keeps_the_old_one(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        self.expect_failure("cannot write the 72128 bytes of C.npy", preexec_fn=limit)
        self.write("C.npy", b"old")
        self.expect_failure("File too large", preexec_fn=limit)

    def test_a_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True
        )
        if mounted.returncode != 0:
            self.skipTest("may not mount a file system")
        try:
            self.expect_failure("No space left", "A.npy", "B.npy", "disk/C.npy")
            self.assertEqual(os.listdir(disk), [])
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_a_report_that_cannot_be_printed(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                [PROGRAM, "A.npy", "B.npy", "C.npy"],
                cwd=self.directory,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot print the report: No space left", result.stderr)


class UsageTest(FailureTestCase):
    def test_command_lines_that_are_wrong(self):
        for arguments, sentence in [
            (["--threads", "2"], "--threads"),
            (["--memory", "lots"], "not 'lots'"),
            (["--kernel", "mkl"], "not 'mkl'"),
            (["A.npy"], "three files"),
        ]:
            with self.subTest(sentence=sentence):
                self.expect_failure(sentence, *arguments, status=2, lines=2)

    def test_a_budget_that_is_too_small(self):
        self.expect_failure("--memory 8000 is too small", "--memory=8000", "A.npy", "B.npy", "C.npy")

    @unittest.skipIf(has_openblas(), "built with OpenBLAS")
    def test_a_kernel_that_is_not_there(self):
        self.expect_failure("openblas", "--kernel=openblas", "A.npy", "B.npy", "C.npy")


class InterruptionTest(FailureTestCase):
    """Things that happen while it works."""

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def start_long_work(self):
        """Starts work of some seconds; returns when it has begun, and what was there before."""
        self.save("A.npy", integers(1500, 1500))
        self.save("B.npy", integers(1500, 1500))
        before = sorted(os.listdir(self.directory))
        process = self.start("--memory=12K", "A.npy", "B.npy", "C.npy")
        deadline = time.monotonic() + 60
        while sorted(os.listdir(self.directory)) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        return process, before

    def test_signals_leave_nothing_behind(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(signal=number):
                process, before = self.start_long_work()
                process.send_signal(number)
                process.communicate()
                self.assertEqual(process.returncode, -number)
                self.assertEqual(sorted(os.listdir(self.directory)), before)

    def test_input_that_is_truncated_meanwhile(self):
        process, before = self.start_long_work()
        os.truncate(self.path("A.npy"), 200)
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 1, errors)
        self.assertRegex(errors, r"^matmul: .*A\.npy ends at offset \d+, before the tile does\n$")
        self.assertEqual(sorted(os.listdir(self.directory)), before)

    def own_input(self):
        """The directories that the program made for itself."""
        return [name for name in os.listdir(self.path("temporary")) if name.startswith("matmul-")]

    def test_a_signal_removes_its_own_input(self):
        os.mkdir(self.path("temporary"))
        environment = dict(os.environ, TMPDIR=self.path("temporary"))
        process = self.start("--memory=12K", env=environment)
        deadline = time.monotonic() + 60
        while not self.own_input() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.terminate()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertEqual(self.own_input(), [])


if __name__ == "__main__":
    unittest.main()
