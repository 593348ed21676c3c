# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What the results of a benchmark say: figures, ratios, and what to be careful about. Pure."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import PATHS, WORKLOADS, Key, Results
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_statistics import (
    KNEE_ANSWERED,
    ROUNDS,
    Figure,
    Load,
    figure,
    knee,
    ratio,
    share,
)

TIMES: Final = ("p50", "p95", "p99")
# Above it, a hypervisor took so much of a processor that no figure is to be believed; above half of it, it is told.
STEAL: Final = 0.1
# A processor that is busier than this has nothing left, and links that carry more than this of what they can are full:
# bytes are those of the clients, without headers.
FULL_PROCESSOR: Final = 0.95
FULL_LINK: Final = 0.85
# A machine that is busier than this at the lowest load does something else as well.
NEIGHBOUR: Final = 0.8
# A real server that answers less than this of its part is slower than the others.
FAIR: Final = 0.7
# And one whose requests take so many times as long.
SLOW: Final = 1.5
# A round in which everything together was slower than the other rounds by this was disturbed.
DISTURBED: Final = 0.15


@dataclass(frozen=True)
class Ratio:
    """How much of one thing another has."""

    what: str  # "rate", "p50" or "p95"
    over: Key
    under: Key
    figure: Figure


@dataclass(frozen=True)
class Knee:
    """The last load that a path bears.

    :ivar offered: by the medians of all rounds; None if the lowest was too much.
    :ivar reached: False if no load was too much.
    :ivar figure: of the knees of rounds.
    """

    offered: float | None
    reached: bool
    figure: Figure


@dataclass(frozen=True)
class RoomFigures:
    """A room with so many people in real browsers.

    :ivar frames: a second, of the worst picture that was watched.
    :ivar lost: the share of packets that did not arrive.
    :ivar mbit: Mbit/s to clients.
    :ivar processors: how many were busy, by what with.
    """

    frames: Figure
    lost: Figure
    mbit: Figure
    processors: Mapping[str, Figure]


