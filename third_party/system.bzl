# SPDX-License-Identifier: BSD-3-Clause
"""Libraries that are taken from the system instead of being built here.

A library that is missing takes only its own dependants out of the build: its
targets are then incompatible with every platform, and the constraint that says
so is named after the Debian package, so that Bazel's own error shows it.
"""

def _has_library(repository_ctx, compiler, library):
    # The compiler answers with a full path when it knows the file and with
    # the bare name when it does not; this holds on every architecture.
    for file in ["lib%s.a" % library, "lib%s.so" % library]:
        probe = repository_ctx.execute([compiler, "-print-file-name=" + file])
        if probe.stdout.strip() != file:
            return True
    return False

def _find_missing(repository_ctx, compiler):
    """Returns what of the library the compiler cannot find, or None."""
    language = repository_ctx.attr.language
    for header in repository_ctx.attr.headers:
        probe = repository_ctx.execute(
            [compiler, "-x", language, "-fsyntax-only", "-include", header, "/dev/null"],
        )
        if probe.return_code != 0:
            return "header <%s>" % header
    for library in repository_ctx.attr.libraries:
        if not _has_library(repository_ctx, compiler, library):
            return "library lib%s" % library
    if repository_ctx.attr.condition:
        repository_ctx.file("condition.c", "".join(
            ["#include <%s>\n" % header for header in repository_ctx.attr.headers],
        ) + "#if !(%s)\n#error\n#endif\n" % repository_ctx.attr.condition)
        probe = repository_ctx.execute([compiler, "-x", language, "-fsyntax-only", "condition.c"])
        if probe.return_code != 0:
            return "library with " + repository_ctx.attr.condition
    return None

def _isolate(repository_ctx, compiler):
    """Makes isolated.a of an archive: `symbols`, each renamed, are all that it defines.

    Returns what failed, or None.
    """
    attr = repository_ctx.attr
    programs = {}
    for name in ["ar", "ld", "objcopy"]:
        found = repository_ctx.execute([compiler, "-print-prog-name=" + name])
        programs[name] = found.stdout.strip() or name
    archive = repository_ctx.execute([compiler, "-print-file-name=lib%s.a" % attr.isolate])
    keep = ["--keep-global-symbol=" + symbol for symbol in attr.symbols]
    rename = []
    for symbol in attr.symbols:
        rename += ["--redefine-sym", "%s=%s%s" % (symbol, attr.prefix, symbol)]

    # The references make the linker take what defines them, and hide it outside of a shared object.
    repository_ctx.file("hidden.c", "".join([
        "extern __attribute__((visibility(\"hidden\"))) char %s[];\n" % symbol
        for symbol in attr.symbols
    ]) + "const void *const isolated_symbols[] = {%s};\n" % ", ".join(attr.symbols))
    for command in [
        [compiler, "-fPIC", "-fno-builtin", "-c", "-o", "hidden.o", "hidden.c"],
        [programs["ld"], "-r", "-o", "whole.o", "hidden.o", archive.stdout.strip()],
        [programs["objcopy"]] + keep + ["whole.o", "kept.o"],
        [programs["objcopy"]] + rename + ["kept.o", "isolated.o"],
        [programs["ar"], "rcsD", "isolated.a", "isolated.o"],
    ]:
        done = repository_ctx.execute(command)
        if done.return_code != 0:
            return "archive lib%s.a that %s takes (%s)" % (attr.isolate, command[0], done.stderr)
    return None

_HEAD = """load("@rules_cc//cc:cc_library.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_TARGET = """
cc_library(
    name = "{name}",
    srcs = {srcs},
    linkopts = {linkopts},
)
"""

_STUB_CONSTRAINT = """
constraint_setting(name = "missing")

