# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""A table as a document that :mod:`document` reads: what is at its default and rarely given is left out."""

from __future__ import annotations

from typing import Any

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Scheduling,
    ServiceKey,
    Table,
)


def to_document(table: Table) -> list[dict[str, Any]]:
    """Give the list of services with their real servers."""
    return [
        {
            **key_document(key),
            **scheduling_document(scheduling, key),
            "real_servers": [real_document(real, forwarding) for real, forwarding in real_servers.items()],
        }
        for key, (scheduling, real_servers) in table.items()
    ]


def key_document(key: ServiceKey) -> dict[str, Any]:
    if key.fwmark:
        return {"fwmark": key.fwmark, "family": "ipv6" if key.family == 6 else "ipv4"}
    return {"protocol": key.protocol, "address": key.address, "port": key.port}


def scheduling_document(scheduling: Scheduling, key: ServiceKey) -> dict[str, Any]:
    netmask: Any = scheduling.netmask
    if netmask and key.family == 6:
        netmask = int(netmask)
    optional = {
        "scheduler_flags": list(scheduling.flags),
        "persistence_timeout": scheduling.timeout,
        "persistence_netmask": netmask,
        "persistence_engine": scheduling.engine,
        "one_packet": scheduling.one_packet,
    }
    return {"scheduler": scheduling.scheduler, **{name: value for name, value in optional.items() if value}}


def real_document(real: RealKey, forwarding: Forwarding) -> dict[str, Any]:
    method, weight, kind, port, checksum, upper, lower = forwarding
    document: dict[str, Any] = {"address": real.address, "port": real.port, "method": method, "weight": weight}
    optional = {
        "tunnel_type": kind,
        "tunnel_port": port,
        "tunnel_checksum": checksum,
        "upper_threshold": upper,
        "lower_threshold": lower,
    }
    document.update({name: value for name, value in optional.items() if value})
    return document
