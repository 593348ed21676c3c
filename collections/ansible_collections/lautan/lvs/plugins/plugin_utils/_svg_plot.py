# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Plots as SVG, for a page that brings its own colours: lines, steps, bars. Pure.

Colours are the page's: series number 3 is drawn with the variable ``--c3`` of CSS, all else with the colour of text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

# For people who see fewer colours (Okabe and Ito), on light and on dark: grey, blue, orange, green, purple, red.
COLOURS: Final = {
    "light": ("#5b6270", "#0072b2", "#d98200", "#00875f", "#a6508a", "#c8431a"),
    "dark": ("#a8afbd", "#56b4e9", "#f0ad3c", "#2fc79a", "#dd8fc1", "#ff8a5c"),
}
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3")
_LETTER: Final = 6.6  # the width of a character of 12 px, more or less
_LEFT: Final = 72
_RIGHT: Final = 24
_LINE: Final = 18


def plain(value: float) -> str:
    """A number for people: three digits that count."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "-"
    rounded = round(value, 2 - math.floor(math.log10(abs(value))))
    return f"{rounded:,.0f}" if abs(rounded) >= 100 or rounded == int(rounded) else f"{rounded:g}"


@dataclass(frozen=True)
class Axis:
    """An axis.

    :ivar show: how its numbers are written.
    :ivar whole: if there is nothing between whole numbers.
    :ivar low: is shown even if no point is there, and so is ``high``.
    """

    label: str
    show: Callable[[float], str] = plain
    log: bool = False
    whole: bool = False
    low: float = math.inf
    high: float = -math.inf


@dataclass(frozen=True)
class Point:
    """:ivar sure: if not, it is drawn hollow."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    sure: bool = True


@dataclass(frozen=True)
class Series:
    """:ivar style: ``line`` (with a mark at each point), ``step``, ``rule`` (thin, dashed, no marks)."""

    name: str
    points: Sequence[Point]
    colour: int
    style: str = "line"
    dash: int = 0


@dataclass(frozen=True)
class Mark:
    """Something that happened at a place of the x axis, or from there to another."""

    x: float
    text: str
    until: float | None = None


@dataclass(frozen=True)
class Bar:
    value: float
    low: float | None = None
    high: float | None = None
    sure: bool = True
    text: str = ""


# Below it, floats have too few digits left to be divided; it is as good as nothing.
_TINY = 1e-300


class _Scale:
    """From values to places on the page, with ticks at numbers that people like."""

    def __init__(self, axis: Axis, values: Iterable[float], begin: float, end: float, wanted: int) -> None:
        known = [value for value in (*values, axis.low, axis.high) if math.isfinite(value)]
        self._log = axis.log
        if axis.log:
            known = [value for value in known if value > _TINY] or [1.0]
            self._low, self._high = min(known) / 1.15, max(known) * 1.15
            self.ticks = _log_ticks(self._low, self._high, wanted)
        else:
            low, high = min(known, default=0.0), max(known, default=1.0)
            step = max(_step((high - low) or abs(high) or 1.0, wanted), float(axis.whole))
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            self.ticks = [number * step for number in range(first, max(last, first + 1) + 1)]
            self._low, self._high = self.ticks[0], self.ticks[-1]
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        low, high = self._low, self._high
        value = min(max(value, low), high)
        if self._log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self._begin + (self._end - self._begin) * (value - low) / (high - low)


def _step(width: float, wanted: int) -> float:
    power = 10 ** math.floor(math.log10(max(width, _TINY) / wanted))
    return next(step * power for step in (1, 2, 5, 10) if width / (step * power) <= wanted)


