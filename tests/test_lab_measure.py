# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/measure.py: what is made of a probe's observations."""

from __future__ import annotations

from typing import Any

import pytest

from lab.measure import _fate, _longest_gap, judge
from lab.process import LabError

FAULT_AT = 1003.0


def answered(sent: float, after: float = 0.01) -> dict[str, Any]:
    return {"sent": sent, "answered": sent + after, "server": "rs1"}


def failed(sent: float, error: str = "TimeoutError: ") -> dict[str, Any]:
    return {"sent": sent, "answered": None, "error": error}


def steady(begin: float, end: float) -> list[dict[str, Any]]:
    """Requests every 0.1 s, all answered at once."""
    return [answered(begin + n / 10) for n in range(round((end - begin) * 10))]


def seen(requests: list[dict[str, Any]], **held: Any) -> dict[str, Any]:
    """What probe.py prints; the held connection was to rs1, lives, and answered every 0.2 s unless ``held`` differs."""
    answers = [1000 + n / 5 for n in range(50)]
    return {"requests": requests, "held": {"answers": answers, "error": None, "server": "rs1"} | held}


def test_no_fault() -> None:
    noticed = judge("nothing", FAULT_AT, seen(steady(1000, 1010)))
    assert noticed.gap == pytest.approx(0.1)
    assert noticed.requests == 100
    assert (noticed.failed, noticed.slow, noticed.last_hurt, noticed.error) == (0, 0, None, "")
    assert noticed.held_alive
    assert noticed.held_gap == pytest.approx(0.2)
    assert (noticed.fault, noticed.held_server) == ("nothing", "rs1")


def test_failed_requests() -> None:
    requests = [
        *steady(1000, 1003),
        failed(1003.5, "second"),
        failed(1003.0, "first"),
        *steady(1003.6, 1010),
    ]
    noticed = judge("rs1: power cut", FAULT_AT, seen(requests))
    assert (noticed.failed, noticed.slow, noticed.requests) == (2, 0, 96)
    assert noticed.last_hurt == pytest.approx(0.5)
    assert noticed.error == "first"  # the one that was sent first, in whatever order they are told
    assert noticed.gap == pytest.approx(0.7)  # from 1002.91 to 1003.61


def test_slow_requests_are_answered_and_hurt() -> None:
    requests = [*steady(1000, 1003), answered(1003.2, 1.5), answered(1003.1, 1.001), *steady(1003.5, 1010)]
    noticed = judge("rs1: power cut", FAULT_AT, seen(requests))
    assert (noticed.failed, noticed.slow) == (0, 2)
    assert noticed.last_hurt == pytest.approx(0.2)
    assert noticed.error == ""


def test_a_second_is_not_slow() -> None:
    assert judge("nothing", FAULT_AT, seen([*steady(1000, 1003), answered(1003, 1.0)])).slow == 0


def test_the_gap_is_between_answers_and_not_between_requests() -> None:
    """The cluster did not serve while several requests waited, however steadily they were sent."""
    requests = [*steady(1000, 1003), *(answered(1003 + n / 10, 2 - n / 10) for n in range(20)), *steady(1005.1, 1010)]
    assert judge("x", FAULT_AT, seen(requests)).gap == pytest.approx(5 - 2.91)


def test_lost_held_connection() -> None:
    noticed = judge("rs1: power cut", FAULT_AT, seen(steady(1000, 1010), error="ConnectionResetError: reset"))
    assert not noticed.held_alive
    assert noticed.error == "ConnectionResetError: reset"


def test_gap_of_the_held_connection() -> None:
    answers = [1000.0, 1000.2, 1003.2, 1003.4]
    assert judge("x", FAULT_AT, seen(steady(1000, 1010), answers=answers)).held_gap == pytest.approx(3.0)


@pytest.mark.parametrize(
    "observation",
    [
        seen([]),
        seen([failed(1000.0), answered(1000.1)]),
        seen(steady(1000, 1010), answers=[1000.0]),
    ],
    ids=["no request", "one answer", "held connection answered once"],
)
def test_a_cluster_that_never_served_is_no_result(observation: dict[str, Any]) -> None:
    with pytest.raises(LabError, match="did not serve"):
        judge("rs1: power cut", FAULT_AT, observation)


def test_longest_gap_in_any_order() -> None:
    assert _longest_gap([9.0, 1.0, 4.0, 3.0]) == 5.0


@pytest.mark.parametrize(
    ("fault", "error", "server", "fate"),
    [
        ("rs1: power cut", None, "rs1", "alive"),
        ("rs1: power cut", "reset", "rs1", "died with it"),
        ("rs1: power cut", "reset", "rs2", "lost"),
        ("rs11: power cut", "reset", "rs1", "lost"),
        ("rs1: power cut", "reset", "s1", "lost"),
        ("director1: power cut", "reset", "rs1", "lost"),
    ],
)
def test_fate_of_the_held_connection(fault: str, error: str | None, server: str, fate: str) -> None:
    assert _fate(judge(fault, FAULT_AT, seen(steady(1000, 1010), error=error, server=server))) == fate
