# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What is talked about everywhere here: what was asked, the other directors, and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ContextManager, Mapping, Protocol

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import SyncDaemon

# By service the weight of each real server, both as ipvsadm(8) writes them: "-t 192.0.2.100:443", "192.0.2.21:443".
Table = Mapping[str, Mapping[str, int]]

BACKUP, MASTER, FAULT = "BACKUP", "MASTER", "FAULT"


class DirectorAccess(HostAccess, Protocol):
    """What is needed from a director beyond what is needed to read its state."""

    def overwrite(self, path: str, text: str) -> None:
        """Write into a file as it is, so that nothing is waited for; make it if there is none."""

    def now(self) -> float:
        """Give seconds on a clock that is never set."""

    def pause(self, seconds: float) -> None: ...

    def alone(self, directory: str) -> ContextManager[None]:
        """Keep out other runs of this module.

        :raises Busy: if there is one.
        """

    def shielded(self) -> ContextManager[None]:
        """Have a signal that would end this process raise Interrupted instead, once."""


@dataclass(frozen=True)
class Wanted:
    """The options. ``to`` is None if nothing is to be moved."""

    to: str | None
    peers: list[dict[str, Any]]
    instances: list[str] | None
    track_file: str
    path: str
    timeout: float
    force: bool
    connections: int | None = None


@dataclass(frozen=True)
class PeerInstance:
    """What another director said of one of its VRRP instances."""

    name: str
    state: str
    virtual_router_id: int | None
    effective_priority: int
    addresses: frozenset[str]


@dataclass(frozen=True)
class Peer:
    """What another director said of itself."""

    address: str
    running: bool
    instances: list[PeerInstance]
    sync_daemons: list[SyncDaemon]
    table: Table
    connections: int


@dataclass(frozen=True)
class Forwarding:
    """What this director has in IPVS: its table, its connections in use, and what synchronises them."""

    table: Table
    connections: int
    sync_daemons: list[SyncDaemon]
    synchronised: bool


@dataclass
class Outcome:
    """What was done, or would be. Filled in as things happen, so that it is true however they end."""

    changed: bool = False
    # The files that an interrupted run has left behind, and the numbers in them
    left_behind: dict[str, int] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    released: float | None = None
    heard: float | None = None
    message: str = ""


class StillSet(Exception):  # noqa: N818  # it is the file's state
    """A file could not be reset, so that keepalived stays in FAULT."""


class Busy(Exception):  # noqa: N818  # so is the file
    """Another run of this module is at work on this director."""


class Interrupted(BaseException):  # nothing but the module itself is to catch it
    """A signal has asked this process to end."""
