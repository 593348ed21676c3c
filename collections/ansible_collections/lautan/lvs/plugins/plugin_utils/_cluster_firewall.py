# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What each host of the cluster has to let in, derived from the finished plan.

A rule names what may come in, each condition as narrow as the plan knows it; empty lists mean "any". What every host
lets in, such as ssh and ICMP, is no matter of the plan, and is in the role firewall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import SIGNALLING_PORT
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_forwarding import NAT

# The kernel's own: IP_VS_SYNC_GROUP and IP_VS_SYNC_PORT in include/net/ip_vs.h.
SYNC_GROUP: Final = "224.0.0.81"
SYNC_PORT: Final = 8848
# Where prometheus-node-exporter tells its metrics.
EXPORTER_PORT: Final = 9100

# By family: the key of a host's address, and the protocol of a tunnel.
_FAMILIES: Final = {"ipv4": ("address", "ipip"), "ipv6": ("address6", "ip6ip6")}
# What a check speaks, whatever the service does.
_CHECKED_OVER: Final = {"http": "tcp", "https": "tcp", "tcp": "tcp", "stun": "udp"}

Rule = dict[str, Any]


def firewall(plan: Mapping[str, Any]) -> dict[str, list[Rule]]:
    """The rules of each director and real server, by its name."""
    return {
        **{host["name"]: _director(plan, host) + _monitoring(plan, host) for host in plan["directors"]},
        **{host["name"]: _real_server(plan, host) + _monitoring(plan, host) for host in plan["real_servers"]},
    }


def _director(plan: Mapping[str, Any], host: Mapping[str, Any]) -> list[Rule]:
    peers = [peer["address"] for peer in plan["directors"] if peer["name"] != host["name"]]
    media = sorted({(service["first"], service["last"]) for service in plan["media_services"]})
    rules = _services(plan) + _media(plan, [f"{first}-{last}" for first, last in media])
    if peers:
        rules.append(_rule("VRRP of the other directors", "ipv4", "vrrp", peers, [host["address"]]))
        sync = "connections of the other directors"
        rules.append(_rule(sync, "ipv4", "udp", peers, [SYNC_GROUP], [str(SYNC_PORT)]))
    return rules


def _real_server(plan: Mapping[str, Any], host: Mapping[str, Any]) -> list[Rule]:
    rules = _services(plan)
    if plan["conference"] is not None:
        rules += _media(plan, ["{first}-{last}".format_map(host["media"])])
    for family, (key, tunnel) in _FAMILIES.items():
        own = [host[key]]
        directors = _addresses(plan["directors"], key)
        others = [address for address in _addresses(plan["real_servers"], key) if address not in own]
        services = [service for service in plan["virtual_services"] if service["family"] == family]
        if not services:
            continue
        if plan["forwarding"] == NAT:
            for protocol, ports in _ports(services, "protocol", "real_port").items():
                rules.append(_rule("services, through NAT", family, protocol, [], own, ports))
        for protocol, ports in _ports(services, "check", "real_port").items():
            rules.append(_rule("health checks", family, protocol, directors, own, ports))
        # Also while directors use no tunnels: they are told later of a change than real servers are.
        rules.append(_rule("tunnels from directors", family, tunnel, directors, own))
        if plan["conference"] is None:
            continue
        if family == "ipv4" and others:
            rules.append(_rule("signalling", family, "tcp", others, own, [str(SIGNALLING_PORT)]))
        if others:
            relay = "{first}-{last}".format_map(plan["conference"]["turn_relay"])
            rules.append(_rule("media for TURN clients", family, "udp", [*_vips(plan, family), *others], own, [relay]))
    return rules


def _services(plan: Mapping[str, Any]) -> list[Rule]:
    """What clients send to virtual IPs. With NAT no real server has any, and what is not there gets nothing."""
    rules = []
    for family in _FAMILIES:
        services = [service for service in plan["virtual_services"] if service["family"] == family]
        for protocol, ports in _ports(services, "protocol", "port").items():
            rules.append(_rule("services", family, protocol, [], _vips(plan, family), ports))
    return rules


def _media(plan: Mapping[str, Any], ranges: Sequence[str]) -> list[Rule]:
    if not ranges:
        return []
    return [
        _rule("media", family, "udp", [], _vips(plan, family), ranges) for family in _FAMILIES if _vips(plan, family)
    ]


def _monitoring(plan: Mapping[str, Any], host: Mapping[str, Any]) -> list[Rule]:
    sources = [other["address"] for other in plan["monitoring"]["hosts"] if other["name"] != host["name"]]
    if not sources:
        return []
    return [_rule("monitoring", "ipv4", "tcp", sources, [host["address"]], [str(plan["monitoring"]["port"])])]


def _ports(services: Sequence[Mapping[str, Any]], by: str, which: str) -> dict[str, list[str]]:
    """The ports, by the transport protocol of the services or of their checks."""
    found: dict[str, set[int]] = {}
    for service in services:
        protocol = service["protocol"] if by == "protocol" else _CHECKED_OVER.get(service["check"])
        if protocol is not None:
            ports = [service["port"]] if which == "port" else [real["port"] for real in service["real_servers"]]
            found.setdefault(protocol, set()).update(ports)
    return {protocol: [str(port) for port in sorted(found[protocol])] for protocol in sorted(found)}


def _vips(plan: Mapping[str, Any], family: str) -> list[str]:
    return [vip["address"] for vip in plan["vips"] if vip["family"] == family]


def _addresses(hosts: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return [host[key] for host in hosts if host[key] is not None]


def _rule(
    comment: str,
    family: str,
    protocol: str,
    sources: Sequence[str],
    destinations: Sequence[str],
    ports: Sequence[str] = (),
) -> Rule:
    return {
        "comment": comment,
        "family": family,
        "protocol": protocol,
        "sources": list(sources),
        "destinations": list(destinations),
        "ports": list(ports),
    }
