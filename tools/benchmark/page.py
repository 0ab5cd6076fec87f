# SPDX-License-Identifier: BSD-3-Clause
"""The pages: Markdown tables of families, the plots beside them, and the index."""

import re

import plot
import results

_UNITS = [(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]

_SPEED = "times as fast as the baseline"

INTRODUCTION = """\
Times are per iteration, which may be many operations; where a benchmark counts items, the time of one
stands beside. ± is half of the range of the repetitions. A column × says how many times as fast as that
baseline a case is, above 1 is faster; `ratio` says so of a baseline that the benchmark times in turns
with itself. What is in each benchmark is said at the head of its source.
"""


def _unit_of(ns):
    return next(unit for unit in reversed(_UNITS) if ns >= unit[0] or unit is _UNITS[0])


def time_text(ns):
    scale, unit = _unit_of(ns)
    return "%s %s" % (plot.number(ns / scale), unit)


def argument_text(value):
    """An argument as it is, but 65536 as 64 Ki."""
    if not re.fullmatch(r"\d+", value):
        return value
    count = int(value)
    for unit, name in ((1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")):
        if count >= 1 << 16 and count % unit == 0:
            return "%d %s" % (count // unit, name)
    return value


def _shape_text(case):
    parts = [(name + " " if name else "") + argument_text(value) for name, value in case.arguments]
    return ", ".join(parts)


def _rate_text(rate, names):
    """A rate with the largest of the units that leaves at least 1."""
    scale, name = next(
        (unit for unit in reversed(names) if rate >= unit[0]), names[0]
    )
    return "%s %s" % (plot.number(rate / scale), name)


_ITEMS = [(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")]
_BYTES = [(2.0 ** (10 * i), unit + "B/s") for i, unit in enumerate(["", "Ki", "Mi", "Gi", "Ti"])]


class Names:
    """What the functions of one program are called: without the type's name, where there is one."""

    def __init__(self, cases):
        types = {case.function.partition("_")[0] for case in cases if not case.is_baseline}
        self._is_one = len(types) == 1

    def of(self, function):
        kind, _, operation = function.partition("_")
        return operation if operation and (self._is_one or kind == "Baseline") else function


def _escape(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(family, names):
    """Returns a Markdown table of a family, without columns that would be empty."""
    columns = [
        ("benchmark", lambda c: ("*%s*" if c.is_baseline else "%s") % _escape(names.of(c.function))),
        ("arguments", lambda c: _escape(_shape_text(c))),
        ("time", _time_cell),
        ("per item", lambda c: time_text(c.item_ns) if c.item_ns else ""),
        ("items", lambda c: _rate_text(1e9 / c.item_ns, _ITEMS) if c.item_ns else ""),
        (
            "bytes",
            lambda c: _rate_text(c.bytes_per_second, _BYTES) if c.bytes_per_second else "",
        ),
    ]
    for counter in sorted({name for case in family.cases for name in case.counters}):
        columns.append((counter, lambda c, name=counter: _counter_cell(c, name)))
    for function in family.baselines:
        title = "× " + names.of(function)
        columns.append((title, lambda c, name=function: _speed_cell(family, c, name)))
    columns.append(("note", lambda c: _escape(c.label)))
    filled = [
        (title, [cell(case) for case in family.cases])
        for title, cell in columns
    ]
    filled = [(title, cells) for title, cells in filled if any(cells)]
    head = "| %s |\n|%s|\n" % (
        " | ".join(title for title, _ in filled),
        "|".join("---" if title in ("benchmark", "arguments", "note") else "---:" for title, _ in filled),
    )
    rows = zip(*(cells for _, cells in filled))
    return head + "".join("| %s |\n" % " | ".join(row) for row in rows)


def _spread_text(spread):
    return "" if spread is None else " ± %.0f %%" % (100 * spread)


def _time_cell(case):
    if case.time_ns is None:
        return "failed: " + _escape(case.error)
    return time_text(case.time_ns) + _spread_text(case.spread)


def _counter_cell(case, name):
    value = case.counters.get(name)
    if value is None:
        return ""
    return plot.number(value) + (_spread_text(case.ratio_spread) if name == "ratio" else "")


def _speed_cell(family, case, function):
    baseline = None if case.is_baseline else family.baseline_of(case, function)
    speed = case.speed_over(baseline) if baseline else None
    return "" if speed is None else plot.number(speed)


def _metric(family):
    """What is plotted: a function of a case, what it is called, and where a line is drawn."""
    done = [case for case in family.cases if case.time_ns is not None]
    if any("ratio" in case.counters for case in done):
        return lambda case: case.counters.get("ratio"), _SPEED, 1.0
    per_item = all(case.item_ns for case in done)
    field = "item_ns" if per_item else "time_ns"
    scale, unit = _unit_of(max((getattr(case, field) for case in done), default=1.0))
    label = "%s %s" % (unit, "per item" if per_item else "per iteration")

    def value(case):
        ns = getattr(case, field)
        return ns / scale if ns else None

    return value, label, None


def _axis_argument(cases):
    """The place among the arguments of one that takes three numbers or more, or None."""
    lengths = {len(case.arguments) for case in cases}
    if len(lengths) != 1:
        return None
    counts = []
    for place in range(lengths.pop()):
        values = {case.arguments[place][1] for case in cases}
        if all(value.isdigit() for value in values) and len(values) >= 3:
            counts.append((len(values), -place))
    return -max(counts)[1] if counts else None


def _series(cases, value, names, place):
    """Series of what is left of a case's name when its place on the x axis is taken."""
    grouped = {}
    for case in cases:
        rest = [pair for index, pair in enumerate(case.arguments) if index != place]
        if place is None:
            name, x = names.of(case.function), _shape_text(case)
        else:
            words = [names.of(case.function)]
            words += [(name + " " if name else "") + argument_text(text) for name, text in rest]
            name, x = ", ".join(words), int(case.arguments[place][1])
        points = grouped.setdefault((name, case.is_baseline), [])
        points.append((x, value(case)))
    return [plot.Series(name, points, base) for (name, base), points in grouped.items()]


def chart(family, title, names):
    """Returns the plot of a family, or None where there is nothing to plot."""
    value, label, mark = _metric(family)
    cases = [case for case in family.cases if case.time_ns is not None and value(case)]
    if not cases:
        return None
    place = _axis_argument(cases)
    series = _series(cases, value, names, place)
    if place is not None and max(len(one.points) for one in series) < 3:
        place = None
        series = _series(cases, value, names, place)
    if place is None:
        return plot.bars(title, series, label, mark)
    x_label = cases[0].arguments[place][0] or "argument"
    return plot.lines(
        title, series, x_label, label, lambda x: argument_text("%d" % x), mark
    )


def slug(text):
    """AllocInline as alloc-inline."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


def title_of(family, names):
    """The operations; of a family without any, its baselines."""
    title = ", ".join(names.of(name) for name in family.functions or family.baselines)
    if family.functions and family.baselines:
        title += " against " + ", ".join(names.of(name) for name in family.baselines)
    return title


def section(block, program, document, source):
    """Returns the Markdown of one program, and its plots by file name. `source` may be empty."""
    cases = results.cases_of(document)
    names = Names(cases)
    stem = program.removesuffix("_benchmark")
    parts, plots = ["## %s\n" % stem], {}
    if source:
        parts.append("Source: [%s](%s)\n" % (program + ".cc", source))
    for family in results.families_of(cases):
        title = title_of(family, names)
        parts.append("### %s\n" % _escape(title))
        parts.append(table(family, names))
        first = (family.functions or family.baselines)[0]
        name = "%s/%s-%s.svg" % (block, slug(stem), slug(names.of(first)))
        drawing = chart(family, "%s: %s" % (stem, title.partition(" against ")[0]), names)
        if drawing:
            plots[name] = drawing
            parts.append("![plot of the table above](%s)\n" % name)
    return "\n".join(parts), plots


def page(block, facts, sections):
    """Returns the Markdown of a block's page; `facts` are pairs of what is known of the machine."""
    rows = "".join("| %s | %s |\n" % (name, _escape(text)) for name, text in facts)
    head = "# Figures of %s\n\n%s\n## The machine\n\n| | |\n|---|---|\n%s" % (
        block,
        INTRODUCTION,
        rows,
    )
    return head + "\n" + "\n".join(sections)


def index(pages):
    """Returns the index; `pages` are pairs of a block and the headings of its programs."""
    head = (
        "# Figures\n\nMade by `./bazelw run -c opt //tools/benchmark:report`, which is described in\n"
        "[tools/benchmark](../../tools/benchmark/README.md). Each page says which machine it is from.\n"
    )
    if not pages:
        return head + "\nNone are kept here yet.\n"
    rows = "".join(
        "| [%s](%s.md) | %s |\n" % (block, block, ", ".join("`%s`" % name for name in programs))
        for block, programs in pages
    )
    return head + "\n| block | types and others |\n|---|---|\n" + rows
