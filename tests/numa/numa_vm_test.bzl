# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run on a kernel with several NUMA nodes, in a virtual machine."""

load("//tools/build:script.bzl", "aml_script_test")

def numa_vm_test(name, test, kernel, topology = "topologies/hbm-cxl.topo", args = [], tags = [], **kwargs):
    """Runs a test program in a virtual machine; for use in //tests/numa.

    Where no kernel was fetched, the test is skipped: ./fetch-numa-kernel gets one.

    Args:
      name: The target's name, which ends in _test.
      test: The program: a cc_test of this package.
      kernel: What glob found of the kernel.
      topology: The machine's nodes.
      args: Arguments of the program.
      tags: More tags.
      **kwargs: As for sh_test.
    """
    aml_script_test(
        name = name,
        size = "medium",
        src = "bazel-test",
        args = ["$(rootpath %s)" % topology, "$(rootpath %s)" % test] + args,
        data = [
            "guest-init",
            "run-in-numa-vm",
            test,
            topology,
        ] + kernel,
        # The machine's CPUs are threads of QEMU. QEMU and busybox come from the host.
        tags = ["cpu:2", "no-remote-exec", "numa-vm"] + tags,
        target_compatible_with = [] if kernel else [":run_fetch-numa-kernel"],
        **kwargs
    )
