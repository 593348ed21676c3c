# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where people use the cluster from: schools, each a network of its own behind the lab's router.

A pupil is a network namespace with one network card, and programs are started in it. The router lets schools reach the
VIPs only: whatever works there works through the cluster, and not by accident.

    alice, bob      a pupil each, IPv4 and IPv6
    carol, dave     behind one IPv4 address: their school translates addresses
    erin            IPv6 only

Tests make the schools when they need them; `lab/lab down` removes them.
"""

from __future__ import annotations

import ipaddress
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from . import network
from .process import LabError, run, succeeds

_TABLE = "lautan_schools"


@dataclass(frozen=True)
class School:
    """One network behind the router. Its number is the third octet, and the fourth group, of its addresses."""

    name: str
    number: int
    pupils: tuple[str, ...]
    ipv4: bool = True
    ipv6: bool = True
    inside: int = 0  # the number of the network whose addresses the school translates

    @property
    def port(self) -> str:
        """The router's interface."""
        return f"school-{self.name}"


SCHOOLS = (
    School("alice", 2, ("alice",)),
    School("bob", 3, ("bob",)),
    School("village", 4, ("carol", "dave"), ipv6=False, inside=5),
    School("erin", 6, ("erin",), ipv4=False),
)
PUPILS = {pupil: school for school in SCHOOLS for pupil in school.pupils}


def inside(name: str, argv: list[str]) -> list[str]:
    """``argv``, to be run as a pupil, or on the gateway of a school that translates addresses."""
    return ["ip", "netns", "exec", _namespace(name), *argv]


def _namespace(name: str) -> str:
    return f"{network.NAMESPACE}-{name}"


def _addresses(number: int, host: int, school: School) -> list[str]:
    """A host's addresses in network ``number``, with prefix length."""
    ipv4 = [f"198.18.{number}.{host}/24"] if school.ipv4 else []
    return ipv4 + ([f"fd00:c612:0:{number}::{host}/64"] if school.ipv6 else [])


def address(pupil: str) -> str:
    """The pupil's address as the cluster sees it; the IPv4 one where there are two."""
    school = PUPILS[pupil]
    return _addresses(school.number, 11, school)[0].split("/")[0]


def up(vips: list[str]) -> None:
    """Make what is missing.

    :param vips: what schools may reach.
    :raises LabError: when there is no lab.
    """
    if not network.is_up():
        raise LabError("there is no lab to put schools into: `lab/lab up` makes it")
    if _is_up():
        return
    down()
    for school in SCHOOLS:
        _make(school)
    _guard([ipaddress.ip_address(vip) for vip in vips])


def _is_up() -> bool:
    """Tell whether everything is there; the packet filter's table is made last."""
    return succeeds(network.inside(["nft", "list", "table", "inet", _TABLE])) and all(
        network.port_exists(school.port) for school in SCHOOLS
    )


def _make(school: School) -> None:
    first = school.name if school.inside else school.pupils[0]
    _add_namespace(first)
    _add_cable(network.NAMESPACE, school.port, first)
    _add_addresses(network.NAMESPACE, school.port, _addresses(school.number, 254, school))
    _add_addresses(_namespace(first), "eth0", _addresses(school.number, 11, school))
    _add_gateway(first, _addresses(school.number, 254, school))
    if school.inside:
        _translate(school)


