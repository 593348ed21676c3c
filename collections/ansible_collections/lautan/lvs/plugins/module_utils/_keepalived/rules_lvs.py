# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Which settings of virtual servers do not go together, or do something else than one would think."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import entries, field, repeated
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults

_HASHES = ("sh", "mh")


def lvs_rules(document: Mapping[str, Any], faults: Faults) -> None:
    groups = {item.get("name"): item for _path, item in entries(document, "virtual_server_groups")}
    repeated(
        ((f"{path}.name", item.get("name")) for path, item in entries(document, "virtual_server_groups")),
        "a name that",
        faults,
    )
    repeated(
        ((path, _identity(item)) for path, item in entries(document, "virtual_servers")), "the service that", faults
    )
    if groups and faults.too_old((2, 3, 0)):
        faults.warn("virtual_server_groups", "keepalived before 2.3.0 makes mistakes when a reload changes a group")
    for path, service in entries(document, "virtual_servers"):
        group = service.get("group")
        if group is not None and group not in groups:
            faults.add(f"{path}.group", group, "is not in virtual_server_groups")
        members = groups.get(group, {}).get("members", []) if group else []
        _protocol(path, service, members, faults)
        _port(path, service, members, faults)
        _scheduler(path, service, faults)
        _weights(path, service, faults)
        _defaults(path, service, faults)
        servers = list(entries(service, "real_servers", path))
        repeated(((where, _endpoint(item, service)) for where, item in servers), "the address and port that", faults)
        for where, server in servers:
            _real_server(where, server, service, members, faults)
            _checks(document, where, server, faults)
        if isinstance(service.get("sorry_server"), (str, Mapping)):
            _forwarding(
                f"{path}.sorry_server", service["sorry_server"], _sorry_method(service), service, members, faults
            )


def _identity(service: Mapping[str, Any]) -> Any:
    if "fwmark" in service:
        return "fwmark", service["fwmark"], service.get("ip_family", "inet")
    if "group" in service:
        return "group", service["group"], service.get("protocol", "UDP")
    return (service["ip"], service.get("port", 0), service.get("protocol", "UDP")) if service.get("ip") else None


def _endpoint(server: Any, service: Mapping[str, Any]) -> Any:
    ip = field(server, "ip")
    port = server.get("port") if isinstance(server, Mapping) else None
    return (ip, port if port is not None else service.get("port", 0)) if ip else None


def is_by_address(service: Mapping[str, Any], members: list[Any]) -> bool:
    """Whether it has an address, itself or in its group; else it goes by firewall marks alone."""
    return "ip" in service or any(isinstance(item, (str, Mapping)) and field(item, "ip") for item in members)


def _protocol(path: str, service: Mapping[str, Any], members: list[Any], faults: Faults) -> None:
    protocol = service.get("protocol")
    if is_by_address(service, members):
        if protocol is None:
            faults.missing(f"{path}.protocol", "is missing; keepalived would take UDP")
        if service.get("ops") and protocol in ("TCP", "SCTP"):
            faults.add(f"{path}.ops", True, f"one-packet scheduling needs UDP or a firewall mark, not {protocol}")
    elif protocol is not None and ("fwmark" in service or members):
        faults.add(f"{path}.protocol", protocol, "a firewall mark has no protocol")
    if service.get("ha_suspend") and ("fwmark" in service or any(field(item, "fwmark") for item in members if item)):
        faults.add(f"{path}.ha_suspend", True, "does not go with firewall marks")


def _port(path: str, service: Mapping[str, Any], members: list[Any], faults: Faults) -> None:
    if service.get("persistence_timeout") or service.get("persistence_granularity"):
        return
    message = "only services with persistence_timeout have port 0, which is every port"
    if "ip" in service and not service.get("port"):
        faults.add(f"{path}.port", service.get("port", 0), message)
    for member in members:
        if isinstance(member, str) or (isinstance(member, Mapping) and "ip" in member and not member.get("port")):
            faults.add(f"{path}.group", service["group"], f"{field(member, 'ip')} in it has no port; {message}")


def _scheduler(path: str, service: Mapping[str, Any], faults: Faults) -> None:
    scheduler = service.get("lvs_sched")
    for name in _HASHES:
        for key in (f"{name}-port", f"{name}-fallback"):
            if service.get(key) and scheduler != name:
                faults.add(f"{path}.{key}", True, f"needs lvs_sched {name}")
    if scheduler == "ovf" and service.get("protocol") == "UDP":
        faults.warn(f"{path}.lvs_sched", "ovf counts active connections, and UDP has none")


def _weights(path: str, service: Mapping[str, Any], faults: Faults) -> None:
    weights = [item.get("weight", service.get("weight", 1)) for _where, item in entries(service, "real_servers")]
    quorum, hysteresis = service.get("quorum", 1), service.get("hysteresis", 0)
    if not weights:
        return
    if not any(weights):
        faults.warn(f"{path}.real_servers", "all weights are 0: nothing gets new connections")
    elif quorum > sum(weights):
        faults.add(f"{path}.quorum", quorum, f"is more than the sum of all weights, {sum(weights)}")
    if hysteresis >= quorum and "hysteresis" in service:
        faults.add(f"{path}.hysteresis", hysteresis, f"must be less than quorum, {quorum}")