constraint_value(
    name = "{constraint}",
    constraint_setting = ":missing",
)
"""

_STUB = """
cc_library(
    name = "{name}",
    target_compatible_with = [":{constraint}"],
)
"""

_OPTIONAL = """
# Compatible with every platform: without the library it is empty.
cc_library(
    name = "{name}_if_available",
    defines = {defines},
    linkopts = {linkopts},
)
"""

def _system_library_impl(repository_ctx):
    attr = repository_ctx.attr
    compiler = repository_ctx.os.environ.get("CC") or "cc"
    compiler = compiler if "/" in compiler else repository_ctx.which(compiler)
    if not compiler:
        fail("\n\nNo C compiler found (CC or cc in PATH). On Debian or Ubuntu:\n\n" +
             "    sudo apt-get install build-essential\n")
    if attr.id in repository_ctx.os.environ.get("AML_WITHOUT", "").split(","):
        missing = "library, which AML_WITHOUT names,"
    else:
        missing = _find_missing(repository_ctx, compiler)
    if not missing and attr.isolate:
        missing = _isolate(repository_ctx, compiler)

    build = _HEAD
    constraint = "install_" + "_and_".join(attr.packages)
    if missing:
        # buildifier: disable=print
        print(("%s: the %s was not found; what needs it is left out. " +
               "On Debian or Ubuntu: sudo apt-get install %s; then, since a running Bazel " +
               "remembers, bazel shutdown") % (
            attr.id,
            missing,
            " ".join(attr.packages),
        ))
        build += _STUB_CONSTRAINT.format(constraint = constraint)
    for target, linkopts in attr.targets.items():
        if missing:
            build += _STUB.format(name = target, constraint = constraint)
        else:
            build += _TARGET.format(
                name = target,
                linkopts = repr(linkopts),
                srcs = repr(["isolated.a"] if attr.isolate else []),
            )
        if attr.optional:
            build += _OPTIONAL.format(
                name = target,
                defines = repr([] if missing else ["AML_HAVE_" + target.upper()]),
                linkopts = repr([] if missing else linkopts),
            )
    repository_ctx.file("BUILD.bazel", build)
    repository_ctx.file("defs.bzl", "AVAILABLE = %r\n" % (not missing))
    repository_ctx.file("WORKSPACE", "workspace(name = %r)\n" % repository_ctx.name)

system_library = repository_rule(
    implementation = _system_library_impl,
    doc = """Declares targets that link a library which the system's compiler finds by itself.

    //:defs.bzl holds AVAILABLE, a bool. AML_WITHOUT in the environment names
    libraries to treat as missing, separated by commas.
    """,
    attrs = {
        "condition": attr.string(doc = "What must hold of the headers' macros, as #if takes it."),
        "headers": attr.string_list(doc = "Headers that must be found."),
        "id": attr.string(doc = "The repository's own name, for messages and AML_WITHOUT."),
        "isolate": attr.string(
            doc = """A static library, without lib and suffix, that the targets take in instead of linking it.

            Only `symbols` of it are seen, with `prefix` before their names, so that it can be
            linked beside what else defines the same names.
            """,
        ),
        "language": attr.string(
            default = "c",
            doc = "The language of the headers, as the compiler's -x takes it.",
        ),
        "libraries": attr.string_list(doc = "Libraries that must be found, without lib and suffix."),
        "optional": attr.bool(doc = "Whether to add <target>_if_available beside each target."),
        "packages": attr.string_list(doc = "The Debian packages to name when something is missing."),
        "prefix": attr.string(doc = "What the symbols of an isolated library are renamed with."),
        "symbols": attr.string_list(doc = "What is kept of an isolated library."),
        "targets": attr.string_list_dict(doc = "Each target and the options that link it."),
    },
    configure = True,
    environ = ["AML_WITHOUT", "CC", "CPATH", "LIBRARY_PATH", "PATH"],
    local = True,
)

def declare_numactl():
    system_library(
        name = "numactl",
        id = "numactl",
        headers = ["numa.h", "numaif.h"],
        libraries = ["numa"],
        packages = ["libnuma-dev"],
        targets = {"numa": ["-lnuma"]},
    )

def declare_openblas():
    system_library(
        name = "openblas",
        id = "openblas",
        headers = ["cblas.h"],
        libraries = ["openblas"],
        optional = True,
        packages = ["libopenblas-dev"],
        targets = {"openblas": ["-lopenblas"]},
    )

def declare_liburing():
    system_library(
        name = "liburing",
        id = "liburing",
        headers = ["liburing.h"],
        libraries = ["uring"],
        optional = True,
        packages = ["liburing-dev"],
        targets = {"uring": ["-luring"]},
    )

def declare_libjemalloc():
    system_library(
        name = "libjemalloc",
        id = "libjemalloc",
        headers = [
            "stddef.h",
            "jemalloc/jemalloc.h",
        ],
        libraries = ["jemalloc_pic"],
        # An arena's own records can be kept out of its memory since 5.3.
        condition = "JEMALLOC_VERSION_MAJOR == 5 && JEMALLOC_VERSION_MINOR >= 3",
        # Debian's defines malloc and free, which a program has already.
        isolate = "jemalloc_pic",
        symbols = [
            "dallocx",
            "mallctl",
            "malloc_conf",
            "mallocx",
            "nallocx",
            "rallocx",
            "sallocx",
            "sdallocx",
        ],
        prefix = "aml_internal_jemalloc_",
        packages = ["libjemalloc-dev"],
        targets = {"jemalloc": [
            "-lm",
            "-lpthread",
        ]},
    )

def _googletest():
    system_library(
        name = "googletest",
        id = "googletest",
        headers = ["gtest/gtest.h", "gmock/gmock.h"],
        language = "c++",
        libraries = ["gtest", "gtest_main", "gmock"],
        packages = ["libgtest-dev", "libgmock-dev"],
        targets = {
            "gtest": ["-lgmock", "-lgtest", "-lpthread"],
            "gtest_main": ["-lgtest_main", "-lgmock", "-lgtest", "-lpthread"],
        },
    )

def _google_benchmark():
    system_library(
        name = "google_benchmark",
        id = "google_benchmark",
        headers = ["benchmark/benchmark.h"],
        language = "c++",
        libraries = ["benchmark", "benchmark_main"],
        packages = ["libbenchmark-dev"],
        targets = {
            "benchmark": ["-lbenchmark", "-lpthread"],
            "benchmark_main": ["-lbenchmark_main", "-lbenchmark", "-lpthread"],
        },
    )

def system_dependencies():
    """Declares what AML needs, but for what the calling WORKSPACE has already declared."""
    for name, declare in [
        ("numactl", declare_numactl),
        ("openblas", declare_openblas),
        ("libjemalloc", declare_libjemalloc),
        ("liburing", declare_liburing),
        ("googletest", _googletest),
        ("google_benchmark", _google_benchmark),
    ]:
        if not native.existing_rule(name):
            declare()
