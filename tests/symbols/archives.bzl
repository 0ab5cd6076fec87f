# SPDX-License-Identifier: BSD-3-Clause
"""The static libraries of everything that a target links."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _archives_impl(ctx):
    archives = []
    for dep in ctx.attr.deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linker_input.libraries:
                archive = library.pic_static_library or library.static_library
                if archive:
                    archives.append(archive)
    return [DefaultInfo(files = depset(archives), runfiles = ctx.runfiles(archives))]

archives = rule(
    implementation = _archives_impl,
    doc = "The static libraries of deps and of all that they link, position-independent where there is a choice.",
    attrs = {"deps": attr.label_list(
        doc = "C libraries.",
        mandatory = True,
        providers = [CcInfo],
    )},
)
