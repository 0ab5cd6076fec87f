# SPDX-License-Identifier: BSD-3-Clause
"""What google-benchmark's JSON says: cases, the families they make, and how they compare.

Names are BM_<Block><Type>_<Operation>/<arguments>, and BM_Baseline_<What>/<arguments> for what is
measured beside them. A family is what one table and one plot show: a run of baselines and the
benchmarks that are compared with it. A benchmark is compared with the run of baselines registered
before it in its program, or, where that has no case with its arguments, with the run after it. One
that has neither is a family of its own, or one with its neighbours where each is a single case: it
may have its baseline within, as the counter `ratio`.
"""

import re
import statistics

_BASELINE = "Baseline_"

# What google-benchmark appends to names besides arguments.
_SETTINGS = re.compile(
    r"^(manual_time|real_time|process_time|(iterations|repeats|min_time|min_warmup_time):.*)$"
)

# Counters that only keep results from being optimised away.
_CHECKS = {"sum", "checksum"}

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# Fields that are no counters. Newer versions say skipped and skip_message.
_FIELDS = {
    "name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
    "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label",
    "items_per_second", "bytes_per_second", "error_occurred", "error_message", "skipped",
    "skip_message", "aggregate_name", "aggregate_unit",
}  # fmt: skip


class Case:
    """One benchmark with its arguments: the medians of its repetitions."""

    def __init__(self, function, shape):
        self.function = function  # without BM_
        self.shape = shape  # the arguments, as in the name
        self.time_ns = None  # per iteration; None: it failed
        self.spread = None  # of the times; None: one repetition
        self.item_ns = None
        self.bytes_per_second = None
        self.counters = {}
        self.ratio_spread = None
        self.label = ""
        self.error = ""

    @property
    def is_baseline(self):
        return self.function.startswith(_BASELINE)

    @property
    def arguments(self):
        """The arguments as pairs of a name, which may be empty, and a value."""
        parts = [part.rpartition(":") for part in self.shape.split("/") if part]
        return [(name, value) for name, _, value in parts]

    def matches(self, baseline):
        """Whether a baseline has the same arguments, or else the same numbers among them."""
        return self.shape == baseline.shape or (
            bool(self.numbers) and self.numbers == baseline.numbers
        )

    @property
    def numbers(self):
        return [int(value) for _, value in self.arguments if value.isdigit()]

    def speed_over(self, baseline):
        """How many times as fast as a baseline it is, or None where one of them failed."""
        if self.time_ns is None or baseline.time_ns is None:
            return None
        if self.item_ns and baseline.item_ns:
            return baseline.item_ns / self.item_ns
        if self.bytes_per_second and baseline.bytes_per_second:
            return self.bytes_per_second / baseline.bytes_per_second
        return baseline.time_ns / self.time_ns if self.time_ns else None


class Family:
    """Cases that belong into one table; `baselines` are functions, and may be none."""

    def __init__(self, baselines, functions, cases):
        self.baselines = baselines
        self.functions = functions
        self.cases = cases

    def baseline_of(self, case, function):
        """The case of a baseline that a case is compared with, or None."""
        of_function = [c for c in self.cases if c.function == function and case.matches(c)]
        exact = [c for c in of_function if c.shape == case.shape]
        return (exact or of_function or [None])[0]


def split_name(run_name):
    """Returns the function without BM_, and its arguments."""
    function, *parts = run_name.split("/")
    shape = "/".join(part for part in parts if not _SETTINGS.match(part))
    return re.sub("^BM_", "", function), shape


def _median(runs, field):
    values = [run[field] for run in runs if field in run]
    return statistics.median(values) if values else None


def _spread(values):
    """Half of the range by the median, or None for less than two values."""
    if len(values) < 2 or statistics.median(values) <= 0:
        return None
    return (max(values) - min(values)) / 2 / statistics.median(values)


def _case(run_name, runs):
    case = Case(*split_name(run_name))
    case.label = next((run["label"] for run in runs if run.get("label")), "")
    for run in runs:
        if run.get("error_occurred") or run.get("skipped"):
            case.error = run.get("error_message") or run.get("skip_message") or "failed"
            return case
    # Time of other threads, and what a benchmark times itself, is in no CPU time.
    is_real = re.search(r"/(manual_time|real_time)(/|$)", run_name) is not None
    field = "real_time" if is_real else "cpu_time"
    times = [run[field] * _NS[run["time_unit"]] for run in runs]
    case.time_ns = statistics.median(times)
    case.spread = _spread(times)
    case.ratio_spread = _spread([run["ratio"] for run in runs if "ratio" in run])
    items = _median(runs, "items_per_second")
    case.item_ns = 1e9 / items if items else None
    case.bytes_per_second = _median(runs, "bytes_per_second")
    names = sorted({name for run in runs for name in run} - _FIELDS - _CHECKS)
    case.counters = {name: _median(runs, name) for name in names}
    return case


def cases_of(document):
    """Returns the cases of what a program wrote, in the order in which they are registered."""
    order, runs = {}, {}
    for position, run in enumerate(document["benchmarks"]):
        if run.get("run_type", "iteration") != "iteration":
            continue
        name = run.get("run_name", run["name"])
        # With random interleaving they are written as they ended.
        place = (run.get("family_index", position), run.get("per_family_instance_index", position))
        order.setdefault(name, (*place, position))
        runs.setdefault(name, []).append(run)
    return [_case(name, runs[name]) for name in sorted(runs, key=order.get)]


def _runs_of_functions(cases):
    """Returns the functions in order, cut where baselines and others meet."""
    runs, seen = [], set()
    for case in cases:
        if case.function in seen:
            continue
        seen.add(case.function)
        if not runs or runs[-1][0] != case.is_baseline:
            runs.append((case.is_baseline, []))
        runs[-1][1].append(case.function)
    return runs


def families_of(cases):
    """Returns the Families that cases make, each where the first of it is registered."""
    by_function = {}
    for case in cases:
        by_function.setdefault(case.function, []).append(case)
    runs = _runs_of_functions(cases)

    def fits(function, run):
        is_baseline, baselines = runs[run] if 0 <= run < len(runs) else (False, [])
        candidates = [case for name in baselines for case in by_function[name]]
        return is_baseline and any(
            case.matches(candidate) for case in by_function[function] for candidate in candidates
        )

    def lone(run, function):
        is_single = len(by_function[function]) == 1
        has_ratio = "ratio" in by_function[function][0].counters
        return ("single", run, has_ratio) if is_single else ("several", function)

    members = {}  # functions by the run of their baselines, or by what they share else
    for index, (is_baseline, functions) in enumerate(runs):
        for function in functions:
            if is_baseline:
                members.setdefault(index, [])
            elif fits(function, index - 1):
                members.setdefault(index - 1, []).append(function)
            elif fits(function, index + 1):
                members.setdefault(index + 1, []).append(function)
            else:
                members.setdefault(lone(index, function), []).append(function)
    families = []
    for key, functions in members.items():
        baselines = runs[key][1] if isinstance(key, int) else []
        of_family = [case for name in baselines + functions for case in by_function[name]]
        families.append(Family(baselines, functions, of_family))
    return families
