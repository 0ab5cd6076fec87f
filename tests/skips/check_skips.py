#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Finds tests that skipped though nobody expects it: for a reason that is not in expected.txt, or
on a machine that has what they say is missing.

usage: check_skips.py EXPECTED TESTLOGS TARGET...

Reads what googletest wrote of each target, which must have been run, into Bazel's folder of logs.
A target without results was not for this machine.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def parse(text):
    """The lines of expected.txt: a pattern, and the command that tells where it is expected."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(re.compile(pattern), command) for pattern, _, command in
            (line.partition(" :: ") for line in lines)]


def skips(target, xml):
    """The tests of a target that skipped, and why: the text behind the line that names the file."""
    for case in ElementTree.fromstring(xml).iter("testcase"):
        for skipped in case.iter("skipped"):
            reason = skipped.get("message", "").partition("\n")[2].strip()
            yield "%s.%s" % (case.get("classname"), case.get("name")), "%s: %s" % (target, reason)


def is_expected(reason, expected, succeeds):
    return any(pattern.fullmatch(reason) and succeeds(command) for pattern, command in expected)


def succeeds(command):
    return subprocess.run(["sh", "-c", command], stderr=subprocess.DEVNULL, check=False).returncode == 0


def main(arguments):
    with open(arguments[0], encoding="utf-8") as file:
        expected = parse(file.read())
    results = found = unexpected = 0
    for label in arguments[2:]:
        target = re.sub("^@*//:?", "", label).replace(":", "/")
        path = os.path.join(arguments[1], target, "test.xml")
        if not os.path.exists(path):
            continue
        results += 1
        with open(path, encoding="utf-8") as file:
            for test, reason in skips(target, file.read()):
                found += 1
                if not is_expected(reason, expected, succeeds):
                    unexpected += 1
                    print("not expected to skip: %s (%s)" % (test, reason))
    print("%d results, %d skips, %d not expected" % (results, found, unexpected))
    return 1 if unexpected or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