def _log_ticks(low: float, high: float, wanted: int) -> list[float]:
    """As many as there is room for: at 1, 2 and 5, or at powers of ten only."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1,)):
        ticks = [times * 10.0**power for power in powers for times in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 1.5 * wanted:
            break
    return ticks


def lines(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    marks: Sequence[Mark] = (),
    size: tuple[int, int] = (470, 300),
) -> str:
    """Series over a common x axis."""
    points = [point for each in series for point in each.points]
    frame = _Frame(title, size, [(each.name, each.colour, each.style, each.dash) for each in series], bool(marks))
    across = _Scale(x, [point.x for point in points], _LEFT, size[0] - _RIGHT, max(3, size[0] // 90))
    values = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
    up = _Scale(y, values, frame.bottom, frame.top, max(3, (frame.bottom - frame.top) // 40))
    frame.y_axis(y, up)
    frame.x_ticks([(across.at(tick), x.show(tick)) for tick in across.ticks], x.label)
    for each in series:
        frame.series(each, across, up, x, y)
    for mark in marks:
        frame.mark(across, mark)
    return frame.end()


def bars(
    title: str,
    groups: Sequence[str],
    series: Mapping[str, tuple[int, Sequence[Bar | None]]],
    y: Axis,
    rule: tuple[str, float] | None = None,
    size: tuple[int, int] = (470, 300),
    colours: Sequence[int] = (),
) -> str:
    """Groups of bars.

    :param series: by name, the colour and a bar for each group.
    :param rule: a level to compare with, and its name.
    :param colours: of the groups, where there is one series.
    """
    legend = [(name, colour, "bar", 0) for name, (colour, _bars) in series.items()] if len(series) > 1 else []
    frame = _Frame(title, size, legend + ([(rule[0], 0, "rule", 0)] if rule else []), False)
    every = [each for _colour, row in series.values() for each in row if each]
    values = [0.0, *(value for each in every for value in (each.value, each.low, each.high) if value is not None)]
    up = _Scale(y, [*values, rule[1] if rule else 0.0], frame.bottom, frame.top + 12, 5)
    frame.y_axis(y, up)
    width = (size[0] - _RIGHT - _LEFT) / max(1, len(groups))
    frame.x_ticks([(_LEFT + width * (number + 0.5), name) for number, name in enumerate(groups)], "", width)
    thick = min(46.0, width * 0.8 / len(series))
    for place, (name, (colour, row)) in enumerate(series.items()):
        for number, each in enumerate(row):
            if each:
                middle = _LEFT + width * (number + 0.5) + thick * (place - (len(series) - 1) / 2)
                one = colours[number] if colours else colour
                what = f"{groups[number]}{', ' + name if len(series) > 1 else ''}: {y.show(each.value)}"
                frame.column(each, one, middle, thick, up, what)
    if rule:
        frame.rule(up.at(rule[1]))
    return frame.end()


class _Frame:
    """A plot that is being drawn."""

    def __init__(self, title: str, size: tuple[int, int], legend: Sequence[tuple[str, int, str, int]], marked: bool):
        self._width, height = size
        self._parts = [f'<text class="title" x="0" y="14">{escape(title)}</text>']
        self.top = self._legend(legend) + (_LINE if marked else 6)
        self._height = height
        self.bottom = height - 40
        self._title = title

    def _legend(self, legend: Sequence[tuple[str, int, str, int]]) -> float:
        x, y = 0.0, 20.0
        if legend:
            y += 14
        for name, colour, style, dash in legend:
            wide = 30 + len(name) * _LETTER + 16
            if x and x + wide > self._width:
                x, y = 0.0, y + _LINE
            if style in ("bar", "step"):
                self._parts.append(
                    f'<rect class="c{colour} fill" x="{x:.1f}" y="{y - 10:.1f}" width="20" height="10"/>'
                )
            else:
                self._parts.append(_path(f"M{x:.1f} {y - 4:.1f}h24", colour, style, dash))
                if style == "line":
                    self._parts.append(_dot(colour, x + 12, y - 4, True))
            self._parts.append(f'<text x="{x + 29:.1f}" y="{y:.1f}">{escape(name)}</text>')
            x += wide
        return y + 8

    def _text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> None:
        self._parts.append(f'<text class="{kind}" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def y_axis(self, axis: Axis, scale: _Scale) -> None:
        for tick in scale.ticks:
            y = scale.at(tick)
            self._parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{self._width - _RIGHT}"/>')
            self._text(_LEFT - 6, y + 4, axis.show(tick), "dim", "end")
        middle = (self.top + self.bottom) / 2
        turned = f'transform="translate(11 {middle:.1f}) rotate(-90)"'
        self._parts.append(f'<text class="dim" text-anchor="middle" {turned}>{escape(axis.label)}</text>')

    def x_ticks(self, ticks: Sequence[tuple[float, str]], label: str, width: float = 0.0) -> None:
        self._parts.append(f'<path class="axis" d="M{_LEFT} {self.bottom}H{self._width - _RIGHT}"/>')
        for x, text in ticks:
            for number, line in enumerate(_wrapped(text, width) if width else [text]):
                self._text(x, self.bottom + 16 + 14 * number, line, "dim")
        middle = (_LEFT + self._width - _RIGHT) / 2
        self._text(middle, self.bottom + 33, label, "dim")

    def mark(self, scale: _Scale, mark: Mark) -> None:
        x = scale.at(mark.x)
        if mark.until is not None:
            wide = scale.at(mark.until) - x
            place = f'x="{x:.1f}" y="{self.top}" width="{wide:.1f}" height="{self.bottom - self.top}"'
            self._parts.append(f'<rect class="during" {place}/>')
        self._parts.append(f'<path class="mark" d="M{x:.1f} {self.top - 3}V{self.bottom}"/>')
        wide = len(mark.text) * _LETTER / 2
        middle = min(max(x, _LEFT + wide), self._width - _RIGHT - wide)
        self._text(middle, self.top - 6, mark.text, "event")

    def series(self, series: Series, across: _Scale, up: _Scale, x: Axis, y: Axis) -> None:
        places = [(across.at(point.x), up.at(point.y)) for point in series.points]
        if not places:
            return
        if series.style == "step":
            wide = (places[1][0] - places[0][0]) if len(places) > 1 else 4
            line = f"M{places[0][0]:.1f} {self.bottom}" + "".join(f"V{top:.1f}h{wide:.2f}" for _x, top in places)
            self._parts.append(f'<path class="c{series.colour} step" d="{line}V{self.bottom}Z"/>')
            return
        line = "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in places)
        self._parts.append(_path(line, series.colour, series.style, series.dash))
        if series.style == "rule":
            return
        for point, (left, top) in zip(series.points, places, strict=True):
            if point.low is not None and point.high is not None:
                self._whisker(left, up.at(point.low), up.at(point.high), f"c{series.colour}")
            told = f"{series.name}: {y.show(point.y)} at {x.show(point.x)}{'' if point.sure else ', too noisy'}"
            if len(places) < 60:
                self._parts.append(_dot(series.colour, left, top, point.sure, told))

    def column(self, each: Bar, colour: int, middle: float, thick: float, scale: _Scale, told: str) -> None:
        top, zero = scale.at(each.value), self.bottom
        self._parts.append(
            f'<rect class="c{colour} {"fill" if each.sure else "hollow"}" x="{middle - thick / 2:.1f}" y="{top:.1f}" '
            f'width="{max(1.0, thick - 2):.1f}" height="{zero - top:.1f}"><title>{escape(told)}</title></rect>'
        )
        if each.low is not None and each.high is not None:
            self._whisker(middle - 1, scale.at(each.low), scale.at(each.high), "text")
            top = scale.at(each.high)
        if each.text:
            self._text(middle - 1, top - 5, each.text)

    def _whisker(self, x: float, low: float, high: float, colour: str) -> None:
        if abs(low - high) > 0.5:
            caps = "".join(f"M{x - 4:.1f} {y:.1f}h8" for y in (low, high))
            self._parts.append(f'<path class="{colour}" d="M{x:.1f} {low:.1f}V{high:.1f}{caps}"/>')

    def rule(self, y: float) -> None:
        self._parts.append(_path(f"M{_LEFT} {y:.1f}H{self._width - _RIGHT}", 0, "rule", 0))

    def end(self) -> str:
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" style="max-width: {self._width}px" role="img" '
            f'aria-label="{escape(self._title)}">{"".join(self._parts)}</svg>'
        )


def _path(line: str, colour: int, style: str, dash: int) -> str:
    dashes = f' stroke-dasharray="{_DASHES[dash]}"' if dash else ""
    return f'<path class="c{colour} {"rule" if style == "rule" else "line"}" d="{line}"{dashes}/>'


# Colours are not enough for everybody: each has its own mark.
_DOTS: Final = (
    "m-4 -4h8v8h-8z",
    "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "m0 -5l5 9h-10z",
    "m0 -5.5l5 5.5l-5 5.5l-5 -5.5z",
    "m0 5l5 -9h-10z",
    "m-5 -1.8h3.2v-3.2h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2z",
)


def _dot(colour: int, x: float, y: float, sure: bool, told: str = "") -> str:
    title = f"<title>{escape(told)}</title>" if told else ""
    return f'<path class="c{colour} {"dot" if sure else "hollow"}" d="M{x:.1f} {y:.1f}{_DOTS[colour]}">{title}</path>'


def _wrapped(text: str, width: float) -> list[str]:
    """Words on as many lines as they need; no-break spaces stay."""
    rows: list[str] = []
    for word in text.split(" "):
        if rows and (len(rows[-1]) + 1 + len(word)) * _LETTER <= width:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return rows


def style() -> str:
    """The CSS that plots need."""
    sets = {mode: " ".join(f"--c{n}: {colour};" for n, colour in enumerate(row)) for mode, row in COLOURS.items()}
    classes = " ".join(f".c{number} {{ --c: var(--c{number}); }}" for number in range(len(COLOURS["light"])))
    return f"""\
  :root {{ {sets["light"]} --page: #fff; --grid: #8883; --mark: #b3261e; }}
  @media (prefers-color-scheme: dark) {{ :root {{ {sets["dark"]} --page: #16181d; --grid: #8884; --mark: #ff8a80; }} }}
  {classes}
  svg {{ width: 100%; height: auto; display: block; }}
  svg text {{ font: 12px system-ui, sans-serif; fill: currentColor; }}
  svg .title {{ font-size: 13.5px; font-weight: 600; }}
  svg .dim {{ fill: var(--dim); }}
  svg .event {{ fill: var(--mark); }}
  svg path {{ fill: none; stroke: var(--c, currentColor); stroke-width: 1.5; }}
  svg .grid {{ stroke: var(--grid); stroke-width: 1; }}
  svg .axis {{ stroke: var(--dim); stroke-width: 1; }}
  svg .line {{ stroke-width: 2; }}
  svg .rule {{ stroke-dasharray: 5 4; }}
  svg .mark {{ stroke: var(--mark); stroke-dasharray: 4 3; }}
  svg .during {{ fill: var(--mark); opacity: .15; }}
  svg .fill {{ fill: var(--c); }}
  svg .step {{ fill: var(--c); stroke: none; }}
  svg .dot {{ fill: var(--c); stroke: var(--page); stroke-width: 1; }}
  svg .hollow {{ fill: var(--page); stroke: var(--c); stroke-width: 1.5; }}"""
