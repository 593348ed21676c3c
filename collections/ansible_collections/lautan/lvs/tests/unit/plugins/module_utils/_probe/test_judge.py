# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of what a load saw."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._probe.judge import (
    NotServed,
    fate,
    history,
    judge,
    longest_gap,
    timeline,
)


def answered(sent: float, after: float = 0.01, server: str = "rs1") -> dict[str, Any]:
    return {"sent": sent, "answered": sent + after, "server": server}


def failed(sent: float, error: str = "TimeoutError: ") -> dict[str, Any]:
    return {"sent": sent, "answered": None, "error": error}


def steady(begin: float, end: float) -> list[dict[str, Any]]:
    """Requests every 0.1 s, all answered at once."""
    return [answered(begin + n / 10) for n in range(round((end - begin) * 10))]


def seen(requests: list[dict[str, Any]], **held: Any) -> dict[str, Any]:
    """What a load saw; the held connection was to rs1, lives, and answered every 0.2 s unless ``held`` differs."""
    answers = [1000 + n / 5 for n in range(50)]
    return {"requests": requests, "held": {"answers": answers, "error": None, "server": "rs1"} | held}


def test_no_fault() -> None:
    noticed = judge(seen(steady(1000, 1010)))
    assert asdict(noticed) == {
        "requests": 100,
        "failed": 0,
        "slow": 0,
        "gap": pytest.approx(0.1),
        "gap_at": noticed.gap_at,
        "hurt_until": None,
        "held_alive": True,
        "held_gap": pytest.approx(0.2),
        "held_server": "rs1",
        "error": "",
    }


def test_failed_requests() -> None:
    requests = [
        *steady(1000, 1003),
        failed(1003.5, "second"),
        failed(1003.0, "first"),
        *steady(1003.6, 1010),
    ]
    noticed = judge(seen(requests))
    assert (noticed.failed, noticed.slow, noticed.requests) == (2, 0, 96)
    assert noticed.hurt_until == 1003.5
    assert noticed.error == "first"  # the one that was sent first, in whatever order they are told
    assert noticed.gap == pytest.approx(0.7)  # from 1002.91 to 1003.61
    assert noticed.gap_at == pytest.approx(1002.91)


def test_slow_requests_are_answered_and_hurt() -> None:
    requests = [*steady(1000, 1003), answered(1003.2, 1.5), answered(1003.1, 1.001), *steady(1003.5, 1010)]
    noticed = judge(seen(requests))
    assert (noticed.failed, noticed.slow) == (0, 2)
    assert noticed.hurt_until == 1003.2
    assert noticed.error == ""


def test_a_second_is_not_slow() -> None:
    assert judge(seen([*steady(1000, 1003), answered(1003, 1.0)])).slow == 0


def test_the_gap_is_between_answers_and_not_between_requests() -> None:
    """The service did not answer while several requests waited, however steadily they were sent."""
    requests = [*steady(1000, 1003), *(answered(1003 + n / 10, 2 - n / 10) for n in range(20)), *steady(1005.1, 1010)]
    assert judge(seen(requests)).gap == pytest.approx(5 - 2.91)


def test_an_outage_at_the_end_is_a_gap() -> None:
    noticed = judge(seen([*steady(1000, 1003), failed(1005.0), failed(1006.0)]))
    assert (noticed.gap, noticed.gap_at) == (pytest.approx(1006 - 1002.91), pytest.approx(1002.91))


def test_lost_held_connection() -> None:
    noticed = judge(seen(steady(1000, 1010), error="ConnectionResetError: reset"))
    assert not noticed.held_alive
    assert noticed.error == "ConnectionResetError: reset"


def test_gap_of_the_held_connection() -> None:
    answers = [1000.0, 1000.2, 1003.2, 1003.4]
    assert judge(seen(steady(1000, 1010), answers=answers)).held_gap == pytest.approx(3.0)


@pytest.mark.parametrize(
    "observation",
    [
        seen([]),
        seen([failed(1000.0), answered(1000.1)]),
        seen(steady(1000, 1010), answers=[1000.0]),
    ],
    ids=["no request", "one answer", "held connection answered once"],
)
def test_a_service_that_never_answered_is_no_result(observation: dict[str, Any]) -> None:
    with pytest.raises(NotServed, match="did not answer"):
        judge(observation)


def test_longest_gap_in_any_order() -> None:
    assert longest_gap([9.0, 1.0, 4.0, 3.0]) == (5.0, 4.0)


@given(st.lists(st.integers(0, 1000), min_size=2))
def test_no_gap_is_longer(moments: list[int]) -> None:
    gap, at = longest_gap(moments)
    assert gap * (len(moments) - 1) >= max(moments) - min(moments)
    assert not [moment for moment in moments if at < moment < at + gap]


@pytest.mark.parametrize(
    ("alive", "server", "victim", "expected"),
    [
        (True, "rs1", "rs1", "alive"),
        (False, "rs1", "rs1", "died with it"),
        (False, "rs2", "rs1", "lost"),
        (False, "rs1", "rs11", "lost"),
        (False, "rs1", "director1", "lost"),
    ],
)
def test_fate_of_the_held_connection(alive: bool, server: str, victim: str, expected: str) -> None:
    assert fate(alive, server, victim) == expected


def test_timeline_counts_by_the_second_in_which_it_was_sent() -> None:
    requests = [answered(1000.5), failed(1001.6), answered(1001.4, 3), answered(1001.4, server="rs2"), answered(1003.5)]
    assert timeline(requests) == [
        {"second": 0, "answered": {"rs1": 2, "rs2": 1}, "failed": 0},
        {"second": 1, "answered": {}, "failed": 1},
        {"second": 3, "answered": {"rs1": 1}, "failed": 0},
    ]


def test_history() -> None:
    requests = [answered(1000.0), answered(1000.02, 0.03), failed(1000.31), answered(1001.95, 2)]
    told = history(requests)
    assert told["begin"] == 1000
    assert told["seconds"] == pytest.approx(1.95)
    assert len(told["requests"]) == 20
    assert [
        (each["t"], each["answered"], each["failed"]) for each in told["requests"] if each["answered"] or each["failed"]
    ] == [
        (0.0, 2, 0),
        (0.3, 0, 1),
        (1.9, 1, 0),
    ]
    assert told["latency"] == [
        {"t": 0, "p50": pytest.approx(0.01), "p95": pytest.approx(0.03), "p99": pytest.approx(0.03)},
        {"t": 1, "p50": 2, "p95": 2, "p99": 2},
    ]
    assert history([]) == {
        "begin": 0,
        "seconds": 0,
        "requests": [{"t": 0, "answered": 0, "failed": 0}],
        "latency": [],
    }
