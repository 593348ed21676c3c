# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Make the sync daemon of one role what is wanted: options, plan, act, read again."""

from __future__ import annotations

import contextlib
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import (
    GROUP,
    PORT,
    TTL,
    Daemon,
    longest_maxlen,
    parse_daemons,
    shortest_maxlen,
    start_words,
    stop_words,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached, Table, family_of
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import real_words
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import (
    Outcome,
    Progress,
    apply,
    command_line,
    difference,
    note_change,
    whole_number,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Runner, check

_READ = ("ipvsadm", "-L", "--daemon")


class Wanted(NamedTuple):
    """The daemon that the one of this role is to be, or None for none at all."""

    role: str
    daemon: Daemon | None


def read_options(params: Mapping[str, Any], interfaces: Sequence[str]) -> Wanted:
    """Read the module's options.

    :param interfaces: the network interfaces of the host.
    :raises Mistakes: with all that is wrong.
    """
    mistakes: list[str] = []
    role, present = params["role"], params["state"] == "present"
    interface = params["interface"]
    if present and not interface:
        mistakes.append("interface: is needed to start a daemon")
    elif present and interface not in interfaces:
        there = ", ".join(repr(name) for name in sorted(interfaces))
        mistakes.append(f"interface={interface!r}: the host has no such interface; it has {there}")
    group = _read_group(params["group"], mistakes)
    daemon = Daemon(
        role=role,
        interface=interface or "",
        syncid=whole_number("syncid", params["syncid"], 0, 255, mistakes) or 0,
        group=group,
        port=whole_number("port", params["port"], 1, 65535, mistakes) or PORT,
        ttl=whole_number("ttl", params["ttl"], 1, 255, mistakes) or TTL,
        maxlen=_read_maxlen(params["maxlen"], role, group, mistakes),
    )
    if mistakes:
        raise Mistakes(mistakes)
    return Wanted(role, daemon if present else None)


def _read_group(value: str, mistakes: list[str]) -> str:
    """Read a multicast address; the default one, to go on with, if it is wrong."""
    try:
        group = IPv6Address(value) if ":" in value else IPv4Address(value)
    except AddressValueError:
        group = None
    if group is not None and group.is_multicast and "%" not in value:
        return str(group)
    mistakes.append(f"group={value!r}: must be an IPv4 or IPv6 multicast address, such as {GROUP} or ff02::81")
    return GROUP


def _read_maxlen(value: Any, role: str, group: str, mistakes: list[str]) -> int | None:
    """Read a length that the kernel takes as it is. It would change others without a word."""
    own: list[str] = []
    maxlen = whole_number("maxlen", value, shortest_maxlen(role), longest_maxlen(group), own)
    mistakes += [f"{mistake} for a {role} daemon with the group {group}" for mistake in own]
    return maxlen


def plan(found: Daemon | None, wanted: Wanted) -> list[list[str]]:
    """The commands that make one into the other. A daemon cannot be changed while it runs."""
    if wanted.daemon is not None and found is not None and not differences(wanted.daemon, found):
        return []
    commands = [] if found is None else [["ipvsadm", *stop_words(wanted.role)]]
    return commands if wanted.daemon is None else [*commands, ["ipvsadm", *start_words(wanted.daemon)]]


def differences(wanted: Daemon, found: Daemon) -> list[str]:
    """One line for each thing in which a daemon is not what is wanted. Any length is, if none is wanted."""
    return [
        f"{name}: wanted {value}, found {getattr(found, name)}"
        for name, value in wanted._asdict().items()
        if value is not None and value != getattr(found, name)
    ]


def ensure_daemon(
    run: Runner, interfaces: Sequence[str], params: Mapping[str, Any], check_mode: bool, progress: Progress
) -> Outcome:
    """Make the daemon of one role what the options say, or with ``check_mode`` tell what that takes.

    :raises Mistakes: if the options or the table do not allow it; nothing was changed.
    :raises CommandError: if ipvsadm failed. A daemon that was stopped for it was started again, if that was possible.
    :raises NotReached: if another daemon runs although ipvsadm succeeded.
    """
    wanted = read_options(params, interfaces)

    def read() -> Daemon | None:
        found = parse_daemons(check(run, _READ))
        return next((daemon for daemon in found if daemon.role == wanted.role), None)

    before = read()
    commands = plan(before, wanted)
    if commands and wanted.daemon is not None:
        _refuse_mixed_families(read_table(run))
    if commands and not check_mode:
        try:
            found = apply(run, commands, read, before, progress)
        except CommandError:
            if before is not None and wanted.daemon is not None and progress.commands:
                _start_again(run, before, progress)
                note_change(read, before, progress)
            raise
        _verify(wanted, found, progress)
    entry = difference(f"{wanted.role} sync daemon", _line(before), _line(wanted.daemon))
    return Outcome(bool(commands), tuple(map(command_line, commands)), (entry,) if commands else ())


def _refuse_mixed_families(table: Table) -> None:
    """A sync message could not tell of the connections of such a real server, so the kernel wants no daemon then."""
    mixed = [
        real_words(key, real)
        for key, service in table.items()
        for real in service.real_servers
        if family_of(real.address) != key.family
    ]
    if mixed:
        raise Mistakes(
            [
                "the kernel starts no sync daemon while the table has a real server of another address family than its"
                f" service: {', '.join(mixed)}"
            ]
        )


def _start_again(run: Runner, daemon: Daemon, progress: Progress) -> None:
    """Better the old daemon than none. The failure that led here is the one to tell."""
    with contextlib.suppress(CommandError):
        progress.execute(run, ["ipvsadm", *start_words(daemon)])


def _verify(wanted: Wanted, found: Daemon | None, progress: Progress) -> None:
    if wanted.daemon is None:
        wrong = [] if found is None else [f"wanted no {wanted.role} daemon, found {found}"]
    elif found is None:
        wrong = [f"wanted {wanted.daemon}, found none"]
    else:
        wrong = differences(wanted.daemon, found)
    if wrong:
        raise NotReached(wrong, progress.commands)


def _line(daemon: Daemon | None) -> str:
    return "" if daemon is None else f"{daemon}\n"
