# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Derive the whole plan of an LVS-DR cluster from the few facts an operator states.

plan is a pure function: no Ansible, no files, no network, no clock. Equal descriptions give equal plans. Whatever is
wrong with a description is found in one go and raised as PlanError, one line for each mistake, so that an operator
does not repair a cluster one error message at a time.

Every mistake has the form ``variable=value on host 'name': what is wrong``, with the value as the operator wrote it.

Ports are UDP port numbers, both ends of a range included. Weights have no unit. "Segment" is the one LAN (broadcast
domain) of directors, real servers and virtual IPs: direct server return rewrites nothing but the MAC address
(ipvsadm(8), ``--gatewaying``), so a real server behind a router can never receive anything.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Any, Final

# Guarded, as every import from outside the standard library must be in a collection; plan() raises it again.
NETADDR_IMPORT_ERROR: ImportError | None = None
try:
    import netaddr
except ImportError as exc:
    NETADDR_IMPORT_ERROR = exc

DEFAULTS: Final[Mapping[str, Any]] = {
    "lvs_vrid": 50,
    "lvs_vrids_taken": (),
    # Maglev hashing: every director computes the same choice from the same servers, so a connection survives a failover
    # even if it was never synchronised, and few connections move when a server comes or goes.
    "lvs_scheduler": "mh",
    "lvs_media_first_port": 20000,
    "lvs_media_ports_per_server": 200,
    "lvs_weight": 1,
}

CLUSTER_VARIABLES: Final = frozenset(
    {
        "lvs_domain",
        "lvs_networks",
        "lvs_vips",
        "lvs_vrid",
        "lvs_vrids_taken",
        "lvs_scheduler",
        "lvs_media_first_port",
        "lvs_media_ports_per_server",
        "lvs_tls_certificate",
        "lvs_tls_private_key",
    }
)
HOST_VARIABLES: Final = frozenset({"lvs_address", "lvs_address6", "lvs_weight", "lvs_media_ports"})

# Names that begin with lvs_ and mean nothing to the plan. A role that gives operators a variable of this prefix adds
# its name here; any other lvs_* name that a host has is reported as a typing error.
OTHER_VARIABLES: Final = frozenset({"lvs_plan", "lvs_secrets_directory"})

# keepalived.conf(5) "lvs_sched" and ipvsadm(8) "--scheduler" agree on this list.
SCHEDULERS: Final = (
    *("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"),
    *("mh", "sed", "nq", "fo", "ovf", "twos"),
)

# RFC 5798, 5.2.3 (unchanged in RFC 9568): 0 is no virtual router.
VRID_RANGE: Final = (1, 255)
# RFC 5798, 5.2.4: 255 belongs to the owner of the address (no director owns a VIP), 0 is said by a master that leaves.
# A backup waits (256 - priority) / 256 of an advertisement interval after a master has left (RFC 5798, 6.1), so
# priorities near the top make a planned switchover many times faster than the customary 150 and 100.
HIGHEST_PRIORITY: Final = 254
MAX_DIRECTORS: Final = 250
# ipvsadm(8), "--weight". 0 is legal: no new connections (drained).
WEIGHT_RANGE: Final = (0, 65535)
# RFC 6335, 6: ports below 1024 are system ports, which an unprivileged media server cannot bind.
PORT_RANGE: Final = (1024, 65535)
# With BUNDLE and rtcp-mux (RFC 9143, RFC 5761) ICE uses one UDP port for each PeerConnection. Hence no even/odd pairs
# of RTP and RTCP: an odd number of ports is fine. The smallest conference is two people, each with one PeerConnection
# to publish and one to receive: 4 ports. A range with less cannot serve anybody.
MIN_MEDIA_PORTS: Final = 4
# Real server number n (from 0) gets packet mark 1001 + n. On a director nothing else may set or match marks from 1001
# to 1000 + the number of real servers: no nftables or iptables rule, no policy routing ("ip rule fwmark"), no other
# fwmark service in IPVS, and not keepalived's "nftables_ipvs", whose marks count up from 1000 unless told otherwise.
FIRST_MARK: Final = 1001

