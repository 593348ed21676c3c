# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Compare what a document asks for with what keepalived and the kernel have."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import addresses_in
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules_vrrp import version_of

_TABLE_LINE = re.compile(
    r"^-A (?:(?P<flag>-t|-u|--sctp-service) (?P<address>\S+)|-f (?P<mark>-?\d+)(?P<v6> -6)?)"
    r"(?: .*?)? -s (?P<scheduler>\S+)"
)
_PROTOCOLS = {"-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP"}

# keepalived/include/vrrp.h: VRRP_STATE_FAULT
_FAULT = 3

# What a service is called here: "TCP 192.0.2.1:80", "fwmark 5 inet". The value is the scheduler.
Services = Mapping[str, str]


def instance_differences(document: Mapping[str, Any], dump: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each difference between the instances asked for and those that run."""
    wanted = {item["name"]: item for item in document.get("vrrp_instances", [])}
    found = {item["data"]["iname"]: item["data"] for item in dump}
    lines = [f"VRRP instance {name}: does not run" for name in wanted if name not in found]
    lines += [f"VRRP instance {name}: runs, but was not asked for" for name in found if name not in wanted]
    for name in wanted:
        if name in found:
            lines += _instance(name, wanted[name], document.get("global_defs", {}), found[name])
    return lines


def without_fault(dump: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of the instances that are not in FAULT."""
    return {item["data"]["iname"] for item in dump if item["data"].get("state") != _FAULT}


def new_faults(able: set[str], dump: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each instance in FAULT of those that were not."""
    there = {item["data"]["iname"] for item in dump}
    return [
        f"VRRP instance {name}: is in FAULT, and was not before" for name in sorted(able & there - without_fault(dump))
    ]


def _instance(name: str, wanted: Mapping[str, Any], defaults: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    pairs = [
        ("virtual_router_id", wanted.get("virtual_router_id"), found.get("vrid")),
        ("version", version_of(wanted, defaults), found.get("version")),
    ]
    if "priority" in wanted:
        pairs.append(("priority", wanted["priority"], found.get("base_priority")))
    if "advert_int" in wanted:
        pairs.append(("advert_int", wanted["advert_int"], found.get("adver_int")))
    if "nopreempt" in wanted:
        pairs.append(("nopreempt", True, found.get("nopreempt")))
    for key, field_name in (("virtual_ipaddress", "vips"), ("virtual_ipaddress_excluded", "evips")):
        asked = [field(item, "ip") for item in wanted.get(key, [])]
        pairs.append((key, _addresses(asked), _addresses(found.get(field_name, []))))
    return [
        f"VRRP instance {name}: {key} wanted {asked}, found {there}" for key, asked, there in pairs if asked != there
    ]


def _addresses(texts: Sequence[str]) -> list[str]:
    """Without what is behind the address: with a peer, keepalived shows the peer's prefix length there."""
    return sorted(str(ip_interface(text.split()[0]).ip) for text in texts)


def wanted_services(document: Mapping[str, Any]) -> dict[str, str]:
    """The services that the kernel must have, whatever the health of their real servers is.

    Not those with ha_suspend, which keepalived has only while their VIP is here, and not groups that it turns into
    firewall marks of its own choice (nftables_ipvs).
    """
    groups = {item["name"]: item["members"] for item in document.get("virtual_server_groups", [])}
    own_marks = bool(document.get("global_defs", {}).get("nftables_ipvs"))
    found: dict[str, str] = {}
    for item in document.get("virtual_servers", []):
        if item.get("ha_suspend") or ("group" in item and own_marks):
            continue
        scheduler = item["lvs_sched"]
        if "fwmark" in item:
            found[_mark(item["fwmark"], _family(item))] = scheduler
        elif "group" in item:
            found.update(dict.fromkeys(_members(item, groups.get(item["group"], [])), scheduler))
        else:
            found[_service(item["protocol"], item["ip"], item.get("port", 0))] = scheduler
    return found


def _members(item: Mapping[str, Any], members: Sequence[Any]) -> list[str]:
    names = []
    for member in members:
        if isinstance(member, Mapping) and "fwmark" in member:
            names.append(_mark(member["fwmark"], member.get("family") or _family(item)))
            continue
        port = member.get("port", 0) if isinstance(member, Mapping) else 0
        version, numbers = addresses_in(field(member, "ip"))
        for number in numbers:
            ip = ip_address(number) if version == 4 else ip_address(number.to_bytes(16, "big"))
            names.append(_service(item["protocol"], str(ip), port))
    return names


def _family(item: Mapping[str, Any]) -> str:
    """What keepalived makes of a firewall mark without a family: that of the real servers."""
    if "ip_family" in item:
        return item["ip_family"]
    versions = {ip_address(server["ip"]).version for server in item["real_servers"]}
    return "inet6" if versions == {6} else "inet"


def _mark(mark: int, family: str) -> str:
    return f"fwmark {mark} {family}"


def _service(protocol: str, ip: str, port: int) -> str:
    return f"{protocol} [{ip}]:{port}" if ":" in ip else f"{protocol} {ip}:{port}"


def kernel_services(text: str) -> dict[str, str]:
    """``ipvsadm --save --numeric``."""
    found = {}
    for line in text.splitlines():
        match = _TABLE_LINE.match(line)
        if match is None:
            continue
        if match.group("mark"):
            # Printed as a signed number
            mark = int(match.group("mark")) % 2**32
            name = _mark(mark, "inet6" if match.group("v6") else "inet")
        else:
            ip, _colon, port = match.group("address").rpartition(":")
            name = _service(_PROTOCOLS[match.group("flag")], str(ip_address(ip.strip("[]"))), int(port))
        found[name] = match.group("scheduler")
    return found


def service_differences(wanted: Services, before: Services, found: Services) -> list[str]:
    """One line for each difference. Services that keepalived never had are somebody else's.

    :param before: the services of the configuration that was replaced.
    """
    lines = [f"virtual server {name}: is not in the kernel" for name in wanted if name not in found]
    lines += [
        f"virtual server {name}: scheduler wanted {wanted[name]}, found {found[name]}"
        for name in wanted
        if name in found and wanted[name] != found[name]
    ]
    lines += [
        f"virtual server {name}: was removed from the configuration, but is in the kernel still"
        for name in before
        if name not in wanted and name in found
    ]
    return lines
