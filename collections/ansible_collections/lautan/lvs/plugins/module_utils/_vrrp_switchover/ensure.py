# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The whole of it: repair what an interrupted run left behind, look, decide, and move."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse as parse_configuration
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info import parse
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.gather import gather
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import Info, Instance
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    FAULT,
    MASTER,
    DirectorAccess,
    Forwarding,
    Outcome,
    Wanted,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.move import (
    ADDRESSES,
    PAUSE,
    Move,
    predicted,
    set_command,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.options import (
    check_timeout,
    read_address,
    read_peers,
    select,
)
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.reasons import reasons
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.table import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import (
    Tracking,
    find_tracking,
    read_value,
    reset,
    tracked,
)

_IPVS = "/proc/net/ip_vs"
_TABLE = ("ipvsadm", "--save", "--numeric")

# An instance needs this many advertisement intervals to find out that nobody else is there.
_INTERVALS = 4


def ensure(access: DirectorAccess, wanted: Wanted, check_mode: bool, outcome: Outcome) -> None:
    """Do it, or with ``check_mode`` tell what it takes.

    :param outcome: is filled in.
    :raises Mistakes: if the options, this director or the others do not allow it; nothing was moved.
    :raises CommandError: if a program failed.
    :raises NoDump: if keepalived does not tell its state.
    :raises NotReached: if the other director did not take over, or this one did not let go.
    :raises StillSet: if a file could not be reset.
    """
    mistakes: list[str] = []
    check_timeout(wanted.timeout, mistakes)
    if wanted.connections is not None and wanted.connections < 0:
        mistakes.append(f"connections={wanted.connections}: must be 0 or more")
    to = None if wanted.to is None else read_address("to", wanted.to, mistakes)
    peers = read_peers(wanted, mistakes)
    document = _document(access, wanted.path)
    files = find_tracking(document, wanted.track_file, wanted.path, mistakes)
    names = select(wanted, files, mistakes) if files else []
    if mistakes:
        raise Mistakes(mistakes)
    with contextlib.ExitStack() as stack:
        for directory in sorted({os.path.dirname(tracking.file) for tracking in files}):
            stack.enter_context(access.alone(directory))
        _repair(access, files, wanted.timeout, check_mode, outcome)
        info = gather(access, wanted.path, access.pause)
        found = _running(info, tracked(files))
        outcome.before = {name: found[name].state for name in names}
        outcome.after = dict(outcome.before)
        moving = [found[name] for name in names if found[name].state == MASTER]
        outcome.message = _needless(access, to, info, moving, outcome)
        if to is None or outcome.message:
            return
        files = [tracking for tracking in files if any(item.name in tracking.instances for item in moving)]
        faults = _hindrances(wanted, moving, files, found)
        faults += reasons(moving, to, peers, _forwarding(access, info, document, wanted.connections), wanted.force)
        if faults:
            raise Mistakes(faults)
        paths = [tracking.file for tracking in files]
        if check_mode:
            outcome.changed = True
            outcome.commands += [set_command(path, value) for value in (1, 0) for path in paths]
            outcome.after = predicted(outcome.before, moving)
        else:
            dump = daemon.Dump(access, info.main_pid or 0)
            with access.shielded():
                Move(access, dump, paths, moving, wanted.timeout).run(to, outcome)
        outcome.message = f"{', '.join(item.name for item in moving)}: moved to {to}"


def _document(access: DirectorAccess, path: str) -> Mapping[str, Any]:
    file = access.read(path)
    if file is None:
        raise Mistakes([f"path={path!r}: does not exist"])
    return parse_configuration(file.text).document


def _repair(
    access: DirectorAccess, files: Sequence[Tracking], timeout: float, check_mode: bool, outcome: Outcome
) -> None:
    """Nobody else is at work: what the files say was left behind by a run that was cut short."""
    values = {tracking.file: read_value(access, tracking.file) for tracking in files}
    outcome.left_behind = {file: value for file, value in values.items() if value != 0}
    if not outcome.left_behind:
        return
    outcome.changed = True
    for file, value in outcome.left_behind.items():
        outcome.commands.append(set_command(file, 0))
        outcome.warnings.append(f"{file} said {value}, so an earlier switchover was interrupted; it is reset to 0")
    if check_mode:
        return
    reset(access, outcome.left_behind)
    service = daemon.service(access)
    if not service.is_running:
        return
    dump = daemon.Dump(access, service.main_pid)
    deadline = access.now() + timeout
    names = tracked(tracking for tracking in files if tracking.file in outcome.left_behind)
    # There may be another reason for FAULT. Then that is what is told in the end.
    while _in_fault(dump.instances(access.pause), names) and access.now() < deadline:
        access.pause(PAUSE)


def _in_fault(entries: list[dict[str, Any]], names: Sequence[str]) -> bool:
    found = [parse.running_instance(entry, None, set()) for entry in entries]
    return any(instance.name in names and instance.state == FAULT for instance in found)


def _running(info: Info, names: Sequence[str]) -> dict[str, Instance]:
    found = {instance.name: instance for instance in info.instances}
    missing = [name for name in names if name not in found]
    if missing:
        raise Mistakes([f"VRRP instance {name}: keepalived runs without it; reload keepalived" for name in missing])
    return found


def _needless(access: DirectorAccess, to: str | None, info: Info, moving: list[Instance], outcome: Outcome) -> str:
    """Why there is nothing to move, or nothing."""
    states = ", ".join(f"{name} is {state}" for name, state in outcome.before.items())
    if to is None:
        return f"Nothing was to be moved: {states} here"
    if not moving:
        return f"There is nothing to move: {states} here"
    virtual = {ip for instance in info.instances for ip in instance.addresses + instance.addresses_excluded}
    if to in parse.host_addresses(check(access.run, ADDRESSES)) - virtual:
        return f"There is nothing to move: {states} here, and {to} is this director"
    return ""


def _hindrances(
    wanted: Wanted, moving: Sequence[Instance], files: Sequence[Tracking], found: Mapping[str, Instance]
) -> list[str]:
    """What speaks against it on this director.

    :param files: those that the instances track.
    :param found: all instances.
    """
    names = [item.name for item in moving]
    lines = [
        f"instances={wanted.instances!r}: VRRP instance {name} is {MASTER} as well and would move with them, "
        f"because it tracks {tracking.name}"
        for tracking in files
        for name in tracking.instances
        if name not in names and found[name].state == MASTER
    ]
    for instance in moving:
        least = _INTERVALS * (instance.advert_interval or 0)
        if wanted.timeout < least:
            lines.append(f"timeout={wanted.timeout:g}: VRRP instance {instance.name} needs {least:g} seconds at least")
    return lines


def _forwarding(access: DirectorAccess, info: Info, document: Mapping[str, Any], connections: int | None) -> Forwarding:
    configured = bool(document.get("global_defs", {}).get("lvs_sync_daemon"))
    synchronised = configured or bool(info.sync_daemons)
    # Where the kernel has no IPVS there is nothing, and ipvsadm would load it.
    if access.identity(_IPVS) is None:
        return Forwarding({}, 0, info.sync_daemons, synchronised)
    table = read_table(check(access.run, _TABLE))
    # Between the count on the other director and one here, thousands may have begun.
    count = info.connections if connections is None else connections
    return Forwarding(table, count, info.sync_daemons, synchronised)
