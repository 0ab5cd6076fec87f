#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is made of recorded JSON: cases, families, tables, plots and pages."""

import contextlib
import io
import json
import math
import os
import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True

import machine
import page
import plot
import report
import results

DATA = pathlib.Path(__file__).resolve().parent / "testdata"


def recorded(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def document_of(*runs):
    """A document of runs given as a name, a CPU time in ns, and fields."""
    return {
        "context": {},
        "benchmarks": [
            {"name": name, "real_time": 2 * ns, "cpu_time": ns, "time_unit": "ns", **fields}
            for name, ns, fields in runs
        ],
    }


def families(*runs):
    return results.families_of(results.cases_of(document_of(*runs)))


def cells(markdown):
    """The rows of a table below its head, as lists of cells."""
    rows = [line.strip("| \n").split(" | ") for line in markdown.splitlines()]
    return rows[0], rows[2:]


class CasesTest(unittest.TestCase):
    def test_settings_are_no_arguments(self):
        name = "BM_A_B<int>/bytes:64/3/iterations:5/min_time:0.500/manual_time/threads:2"
        self.assertEqual(("A_B<int>", "bytes:64/3/threads:2"), results.split_name(name))
        self.assertEqual(("A_B", ""), results.split_name("BM_A_B/repeats:3/real_time"))

    def test_repetitions_become_their_median_and_aggregates_are_left_out(self):
        times = [10.0, 30.0, 12.0]
        runs = [("BM_A_B", ns, {"run_type": "iteration"}) for ns in times]
        runs.append(("BM_A_B_mean", 17.0, {"run_type": "aggregate", "run_name": "BM_A_B"}))
        (case,) = results.cases_of(document_of(*runs))
        self.assertEqual(12.0, case.time_ns)
        self.assertAlmostEqual(20.0 / 2 / 12, case.spread)

    def test_one_repetition_has_no_spread(self):
        (case,) = results.cases_of(document_of(("BM_A_B", 7.0, {})))
        self.assertIsNone(case.spread)

    def test_real_time_is_taken_where_the_name_says_so(self):
        for name, expected in (("BM_A_B/4", 7.0), ("BM_A_B/4/manual_time", 14.0)):
            (case,) = results.cases_of(document_of((name, 7.0, {})))
            self.assertEqual(expected, case.time_ns)
            self.assertEqual("4", case.shape)

    def test_units_of_time_are_those_of_the_run(self):
        (case,) = results.cases_of(document_of(("BM_A_B", 7.0, {"time_unit": "ms"})))
        self.assertEqual(7e6, case.time_ns)

    def test_what_is_no_field_is_a_counter(self):
        fields = {"items_per_second": 1e9, "misses": 3, "sum": 4, "label": "huge"}
        (case,) = results.cases_of(document_of(("BM_A_B", 7.0, fields)))
        self.assertEqual({"misses": 3}, case.counters)
        self.assertEqual((1.0, "huge"), (case.item_ns, case.label))

    def test_failures_of_old_and_new_versions_are_known(self):
        for fields in (
            {"error_occurred": True, "error_message": "no area"},
            {"skipped": "error", "skip_message": "no area"},
        ):
            (case,) = results.cases_of(document_of(("BM_A_B", 0.0, fields)))
            self.assertEqual((None, "no area"), (case.time_ns, case.error))

    def test_interleaved_runs_are_in_order_of_registration(self):
        cases = results.cases_of(recorded("bump.json"))
        self.assertEqual("Baseline_PointerIncrement", cases[0].function)
        self.assertEqual("ArenaBump_Reset", cases[-1].function)
        shapes = [case.shape for case in cases if case.function == "ArenaBump_Alloc"]
        self.assertEqual(["16", "1000"], shapes)


class FamiliesTest(unittest.TestCase):
    def test_benchmarks_belong_to_the_baselines_before_them(self):
        found = results.families_of(results.cases_of(recorded("linux.json")))
        self.assertEqual(
            [
                (["Baseline_MmapMbind"], ["AreaLinux_MapBound"]),
                (["Baseline_Mbind"], ["AreaLinux_Bind"]),
                (["Baseline_MovePagesQuery"], ["AreaLinux_Locate"]),
                ([], ["AreaLinux_Init"]),
            ],
            [(family.baselines, family.functions) for family in found],
        )

    def test_or_to_those_after_them(self):
        (family,) = families(("BM_A_Hit/4", 1.0, {}), ("BM_Baseline_Map/4", 3.0, {}))
        self.assertEqual((["Baseline_Map"], ["A_Hit"]), (family.baselines, family.functions))

    def test_other_arguments_are_not_compared(self):
        found = families(("BM_Baseline_Map/8", 3.0, {}), ("BM_A_Hit/4", 1.0, {}))
        self.assertEqual([["Baseline_Map"], []], [family.baselines for family in found])

    def test_names_among_arguments_need_not_be_the_same(self):
        (family,) = families(("BM_Baseline_Mix/malloc/64", 3.0, {}), ("BM_A_Mix/tlsf/64", 1.5, {}))
        baseline = family.baseline_of(family.cases[1], "Baseline_Mix")
        self.assertEqual(2.0, family.cases[1].speed_over(baseline))

    def test_single_cases_without_baselines_are_together(self):
        found = families(
            ("BM_A_One", 1.0, {"ratio": 2}), ("BM_A_Two", 1.0, {"ratio": 3}), ("BM_A_Three", 1.0, {})
        )
        self.assertEqual([["A_One", "A_Two"], ["A_Three"]], [f.functions for f in found])

    def test_speed_is_per_item_then_per_byte_then_per_iteration(self):
        for field, slow, fast, expected in (
            ("items_per_second", 1e6, 4e6, 4.0),
            ("bytes_per_second", 1e6, 5e6, 5.0),
            ("misses", 1, 1, 0.5),
        ):
            (family,) = families(
                ("BM_Baseline_Map", 10.0, {field: slow}), ("BM_A_Map", 20.0, {field: fast})
            )
            self.assertAlmostEqual(expected, family.cases[1].speed_over(family.cases[0]))


class TableTest(unittest.TestCase):
    def table(self, *runs):
        document = document_of(*runs)
        cases = results.cases_of(document)
        (family,) = results.families_of(cases)
        return cells(page.table(family, page.Names(cases)))

    def test_columns_that_would_be_empty_are_left_out(self):
        head, rows = self.table(("BM_A_B", 1500.0, {}))
        self.assertEqual((["benchmark", "time"], [["B", "1.50 µs"]]), (head, rows))

    def test_each_baseline_has_a_column(self):
        head, rows = self.table(
            ("BM_Baseline_Map/4", 30.0, {}),
            ("BM_Baseline_Tree/4", 5.0, {}),
            ("BM_A_Hit/4", 10.0, {}),
        )
        self.assertEqual(["× Map", "× Tree"], head[-2:])
        self.assertEqual(["3.00", "0.500"], rows[2][-2:])
        self.assertEqual("*Map*", rows[0][0])

    def test_a_case_that_failed_says_why(self):
        _, rows = self.table(
            ("BM_Baseline_Map", 3.0, {}),
            ("BM_A_Map", 0.0, {"error_occurred": True, "error_message": "a|b"}),
        )
        self.assertEqual("failed: a\\|b", rows[1][1])

    def test_a_ratio_has_a_spread(self):
        runs = [("BM_A_B", 1.0, {"ratio": ratio}) for ratio in (1.0, 2.0, 3.0)]
        head, rows = self.table(*runs)
        self.assertEqual("2.00 ± 50 %", rows[0][head.index("ratio")])

    def test_types_of_one_program_keep_their_names(self):
        _, rows = self.table(
            ("BM_Baseline_X", 1.0, {}), ("BM_A_Apply", 1.0, {}), ("BM_B_Apply", 1.0, {})
        )
        self.assertEqual(["*X*", "A_Apply", "B_Apply"], [row[0] for row in rows])

    def test_numbers_have_three_digits(self):
        self.assertEqual(
            ["0", "0.0123", "0.999", "12.3", "123", "1235", "1.23e+07", "1.00", "10.0", "1.2e-05"],
            [plot.number(n) for n in
             (0, 0.0123, 0.999, 12.34, 123.4, 1234.6, 1.234e7, 1, 10, 1.2e-5)],
        )  # fmt: skip

    def test_large_arguments_have_units(self):
        self.assertEqual(
            ["4096", "64 Ki", "65537", "3 Mi", "1 Gi", "row"],
            [page.argument_text(a) for a in
             ("4096", "65536", "65537", str(3 << 20), str(1 << 30), "row")],
        )  # fmt: skip


class PlotTest(unittest.TestCase):
    def elements(self, drawing, kind):
        root = ElementTree.fromstring(drawing)
        return root.findall(".//{http://www.w3.org/2000/svg}" + kind)

    def chart(self, *runs):
        cases = results.cases_of(document_of(*runs))
        (family,) = results.families_of(cases)
        return page.chart(family, "title", page.Names(cases))

    def test_three_sizes_make_lines_and_two_make_bars(self):
        sizes = [("BM_A_B/%d" % size, float(size), {}) for size in (1, 64, 4096)]
        self.assertEqual(1, len(self.elements(self.chart(*sizes), "polyline")))
        drawing = self.chart(("BM_A_B/1", 3.0, {}), ("BM_A_B/2", 4.0, {}))
        self.assertEqual(0, len(self.elements(drawing, "polyline")))
        self.assertEqual(3, len(self.elements(drawing, "rect")))  # with the background

    def test_a_line_is_of_what_else_the_arguments_say(self):
        runs = [
            ("BM_A_B/bytes:%d/equal:%d" % (size, equal), 1.0, {"ratio": 1.0 + equal})
            for size in (1, 2, 3)
            for equal in (0, 1)
        ]
        drawing = self.chart(*runs)
        self.assertEqual(2, len(self.elements(drawing, "polyline")))
        self.assertIn("B, equal 1", [text.text for text in self.elements(drawing, "text")])
        self.assertIn("bytes", [text.text for text in self.elements(drawing, "text")])

    def test_longer_bars_are_larger_values(self):
        drawing = plot.bars("t", [plot.Series("s", [("a", 1.0), ("b", 4.0)])], "ns")
        widths = [float(bar.get("width")) for bar in self.elements(drawing, "rect")[1:]]
        self.assertAlmostEqual(4.0, widths[1] / widths[0], places=1)

    def test_a_wide_range_has_a_logarithmic_axis(self):
        points = [(1, 1.0), (2, 10.0), (3, 1000.0)]
        drawing = plot.lines("t", [plot.Series("s", points)], "x", "y")
        heights = [float(dot.get("cy")) for dot in self.elements(drawing, "circle")]
        self.assertAlmostEqual(2.0, (heights[1] - heights[2]) / (heights[0] - heights[1]), places=1)

    def test_everything_is_within_the_picture(self):
        for low, high in ((0.001, 0.002), (1.0, 1.0), (3.0, 5e6), (0.5, 200.0)):
            points = [(1, low), (5, high), (9000, low)]
            drawing = plot.lines("t", [plot.Series("s", points)], "x", "y", mark=1.0)
            height = float(ElementTree.fromstring(drawing).get("height"))
            for dot in self.elements(drawing, "circle"):
                self.assertTrue(0 < float(dot.get("cx")) < 760 and 0 < float(dot.get("cy")) < height)
                self.assertTrue(math.isfinite(float(dot.get("cy"))))

    def test_names_are_escaped(self):
        drawing = plot.bars("a<b> & c", [plot.Series("t<int>", [("", 1.0)])], "ns")
        self.assertEqual("a<b> & c", self.elements(drawing, "text")[0].text)


class MachineTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def test_describes_what_the_system_says(self):
        cpu = "processor\t: %d\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: Fast\n"
        cpu += "physical id\t: %d\ncore id\t: %d\nflags\t: fpu\n\n"
        self.write("proc/cpuinfo", "".join(cpu % (i, i // 4, i % 2) for i in range(8)))
        self.write("proc/meminfo", "MemTotal:  16777216 kB\n")
        self.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
        self.write("sys/kernel/mm/transparent_hugepage/defrag", "always [never]\n")
        for node, cpus in ((10, ""), (2, "0-7")):
            folder = "sys/devices/system/node/node%d/" % node
            self.write(folder + "meminfo", "Node 0 MemTotal: 1024 kB\n")
            self.write(folder + "cpulist", cpus + "\n")
        said = dict(machine.describe(recorded("bump.json")["context"], self.root))
        self.assertEqual("Fast, family 26, model 2", said["CPU"])
        self.assertEqual("sockets: 2, cores: 4, threads: 8", said["CPUs"])
        self.assertEqual("16 GiB", said["memory"])
        self.assertEqual("2: 1 MiB, CPUs 0-7; 10: 1 MiB, no CPUs", said["NUMA nodes"])
        self.assertEqual("madvise, defragmentation never", said["transparent huge pages"])
        self.assertEqual("L1d 32 KiB, L1i 32 KiB, L2 1 MiB, L3 32 MiB for 2 threads", said["caches"])
        self.assertNotIn("governor", said)

    def test_says_nothing_of_what_is_not_there(self):
        self.assertEqual({"CPU", "CPUs"}, set(dict(machine.describe({}, self.root))))

    def test_reads_the_compiler_from_a_program(self):
        self.assertRegex(machine.compiler_of(sys.executable), r"^$|GCC|clang")
        self.write("script", "#!/bin/sh\n")
        self.assertEqual("", machine.compiler_of(self.root / "script"))
        self.assertEqual("", machine.compiler_of(self.root / "nothing"))
        (self.root / "cut").write_bytes(b"\x7fELF\x02\x01" + bytes(20))
        self.assertEqual("", machine.compiler_of(self.root / "cut"))


class ReportTest(unittest.TestCase):
    """The whole command, with programs that write what was recorded."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        self.output = self.root / "docs/benchmarks"
        self.programs = []
        for block, name in (("arena", "bump"), ("area", "linux"), ("dma", "remap")):
            self.program(block, name, 'cp "%s" "${out#*=}"' % (DATA / (name + ".json")))
            (self.root / block / (name + "_benchmark.cc")).write_text("// source\n")

    def program(self, block, name, command):
        path = self.root / block / (name + "_benchmark")
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "#!/bin/sh\n"
            'for a; do case $a in --benchmark_out=*) out=$a ;; esac; done\n%s\n' % command
        )
        path.chmod(0o755)
        self.programs.append(str(path))

    def run_report(self, *options):
        errors = io.StringIO()
        before = dict(os.environ)
        os.environ["BUILD_WORKSPACE_DIRECTORY"] = str(self.root)
        os.environ.pop("BUILD_WORKING_DIRECTORY", None)
        try:
            with contextlib.redirect_stderr(errors):
                status = report.main([*options, *self.programs])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return status, errors.getvalue()

    def files(self):
        return {
            str(path.relative_to(self.output)): path.read_bytes()
            for path in self.output.rglob("*")
            if path.is_file()
        }

    def test_writes_a_page_for_each_block_and_an_index(self):
        self.assertEqual(0, self.run_report()[0])
        pages = {name for name in self.files() if name.endswith(".md")}
        self.assertEqual({"README.md", "area.md", "arena.md", "dma.md"}, pages)
        index = (self.output / "README.md").read_text(encoding="utf-8")
        self.assertIn("| [arena](arena.md) | `bump` |", index)
        arena = (self.output / "arena.md").read_text(encoding="utf-8")
        self.assertIn("### AllocInline, Alloc against PointerIncrement\n", arena)

    def test_figures_that_were_not_optimised_say_so(self):
        for mode, row in (("opt", "opt"), ("fastbuild", "fastbuild: not for keeping")):
            self.run_report("--compilation-mode=" + mode)
            text = (self.output / "arena.md").read_text(encoding="utf-8")
            self.assertIn("| compilation mode | %s |\n" % row, text)

    def test_each_table_has_a_plot_and_all_links_lead_somewhere(self):
        self.run_report()
        linked = set()
        for path in self.output.glob("*.md"):
            text = path.read_text(encoding="utf-8")
            for link in re.findall(r"\]\(([^)]*)\)", text):
                if "tools/benchmark" not in link:
                    self.assertTrue((self.output / link).exists(), link)
                    linked.add(link)
            if path.name != "README.md":
                tables = len(re.findall(r"^\|[-:|]+\|$", text, re.M)) - 1  # but the machine's
                self.assertEqual(tables, text.count(".svg)"))
        self.assertIn("../../arena/bump_benchmark.cc", linked)
        self.assertEqual(set(), {name for name in self.files() if name.endswith(".svg")} - linked)

    def test_the_same_results_make_the_same_files(self):
        self.run_report()
        first = self.files()
        self.run_report()
        self.assertEqual(first, self.files())

    def test_no_host_is_named(self):
        for document in DATA.glob("*.json"):
            self.assertEqual("host", recorded(document.name)["context"]["host_name"])
        self.run_report()
        for content in self.files().values():
            self.assertNotIn(b"| host", content)

    def test_a_filter_leaves_the_other_pages_alone(self):
        self.run_report()
        (self.output / "area.md").write_text("# Kept\n\n## linux\n")
        self.assertEqual(0, self.run_report("--filter=^arena/")[0])
        self.assertEqual(b"# Kept\n\n## linux\n", self.files()["area.md"])
        self.assertIn(b"[area](area.md)", self.files()["README.md"])

    def test_plots_that_are_no_more_are_removed(self):
        (self.output / "arena").mkdir(parents=True)
        (self.output / "arena/old.svg").write_text("<svg/>")
        self.run_report()
        self.assertNotIn("arena/old.svg", self.files())

    def test_a_program_that_fails_is_named_and_the_others_are_reported(self):
        self.program("arena", "broken", "echo no memory >&2; exit 3")
        self.program("arena", "silent", "true")
        self.program("tiling", "garbled", 'echo "{" >"${out#*=}"')
        status, errors = self.run_report()
        self.assertEqual(1, status)
        self.assertIn("arena/broken_benchmark\n  ended with 3: no memory\n", errors)
        self.assertIn("arena/silent_benchmark\n  ", errors)
        self.assertIn("tiling/garbled_benchmark\n  ", errors)
        self.assertIn("## bump", (self.output / "arena.md").read_text(encoding="utf-8"))
        self.assertNotIn("tiling.md", self.files())

    def test_a_program_that_hangs_is_ended(self):
        self.program("arena", "slow", "exec sleep 60")
        status, errors = self.run_report("--filter=slow", "--timeout=0.1")
        self.assertEqual(1, status)
        self.assertIn("timed out", errors)

    def test_a_filter_without_a_match_is_an_error(self):
        self.assertEqual(1, self.run_report("--filter=nothing")[0])

    def test_output_elsewhere_has_no_links_into_the_sources(self):
        with tempfile.TemporaryDirectory() as elsewhere:
            self.run_report("--output", elsewhere)
            text = pathlib.Path(elsewhere, "arena.md").read_text(encoding="utf-8")
        self.assertIn("## bump", text)
        self.assertNotIn("Source:", text)

    def test_wrong_options_are_refused(self):
        for wrong in ("--repetitions=0", "--min-time=0", "--min-time=soon"):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                report.main([wrong])


class IndexTest(unittest.TestCase):
    def test_an_empty_one_says_how_pages_are_made(self):
        self.assertIn("bazelw run -c opt //tools/benchmark:report", page.index([]))
        self.assertIn("None", page.index([]))


if __name__ == "__main__":
    unittest.main()
