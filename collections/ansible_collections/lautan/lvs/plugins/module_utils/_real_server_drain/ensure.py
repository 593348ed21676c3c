# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The whole of it: look, decide, write the file, and wait until the kernel has the weights."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain.plan import (
    DRAINED,
    IN_SERVICE,
    Member,
    find_members,
    too_few,
    track_file_path,
    weights,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import DirectorAccess
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.options import check_timeout
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import value_of

_IPVS = "/proc/net/ip_vs"
_PAUSE = 0.1


@dataclass(frozen=True)
class Wanted:
    """The options."""

    name: str
    state: str
    minimum: int
    force: bool
    track_file: str | None
    path: str
    timeout: float
    reason: str | None = None

    @property
    def value(self) -> int:
        return DRAINED if self.state == "drained" else IN_SERVICE

    @property
    def text(self) -> str:
        """What the file is to say. keepalived reads the number, and nothing behind it."""
        reason = self.reason if self.value == DRAINED else None
        return f"{self.value} {reason}" if reason else f"{self.value}"


@dataclass
class Outcome:
    """What was done, or would be. Filled in as things happen, so that it is true however they end."""

    file: str = ""
    before: str = f"{IN_SERVICE}"
    after: str = f"{IN_SERVICE}"
    since: float | None = None
    commands: list[str] = field(default_factory=list)
    weights: Mapping[Member, int | None] = field(default_factory=dict)
    running: bool = True


def ensure(access: DirectorAccess, wanted: Wanted, check_mode: bool, outcome: Outcome) -> None:
    """Do it, or with ``check_mode`` tell what it takes.

    :param outcome: is filled in.
    :raises Mistakes: if the options or this director do not allow it; nothing was changed.
    :raises NotReached: if the kernel does not have the weights in time.
    :raises CommandError: if a program failed.
    """
    mistakes: list[str] = []
    check_timeout(wanted.timeout, mistakes)
    if wanted.minimum < 0:
        mistakes.append(f"minimum={wanted.minimum}: must be 0 or more")
    # keepalived reads so many bytes of the file.
    if wanted.reason is not None and (len(wanted.reason) > 100 or not wanted.reason.isprintable()):
        mistakes.append(f"reason={wanted.reason!r}: must be one line of 100 characters at most")
    file = access.read(wanted.path)
    if file is None:
        raise Mistakes([*mistakes, f"path={wanted.path!r}: does not exist"])
    document, name = parse(file.text).document, wanted.track_file or f"lvs_drain_{wanted.name}"
    outcome.file = track_file_path(document, name, wanted.path, mistakes)
    members = find_members(document, name, wanted.path, mistakes) if outcome.file else []
    if mistakes:
        raise Mistakes(mistakes)
    there = access.read(outcome.file)
    outcome.before = outcome.after = f"{IN_SERVICE}" if there is None else there.text.strip()
    outcome.running = daemon.service(access).is_running
    table = _table(access)
    outcome.weights = weights(members, table)
    # A reason that is there already stays: it is who has drained it who knows.
    if value_of(outcome.before) != wanted.value:
        # A director without keepalived serves nobody whom this could hurt.
        faults = too_few(members, table, wanted.minimum) if wanted.value == DRAINED and outcome.running else []
        if faults and not wanted.force:
            raise Mistakes(faults)
        outcome.commands.append(f"echo {shlex.quote(wanted.text)} > {outcome.file}")
        outcome.after = wanted.text
        if not check_mode:
            access.write(outcome.file, File(f"{wanted.text}\n", 0o644))
    identity = access.identity(outcome.file)
    if wanted.value == DRAINED and identity is not None:
        outcome.since = None if check_mode and outcome.commands else identity[1] / 1e9
    if check_mode:
        outcome.weights = {
            member: None if old is None else _goal(member, wanted) for member, old in outcome.weights.items()
        }
    elif outcome.running:
        _wait(access, wanted, members, outcome)


def _goal(member: Member, wanted: Wanted) -> int:
    return 0 if wanted.value == DRAINED else member.weight


def _wait(access: DirectorAccess, wanted: Wanted, members: list[Member], outcome: Outcome) -> None:
    deadline = access.now() + wanted.timeout
    while True:
        outcome.weights = weights(members, _table(access))
        differences = [
            f"`{member}` has weight {found}, not {_goal(member, wanted)}"
            for member, found in outcome.weights.items()
            if found not in (None, _goal(member, wanted))
        ]
        if not differences:
            return
        if access.now() >= deadline:
            raise NotReached(differences)
        access.pause(_PAUSE)


def _table(access: DirectorAccess) -> Table:
    # Where the kernel has no IPVS there is nothing, and ipvsadm would load it.
    return {} if access.identity(_IPVS) is None else read_table(access.run)
