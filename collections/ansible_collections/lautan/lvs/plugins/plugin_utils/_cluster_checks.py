# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The facts of a cluster one after the other: what each may be, and what it may be beside the others.

Every function reads what it is named after. What is wrong is reported to the common list of mistakes, and left out of
the result, so that one mistake is not echoed by others.

Ports are UDP port numbers, both ends of a range included. Weights have no unit. "Segment" is the one LAN (broadcast
domain) of directors, real servers and virtual IPs: direct server return rewrites nothing but the MAC address
(ipvsadm(8), ``--gatewaying``), so a real server behind a router can never receive anything, but for one at the end of
a tunnel.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import (
    FAMILIES,
    Facts,
    Unusable,
    hosts_shown,
    ip_address,
    ip_network,
    shown,
    why_no_address,
)

if TYPE_CHECKING:
    import netaddr

# keepalived.conf(5) "lvs_sched" and ipvsadm(8) "--scheduler" agree on this list.
SCHEDULERS: Final = (
    *("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"),
    *("mh", "sed", "nq", "fo", "ovf", "twos"),
)

# ipvsadm(8), "--weight". 0 is legal: no new connections (drained).
WEIGHT_RANGE: Final = (0, 65535)
# RFC 6335, 6: ports below 1024 are system ports, which an unprivileged media server cannot bind.
PORT_RANGE: Final = (1024, 65535)
# Ports follow from it, so there can be no more.
PLACE_RANGE: Final = (1, 65535)
# With BUNDLE and rtcp-mux (RFC 9143, RFC 5761) ICE uses one UDP port for each PeerConnection. Hence no even/odd pairs
# of RTP and RTCP: an odd number of ports is fine. The smallest conference is two people, each with one PeerConnection
# to publish and one to receive: 4 ports. A range with less cannot serve anybody.
MIN_MEDIA_PORTS: Final = 4

_PORTS: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
# RFC 1123, 2.1 and RFC 1034, 3.5.
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAX_NAME: Final = 253


@dataclass(frozen=True)
class Networks:
    """Networks by IP version; ``complete`` is false when one could not be read, so that its family is unknown.

    With ``anywhere`` hosts may be outside as well.
    """

    of: Mapping[int, netaddr.IPNetwork]
    complete: bool
    anywhere: bool = False


@dataclass(frozen=True)
class Vip:
    """A virtual IP: the label of its list element, the address as the operator wrote it, and as it was read."""

    label: str
    text: str
    address: netaddr.IPAddress


@dataclass(frozen=True)
class Host:
    """A director or real server with what could be read of its addresses, by IP version."""

    name: str
    facts: Facts
    addresses: Mapping[int, netaddr.IPAddress]


@dataclass(frozen=True)
class Ports:
    """A range of UDP ports, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def overlaps(self, other: Ports) -> bool:
        return self.first <= other.last and other.first <= self.last

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def read_domain(cluster: Facts) -> str | None:
    """The host name that browsers use, in lower case."""
    value = cluster.value("lvs_domain")
    if value is None:
        cluster.missing("lvs_domain", "the DNS name that browsers use is required")
        return None
    return None if isinstance(value, Unusable) else checked_host_name(cluster, "lvs_domain", value)


def checked_host_name(cluster: Facts, label: str, value: object) -> str | None:
    """A host name in lower case."""
    if ip_address(value) is not None:
        cluster.wrong(label, value, "is an IP address; browsers and certificates need a DNS name")
        return None
    labels = value.split(".") if isinstance(value, str) else []
    # A last label of digits only would make it an IPv4 address to a browser, and RFC 1123 rules it out.
    if (
        not isinstance(value, str)
        or len(value) > _MAX_NAME
        or labels[-1].isdigit()
        or not all(_LABEL.fullmatch(part) for part in labels)
    ):
        cluster.wrong(label, value, "is not a host name (RFC 1123, 2.1); write non-ASCII names as xn--...")
        return None
    return value.lower()


def read_networks(cluster: Facts) -> Networks:
    """The segment's network of each IP version."""
    elements = cluster.elements("lvs_networks", "['198.18.0.0/24']")
    if elements is None:
        if cluster.value("lvs_networks") is None:
            cluster.missing("lvs_networks", "the network of the segment is required, for example ['198.18.0.0/24']")
        return Networks({}, complete=False)
    found: dict[int, netaddr.IPNetwork] = {}
    complete = True
    for label, value in elements:
        network = ip_network(value)
        if network is None:
            cluster.wrong(label, value, "is not a network in CIDR notation, such as 198.18.0.0/24")
            complete = False
            continue
        if network.ip != network.network:
            cluster.wrong(label, value, f"has host bits set; probably {network.cidr} was meant")
        if network.is_multicast() or network.is_loopback() or network.is_link_local():
            cluster.wrong(label, value, "hosts cannot have unicast addresses of a LAN segment in this network")
        if network.version in found:
            title = FAMILIES[network.version][1]
            cluster.wrong(label, value, f"is a second {title} network beside {found[network.version]}; one at most")
        found.setdefault(network.version, network.cidr)
    if 4 not in found and complete:
        cluster.wrong(
            "lvs_networks",
            [value for _label, value in elements],
            "has no IPv4 network, and directors and real servers need IPv4 addresses",
        )
    return Networks(found, complete)


