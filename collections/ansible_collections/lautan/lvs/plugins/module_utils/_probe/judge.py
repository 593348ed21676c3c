# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What a client noticed, of what the load saw. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._quantiles import quantiles


class NotServed(Exception):  # noqa: N818  # the service's doing, and no error of the load
    """There is nothing to judge: nobody was answered."""


@dataclass(frozen=True)
class Noticed:
    """What the client noticed. Times in seconds; moments in seconds since 1970, by the client's clock."""

    requests: int
    failed: int  # without an answer in time
    slow: int  # answered, but later than a second
    gap: float  # the longest time in which no request was answered
    gap_at: float  # when it began
    hurt_until: float | None  # when the last failed or slow request was sent
    held_alive: bool  # did the held connection live through it
    held_gap: float  # the longest time in which the held connection was not answered
    held_server: str  # the real server at its other end
    error: str  # of the first failed request, or of the held connection


def fate(held_alive: bool, held_server: str, victim: str) -> str:
    """In words, what became of the held connection when ``victim`` was broken."""
    if held_alive:
        return "alive"
    return "died with it" if held_server == victim else "lost"


def judge(seen: dict[str, Any]) -> Noticed:
    """Turn what the load saw into what the client noticed.

    :raises NotServed: when there are not even two answers.
    """
    held = seen["held"]
    requests = sorted(seen["requests"], key=lambda each: each["sent"])
    failed = [each for each in requests if each["answered"] is None]
    slow = [each for each in requests if each["answered"] is not None and each["answered"] - each["sent"] > 1]
    hurt = [each["sent"] for each in (*failed, *slow)]
    gap, gap_at = longest_gap([each["answered"] for each in requests if each["answered"]], requests)
    return Noticed(
        requests=len(requests),
        failed=len(failed),
        slow=len(slow),
        gap=gap,
        gap_at=gap_at,
        hurt_until=max(hurt, default=None),
        held_alive=held["error"] is None,
        held_gap=longest_gap(held["answers"])[0],
        held_server=held["server"],
        error=failed[0]["error"] if failed else held["error"] or "",
    )


def longest_gap(moments: Iterable[float], requests: Sequence[dict[str, Any]] = ()) -> tuple[float, float]:
    """The longest time between two answers, or from the last one to the last of ``requests``: an outage as well.

    :return: how long, and when it began.
    """
    found = sorted(moments)
    if len(found) < 2:
        raise NotServed("the service did not answer")
    end = max([found[-1], *(each["sent"] for each in requests)])
    return max((later - earlier, earlier) for earlier, later in zip(found, [*found[1:], end]))


def timeline(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each second in which requests were sent, counted from the first one, who answered how many."""
    begin = min((each["sent"] for each in requests), default=0.0)
    seconds: dict[int, dict[str, Any]] = {}
    for each in sorted(requests, key=lambda each: each["sent"]):
        second = int(each["sent"] - begin)
        told = seconds.setdefault(second, {"second": second, "answered": {}, "failed": 0})
        if each["answered"] is None:
            told["failed"] += 1
        else:
            told["answered"][each["server"]] = told["answered"].get(each["server"], 0) + 1
    return list(seconds.values())


# Of a history: seconds in which requests are counted together, and those whose times are.
BIN, SPAN = 0.1, 1.0


def history(requests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What clients noticed over time, by when requests were sent: ``t`` is seconds after ``begin``.

    :return: ``begin`` (seconds since 1970), ``seconds``, ``requests`` (for each 100 ms how many were answered and how
        many failed) and ``latency`` (for each second in which some were answered, quantiles of the seconds it took).
    """
    begin = min((each["sent"] for each in requests), default=0.0)
    seconds = max((each["sent"] for each in requests), default=0.0) - begin
    # Also those in which nothing was sent, because the client itself was held up.
    bins = [{"t": round(number * BIN, 1), "answered": 0, "failed": 0} for number in range(int(seconds / BIN) + 1)]
    spans: dict[int, list[float]] = {}
    for each in requests:
        after = each["sent"] - begin
        bins[int(after / BIN)]["failed" if each["answered"] is None else "answered"] += 1
        if each["answered"] is not None:
            spans.setdefault(int(after / SPAN), []).append(each["answered"] - each["sent"])
    latency = [
        {"t": number * SPAN, **{name: round(value, 6) for name, value in quantiles(times).items()}}
        for number, times in sorted(spans.items())
    ]
    return {"begin": begin, "seconds": seconds, "requests": bins, "latency": latency}
