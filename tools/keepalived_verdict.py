# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each change of a director's keepalived, by what the director itself shows.

What the module says of itself is not believed: file, processes, addresses and the kernel's table are looked at.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.keepalived_changes import FILE, Change, Config, services, vips

# A shell command that tells the state of a director; without Python, which takes longer to start.
LOOK = (
    f"echo time $(date +%s.%N); echo sha256 $(sha256sum < {FILE}); "
    "main=$(systemctl show --value --property=MainPID keepalived.service); echo main $main; "
    "echo children $(pgrep --parent $main); "
    "echo addresses $(ip -oneline address show | awk '{ print $4 }'); ipvsadm --save --numeric"
)

# The address and port of a virtual server, with the flag that ipvsadm has for the protocol
Place = str
_FLAGS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}
_SERVICE = re.compile(r"-A (\S+ \S+:\d+) -s (\S+)")
_REAL_SERVER = re.compile(r"-a (\S+ \S+:\d+) -r (\S+) .*?-w (\d+)")


@dataclass(frozen=True)
class Look:
    """What LOOK told."""

    time: float
    sha256: str
    main: str
    children: frozenset[str]
    addresses: frozenset[str]
    schedulers: Mapping[Place, str]
    weights: Mapping[tuple[Place, str], int]


def read_look(text: str) -> Look:
    """:raises ValueError: if it is not what LOOK tells."""
    lines = [line.strip() for line in text.splitlines()]
    told = {word: rest.split() for word, _, rest in (line.partition(" ") for line in lines) if not word.startswith("-")}
    missing = {"time", "sha256", "main", "children", "addresses"} - told.keys()
    if missing:
        raise ValueError(f"the director did not tell its {', '.join(sorted(missing))}: {text!r}")
    matches = [_REAL_SERVER.match(line) for line in lines]
    return Look(
        time=float(told["time"][0]),
        sha256=told["sha256"][0],
        main=told["main"][0],
        children=frozenset(told["children"]),
        addresses=frozenset(address.partition("/")[0] for address in told["addresses"]),
        schedulers=dict(match.groups() for line in lines if (match := _SERVICE.match(line))),
        weights={(match[1], match[2]): int(match[3]) for match in matches if match},
    )


@dataclass(frozen=True)
class Outcome:
    """What became of one change; nothing is wrong if there are no faults."""

    change: Change
    seconds: float
    faults: tuple[str, ...]
    restarted: bool


class Judge:
    """Judges one change after the other.

    :param config: what the director had in the beginning.
    :param first: what it looked like then.
    """

    def __init__(self, config: Config, first: Look) -> None:
        self._original, self._first = config, first
        self._before, self._running = first, config
        self._main, self._children = first.main, first.children
        self._digests = {_key(config): first.sha256}

    def outcome(self, change: Change, done: Mapping[str, Any], after: Look) -> Outcome:
        """:param done: what the module returned."""
        before, self._before = self._before, after
        # There may be one child more for a moment: it tries the file before a reload.
        restarted = after.main != self._main or not self._children <= after.children
        if restarted:
            self._main, self._children = after.main, after.children
        judge = self._applied if change.valid else self._refused
        faults = list(judge(change, done, before, after))
        if restarted:
            faults.append("keepalived was restarted, or one of its processes")
        if change.valid:
            self._running = change.config
        return Outcome(change, after.time - before.time, tuple(faults), restarted)

    def _applied(self, change: Change, done: Mapping[str, Any], before: Look, after: Look) -> Iterator[str]:
        if done.get("failed"):
            yield f"it failed: {done.get('msg')}"
        elif not done.get("changed"):
            yield "the module says that it changed nothing"
        if after.sha256 == before.sha256:
            yield "the file did not change"
        elif after.sha256 != self._digests.setdefault(_key(change.config), after.sha256):
            yield "the file is not the one that the same configuration gave before"
        wanted = _schedulers(change.config)
        if after.schedulers != wanted:
            yield f"virtual servers wanted {wanted}, found {dict(after.schedulers)}"
        added = _vips(change.config) - _vips(self._original)
        if after.addresses != self._first.addresses | added:
            yield f"addresses wanted {sorted(self._first.addresses | added)}, found {sorted(after.addresses)}"

    def _refused(self, change: Change, done: Mapping[str, Any], before: Look, after: Look) -> Iterator[str]:
        # What is no mistake in the configuration, such as a full disk, is in the message only.
        errors = done.get("errors") or [done.get("msg", "")]
        if not done.get("failed"):
            yield "it was not refused"
        elif not any(change.says in line for line in errors):
            yield f"it was refused, but not because of {change.says}: {done.get('msg')}"
        if done.get("changed"):
            yield "the module says that it changed something"
        if after.sha256 != before.sha256:
            yield "the file changed"
        if (after.schedulers, after.addresses) != (before.schedulers, before.addresses):
            yield "virtual servers or addresses changed"
        # By now what was applied before must be in the kernel, but for real servers that are not well.
        wanted = _weights(self._running)
        wrong = {place: weight for place, weight in after.weights.items() if wanted.get(place) != weight}
        if wrong:
            yield f"weights that nobody asked for: {wrong}"


def _key(config: Config) -> str:
    return json.dumps(config, sort_keys=True)


def _vips(config: Config) -> set[str]:
    return {vip for instance in config["vrrp_instances"] for vip in vips(instance)}


def _endpoint(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _place(service: Config) -> Place:
    return f"{_FLAGS[service['protocol']]} {_endpoint(service['ip'], service.get('port', 0))}"


def _schedulers(config: Config) -> dict[Place, str]:
    return {_place(service): service["lvs_sched"] for _, service in services(config)}


def _weights(config: Config) -> dict[tuple[Place, str], int]:
    return {
        (_place(service), _endpoint(server["ip"], server.get("port", service.get("port", 0)))): server.get("weight", 1)
        for _, service in services(config)
        for server in service["real_servers"]
    }


def report(outcomes: Sequence[Outcome]) -> str:
    """A table for people: how many of each kind went as they should, how long they took, and each that did not."""
    lines = []
    for valid, title in ((True, "valid, applied"), (False, "invalid, refused")):
        some = [each for each in outcomes if each.change.valid == valid]
        lines.append(f"{title:42} {_share(some)}{_times(some)}")
        for kind, by in dict.fromkeys((each.change.kind, each.change.refused_by) for each in some):
            alike = [each for each in some if each.change.kind == kind]
            lines.append(f"  {kind:40} {_share(alike)}{f'  by {by}' if by else ''}")
    lines.append(f"{'restarts':42} {sum(each.restarted for each in outcomes):3}")
    for number, each in enumerate(outcomes, 1):
        lines += [f"change {number}, {each.change.kind}: {fault}" for fault in each.faults]
    return "\n".join(lines)


def _share(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(not each.faults for each in outcomes):3} of {len(outcomes):3}"


def _times(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    seconds = [each.seconds for each in outcomes]
    return f"  {statistics.median(seconds):.1f} s each (median), {max(seconds):.1f} s at most"