class Measured:
    """Results, and what is made of them.

    :ivar throughput: what was asked for as fast as it goes.
    :ivar sweeps: by what was measured, without the offered load, that at all loads from the lowest.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self.throughput = [key for key in results.samples if key.offered is None]
        self.sweeps: dict[Key, list[Key]] = {}
        for key in sorted((key for key in results.samples if key.offered is not None), key=lambda key: key.offered):
            self.sweeps.setdefault(key._replace(offered=None), []).append(key)
        self.workloads = [name for name in WORKLOADS if any(key.workload == name for key in results.samples)]

    # --- Figures ---

    def rounds(self, key: Key, what: str, part: str = "") -> dict[int, float]:
        """The values of rounds that went well and have one.

        :param what: ``rate``, ``answered`` (of what was offered), ``director`` (bytes that it forwarded, of those of
            clients), one of TIMES, or with the name of a host as part ``busy``, ``steal`` or ``by_server``.
        """
        good = {name: sample for name, sample in self.results.samples[key].items() if not sample["error"]}
        values = {name: _value(sample, what, part) for name, sample in good.items()}
        return {name: value for name, value in values.items() if value is not None}

    def figure(self, key: Key, what: str, part: str = "") -> Figure:
        kind = "time" if what in TIMES else "rate" if what in ("rate", "answered") else "share"
        return figure(self.rounds(key, what, part).values(), kind, self.reasons(key, what))

    def rooms(self) -> dict[int, RoomFigures]:
        """By the number of people, from the fewest."""
        return {
            people: RoomFigures(
                frames=figure((room["frames"] for room in rounds), "rate"),
                lost=figure((room["lost"] for room in rounds), "share"),
                mbit=figure((room["mbit"] for room in rounds), "rate"),
                processors={
                    name: figure((busy["processors"][name] for busy in rounds if name in busy["processors"]), "share")
                    for name in dict.fromkeys(name for room in rounds for name in room["processors"])
                },
            )
            for people, rounds in self.results.rooms.items()
        }

    def median(self, key: Key, what: str, part: str = "") -> float:
        """For what is decided by it; 0 if it was not measured."""
        return statistics.median(self.rounds(key, what, part).values() or [0.0])

    def parts(self, keys: Iterable[Key], what: str) -> list[str]:
        """The hosts for which something was measured."""
        samples = [sample for key in keys for sample in self.results.samples[key].values()]
        return sorted({name for sample in samples for name in sample.get(what, ())}, key=_machine_order)

    def telling(self, key: Key, what: str) -> Key:
        """The same, or if nobody told this of it, that at the highest load that tells it."""
        sweep = [key, *reversed(self.sweeps.get(key, []))]
        return next((each for each in sweep if each in self.results.samples and self.parts([each], what)), sweep[-1])

    def reasons(self, key: Key, what: str) -> list[str]:
        """Why a figure must not be given, other than what its rounds say."""
        samples = self.results.samples[key].values()
        why = []
        errors = Counter(sample["error"] for sample in samples if sample["error"])
        if errors and len(samples) - errors.total() < ROUNDS:
            error, _times = errors.most_common(1)[0]
            why.append(f"{errors.total()} of {len(samples)} rounds failed: {error}")
        for host in self.parts([key], "steal"):
            if (stolen := self.median(key, "steal", host)) > STEAL:
                why.append(f"{share(stolen)} of the processor of {machine(host)} was taken by others")
        if key.offered is not None:
            if any(_unsent(sample) for sample in samples):
                why.append(f"the load host sent less than {share(KNEE_ANSWERED)} of what it should")
            if what in TIMES and self.median(key, "busy", "load") > FULL_PROCESSOR:
                why.append("the load host had no processor left, and measured itself")
        return why

    def full(self, key: Key) -> list[str]:
        """What had nothing left while this was measured: ``uplinks``, or hosts without a processor."""
        full = []
        uplink = self.results.made["uplink_mbit"]
        if uplink:
            mbits = [s["bytes"] * 8e-6 / s["seconds"] for s in self.results.samples[key].values() if not s["error"]]
            if mbits and statistics.median(mbits) > FULL_LINK * uplink * key.servers:
                full.append("uplinks")
        return full + [host for host in self.parts([key], "busy") if self.median(key, "busy", host) > FULL_PROCESSOR]

    # --- Comparisons ---

    def scheduler(self, path: str) -> str | None:
        """The one that most samples of a path have: it is compared with other paths."""
        counts: Counter[str | None] = Counter()
        for key, rounds in self.results.samples.items():
            if key.path == path:
                counts[key.scheduler] += len(rounds)
        return counts.most_common(1)[0][0] if counts else None

    def usual(self, keys: Iterable[Key]) -> list[Key]:
        """Those with the usual scheduler of their path, in the order of PATHS, and by number of real servers."""
        order = list(PATHS)
        usual = [key for key in keys if key.scheduler == self.scheduler(key.path)]
        return sorted(usual, key=lambda key: (order.index(key.path), key.servers))

    def widest(self, keys: Iterable[Key]) -> list[Key]:
        """The usual ones, of each path that with most real servers."""
        return list({key.path: key for key in self.usual(keys)}.values())

    def knee(self, sweep: Key) -> Knee:
        keys = self.sweeps[sweep]
        seen = [key for key in keys if key.offered and self.rounds(key, "rate")]
        offered, reached = knee(Load(key.offered, self.median(key, "rate"), self.median(key, "p95")) for key in seen)
        by_round = []
        for name in sorted({name for key in keys for name in self.results.samples[key]}):
            rates = {key.offered: self.rounds(key, "rate").get(name) for key in seen}
            times = {key.offered: self.rounds(key, "p95").get(name, math.inf) for key in seen}
            loads = [Load(load, rate, times[load]) for load, rate in rates.items() if load and rate is not None]
            found, _reached = knee(loads)
            if found is not None:
                by_round.append(found)
        return Knee(offered, reached, figure(by_round, "knee"))

    def ratios(self) -> list[Ratio]:
        """LVS-DR against each other path; direct has one real server, the others as many as LVS-DR."""
        found = []
        for workload in self.workloads:
            for what, group in (("rate", self.throughput), ("time", list(self.sweeps))):
                mine = self.usual(key for key in group if key.workload == workload)
                for over, under in _pairs(mine):
                    if what == "rate":
                        found.append(self._ratio("rate", over, under))
                    elif half := self.half(over, under):
                        keys = (over._replace(offered=half), under._replace(offered=half))
                        found += [self._ratio(each, *keys) for each in ("p50", "p95")]
        return found

    def half(self, over: Key, under: Key) -> float | None:
        """The load that both were measured at which is next to half of the lower of their knees."""
        both = {key.offered for key in self.sweeps[over]} & {key.offered for key in self.sweeps[under]}
        knees = [self.knee(each).offered for each in (over, under)]
        if not both or None in knees:
            return None
        return min(both, key=lambda offered: abs(offered - min(knees) / 2))

    def growth(self, workload: str) -> list[Ratio]:
        """LVS-DR with more real servers against itself with one."""
        mine = [key for key in self.usual(self.throughput) if key.workload == workload and key.path == "dr"]
        return [self._ratio("rate", key, mine[0]) for key in mine[1:] if mine[0].servers == 1]

    def _ratio(self, what: str, over: Key, under: Key) -> Ratio:
        why = dict.fromkeys(reason for key in (over, under) for reason in self.reasons(key, what))
        return Ratio(what, over, under, ratio(self.rounds(over, what), self.rounds(under, what), why))

    # --- What to be careful about ---

    def remarks(self) -> list[str]:
        return [*self._disturbed(), *self._stolen(), *self._neighbour(), *self._slow(), *self._empty()]

    def _disturbed(self) -> Iterator[str]:
        by_round: dict[int, list[float]] = {}
        for key in self.throughput:
            values = self.rounds(key, "rate")
            for name, value in values.items():
                others = [other for each, other in values.items() if each != name]
                if others and (middle := statistics.median(others)):
                    by_round.setdefault(name, []).append(value / middle)
        for name, values in sorted(by_round.items()):
            slower = 1 - statistics.median(values)
            if len(values) >= ROUNDS and slower > DISTURBED:
                yield f"Noise: in round {name} everything was {share(slower)} slower than in the others (median)."

    def _stolen(self) -> Iterator[str]:
        keys = list(self.results.samples)
        for host in self.parts(keys, "steal"):
            stolen = [part for key in keys for part in self.rounds(key, "steal", host).values()]
            if stolen and (middle := statistics.median(stolen)) > STEAL / 2:
                yield (
                    f"Noise: others took {share(middle)} of the processor of {machine(host)} (median; "
                    f"{share(max(stolen))} at most)."
                )

    def _neighbour(self) -> Iterator[str]:
        """That a machine is busy though little is asked for."""
        lowest = [keys[0] for keys in self.sweeps.values() if len(keys) > 1]
        busy = [value for key in lowest for value in self.rounds(key, "busy", "machine").values()]
        if busy and (middle := statistics.median(busy)) > NEIGHBOUR:
            yield f"Noise: at the lowest loads {machine('machine')} was {share(middle)} busy already (median)."

    def _slow(self) -> Iterator[str]:
        """Real servers that answered less than their part, or took longer than the others."""
        keys = [key for key in self.results.samples if key.servers > 1]
        # A hash need not be even; and of rounds that failed, nothing is known.
        fair = [key for key in keys if key.scheduler not in ("sh", "mh") and self.rounds(key, "by_server")]
        worst: dict[str, list[tuple[float, Key]]] = {}
        for key in fair:
            for server in self._servers(key):
                part = self.median(key, "by_server", server)
                if part < FAIR / key.servers:
                    worst.setdefault(server, []).append((part, key))
        for server, found in sorted(worst.items()):
            part, key = min(found, key=lambda each: each[0])
            more = f"; it was slow in {len(found)} of {len(fair)} measurements" if len(found) > 1 else ""
            expected = share(1 / key.servers)
            yield f"{server} answered {share(part)} where {expected} were expected ({describe(key)}{more})."
        late: dict[str, list[float]] = {}
        for key in keys:
            middles = {server: self.median(key, "server_p50", server) for server in self.parts([key], "server_p50")}
            for server, middle in middles.items():
                if others := [value for each, value in middles.items() if each != server and value]:
                    late.setdefault(server, []).append(middle / statistics.median(others))
        for server, found in sorted(late.items()):
            if (middle := statistics.median(found)) > SLOW:
                yield f"{server} took {middle:.1f} times as long as the other real servers (median)."

    def _servers(self, key: Key) -> list[str]:
        """Those that should have answered; one that did not at all is not named by what came of it."""
        every = [host["name"] for host in self.results.made["hosts"] if host["role"] == "real_server"]
        return every if len(every) == key.servers else self.parts([key], "by_server")

    def _empty(self) -> Iterator[str]:
        """That a figure is not what real servers can do."""
        for host, what in _LIMITS.items():
            where = [describe(key) for key in self.usual(self.throughput) if host in self.full(key)]
            if where:
                some = "; ".join(where[:4]) + (f"; and {len(where) - 4} more" if len(where) > 4 else "")
                yield f"{machine(host).capitalize()} had no processor left: the figure {what} ({some})."


def describe(key: Key, workload: bool = True) -> str:
    """What was measured, for people."""
    words = [WORKLOADS[key.workload]] if workload else []
    words.append(PATHS[key.path])
    if key.scheduler:
        words.append(key.scheduler)
    if key.path != "direct":
        words.append(count(key.servers))
    return ", ".join(words)


def count(servers: int) -> str:
    return f"{servers} real server{'' if servers == 1 else 's'}"


def _pairs(keys: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
    by_path = {path: {key.servers: key for key in keys if key.path == path} for path in PATHS}
    mine = by_path.pop("dr")
    for path, others in by_path.items():
        if path == "direct":
            few_and_many = sorted({min(mine), max(mine)}) if mine and others else []
            yield from ((mine[servers], others[min(others)]) for servers in few_and_many)
        elif both := mine.keys() & others.keys():
            yield mine[max(both)], others[max(both)]


def _value(sample: Mapping[str, Any], what: str, part: str) -> float | None:
    if what in TIMES:
        return sample["latency"] and sample["latency"][what]
    if what == "answered":
        return sample["rate"] / sample["offered"] if sample["offered"] else None
    if what == "director":
        forwarded = sample["director_bytes"]
        return forwarded / sample["bytes"] if forwarded is not None and sample["bytes"] else None
    if what == "by_server":
        answered = sum(sample[what].values())
        return sample[what].get(part, 0) / answered if answered else None
    return sample.get(what, {}).get(part) if part else sample[what]


def _unsent(sample: Mapping[str, Any]) -> bool:
    """Whether the load host itself is why less was asked for than should be; what it sent may not be known."""
    sent = sample.get("sent")
    return sent is not None and sent < KNEE_ANSWERED * sample["offered"] * sample["seconds"]


# What a figure is where a host had nothing left, if not what real servers can do.
_LIMITS: Final = {
    "director": "is the director's limit",
    "load": "is at least that",
    "machine": "is the machine's limit",
}
_MACHINES: Final = {
    "load": "the load host",
    "director": "the director",
    "machine": "the load host's machine",
}


def machine(name: str) -> str:
    """A host, as results name it, in words."""
    return _MACHINES.get(name, name)


def _machine_order(name: str) -> tuple[int, str]:
    order = [*_MACHINES]
    return order.index(name) if name in order else len(order), name
