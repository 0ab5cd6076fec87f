# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG: lines over a number, or bars. The same data make the same bytes."""

import math
from xml.sax.saxutils import escape

_WIDTH = 760

# Characters of a title that fit.
_TITLE = 80

# Okabe and Ito's colours, which colour-blind readers can tell apart; baselines are grey.
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
_GREYS = ["#777777", "#a0a0a0", "#555555", "#bbbbbb"]
_DASHES = ["", "6 3", "2 3", "8 3 2 3"]

# Beyond this range a linear axis hides the small ones.
_LOGARITHMIC_FROM = 50.0


class Series:
    """A name and its values: pairs of x and y for lines, of a label and y for bars."""

    def __init__(self, name, points, is_baseline=False):
        self.name = name
        self.points = points
        self.is_baseline = is_baseline


def number(value):
    """Three significant digits, without an exponent where that is readable."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return "%.3g" % value
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = "%.*f" % (digits, value)
    return text.rstrip("0").rstrip(".") if "." in text and abs(value) >= 100 else text


class _Axis:
    """Maps values to a range of coordinates."""

    def __init__(self, values, start, end, logarithmic):
        low, high = min(values), max(values)
        self.start, self.end, self.logarithmic = start, end, logarithmic
        if logarithmic:
            self.low, self.high = math.log10(low), math.log10(high)
            margin = 0.05 * (self.high - self.low) or 0.5
            self.low, self.high = self.low - margin, self.high + margin
        else:
            self.low, self.high = min(0.0, low), (high if high > 0 else 1.0) * 1.05

    def at(self, value):
        value = math.log10(value) if self.logarithmic else value
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            decades = range(math.floor(self.low), math.ceil(self.high) + 1)
            steps = (1, 2, 5) if self.high - self.low < 2.5 else (1,)
            all_ticks = [step * 10.0**decade for decade in decades for step in steps]
            return [tick for tick in all_ticks if self.low <= math.log10(tick) <= self.high]
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [step * i for i in range(first, last + 1)]


class _Drawing:
    def __init__(self, height, title):
        self.height = height
        self.parts = []
        shown = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
        self.text(12, 22, shown, size=15, weight="bold")

    def text(self, x, y, text, size=12, anchor="start", weight="normal", turn=""):
        self.parts.append(
            '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s"%s>%s</text>'
            % (x, y, size, anchor, weight, turn, escape(text))
        )

    def line(self, x1, y1, x2, y2, colour, width=1.0, dash=""):
        self.parts.append(
            '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"%s/>'
            % (x1, y1, x2, y2, colour, width, ' stroke-dasharray="%s"' % dash if dash else "")
        )

    def path(self, points, colour, dash):
        way = " ".join("%.1f,%.1f" % point for point in points)
        self.parts.append(
            '<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>'
            % (way, colour, ' stroke-dasharray="%s"' % dash if dash else "")
        )

    def dot(self, x, y, colour):
        self.parts.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x, y, colour))

    def bar(self, x, y, width, height, colour):
        self.parts.append(
            '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
            % (x, y, max(width, 0.5), height, colour)
        )

    def __str__(self):
        head = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
            'font-family="sans-serif">\n<rect width="100%%" height="100%%" fill="white"/>\n'
            % (_WIDTH, self.height, _WIDTH, self.height)
        )
        return head + "\n".join(self.parts) + "\n</svg>\n"


def _styles(series):
    """A colour and a dash for each series."""
    counts = {True: 0, False: 0}
    styles = []
    for one in series:
        colours = _GREYS if one.is_baseline else _COLOURS
        turn, index = divmod(counts[one.is_baseline], len(colours))
        dash = turn + (1 if one.is_baseline else 0)
        styles.append((colours[index], _DASHES[dash % len(_DASHES)]))
        counts[one.is_baseline] += 1
    return styles


def _is_wide(values):
    return min(values) > 0 and max(values) / min(values) > _LOGARITHMIC_FROM


def lines(title, series, x_label, y_label, x_text=number, mark=None):
    """Draws series over x; `mark` is a y at which a line is drawn, or None."""
    legend = 18 * len(series)
    left, right, top, bottom = 70, _WIDTH - 20, 64, 380
    drawing = _Drawing(bottom + 62 + legend, title)
    xs = sorted({x for one in series for x, _ in one.points})
    ys = [y for one in series for _, y in one.points] + ([mark] if mark is not None else [])
    x_axis = _Axis(xs, left, right, min(xs) > 0 and max(xs) / min(xs) >= 16)
    if not x_axis.logarithmic:
        margin = 0.05 * (max(xs) - min(xs)) or 1
        x_axis.low, x_axis.high = min(xs) - margin, max(xs) + margin
    y_axis = _Axis(ys, bottom, top, _is_wide(ys))
    drawing.text(12, 46, y_label)
    for tick in y_axis.ticks():
        drawing.line(left, y_axis.at(tick), right, y_axis.at(tick), "#e4e4e4")
        drawing.text(left - 8, y_axis.at(tick) + 4, "%g" % tick, anchor="end")
    every = math.ceil(len(xs) / 12)
    for index, x in enumerate(xs):
        drawing.line(x_axis.at(x), bottom, x_axis.at(x), bottom + 5, "#333333")
        if index % every == 0:
            drawing.text(x_axis.at(x), bottom + 20, x_text(x), anchor="middle")
    drawing.line(left, bottom, right, bottom, "#333333")
    drawing.text((left + right) / 2, bottom + 40, x_label, anchor="middle")
    if mark is not None:
        drawing.line(left, y_axis.at(mark), right, y_axis.at(mark), "#333333", 1.0, "4 4")
    for index, (one, (colour, dash)) in enumerate(zip(series, _styles(series))):
        at = [(x_axis.at(x), y_axis.at(y)) for x, y in sorted(one.points)]
        drawing.path(at, colour, dash)
        for x, y in at:
            drawing.dot(x, y, colour)
        y = bottom + 62 + 18 * index
        drawing.line(left, y - 4, left + 30, y - 4, colour, 2.0, dash)
        drawing.text(left + 38, y, one.name)
    return str(drawing)


def bars(title, series, value_label, mark=None):
    """Draws a bar for each point; a dot where values differ too much for bars."""
    rows = [(one, label, y, s) for one, s in zip(series, _styles(series)) for label, y in one.points]
    values = [y for _, _, y, _ in rows] + ([mark] if mark is not None else [])
    names = ["%s %s" % (one.name, label) if label else one.name for one, label, _, _ in rows]
    left = min(360, 24 + 7 * max(len(name) for name in names))
    right, top, step = _WIDTH - 80, 60, 22
    bottom = top + step * len(rows)
    drawing = _Drawing(bottom + 54, title)
    axis = _Axis(values, left, right, _is_wide(values))
    for tick in axis.ticks():
        drawing.line(axis.at(tick), top, axis.at(tick), bottom, "#e4e4e4")
        drawing.text(axis.at(tick), bottom + 18, "%g" % tick, anchor="middle")
    drawing.text((left + right) / 2, bottom + 40, value_label, anchor="middle")
    for index, ((_, _, value, (colour, _)), name) in enumerate(zip(rows, names)):
        middle = top + step * index + step / 2
        drawing.text(left - 8, middle + 4, name, anchor="end")
        if axis.logarithmic:
            drawing.line(left, middle, axis.at(value), middle, "#cccccc")
            drawing.dot(axis.at(value), middle, colour)
        else:
            drawing.bar(axis.at(0.0), middle - 7, axis.at(value) - axis.at(0.0), 14, colour)
        drawing.text(axis.at(value) + 8, middle + 4, number(value))
    if mark is not None:
        drawing.line(axis.at(mark), top, axis.at(mark), bottom, "#333333", 1.0, "4 4")
    return str(drawing)
