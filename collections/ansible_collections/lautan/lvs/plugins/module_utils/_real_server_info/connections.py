# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The TCP connections of a real server, sorted by what they are for. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Iterable, Iterator, NamedTuple

# ss(8): what may still carry data, at least in one direction. In the last two this host has ended the connection, and
# the end of what it had to say may not have been sent yet.
_STATES = ("established", "close-wait", "fin-wait-1", "last-ack")
COMMAND = ("ss", "--no-header", "--tcp", "--numeric", *(word for state in _STATES for word in ("state", state)))

# Where Janus takes WebSockets, and coturn TCP.
SIGNALLING_PORT = 8188
TURN_PORTS = (3478, 5349)


class Socket(NamedTuple):
    """The two ends of a connection: address and port of this host, and of the other side."""

    local: str
    port: int
    peer: str
    peer_port: int


class Connections(NamedTuple):
    """How many connections clients have to the VIPs, and of these those for signalling and for TURN."""

    total: int
    websockets: int
    turn: int

    @property
    def other(self) -> int:
        """Requests under way, and connections that are kept for the next one."""
        return max(0, self.total - self.websockets - self.turn)


def sockets(text: str) -> list[Socket]:
    """Read what ss printed.

    :raises ValueError: if that is not what is expected.
    """
    return list(_sockets(text))


def _sockets(text: str) -> Iterator[Socket]:
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if len(words) < 4:
            raise ValueError(f"ss: {line.strip()!r} is not understood")
        yield Socket(*_end(words[-2]), *_end(words[-1]))


def _end(text: str) -> tuple[str, int]:
    address, _colon, port = text.rpartition(":")
    # "%" is followed by an interface.
    found = ip_address(address.strip("[]").partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found), int(port)


def count(
    found: Iterable[Socket],
    vips: Iterable[str],
    signalling_port: int,
    turn_ports: Iterable[int],
    ports: Iterable[int] = (),
    not_clients: Iterable[str] = (),
) -> Connections:
    """Count the connections of clients.

    A host that asks itself, at a VIP from a VIP, is no client: so it looks after its health, and so the web server
    passes TURN on that came to its own port.

    :param vips: in their canonical spelling.
    :param ports: those that clients come to; any if there are none.
    :param not_clients: addresses of others who come there, in their canonical spelling.
    :param signalling_port: of Janus. The web server has one connection there for each WebSocket of a client.
    """
    vips, turn_ports, ports, others = map(frozenset, (vips, turn_ports, ports, not_clients))
    total = websockets = turn = 0
    for socket in found:
        is_own = socket.peer in vips
        is_wanted = (not ports or socket.port in ports) and socket.peer not in others
        if socket.local in vips and not is_own and is_wanted:
            total += 1
            turn += socket.port in turn_ports
        elif is_own and socket.peer_port in turn_ports:
            turn += 1
        websockets += socket.peer_port == signalling_port
    return Connections(total, websockets, turn)
