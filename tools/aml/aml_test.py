#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of the program aml, from its command line."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = os.path.abspath("tools/aml/aml")
MANUAL = os.path.abspath("tools/aml/aml.1")


def aml(*arguments, stdout=subprocess.PIPE):
    """Runs aml; returns its status, output and errors."""
    done = subprocess.run([PROGRAM, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


class DevicesTest(unittest.TestCase):
    def test_the_table_has_the_nodes_of_this_machine(self):
        status, output, errors = aml("devices")
        self.assertEqual((0, ""), (status, errors))
        self.assertRegex(output, r"^node kind +evidence")
        self.assertRegex(output, r"\n +0 (dram|hbm|expansion|unknown) ")
        self.assertNotIn("\033", output)

    def test_json_agrees_with_sysfs(self):
        devices = json.loads(aml("devices", "--json")[1])["devices"]
        if not os.path.exists("/sys/devices/system/node"):
            self.skipTest("this kernel has no NUMA")
        for device in devices:
            path = f"/sys/devices/system/node/node{device['number']}"
            with open(f"{path}/cpulist", encoding="ascii") as file:
                self.assertEqual(file.read().strip(), device["cpus"])
            with open(f"{path}/meminfo", encoding="ascii") as file:
                total = int(re.search(r"MemTotal: +(\d+) kB", file.read())[1]) * 1024
            self.assertEqual(total, device["total"])

    def test_another_machine_is_read_from_a_copy(self):
        with tempfile.TemporaryDirectory() as folder:
            node = f"{folder}/devices/system/node/node0"
            os.makedirs(node)
            for path, text in [
                (f"{folder}/devices/system/node/online", "0\n"),
                (f"{node}/meminfo", "Node 0 MemTotal:       1024 kB\n"),
                (f"{node}/cpulist", "0-6\n"),
            ]:
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
            status, output, _ = aml("devices", "--json", "--sysfs", folder, "--procfs", folder)
            self.assertEqual(0, status)
            device = json.loads(output)["devices"][0]
            self.assertEqual((1 << 20, "0-6"), (device["total"], device["cpus"]))
            self.assertIsNone(device["tier"])
            none = f"{folder}/none"
            status, output, errors = aml("devices", "--sysfs", none, "--procfs", none)
            self.assertEqual((1, ""), (status, output))
            self.assertIn("aml_devices_read", errors)


class WhereTest(unittest.TestCase):
    def setUp(self):
        if not os.path.exists("/proc/self/numa_maps"):
            self.skipTest("this kernel has no NUMA")

    def test_mappings_are_told_with_their_nodes(self):
        status, output, errors = aml("where", "--json", str(os.getpid()))
        self.assertEqual((0, ""), (status, errors))
        told = json.loads(output)
        self.assertGreater(len(told["mappings"]), 10)
        self.assertTrue(any(m["name"].endswith(".so.6") for m in told["mappings"]))
        total = sum(sum(m["nodes"].values()) for m in told["mappings"])
        self.assertEqual(total, sum(told["nodes"].values()))
        self.assertGreater(total, 1 << 20)
        known = [m for m in told["mappings"] if m["size"] > 0]
        self.assertGreater(len(known), 10)
        for mapping in known:
            self.assertLessEqual(sum(mapping["nodes"].values()), mapping["size"])

    def test_one_mapping_is_found_by_an_address_in_it(self):
        told = json.loads(aml("where", "--json", str(os.getpid()))[1])
        stack = next(m for m in told["mappings"] if m["name"] == "stack")
        address = hex(int(stack["start"], 16) + stack["size"] - 1)
        status, output, _ = aml("where", "--json", str(os.getpid()), address)
        self.assertEqual(0, status)
        found = json.loads(output)["mappings"]
        self.assertEqual(["stack"], [m["name"] for m in found])
        status, _, errors = aml("where", str(os.getpid()), "10")
        self.assertEqual(1, status)
        self.assertIn("no mapping of process", errors)

    def test_the_table_is_for_people(self):
        status, output, _ = aml("where", "self")
        self.assertEqual(0, status)
        self.assertRegex(output, r"(?m)^ *[0-9a-f]+ +\d+ +\d+ +\d+ default .*N\d+=\d+")
        self.assertRegex(output, r"\nall of them: N\d+=\d+.* KiB\n$")

    def test_a_process_that_is_gone_is_said(self):
        child = subprocess.Popen(["true"])
        child.wait()
        status, output, errors = aml("where", str(child.pid))
        self.assertEqual((1, ""), (status, output))
        self.assertIn(f"there is no process {child.pid}", errors)


class ProbeTest(unittest.TestCase):
    QUICK = ["--time", "1", "--size", "1M"]

    def test_each_pair_of_cpus_and_memory_is_measured(self):
        status, output, errors = aml("probe", "--json", *self.QUICK)
        self.assertEqual(0, status, errors)
        self.assertEqual("", errors, "progress is for terminals")
        figures = json.loads(output)["figures"]
        self.assertGreaterEqual(len(figures), 1)
        for figure in figures:
            self.assertGreater(figure["read_bandwidth_mib_s"]["median"], 0)
            self.assertLessEqual(
                figure["read_latency_ns"]["best"], figure["read_latency_ns"]["median"]
            )

    def test_the_heat_map_is_a_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/map.svg"
            status, output, _ = aml("probe", "--svg", path, *self.QUICK)
            self.assertEqual(0, status)
            self.assertRegex(output, r"^cpus of +device")
            root = xml.etree.ElementTree.parse(path).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            self.assertGreaterEqual(len(root.findall("{*}rect")), 1)
            status, _, errors = aml("probe", "--svg", f"{folder}/no/map.svg", *self.QUICK)
            self.assertEqual(1, status)
            self.assertIn("map.svg: No such file or directory", errors)


class UsageTest(unittest.TestCase):
    def test_wrong_use_has_status_2_and_a_sentence(self):
        for arguments in [
            [],
            ["nonsense"],
            ["devices", "--nonsense"],
            ["devices", "--sysfs"],
            ["where"],
            ["where", "0"],
            ["where", "12x"],
            ["where", "1", "zz"],
            ["where", "1", "10", "20"],
            ["where", "--nonsense"],
            ["probe", "--time"],
            ["probe", "--time", "0"],
            ["probe", "--time", "-1"],
            ["probe", "--size", "1X"],
            ["probe", "--size", "99999999999999999999"],
            ["probe", "extra"],
        ]:
            status, output, errors = aml(*arguments)
            self.assertEqual((2, ""), (status, output or ""), arguments)
            self.assertIn("aml", errors)

    def test_help_and_the_manual_tell_each_option(self):
        status, usage, _ = aml("--help")
        self.assertEqual(0, status)
        self.assertEqual(usage, aml("devices", "--help")[1])
        with open(MANUAL, encoding="ascii") as file:
            manual = file.read().replace("\\-", "-")
        for option in set(re.findall(r"--[a-z]+", usage)):
            self.assertIn(option, manual)
        for option in set(re.findall(r"--[a-z]+", manual)):
            self.assertIn(option, usage)
        self.assertRegex(aml("--version")[1], r"^aml \d+\.\d+\.\d+\n$")

    def test_the_manual_has_no_faults(self):
        if shutil.which("groff") is None:
            self.skipTest("no groff here")
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", MANUAL], capture_output=True, text=True, check=True
        )
        self.assertEqual("", done.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            status, _, errors = aml("devices", stdout=full)
        self.assertEqual(1, status)
        self.assertIn("cannot write to standard output", errors)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} is missing: run by Bazel")
    unittest.main()
