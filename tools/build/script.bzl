# SPDX-License-Identifier: BSD-3-Clause
"""Tests that are scripts; apart from aml.bzl, which consumers load, so that they need no rules_shell."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")

def aml_script_test(name, src, size = "small", **kwargs):
    """A test that is one executable script, in the language that its first line names.

    sh_test runs any such file, and so Python needs no toolchain of Bazel's.

    Args:
      name: The target's name, which ends in _test.
      src: The script.
      size: As for sh_test.
      **kwargs: As for sh_test.
    """
    sh_test(
        name = name,
        size = size,
        srcs = [src],
        **kwargs
    )
