# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The services of a cluster (``lvs_services``): what each may be, and what it may be beside everything else.

As in _cluster_checks, what is wrong is reported to the common list of mistakes and left out of the result. A service
is one port of every virtual IP; what keepalived makes of it is in keepalived.conf(5), "VIRTUAL_SERVER".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import (
    Host,
    Networks,
    Ports,
    Vip,
    checked_scheduler,
    why_not_on_segment,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_entry import Entry
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import (
    FAMILIES,
    Facts,
    hosts_shown,
    ip_address,
    why_no_address,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_forwarding import NAT

if TYPE_CHECKING:
    import netaddr

KEYS: Final = (
    *("name", "protocol", "port", "real_port", "scheduler", "persistence", "one_packet"),
    *("check", "check_path", "check_content", "quorum", "sorry_server"),
)
PROTOCOLS: Final = ("tcp", "udp")
CHECKS: Final = ("http", "https", "tcp", "stun", "none")
HTTP_CHECKS: Final = ("http", "https")
DEFAULT_CHECK_PATH: Final = "/lb-ok"
# Where the role web answers. There /lb-ok/VIP is answered only by a real server that has the virtual IP.
WEB_PORTS: Final = {"http": 80, "https": 443}

# RFC 6335, 6: 0 is reserved.
PORT_RANGE: Final = (1, 65535)
# keepalived's LVS_MAX_TIMEOUT: 31 days.
PERSISTENCE_RANGE: Final = (0, 31 * 86400)
# keepalived reads an unsigned int; the sum of the weights is a narrower limit.
QUORUM_RANGE: Final = (1, 2**32 - 1)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# RFC 3986, 3.3 and 3.4, but for "'", and for what keepalived expands wherever it is: $_NAME, ~SEQ(...), ~LST(...).
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!&*+,;=:@%/?-]{0,255}")
# keepalived reads lines of 1022 bytes, and a character of the text may need four of them there.
_CONTENT: Final = re.compile(r"[\x20-\x7e]{1,200}")
# An IPv6 address can only have a port behind it in brackets (RFC 3986, 3.2.2).
_ENDPOINT: Final = re.compile(r"(?:\[([^]]*:[^]]*)]|([^:]*))(?::([0-9]{1,9}))?")
_EXAMPLE: Final = "[{name: https, port: 443, check: https}]"


@dataclass(frozen=True)
class SorryServer:
    """What a virtual service forwards to while its quorum is lost: the label of the value, and what was read of it."""

    label: str
    text: str
    address: netaddr.IPAddress
    port: int | None


@dataclass(frozen=True)
class Service:
    """One service with what could be read of it. ``label`` is that of its list element, such as ``lvs_services[0]``."""

    label: str
    name: str | None
    protocol: str | None
    port: int | None
    real_port: int | None
    scheduler: str | None
    persistence: int | None
    one_packet: bool
    check: str | None
    check_path: str | None
    check_content: str | None
    quorum: int | None
    sorry_servers: tuple[SorryServer, ...]

    def check_path_for(self, vip: Vip) -> str | None:
        """The path that is asked for where the service is checked for this virtual IP."""
        if self.check not in HTTP_CHECKS or self.check_path is not None:
            return self.check_path
        is_web = self.port == WEB_PORTS[self.check]
        return f"{DEFAULT_CHECK_PATH}/{vip.address}" if is_web else DEFAULT_CHECK_PATH

    def sorry_server(self, version: int) -> str | None:
        """The address of this IP version."""
        return next((str(sorry.address) for sorry in self.sorry_servers if sorry.address.version == version), None)


def read_services(cluster: Facts, scheduler: str | None, forwarding: str | None) -> list[Service]:
    """The services, each checked on its own; ``scheduler`` is for those that name none."""
    elements = cluster.elements("lvs_services", _EXAMPLE)
    if elements == []:
        cluster.wrong("lvs_services", [], f"a cluster needs at least one service, for example {_EXAMPLE}")
    services = []
    for label, values in elements or []:
        if isinstance(values, Mapping):
            services.append(_service(cluster, label, values, scheduler, forwarding))
        else:
            cluster.wrong(label, values, "must be a dictionary, for example {name: https, port: 443, check: https}")
    _check_unique(cluster, services)
    return services


def _service(
    cluster: Facts, label: str, values: Mapping[Any, Any], scheduler: str | None, forwarding: str | None
) -> Service:
    entry = Entry(cluster, label, values)
    entry.check_keys(KEYS, "a service")
    if entry.value("name") is None:
        entry.missing("name", "each service needs one, such as https")
    protocol, protocol_given = "tcp", entry.value("protocol") is not None
    if protocol_given:
        protocol = entry.choice("protocol", PROTOCOLS, "; SCTP is not supported")
    port = None
    if entry.value("port") is None:
        entry.missing("port", "the service's port is required, on the virtual IPs and, by default, on the real servers")
    else:
        port = entry.integer("port", PORT_RANGE, "port", 0)
    if entry.value("scheduler") is not None:
        scheduler = checked_scheduler(cluster, f"{label}.scheduler", entry.value("scheduler"))
    check = _check(entry, protocol)
    return Service(
        label=label,
        name=entry.text("name", _NAME, "must consist of letters, digits and . _ - (at most 63)"),
        protocol=protocol,
        port=port,
        real_port=_real_port(entry, port, forwarding),
        scheduler=scheduler,
        persistence=entry.integer("persistence", PERSISTENCE_RANGE, "seconds; 0 is none, 2678400 are 31 days", 0),
        one_packet=_one_packet(entry, protocol),
        check=check,
        check_path=_check_path(entry, check, forwarding),
        check_content=_check_content(entry, check),
        quorum=entry.integer("quorum", QUORUM_RANGE, "keepalived.conf(5): a sum of weights", 1),
        sorry_servers=_sorry_servers(cluster, entry, check),
    )


def _real_port(entry: Entry, port: int | None, forwarding: str | None) -> int | None:
    if entry.value("real_port") is None:
        return port
    real_port = entry.integer("real_port", PORT_RANGE, "port", 0)
    if forwarding not in (NAT, None) and None not in (port, real_port) and port != real_port:
        entry.wrong("real_port", f"is not the service's port, {port}, and only lvs_forwarding=nat can change it")
    return real_port


def _one_packet(entry: Entry, protocol: str | None) -> bool:
    value = entry.value("one_packet", False)
    if not isinstance(value, bool):
        entry.wrong("one_packet", "must be true or false")
    elif value and protocol == "tcp":
        entry.wrong("one_packet", "is for UDP only: a TCP connection has more than one packet")
    return value is True


def _check(entry: Entry, protocol: str | None) -> str | None:
    """The kind of check. UDP has no handshake to look at, so that there is no good guess."""
    if entry.value("check") is None:
        if protocol == "udp":
            entry.missing("check", f"a UDP service must say how it is checked: {' '.join(CHECKS)}")
        return "tcp" if protocol == "tcp" else None
    check = entry.choice("check", CHECKS)
    if check == "stun" and protocol == "tcp":
        entry.wrong("check", "asks over UDP, so that it needs protocol udp; for TCP there are http https tcp none")
    return check


def _check_path(entry: Entry, check: str | None, forwarding: str | None) -> str | None:
    path = entry.text("check_path", _PATH, "must begin with / and consist of characters of a URL, at most 256")
    if check in HTTP_CHECKS:
        # With NAT real servers have no virtual IP that they could be asked for.
        return path or (DEFAULT_CHECK_PATH if forwarding == NAT else None)
    _only_http(entry, "check_path", check)
    return None


def _check_content(entry: Entry, check: str | None) -> str | None:
    content = entry.text("check_content", _CONTENT, "must be 1 to 200 printable ASCII characters")
    if check in HTTP_CHECKS:
        return content
    _only_http(entry, "check_content", check)
    return None


def _only_http(entry: Entry, key: str, check: str | None) -> None:
    # A check that could not be read was reported, and may have been meant to be one of these.
    if check is not None and entry.value(key) is not None:
        entry.wrong(key, f"is for the checks {' and '.join(HTTP_CHECKS)} only, not for {check}")


def _sorry_servers(cluster: Facts, entry: Entry, check: str | None) -> tuple[SorryServer, ...]:
    value, label = entry.value("sorry_server"), f"{entry.label}.sorry_server"
    if value is None:
        return ()
    if check == "none":
        entry.wrong("sorry_server", "would never be used: with check none no real server is ever taken out")
    if isinstance(value, str):
        endpoints = [(label, value)]
    elif isinstance(value, (list, tuple)):
        endpoints = [(f"{label}[{index}]", item) for index, item in enumerate(value)]
    else:
        entry.wrong("sorry_server", "must be an address or a list of addresses, one for each address family")
        return ()
    found: dict[int, SorryServer] = {}
    for where, text in endpoints:
        sorry = _endpoint(cluster, where, text)
        if sorry is None:
            continue
        first = found.setdefault(sorry.address.version, sorry)
        if first is not sorry:
            title = FAMILIES[sorry.address.version][1]
            cluster.wrong(where, text, f"is a second {title} sorry server beside {first.text}; one at most")
    return tuple(found.values())


def _endpoint(cluster: Facts, label: str, text: object) -> SorryServer | None:
    """Parse ``address``, ``address:port`` or ``[IPv6 address]:port``."""
    address, port = ip_address(text), None
    match = _ENDPOINT.fullmatch(text) if isinstance(text, str) else None
    if address is None and match is not None:
        address, port = ip_address(match[1] or match[2]), match[3]
    if address is None:
        cluster.wrong(label, text, f"{why_no_address(text)}; write address, address:port or [IPv6 address]:port")
        return None
    return SorryServer(label, str(text), address, None if port is None else int(port))


def _check_unique(cluster: Facts, services: Sequence[Service]) -> None:
    """Two services may share neither their name, nor protocol and port."""
    names: dict[str, Service] = {}
    ports: dict[tuple[str, int], Service] = {}
    for service in services:
        if service.name is not None:
            first = names.setdefault(service.name, service)
            if first is not service:
                cluster.wrong(f"{service.label}.name", service.name, f"is the name of {first.label} as well")
        if service.protocol is not None and service.port is not None:
            first = ports.setdefault((service.protocol, service.port), service)
            if first is not service:
                what = f"is the {service.protocol.upper()} port of {first.label} as well"
                cluster.wrong(f"{service.label}.port", service.port, what)


def check_service_ports(cluster: Facts, services: Sequence[Service], media: Mapping[str, Ports]) -> None:
    """What comes for a media port goes to one real server by its packet mark, and never to a virtual service."""
    for service in services:
        if service.protocol != "udp":
            continue
        used = {"port": service.port, "real_port": None if service.real_port == service.port else service.real_port}
        for (host, ports), (key, port) in product(media.items(), used.items()):
            if port is not None and ports.first <= port <= ports.last:
                what = f"is one of the UDP ports for media of {hosts_shown([host])}, {ports}"
                cluster.wrong(f"{service.label}.{key}", port, what)


def check_quorums(
    cluster: Facts, services: Sequence[Service], real_servers: Sequence[Host], weights: Mapping[str, int]
) -> None:
    """keepalived lowers a quorum that all real servers together cannot reach, and goes on."""
    total = sum(weights.values())
    if total == 0 or any(host.name not in weights for host in real_servers):
        return  # reported as such
    for service in services:
        if service.quorum is not None and service.quorum > total:
            what = f"is more than the weights (lvs_weight) of all real servers together, {total}"
            cluster.wrong(f"{service.label}.quorum", service.quorum, what)


def check_sorry_servers(
    cluster: Facts, services: Sequence[Service], vips: Sequence[Vip], networks: Networks, hosts: Sequence[Host]
) -> None:
    """A sorry server gets packets as a real server does, and must be none."""
    owners = {address: hosts_shown([host.name]) for host in hosts for address in host.addresses.values()}
    owners |= {vip.address: f"{vip.label}, a virtual IP" for vip in vips}
    given = cluster.value("lvs_vips")
    # A virtual IP that could not be read may be the one of the family.
    all_read = isinstance(given, (list, tuple)) and len(given) == len(vips)
    versions = {vip.address.version for vip in vips}
    for service in services:
        for sorry in service.sorry_servers:
            version, title = sorry.address.version, FAMILIES[sorry.address.version][1]
            if all_read and version not in versions:
                cluster.wrong(sorry.label, sorry.text, f"is an {title} address, and lvs_vips has no {title} address")
            elif sorry.address in owners:
                what = f"is the address of {owners[sorry.address]}; a sorry server must be another host"
                cluster.wrong(sorry.label, sorry.text, what)
            elif version == 6 or version in networks.of:
                # A missing IPv4 network was reported once, and not once more for every address.
                wrong = why_not_on_segment(sorry.address, networks)
                if wrong:
                    cluster.wrong(sorry.label, sorry.text, wrong)
            if sorry.port is not None and service.port is not None and sorry.port != service.port:
                what = f"has another port than the service, {service.port}, which it must serve on the same one"
                cluster.wrong(sorry.label, sorry.text, what)
