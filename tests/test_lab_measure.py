# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/measure.py: what it adds to what the collection makes of a load."""

from __future__ import annotations

from typing import Any

import pytest

from lab.measure import judge
from lab.process import LabError

FAULT_AT = 1003.0


def seen(*failed: float, **held: Any) -> dict[str, Any]:
    """A request every 0.1 s that is answered at once, those that failed, and a held connection to rs1."""
    requests: list[dict[str, Any]] = [
        {"sent": 1000 + n / 10, "answered": 1000 + n / 10, "server": "rs1"} for n in range(100)
    ]
    requests += [{"sent": sent, "answered": None, "error": "TimeoutError: "} for sent in failed]
    return {"requests": requests, "held": {"answers": [1000.0, 1009.0], "error": None, "server": "rs1"} | held}


def test_times_are_counted_from_the_fault() -> None:
    assert judge("rs1: power cut", FAULT_AT, seen(1003.2, 1003.5)).last_hurt == pytest.approx(0.5)
    assert judge("nothing", FAULT_AT, seen()).last_hurt is None


def test_a_cluster_that_never_served_is_no_result() -> None:
    with pytest.raises(LabError, match="did not serve before the fault"):
        judge("rs1: power cut", FAULT_AT, seen(answers=[]))


@pytest.mark.parametrize(
    ("fault", "error", "fate"),
    [
        ("rs1: power cut", None, "alive"),
        ("rs1: power cut", "reset", "died with it"),
        ("rs11: power cut", "reset", "lost"),
        ("director1: power cut", "reset", "lost"),
    ],
)
def test_fate_of_the_held_connection(fault: str, error: str | None, fate: str) -> None:
    assert judge(fault, FAULT_AT, seen(error=error)).fate == fate
