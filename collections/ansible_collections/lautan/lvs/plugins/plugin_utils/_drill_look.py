# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How the directors are before and after a fault, and who is broken. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_faults import DIRECTOR


def drill_look(
    cluster: Mapping[str, Any],
    said: Mapping[str, str | None],
    step: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what RETURN of the filter of this name documents.

    :param cluster: ``directors`` and ``real_servers`` (lists of ``name`` and ``address``) and ``vips``.
    :param said: by director, systemd's word for keepalived, its addresses with prefix length, ``--``, and its IPVS
        table; None for a director that did not answer.
    :param step: one of those of drill_plan.
    :param before: what this function returned before the fault.
    """
    seen = {name: _read(text) for name, text in said.items() if text}
    look: dict[str, Any] = {
        "holders": {
            vip: [name for name, each in seen.items() if str(ip_address(vip)) in each["addresses"]]
            for vip in cluster["vips"]
        },
        "sums": {name: each["sum"] for name, each in seen.items()},
        "in_service": [
            server["name"]
            for server in cluster["real_servers"]
            if seen and all(_has(each["table"], server["address"]) for each in seen.values())
        ],
    }
    look["left"] = _left(said, seen, look, look if before is None else before)
    victim, refusal = _victim(cluster, step, look) if step else ("", "")
    return {**look, "victim": victim, "refusal": refusal}


def _read(text: str) -> dict[str, Any]:
    head, _separator, table = text.partition("\n--\n")
    keepalived, *addresses = head.split()
    lines = table.splitlines()
    return {
        "keepalived": keepalived,
        "addresses": {str(ip_address(each.partition("/")[0])) for each in addresses},
        "table": lines,
        # As `sha256sum` says it, so that a director can compare by itself.
        "sum": hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest(),
    }


def _has(table: list[str], address: str) -> bool:
    """Tell whether a table sends something to a real server."""
    return any(f" -r {address}:" in line and not line.rstrip().endswith(" -w 0") for line in table)


def _left(
    said: Mapping[str, str | None], seen: Mapping[str, Any], look: Mapping[str, Any], before: Mapping[str, Any]
) -> list[str]:
    """What is not whole, one line for each."""
    left = [f"{name} does not answer on ssh" for name in said if name not in seen]
    for name, each in seen.items():
        if each["keepalived"] != "active":
            left.append(f"{name}: keepalived is {each['keepalived']}")
        if each["sum"] != before["sums"].get(name):
            left.append(f"{name}: its IPVS table is not as before")
    return left + [
        f"{vip} is on {len(names)} directors ({', '.join(names) or 'none'}) instead of one"
        for vip, names in look["holders"].items()
        if len(names) != 1
    ]


def _victim(cluster: Mapping[str, Any], step: Mapping[str, Any], look: Mapping[str, Any]) -> tuple[str, str]:
    """Who is broken, unless that must not be, and why not: the one that matters most, if none is named."""
    if step["kind"] == DIRECTOR:
        able = list(look["sums"])
        usual = next((names[0] for names in look["holders"].values() if names), "")
    else:
        able = look["in_service"]
        usual = next(iter(able), "")
    victim = step["host"] or usual
    if look["left"]:
        return victim, f"Nothing was broken, as the cluster is not whole: {'; '.join(look['left'])}"
    if not [name for name in able if name != victim]:
        return victim, f"Nothing was broken: {victim or 'nobody'} is the last {step['kind']} that is in service"
    return victim, ""
