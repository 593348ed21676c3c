# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The metrics of a director, made of what the modules' code tells. Pure."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import Sample

_SYNC_ROLES = ("master", "backup")


def vrrp(running: bool, instances: Sequence[Any]) -> Iterator[Sample]:
    """:param instances: those of _vrrp_info."""
    yield Sample("lautan_keepalived_up", int(running))
    for instance in instances:
        labels = {"vrrp_instance": instance.name}
        yield Sample("lautan_vrrp_master", int(instance.state == "MASTER"), labels)
        yield Sample("lautan_vrrp_ready", int(instance.state in ("MASTER", "BACKUP")), labels)
        if instance.last_transition:
            yield Sample("lautan_vrrp_last_transition_timestamp_seconds", instance.last_transition, labels)
        for vip in (*instance.addresses, *instance.addresses_excluded):
            yield Sample("lautan_vip_held", int(vip in instance.addresses_held), {**labels, "vip": vip})


def ipvs(found: Mapping[str, Any], services: Sequence[Mapping[str, Any]], minimum: int) -> Iterator[Sample]:
    """:param found: what the module ipvs_info returns.

    :param services: those that there should be, with their real servers, by name.
    """
    running = {daemon["role"] for daemon in found["sync_daemons"]}
    for role in _SYNC_ROLES:
        yield Sample("lautan_sync_daemon_up", int(role in running), {"daemon": role})
    table, counted = _by_key(found["services"]), _by_key(found["counters"])
    yield Sample("lautan_pool_minimum", minimum)
    for service in services:
        key = service["protocol"], service["vip"], service["port"]
        yield from _service(service, table.get(key, {}), counted.get(key, {}))


def _by_key(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    return {(each.get("protocol"), each.get("address"), each.get("port")): each for each in entries}


def _service(service: Mapping[str, Any], there: Mapping[str, Any], counted: Mapping[str, Any]) -> Iterator[Sample]:
    labels = {"service": service["name"], "vip": service["vip"]}
    weights = {(real["address"], real["port"]): real["weight"] for real in there.get("real_servers", ())}
    active = {(real["address"], real["port"]): real["active_connections"] for real in counted.get("real_servers", ())}
    yield Sample("lautan_service_connections_total", counted.get("connections", 0), labels)
    yield Sample("lautan_service_bytes_in_total", counted.get("bytes_in", 0), labels)
    # A sorry server among them is none of the pool.
    keys = {real["name"]: (real["address"], real["port"]) for real in service["real_servers"]}
    yield Sample("lautan_pool_size", sum(weights.get(key, 0) > 0 for key in keys.values()), labels)
    for name, key in keys.items():
        own = {**labels, "real_server": name}
        yield Sample("lautan_real_server_up", int(key in weights), own)
        yield Sample("lautan_real_server_weight", weights.get(key, 0), own)
        yield Sample("lautan_real_server_connections", active.get(key, 0), own)


def drift(differences: Sequence[str]) -> Iterator[Sample]:
    """:param differences: those that the module keepalived_table finds."""
    yield Sample("lautan_ipvs_drift", len(differences))


def drained(since: Mapping[str, float | None]) -> Iterator[Sample]:
    """:param since: by the name of the real server, when it was drained; None if it is in service."""
    for name, moment in since.items():
        labels = {"real_server": name}
        yield Sample("lautan_real_server_drained", int(moment is not None), labels)
        if moment is not None:
            yield Sample("lautan_real_server_drained_timestamp_seconds", moment, labels)
