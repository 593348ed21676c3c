# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What keepalived and programs say, as values of the model. Nothing here looks at a host."""

from __future__ import annotations

import json
import re
from ipaddress import ip_interface
from typing import Any, Iterable, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules_vrrp import version_of
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import STATES, STOPPED, Instance, SyncDaemon

_DAEMON = re.compile(r"^(master|backup) sync daemon \(mcast=([^,)]*), syncid=(\d+)(.*)\)$")

_ERRORS = (
    "packet_len_err",
    "advert_interval_err",
    "ip_ttl_err",
    "invalid_type_rcvd",
    "addr_list_err",
    "invalid_authtype",
    "authtype_mismatch",
    "auth_failure",
)


def host_addresses(text: str) -> set[str]:
    """``ip -json address``: the addresses of all interfaces, without prefix lengths."""
    return {
        str(ip_interface(info["local"]).ip)
        for entry in json.loads(text)
        for info in entry.get("addr_info", ())
        if "local" in info
    }


def sync_daemons(text: str) -> list[SyncDaemon]:
    """``ipvsadm --list --daemon``. Lines about other things are skipped."""
    found = []
    for line in text.splitlines():
        match = _DAEMON.match(line.strip())
        if match is None:
            continue
        role, interface, syncid, rest = match.groups()
        more = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        found.append(
            SyncDaemon(
                role=role,
                interface=interface,
                syncid=int(syncid),
                maxlen=_whole(more.get("maxlen")),
                group=more.get("group"),
                port=_whole(more.get("port")),
                ttl=_whole(more.get("ttl")),
            )
        )
    return found


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def running_instance(entry: Mapping[str, Any], configured: Mapping[str, Any] | None, held: set[str]) -> Instance:
    """One instance of keepalived's dump.

    :param configured: the instance in the file, which alone knows the peers; None if it is not there.
    :param held: the host's addresses.
    """
    data, stats = entry["data"], entry.get("stats", {})
    state = STATES.get(data["state"], f"unknown {data['state']}")
    return Instance(
        name=data["iname"],
        state=state,
        interface=data.get("ifp_ifname"),
        virtual_router_id=data["vrid"],
        version=data["version"],
        priority=data["base_priority"],
        effective_priority=data["effective_priority"],
        # 0 until an advert was received, and what it was then as long as this one is master
        master_priority=data["master_priority"] if state == "BACKUP" else None,
        advert_interval=data["adver_int"],
        master_advert_interval=data["master_adver_int"] if state == "BACKUP" else None,
        nopreempt=data["nopreempt"],
        **_addresses(data.get("vips", []), data.get("evips", []), held, state),
        last_transition=data["last_transition"],
        transitions={"became_master": stats.get("become_master", 0), "released_master": stats.get("release_master", 0)},
        adverts={
            "received": stats.get("advert_rcvd", 0),
            "sent": stats.get("advert_sent", 0),
            "priority_zero_received": stats.get("pri_zero_rcvd", 0),
            "priority_zero_sent": stats.get("pri_zero_sent", 0),
        },
        errors={name: stats[name] for name in _ERRORS if name in stats},
        peers=None if configured is None else _peers(configured),
    )


def stopped_instance(configured: Mapping[str, Any], defaults: Mapping[str, Any], held: set[str]) -> Instance:
    """An instance in the file of a keepalived that does not run. Its addresses may have stayed behind."""
    return Instance(
        name=configured["name"],
        state=STOPPED,
        interface=configured.get("interface"),
        virtual_router_id=configured.get("virtual_router_id"),
        version=version_of(configured, defaults),
        priority=configured.get("priority"),
        effective_priority=None,
        master_priority=None,
        advert_interval=configured.get("advert_int"),
        master_advert_interval=None,
        nopreempt=bool(configured.get("nopreempt")),
        **_addresses(
            [field(item, "ip") for item in configured.get("virtual_ipaddress", [])],
            [field(item, "ip") for item in configured.get("virtual_ipaddress_excluded", [])],
            held,
            STOPPED,
        ),
        last_transition=None,
        transitions=None,
        adverts=None,
        errors=None,
        peers=_peers(configured),
    )


def _peers(configured: Mapping[str, Any]) -> list[str]:
    return [field(item, "ip") for item in configured.get("unicast_peer", [])]


def _addresses(named: Iterable[str], excluded: Iterable[str], held: set[str], state: str) -> dict[str, list[str]]:
    """The addresses, and where they are. keepalived writes options behind them."""
    own, more = _plain(named), _plain(excluded)
    there = [ip for ip in own + more if ip in held]
    return {
        "addresses": own,
        "addresses_excluded": more,
        "addresses_held": there,
        "addresses_missing": [ip for ip in own + more if ip not in held] if state == "MASTER" else [],
        "addresses_orphaned": [] if state == "MASTER" else there,
    }


def _plain(texts: Iterable[str]) -> list[str]:
    return [str(ip_interface(text.split()[0]).ip) for text in texts]
