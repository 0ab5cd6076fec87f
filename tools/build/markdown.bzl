# SPDX-License-Identifier: BSD-3-Clause
"""Compiles and runs the C that stands in a page of documentation."""

load(":aml.bzl", "aml_c_test")

# Each line keeps its place, so that a compiler's message names the page's line.
_EXTRACT = """
awk 'BEGIN { print "#line 1 \\"$<\\"" }
  /^```/ { code = !code && /^```c$$/; print ""; next }
  { print code ? $$0 : "" }
  /^int main\\(/ && code { has_main = 1 }
  END { if (!has_main) print "int main(void) { return 0; }" }' $< >$@
"""

def aml_markdown_test(name, page, deps, **kwargs):
    """A test that runs the program which the ```c blocks of a page make, one behind the other.

    Where they hold no main(), they are only compiled.

    Args:
      name: The target's name, which ends in _test.
      page: The Markdown file.
      deps: What the code includes.
      **kwargs: As for aml_c_test.
    """
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = [page],
        outs = [name + ".c"],
        cmd = _EXTRACT,
    )
    aml_c_test(
        name = name,
        srcs = [name + ".c"],
        # What a page shows is not all used by it.
        copts = [
            "-Wno-missing-prototypes",
            "-Wno-unused-function",
            "-Wno-unused-variable",
        ],
        deps = deps,
        **kwargs
    )
