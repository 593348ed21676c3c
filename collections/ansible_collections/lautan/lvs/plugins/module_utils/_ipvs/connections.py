# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The kernel's list of connections, /proc/net/ip_vs_conn."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Iterator, Mapping, NamedTuple, Union

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import joined

PATH = "/proc/net/ip_vs_conn"

Network = Union[IPv4Network, IPv6Network]


class End(NamedTuple):
    """One end of a connection."""

    address: str
    port: int


class Connection(NamedTuple):
    """One line of the list.

    :ivar expires: seconds until the entry is forgotten, unless there are more packets.
    :ivar is_template: whether it is no connection, but tells where connections of a persistent client go.
    """

    protocol: str
    client: End
    virtual: End
    real_server: End
    state: str
    expires: int
    is_template: bool


class Filter(NamedTuple):
    """Which connections are wanted; None is any."""

    service: Network | None = None
    client: Network | None = None
    real_server: Network | None = None

    def wants(self, connection: Connection) -> bool:
        ends = (connection.virtual, connection.client, connection.real_server)
        return all(
            network is None or ip_address(end.address) in network
            for network, end in zip((self.service, self.client, self.real_server), ends)
        )


def read_filter(options: Mapping[str, Any], mistakes: list[str]) -> Filter:
    """Read the networks, each of which may be a single address."""
    networks = {}
    for name in Filter._fields:
        value = options.get(name)
        if value is None:
            continue
        try:
            networks[name] = ip_network(value, strict=False)
        except ValueError:
            mistakes.append(f"{name}={value!r}: must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32")
    return Filter(**networks)


def parse_connections(text: str) -> Iterator[Connection]:
    """Read the list, which has a title line.

    :raises ValueError: if a line is not understood.
    """
    for line in text.splitlines()[1:]:
        words = line.split()
        try:
            protocol, client, client_port, virtual, virtual_port, real, real_port, state, expires = words[:9]
            yield Connection(
                protocol.lower(),
                End(_address(client), int(client_port, 16)),
                End(_address(virtual), int(virtual_port, 16)),
                End(_address(real), int(real_port, 16)),
                state,
                int(expires),
                # Only a template has no port of the client.
                int(client_port, 16) == 0,
            )
        except (ValueError, OSError) as exc:
            raise ValueError(f"{PATH} has the line {line!r}: {exc}") from None


def _address(text: str) -> str:
    """Eight hexadecimal digits for IPv4, everything written out for IPv6."""
    if ":" in text:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))
    if len(text) != 8:
        raise ValueError(text)
    return socket.inet_ntop(socket.AF_INET, bytes.fromhex(text))


def describe_connection(connection: Connection) -> dict[str, Any]:
    """Give a connection as the module returns it."""
    return {
        "protocol": connection.protocol,
        "client": joined(*connection.client),
        "virtual": joined(*connection.virtual),
        "real_server": joined(*connection.real_server),
        "state": connection.state,
        "expires": connection.expires,
        "template": connection.is_template,
    }