def read_vips(cluster: Facts, networks: Networks) -> list[Vip]:
    """The virtual IPs that could be read; collisions with hosts are found later."""
    elements = cluster.elements("lvs_vips", "['198.18.0.100']")
    if not elements:
        if elements == [] or cluster.value("lvs_vips") is None:
            cluster.missing("lvs_vips", "at least one virtual IP is required, for example ['198.18.0.100']")
        return []
    vips = read_addresses(cluster, elements, networks)
    values = [value for _label, value in elements]
    addresses = [ip_address(value) for value in values]
    if None in addresses:
        return vips  # it may be the one that the checks below would miss
    versions = {address.version for address in addresses if address is not None}
    if 4 not in versions:
        cluster.wrong(
            "lvs_vips",
            values,
            "has no IPv4 address: directors speak VRRP over IPv4, whose adverts must name one; IPv6 ones move with it",
        )
    if 6 in networks.of and 6 not in versions:
        cluster.wrong("lvs_networks", str(networks.of[6]), "an IPv6 network needs an IPv6 address in lvs_vips")
    return vips


def read_addresses(cluster: Facts, elements: Sequence[tuple[str, Any]], networks: Networks) -> list[Vip]:
    """The addresses of a list that could be read, each of them on the segment and there once."""
    found: list[Vip] = []
    for label, value in elements:
        address = ip_address(value)
        if address is None:
            cluster.wrong(label, value, why_no_address(value))
            continue
        twin = next((vip for vip in found if vip.address == address), None)
        if twin is not None:
            cluster.wrong(label, value, f"is the same address as {twin.label}={shown(twin.text)}")
            continue
        wrong = why_not_on_segment(address, networks)
        if wrong:
            cluster.wrong(label, value, wrong)
        found.append(Vip(label, value, address))
    return found


def read_scheduler(cluster: Facts) -> str | None:
    value = cluster.value("lvs_scheduler")
    return None if isinstance(value, Unusable) else checked_scheduler(cluster, "lvs_scheduler", value)


