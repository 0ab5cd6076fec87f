# SPDX-License-Identifier: BSD-3-Clause
"""The rules that AML's packages use: cc_* with the project's language levels and warnings."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wpointer-arith",
    "-Wshadow",
    "-Wundef",
    "-Wvla",
]

_WERROR = select({
    "//tools/build:werror": ["-Werror"],
    "//conditions:default": [],
})

# A user's program is compiled so: without _GNU_SOURCE. The headers are held to it.
_C_USER_COPTS = ["-std=c17"] + _WARNINGS + [
    "-Wmissing-prototypes",
    "-Wstrict-prototypes",
]

_C_COPTS = _C_USER_COPTS + [
    "-D_GNU_SOURCE",
    "-fvisibility=hidden",
]

# Tests index by int. In C++ clang's -Wconversion minds that, and gcc's does not.
_CXX_COPTS = ["-std=c++17"] + _WARNINGS + ["-Wno-sign-conversion"]

# What a user may have on besides, and a header must not trip over.
_HEADER_COPTS = [
    "-Wpedantic",
    "-Wsign-conversion",
]

def _include_prefix():
    return "aml/" + native.package_name() if native.package_name() else "aml"

def _header_test(name, hdrs, target):
    """Compiles each header alone, twice over, as C17 and as C++17."""
    includes = "".join([
        '#include "%s/%s"\\n' % (_include_prefix(), header)
        for header in hdrs + hdrs
    ])
    native.genrule(
        name = name + "_sources",
        testonly = True,
        outs = [name + "_c.c", name + "_cc.cc"],
        cmd = "printf '%stypedef int not_empty;\\n' >$(location %s_c.c); " % (includes, name) +
              "printf '%s int main() { return 0; }\\n' >$(location %s_cc.cc)" % (includes, name),
        visibility = ["//visibility:private"],
    )
    cc_library(
        name = name + "_c",
        testonly = True,
        srcs = [name + "_c.c"],
        copts = _C_USER_COPTS + _HEADER_COPTS + _WERROR,
        linkstatic = True,
        visibility = ["//visibility:private"],
        deps = [target],
    )
    cc_test(
        name = name,
        size = "small",
        srcs = [name + "_cc.cc"],
        copts = _CXX_COPTS + _HEADER_COPTS + _WERROR,
        linkstatic = True,
        tags = ["header"],
        visibility = ["//visibility:private"],
        deps = [":" + name + "_c", target],
    )

def aml_cc_library(name, hdrs = [], copts = [], header_test = True, **kwargs):
    """A C library, its hdrs included as "aml/<package>/<header>".

    Adds <name>_header_test, which compiles each of the hdrs alone as C and as C++.

    Args:
      name: The target's name.
      hdrs: The headers that others may include: one, as a rule.
      copts: Options besides the project's own.
      header_test: Whether to add <name>_header_test.
      **kwargs: As for cc_library.
    """
    cc_library(
        name = name,
        hdrs = hdrs,
        copts = _C_COPTS + copts + _WERROR,
        include_prefix = _include_prefix(),
        linkstatic = True,
        **kwargs
    )
    if hdrs and header_test:
        _header_test(name + "_header_test", hdrs, ":" + name)

def aml_types(name):
    """Names what a block's package has declared so far; for the test of the build graph.

    Args:
      name: types, which is what that test looks for.
    """
    native.filegroup(
        name = name,
        srcs = [
            ":" + library
            for library, rule in native.existing_rules().items()
            if rule["kind"] == "cc_library" and not rule.get("testonly")
        ],
        visibility = ["//tests/graph:__pkg__"],
    )

def aml_benchmarks(name):
    """Names the benchmarks that a package has declared so far; for //tools/benchmark.

    Args:
      name: benchmarks, which is what that looks for.
    """
    native.filegroup(
        name = name,
        testonly = True,
        srcs = [
            ":" + program
            for program, rule in native.existing_rules().items()
            if rule["kind"] == "cc_binary" and "benchmark" in rule["tags"]
        ],
        visibility = ["//tools/benchmark:__pkg__"],
    )

def aml_cc_test_library(name, copts = [], **kwargs):
    """A C++ library for tests, its hdrs included as "aml/<package>/<header>".

    Args:
      name: The target's name.
      copts: Options besides the project's own.
      **kwargs: As for cc_library.
    """
    cc_library(
        name = name,
        testonly = True,
        copts = _CXX_COPTS + copts + _WERROR,
        include_prefix = _include_prefix(),
        linkstatic = True,
        **kwargs
    )

def aml_cc_binary(name, copts = [], **kwargs):
    """A program in C.

    Args:
      name: The target's name.
      copts: Options besides the project's own.
      **kwargs: As for cc_binary.
    """
    cc_binary(
        name = name,
        copts = _C_COPTS + copts + _WERROR,
        linkstatic = True,
        **kwargs
    )

def aml_c_test(name, copts = [], size = "small", **kwargs):
    """A program in C that passes when it returns 0: the examples of the documentation.

    Args:
      name: The target's name, which ends in _test.
      copts: Options besides the project's own.
      size: As for cc_test.
      **kwargs: As for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        copts = _C_COPTS + copts + _WERROR,
        linkstatic = True,
        **kwargs
    )

