# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""From the table that is to the one that is wanted: the fewest commands, and every service served all the time."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Service, ServiceKey, Step, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import service_steps

PURGE_NONE = "none"
PURGE_REAL_SERVERS = "real_servers"
PURGE_TABLE = "table"
PURGES = (PURGE_NONE, PURGE_REAL_SERVERS, PURGE_TABLE)


class Plan(NamedTuple):
    """What is to be done.

    :ivar building: steps that only add: services, real servers, settings, weight.
    :ivar reducing: steps that take away. They must not be taken unless all of ``building`` succeeded: a real server
        must not go before its successor is there.
    :ivar affected: the services that change.
    """

    building: list[Step]
    reducing: list[Step]
    affected: list[ServiceKey]

    @property
    def steps(self) -> list[Step]:
        return self.building + self.reducing


def merged(current: Table, wanted: Table, purge: str) -> Table:
    """Give the table in which the wanted services are as wanted, and what ``purge`` says is gone.

    Services that nothing is wanted of are the same objects in both tables.
    """
    target = {} if purge == PURGE_TABLE else dict(current)
    for key, service in wanted.items():
        old = current.get(key)
        if purge == PURGE_NONE and old is not None:
            service = Service(service.scheduling, {**old.real_servers, **service.real_servers})
        target[key] = service
    return target


def make_plan(current: Table, target: Table) -> Plan:
    """Give the steps from one table to the other.

    First services are edited, then new ones are added with their real servers, then real servers are added to services
    that were there before, then edited, those that come back into service first. Real servers that go out of service,
    real servers that go, and services that go are last.
    """
    edited: list[Step] = []
    added: list[Step] = []
    joining: list[Step] = []
    raised: list[Step] = []
    changed: list[Step] = []
    lowered: list[Step] = []
    leaving: list[Step] = []
    affected: list[ServiceKey] = []
    for key, service in target.items():
        old = current.get(key)
        if old == service:
            continue
        affected.append(key)
        if old is None:
            added.extend(service_steps(key, service))
            continue
        if old.scheduling != service.scheduling:
            edited.append(Step("E", key, service.scheduling))
        if old.real_servers == service.real_servers:
            continue
        for real, forwarding in service.real_servers.items():
            before = old.real_servers.get(real)
            if before is None:
                joining.append(Step("a", key, None, real, forwarding))
            elif before != forwarding:
                edits = raised if not before.weight else changed if forwarding.weight else lowered
                edits.append(Step("e", key, None, real, forwarding))
        for real in old.real_servers:
            if real not in service.real_servers:
                leaving.append(Step("d", key, None, real))
    gone = [key for key in current if key not in target]
    affected += gone
    building = edited + added + joining + raised + changed
    reducing = lowered + leaving + [Step("D", key) for key in gone]
    return Plan(building, reducing, affected)


def holds(step: Step, table: Table) -> bool:
    """Whether the table is what this step was to make of it, as far as the step goes."""
    service = table.get(step.service)
    if step.verb == "D":
        return service is None
    if step.real is None:
        return service is not None and service.scheduling == step.scheduling
    found = None if service is None else service.real_servers.get(step.real)
    return found == step.forwarding
