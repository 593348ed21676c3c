# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What is told of VRRP on a host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# keepalived/include/vrrp.h
STATES = {0: "INIT", 1: "BACKUP", 2: "MASTER", 3: "FAULT", 97: "DELETED", 98: "STOP"}
# Said of instances in the file of a keepalived that does not run
STOPPED = "STOPPED"


@dataclass(frozen=True)
class Instance:
    """One VRRP instance. What only a running keepalived can tell is None when it does not run."""

    name: str
    state: str
    interface: str | None
    virtual_router_id: int | None
    version: int | None
    priority: int | None
    effective_priority: int | None
    master_priority: int | None
    advert_interval: float | None
    master_advert_interval: float | None
    nopreempt: bool | None
    addresses: list[str]
    addresses_excluded: list[str]
    addresses_held: list[str]
    addresses_missing: list[str]
    addresses_orphaned: list[str]
    last_transition: float | None
    transitions: dict[str, int] | None
    adverts: dict[str, int] | None
    errors: dict[str, int] | None
    peers: list[str] | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SyncDaemon:
    """A daemon of the kernel that sends or takes connections."""

    role: str
    interface: str
    syncid: int
    maxlen: int | None
    group: str | None
    port: int | None
    ttl: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Info:
    """All of it."""

    running: bool
    state: str
    main_pid: int | None
    version: str | None
    instances: list[Instance]
    sync_daemons: list[SyncDaemon]
    connections: int
    warnings: list[str]
