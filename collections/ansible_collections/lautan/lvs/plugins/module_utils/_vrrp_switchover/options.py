# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The options, checked as far as that is possible without a host."""

from __future__ import annotations

import math
from ipaddress import ip_address
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import SyncDaemon
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    Peer,
    PeerInstance,
    Table,
    Wanted,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.table import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import Tracking, tracked


def read_address(path: str, text: str, mistakes: list[str]) -> str | None:
    """An address in its canonical spelling."""
    try:
        return str(ip_address(text))
    except ValueError:
        mistakes.append(f"{path}={text!r}: must be an IP address")
        return None


def read_peers(wanted: Wanted, mistakes: list[str]) -> dict[str, Peer]:
    """What is known of the other directors, by address."""
    peers: dict[str, Peer] = {}
    for index, item in enumerate(wanted.peers):
        path = f"peers[{index}]"
        address = read_address(f"{path}.address", item["address"], mistakes)
        table = _table(f"{path}.table", item["table"], mistakes)
        try:
            told = _vrrp(item["vrrp"])
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            what = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
            mistakes.append(f"{path}.vrrp: must be what lautan.lvs.vrrp_info returned: {what}")
            continue
        if address is None or table is None:
            continue
        if address in peers:
            mistakes.append(f"{path}.address={item['address']!r}: another one has that as well")
        peers[address] = Peer(address=address, table=table, **told)
    return peers


def _vrrp(told: Mapping[str, Any]) -> dict[str, Any]:
    instances = [
        PeerInstance(
            name=item["name"],
            state=item["state"],
            virtual_router_id=item["virtual_router_id"],
            # Null if keepalived does not run there
            effective_priority=item["effective_priority"] or 0,
            addresses=frozenset(item["addresses"] + item["addresses_excluded"]),
        )
        for item in told["instances"]
    ]
    return {
        "running": bool(told["running"]),
        "instances": instances,
        "sync_daemons": [SyncDaemon(**item) for item in told["sync_daemons"]],
        "connections": int(told["connections"]),
    }


def _table(path: str, text: str, mistakes: list[str]) -> Table | None:
    try:
        return read_table(text)
    except ValueError as exc:
        mistakes.append(f"{path}: must be what ipvsadm --save --numeric printed: {exc}")
        return None


def check_timeout(timeout: float, mistakes: list[str]) -> None:
    if not math.isfinite(timeout) or timeout <= 0:
        mistakes.append(f"timeout={timeout}: must be more than 0 seconds")


def select(wanted: Wanted, files: Sequence[Tracking], mistakes: list[str]) -> list[str]:
    """The names of the instances that are meant, all that track one of the files by default."""
    known = tracked(files)
    if wanted.instances is None:
        return known
    for index, name in enumerate(wanted.instances):
        if name not in known:
            there = ", ".join(known)
            mistakes.append(f"instances[{index}]={name!r}: does not track {wanted.track_file}; those that do: {there}")
    if not wanted.instances:
        mistakes.append("instances=[]: must name one at least")
    return [name for name in known if name in wanted.instances]