# Each VIP offers these. Direct server return keeps the port, so the real server's port is the same one.
VIRTUAL_SERVICES: Final = (("https", 443), ("http", 80))

_FAMILIES: Final[Mapping[int, tuple[str, str, int]]] = {4: ("ipv4", "IPv4", 32), 6: ("ipv6", "IPv6", 128)}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_PORTS: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
# Narrows what netaddr gets to see: no zone ("%eth0"), no white space, no surrogates.
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}")
# RFC 1123, 2.1 and RFC 1034, 3.5.
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAX_NAME: Final = 253
_HOSTS_SHOWN: Final = 3


class PlanError(ValueError):
    """The description cannot become a cluster.

    ``mistakes`` holds one line of text for each mistake; ``str()`` is a heading and these lines.
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        heading = f"The cluster description has {count} mistake{'' if count == 1 else 's'}:"
        return "\n".join([heading, *(f"- {mistake}" for mistake in self.mistakes)])


@dataclass(frozen=True)
class Unusable:
    """Stands for the value of a variable that could not be collected.

    ``mistake`` is the complete line to report where the plan needs the value. An empty one means that nobody tried to
    read it, and that what depends on it is to be left unchecked in silence.
    """

    mistake: str = ""


@dataclass(frozen=True)
class Description:
    """What an operator states about a cluster.

    ``cluster`` maps names of CLUSTER_VARIABLES to values. ``directors`` and ``real_servers`` hold one mapping for each
    host, in inventory order: ``name`` (required), ``ansible_host`` and names of HOST_VARIABLES. ``None`` means "not
    set". The names of the two groups serve the messages only.
    """

    cluster: Mapping[str, Any] = field(default_factory=dict)
    directors: Sequence[Mapping[str, Any]] = ()
    real_servers: Sequence[Mapping[str, Any]] = ()
    directors_group: str = "directors"
    real_servers_group: str = "real_servers"


@dataclass(frozen=True)
class _Networks:
    """Networks by IP version; ``complete`` is false when one could not be read, so that its family is unknown."""

    of: Mapping[int, netaddr.IPNetwork]
    complete: bool


@dataclass(frozen=True)
class _Vip:
    label: str
    text: str
    address: netaddr.IPAddress


@dataclass(frozen=True)
class _Host:
    """A director or real server with what could be read of its addresses, by IP version."""

    name: str
    facts: _Facts
    addresses: Mapping[int, netaddr.IPAddress]


@dataclass(frozen=True)
class _Ports:
    """A range of UDP ports, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def overlaps(self, other: _Ports) -> bool:
        return self.first <= other.last and other.first <= self.last

    @property
    def size(self) -> int:
        return self.last - self.first + 1


