# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Which VRRP settings do not go together. keepalived drops or changes one of them, with no more than a warning."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any, Iterator, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import entries, field, repeated
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults

_LONGEST_PASSWORD = 8
_OWNER = 255
# What a v3 advert can carry: 12 bits of hundredths of a second
_V3_LONGEST = 40.95

_TRACKED = {
    "track_script": "vrrp_scripts",
    "track_file": "track_files",
    "track_process": "vrrp_track_processes",
    "track_bfd": "bfd_instances",
}


def vrrp_rules(document: Mapping[str, Any], faults: Faults) -> None:
    defaults = document.get("global_defs", {})
    for key in (*_TRACKED.values(), "vrrp_instances", "vrrp_sync_groups", "track_groups"):
        repeated(((f"{path}.name", item.get("name")) for path, item in entries(document, key)), "a name that", faults)
    for path, instance in entries(document, "vrrp_instances"):
        version = version_of(instance, defaults)
        _interface(path, instance, faults)
        _priority(path, instance, faults)
        _advert(path, instance, version, faults)
        _authentication(path, instance, version, faults)
        _addresses(path, instance, version, faults)
        _peers(path, instance, faults)
        _references(document, path, instance, faults)
    _same_router(document, faults)
    _sync_groups(document, faults)
    _sync_daemon(document, faults)


def family_of(instance: Mapping[str, Any]) -> int:
    """4 or 6: what its addresses are, or else its peers."""
    for key in ("virtual_ipaddress", "unicast_peer"):
        for item in instance.get(key, []):
            if field(item, "ip"):
                return ip_interface(field(item, "ip")).version
    return 4


def version_of(instance: Mapping[str, Any], defaults: Mapping[str, Any]) -> int:
    """The version of VRRP that keepalived uses for it."""
    return instance.get("version") or (3 if family_of(instance) == 6 else defaults.get("vrrp_version") or 2)


def _interface(path: str, instance: Mapping[str, Any], faults: Faults) -> None:
    interface = instance.get("interface")
    if interface == "lo":
        faults.add(f"{path}.interface", interface, "VRRP does not run on a loopback interface")
    if interface is None and not instance.get("unicast_src_ip"):
        faults.missing(f"{path}.interface", "is missing; only with unicast_src_ip it need not be there")


def _priority(path: str, instance: Mapping[str, Any], faults: Faults) -> None:
    owner = instance.get("priority") == _OWNER
    for key in ("nopreempt", "preempt_delay"):
        if not instance.get(key):
            continue
        if instance.get("state") == "MASTER":
            faults.add(f"{path}.{key}", instance[key], "needs state BACKUP; with MASTER it has no effect")
        if owner:
            faults.add(f"{path}.{key}", instance[key], "does not go with priority 255")
    if instance.get("nopreempt") and instance.get("preempt"):
        faults.add(f"{path}.preempt", True, "does not go with nopreempt")
    if instance.get("nopreempt") and instance.get("preempt_delay"):
        faults.add(f"{path}.preempt_delay", instance["preempt_delay"], "does not go with nopreempt")
    if instance.get("accept") and instance.get("no_accept"):
        faults.add(f"{path}.no_accept", True, "does not go with accept")


def _advert(path: str, instance: Mapping[str, Any], version: int, faults: Faults) -> None:
    interval = instance.get("advert_int")
    if interval is None:
        return
    if version == 2 and interval != int(interval):
        faults.add(f"{path}.advert_int", interval, "must be a whole number of seconds with VRRP version 2")
    elif version == 3 and interval > _V3_LONGEST:
        faults.add(f"{path}.advert_int", interval, f"must be at most {_V3_LONGEST} with VRRP version 3")
    elif version == 3 and abs(interval * 100 - round(interval * 100)) > 1e-6:
        faults.add(f"{path}.advert_int", interval, "must be a multiple of 0.01 with VRRP version 3")


def _authentication(path: str, instance: Mapping[str, Any], version: int, faults: Faults) -> None:
    authentication = instance.get("authentication")
    if authentication is None:
        return
    if version == 3:
        faults.missing(f"{path}.authentication", "VRRP version 3 has none; keepalived would ignore it")
    password = authentication.get("auth_pass")
    if password and len(password.encode()) > _LONGEST_PASSWORD:
        faults.add_secret(f"{path}.authentication.auth_pass", f"is longer than {_LONGEST_PASSWORD} bytes")
    if authentication.get("auth_type") == "AH":
        if family_of(instance) == 6:
            faults.add(f"{path}.authentication.auth_type", "AH", "does not go with IPv6")
        if instance.get("state") == "MASTER" and instance.get("priority") != _OWNER:
            faults.add(f"{path}.authentication.auth_type", "AH", "needs state BACKUP")


