#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs benchmarks and writes their figures: a page for each block, with tables and plots.

    ./bazelw run -c opt //tools/benchmark:report -- [OPTION...]
    python3 tools/benchmark/report.py [OPTION...] PROGRAM...
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# `bazel run` would leave bytecode in the source tree.
sys.dont_write_bytecode = True

import machine  # pylint: disable=wrong-import-position
import page  # pylint: disable=wrong-import-position


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="a benchmark's program")
    parser.add_argument(
        "--filter",
        default="",
        metavar="REGEX",
        help="only programs of which <block>/<program> has a match, such as ^arena/",
    )
    parser.add_argument(
        "--output", metavar="DIR", help="where the pages go (default: the workspace's docs/benchmarks)"
    )
    parser.add_argument(
        "--min-time", type=float, default=0.2, metavar="S", help="per repetition (default: 0.2 s)"
    )
    parser.add_argument(
        "--repetitions", type=int, default=3, metavar="N", help="of each benchmark (default: 3)"
    )
    parser.add_argument("--compilation-mode", default="", help=argparse.SUPPRESS)
    parser.add_argument(
        "--timeout", type=float, default=1800, metavar="S", help="per program (default: 1800 s)"
    )
    options = parser.parse_args(arguments)
    if options.min_time <= 0 or options.repetitions < 1:
        parser.error("--min-time and --repetitions must be above 0")
    return options


def name_of(path):
    """The block and the program: the last two parts of a path."""
    path = pathlib.Path(os.path.abspath(path))
    return path.parent.name, path.name


def run(path, options):
    """Runs one program, interleaving repetitions; returns its JSON, or what went wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        output = os.path.join(scratch, "output.json")
        command = [
            os.path.abspath(path),
            # A plain number: 1.7 takes no unit, and 1.8 and later take it as seconds.
            "--benchmark_min_time=%s" % options.min_time,
            "--benchmark_repetitions=%d" % options.repetitions,
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_out=" + output,
            "--benchmark_out_format=json",
        ]
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=options.timeout,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                return None, "ended with %d: %s" % (done.returncode, done.stderr.strip()[-200:])
            with open(output, encoding="utf-8") as file:
                return json.load(file), ""
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return None, str(error)


def commit_of(workspace):
    """The commit that a workspace is at, with a word if files differ from it."""

    def git(*arguments):
        return subprocess.run(
            ["git", "-C", workspace, *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks")
        return git("rev-parse", "--short=12", "HEAD") + (", with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def facts_of(documents, paths, options, workspace):
    """What a page says first, of the programs of one block."""
    context = documents[0]["context"]
    compilers = sorted({machine.compiler_of(path) for path in paths} - {""})
    mode = options.compilation_mode
    facts = machine.describe(context) + [
        ("compiler", "; ".join(compilers)),
        ("compilation mode", mode + ("" if mode in ("", "opt") else ": not for keeping")),
        ("commit", commit_of(workspace) if workspace else ""),
        ("date", context.get("date", "")[:10]),
        ("repetitions", "%d of %g s each" % (options.repetitions, options.min_time)),
    ]
    return [(name, text) for name, text in facts if text]


def source_of(workspace, output, block, program):
    """The link from a page to a program's source, or nothing where the page is elsewhere."""
    source = pathlib.Path(workspace, block, program + ".cc") if workspace else None
    if source is None or not source.is_file() or workspace not in output.parents:
        return ""
    return os.path.relpath(source, output)


def write_page(output, block, facts, sections):
    """Writes a block's page and plots, and removes plots that it had before."""
    folder = output / block
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for _, plots in sections:
        for name, drawing in plots.items():
            (output / name).write_text(drawing, encoding="utf-8")
    text = page.page(block, facts, [markdown for markdown, _ in sections])
    (output / (block + ".md")).write_text(text, encoding="utf-8")


def write_index(output):
    """Writes the index of the pages that there are."""
    pages = []
    for path in sorted(output.glob("*.md")):
        if path.name == "README.md":
            continue
        headings = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), re.M)
        pages.append((path.stem, [name for name in headings if name != "The machine"]))
    (output / "README.md").write_text(page.index(pages), encoding="utf-8")


def report(options, workspace, output):
    """Runs all programs and writes all pages; returns how many programs failed."""
    blocks = {}
    for path in options.programs:
        block, program = name_of(path)
        if re.search(options.filter, "%s/%s" % (block, program)):
            blocks.setdefault(block, []).append((program, path))
    failures = 0
    for block, programs in sorted(blocks.items()):
        sections, documents, paths = [], [], []
        for program, path in sorted(programs):
            print("%s/%s" % (block, program), file=sys.stderr, flush=True)
            document, problem = run(path, options)
            if document is None:
                print("  " + problem, file=sys.stderr)
                failures += 1
                continue
            source = source_of(workspace, output, block, program)
            sections.append(page.section(block, program, document, source))
            documents.append(document)
            paths.append(path)
        if documents:
            write_page(output, block, facts_of(documents, paths, options, workspace), sections)
    if blocks:
        write_index(output)
    else:
        print("no program matches", file=sys.stderr)
    return failures if blocks else 1


def main(arguments):
    options = parse(arguments)
    # `bazel run` says where the workspace is and where it was called.
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY", "")
    if not workspace and (pathlib.Path(__file__).resolve().parents[2] / "tools").is_dir():
        workspace = str(pathlib.Path(__file__).resolve().parents[2])
    workspace = pathlib.Path(workspace)
    output = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), options.output or "")
    if options.output is None:
        output = workspace / "docs/benchmarks"
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    return 1 if report(options, workspace, output) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