def aml_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    """A googletest test in C++.

    Args:
      name: The target's name, which ends in _test.
      copts: Options besides the project's own.
      deps: What it tests; googletest is added.
      size: As for cc_test.
      **kwargs: As for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        copts = _CXX_COPTS + copts + _WERROR,
        linkstatic = True,
        deps = deps + ["@googletest//:gtest_main"],
        **kwargs
    )

def aml_cc_benchmark(name, srcs, copts = [], data = [], deps = [], **kwargs):
    """A google-benchmark program, and <name>_smoke_test, which runs each benchmark briefly.

    Args:
      name: The target's name, which ends in _benchmark.
      srcs: The sources.
      copts: Options besides the project's own.
      data: Files that it reads.
      deps: What it measures; google-benchmark is added.
      **kwargs: As for cc_binary.
    """
    cc_library(
        name = name + "_lib",
        testonly = True,
        srcs = srcs,
        copts = _CXX_COPTS + copts + _WERROR,
        linkstatic = True,
        visibility = ["//visibility:private"],
        deps = deps + ["@google_benchmark//:benchmark_main"],
        alwayslink = True,
    )
    cc_binary(
        name = name,
        testonly = True,
        data = data,
        linkstatic = True,
        tags = ["benchmark"],
        deps = [":" + name + "_lib"],
        **kwargs
    )
    cc_test(
        name = name + "_smoke_test",
        size = "small",
        # A plain number, since 1.7 takes no unit and 1.8 and later take it as seconds.
        args = ["--benchmark_min_time=0.001"],
        data = data,
        linkstatic = True,
        tags = ["benchmark"],
        deps = [":" + name + "_lib"],
    )

def aml_cc_fuzz_test(name, srcs, copts = [], corpus = [], deps = [], tags = [], **kwargs):
    """A test that replays a corpus, and with --config=fuzz a libFuzzer program.

    With --config=fuzz, `bazel test` fuzzes for half a minute, and
    `bazel run … -- -max_total_time=600 DIR` for longer, keeping what it finds in DIR.

    Args:
      name: The target's name, which ends in _fuzz_test.
      srcs: The sources, in C++; they define LLVMFuzzerTestOneInput.
      copts: Options besides the project's own.
      corpus: The inputs to replay, and to start from.
      deps: What it tests.
      tags: Tags besides fuzz.
      **kwargs: As for cc_test.
    """
    locations = ["$(location %s)" % input for input in corpus]
    seeds = ["-seed_inputs=" + ",".join(locations)] if corpus else []
    cc_test(
        name = name,
        size = "small",
        srcs = srcs,
        args = select({
            "//tools/build:fuzz": ["-max_total_time=30"] + seeds,
            "//conditions:default": locations,
        }),
        copts = _CXX_COPTS + copts + _WERROR,
        data = corpus,
        linkopts = select({
            "//tools/build:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = True,
        tags = ["fuzz"] + tags,
        deps = deps + select({
            "//tools/build:fuzz": [],
            "//conditions:default": ["//tools/build:fuzz_replay_main"],
        }),
        **kwargs
    )