class _Repr(reprlib.Repr):
    """repr() on one line that stays short and survives whatever a YAML file may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 120
        self.maxlist = self.maxtuple = self.maxdict = 8

    def repr_int(self, x: int, level: int) -> str:
        # repr() of an int of more than 4300 digits raises ValueError.
        return f"<a number of {x.bit_length()} bits>" if x.bit_length() > 256 else repr(x)


shown: Final = _Repr().repr


def hosts_shown(names: Sequence[str]) -> str:
    """Host names for a message: ``host 'a'``, ``hosts 'a', 'b'``, ``hosts 'a', 'b', 'c' and 4 more``."""
    listed = ", ".join(shown(name) for name in names[:_HOSTS_SHOWN])
    more = f" and {len(names) - _HOSTS_SHOWN} more" if len(names) > _HOSTS_SHOWN else ""
    return f"host{'' if len(names) == 1 else 's'} {listed}{more}"


class _Facts:
    """The variables of the cluster, or of one host: read, checked, and reported to the common list of mistakes.

    A reader returns ``None`` for a value that was reported as a mistake; what depends on it is then left unchecked.
    """

    def __init__(self, values: Mapping[str, Any], mistakes: list[str], host: str = "") -> None:
        self._values = values
        self._mistakes = mistakes
        self._where = f" on host {shown(host)}" if host else ""

    def wrong(self, label: str, value: object, what: str) -> None:
        """Report ``value`` of the variable (or list element) ``label``."""
        self._mistakes.append(f"{label}={shown(value)}{self._where}: {what}")

    def missing(self, name: str, why: str) -> None:
        """Report that the variable ``name`` has no value."""
        self._mistakes.append(f"{name} is not set{self._where}: {why}")

    def value(self, name: str) -> Any:
        """The value, or its default, or ``None`` when there is neither; Unusable after reporting it."""
        value = self._values.get(name)
        if isinstance(value, Unusable) and value.mistake:
            self._mistakes.append(value.mistake)
        return DEFAULTS.get(name) if value is None else value

    def integer(self, name: str, bounds: tuple[int, int], rule: str) -> int | None:
        """An integer within ``bounds``, both included."""
        value = self.value(name)
        return None if isinstance(value, Unusable) else self.checked_integer(name, value, bounds, rule)

    def checked_integer(self, label: str, value: object, bounds: tuple[int, int], rule: str) -> int | None:
        number = _integer(value)
        if number is None or not bounds[0] <= number <= bounds[1]:
            self.wrong(label, value, f"must be a whole number from {bounds[0]} to {bounds[1]} ({rule})")
            return None
        return number

    def elements(self, name: str, example: str) -> list[tuple[str, Any]] | None:
        """The elements of a list, each with its label, such as ``lvs_vips[0]``.

        ``None`` if it is not set, or not a list (a string is not taken for a list of one).
        """
        value = self.value(name)
        if value is None or isinstance(value, Unusable):
            return None
        if not isinstance(value, (list, tuple)):
            self.wrong(name, value, f"must be a list, for example {example}")
            return None
        return [(f"{name}[{index}]", element) for index, element in enumerate(value)]


def plan(description: Description | Mapping[str, Any]) -> dict[str, Any]:
    """Derive everything a role needs to know about the cluster.

    ``description`` is a Description or a mapping with the same keys. The result consists of plain JSON types, lists
    in inventory order, addresses in canonical spelling (RFC 5952); the RETURN section of the filter
    ``lautan.lvs.cluster_plan`` documents each key.

    Raises PlanError with every mistake of the description, and ``ImportError`` without the library netaddr.
    """
    if NETADDR_IMPORT_ERROR is not None:
        raise NETADDR_IMPORT_ERROR
    description = _well_formed(description)
    mistakes = [*_group_mistakes(description), *_name_mistakes(description)]
    cluster = _Facts(description.cluster, mistakes)

    domain = _domain(cluster)
    networks = _networks(cluster)
    vips = _vips(cluster, networks)
    vrid = _vrid(cluster)
    scheduler = _scheduler(cluster)
    _check_tls(cluster)

    vip6 = next((vip for vip in vips if vip.address.version == 6), None)
    directors = [_host(values, networks, vip6, mistakes) for values in description.directors]
    real_servers = [_host(values, networks, vip6, mistakes) for values in description.real_servers]
    _check_unique(cluster, vips, [*directors, *real_servers])
    weights = _weights(cluster, real_servers)
    media = _media(cluster, real_servers)

    if mistakes:
        # The same unusable value may be needed twice; it is one mistake.
        raise PlanError(dict.fromkeys(mistakes))

    return {
        "domain": domain,
        "vips": [
            {
                "address": str(vip.address),
                "family": _FAMILIES[vip.address.version][0],
                "host_prefix": _FAMILIES[vip.address.version][2],
                "network": str(networks.of[vip.address.version]),
            }
            for vip in vips
        ],
        "networks": {_FAMILIES[version][0]: str(network) for version, network in sorted(networks.of.items())},
        "vrrp": {"vrid": vrid},
        "scheduler": scheduler,
        "directors": [
            {**_names_and_addresses(host), "priority": HIGHEST_PRIORITY - position}
            for position, host in enumerate(directors)
        ],
        "real_servers": [
            {
                **_names_and_addresses(host),
                "weight": weights[host.name],
                "media": {
                    "first": media[host.name].first,
                    "last": media[host.name].last,
                    "mark": FIRST_MARK + position,
                },
            }
            for position, host in enumerate(real_servers)
        ],
        "virtual_services": _virtual_services(vips, scheduler, real_servers, weights),
    }


def _well_formed(description: object) -> Description:
    """Check the shape, which is the caller's doing and not the operator's; without it nothing else can be checked."""
    names = [item.name for item in fields(Description)]
    if isinstance(description, Mapping):
        unknown = [key for key in description if key not in names]
        if unknown:
            raise PlanError(
                f"description: unknown key {shown(key)}; the keys are {', '.join(names)}" for key in unknown
            )
        description = Description(**description)
    if not isinstance(description, Description):
        raise PlanError([f"description={shown(description)}: must be a mapping"])

    mistakes = []
    if not isinstance(description.cluster, Mapping):
        mistakes.append(f"cluster={shown(description.cluster)}: must be a mapping")
    for group in ("directors", "real_servers"):
        name, hosts = getattr(description, f"{group}_group"), getattr(description, group)
        if not isinstance(name, str):
            mistakes.append(f"{group}_group={shown(name)}: must be a string")
        if not isinstance(hosts, (list, tuple)):
            mistakes.append(f"{group}={shown(hosts)}: must be a list")
            continue
        for index, host in enumerate(hosts):
            if not isinstance(host, Mapping) or not isinstance(host.get("name"), str) or not host["name"]:
                mistakes.append(f"{group}[{index}]={shown(host)}: must be a mapping with a name")
    if mistakes:
        raise PlanError(mistakes)
    return description


def _group_mistakes(description: Description) -> list[str]:
    """Groups that are empty or too large, and hosts that occur more than once."""
    mistakes = []
    groups = (
        (description.directors_group, [host["name"] for host in description.directors], "director"),
        (description.real_servers_group, [host["name"] for host in description.real_servers], "real server"),
    )
    for group, names, kind in groups:
        if not names:
            mistakes.append(f"group {shown(group)} has no host: a cluster needs at least one {kind}")
        mistakes += [
            f"group {shown(group)} has {hosts_shown([name])} more than once"
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
    (directors, director_names, _kind), (real_servers, real_server_names, _kind) = groups
    if len(director_names) > MAX_DIRECTORS:
        mistakes.append(
            f"group {shown(directors)} has {len(director_names)} hosts: there are VRRP priorities for"
            f" {MAX_DIRECTORS} directors (RFC 5798, 5.2.4)"
        )
    mistakes += [
        f"{hosts_shown([name])} is in group {shown(directors)} and in group {shown(real_servers)}:"
        " a host must be either a director or a real server"
        for name in dict.fromkeys(director_names)
        if name in real_server_names
    ]
    return mistakes


def _name_mistakes(description: Description) -> list[str]:
    """Variables that look like the collection's own but are not: typing errors, which nothing else would notice."""
    known = CLUSTER_VARIABLES | HOST_VARIABLES | OTHER_VARIABLES
    hosts_with: dict[str, list[str]] = {}
    values: dict[str, object] = {}
    mistakes = []
    scopes = [("", HOST_VARIABLES, description.cluster)] + [
        (host["name"], CLUSTER_VARIABLES, host) for host in (*description.directors, *description.real_servers)
    ]
    for host, misplaced, variables in scopes:
        for name, value in variables.items():
            if not isinstance(name, str) or not name.startswith("lvs_"):
                continue
            if name in misplaced:
                where = f" on {hosts_shown([host])}" if host else ""
                owner = "the cluster, not of one host" if host else "one host, not of the cluster"
                mistakes.append(f"{name}={shown(value)}{where}: is a variable of {owner}")
            elif name not in known:
                values.setdefault(name, value)
                hosts_with.setdefault(name, []).extend([host] if host else [])
    for name, value in values.items():
        what = "" if isinstance(value, Unusable) else f"={shown(value)}"
        where = f" on {hosts_shown(hosts_with[name])}" if hosts_with[name] else ""
        # Without the prefix, which would make any two names look alike.
        close = difflib.get_close_matches(name[4:], sorted(name[4:] for name in known), n=1)
        hint = f"; did you mean lvs_{close[0]}?" if close else ""
        mistakes.append(f"{_word(name)}{what}{where}: is no variable of this collection{hint}")
    return mistakes


