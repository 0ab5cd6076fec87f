#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shows that check_graph.py passes a good graph, and names each violation planted in it."""

import unittest

import check_graph

GOOD = {
    "//arena:bump": ["//arena:bump.c", "//arena:bump.h", "//core:arena", "//arena:internal_list"],
    "//arena:internal_list": ["//arena:internal/list.h", "//core:error"],
    "//area:linux": ["//area:linux.c", "//core:area", "@numactl//:numa", "//tools/build:werror"],
    "//core:arena": ["//core:area", "//core:arena.h"],
    "//core:area": ["//core:error"],
    "//core:error": ["//core:error.c"],
    "//:aml": ["//arena:bump", "//area:linux", "//core:arena"],
    "@numactl//:numa": [],
}


def graph(changes=None, **attributes):
    """The XML of GOOD with the inputs of some rules replaced, and text put into all of them."""
    text = '<query version="2"><rule class="config_setting" name="//tools/build:werror"/>'
    for name, inputs in dict(GOOD, **(changes or {})).items():
        text += '<rule class="cc_library" name="%s">%s' % (name, attributes.get(name, ""))
        text += "".join('<rule-input name="%s"/>' % label for label in inputs) + "</rule>"
    return text + "</query>"


class CheckGraphTest(unittest.TestCase):
    def violations(self, changes, umbrella=False, **attributes):
        return check_graph.check(graph(changes, **attributes), umbrella)[0]

    def test_passes_a_good_graph(self):
        self.assertEqual(check_graph.check(graph(), umbrella=True), ([], 2))

    def test_names_a_type_that_depends_on_a_type_of_another_block(self):
        found = self.violations({"//arena:bump": ["//core:arena", "//area:linux"]})
        self.assertEqual(
            found,
            [
                "//arena:bump must not depend on //area:linux: //arena:bump -> //area:linux",
                "//arena:bump must not depend on //area:linux.c: "
                "//arena:bump -> //area:linux -> //area:linux.c",
            ],
        )

    def test_names_a_type_that_depends_on_a_type_of_its_own_block(self):
        found = self.violations({"//arena:buddy": ["//arena:bump"]})
        self.assertEqual(
            found, ["//arena:buddy must not depend on //arena:bump: //arena:buddy -> //arena:bump"]
        )

    def test_looks_through_internal_targets(self):
        found = self.violations({"//arena:internal_list": ["//area:linux"]})
        self.assertIn(
            "//arena:bump must not depend on //area:linux: "
            "//arena:bump -> //arena:internal_list -> //area:linux",
            found,
        )

    def test_names_internal_targets_of_another_folder(self):
        found = self.violations({"//area:linux": ["//arena:internal_list"]})
        self.assertTrue(found[0].startswith("//area:linux must not depend on //arena:internal_list"))

    def test_names_a_source_of_another_folder(self):
        found = self.violations({"//area:linux": ["//arena:bump.h"]})
        self.assertTrue(found[0].startswith("//area:linux must not depend on //arena:bump.h"))

    def test_names_core_that_depends_on_a_type(self):
        found = self.violations({"//core:error": ["//arena:bump"]})
        self.assertTrue(any(s.startswith("//core:error must not depend on //arena:bump") for s in found))

    def test_names_what_depends_on_tests_and_tools(self):
        for label in ["//tests/fault:area", "//tools/build:library"]:
            found = self.violations({"//core:error": [label]})
            self.assertTrue(found[0].endswith(label), found)

    def test_names_a_second_header_and_a_misnamed_one(self):
        for headers in [["bump.h", "other.h"], ["other.h"]]:
            labels = "".join('<label value="//arena:%s"/>' % header for header in headers)
            found = self.violations(None, **{"//arena:bump": '<list name="hdrs">%s</list>' % labels})
            self.assertEqual(len(found), 1)
            self.assertIn("one header", found[0])

    def test_names_a_type_that_the_umbrella_lacks(self):
        found = self.violations({"//tiling:1d": ["//core:error"]}, umbrella=True)
        self.assertEqual(found, ["//:aml must depend on //tiling:1d"])

    def test_the_umbrella_may_lack_a_type_whose_library_is_not_there(self):
        changes = {"//arena:other": ["@other//:other"], "@other//:other": []}
        stub = '<list name="target_compatible_with"><label value="@other//:install_other"/></list>'
        self.assertEqual(self.violations(changes, umbrella=True, **{"@other//:other": stub}), [])
        self.assertEqual(len(self.violations(changes, umbrella=True)), 1)

    def test_what_is_for_cxx_is_no_type_and_depends_as_one(self):
        tags = '<list name="tags"><string value="c++"/></list>'
        resource = {"//arena:resource": ["//core:arena"]}
        self.assertEqual(self.violations(resource, umbrella=True, **{"//arena:resource": tags}), [])
        resource = {"//arena:resource": ["//arena:bump"]}
        found = self.violations(resource, **{"//arena:resource": tags})
        self.assertTrue(found[0].startswith("//arena:resource must not depend on //arena:bump"))

    def test_names_each_test_and_benchmark_that_is_lacking(self):
        sources = '<list name="srcs"><label value="//core:error.c"/></list>'
        beside = ["_test", "_contract_test", "_benchmark", "_benchmark_smoke_test"]
        tests = {"//area:linux" + suffix: [] for suffix in beside}
        found = check_graph.check(graph(tests, **{"//core:error": sources}), tests=True)[0]
        wanted = ["//arena:bump%s must stand beside //arena:bump" % suffix for suffix in beside]
        wanted.append("//core:error_test must stand beside //core:error")
        for name in tests:
            found = [s for s in found if "beside " + name not in s]
        self.assertEqual(sorted(found), sorted(wanted))

    def test_leaves_test_libraries_alone(self):
        testonly = '<boolean name="testonly" value="true"/>'
        found = self.violations(
            {"//arena:bump_benchmark_lib": ["//area:linux"]}, **{"//arena:bump_benchmark_lib": testonly}
        )
        self.assertEqual(found, [])

    def test_reads_labels_of_newer_bazels(self):
        text = graph({"//arena:buddy": ["//arena:bump"]}).replace('"//', '"@@//')
        self.assertEqual(len(check_graph.check(text)[0]), 1)


if __name__ == "__main__":
    unittest.main()
