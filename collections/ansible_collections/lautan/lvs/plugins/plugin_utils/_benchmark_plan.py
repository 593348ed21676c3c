# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The ways to the real servers that a benchmark compares, and its runs in their order. Pure.

All ways are there at the same time, each with two ports of its own, one of them for TLS: so nothing has to be changed
from one run to the next, and ports of the service are not touched.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

DIRECT, DR, NAT, HAPROXY, NGINX = "direct", "dr", "nat", "haproxy", "nginx"
# Names in a profile that stand for several ways: LVS-DR with fewer real servers, and with other schedulers.
GROWTH, OTHERS = "growth", "schedulers"
USUAL: Final = "rr"
_SCHEDULERS: Final = ("wlc", "sh", "mh")
_WAYS: Final = (DIRECT, GROWTH, DR, OTHERS, NAT, HAPROXY, NGINX)
_LEAVABLE: Final = (NAT, HAPROXY, NGINX)
# What is asked for, by workload.
_WORKLOADS: Final[Mapping[str, Mapping[str, Any]]] = {
    "small": {"path": "/small"},
    # So few that each has ended within half a second, even where one real server with 100 Mbit/s has them all; and the
    # same number for each of 2, 3 or 6.
    "download": {"path": "/1m", "connections": 6},
    "connect": {"path": "/small", "fresh": True},
    "tls": {"path": "/small", "fresh": True, "tls": True},
    "signalling": {"path": "/ws", "tls": True, "generator": "signalling"},
}
_CLOSED: Final = tuple(name for name in _WORKLOADS if name != "signalling")
# An open loop is held up by nobody: a connection for each request that is under way.
_OPEN_CONNECTIONS: Final = 512


