# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Virtual servers as plain values: the same ones, whether a file or the running keepalived tells of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Iterable, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    NUMBERED_FLAGS,
    OWN_FLAGS,
    Forwarding,
    RealKey,
    Scheduling,
    ServiceKey,
    family_of,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import WHOLE_ADDRESS, flag_names


class Member(NamedTuple):
    """A real server, or the sorry server, as it is configured: with the weight that it has while all is well.

    :ivar inhibit: it gets the weight 0 when it fails, and is not taken out.
    """

    forwarding: Forwarding
    inhibit: bool = False


class VirtualServer(NamedTuple):
    """A virtual server as it is configured.

    :ivar keys: the services that the kernel has for it: one, or those of its group.
    :ivar real_servers: by their ports with NAT; otherwise the port is 0 and stands for that of the service.
    """

    keys: tuple[ServiceKey, ...]
    scheduling: Scheduling
    real_servers: dict[RealKey, Member]
    sorry: tuple[RealKey, Member] | None = None


class Health(NamedTuple):
    """What keepalived makes of a real server at the moment.

    :ivar is_set: keepalived put it into the kernel and has not taken it out again.
    """

    alive: bool
    is_set: bool
    weight: int


class Running(NamedTuple):
    """A virtual server with which keepalived runs, and how it is."""

    virtual_server: VirtualServer
    has_quorum: bool
    health: dict[RealKey, Health]


def address_keys(protocol: str, version: int, numbers: Iterable[int], port: int) -> tuple[ServiceKey, ...]:
    """The services of addresses, which are given as numbers."""
    kind = IPv6Address if version == 6 else IPv4Address
    return tuple(ServiceKey(protocol, canonical(str(kind(number))), port, 0, version) for number in numbers)


def mark_key(mark: int, family: int) -> ServiceKey:
    return ServiceKey("", "", 0, mark, family)


def real_key(address: str, port: int, forwarding: Forwarding) -> RealKey:
    """How a virtual server names its real server: see VirtualServer."""
    return RealKey(canonical(address), port if forwarding.method == "nat" else 0)


def kernel_key(real: RealKey, forwarding: Forwarding, service: ServiceKey) -> RealKey:
    """How the kernel names a real server of one of the services."""
    return real if forwarding.method == "nat" else RealKey(real.address, service.port)


def scheduling_of(scheduler: str, flags: Iterable[str], timeout: int, netmask: str, one_packet: bool) -> Scheduling:
    """:param flags: those that the scheduler does not have, or ipvsadm does not show, are left out."""
    own = OWN_FLAGS.get(scheduler)
    known = NUMBERED_FLAGS if own is None else (*own, *NUMBERED_FLAGS[: len(own)])
    names = flag_names(scheduler, [flag for flag in flags if flag in known])
    netmask = "" if netmask in WHOLE_ADDRESS.values() else netmask
    return Scheduling(scheduler, names, timeout, netmask, one_packet=one_packet)


def forwarding_of(
    method: str, weight: int, kind: str = "ipip", port: int = 0, checksum: str = "none", upper: int = 0, lower: int = 0
) -> Forwarding:
    """:param method: as keepalived calls it. :param kind: of the tunnel, as the rest of what is about tunnels."""
    if method != "TUN":
        return Forwarding(method.lower(), weight, "", 0, "", upper, lower)
    return Forwarding("tun", weight, kind, port, "" if kind == "ipip" else checksum, upper, lower)


def family_number(name: str) -> int:
    """:param name: ``inet`` or ``inet6``."""
    return 6 if name == "inet6" else 4


def family_of_all(addresses: Iterable[str]) -> int:
    """The family of a firewall mark that is given none: that of its real servers, IPv4 if they are of both."""
    return 6 if {family_of(address) for address in addresses} == {6} else 4
