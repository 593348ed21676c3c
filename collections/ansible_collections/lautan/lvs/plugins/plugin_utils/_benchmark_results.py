# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Read the results of a benchmark, with everything that is wrong with them. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

FORMAT: Final = 1
WORKLOADS: Final = {
    "small": "small page",
    "download": "1 MB download",
    "connect": "new connection per request",
    "tls": "TLS handshakes",
    "signalling": "WebSocket signalling",
}
PATHS: Final = {
    "direct": "direct",
    "dr": "LVS-DR",
    "nat": "LVS-NAT",
    "haproxy": "HAProxy",
    "nginx": "nginx stream",
}
SCHEDULERS: Final = ("rr", "wlc", "sh", "mh")
EVENTS: Final = {
    "director_dies": "a director dies",
    "real_server_dies": "a real server dies",
    "drain": "a real server is drained",
    "update": "a rolling update runs",
}
# What serves rooms, among what processors were busy with.
JANUS: Final = "Janus"
ROLES: Final = {"director": "directors", "real_server": "real servers", "load": "load hosts"}


class Key(NamedTuple):
    """What was measured, without the round."""

    workload: str
    path: str
    scheduler: str | None
    servers: int
    offered: float | None


@dataclass(frozen=True)
class Results:
    """Results in which nothing is wrong.

    :ivar samples: what was measured, by round.
    :ivar rooms: the rounds with so many people in a room, from the fewest.
    """

    made: Mapping[str, Any]
    samples: Mapping[Key, Mapping[int, Mapping[str, Any]]]
    timelines: Sequence[Mapping[str, Any]]
    rooms: Mapping[int, Sequence[Mapping[str, Any]]]


class ResultsError(ValueError):
    """Results that cannot be used, with one line for everything that is wrong."""


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _whole(value: Any) -> bool:
    return isinstance(value, int) and _number(value)


def _texts(value: Any) -> bool:
    return _list(value) and all(isinstance(each, str) for each in value)


def _list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _mappings(value: Any) -> bool:
    return _list(value) and all(isinstance(each, Mapping) for each in value)


def _by_name(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, Mapping) and all(isinstance(key, str) and check(each) for key, each in value.items())
    )


def _percentiles(value: Any) -> bool:
    if not isinstance(value, Mapping) or not all(_number(value.get(name)) for name in ("p50", "p95", "p99")):
        return False
    return value["p50"] <= value["p95"] <= value["p99"]


_Rule = tuple[Callable[[Any], bool], str]
_NUMBER: Final = (_number, "must be a number that is not negative")
_POSITIVE: Final = (lambda value: _number(value) and value > 0, "must be a number above 0")
_WHOLE: Final = (_whole, "must be a whole number that is not negative")
_WHOLE_POSITIVE: Final = (lambda value: _whole(value) and value > 0, "must be a whole number above 0")
_TEXT: Final = (lambda value: isinstance(value, str), "must be a string")
_TEXTS: Final = (_texts, "must be a list of strings")
_MAPPINGS: Final = (_mappings, "must be a list of mappings")
_SHARES: Final = (_by_name(lambda share: _number(share) and share <= 1), "must be shares from 0 to 1 by host")
_PERCENTILES: Final = (_percentiles, "must have p50, p95 and p99 in seconds, none smaller than the one before")
_MAPPING: Final = (lambda value: isinstance(value, Mapping), "must be a mapping")


def _one_of(names: Any) -> _Rule:
    return (lambda value: isinstance(value, str) and value in names), f"must be one of {' '.join(names)}"


def _or_null(rule: _Rule) -> _Rule:
    check, words = rule
    return (lambda value: value is None or check(value)), f"{words}, or null"


