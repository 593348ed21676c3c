# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Medians with intervals, whether they are to be believed, and the knee of a curve. Pure.

What is done, why, and by whose advice is in docs/results/README.md.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 10_000
SEED: Final = 20260101
# Fewer rounds make no figure. Intervals of less than six cannot cover what they claim to, see coverage().
ROUNDS: Final = 3
# How far the middle half of the rounds may lie apart, as a share of the median. Knees lie on loads that were offered,
# and those are a step apart.
SPREADS: Final = {"rate": 0.2, "time": 0.5, "share": 0.3, "ratio": 0.3, "knee": 0.7}
# Shares may also lie apart by this: of one that is next to nothing, half as much is next to nothing as well.
SHARE_APART: Final = 0.05
# The knee is the last load at which p95 is at most so many times that at the lowest load, and so much is answered.
KNEE_TIMES: Final = 3.0
KNEE_ANSWERED: Final = 0.98


@dataclass(frozen=True)
class Figure:
    """A median of rounds.

    :ivar low: where its interval begins, and ``high``: where it ends. NaN, as the median, if there are no rounds.
    :ivar spread: how far the middle half of the rounds lies apart, as a share of the median.
    :ivar why: why it must not be given, in words. Empty if it may.
    """

    median: float
    low: float
    high: float
    spread: float
    rounds: int
    why: str = ""

    def agrees(self, other: Figure) -> bool:
        """Tell whether the intervals overlap."""
        return self.low <= other.high and other.low <= self.high


def share(value: float) -> str:
    """A share in words."""
    return f"{100 * value:.0f} %"


def figure(values: Iterable[float], kind: str, reasons: Iterable[str] = ()) -> Figure:
    """The median of some rounds.

    :param kind: one of those of SPREADS.
    :param reasons: why it must not be given, whatever the rounds say.
    """
    rounds = list(values)
    why = [*reasons]
    if len(rounds) < ROUNDS:
        why.append(f"{len(rounds)} {'round' if len(rounds) == 1 else 'rounds'}, and {ROUNDS} are needed")
    if not rounds:
        return Figure(math.nan, math.nan, math.nan, math.nan, 0, "; ".join(why))
    apart = spread(rounds)
    if apart > SPREADS[kind] and not (kind == "share" and _apart(rounds)[1] <= SHARE_APART):
        why.append(f"the rounds are {share(apart)} apart, and {share(SPREADS[kind])} is the limit")
    low, high = interval(rounds)
    return Figure(statistics.median(rounds), low, high, apart, len(rounds), "; ".join(why))


def spread(values: Sequence[float]) -> float:
    """The distance of the quartiles as a share of the median."""
    middle, apart = _apart(values)
    if not apart:
        return 0.0
    return apart / abs(middle) if middle else math.inf


def _apart(values: Sequence[float]) -> tuple[float, float]:
    """The median, and the distance of the quartiles."""
    if len(values) < 2:
        return values[0], 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return middle, high - low


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The percentile bootstrap interval of the median, and not narrower than the one of order statistics.

    Of few rounds the bootstrap alone is too narrow: that of seven holds the true median in 87 % of cases only.
    """
    ordered = sorted(values)
    medians = sorted(((ordered[a] + ordered[b]) / 2, times) for (a, b), times in _middles(len(ordered)).items())
    tail = RESAMPLES * (1 - CONFIDENCE) / 2
    outer = _outer(len(ordered))
    return min(_beyond(medians, tail), ordered[outer]), max(_beyond(medians[::-1], tail), ordered[-1 - outer])


def _outer(count: int) -> int:
    """How many of so many rounds may be left out at each end: each is below the true median as a coin shows heads."""
    outer, tail = 0, 0.5**count
    while True:
        tail += math.comb(count, outer + 1) * 0.5**count
        if 2 * tail > 1 - CONFIDENCE:
            return outer
        outer += 1


def _beyond(medians: Sequence[tuple[float, int]], tail: float) -> float:
    """The first that leaves no more than the tail before it."""
    before = 0
    for median, times in medians:
        before += times
        if before > tail:
            return median
    raise AssertionError("a tail is not longer than what it is of")


@lru_cache
def _middles(count: int) -> Mapping[tuple[int, int], int]:
    """Which two are in the middle when so many are drawn from as many, and how often.

    It is the same for all samples of one size, which is why thousands of intervals cost no more than one, and why
    the same results always give the same intervals.
    """
    source = random.Random(SEED)
    middles: Counter[tuple[int, int]] = Counter()
    for _number in range(RESAMPLES):
        drawn = sorted(source.choices(range(count), k=count))
        middles[drawn[(count - 1) // 2], drawn[count // 2]] += 1
    return middles


def coverage(rounds: int) -> float:
    """How sure the least and the most of so many rounds have the median between them: no interval can be surer."""
    return 1 - 0.5 ** (rounds - 1)


def ratio(over: Mapping[int, float], under: Mapping[int, float], reasons: Iterable[str] = ()) -> Figure:
    """The median of the ratios of rounds that both have.

    Rounds are interleaved: what disturbs one of a pair disturbs the other, and goes out of their ratio.
    """
    return figure([value / under[name] for name, value in over.items() if under.get(name)], "ratio", reasons)


@dataclass(frozen=True)
class Load:
    """What was measured at one offered load, in requests per second and seconds."""

    offered: float
    answered: float
    p95: float


def knee(loads: Iterable[Load]) -> tuple[float | None, bool]:
    """The last load before the first that is too much, and whether there is one that is too much.

    None if the lowest is too much, or if there are none.
    """
    ordered = sorted(loads, key=lambda load: load.offered)
    last = None
    for load in ordered:
        if load.answered < KNEE_ANSWERED * load.offered or load.p95 > KNEE_TIMES * ordered[0].p95:
            return last, True
        last = load.offered
    return last, False
