# SPDX-License-Identifier: BSD-3-Clause
"""Stand-ins for what Bazel 4 downloads or lacks: for Debian's own Bazel, offline."""

_RULES_CC = ["cc_binary", "cc_import", "cc_library", "cc_test"]

_RULES_CC_DEFS = "".join(["%s = native.%s\n" % (rule, rule) for rule in _RULES_CC]) + """
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
"""

_RULES_JAVA_DEFS = """
java_import = native.java_import
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
"""

_COVERAGE_BUILD = """
package(default_visibility = ["//visibility:public"])

sh_binary(
    name = "lcov_merger",
    srcs = ["@aml//tools/coverage:coverage.py"],
)

sh_binary(
    name = "coverage_report_generator",
    srcs = ["@aml//tools/coverage:coverage.py"],
)

filegroup(name = "coverage_output_generator")
"""

def _files_repository_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = %r)\n" % repository_ctx.name)
    for path, content in repository_ctx.attr.files.items():
        repository_ctx.file(path, content)

_files_repository = repository_rule(
    implementation = _files_repository_impl,
    doc = "A repository of the given files.",
    attrs = {"files": attr.string_dict()},
)

def bazel4_repositories():
    """Declares the stand-ins, if this is Bazel 4 (Debian's names no version)."""
    if native.bazel_version and not native.bazel_version.startswith("4."):
        return
    rules_cc = {"BUILD.bazel": "", "cc/BUILD.bazel": "", "cc/defs.bzl": _RULES_CC_DEFS}
    for rule in _RULES_CC:
        rules_cc["cc/%s.bzl" % rule] = "%s = native.%s\n" % (rule, rule)
    rules_cc["cc/common/BUILD.bazel"] = ""

    # Two files, as one cannot both read the builtin of this name and define it.
    rules_cc["cc/common/builtin.bzl"] = "BUILTIN = CcInfo\n"
    rules_cc["cc/common/cc_info.bzl"] = "load(\":builtin.bzl\", \"BUILTIN\")\n\nCcInfo = BUILTIN\n"
    _files_repository(name = "rules_cc", files = rules_cc)
    _files_repository(name = "rules_shell", files = {
        "shell/BUILD.bazel": "",
        "shell/sh_binary.bzl": "sh_binary = native.sh_binary\n",
        "shell/sh_test.bzl": "sh_test = native.sh_test\n",
    })
    _files_repository(name = "rules_java", files = {
        "java/BUILD.bazel": "",
        "java/defs.bzl": _RULES_JAVA_DEFS,
    })
    _files_repository(name = "remote_coverage_tools", files = {"BUILD.bazel": _COVERAGE_BUILD})
