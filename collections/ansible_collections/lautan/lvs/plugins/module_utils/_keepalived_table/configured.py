# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The virtual servers of a keepalived.conf(5): keepalived/check/check_parser.c and validate_check_config()."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.address import canonical
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    NUMBERED_FLAGS,
    OWN_FLAGS,
    Forwarding,
    RealKey,
    Scheduling,
    ServiceKey,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.records import addresses_in
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import (
    Member,
    VirtualServer,
    address_keys,
    family_number,
    family_of_all,
    forwarding_of,
    mark_key,
    real_key,
    scheduling_of,
)

# IPVS_SVC_PERSISTENT_TIMEOUT: what keepalived takes where persistence is wanted and no time is given.
_DEFAULT_TIMEOUT = 360
_FLAGS = (*NUMBERED_FLAGS, *(flag for flags in OWN_FLAGS.values() for flag in flags))


def virtual_servers(document: Mapping[str, Any]) -> list[VirtualServer]:
    """:param document: in normal form, and without faults."""
    groups = {item["name"]: item["members"] for item in document.get("virtual_server_groups", [])}
    return [_virtual_server(item, groups.get(item.get("group"), [])) for item in document.get("virtual_servers", [])]


def _virtual_server(item: Mapping[str, Any], members: Sequence[Any]) -> VirtualServer:
    real_servers = {}
    for server in item["real_servers"]:
        method = server.get("lvs_method") or item.get("lvs_method")
        weight = server.get("weight", item.get("weight", 1))
        forwarding = _forwarding(method, weight, server.get("uthreshold", 0), server.get("lthreshold", 0))
        inhibit = server.get("inhibit_on_failure", item.get("inhibit_on_failure", False))
        real_servers[_real_key(server, forwarding, item)] = Member(forwarding, inhibit)
    return VirtualServer(tuple(_keys(item, members)), _scheduling(item), real_servers, _sorry(item))


def _keys(item: Mapping[str, Any], members: Sequence[Any]) -> Iterator[ServiceKey]:
    protocol = item.get("protocol", "").lower()
    if "ip_family" in item:
        family = family_number(item["ip_family"])
    else:
        family = family_of_all(server["ip"] for server in item["real_servers"])
    for member in [item, *members]:
        if isinstance(member, Mapping) and "fwmark" in member:
            yield mark_key(member["fwmark"], family_number(member["family"]) if "family" in member else family)
        elif field(member, "ip") is not None:
            port = member.get("port", 0) if isinstance(member, Mapping) else 0
            yield from address_keys(protocol, *addresses_in(field(member, "ip")), port)


def _scheduling(item: Mapping[str, Any]) -> Scheduling:
    netmask = item.get("persistence_granularity", "")
    timeout = item.get("persistence_timeout", bool(netmask))
    scheduling = scheduling_of(
        item["lvs_sched"],
        [flag for flag in _FLAGS if item.get(flag)],
        _DEFAULT_TIMEOUT if timeout is True else int(timeout),
        # For the members of a group keepalived takes the whole address, whatever was asked for.
        "" if "group" in item else canonical(netmask) if "." in netmask else netmask,
        item.get("ops", False),
    )
    return scheduling._replace(engine=item.get("persistence_engine", "") if scheduling.timeout else "")


def _forwarding(method: Any, weight: int, upper: int = 0, lower: int = 0) -> Forwarding:
    options = method if isinstance(method, Mapping) else {}
    checksum = next((name for name in ("remcsum", "csum") if options.get(name)), "none")
    return forwarding_of(
        field(method, "method") or "NAT",
        weight,
        options.get("type", "ipip"),
        options.get("port", 0),
        checksum,
        upper,
        lower,
    )


def _sorry(item: Mapping[str, Any]) -> tuple[RealKey, Member] | None:
    server = item.get("sorry_server")
    if server is None:
        return None
    forwarding = _forwarding(item.get("sorry_server_lvs_method") or item.get("lvs_method"), 1)
    return _real_key(server, forwarding, {}), Member(forwarding, item.get("sorry_server_inhibit", False))


def _real_key(server: Any, forwarding: Forwarding, item: Mapping[str, Any]) -> RealKey:
    """:param item: the virtual server whose port is taken if there is none."""
    port = server.get("port", 0) if isinstance(server, Mapping) else 0
    return real_key(field(server, "ip"), port or item.get("port", 0), forwarding)
