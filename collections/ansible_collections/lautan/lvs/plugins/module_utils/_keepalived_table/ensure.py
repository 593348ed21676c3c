# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Make the kernel's table what keepalived means it to be: ask keepalived, read, plan, write, and look again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import ensure as ipvs
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Incomplete, NotReached, ServiceKey, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults, mask_values
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.validate import secrets_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.checker import Checker
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.configured import virtual_servers
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.differences import (
    file_differences,
    table_differences,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.meant import (
    meant_table,
    table_without_health,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import Running, VirtualServer

# keepalived may change the table itself while it is looked at. So often, and so many seconds apart, is tried again.
_ROUNDS = 5
_PAUSE = 0.3

# keepalived.conf(5), script_user: the default, if there is such a user.
_SCRIPT_USER = "keepalived_script"


class Unsettled(Exception):  # noqa: N818  # the state of a director
    """keepalived changed its mind each time while the table was read."""


@dataclass(frozen=True)
class Wanted:
    """The options."""

    path: str
    purge: bool


@dataclass
class Outcome:
    """What was found, and what was done or would be. Filled in as things happen, so that it is true however they end.

    :ivar differences: between the kernel and keepalived, as found in the beginning.
    :ivar unread: what keepalived runs with that is another in its file.
    :ivar meant: the table that keepalived means; None if that is not known.
    """

    differences: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    meant: Table | None = None
    before: Table | None = None
    after: Table = field(default_factory=dict)
    affected: list[ServiceKey] = field(default_factory=list)


def ensure(access: HostAccess, wanted: Wanted, check_mode: bool, outcome: Outcome, pause: daemon.Pause) -> None:
    """Do it, or with ``check_mode`` tell what it takes.

    :param outcome: is filled in.
    :raises Mistakes: if the file or the host do not allow it; nothing was changed.
    :raises NoDump: if keepalived does not tell how its virtual servers are. What can be said without that is in
        ``outcome.differences``.
    :raises Unsettled: if keepalived changed its mind all the time; nothing was changed.
    :raises CommandError: if the table could not be read.
    :raises Incomplete: if ipvsadm complained while it changed the table.
    :raises NotReached: if the table is something else in the end.
    """
    document = _document(access, wanted.path)
    configured = virtual_servers(document)
    service = daemon.service(access)
    if not service.is_running:
        raise Mistakes([f"{daemon.UNIT} is {service.state}, so there is nothing that the table could be compared with"])
    try:
        _insist_that_it_survives(access, document)
        _Repair(access, wanted, configured, outcome, pause).run(Checker(access, service.main_pid, pause), check_mode)
    except daemon.NoDump:
        if outcome.before is None:
            current = read_table(access.run)
            outcome.differences = table_differences(current, table_without_health(configured, current))
        raise


def _document(access: HostAccess, path: str) -> Mapping[str, Any]:
    file = access.read(path)
    if file is None:
        raise Mistakes([f"{path}: does not exist"])
    imported, faults = parse(file.text), Faults()
    document = checked(imported.document, faults)
    lines = [str(problem) for problem in imported.problems] + faults.lines + _elsewhere(document)
    if lines:
        secrets = secrets_of(imported.document)
        raise Mistakes([f"{path}: {mask_values(line, secrets)}" for line in lines])
    return document


def _insist_that_it_survives(access: HostAccess, document: Mapping[str, Any]) -> None:
    """keepalived looks its script user up when it is asked, and takes it for a mistake in its file if there is none.

    It remembers that, and with ``reload_check_config`` its checker process, and then all of it, ends at the next reload
    (get_default_script_user() in lib/notify.c; seen with 2.2.7).
    """
    settings = document.get("global_defs", {})
    if not settings.get("enable_script_security") or "script_user" in settings:
        return
    users = access.read("/etc/passwd")
    if users is None or f"\n{_SCRIPT_USER}:" not in "\n" + users.text:
        raise daemon.NoDump(
            f"keepalived would not survive its next reload: script security is enabled, but there is neither"
            f" global_defs.script_user nor a user {_SCRIPT_USER}"
        )


def _elsewhere(document: Mapping[str, Any]) -> list[str]:
    """Why the services cannot be known from the file."""
    lines = [
        f"{name}={document[name]!r}: the table is that of another network namespace"
        for name in ("net_namespace", "net_namespace_ipvs")
        if name in document
    ]
    table = document.get("global_defs", {}).get("nftables_ipvs")
    if table and any("group" in item for item in document.get("virtual_servers", [])):
        lines.append(f"global_defs.nftables_ipvs={table!r}: keepalived chooses the firewall marks of groups itself")
    return lines


class _MovedError(Exception):
    """keepalived does not mean the same table as a moment ago."""


class _Repair:
    def __init__(
        self,
        access: HostAccess,
        wanted: Wanted,
        configured: Sequence[VirtualServer],
        outcome: Outcome,
        pause: daemon.Pause,
    ) -> None:
        self._access, self._wanted, self._configured = access, wanted, configured
        self._outcome, self._pause = outcome, pause

    def run(self, checker: Checker, check_mode: bool) -> None:
        """Until a look finds no difference. keepalived does not undo what was done by what it meant a moment before."""
        outcome, differences = self._outcome, []
        failure: Exception = Unsettled("keepalived changed the table each time while it was read")

        def intend(current: Table) -> Table:
            # Asked before the table was read, and after: otherwise a real server that keepalived takes out in between
            # would be missed, and put back.
            if checker.look() != running:
                raise _MovedError
            meant = self._meant(running, current)
            differences[:] = table_differences(current, meant)
            if outcome.before is None:
                outcome.before, outcome.differences = current, list(differences)
            return meant if self._wanted.purge else {**current, **meant}

        for number in range(_ROUNDS):
            if number:
                self._pause(_PAUSE)
            running = checker.look()
            try:
                done = ipvs.ensure(self._access.run, intend, check_mode)
            except _MovedError:
                continue
            except (NotReached, Incomplete) as exc:
                outcome.commands += exc.applied or []
                failure = exc
                continue
            outcome.commands += render.commands(done.plan.steps)
            outcome.affected += done.plan.affected
            outcome.after = done.after
            if check_mode or not done.plan.affected:
                return
            failure = NotReached(list(differences), outcome.commands)
        raise failure

    def _meant(self, running: Sequence[Running], current: Table) -> Table:
        engines = {key: service.scheduling.engine for key, service in current.items()}
        engines.update({key: each.scheduling.engine for each in self._configured for key in each.keys})
        self._outcome.meant = meant_table(running, engines)
        self._outcome.unread = file_differences(self._configured, [each.virtual_server for each in running])
        return self._outcome.meant
