# SPDX-License-Identifier: BSD-3-Clause
"""What MODULE.bazel takes from the system; apart from system.bzl, as Bazel 4 has no module_extension."""

load(":system.bzl", "declare_libjemalloc", "declare_liburing", "declare_numactl", "declare_openblas")

def _system_impl(_module_ctx):
    declare_libjemalloc()
    declare_liburing()
    declare_numactl()
    declare_openblas()

system = module_extension(implementation = _system_impl)