def _addresses(path: str, instance: Mapping[str, Any], version: int, faults: Faults) -> None:
    addresses = [item for item in instance.get("virtual_ipaddress", []) if field(item, "ip")]
    if not addresses and not instance.get("no_virtual_ipaddress"):
        faults.missing(f"{path}.virtual_ipaddress", "is missing; an instance has at least one address")
    if addresses and instance.get("no_virtual_ipaddress"):
        faults.add(f"{path}.no_virtual_ipaddress", True, "does not go with virtual_ipaddress")
    family = family_of(instance)
    for index, item in enumerate(instance.get("virtual_ipaddress", [])):
        ip = field(item, "ip")
        if ip and ip_interface(ip).version != family:
            faults.add(
                f"{path}.virtual_ipaddress[{index}]",
                ip,
                "is of another address family than the first; put it under virtual_ipaddress_excluded",
            )
    if family == 6 and version == 2:
        faults.add(f"{path}.version", version, "IPv6 needs VRRP version 3")
    repeated(
        (
            (f"{path}.{key}[{index}]", str(ip_interface(field(item, "ip"))))
            for key in ("virtual_ipaddress", "virtual_ipaddress_excluded")
            for index, item in enumerate(instance.get(key, []))
            if item and field(item, "ip")
        ),
        "an address that",
        faults,
    )


def _peers(path: str, instance: Mapping[str, Any], faults: Faults) -> None:
    own, family = instance.get("unicast_src_ip"), family_of(instance)
    if own and ip_address(own).version != family:
        faults.add(f"{path}.unicast_src_ip", own, "is of another address family than the instance")
    if own and not instance.get("unicast_peer") and not instance.get("unicast_fault_no_peer"):
        faults.warn(f"{path}.unicast_src_ip", "there is no unicast_peer, so keepalived uses multicast")
    for index, item in enumerate(instance.get("unicast_peer", [])):
        peer = field(item, "ip")
        if peer and ip_address(peer).version != family:
            faults.add(f"{path}.unicast_peer[{index}]", peer, "is of another address family than the instance")
        elif peer and peer == own:
            faults.add(f"{path}.unicast_peer[{index}]", peer, "is unicast_src_ip, the director itself")
    if instance.get("unicast_peer") and instance.get("mcast_dst_ip"):
        faults.add(f"{path}.mcast_dst_ip", instance["mcast_dst_ip"], "does not go with unicast_peer")


def _references(document: Mapping[str, Any], path: str, item: Mapping[str, Any], faults: Faults) -> None:
    """What is tracked must be there."""
    for key, target in _TRACKED.items():
        known = {other.get("name") for _path, other in entries(document, target)}
        for index, tracked in enumerate(item.get(key, [])):
            name = field(tracked, "name")
            if name and name not in known:
                faults.add(f"{path}.{key}[{index}]", name, f"is not in {target}")


def _same_router(document: Mapping[str, Any], faults: Faults) -> None:
    """Two instances hear each other if interface, VRID, address family and peers, or multicast group, are the same."""

    def identities() -> Iterator[tuple[str, Any]]:
        for path, instance in entries(document, "vrrp_instances"):
            peers = [field(item, "ip") for item in instance.get("unicast_peer", [])]
            for peer in peers or [instance.get("mcast_dst_ip")]:
                router = instance.get("virtual_router_id")
                if router is not None:
                    yield path, (instance.get("interface"), router, f"IPv{family_of(instance)}", peer)

    first: dict[Any, str] = {}
    for path, identity in identities():
        other = first.setdefault(identity, path)
        if other != path:
            message = f"{other} has the same on the same interface {identity[0]}"
            faults.add(f"{path}.virtual_router_id", identity[1], message)


def _sync_groups(document: Mapping[str, Any], faults: Faults) -> None:
    known = {item.get("name") for _path, item in entries(document, "vrrp_instances")}
    member_of: dict[str, str] = {}
    for path, group in entries(document, "vrrp_sync_groups"):
        members = group.get("group", [])
        for index, name in enumerate(members):
            here = f"{path}.group[{index}]"
            if name is None:
                continue
            if name not in known:
                faults.add(here, name, "is not in vrrp_instances")
            other = member_of.setdefault(name, here)
            if other != here:
                faults.add(here, name, f"is at {other} as well; an instance is in one group at most")
        if len(members) == 1:
            faults.add(f"{path}.group", members, "must have two members at least")
        _references(document, path, group, faults)
    for path, group in entries(document, "track_groups"):
        for index, name in enumerate(group.get("group", [])):
            if name and name not in known:
                faults.add(f"{path}.group[{index}]", name, "is not in vrrp_instances")


def _sync_daemon(document: Mapping[str, Any], faults: Faults) -> None:
    path = "global_defs.lvs_sync_daemon"
    daemon = document.get("global_defs", {}).get("lvs_sync_daemon")
    if daemon is None:
        return
    name = daemon.get("inst") if isinstance(daemon, Mapping) else None
    if name is None:
        faults.warn(path, "has no inst, so the master and the backup sync daemon both run all the time")
    elif name not in {item.get("name") for _path, item in entries(document, "vrrp_instances")}:
        faults.add(f"{path}.inst", name, "is not in vrrp_instances")