def _translate(school: School) -> None:
    """Put the pupils on a switch behind their school's gateway, which hides them."""
    gateway = _namespace(school.name)
    run(["ip", "-n", gateway, "link", "add", "lan", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"])
    _add_addresses(gateway, "lan", _addresses(school.inside, 254, school))
    for host, pupil in enumerate(school.pupils, start=11):
        _add_namespace(pupil)
        _add_cable(gateway, pupil, pupil)
        run(["ip", "-n", gateway, "link", "set", pupil, "master", "lan", "up"])
        _add_addresses(_namespace(pupil), "eth0", _addresses(school.inside, host, school))
        _add_gateway(pupil, _addresses(school.inside, 254, school))
    run(inside(school.name, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
    # As home and school routers do: what comes in belongs to something that went out.
    rules = """
        table ip nat {
            chain out { type nat hook postrouting priority srcnat
                oifname "eth0" masquerade
            }
            chain forward { type filter hook forward priority filter
                iifname "eth0" ct state != { established, related } counter drop
            }
        }
    """
    run(inside(school.name, ["nft", "-f", "-"]), stdin=rules)


def _add_namespace(name: str) -> None:
    run(["ip", "netns", "add", _namespace(name)])
    run(["ip", "-n", _namespace(name), "link", "set", "lo", "up"])


def _add_cable(near: str, port: str, pupil: str) -> None:
    """Lay a cable from ``port`` in namespace ``near`` to the pupil's network card."""
    peer = ["type", "veth", "peer", "name", "eth0", "netns", _namespace(pupil)]
    run(["ip", "-n", near, "link", "add", port, *peer])


def _add_addresses(namespace: str, device: str, addresses: list[str]) -> None:
    run(["ip", "-n", namespace, "link", "set", device, "up"])
    for each in addresses:
        run(["ip", "-n", namespace, "address", "add", each, "dev", device, *(["nodad"] if ":" in each else [])])


def _add_gateway(name: str, addresses: list[str]) -> None:
    for each in addresses:
        run(["ip", "-n", _namespace(name), "route", "add", "default", "via", each.split("/")[0]])


def _guard(vips: list[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> None:
    """Let schools send to the VIPs only, and get packets from the VIPs only."""
    to, of = [], []
    for version, family in ((4, "ip"), (6, "ip6")):
        if chosen := ", ".join(str(vip) for vip in vips if vip.version == version):
            to.append(f"{family} daddr {{ {chosen} }} accept")
            of.append(f"{family} saddr {{ {chosen} }} accept")
    newline = "\n                "
    rules = f"""
        table inet {_TABLE} {{
            set udp_blocked {{ type ifname; }}
            set https_only {{ type ifname; }}
            set unguarded {{ type ifname; }}
            chain forward {{
                type filter hook forward priority filter; policy accept;
                iifname "school-*" jump from_school
                oifname "school-*" jump to_school
            }}
            chain from_school {{
                iifname @udp_blocked meta l4proto udp counter drop
                iifname @https_only meta l4proto udp counter drop
                iifname @https_only tcp dport != 443 counter drop
                iifname @unguarded accept
                {newline.join(to)}
                counter reject with icmpx admin-prohibited
            }}
            chain to_school {{
                oifname @udp_blocked meta l4proto udp counter drop
                oifname @unguarded accept
                {newline.join(of)}
                counter drop
            }}
        }}
    """
    run(network.inside(["nft", "-f", "-"]), stdin=rules)


@contextmanager
def udp_blocked(pupil: str) -> Iterator[None]:
    """For as long as this lasts, the packet filter of the pupil's school drops UDP, both ways."""
    with _in_set("udp_blocked", pupil):
        yield


@contextmanager
def https_only(pupil: str) -> Iterator[None]:
    """For as long as this lasts, the packet filter of the pupil's school lets through TCP to port 443 only."""
    with _in_set("https_only", pupil):
        yield


@contextmanager
def unguarded(pupil: str) -> Iterator[None]:
    """For as long as this lasts, the pupil's school can reach every address: for a scan of the servers' own ones."""
    with _in_set("unguarded", pupil):
        yield


@contextmanager
def _in_set(name: str, pupil: str) -> Iterator[None]:
    element = ["element", "inet", _TABLE, name, f'{{ "{PUPILS[pupil].port}" }}']
    run(network.inside(["nft", "add", *element]))
    try:
        yield
    finally:
        run(network.inside(["nft", "delete", *element]), check=False)


def received(pupil: str) -> int:
    """How many bytes the pupil's network card has received so far."""
    return int(run(inside(pupil, ["cat", "/sys/class/net/eth0/statistics/rx_bytes"])))


def down() -> None:
    """Remove every school, and end what still runs there."""
    for name in (*PUPILS, *(school.name for school in SCHOOLS if school.inside)):
        for pid in run(["ip", "netns", "pids", _namespace(name)], check=False).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run(["ip", "netns", "delete", _namespace(name)], check=False)
    # A namespace, and its end of the cable, may live until the last process in it is gone.
    for school in SCHOOLS:
        run(["ip", "-n", network.NAMESPACE, "link", "delete", school.port], check=False)
    run(network.inside(["nft", "delete", "table", "inet", _TABLE]), check=False)
