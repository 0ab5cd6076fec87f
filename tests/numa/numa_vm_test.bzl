# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run on a kernel with several NUMA nodes, in a virtual machine."""

load("//tools/build:script.bzl", "aml_script_test")

def numa_vm_test(name, kernel, topology, programs = [], confined = {}, tags = [], **kwargs):
    """Runs test programs in a virtual machine, one after the other; for use in //tests/numa.

    Where there is no kernel, the test is skipped: ./fetch-numa-kernel gets some.

    Args:
      name: The target's name, which ends in _test.
      kernel: What glob found of the kernel: one file, or nothing.
      topology: The machine's nodes: a file.
      programs: What to run: labels of tests.
      confined: What to run with less privilege: by the first argument of ./confine, likewise.
      tags: More tags.
      **kwargs: As for sh_test.
    """
    words = ["$(rootpath %s)" % program for program in programs]
    for mode in confined:
        words += ["%s:$(rootpath %s)" % (mode, program) for program in confined[mode]]
    labels = {program: None for list in [programs] + confined.values() for program in list}
    aml_script_test(
        name = name,
        size = "medium",
        src = "bazel-test",
        args = [
            "$(rootpath %s)" % (kernel[0] if kernel else topology),
            "$(rootpath %s)" % topology,
            "$(rootpath :confine)",
        ] + words,
        data = [
            "guest-init",
            "run-in-numa-vm",
            ":confine",
            topology,
        ] + labels.keys() + kernel,
        # The machine's CPUs are threads of QEMU, of which the programs keep one busy. QEMU and
        # busybox come from the host.
        tags = ["cpu:1", "no-remote-exec", "numa-vm"] + tags,
        target_compatible_with = [] if kernel else [":run_fetch-numa-kernel"],
        **kwargs
    )
