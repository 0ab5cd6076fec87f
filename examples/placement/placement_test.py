#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""placement from its command line: maps as text and as a picture, and what is refused."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

# The program under test: the first argument, which unittest must not see.
PROGRAM = os.path.abspath(sys.argv.pop(1))

SVG = "{http://www.w3.org/2000/svg}"

TILINGS = {
    "1d:300": ("1000", 4),
    "clipped:64x96": ("256x300", 16),
    "padded:64x96": ("256x300", 16),
    "blocked:64x96": ("256x300", 16),
    "morton:64x96": ("256x300", 16),
    "halo:64x96+2": ("256x300", 16),
    "ragged:100+0+300": ("1000", 9),
    "nested:128x150/64x96": ("256x300", 16),
}

BINDINGS = [
    "single:0",
    "interleave:0",
    "weighted:0=3",
    "block:0",
    "cyclic:0/4",
    "grid:1x1=0",
    "table:0,0",
    "function:0",
    "near",
    "local",
]


def placement(*arguments, stdout=subprocess.PIPE):
    return subprocess.run(
        [PROGRAM, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def forbids_placement():
    """Whether the system lets no one bind memory, as containers do, or has no device 0."""
    result = placement("--shape", "10", "--tiling", "1d:4", "--binding", "single:0")
    return result.returncode == 1 and result.stdout == ""


class Placement(unittest.TestCase):
    def setUp(self):
        if forbids_placement():
            self.skipTest("memory cannot be bound here")

    def placed(self, *arguments):
        result = placement(*arguments)
        self.assertEqual((0, ""), (result.returncode, result.stderr), arguments)
        return result.stdout

    def test_each_tiling_has_its_map(self):
        for tiling, (shape, tiles) in TILINGS.items():
            text = self.placed("--shape", shape, "--tiling", tiling, "--binding", "single:0")
            lines = text.splitlines()
            self.assertRegex(lines[0], rf"^\d+ bytes in {tiles} tiles \({tiling.split(':')[0]}\),")
            cells = [cell for line in lines[1:] for cell in line.split() if cell in ("0", "-")]
            if "x" not in shape or tiling.startswith("nested"):
                self.assertGreaterEqual(len(cells), tiles)
            self.assertRegex(lines[-1], r"^[1-9]\d* bytes right, 0 wrong, 0 not present$")

    def test_each_binding_places_all_on_the_one_device(self):
        for binding in BINDINGS:
            text = self.placed("--shape", "64x64", "--tiling", "clipped:16x16", "--binding", binding)
            self.assertEqual(["0 0 0 0 "] * 4, text.splitlines()[1:5], binding)

    def test_what_was_written_before_is_moved(self):
        text = self.placed("--move", "--huge", "--binding", "cyclic:0/4")
        self.assertRegex(text, r"\n33554432 bytes right, 0 wrong, 0 not present\n$")

    def test_a_map_of_many_tiles_is_cut_off_and_says_so(self):
        text = self.placed("--shape", "400x400", "--tiling", "clipped:1x4", "--binding", "single:0")
        self.assertIn("(and 36 more columns)\n(and 352 more rows)\n", text)
        self.assertIn("40000 tiles belong there, 40000 are there", text)
        text = self.placed("--shape", "100000", "--tiling", "1d:1", "--binding", "single:0")
        self.assertIn("(and 96928 more tiles)\n", text)

    def test_three_dimensions_are_planes(self):
        text = self.placed("--shape", "4x6x8", "--tiling", "clipped:2x3x4", "--binding", "single:0")
        self.assertIn("plane 0\n0 0 \n0 0 \nplane 1\n0 0 \n0 0 \n", text)

    def test_the_picture_shows_each_tile_where_it_is(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "map.svg")
            for tiling, (shape, tiles) in TILINGS.items():
                self.placed(
                    "--shape", shape, "--tiling", tiling, "--binding", "single:0", "--svg", path
                )
                root = xml.etree.ElementTree.parse(path).getroot()
                self.assertEqual(SVG + "svg", root.tag)
                rects = [r for r in root.iter(SVG + "rect") if r.get("class") == "tile"]
                empty = 3 if tiling.startswith("ragged") else 0
                self.assertEqual(tiles - empty, len(rects), tiling)
                self.assertEqual({"#4477aa"}, {r.get("fill") for r in rects})
                area = sum(float(r.get("width")) * float(r.get("height")) for r in rects)
                if not tiling.startswith(("halo", "padded")):
                    right = max(float(r.get("x")) + float(r.get("width")) for r in rects)
                    bottom = max(float(r.get("y")) + float(r.get("height")) for r in rects)
                    left = min(float(r.get("x")) for r in rects)
                    top = min(float(r.get("y")) for r in rects)
                    self.assertAlmostEqual((right - left) * (bottom - top), area, delta=area / 100)

    def test_a_picture_that_cannot_be_written_is_a_failure(self):
        result = placement("--binding", "single:0", "--svg", "/nowhere/map.svg")
        self.assertEqual(1, result.returncode)
        self.assertEqual(
            "placement: --svg /nowhere/map.svg: No such file or directory\n", result.stderr
        )


class PlacementUse(unittest.TestCase):
    def refused(self, sentence, *arguments):
        result = placement(*arguments)
        self.assertEqual((2, ""), (result.returncode, result.stdout), arguments)
        self.assertRegex(result.stderr, "^placement: " + sentence)
        self.assertEqual(1, result.stderr.count("\n"))

    def test_wrong_use_has_status_2_and_names_the_option(self):
        self.refused("option --what: is not known", "--what")
        self.refused("option --svg: lacks its value", "--svg")
        for shape in ("", "x", "4x", "4y4", "1x1x1x1x1x1x1x1x1", "99999999999999999999"):
            self.refused("--shape", "--shape", shape)
        self.refused("--shape: an extent is 0", "--shape", "4x0")
        self.refused("--element", "--element", "eight")
        self.refused("--tiling .*element_size is 0", "--element", "0")
        for tiling in ("", "clipped", "clipped:", "clipped:4", "clipped:4x4x4", "clipped:4x4,", "1d:4",
                       "halo:4x4", "nested:4x4", "ragged:1+2", "round:4x4"):
            self.refused("--tiling .*is no tiling of 2 dimensions", "--tiling", tiling)
        self.refused("--tiling .*tile_extent of dimension 1 is 0", "--tiling", "clipped:4x0")
        for binding in ("", "single", "single:", "single:x", "single:1024", "cyclic:", "cyclic:0/",
                        "block:0-", "table:", "table:0,", "table:5000", "function:", "local:0"):
            self.refused("--binding .*is no binding", "--binding", binding)

    def test_a_device_that_does_not_exist_is_a_failure(self):
        if forbids_placement():
            self.skipTest("memory cannot be bound here")
        result = placement("--binding", "single:1023")
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stderr, "^placement: .*1023")

    def test_help_lists_each_option_tiling_and_binding(self):
        text = placement("--help").stdout
        for option in ("--shape", "--element", "--tiling", "--binding", "--huge", "--move", "--svg"):
            self.assertRegex(text, rf"\n  {option}\b")
        for name in list(TILINGS) + BINDINGS:
            self.assertRegex(text, rf"\n      {re.split('[:]', name)[0]}\b")

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = placement("--help", stdout=full)
        self.assertEqual(1, result.returncode)
        self.assertIn("cannot write to standard output", result.stderr)


if __name__ == "__main__":
    unittest.main()
