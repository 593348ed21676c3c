# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Derive the whole plan of an LVS cluster from the few facts an operator states.

plan is a pure function: no Ansible, no files, no network, no clock. Equal descriptions give equal plans. Whatever is
wrong with a description is found in one go and raised as PlanError, one line for each mistake, so that an operator
does not repair a cluster one error message at a time.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import (
    Host,
    Networks,
    Vip,
    check_tls,
    check_unique,
    read_domain,
    read_host,
    read_media,
    read_networks,
    read_places,
    read_scheduler,
    read_vips,
    read_weights,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_conference import (
    media_services,
    planned_conference,
    read_conference,
    read_rooms,
    read_turn_domain,
    turn_services,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import (
    FAMILIES,
    NETADDR_IMPORT_ERROR,
    Facts,
    PlanError,
    Unusable,
    hosts_shown,
    shown,
    word,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_firewall import EXPORTER_PORT, firewall
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_forwarding import (
    NAT,
    reachable_networks,
    read_forwarding,
    read_gateways,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_services import (
    Service,
    check_quorums,
    check_service_ports,
    check_sorry_servers,
    read_services,
)
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_vrrp import MAX_DIRECTORS, Instance, read_instances

CLUSTER_VARIABLES: Final = frozenset(
    {
        "lvs_domain",
        "lvs_networks",
        "lvs_vips",
        "lvs_forwarding",
        "lvs_nat_gateways",
        "lvs_vrid",
        "lvs_vrids_taken",
        "lvs_scheduler",
        "lvs_services",
        "lvs_conference",
        "lvs_rooms",
        "lvs_turn_domain",
        "lvs_media_first_port",
        "lvs_media_ports_per_server",
        "lvs_vacant_places",
        "lvs_tls_certificate",
        "lvs_tls_private_key",
    }
)
# Their values are never shown.
SECRET_VARIABLES: Final = frozenset({"lvs_rooms"})
HOST_VARIABLES: Final = frozenset({"lvs_address", "lvs_address6", "lvs_home_vips", "lvs_weight", "lvs_media_ports"})

# Names that begin with lvs_ and mean nothing to the plan. A role that gives operators a variable of this prefix adds
# its name here; any other lvs_* name that a host has is reported as a typing error.
OTHER_VARIABLES: Final = frozenset({"lvs_plan", "lvs_secrets_directory"})

# The real server in place n (from 1) gets packet mark 1000 + n. On a director nothing else may set or match marks from
# 1001 to 1000 + the last place: no nftables or iptables rule, no policy routing ("ip rule fwmark"), no other
# fwmark service in IPVS, and not keepalived's "nftables_ipvs", whose marks count up from 1000 unless told otherwise.
FIRST_MARK: Final = 1001


@dataclass(frozen=True)
class Description:
    """What an operator states about a cluster.

    ``cluster`` maps names of CLUSTER_VARIABLES to values. ``directors``, ``real_servers`` and ``monitoring`` hold one
    mapping for each host, in inventory order: ``name`` (required), ``ansible_host`` and names of HOST_VARIABLES.
    ``None`` means "not set". The names of the two groups serve the messages only. ``leaving`` is the real server that
    is about to leave the cluster, or empty: nothing is planned for it, and its place stays vacant.
    """

    cluster: Mapping[str, Any] = field(default_factory=dict)
    directors: Sequence[Mapping[str, Any]] = ()
    real_servers: Sequence[Mapping[str, Any]] = ()
    monitoring: Sequence[Mapping[str, Any]] = ()
    directors_group: str = "directors"
    real_servers_group: str = "real_servers"
    leaving: str = ""


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
    cluster = Facts(description.cluster, mistakes)

    domain = read_domain(cluster)
    networks = read_networks(cluster)
    vips = read_vips(cluster, networks)
    forwarding = read_forwarding(cluster)
    scheduler = read_scheduler(cluster)
    check_tls(cluster)

    vip6 = next((vip for vip in vips if vip.address.version == 6), None)
    directors = [read_host(values, networks, vip6, mistakes) for values in description.directors]
    reachable = reachable_networks(networks, forwarding)
    listed = [read_host(values, reachable, vip6, mistakes) for values in description.real_servers]
    instances = read_instances(cluster, vips, directors, listed)
    places = read_places(cluster, listed)
    media = read_media(cluster, listed, places)
    real_servers = [host for host in listed if host.name != description.leaving]
    # Wherever they are: they only ask.
    monitoring = [read_host(each, replace(networks, anywhere=True), None, mistakes) for each in description.monitoring]
    weights = read_weights(cluster, real_servers)
    services = read_services(cluster, scheduler, forwarding)
    conference = read_conference(cluster, forwarding)
    turn_domain = read_turn_domain(cluster, domain, conference)
    rooms = read_rooms(cluster, media, vips)
    if conference:
        services += turn_services(cluster, services, scheduler)
    gateways = read_gateways(cluster, forwarding, networks, vips, services, instances)
    check_unique(cluster, [*vips, *gateways], [*directors, *listed, *monitoring])
    check_service_ports(cluster, services, media)
    check_quorums(cluster, services, real_servers, weights)
    check_sorry_servers(cluster, services, vips, reachable, [*directors, *listed])

    if mistakes:
        # The same unusable value may be needed twice; it is one mistake.
        raise PlanError(dict.fromkeys(mistakes))
    if forwarding == NAT:  # so there is one instance only
        instances = [replace(instance, vips=[*instance.vips, *gateways]) for instance in instances]

    taken = {places[host.name] for host in real_servers}
    marks = {host.name: FIRST_MARK - 1 + places[host.name] for host in real_servers}
    derived = {
        "domain": domain,
        "vips": [_vip(vip, networks) for vip in vips],
        "forwarding": forwarding,
        "gateways": [str(gateway.address) for gateway in gateways if forwarding == NAT],
        "networks": {FAMILIES[version][0]: str(network) for version, network in sorted(networks.of.items())},
        "vrrp": {
            "instances": [
                {
                    "name": instance.name,
                    "vrid": instance.vrid,
                    "home": instance.home,
                    "vips": [str(vip.address) for vip in instance.vips],
                }
                for instance in instances
            ]
        },
        "scheduler": scheduler,
        "directors": [
            {**_names_and_addresses(host), "vrrp_instances": of_director}
            for host, of_director in zip(directors, _vrrp_instances(instances, directors, networks), strict=True)
        ],
        "real_servers": [
            {
                **_names_and_addresses(host),
                "weight": weights[host.name],
                "media": {
                    "first": media[host.name].first,
                    "last": media[host.name].last,
                    "mark": marks[host.name],
                },
            }
            for host in real_servers
        ],
        "vacant_places": [place for place in range(1, max(taken)) if place not in taken],
        "virtual_services": _virtual_services(vips, services, real_servers, weights),
        "media_services": media_services(vips, real_servers, media, marks) if conference else [],
        "conference": planned_conference(rooms, turn_domain, real_servers) if conference else None,
        "monitoring": {
            "hosts": [{"name": host.name, "address": str(host.addresses[4])} for host in monitoring],
            "port": EXPORTER_PORT,
        },
    }
    return {**derived, "firewall": firewall(derived)}


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
    if not isinstance(description.leaving, str):
        mistakes.append(f"leaving={shown(description.leaving)}: must be a string")
    for group in ("directors", "real_servers", "monitoring"):
        name, hosts = getattr(description, f"{group}_group", group), getattr(description, group)
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
    if description.leaving:
        if description.leaving not in real_server_names:
            mistakes.append(f"leaving={shown(description.leaving)}: is not in group {shown(real_servers)}")
        elif real_server_names == [description.leaving]:
            mistakes.append(f"leaving={shown(description.leaving)}: is the only host in group {shown(real_servers)}")
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
        (host["name"], CLUSTER_VARIABLES, host)
        for host in (*description.directors, *description.real_servers, *description.monitoring)
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
        mistakes.append(f"{word(name)}{what}{where}: is no variable of this collection{hint}")
    return mistakes


def _names_and_addresses(host: Host) -> dict[str, Any]:
    address6 = host.addresses.get(6)
    return {
        "name": host.name,
        "address": str(host.addresses[4]),
        "address6": None if address6 is None else str(address6),
    }


def _vip(vip: Vip, networks: Networks) -> dict[str, Any]:
    family, _title, host_prefix = FAMILIES[vip.address.version]
    return {
        "address": str(vip.address),
        "family": family,
        "host_prefix": host_prefix,
        "network": str(networks.of[vip.address.version]),
    }


def _vrrp_instances(
    instances: Sequence[Instance], directors: Sequence[Host], networks: Networks
) -> list[list[dict[str, Any]]]:
    """For each director all instances, with the priority that it has in each."""
    names = [host.name for host in directors]
    priorities = [instance.priorities(names) for instance in instances]
    return [
        [
            {
                "name": instance.name,
                "vrid": instance.vrid,
                "priority": of_director[name],
                "vips": [_vip(vip, networks) for vip in instance.vips],
            }
            for instance, of_director in zip(instances, priorities, strict=True)
        ]
        for name in names
    ]


def _virtual_services(
    vips: Sequence[Vip], services: Sequence[Service], real_servers: Sequence[Host], weights: Mapping[str, int]
) -> list[dict[str, Any]]:
    """One virtual service for each VIP and each service, all real servers behind it.

    Names are ``https-ipv4`` for the first VIP of a family, ``https-ipv4-2`` for the second, and so on.
    """
    virtual_services = []
    seen: dict[int, int] = {}
    for vip in vips:
        version = vip.address.version
        family = FAMILIES[version][0]
        seen[version] = seen.get(version, 0) + 1
        suffix = f"-{seen[version]}" if seen[version] > 1 else ""
        for service in services:
            virtual_services.append(
                {
                    "name": f"{service.name}-{family}{suffix}",
                    "vip": str(vip.address),
                    "family": family,
                    "port": service.port,
                    "protocol": service.protocol,
                    "scheduler": service.scheduler,
                    "persistence": service.persistence,
                    "one_packet": service.one_packet,
                    "check": service.check,
                    "check_path": service.check_path_for(vip),
                    "check_content": service.check_content,
                    "quorum": service.quorum,
                    "sorry_server": service.sorry_server(version),
                    "real_servers": [
                        {
                            "name": host.name,
                            "address": str(host.addresses[version]),
                            "port": service.real_port,
                            "weight": weights[host.name],
                        }
                        for host in real_servers
                    ],
                }
            )
    return virtual_services