def checked_scheduler(cluster: Facts, label: str, value: object) -> str | None:
    if value in SCHEDULERS:
        return str(value)
    close = difflib.get_close_matches(value.lower(), SCHEDULERS, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {close[0]}?" if close else ""
    cluster.wrong(label, value, f"is no IPVS scheduler; the schedulers are {' '.join(SCHEDULERS)}{hint}")
    return None


def check_tls(cluster: Facts) -> None:
    """Certificate and private key are two paths that make sense together only."""
    names = ("lvs_tls_certificate", "lvs_tls_private_key")
    values = {name: cluster.value(name) for name in names}
    for name, other in (names, names[::-1]):
        value = values[name]
        if value is None or isinstance(value, Unusable):
            continue
        if not isinstance(value, str) or not value.startswith("/"):
            # copy searches the directories of roles and playbook for a relative one, modules do not.
            cluster.wrong(
                name,
                value,
                "must be an absolute path and begin with '/', not with '~': any other means different files to the"
                " modules and to copy",
            )
        if values[other] is None:
            cluster.wrong(name, value, f"needs {other} as well: set both or neither")


def read_host(values: Mapping[str, Any], networks: Networks, vip6: Vip | None, mistakes: list[str]) -> Host:
    """Read the addresses of one director or real server."""
    facts = Facts(values, mistakes, values["name"])
    addresses: dict[int, netaddr.IPAddress] = {}
    for version, name in ((4, "lvs_address"), (6, "lvs_address6")):
        value, hint = facts.value(name), ""
        if value is None and version == 4:
            value, source = _default_address(facts, values["name"])
            hint = f"; it is {source}, so set lvs_address"
        elif value is None and vip6 is not None:
            facts.missing(name, f"the IPv6 address {vip6.label}={shown(vip6.text)} needs it for checks and forwarding")
        if value is None or isinstance(value, Unusable):
            continue
        address = ip_address(value)
        if address is None:
            facts.wrong(name, value, why_no_address(value))
        elif address.version != version:
            facts.wrong(name, value, f"must be an {FAMILIES[version][1]} address")
        else:
            wrong = why_not_on_segment(address, networks)
            # A missing IPv4 network was reported once, and not once more for every host.
            if wrong and (version == 6 or version in networks.of):
                facts.wrong(name, value, wrong + hint)
            addresses[version] = address
    return Host(values["name"], facts, addresses)


def _default_address(facts: Facts, host: str) -> tuple[str | None, str]:
    """The IPv4 address that the inventory states for the connection, if it states one, and where."""
    connection = facts.value("ansible_host")
    if isinstance(connection, Unusable):
        return None, ""
    for candidate, source in ((connection, "ansible_host"), (host, "the inventory name")):
        address = ip_address(candidate)
        if address is not None and address.version == 4:
            return candidate, source
    said = f"ansible_host={shown(connection)}" if connection is not None else f"the host name {shown(host)}"
    facts.missing("lvs_address", f"{said} is no IPv4 address, and the plan needs the host's address on the LAN segment")
    return None, ""


def check_unique(cluster: Facts, vips: Sequence[Vip], hosts: Sequence[Host]) -> None:
    """No address may belong to two hosts, or to a host and to the cluster."""
    owners: dict[netaddr.IPAddress, str] = {}
    for host in hosts:
        for version, address in host.addresses.items():
            name = "lvs_address" if version == 4 else "lvs_address6"
            owner = owners.setdefault(address, host.name)
            # A host in both groups was reported as such.
            if owner != host.name:
                host.facts.wrong(name, str(address), f"is the address of {hosts_shown([owner])} as well")
    for vip in vips:
        if vip.address in owners:
            owner = hosts_shown([owners[vip.address]])
            cluster.wrong(vip.label, vip.text, f"is the address of {owner}; a virtual IP must be nobody's own")


def read_weights(cluster: Facts, real_servers: Sequence[Host]) -> dict[str, int]:
    """The weight of each real server, by name."""
    weights = {
        host.name: host.facts.integer("lvs_weight", WEIGHT_RANGE, "ipvsadm(8); 0 is drained") for host in real_servers
    }
    if weights and all(weight == 0 for weight in weights.values()):
        cluster.wrong(
            "lvs_weight", 0, f"is the weight of every real server ({hosts_shown(list(weights))}): none serves"
        )
    return {name: weight for name, weight in weights.items() if weight is not None}


def read_places(cluster: Facts, real_servers: Sequence[Host]) -> dict[str, int]:
    """The place of each real server, by name: counted from 1, without those of ``lvs_vacant_places``.

    Ports and marks follow from it, so that a real server that leaves moves nobody.
    """
    vacant = {
        cluster.checked_integer(label, value, PLACE_RANGE, "a place in the list of real servers, as it was before")
        for label, value in cluster.elements("lvs_vacant_places", "[3]") or []
    }
    free = (place for place in count(1) if place not in vacant)
    return {host.name: next(free) for host in real_servers}


def read_media(cluster: Facts, real_servers: Sequence[Host], places: Mapping[str, int]) -> dict[str, Ports]:
    """The UDP ports of each real server, by name: its own ``lvs_media_ports``, or the range of its place.

    A host with ports of its own still takes up its place, so that giving one host a range moves no other.
    """
    lowest, highest = PORT_RANGE
    first = cluster.integer("lvs_media_first_port", PORT_RANGE, "UDP port")
    size = cluster.integer(
        "lvs_media_ports_per_server",
        (MIN_MEDIA_PORTS, highest - lowest + 1),
        "UDP ports, one for each PeerConnection; two people need 4",
    )
    ranges: dict[str, Ports] = {}
    given: set[str] = set()
    beyond: list[tuple[str, Ports]] = []
    for host in real_servers:
        value = host.facts.value("lvs_media_ports")
        if value is not None:
            given.add(host.name)
            ports = None if isinstance(value, Unusable) else _given_ports(host.facts, value)
            if ports is not None:
                ranges[host.name] = ports
        elif first is not None and size is not None:
            ports = Ports(first + (places[host.name] - 1) * size, first + places[host.name] * size - 1)
            ranges[host.name] = ports
            if ports.last > highest:
                beyond.append((host.name, ports))
    if beyond:
        host_name, ports = beyond[0]
        cluster.wrong(
            "lvs_media_first_port",
            first,
            f"with lvs_media_ports_per_server={size} gives {hosts_shown([host_name])} ports {ports}, above {highest}",
        )
    for one, other in combinations(real_servers, 2):
        if not {one.name, other.name} & given or not {one.name, other.name} <= ranges.keys() or one.name == other.name:
            continue  # two derived ranges never overlap
        if ranges[one.name].overlaps(ranges[other.name]):
            culprit, victim = (other, one) if other.name in given else (one, other)
            source = "" if victim.name in given else " (by its place in the inventory)"
            culprit.facts.wrong(
                "lvs_media_ports",
                str(ranges[culprit.name]),
                f"overlaps {ranges[victim.name]} of {hosts_shown([victim.name])}{source}",
            )
    return ranges


def _given_ports(facts: Facts, value: object) -> Ports | None:
    """Parse ``first-last``."""
    match = _PORTS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        facts.wrong("lvs_media_ports", value, "must be first-last, for example '20000-20999'")
        return None
    ports = Ports(int(match[1]), int(match[2]))
    lowest, highest = PORT_RANGE
    if ports.first > ports.last:
        facts.wrong("lvs_media_ports", value, "has its first port after its last")
        return None
    if ports.first < lowest or ports.last > highest:
        facts.wrong("lvs_media_ports", value, f"must be within {lowest}-{highest}")
    if ports.size < MIN_MEDIA_PORTS:
        facts.wrong(
            "lvs_media_ports",
            value,
            f"must hold at least {MIN_MEDIA_PORTS} UDP ports, one for each PeerConnection of two people",
        )
    return ports


def why_not_on_segment(address: netaddr.IPAddress, networks: Networks) -> str | None:
    """What keeps the address from being a host's on the segment, or ``None``."""
    if networks.anywhere:
        no_host = address.is_multicast() or address.is_loopback() or address.is_link_local() or int(address) == 0
        return "is no address that packets could be sent to in a tunnel" if no_host else None
    network = networks.of.get(address.version)
    if network is None:
        title = FAMILIES[address.version][1]
        return f"is an {title} address, and lvs_networks has no {title} network" if networks.complete else None
    if address not in network:
        return f"is outside {network} (lvs_networks), the one LAN segment of directors, real servers and virtual IPs"
    # Networks of one or two addresses have none to spare for these (RFC 3021, RFC 6164).
    if network.size > 2 and int(address) == network.first:
        # RFC 4291, 2.6.1: in IPv6 it is the anycast address of all routers.
        return f"is the network address of {network}"
    if network.size > 2 and address.version == 4 and int(address) == network.last:
        return f"is the broadcast address of {network}"
    return None
