# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians, intervals, verdicts and knees of a benchmark."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import (
    ROUNDS,
    Figure,
    Load,
    _outer,
    coverage,
    figure,
    interval,
    knee,
    ratio,
    spread,
)

VALUES = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=20)


@given(VALUES)
def test_the_interval_has_the_median_in_it_and_is_within_the_rounds(values: list[float]) -> None:
    low, high = interval(values)
    assert min(values) <= low <= statistics.median(values) <= high <= max(values)


@given(VALUES, st.randoms())
def test_the_same_rounds_give_the_same_interval_in_any_order(values: list[float], chance: random.Random) -> None:
    before = interval(values)
    chance.shuffle(values)
    assert interval(values) == before


@given(VALUES, st.floats(0.01, 100))
def test_the_interval_goes_with_the_unit(values: list[float], unit: float) -> None:
    scaled = interval([value * unit for value in values])
    assert scaled == pytest.approx([end * unit for end in interval(values)])


@given(st.lists(st.floats(0.001, 1e6), min_size=ROUNDS, max_size=20))
def test_the_ratio_of_equal_rounds_is_one(values: list[float]) -> None:
    rounds = dict(enumerate(values))
    same = ratio(rounds, rounds)
    assert (same.median, same.low, same.high, same.why) == (1, 1, 1, "")


@given(st.integers(0, 10_000))
def test_the_ratio_of_rounds_of_the_same_truth_has_one_near_it(seed: int) -> None:
    """Not always in it: intervals of 95 % miss one in twenty, and those of few rounds more."""
    chance = random.Random(seed)
    one, other = ({number: chance.gauss(100, 1) for number in range(9)} for _side in range(2))
    found = ratio(one, other)
    assert found.low - 0.02 < 1 < found.high + 0.02


def test_how_often_an_interval_has_the_truth_in_it() -> None:
    chance = random.Random(1)
    for rounds, least in ((3, 0.72), (5, 0.92), (6, 0.94), (7, 0.94), (9, 0.94), (12, 0.94), (15, 0.94)):
        found = [interval([chance.gauss(0, 1) for _round in range(rounds)]) for _try in range(2_000)]
        held = sum(low <= 0 <= high for low, high in found) / len(found)
        assert least < held <= min(1.0, coverage(rounds) + 0.02)


def test_an_interval_of_order_statistics() -> None:
    """By the tables that statisticians have: of 6 to 8 all, of 9 without one at each end, of 20 without five."""
    for rounds, outer in ((1, 0), (5, 0), (8, 0), (9, 1), (11, 1), (12, 2), (20, 5)):
        assert _outer(rounds) == outer


def test_an_interval_by_counting() -> None:
    """Of three values there are 27 draws; the bootstrap need not be drawn."""
    values = (1.0, 5.0, 20.0)
    medians = [statistics.median(draw) for draw in itertools.product(values, repeat=3)]
    assert medians.count(1.0) / 27 > 0.025  # which is why the interval reaches to the least
    assert interval(values) == (1.0, 20.0)


def test_a_ratio_is_of_pairs() -> None:
    """A disturbance that both of a pair have is not seen in it, and a round that one lacks does not count."""
    under = {1: 100.0, 2: 50.0, 3: 101.0, 4: 99.0, 5: 7.0}
    over = {number: value * 0.9 for number, value in under.items() if number < 5} | {6: 1.0}
    found = ratio(over, under)
    assert (found.median, found.rounds, found.why) == (pytest.approx(0.9), 4, "")
    assert found.high - found.low == pytest.approx(0)
    assert ratio({1: 1.0}, {1: 0.0}).rounds == 0


@pytest.mark.parametrize(
    ("values", "kind", "why"),
    [
        ([100, 101, 102], "rate", ""),
        ([100, 101], "rate", "2 rounds, and 3 are needed"),
        ([100], "rate", "1 round, and 3 are needed"),
        ([], "rate", "0 rounds, and 3 are needed"),
        ([50, 100, 150], "rate", "the rounds are 50 % apart, and 20 % is the limit"),
        ([50, 100, 150], "time", ""),
        ([0, 0, 0], "share", ""),
        ([0.004, 0.008, 0.02], "share", ""),
        ([0.1, 0.2, 0.3], "share", "the rounds are 50 % apart, and 30 % is the limit"),
        ([-1, 0, 1], "share", "the rounds are inf % apart, and 30 % is the limit"),
    ],
)
def test_what_is_too_noisy_says_so(values: list[float], kind: str, why: str) -> None:
    assert figure(values, kind).why == why


def test_other_reasons_come_first() -> None:
    assert figure([1], "rate", ["it rained"]).why == "it rained; 1 round, and 3 are needed"
    assert math.isnan(figure([], "rate").median)


def test_spread() -> None:
    assert spread([1.0]) == 0
    assert spread([90, 100, 110]) == pytest.approx(0.1)
    # One round out of many that went wrong is not noise.
    assert spread([100] * 8 + [1]) == 0


def test_figures_agree_if_intervals_overlap() -> None:
    def between(low: float, high: float) -> Figure:
        return Figure((low + high) / 2, low, high, 0.0, 5)

    assert between(1, 2).agrees(between(2, 3))
    assert between(2, 3).agrees(between(1, 9))
    assert not between(1, 2).agrees(between(2.1, 3))


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([], (None, False)),
        ([(100, 100, 1.0), (200, 200, 1.1)], (200, False)),
        ([(200, 200, 2.9), (100, 100, 1.0), (300, 299, 3.1)], (200, True)),
        ([(100, 100, 1.0), (200, 195, 1.0), (300, 300, 1.0)], (100, True)),
        ([(100, 90, 1.0)], (None, True)),
    ],
)
def test_the_knee(loads: list[tuple[float, float, float]], expected: tuple[float | None, bool]) -> None:
    assert knee(Load(*load) for load in loads) == expected
