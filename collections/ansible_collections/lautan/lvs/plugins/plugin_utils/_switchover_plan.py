# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Say which director is to take over from which, and whether it has.

A pure function of the plan (see _cluster_plan) and of what the directors said of themselves. Whether the target is able
to take over is not decided here but by the module vrrp_switchover, on the director that is MASTER.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What the module vrrp_info says of a director's instances
Instances = list[Mapping[str, Any]]


def switchover_plan(
    plan: Mapping[str, Any], directors: Mapping[str, Mapping[str, Any] | None], to: str = ""
) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param plan: what cluster_plan returned.
    :param directors: by name, ``vrrp`` (what the module vrrp_info returned), and ``table`` and ``established`` for the
        module vrrp_switchover; None for a director that did not answer.
    :param to: the name of the director that is to take over; the one that stands by if empty.
    """
    addresses = {director["name"]: director["address"] for director in plan["directors"]}
    answering = {name: seen for name in addresses if (seen := directors.get(name))}
    instances = {name: list(seen["vrrp"]["instances"]) for name, seen in answering.items()}
    masters = [name for name, found in instances.items() if any(item["state"] == "MASTER" for item in found)]
    faults = _master_faults(masters, list(answering))
    if not to:
        to, more = _standby(list(addresses), masters)
        faults += more
    elif to not in addresses:
        faults.append(f"to={to}: is not a director; those are {', '.join(addresses)}")
    if to in addresses and to not in answering:
        faults.append(f"{to}: does not answer on ssh")
    return {
        "from": masters[0] if len(masters) == 1 else "",
        "to": to,
        "address": addresses.get(to, ""),
        "faults": faults,
        "needed": masters != [to],
        "unsettled": _unsettled(to, instances),
        "peers": [
            {
                "address": addresses[name],
                "vrrp": seen["vrrp"],
                "table": seen.get("table", ""),
                "established": seen.get("established", 0),
            }
            for name, seen in answering.items()
            if name not in masters
        ],
    }


def _master_faults(masters: list[str], answering: list[str]) -> list[str]:
    if not answering:
        return ["no director answers on ssh"]
    if not masters:
        return [f"no director is MASTER, of those that answer: {', '.join(answering)}"]
    if len(masters) > 1:
        return [f"{' and '.join(masters)} are MASTER at once: they do not hear each other"]
    return []


def _standby(names: list[str], masters: list[str]) -> tuple[str, list[str]]:
    """The one director that is not the master, whether it answers or not."""
    if len(masters) != 1:
        return "", []
    others = [name for name in names if name not in masters]
    if len(others) == 1:
        return others[0], []
    if others:
        return "", [f"{', '.join(others)} stand by: say which one is to take over, with -e to=NAME"]
    return "", [f"there is no director but {masters[0]}"]


def _unsettled(to: str, instances: Mapping[str, Instances]) -> list[str]:
    """One line for each thing that is not as it must be once a director has taken over."""
    lines = []
    for name, found in instances.items():
        for item in found:
            who, state = f"{name}: VRRP instance {item['name']}", item["state"]
            if (state == "MASTER") != (name == to):
                lines.append(f"{who} is {state}")
            lines += [f"{who} does not hold {ip}" for ip in item["addresses_missing"]]
            lines += [f"{who} holds {ip} although it is {state}" for ip in item["addresses_orphaned"]]
    return lines
