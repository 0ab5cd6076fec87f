#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Line coverage per Bazel target, from gcov, with nothing but Python and gcc.

Stands in for the two programs that `bazel coverage` otherwise downloads, and so takes their options:
  --coverage_dir=DIR --output_file=FILE    after each test: gcov over the .gcda in DIR, as an lcov tracefile
  --reports_file=LIST --output_file=FILE   at the end: the tracefiles in LIST as one, and the table
  TRACEFILE...                             prints the table of tracefiles again

An object below `_objs/<target>/` says which target a source belongs to, and `_virtual_includes/<target>/`
says it of a header. A test's tracefile carries that in its TN records. What carries none belongs to the
target that is named as the file is.
"""

import collections
import json
import os
import re
import subprocess
import sys

_OBJECT = re.compile(r"(?:^|/)bin/(?P<package>.*?)/?_objs/(?P<target>[^/]+)/")
_HEADER = re.compile(r"(?:^|/)bin/(?P<package>.*?)/?_virtual_includes/(?P<target>[^/]+)/aml/(?P<path>.+)$")
_NOT_LIBRARY = re.compile(r"(_test|_benchmark|_header_test_c+)\.(c|cc|h)$|\.md$|(^|/)tests/|^/|^external/|^bazel-out/")


class Lines:
    """Times that each line of one source was executed."""

    def __init__(self):
        self.target = ""
        self.counts = collections.Counter()

    def add(self, line, count):
        self.counts[line] += count


def label(package, target):
    return "//%s:%s" % (package, target)


def target_of_path(path):
    """The target that is named as the file is: arena/bump.c is of //arena:bump."""
    package, _, file = path.partition("/") if "/" in path else ("", "", path)
    return label(package, os.path.splitext(file)[0])


def classify(source, object_path):
    """Returns the path and the target of a source that an object was made of, or None."""
    header = _HEADER.search(source)
    if header:
        path, target = header["path"], label(header["package"], header["target"])
    else:
        path = os.path.normpath(source)
        compiled = _OBJECT.search(object_path)
        of_object = compiled and os.path.splitext(path)[1] != ".h"
        target = label(compiled["package"], compiled["target"]) if of_object else target_of_path(path)
    return None if _NOT_LIBRARY.search(path) else (path, target)


def run_gcov(gcov, notes):
    """Yields what gcov says of one object, whose .gcda may be missing: not executed."""
    result = subprocess.run(
        [gcov, "--json-format", "--stdout", notes], capture_output=True, check=False, text=True
    )
    for document in result.stdout.splitlines():
        if document.startswith("{"):
            yield from json.loads(document)["files"]


def collect(directory, gcov):
    """Returns the Lines by path of every object with notes below a directory."""
    sources = collections.defaultdict(Lines)
    for folder, _, files in os.walk(directory):
        for name in sorted(files):
            if not name.endswith(".gcno"):
                continue
            notes = os.path.join(folder, name)
            for file in run_gcov(gcov, notes):
                known = classify(file["file"], notes)
                if not known:
                    continue
                lines = sources[known[0]]
                lines.target = known[1]
                for line in file["lines"]:
                    lines.add(line["line_number"], line["count"])
    return sources


def read_tracefiles(paths):
    """Returns the Lines by path of lcov tracefiles, added up."""
    sources = collections.defaultdict(Lines)
    for path in paths:
        target, lines = "", None
        with open(path, encoding="utf-8") as tracefile:
            for record in tracefile:
                kind, _, value = record.strip().partition(":")
                if kind == "TN":
                    target = value
                elif kind == "SF":
                    lines = sources[value]
                    lines.target = target or lines.target or target_of_path(value)
                elif kind == "DA":
                    line, count = value.split(",")[:2]
                    lines.add(int(line), int(count))
    return sources


def write_tracefile(path, sources):
    with open(path, "w", encoding="utf-8") as tracefile:
        for source, lines in sorted(sources.items()):
            tracefile.write("TN:%s\nSF:%s\n" % (lines.target, source))
            for line, count in sorted(lines.counts.items()):
                tracefile.write("DA:%d,%d\n" % (line, count))
            hit = sum(1 for count in lines.counts.values() if count)
            tracefile.write("LH:%d\nLF:%d\nend_of_record\n" % (hit, len(lines.counts)))


def table(sources):
    """Returns the table: a row per target, and the total."""
    found, hit = collections.Counter(), collections.Counter()
    for lines in sources.values():
        for target in (lines.target, "total"):
            found[target] += len(lines.counts)
            hit[target] += sum(1 for count in lines.counts.values() if count)
    order = sorted(target for target in found if found[target] and target != "total") + ["total"]
    width = max(len(target) for target in order)
    return "".join(
        "%-*s %6.1f%% (%d/%d)\n"
        % (width, target, 100.0 * hit[target] / max(found[target], 1), hit[target], found[target])
        for target in order
    )


def main(arguments):
    options = dict(a[2:].split("=", 1) for a in arguments if a.startswith("--") and "=" in a)
    if "coverage_dir" in options:
        directory = options["coverage_dir"]
        # A link which Bazel's own collector makes to the toolchain's gcov.
        link = os.path.join(directory, "gcov")
        sources = collect(directory, link if os.path.exists(link) else "gcov")
        write_tracefile(options["output_file"], sources)
    elif "reports_file" in options:
        with open(options["reports_file"], encoding="utf-8") as reports:
            sources = read_tracefiles(reports.read().split())
        write_tracefile(options["output_file"], sources)
        print("\n" + table(sources))
    elif arguments:
        print(table(read_tracefiles(arguments)), end="")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
