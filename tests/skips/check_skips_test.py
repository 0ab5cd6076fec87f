#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shows that check_skips.py lets expected skips pass, and no others."""

import os
import tempfile
import unittest

import check_skips

EXPECTED = """\
# A comment.

a/.*: no [xy] here :: true
a/z_test: is for one thread :: false
"""

XML = """\
<testsuites><testsuite>
<testcase name="Runs" classname="S" result="completed"/>
<testcase name="Skips" classname="S" result="skipped">
<skipped message="a/b_test.cc:9&#x0A;%s&#x0A;"/></testcase>
</testsuite></testsuites>
"""


class CheckSkipsTest(unittest.TestCase):
    def status(self, reason, label="//a:b_test", write=True):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "a/b_test"))
            with open(os.path.join(folder, "expected"), "w", encoding="utf-8") as file:
                file.write(EXPECTED)
            if write:
                with open(os.path.join(folder, "a/b_test/test.xml"), "w", encoding="utf-8") as file:
                    file.write(XML % reason)
            return check_skips.main([os.path.join(folder, "expected"), folder, label, "//a:none"])

    def test_passes_a_skip_that_is_expected(self):
        self.assertEqual(0, self.status("no x here"))

    def test_finds_a_reason_that_is_not_listed(self):
        self.assertEqual(1, self.status("no x here, or"))

    def test_finds_a_reason_that_is_not_one_on_this_machine(self):
        self.assertEqual(1, self.status("is for one thread"))

    def test_minds_only_the_targets_that_are_named(self):
        self.assertEqual(1, self.status("no x here", write=False), "there are no results")
        self.assertEqual(1, self.status("no x here", label="//b:b_test"), "there are no results")

    def test_names_the_test_and_its_reason(self):
        self.assertEqual(
            [("S.Skips", "a/b_test: no x here")],
            list(check_skips.skips("a/b_test", XML % "no x here")),
        )

    def test_reads_the_list(self):
        path = os.path.join(os.path.dirname(check_skips.__file__), "expected.txt")
        with open(path, encoding="utf-8") as file:
            rules = check_skips.parse(file.read())
        self.assertTrue(rules)
        self.assertTrue(all(command for _, command in rules))


if __name__ == "__main__":
    unittest.main()