def _domain(cluster: _Facts) -> str | None:
    """The host name that browsers use, in lower case."""
    value = cluster.value("lvs_domain")
    if value is None:
        cluster.missing("lvs_domain", "the DNS name that browsers use is required")
        return None
    if isinstance(value, Unusable):
        return None
    if _address(value) is not None:
        cluster.wrong("lvs_domain", value, "is an IP address; browsers and certificates need a DNS name")
        return None
    labels = value.split(".") if isinstance(value, str) else []
    # A last label of digits only would make it an IPv4 address to a browser, and RFC 1123 rules it out.
    if (
        not labels
        or len(value) > _MAX_NAME
        or labels[-1].isdigit()
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        cluster.wrong("lvs_domain", value, "is not a host name (RFC 1123, 2.1); write non-ASCII names as xn--...")
        return None
    return value.lower()


def _networks(cluster: _Facts) -> _Networks:
    """The segment's network of each IP version."""
    elements = cluster.elements("lvs_networks", "['198.18.0.0/24']")
    if elements is None:
        if cluster.value("lvs_networks") is None:
            cluster.missing("lvs_networks", "the network of the segment is required, for example ['198.18.0.0/24']")
        return _Networks({}, complete=False)
    found: dict[int, netaddr.IPNetwork] = {}
    complete = True
    for label, value in elements:
        network = _network(value)
        if network is None:
            cluster.wrong(label, value, "is not a network in CIDR notation, such as 198.18.0.0/24")
            complete = False
            continue
        if network.ip != network.network:
            cluster.wrong(label, value, f"has host bits set; probably {network.cidr} was meant")
        if network.is_multicast() or network.is_loopback() or network.is_link_local():
            cluster.wrong(label, value, "hosts cannot have unicast addresses of a LAN segment in this network")
        if network.version in found:
            title = _FAMILIES[network.version][1]
            cluster.wrong(label, value, f"is a second {title} network beside {found[network.version]}; one at most")
        found.setdefault(network.version, network.cidr)
    if 4 not in found and complete:
        cluster.wrong(
            "lvs_networks",
            [value for _label, value in elements],
            "has no IPv4 network, and directors and real servers need IPv4 addresses",
        )
    return _Networks(found, complete)


def _vips(cluster: _Facts, networks: _Networks) -> list[_Vip]:
    """The virtual IPs that could be read; collisions with hosts are found later."""
    elements = cluster.elements("lvs_vips", "['198.18.0.100']")
    if not elements:
        if elements == [] or cluster.value("lvs_vips") is None:
            cluster.missing("lvs_vips", "at least one virtual IP is required, for example ['198.18.0.100']")
        return []
    vips: list[_Vip] = []
    for label, value in elements:
        address = _address(value)
        if address is None:
            cluster.wrong(label, value, _why_no_address(value))
            continue
        twin = next((vip for vip in vips if vip.address == address), None)
        if twin is not None:
            cluster.wrong(label, value, f"is the same address as {twin.label}={shown(twin.text)}")
            continue
        wrong = _why_not_on_segment(address, networks)
        if wrong:
            cluster.wrong(label, value, wrong)
        vips.append(_Vip(label, value, address))
    if 6 in networks.of and all((address := _address(value)) and address.version == 4 for _label, value in elements):
        cluster.wrong("lvs_networks", str(networks.of[6]), "an IPv6 network needs an IPv6 address in lvs_vips")
    return vips


def _vrid(cluster: _Facts) -> int | None:
    """The virtual router ID, which no other VRRP router on the segment may use."""
    rule = "a VRRP router ID, RFC 5798, 5.2.3"
    vrid = cluster.integer("lvs_vrid", VRID_RANGE, rule)
    taken: dict[int, str] = {}
    for label, value in cluster.elements("lvs_vrids_taken", "[1, 51]") or []:
        number = cluster.checked_integer(label, value, VRID_RANGE, rule)
        if number is None:
            continue
        if number in taken:
            cluster.wrong(label, value, f"is in the list twice, see {taken[number]}")
            continue
        taken[number] = label
    if vrid is not None and vrid in taken:
        cluster.wrong("lvs_vrid", vrid, f"is taken by another VRRP router on the segment, see {taken[vrid]}")
    return vrid


def _scheduler(cluster: _Facts) -> str | None:
    value = cluster.value("lvs_scheduler")
    if isinstance(value, Unusable):
        return None
    if value in SCHEDULERS:
        return str(value)
    close = difflib.get_close_matches(value.lower(), SCHEDULERS, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {close[0]}?" if close else ""
    cluster.wrong("lvs_scheduler", value, f"is no IPVS scheduler; the schedulers are {' '.join(SCHEDULERS)}{hint}")
    return None


def _check_tls(cluster: _Facts) -> None:
    """Certificate and private key are two paths that make sense together only."""
    names = ("lvs_tls_certificate", "lvs_tls_private_key")
    values = {name: cluster.value(name) for name in names}
    for name, other in (names, names[::-1]):
        value = values[name]
        if value is None or isinstance(value, Unusable):
            continue
        if not isinstance(value, str) or not value.strip():
            cluster.wrong(name, value, "must be the path of a file")
        if values[other] is None:
            cluster.wrong(name, value, f"needs {other} as well: set both or neither")


def _host(values: Mapping[str, Any], networks: _Networks, vip6: _Vip | None, mistakes: list[str]) -> _Host:
    """Read the addresses of one director or real server."""
    facts = _Facts(values, mistakes, values["name"])
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
        address = _address(value)
        if address is None:
            facts.wrong(name, value, _why_no_address(value))
        elif address.version != version:
            facts.wrong(name, value, f"must be an {_FAMILIES[version][1]} address")
        else:
            wrong = _why_not_on_segment(address, networks)
            # A missing IPv4 network was reported once, and not once more for every host.
            if wrong and (version == 6 or version in networks.of):
                facts.wrong(name, value, wrong + hint)
            addresses[version] = address
    return _Host(values["name"], facts, addresses)


def _default_address(facts: _Facts, host: str) -> tuple[str | None, str]:
    """The IPv4 address that the inventory states for the connection, if it states one, and where."""
    connection = facts.value("ansible_host")
    if isinstance(connection, Unusable):
        return None, ""
    for candidate, source in ((connection, "ansible_host"), (host, "the inventory name")):
        address = _address(candidate)
        if address is not None and address.version == 4:
            return candidate, source
    said = f"ansible_host={shown(connection)}" if connection is not None else f"the host name {shown(host)}"
    facts.missing("lvs_address", f"{said} is no IPv4 address, and the plan needs the host's address on the LAN segment")
    return None, ""


def _check_unique(cluster: _Facts, vips: Sequence[_Vip], hosts: Sequence[_Host]) -> None:
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


def _weights(cluster: _Facts, real_servers: Sequence[_Host]) -> dict[str, int]:
    """The weight of each real server, by name."""
    weights = {
        host.name: host.facts.integer("lvs_weight", WEIGHT_RANGE, "ipvsadm(8); 0 is drained") for host in real_servers
    }
    if weights and all(weight == 0 for weight in weights.values()):
        cluster.wrong(
            "lvs_weight", 0, f"is the weight of every real server ({hosts_shown(list(weights))}): none serves"
        )
    return {name: weight for name, weight in weights.items() if weight is not None}


def _media(cluster: _Facts, real_servers: Sequence[_Host]) -> dict[str, _Ports]:
    """The UDP ports of each real server, by name: its own ``lvs_media_ports``, or the range of its position.

    A host with ports of its own still takes up its position, so that giving one host a range moves no other.
    """
    lowest, highest = PORT_RANGE
    first = cluster.integer("lvs_media_first_port", PORT_RANGE, "UDP port")
    size = cluster.integer(
        "lvs_media_ports_per_server",
        (MIN_MEDIA_PORTS, highest - lowest + 1),
        "UDP ports, one for each PeerConnection; two people need 4",
    )
    ranges: dict[str, _Ports] = {}
    given: set[str] = set()
    beyond: list[tuple[str, _Ports]] = []
    for position, host in enumerate(real_servers):
        value = host.facts.value("lvs_media_ports")
        if value is not None:
            given.add(host.name)
            ports = None if isinstance(value, Unusable) else _given_ports(host.facts, value)
            if ports is not None:
                ranges[host.name] = ports
        elif first is not None and size is not None:
            ports = _Ports(first + position * size, first + (position + 1) * size - 1)
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
            source = "" if victim.name in given else " (by its position in the inventory)"
            culprit.facts.wrong(
                "lvs_media_ports",
                str(ranges[culprit.name]),
                f"overlaps {ranges[victim.name]} of {hosts_shown([victim.name])}{source}",
            )
    return ranges


def _given_ports(facts: _Facts, value: object) -> _Ports | None:
    """Parse ``first-last``."""
    match = _PORTS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        facts.wrong("lvs_media_ports", value, "must be first-last, for example '20000-20199'")
        return None
    ports = _Ports(int(match[1]), int(match[2]))
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


def _names_and_addresses(host: _Host) -> dict[str, Any]:
    address6 = host.addresses.get(6)
    return {
        "name": host.name,
        "address": str(host.addresses[4]),
        "address6": None if address6 is None else str(address6),
    }


def _virtual_services(
    vips: Sequence[_Vip], scheduler: str | None, real_servers: Sequence[_Host], weights: Mapping[str, int]
) -> list[dict[str, Any]]:
    """One service for each VIP and each of VIRTUAL_SERVICES, all real servers behind it.

    Names are ``https-ipv4`` for the first VIP of a family, ``https-ipv4-2`` for the second, and so on.
    """
    services = []
    seen: dict[int, int] = {}
    for vip in vips:
        version = vip.address.version
        family = _FAMILIES[version][0]
        seen[version] = seen.get(version, 0) + 1
        suffix = f"-{seen[version]}" if seen[version] > 1 else ""
        for check, port in VIRTUAL_SERVICES:
            services.append(
                {
                    "name": f"{check}-{family}{suffix}",
                    "vip": str(vip.address),
                    "family": family,
                    "port": port,
                    "protocol": "tcp",
                    "scheduler": scheduler,
                    "check": check,
                    "real_servers": [
                        {
                            "name": host.name,
                            "address": str(host.addresses[version]),
                            "port": port,
                            "weight": weights[host.name],
                        }
                        for host in real_servers
                    ],
                }
            )
    return services


def _integer(value: object) -> int | None:
    """A whole number, or the text of one, as INI inventories and ``-e`` give; not a boolean, not 50.0."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _address(value: object) -> netaddr.IPAddress | None:
    """An IP address in full, without prefix length and zone; never "10.1" for 10.0.0.1."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return None
    try:
        return netaddr.IPAddress(value, flags=netaddr.INET_PTON)
    except netaddr.AddrFormatError:
        return None


def _network(value: object) -> netaddr.IPNetwork | None:
    """A network in CIDR notation; host bits may be set."""
    text, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    address, bits = _address(text), _integer(length)
    if address is None or not slash or bits is None or not 0 <= bits <= _FAMILIES[address.version][2]:
        return None
    return netaddr.IPNetwork(f"{address}/{bits}")


def _why_no_address(value: object) -> str:
    text = value.partition("/")[0] if isinstance(value, str) else ""
    if text != value and _address(text) is not None:
        return f"must be an address without a prefix length: {text}"
    return "is not an IP address"


def _why_not_on_segment(address: netaddr.IPAddress, networks: _Networks) -> str | None:
    """What keeps the address from being a host's on the segment, or ``None``."""
    network = networks.of.get(address.version)
    if network is None:
        title = _FAMILIES[address.version][1]
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


def _word(name: str) -> str:
    """A variable's name as it is, but a strange one quoted, so that a message stays one line."""
    return name if re.fullmatch(r"\w{1,80}", name) else shown(name)
