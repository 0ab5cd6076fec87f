#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the rules of the house on a build graph, as `bazel query --output=xml` prints it.

1. A type depends on core/ and on private targets of its own folder; never on a type.
2. core/ depends on nothing of AML's but core/.
3. A library has at most one header, which is named as the library is.
4. With --umbrella: //:aml has every type, but for those whose library this machine lacks.
5. With --tests, for the graph of all there is: a type has a test, a contract test and a benchmark
   with a smoke test beside it; a library of core/ that has sources and is not internal has a test.

A type is a cc_library of a block's folder that is neither for tests only, nor internal: named
internal…, or in a folder internal/, nor tagged c++, as a way to use a block from C++ is. Depending on
a source file of another folder counts as depending on it.

usage: check_graph.py [--umbrella] [--tests] GRAPH.xml
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

BLOCKS = {"area", "arena", "binding", "tiling", "dma", "scratchpad"}

UMBRELLA = "//:aml"

BESIDE_A_TYPE = ["_test", "_contract_test", "_benchmark", "_benchmark_smoke_test"]


class Rule:
    """One rule of the graph."""

    def __init__(self, element):
        self.name = normalize(element.get("name"))
        self.kind = element.get("class")
        self.inputs = [normalize(i.get("name")) for i in element.findall("rule-input")]
        self.has_sources = element.find("list[@name='srcs']/label") is not None
        self.testonly = element.find("boolean[@name='testonly'][@value='true']") is not None
        self.is_missing = element.find("list[@name='target_compatible_with']/label") is not None
        self.is_for_cxx = element.find("list[@name='tags']/string[@value='c++']") is not None
        self.headers = [
            normalize(label.get("value")) for label in element.findall("list[@name='hdrs']/label")
        ]


def normalize(label):
    """Newer Bazels write @@//a:b where 4 writes //a:b."""
    return re.sub(r"^@+//", "//", label)


def package(label):
    return label.partition(":")[0]


def folder(label):
    """arena for //arena:bump and for //arena/internal:list; @ for another repository."""
    return "@" if label.startswith("@") else package(label)[2:].partition("/")[0]


def is_internal(label):
    parts = re.split("[/:]", label)
    return "internal" in parts or label.partition(":")[2].startswith("internal")


def is_library(rule):
    return rule.kind == "cc_library" and not rule.testonly


def is_type(rule):
    in_block = folder(rule.name) in BLOCKS and not is_internal(rule.name)
    return is_library(rule) and in_block and not rule.is_for_cxx


def closure(rules, start):
    """Yields everything that a rule reaches, each with the path by which it was found."""
    paths = {start: [start]}
    pending = [start]
    while pending:
        label = pending.pop(0)
        rule = rules.get(label)
        if rule is None or rule.kind == "config_setting":
            continue
        for name in rule.inputs:
            if name not in paths:
                paths[name] = paths[label] + [name]
                pending.append(name)
    del paths[start]
    return paths.items()


def lacks_library(rules, start):
    """Whether a rule needs a library that is a stand-in, compatible with no platform."""
    return any(label in rules and rules[label].is_missing for label, _ in closure(rules, start))


def may_depend(rules, start, label):
    """Whether a library of a block or of core may reach a label."""
    rule = rules.get(label)
    if folder(label) == "@" or (rule is not None and rule.kind == "config_setting"):
        return True
    if folder(label) == "core":
        return True
    if folder(label) != folder(start):
        return False
    # A file of its own folder, or a target that is the folder's own business.
    return rule is None or not is_type(rule)


def lacking(rules):
    """Yields a sentence for each test or benchmark that is not there."""
    for rule in rules.values():
        if is_type(rule):
            suffixes = BESIDE_A_TYPE
        elif (
            is_library(rule)
            and folder(rule.name) == "core"
            and rule.has_sources
            and not is_internal(rule.name)
        ):
            suffixes = ["_test"]
        else:
            continue
        for suffix in suffixes:
            if rule.name + suffix not in rules:
                yield "%s must stand beside %s" % (rule.name + suffix, rule.name)


def check(text, umbrella=False, tests=False):
    """Returns the sentences that say what is wrong with a graph, and how many types it has."""
    rules = {}
    for element in ElementTree.fromstring(text).findall("rule"):
        rule = Rule(element)
        rules[rule.name] = rule
    wrong = []
    for rule in rules.values():
        if not is_library(rule) or folder(rule.name) not in BLOCKS | {"core"}:
            continue
        for label, path in closure(rules, rule.name):
            if not may_depend(rules, rule.name, label):
                wrong.append("%s must not depend on %s: %s" % (rule.name, label, " -> ".join(path)))
        stems = [re.split("[/:]", header)[-1] for header in rule.headers]
        if stems not in ([], [rule.name.partition(":")[2] + ".h"]) and not is_internal(rule.name):
            wrong.append("%s must have one header, of its own name: %s" % (rule.name, stems))
    types = {rule.name for rule in rules.values() if is_type(rule)}
    if umbrella:
        types = {name for name in types if not lacks_library(rules, name)}
        everything = rules[UMBRELLA].inputs if UMBRELLA in rules else []
        wrong += ["%s must depend on %s" % (UMBRELLA, name) for name in sorted(types - set(everything))]
    if tests:
        wrong += lacking(rules)
    return wrong, len(types)


def main(arguments):
    options = {argument for argument in arguments if argument.startswith("--")}
    paths = [argument for argument in arguments if argument not in options]
    if len(paths) != 1 or options - {"--umbrella", "--tests"}:
        print(__doc__, file=sys.stderr)
        return 2
    with open(paths[0], encoding="utf-8") as file:
        wrong, types = check(
            xml_1_0(file.read()), umbrella="--umbrella" in options, tests="--tests" in options
        )
    if types == 0:
        wrong.append("the graph has no type at all")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    print("%d types, %d violations" % (types, len(wrong)))
    return 1 if wrong else 0


def xml_1_0(text):
    """Bazel declares XML 1.1, which Python's parser does not know."""
    return re.sub(r"^<\?xml[^>]*\?>", "", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
