# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Read what schools wish and what machines bear, for capacity planning, with all mistakes at once. Pure.

Rates are in Mbit/s or kbit/s on the wire, shares in per cent. A figure has a value and a source: whoever planned it
("given"), a benchmark, or nobody ("default").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import (
    JANUS,
    Results,
    ResultsError,
    read_results,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._capacity_stream import packets_of
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_conference import BITRATE_RANGE, PEOPLE_RANGE
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_entry import Entry
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import DEFAULTS, Facts

Bounds = tuple[float, float]

MOST_ROOMS: Final = 10_000
MOST_SERVERS: Final = 100
_ANY: Final = (0.001, 1_000_000)
_EXAMPLE: Final = "[{name: North, rooms: 10, people_per_room: 12, video_kbit: 600, uplink_mbit: 200}]"

# By name: the default, what it may be, what it is. None: unknown, and then no limit.
FIGURES: Final[Mapping[str, tuple[float | None, Bounds, str]]] = {
    "count": (None, (1, MOST_SERVERS), "real servers that there are"),
    "spare": (1, (0, MOST_SERVERS - 1), "real servers that may be dead"),
    "mbit": (1000, _ANY, "Mbit/s of a real server's network card, each way"),
    "cores": (4, (0.1, 1024), "processors of a real server"),
    # docs/figures.md, "How many people one real server bears": 12 streams of some 84 packets, a tenth of a core.
    "packets_per_core": (10_000, (1, 1e9), "media packets per second that a processor of a real server sends"),
    "media_ports": (DEFAULTS["lvs_media_ports_per_server"], (4, 65536), "UDP ports of a real server"),
    "families": (2, (1, 2), "address families of the virtual IPs"),
    "tls_per_second": (None, (0.1, 1e9), "TLS handshakes per second of a real server"),
    "director_mbit": (1000, _ANY, "Mbit/s of a director's network card, each way"),
    # A third of what others measured on a Xeon of 2012 (github.com/jlijian3/lvs-snat/issues/5).
    "director_packets": (300_000, (1, 1e9), "packets per second that a director forwards"),
    "active_directors": (1, (1, 2), "directors with virtual IPs of their own"),
    "internet_mbit": (None, _ANY, "Mbit/s between the cluster and all schools, each way"),
    "usable_percent": (80, (1, 100), "per cent of each link and processor"),
    "join_seconds": (60, (1, 3600), "seconds in which everybody joins"),
}
WHOLE: Final = ("count", "spare", "media_ports", "families", "active_directors")


@dataclass(frozen=True)
class School:
    """People who share a link. ``down`` and ``up`` are Mbit/s of it, to them and from them; None: they share none."""

    name: str
    rooms: int
    people: int
    video: float
    down: float | None
    up: float | None
    turn: float


SCHOOL_KEYS: Final = ("name", "rooms", "people_per_room", "video_kbit", "uplink_mbit", "upload_mbit", "turn_percent")


def read_schools(wishes: Any, mistakes: list[str]) -> list[School]:
    facts = Facts({"capacity_schools": wishes}, mistakes)
    elements = facts.elements("capacity_schools", _EXAMPLE)
    if not elements:
        if not wishes:
            facts.missing("capacity_schools", f"who wishes what is required, for example {_EXAMPLE}")
        return []
    schools: list[School] = []
    for label, values in elements:
        if not isinstance(values, Mapping):
            facts.wrong(label, values, "must be a dictionary, for example " + _EXAMPLE[1:-1])
            continue
        before = len(mistakes)
        school = _school(Entry(facts, label, values))
        if any(each.name == school.name for each in schools):
            facts.wrong(f"{label}.name", school.name, "is the name of another one as well")
        if len(mistakes) == before:
            schools.append(school)
    return schools


def _school(entry: Entry) -> School:
    entry.check_keys(SCHOOL_KEYS, "a school")
    name = entry.value("name")
    if name is None:
        entry.missing("name", "each school needs one")
    elif not isinstance(name, str) or not 1 <= len(name) <= 60 or not name.isprintable():
        entry.wrong("name", "must be text of 1 to 60 characters on one line")
    for key in ("rooms", "people_per_room", "video_kbit"):
        if entry.value(key) is None:
            entry.missing(key, "how much a school needs depends on it")
    down = _number(entry, "uplink_mbit", _ANY, "Mbit/s")
    return School(
        name=name,
        rooms=entry.integer("rooms", (1, MOST_ROOMS), "rooms at the same time", 1),
        people=entry.integer("people_per_room", PEOPLE_RANGE, "people in each room", PEOPLE_RANGE[0]),
        video=_number(entry, "video_kbit", tuple(bound / 1000 for bound in BITRATE_RANGE), "kbit/s of each sender"),
        down=down,
        up=_number(entry, "upload_mbit", _ANY, "Mbit/s", down),
        turn=(_number(entry, "turn_percent", (0, 100), "per cent of the people", 0) or 0) / 100,
    )


def _number(entry: Entry, key: str, bounds: Bounds, rule: str, default: float | None = None) -> float | None:
    """A number, or the text of one, as -e gives; None if it is not set or wrong."""
    value = entry.value(key, default)
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if bounds[0] <= number <= bounds[1]:
        return number
    entry.wrong(key, f"must be a number from {bounds[0]:g} to {bounds[1]:g} ({rule})")
    return None


def read_figures(given: Any, benchmark: Any, mistakes: list[str]) -> dict[str, dict[str, Any]]:
    """The figures by name, each with ``value`` and ``source``."""
    facts = Facts({}, mistakes)
    if not isinstance(given, Mapping):
        facts.wrong("capacity_servers", given, "must be a dictionary, for example {mbit: 1000, cores: 8}")
        given = {}
    measured: dict[str, float] = {}
    if benchmark is not None:
        try:
            measured = measured_figures(read_results(benchmark))
        except ResultsError as exc:
            mistakes += [f"benchmark: {line}" for line in str(exc).splitlines()]
    entry = Entry(facts, "capacity_servers", given)
    entry.check_keys(tuple(FIGURES), "capacity_servers")
    figures = {}
    for name, (default, bounds, rule) in FIGURES.items():
        source = "given" if given.get(name) is not None else "benchmark" if name in measured else "default"
        value = measured.get(name, default)
        if name in WHOLE:
            if value is not None or source == "given":
                value = entry.integer(name, (int(bounds[0]), int(bounds[1])), rule, value)
        else:
            value = _number(entry, name, bounds, rule, value)
        figures[name] = {"value": value, "source": source}
    return figures


def measured_figures(results: Results) -> dict[str, float]:
    """What a benchmark has shown that a machine bears, as figures for planning: what was reached, so never too much."""
    found: dict[str, float] = {}
    # Without a director if that was measured, so that it is the real server's own limit.
    for path in ("dr", "direct"):
        for name, workload, what in (("mbit", "download", _mbit), ("tls_per_second", "tls", _rate)):
            most = max(_medians(results, workload, (path,), what, servers=1), default=0)
            if most:
                found[name] = most
    # A request is at least one packet that the director forwards.
    if most := max(_medians(results, "small", ("dr",), _rate), default=0):
        found["director_packets"] = most
    # Of rooms: the streams to clients, and how busy Janus was with them.
    if most := max((median(map(_packets_per_core, rounds)) for rounds in results.rooms.values()), default=0):
        found["packets_per_core"] = most
    return found


def _medians(results: Results, workload: str, paths: Sequence[str], what: Any, servers: int = 0) -> Iterator[float]:
    for key, rounds in results.samples.items():
        if key.workload == workload and key.path in paths and servers in (0, key.servers):
            values = [what(sample) for sample in rounds.values() if not sample["error"]]
            if values:
                yield median(values)


def _rate(sample: Mapping[str, Any]) -> float:
    return sample["rate"]


def _mbit(sample: Mapping[str, Any]) -> float:
    return sample["bytes"] * 8 / sample["seconds"] / 1e6


def _packets_per_core(room: Mapping[str, Any]) -> float:
    streams, cores = room["streams"], room["processors"].get(JANUS, 0)
    return streams * packets_of(room["mbit"] * 1000 / streams) / cores if streams and cores else 0
