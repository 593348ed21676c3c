# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""An IPVS table as plain values.

Everything here is a tuple or a dict of tuples: a table of many thousands of real servers is read, compared and written
on each run, and named tuples are built and compared faster than anything else with names.

All texts are canonical, so that equal values mean the same to the kernel: addresses as inet_ntop(3) writes them,
scheduler flags by the names and in the order of ``ipvsadm -S``, a netmask only where it is not the whole address.
"""

from __future__ import annotations

from typing import Dict, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils import _failures

PROTOCOLS = ("tcp", "udp", "sctp")
METHODS = ("dr", "nat", "tun")
TUNNEL_TYPES = ("ipip", "gue", "gre")
CHECKSUMS = ("none", "csum", "remcsum")
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos")
ENGINES = ("sip",)
# In the order in which ipvsadm prints them.
OWN_FLAGS = {"sh": ("sh-fallback", "sh-port"), "mh": ("mh-fallback", "mh-port")}
NUMBERED_FLAGS = ("flag-1", "flag-2", "flag-3")
DEFAULT_SCHEDULER = "wlc"

MAX_PORT = 65535
MAX_WEIGHT = 65535
MAX_FWMARK = 2**32 - 1
MAX_THRESHOLD = 2**31 - 1
MAX_TIMEOUT = 31 * 24 * 60 * 60


class ServiceKey(NamedTuple):
    """What tells one virtual service from all others."""

    # Empty for a firewall mark, as is the address; the port is 0 then.
    protocol: str
    address: str
    port: int
    # 0 unless it is a firewall mark.
    fwmark: int
    # 4 or 6
    family: int


class Scheduling(NamedTuple):
    """What ``ipvsadm -E`` can change of a virtual service."""

    scheduler: str = DEFAULT_SCHEDULER
    flags: tuple[str, ...] = ()
    # Of persistence, in seconds; 0 without persistence.
    timeout: int = 0
    # As ipvsadm takes it: dotted for IPv4, a prefix length for IPv6. Empty for the whole address.
    netmask: str = ""
    engine: str = ""
    one_packet: bool = False


class RealKey(NamedTuple):
    """What tells one real server from all others of its service."""

    address: str
    port: int


class Forwarding(NamedTuple):
    """What ``ipvsadm -e`` can change of a real server."""

    method: str = "dr"
    weight: int = 1
    # These three are for tunnels only. The port is for gue only; ipip has no checksum.
    tunnel_type: str = ""
    tunnel_port: int = 0
    tunnel_checksum: str = ""
    upper_threshold: int = 0
    lower_threshold: int = 0


class Service(NamedTuple):
    """A virtual service with its real servers."""

    scheduling: Scheduling
    real_servers: dict[RealKey, Forwarding]


Table = Dict[ServiceKey, Service]


class Step(NamedTuple):
    """One command of ipvsadm, by the letter it has there: ``A E D`` for services, ``a e d`` for real servers."""

    verb: str
    service: ServiceKey
    scheduling: Scheduling | None = None
    real: RealKey | None = None
    forwarding: Forwarding | None = None


def family_of(address: str) -> int:
    return 6 if ":" in address else 4


class NotReached(_failures.NotReached):  # the state, after all commands went well
    """ipvsadm did not complain, but the kernel does not hold what it was given."""

    def __init__(self, differences: list[str], applied: list[str]) -> None:
        super().__init__(differences)
        self.applied = applied


class Incomplete(Exception):  # noqa: N818  # the state, after some commands failed
    """ipvsadm complained while it changed the table, or it did not and the table could not be read again.

    :ivar cause: what it said, or what could not be read.
    :ivar applied: the commands that the kernel has accepted, or None if that could not be found out.
    :ivar not_applied: the other commands, or None.
    """

    def __init__(self, cause: Exception, applied: list[str] | None, not_applied: list[str] | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.applied = applied
        self.not_applied = not_applied
