# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Say which director is to take over what from which, and whether it has.

A pure function of the plan (see _cluster_plan) and of what the directors said of themselves. Whether the target is able
to take over is not decided here but by the module vrrp_switchover, on the director that is MASTER.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# In place of a director's name: each VRRP instance to its home
HOME: Final = "home"


def switchover_plan(
    plan: Mapping[str, Any], directors: Mapping[str, Mapping[str, Any] | None], to: str = ""
) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param plan: what cluster_plan returned.
    :param directors: by name, ``vrrp`` (what the module vrrp_info returned), and ``table`` for the module
        vrrp_switchover; None for a director that did not answer.
    :param to: the name of the director that is to take over everything; the one that stands by if empty; or HOME.
    """
    addresses = {director["name"]: director["address"] for director in plan["directors"]}
    answering = {name: seen for name in addresses if (seen := directors.get(name))}
    masters = _masters(answering)
    faults = _master_faults(masters, list(answering))
    if not to:
        to, more = _standby(list(addresses), masters)
        faults += more
    targets, more = _targets(plan, to, list(addresses), list(masters))
    faults += more
    faults += [f"{name}: does not answer on ssh" for name in dict.fromkeys(targets.values()) if name not in answering]
    return {
        "to": to,
        "faults": faults,
        "moves": [] if faults else _moves(masters, targets, addresses),
        "unsettled": _unsettled(targets, answering),
        "peers": [
            {
                "address": addresses[name],
                "vrrp": seen["vrrp"],
                "table": seen.get("table", ""),
            }
            for name, seen in answering.items()
        ],
    }


def _masters(answering: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """By VRRP instance, the directors that say that they are MASTER."""
    masters: dict[str, list[str]] = {}
    for name, seen in answering.items():
        for item in seen["vrrp"]["instances"]:
            masters.setdefault(item["name"], []).extend([name] if item["state"] == "MASTER" else [])
    return masters


def _master_faults(masters: Mapping[str, Sequence[str]], answering: Sequence[str]) -> list[str]:
    if not answering:
        return ["no director answers on ssh"]
    among = f"of those that answer: {', '.join(answering)}"
    if not masters:
        return [f"no director has a VRRP instance, {among}"]
    faults = []
    for instance, names in masters.items():
        if not names:
            faults.append(f"VRRP instance {instance}: no director is MASTER, {among}")
        elif len(names) > 1:
            faults.append(
                f"VRRP instance {instance}: {' and '.join(names)} are MASTER at once: they do not hear each other"
            )
    return faults


def _standby(names: Sequence[str], masters: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The one director that is MASTER of nothing, whether it answers or not."""
    if not masters or any(len(found) != 1 for found in masters.values()):
        return "", []  # that is said already
    active = {found[0] for found in masters.values()}
    others = [name for name in names if name not in active]
    if len(others) == 1:
        return others[0], []
    if others:
        return "", [f"{', '.join(others)} stand by: say which one is to take over, with -e to=NAME"]
    if len(names) == 1:
        return "", [f"there is no director but {names[0]}"]
    return "", [
        f"no director stands by: say which one is to take over everything, with -e to=NAME, or -e to={HOME} to have the"
        f" VIPs at home"
    ]


def _targets(
    plan: Mapping[str, Any], to: str, names: Sequence[str], instances: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """By VRRP instance, the director that is to be MASTER. Without an instance that a director has, there is none."""
    if to == HOME:
        homes = {instance["name"]: instance["home"] for instance in plan["vrrp"]["instances"]}
        deploy = "the directors have another configuration than the inventory describes: deploy it first"
        faults = [f"VRRP instance {name}: has no home; {deploy}" for name in instances if name not in homes]
        if instances:
            faults += [f"VRRP instance {name}: is on no director; {deploy}" for name in homes if name not in instances]
        return {name: homes[name] for name in instances if name in homes}, faults
    if to and to not in names:
        return {}, [f"to={to}: is not a director; those are {', '.join(names)}. Or {HOME}, to have the VIPs at home"]
    return {name: to for name in instances if to}, []


def _moves(
    masters: Mapping[str, Sequence[str]], targets: Mapping[str, str], addresses: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What is to be moved, in one piece where both directors are the same."""
    moves: dict[tuple[str, str], list[str]] = {}
    for instance, to in targets.items():
        if masters[instance] != [to]:
            moves.setdefault((masters[instance][0], to), []).append(instance)
    return [
        {"from": origin, "to": to, "address": addresses[to], "instances": instances}
        for (origin, to), instances in moves.items()
    ]


def _unsettled(targets: Mapping[str, str], answering: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One line for each thing that is not as it must be once the directors have taken over."""
    lines = []
    for name, seen in answering.items():
        for item in seen["vrrp"]["instances"]:
            who, state = f"{name}: VRRP instance {item['name']}", item["state"]
            if (state == "MASTER") != (name == targets.get(item["name"])):
                lines.append(f"{who} is {state}")
            lines += [f"{who} does not hold {ip}" for ip in item["addresses_missing"]]
            lines += [f"{who} holds {ip} although it is {state}" for ip in item["addresses_orphaned"]]
    return lines
