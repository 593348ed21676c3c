# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab consists of: nodes, networks, places on disk.

Names, groups and addresses of the nodes are read from ``inventory/lab/hosts.yml``, the same file the playbooks use.
What only a lab has (the networks around the nodes, who configures a node's network) stands here.

    client ── clients ── router ── lan ── director1 director2 rs1 rs2 rs3 rs4 monitor
                           │
                         uplink ── this machine (packages, the controller)
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import yaml

from .process import LabError

STATE = Path("/var/lib/lautan-lab")  # disks, keys: survives a reboot of this machine
RUN = Path("/run/lautan-lab")  # sockets, pids: does not
CACHE = Path("/var/cache/lautan-lab")  # images

ROOT = Path(__file__).resolve().parent.parent  # of the repository
INVENTORY = ROOT / "inventory" / "lab" / "hosts.yml"
ROUTER = "router"

# The nodes whose network is configured by ifupdown; systemd-networkd does the others. Both must work, in either role.
IFUPDOWN = frozenset({"director2", "rs3"})


def _mac(address: ipaddress.IPv4Address) -> str:
    """A locally administered MAC address that shows an IPv4 address: 02:00 and its four octets."""
    return ":".join(["02", "00", *(f"{octet:02x}" for octet in address.packed)])


@dataclass(frozen=True)
class Network:
    """One L2 segment: a bridge in the router, which is the default gateway of every node on it."""

    name: str
    ipv4: ipaddress.IPv4Network
    ipv6: ipaddress.IPv6Network

    @property
    def gateways(self) -> tuple[str, str]:
        """The router's addresses on this segment, with prefix length."""
        return (f"{self.ipv4[-2]}/{self.ipv4.prefixlen}", f"{self.ipv6[0xFE]}/{self.ipv6.prefixlen}")

    @property
    def mac(self) -> str:
        """The router's MAC address on this segment."""
        return _mac(self.ipv4[-2])


# 198.18.0.0/15 is for tests of network equipment (RFC 2544); fd00::/8 is private (RFC 4193).
LAN = Network("lan", ipaddress.IPv4Network("198.18.0.0/24"), ipaddress.IPv6Network("fd00:c612::/64"))
CLIENTS = Network("clients", ipaddress.IPv4Network("198.18.1.0/24"), ipaddress.IPv6Network("fd00:c612:0:1::/64"))
UPLINK = Network("uplink", ipaddress.IPv4Network("198.18.255.0/29"), ipaddress.IPv6Network("fd00:c612:0:ff::/64"))
NETWORKS = (LAN, CLIENTS)


@dataclass(frozen=True)
class Node:
    """One machine of the lab."""

    name: str
    role: str  # the inventory group: directors, real_servers, monitoring, spares or clients
    address: ipaddress.IPv4Address
    address6: ipaddress.IPv6Address
    network: Network

    @property
    def mac(self) -> str:
        """The MAC address of the node's one network card."""
        return _mac(self.address)

    @property
    def manager(self) -> str:
        """Who configures the network on this node: ``networkd`` or ``ifupdown``."""
        return "ifupdown" if self.name in IFUPDOWN else "networkd"


def nodes(inventory: Path = INVENTORY) -> dict[str, Node]:
    """Read the nodes from the inventory, by name.

    :raises LabError: when a host lacks an address or its address is on none of the lab's networks.
    """
    groups = yaml.safe_load(inventory.read_text())["all"]["children"]
    found: dict[str, Node] = {}
    for role in ("directors", "real_servers", "monitoring", "spares", "clients"):
        for name, variables in groups[role]["hosts"].items():
            try:
                address = ipaddress.IPv4Address(variables["ansible_host"])
                address6 = ipaddress.IPv6Address(variables["lvs_address6"])
            except (KeyError, TypeError, ValueError) as error:
                raise LabError(f"{inventory}: {name} needs ansible_host and lvs_address6 ({error})") from error
            for network in NETWORKS:
                if address in network.ipv4 and address6 in network.ipv6:
                    found[name] = Node(name, role, address, address6, network)
            if name not in found:
                raise LabError(f"{inventory}: {name} at {address}, {address6} is on none of the lab's networks")
    return found