def benchmark_plan(cluster: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param cluster: ``domain``, ``vip``, ``forwarding``, ``conference``, ``real_servers`` (lists of ``name`` and
        ``address``), ``hosts`` (names of all hosts) and ``ports`` (those of its services).
    :param asked: ``profile``, ``profiles``, ``port``, ``leave_out``, ``uplink_mbit`` and ``load_hosts``.
    """
    mistakes = _mistakes(cluster, asked)
    profile = asked["profiles"].get(asked["profile"], {})
    if mistakes:
        return {"mistakes": mistakes, "paths": [], "ports": {}, "profile": profile}
    named = {name for part in ("closed", "open") for each in profile[part].values() for name in _names(each)}
    paths = [each for each in _paths(cluster["real_servers"]) if each["group"] in named - set(asked["leave_out"])]
    for number, each in enumerate(paths):
        each["port"] = asked["port"] + 2 * number
    last = asked["port"] + 2 * len(paths) - 1
    taken = [str(port) for port in sorted(cluster["ports"]) if asked["port"] <= port <= last]
    if taken or last > 65535:
        why = f"the cluster has {', '.join(taken)} itself" if taken else "there are not so many"
        mistakes.append(f"benchmark_port={asked['port']}: ports to {last} are needed, and {why}")
    if not cluster["conference"]:
        profile = {**profile, "open": {name: each for name, each in profile["open"].items() if name != "signalling"}}
    return {
        "mistakes": mistakes,
        "paths": paths,
        "ports": {"first": asked["port"], "last": last},
        "profile": profile,
        "vip": cluster["vip"],
        "domain": cluster["domain"],
    }


def _names(part: Any) -> Sequence[str]:
    return part["paths"] if isinstance(part, Mapping) else part


def _paths(servers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    every = len(servers)
    counts, count = [], 1
    while count < every:
        counts.append(count)
        count *= 2
    found = [(DIRECT, DIRECT, None, 1)]
    found += [(GROWTH, DR, USUAL, number) for number in counts]
    found.append((DR, DR, USUAL, every))
    found += [(OTHERS, DR, scheduler, every) for scheduler in _SCHEDULERS]
    found += [(NAT, NAT, USUAL, every), (HAPROXY, HAPROXY, USUAL, every), (NGINX, NGINX, USUAL, every)]
    return [
        {"group": group, "path": path, "scheduler": scheduler, "servers": list(servers[:number])}
        for group, path, scheduler, number in found
    ]


def _mistakes(cluster: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    mistakes = []
    if cluster["forwarding"] != "dr":
        mistakes.append(
            f"lvs_forwarding={cluster['forwarding']}: a benchmark compares other ways with dr, and needs that"
        )
    profiles = asked["profiles"]
    if asked["profile"] not in profiles:
        mistakes.append(f"profile={asked['profile']}: is none of {', '.join(profiles)}")
    else:
        label = f"benchmark_profiles.{asked['profile']}"
        mistakes += [f"{label}.{mistake}" for mistake in _profile_mistakes(profiles[asked["profile"]])]
    mistakes += [
        f"benchmark_leave_out: {name} is none of {', '.join(_LEAVABLE)}"
        for name in asked["leave_out"]
        if name not in _LEAVABLE
    ]
    if not 1024 <= asked["port"] <= 65535:
        mistakes.append(f"benchmark_port={asked['port']}: must be 1024 to 65535")
    if asked["uplink_mbit"] < 0:
        mistakes.append(f"benchmark_uplink_mbit={asked['uplink_mbit']:g}: must not be negative")
    if not asked["load_hosts"]:
        mistakes.append("benchmark_load_hosts: the inventory has no host in that group, and so nobody who asks")
    if within := [name for name in asked["load_hosts"] if name in cluster["hosts"]]:
        mistakes.append(f"benchmark_load_hosts: {', '.join(within)} is in the cluster, and would measure itself")
    return mistakes


def _profile_mistakes(profile: Any) -> list[str]:
    wanted = {"rounds", "seconds", "warmup", "closed", "open"}
    if not isinstance(profile, Mapping) or profile.keys() != wanted:
        return [f"must have {', '.join(sorted(wanted))}, and nothing else"]
    mistakes = [
        f"{name}={profile[name]!r}: must be a whole number from {least}"
        for name, least in (("rounds", 1), ("seconds", 1), ("warmup", 0))
        if not isinstance(profile[name], int) or profile[name] < least
    ]
    for part, known in (("closed", _CLOSED), ("open", tuple(_WORKLOADS))):
        for workload, each in profile[part].items():
            if workload not in known:
                mistakes.append(f"{part}.{workload}: is none of {', '.join(known)}")
            mistakes += [
                f"{part}.{workload}: {name} is none of {', '.join(_WAYS)}" for name in _names(each) if name not in _WAYS
            ]
    for workload, each in profile["open"].items():
        if ("shares" in each) == ("rates" in each):
            mistakes.append(f"open.{workload}: must have shares (of what LVS-DR did at most) or rates (a second)")
        elif "shares" in each and DR not in profile["closed"].get(workload, []):
            mistakes.append(f"open.{workload}.shares: closed.{workload} must have {DR}, of which they are")
    return mistakes


def benchmark_runs(
    plan: Mapping[str, Any],
    kind: str,
    number: int,
    done: Sequence[Mapping[str, Any]],
    asked: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return what RETURN of the filter of this name documents.

    :param plan: what benchmark_plan returned.
    :param kind: ``closed`` or ``open``.
    :param number: of the round, from 1.
    :param done: so far, by one load host: a list of ``runs`` and of their ``results``. Offered loads follow from those
        of the first round.
    :param asked: ``director`` (the address of the active one), ``seed`` and ``load_hosts`` (how many).
    """
    found = []
    for workload, part in plan["profile"][kind].items():
        rates: Sequence[float | None] = [None]
        if kind == "open":
            rates = _rates(workload, part, done, asked["load_hosts"])
        for path in plan["paths"]:
            if path["group"] in _names(part):
                found += [_run(plan, workload, path, number, rate, asked) for rate in rates]
    # Whatever else happens on the machines meanwhile happens to all of them alike.
    random.Random(f"{asked['seed']} {kind} {number}").shuffle(found)
    return found


def _rates(workload: str, part: Mapping[str, Any], done: Sequence[Mapping[str, Any]], hosts: int) -> list[float]:
    """In a second, for one load host. The same ones in all rounds and on all ways, so that they can be compared."""
    if "rates" in part:
        return [rate / hosts for rate in part["rates"]]
    most = [
        result["rate"]
        for before in done
        for each, result in zip(before["runs"], before["results"], strict=True)
        if each["group"] == DR and _is(each["about"], workload=workload, round=1, offered=None)
    ]
    if not most or not statistics.median(most):
        return []
    # Two digits are enough for what is a guess.
    return sorted({max(1.0, float(f"{share * statistics.median(most):.2g}")) for share in part["shares"]})


def _is(about: Mapping[str, Any], **wanted: Any) -> bool:
    return all(about[name] == value for name, value in wanted.items())


def _run(
    plan: Mapping[str, Any],
    workload: str,
    path: Mapping[str, Any],
    number: int,
    rate: float | None,
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    profile, what = plan["profile"], dict(_WORKLOADS[workload])
    addresses = {DIRECT: path["servers"][0]["address"], HAPROXY: asked["director"], NGINX: asked["director"]}
    run = {
        "generator": "open" if rate else "wrk",
        "address": addresses.get(path["path"], plan["vip"]),
        "port": path["port"] + bool(what.get("tls")),
        "host": plan["domain"],
        "seconds": profile["seconds"],
        "warmup": profile["warmup"],
        **what,
    }
    if rate:
        run.update(rate=rate, connections=_OPEN_CONNECTIONS)
    about = {
        "workload": workload,
        "path": path["path"],
        "scheduler": path["scheduler"],
        "servers": len(path["servers"]),
        "round": number,
        "offered": rate and rate * asked["load_hosts"],
    }
    words = [workload, path["path"], path["scheduler"], len(path["servers"]), rate and f"{rate:g}/s"]
    run["name"] = " ".join(str(word) for word in words if word)
    return {"run": run, "about": about, "group": path["group"]}