def _defaults(path: str, service: Mapping[str, Any], faults: Faults) -> None:
    """Defaults of keepalived that are hardly ever what is meant."""
    servers = [item for _where, item in entries(service, "real_servers")]
    if "lvs_method" not in service and not all("lvs_method" in item for item in servers):
        faults.warn(f"{path}.lvs_method", "is not set; keepalived then takes NAT")
    slow = [
        check
        for item in servers
        for check in item.get("checks", [])
        if check and check["type"] not in ("FILE_CHECK", "BFD_CHECK") and not {"delay_loop"} & {*check, *item}
    ]
    if slow and "delay_loop" not in service:
        faults.warn(f"{path}.delay_loop", "is not set; keepalived then checks once in 60 seconds")


def _method(owner: Any, service: Mapping[str, Any]) -> str:
    for item in (owner, service):
        if isinstance(item, Mapping) and item.get("lvs_method"):
            return field(item["lvs_method"], "method")
    return "NAT"


def _sorry_method(service: Mapping[str, Any]) -> str:
    chosen = service.get("sorry_server_lvs_method")
    return field(chosen, "method") if chosen else _method(None, service)


def _real_server(
    path: str, server: Mapping[str, Any], service: Mapping[str, Any], members: list[Any], faults: Faults
) -> None:
    _forwarding(path, server, _method(server, service), service, members, faults)
    low, high = server.get("lthreshold"), server.get("uthreshold")
    if low and high and low > high:
        faults.add(f"{path}.lthreshold", low, f"must not be more than uthreshold, {high}")


def _forwarding(
    path: str, server: Any, method: str, service: Mapping[str, Any], members: list[Any], faults: Faults
) -> None:
    """Only NAT can change a port, and only a tunnel can change the address family."""
    ip = field(server, "ip")
    port = server.get("port") if isinstance(server, Mapping) else None
    if ip and service.get("ip") and method != "TUN" and ip_address(ip).version != ip_address(service["ip"]).version:
        faults.add(f"{path}.ip", ip, "is of another address family than the virtual server; only TUN allows that")
    if port is None or method == "NAT":
        return
    if "fwmark" in service:
        faults.add(f"{path}.port", port, f"with {method} a firewall mark's real servers have no port")
    elif "ip" in service and port != service.get("port", 0):
        faults.add(f"{path}.port", port, f"must be that of the virtual server, {service.get('port', 0)}, with {method}")
    for member in members:
        there = member.get("port", 0) if isinstance(member, Mapping) and "ip" in member else 0
        if member and there != port:
            faults.add(f"{path}.port", port, f"must be that of all members of the group, with {method}")
            break


def _checks(document: Mapping[str, Any], path: str, server: Mapping[str, Any], faults: Faults) -> None:
    known = {
        "FILE_CHECK": ("track_file", "track_files"),
        "BFD_CHECK": ("name", "bfd_instances"),
    }
    for where, check in entries(server, "checks", path):
        if check["type"] in known:
            key, target = known[check["type"]]
            names = {item.get("name") for _path, item in entries(document, target)}
            if check.get(key) and check[key] not in names:
                faults.add(f"{where}.{key}", check[key], f"is not in {target}")
        if check["type"] == "FILE_CHECK" and faults.version and (2, 2, 8) <= faults.version < (2, 3, 3):
            faults.warn(where, "keepalived from 2.2.8 to 2.3.2 may crash of a FILE_CHECK")
        if check["type"] == "UDP_CHECK":
            _udp(where, check, faults)
        target, source = check.get("connect_ip"), check.get("bindto")
        if target and source and ip_address(target).version != ip_address(source).version:
            faults.add(f"{where}.bindto", source, "is of another address family than connect_ip")
        for url_path, url in entries(check, "url", where):
            if url.get("regex_no_match") and not url.get("regex"):
                faults.add(f"{url_path}.regex_no_match", True, "needs regex")


def _udp(path: str, check: Mapping[str, Any], faults: Faults) -> None:
    low, high = check.get("min_reply_length", 0), check.get("max_reply_length", 255)
    if low > high:
        faults.add(f"{path}.min_reply_length", low, f"must not be more than max_reply_length, {high}")
    if not check.get("require_reply"):
        faults.warn(f"{path}.require_reply", "is not set, so only an ICMP error, or no ARP reply, counts as a failure")
    for key in ("payload", "require_reply"):
        if isinstance(check.get(key), str) and check[key].lower().endswith("ff") and faults.too_old((2, 3, 3)):
            faults.add(f"{path}.{key}", check[key], "keepalived before 2.3.3 misreads a value that ends in ff")
