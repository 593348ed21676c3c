# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The table that keepalived means the kernel to have: ipwrapper.c and ipvswrapper.c in keepalived/check."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import (
    Forwarding,
    RealKey,
    Service,
    ServiceKey,
    Table,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import (
    Running,
    VirtualServer,
    kernel_key,
)


def meant_table(running: Sequence[Running], engines: Mapping[ServiceKey, str]) -> Table:
    """:param engines: the persistence engines of services, which keepalived does not tell."""
    table: Table = {}
    for each in running:
        scheduling = each.virtual_server.scheduling
        pool = _pool(each)
        for key in each.virtual_server.keys:
            engine = engines.get(key, "") if scheduling.timeout else ""
            # Where two virtual servers share a firewall mark, the kernel keeps what the first one said.
            service = table.setdefault(key, Service(scheduling._replace(engine=engine), {}))
            for real, forwarding in pool.items():
                service.real_servers.setdefault(kernel_key(real, forwarding, key), forwarding)
    return table


def _pool(running: Running) -> dict[RealKey, Forwarding]:
    """The real servers that the kernel has, each as it has it.

    Of those that keepalived takes for alive it is not asked whether it set them: where somebody removed a service,
    keepalived fails to take a real server out, and then has it as alive and not set.
    """
    configured = running.virtual_server
    # Without a quorum the sorry server is there, and those that are alive are not.
    without_quorum = configured.sorry is not None and not running.has_quorum
    pool: dict[RealKey, Forwarding] = {}
    if configured.sorry is not None and configured.sorry[1].inhibit:
        pool[configured.sorry[0]] = configured.sorry[1].forwarding._replace(weight=0)
    for real, member in configured.real_servers.items():
        health = running.health[real]
        if health.alive and not without_quorum:
            pool[real] = member.forwarding._replace(weight=health.weight)
        elif health.is_set and member.inhibit:
            pool[real] = member.forwarding._replace(weight=0)
    if configured.sorry is not None and without_quorum:
        pool[configured.sorry[0]] = configured.sorry[1].forwarding
    return pool


def table_without_health(virtual_servers: Sequence[VirtualServer], current: Table) -> Table:
    """What the table would be as far as that can be told without knowing which real servers are healthy.

    Real servers that may be there are there if they are, with the weight that they have: keepalived may have taken
    them out, or given them another weight.
    """
    table: Table = {}
    for each in virtual_servers:
        members = [*each.real_servers.items(), *([each.sorry] if each.sorry else [])]
        for key in each.keys:
            found = current[key].real_servers if key in current else {}
            service = table.setdefault(key, Service(each.scheduling, {}))
            for real, member in members:
                name = kernel_key(real, member.forwarding, key)
                if name in found:
                    forwarding = member.forwarding._replace(weight=found[name].weight)
                    service.real_servers.setdefault(name, forwarding)
    return table