_RESULTS: Final = {"made": _MAPPING, "samples": _MAPPINGS}
_MADE: Final = {
    "at": _TEXT,
    "command": _TEXT,
    "profile": _TEXT,
    "uplink_mbit": _or_null(_POSITIVE),
    "hosts": _MAPPINGS,
    "versions": _MAPPING,
    "notes": _TEXTS,
}
_HOST: Final = {"name": _TEXT, "role": _one_of(ROLES)}
_SAMPLE: Final = {
    "workload": _one_of(WORKLOADS),
    "path": _one_of(PATHS),
    "scheduler": _or_null(_one_of(SCHEDULERS)),
    "servers": _WHOLE_POSITIVE,
    "round": _WHOLE,
    "offered": _or_null(_POSITIVE),
    "seconds": _POSITIVE,
    "answered": _WHOLE,
    "failed": _WHOLE,
    "rate": _NUMBER,
    "bytes": _WHOLE,
    "latency": _or_null(_PERCENTILES),
    "by_server": (_by_name(_whole), "must be whole numbers by real server"),
    "director_bytes": _or_null(_WHOLE),
    "busy": _SHARES,
    "steal": _SHARES,
    "error": _TEXT,
}
# What need not be there: how many requests the load host came to in time, and the median by real server, in seconds.
_MORE: Final = {
    "sent": _or_null(_WHOLE),
    "server_p50": (_by_name(_number), "must be seconds by real server"),
}
_TIMELINE: Final = {
    "event": _one_of(EVENTS),
    "seconds": _POSITIVE,
    "at": _NUMBER,
    "until": _or_null(_NUMBER),
    "requests": _MAPPINGS,
    "latency": _MAPPINGS,
    "frames": _MAPPINGS,
    "failed": _WHOLE,
    "gap": _NUMBER,
}
_ROOM: Final = {
    "round": _WHOLE,
    "people": _WHOLE_POSITIVE,
    "streams": _WHOLE,
    "lost": (lambda value: _number(value) and value <= 1, "must be a share from 0 to 1"),
    "frames": _NUMBER,
    "mbit": _NUMBER,
    "processors": (_by_name(_number), "must be numbers of processors by what they were busy with"),
}
_PARTS: Final = {
    "requests": {"t": _NUMBER, "answered": _WHOLE, "failed": _WHOLE},
    "latency": {"t": _NUMBER, "p50": _NUMBER, "p95": _NUMBER, "p99": _NUMBER},
    "frames": {"t": _NUMBER, "fps": _NUMBER},
}


def read_results(results: Any) -> Results:
    """Read what results.json has.

    :raises ResultsError: if anything is wrong with it.
    """
    if not isinstance(results, Mapping):
        raise ResultsError(f"results must be a mapping, not {type(results).__name__}")
    if results.get("format") != FORMAT:
        raise ResultsError(f"format={results.get('format')!r}: must be {FORMAT}, the only one that is known")
    optional = {name: results.get(name, []) for name in ("timelines", "rooms")}
    mistakes = _mistakes("", results, _RESULTS) + _mistakes("", optional, dict.fromkeys(optional, _MAPPINGS))
    if mistakes:
        raise ResultsError("\n".join(mistakes))
    made = results["made"]
    mistakes += _mistakes("made.", made, _MADE)
    mistakes += _all_mistakes("made.hosts", made.get("hosts"), _HOST)
    mistakes += _all_mistakes("samples", results["samples"], _SAMPLE)
    for number, sample in enumerate(results["samples"]):
        more = {name: rule for name, rule in _MORE.items() if name in sample}
        mistakes += _mistakes(f"samples[{number}].", sample, more)
    mistakes += _all_mistakes("timelines", optional["timelines"], _TIMELINE)
    for number, timeline in enumerate(optional["timelines"]):
        for name, rules in _PARTS.items():
            mistakes += _all_mistakes(f"timelines[{number}].{name}", timeline.get(name), rules)
    mistakes += _all_mistakes("rooms", optional["rooms"], _ROOM)
    samples: dict[Key, dict[int, Mapping[str, Any]]] = {}
    if not mistakes:
        for number, sample in enumerate(results["samples"]):
            rounds = samples.setdefault(Key(*(sample[name] for name in Key._fields)), {})
            if sample["round"] in rounds:
                mistakes.append(f"samples[{number}].round={sample['round']}: was there before, with all else the same")
            rounds[sample["round"]] = sample
    if mistakes:
        raise ResultsError("\n".join(mistakes))
    rooms: dict[int, list[Mapping[str, Any]]] = {}
    for room in sorted(optional["rooms"], key=lambda room: room["people"]):
        rooms.setdefault(room["people"], []).append(room)
    return Results(made, samples, optional["timelines"], rooms)


def _mistakes(label: str, values: Mapping[str, Any], rules: Mapping[str, _Rule]) -> list[str]:
    mistakes = []
    for name, (check, words) in rules.items():
        if name not in values:
            mistakes.append(f"{label}{name}: is missing; it {words}")
        elif not check(values[name]):
            shown = repr(values[name])
            mistakes.append(f"{label}{name}={shown if len(shown) < 80 else shown[:76] + '...'}: {words}")
    return mistakes


def _all_mistakes(label: str, entries: Any, rules: Mapping[str, _Rule]) -> list[str]:
    if not _mappings(entries):
        return []  # it has been told
    return [mistake for number, each in enumerate(entries) for mistake in _mistakes(f"{label}[{number}].", each, rules)]
