# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Put together what load hosts measured, and what a witness on each host wrote meanwhile. Pure.

A witness writes a line every moment: when it was, and counters that only grow. What a host did during a run is the
difference of its counters between the run's beginning and end, by a straight line between two lines of the witness.
"""

from __future__ import annotations

import base64
import gzip
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# The columns of a witness, see files/witness of role benchmark.
COLUMNS: Final = ("time", "busy", "total", "steal", "own", "received", "sent", "requests")


@dataclass(frozen=True)
class Witness:
    """What a host did."""

    processors: int
    container: bool  # its processors are those of its machine, and not its alone
    rows: Sequence[Sequence[float]]

    def during(self, begin: float, end: float) -> dict[str, float] | None:
        """The growth of each counter; None if nobody looked."""
        first, last = self._at(begin), self._at(end)
        if first is None or last is None:
            return None
        return {name: later - earlier for name, earlier, later in zip(COLUMNS, first, last, strict=True)}

    def _at(self, moment: float) -> Sequence[float] | None:
        after = bisect_right(self.rows, moment, key=lambda row: row[0])
        if not 0 < after < len(self.rows):
            return None
        one, two = self.rows[after - 1], self.rows[after]
        part = (moment - one[0]) / (two[0] - one[0])
        return [earlier + part * (later - earlier) for earlier, later in zip(one, two, strict=True)]


def read_witness(told: str) -> Witness:
    """Read what a witness wrote: compressed by gzip, in base64."""
    lines = gzip.decompress(base64.b64decode(told)).decode().splitlines()
    processors, container = (int(word) for word in lines[0].split())
    # The last line may not be whole.
    rows = [[float(word) for word in line.split()] for line in lines[1:]]
    return Witness(processors, bool(container), [row for row in rows if len(row) == len(COLUMNS)])


def benchmark_samples(
    done: Mapping[str, Sequence[Mapping[str, Any]]],
    told: Mapping[str, str],
    roles: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return what RETURN of the filter of this name documents.

    :param done: by load host, a list of ``runs`` (of benchmark_runs) and of their ``results``; all in the same order.
    :param told: by host, what its witness wrote.
    :param roles: ``director`` (the active one) and ``real_servers``, names.
    """
    witnesses = {name: read_witness(text) for name, text in told.items() if text}
    hosts = list(done)
    abouts = [run["about"] for part in done[hosts[0]] for run in part["runs"]]
    results = [[result for part in parts for result in part["results"]] for parts in done.values()]
    return [
        _sample(about, dict(zip(hosts, each, strict=True)), witnesses, roles)
        for about, *each in zip(abouts, *results, strict=True)
    ]


def _sample(
    about: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    witnesses: Mapping[str, Witness],
    roles: Mapping[str, Any],
) -> dict[str, Any]:
    begin = min(each["begin"] for each in results.values())
    end = max(each["end"] for each in results.values())
    seen = {name: grown for name, each in witnesses.items() if (grown := each.during(begin, end))}
    names = {name: name for name in roles["real_servers"]} | {roles["director"]: "director"}
    busy: dict[str, float] = {}
    steal: dict[str, float] = {}
    for host, grown in seen.items():
        name = "load" if host in results else names[host]
        own = _own_share(witnesses[host], grown)
        busy[name] = max(busy.get(name, 0.0), own)
        steal[name] = max(steal.get(name, 0.0), _share(grown["steal"], grown["total"]))
        if host in results and witnesses[host].container:
            busy["machine"] = _share(grown["busy"], grown["total"])
    by_server: Counter[str] = Counter()
    for each in results.values():
        by_server.update(each["by_server"])
    # One on a WebSocket is none to nginx.
    if not by_server and about["path"] != "direct" and about["workload"] != "signalling":
        asked = roles["real_servers"][: about["servers"]]
        by_server.update({name: round(seen[name]["requests"]) for name in asked if name in seen})
    director = seen.get(roles["director"])
    latencies = [each["latency"] for each in results.values() if each["latency"]]
    return {
        **about,
        "seconds": round(sum(each["seconds"] for each in results.values()) / len(results), 3),
        **{key: sum(each[key] for each in results.values()) for key in ("answered", "failed", "rate", "bytes")},
        # Of several load hosts the worst: quantiles cannot be added.
        "latency": {key: max(each[key] for each in latencies) for key in latencies[0]} if latencies else None,
        "by_server": {name: count for name, count in sorted(by_server.items()) if count > 0},
        "director_bytes": director and round(director["sent"]),
        "busy": {name: round(share, 3) for name, share in busy.items()},
        "steal": {name: round(share, 3) for name, share in steal.items()},
        "sent": None if about["offered"] is None else sum(each["sent"] or 0 for each in results.values()),
        "troubles": "; ".join(dict.fromkeys(each["troubles"] for each in results.values() if each["troubles"])),
        "error": "; ".join(dict.fromkeys(each["error"] for each in results.values() if each["error"])),
        "begin": round(begin, 3),
    }


def _own_share(witness: Witness, grown: Mapping[str, float]) -> float:
    if witness.container:
        return min(1.0, grown["own"] / 1e6 / (witness.processors * grown["time"]))
    return _share(grown["busy"], grown["total"])


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if whole else 0.0
