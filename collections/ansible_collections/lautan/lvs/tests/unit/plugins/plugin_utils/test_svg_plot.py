# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plots."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils._svg_plot import (
    COLOURS,
    Axis,
    Bar,
    Mark,
    Point,
    Series,
    _Scale,
    bars,
    lines,
    plain,
    style,
)

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(NUMBERS, min_size=1), st.booleans())
@example(values=[5e-324], log=True)
@example(values=[5e-324], log=False)
def test_every_value_is_on_the_page(values: list[float], log: bool) -> None:
    scale = _Scale(Axis("", log=log), values, 100.0, 400.0, 5)
    for value in (*values, *scale.ticks):
        assert 100 - 1e-6 <= scale.at(value) <= 400 + 1e-6
    assert scale.ticks == sorted(scale.ticks)
    assert log or 2 <= len(scale.ticks) <= 8


def test_ticks_are_numbers_that_people_like() -> None:
    assert _Scale(Axis(""), [0, 9_070], 0, 1, 5).ticks == [0, 2_000, 4_000, 6_000, 8_000, 10_000]
    assert _Scale(Axis("", whole=True), [1, 3], 0, 1, 5).ticks == [1, 2, 3]
    assert _Scale(Axis("", log=True), [0.0012, 0.3], 0, 1, 5).ticks == [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
    assert _Scale(Axis("", log=True), [0.0012, 30], 0, 1, 5).ticks == [0.01, 0.1, 1, 10]


def test_numbers() -> None:
    shown = {0: "0", 0.01234: "0.0123", 1.5: "1.5", 14.25: "14.2", 20_314: "20,300", 999.9: "1,000", math.nan: "-"}
    assert {value: plain(value) for value in shown} == shown


def test_a_plot_is_xml_and_says_what_it_shows() -> None:
    series = [
        Series("a <b>", [Point(1, 2, 1, 3), Point(2, 4, 4, 4, sure=False)], 1),
        Series("rule", [Point(1, 1), Point(2, 2)], 0, "rule"),
        Series("step", [Point(1, 1), Point(2, 0)], 5, "step"),
        Series("nothing", [], 3),
    ]
    drawing = lines("T & t", Axis("x"), Axis("y"), series, [Mark(1.5, "now", until=1.8)])
    texts = [text for text in ElementTree.fromstring(drawing).itertext() if text]
    for text in ("T & t", "a <b>", "rule", "step", "now", "x", "y", "a <b>: 4 at 2, too noisy"):
        assert text in texts
    assert len(re.findall('class="c1 hollow"', drawing)) == 1


def test_bars() -> None:
    row = [Bar(3, 2, 4, text="3"), None, Bar(5, sure=False)]
    drawing = bars("T", ["one", "two words here", "c"], {"": (1, row)}, Axis("y"), ("even", 4.0), colours=[0, 1, 2])
    texts = [text for text in ElementTree.fromstring(drawing).itertext() if text]
    assert {"one: 3", "c: 5", "even", "3"} <= set(texts)
    both = bars("T", ["one"], {"a": (1, [Bar(1)]), "b": (2, [Bar(2)])}, Axis("y"))
    assert "one, b: 2" in ElementTree.fromstring(both).itertext()
    assert bars("T", [], {"": (1, [])}, Axis("y"))


def test_every_colour_is_there_on_light_and_on_dark() -> None:
    css = style()
    assert len(COLOURS["light"]) == len(COLOURS["dark"])
    for colours in COLOURS.values():
        for number, colour in enumerate(colours):
            assert f"--c{number}: {colour};" in css
