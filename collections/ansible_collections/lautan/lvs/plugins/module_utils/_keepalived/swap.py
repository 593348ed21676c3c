# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Replace the file that keepalived runs with, and take that back when keepalived does not come to run with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon, live, render, trial
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, check

if TYPE_CHECKING:
    from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome

LAST_GOOD = ".last-good"
# What somebody else wrote and cannot be gone back to, such as a file that is refused, or that only includes others.
REPLACED = ".replaced"

# keepalived rereads its file in the background; with reload_check_config a process of its own tries it first.
_LOOKS = 50
_PAUSE = 0.2


class Swap:
    """One replacement.

    :param current: the file as it was when everything was decided.
    """

    def __init__(
        self, access: HostAccess, path: str, current: File | None, outcome: Outcome, pause: daemon.Pause
    ) -> None:
        self._access, self._path, self._current = access, path, current
        self._outcome, self._pause = outcome, pause
        self._able: set[str] = set()  # the VRRP instances that were able to be master before

    def write(self, file: File) -> None:
        """Put the new file in place.

        :raises Mistakes: if somebody else wrote to the file meanwhile; nothing was changed.
        """
        if self._current is not None and self._current.text != file.text:
            self._keep(File(self._current.text))
        if self._access.read(self._path) != self._current:
            raise Mistakes([f"{self._path}: changed by somebody else while this module was at work"])
        try:
            self._access.write(self._path, file)
        finally:
            # It may be there although something failed behind that.
            self._outcome.changed = self._access.read(self._path) != self._current
        if self._access.read(self._path) != file:
            raise NotReached([f"{self._path}: is not as it was written"], "keepalived was not reloaded")

    def _keep(self, current: File) -> None:
        """Have a copy of what is to be replaced."""
        if self._is_good(current.text):
            copy = self._path + LAST_GOOD
        elif render.authorship(current.text) in (render.FOREIGN, render.EDITED):
            copy = self._path + REPLACED
        else:
            return
        if self._access.read(copy) != current:
            self._access.write(copy, current)

    def reload(self, document: Mapping[str, Any], running: daemon.Service) -> None:
        """Have keepalived read the file, and see that it does.

        :raises NotReached: with what differed, and what became of it.
        """
        before = parse(self._current.text).document if self._current else {}
        # Without instances there is no VRRP process, and nothing to ask.
        self._able = self._without_fault(running.main_pid) if before.get("vrrp_instances") else set()
        differences = self._reload_and_look(document, before, running.main_pid)
        if differences:
            try:
                rolled_back = self._roll_back(document, running.main_pid)
            except (CommandError, OSError) as exc:
                rolled_back = f"It could not be gone back to the last good file: {exc}"
            raise NotReached(differences, rolled_back)

    def _without_fault(self, main_pid: int) -> set[str]:
        """The names of the VRRP instances that are able to be master."""
        try:
            dump = daemon.dump_instances(self._access, main_pid, self._pause)
        except daemon.NoDump:
            return set()
        return live.without_fault(dump)

    def _is_good(self, text: str) -> bool:
        """Whether a file can be gone back to."""
        imported = parse(text)
        document = imported.document
        if not document.get("vrrp_instances") and not document.get("virtual_servers"):
            return False
        return not trial.try_out(self._access, text, (), document).faults

    def _reload_and_look(self, document: Mapping[str, Any], before: Mapping[str, Any], main_pid: int) -> list[str]:
        self._outcome.commands.append(" ".join(daemon.RELOAD))
        try:
            children = daemon.children(self._access)
            completed = self._access.run(daemon.RELOAD, None)
            self._outcome.changed = True
            failed = [] if completed.rc == 0 else [f"systemctl reload failed: {completed.stderr.strip()}"]
            return failed or self._look(document, before, main_pid) or self._died(children)
        except (CommandError, OSError) as exc:
            return [f"{daemon.UNIT}: could not be looked at: {exc}"]

    def _died(self, before: Mapping[str, str]) -> list[str]:
        """keepalived starts anew what dies of a reload. When that was the VRRP process, the VIPs have moved."""
        after = daemon.children(self._access)
        return [
            f"{name}: wanted process {pid} to go on, found process {after[name]} in its place; see the journal of "
            f"{daemon.UNIT}"
            for name, pid in before.items()
            if after.get(name, pid) != pid
        ]

    def _look(self, document: Mapping[str, Any], before: Mapping[str, Any], main_pid: int) -> list[str]:
        """What differs, after some time for it to become right."""
        differences: list[str] = []
        for look in range(_LOOKS):
            if look:
                self._pause(_PAUSE)
            running = daemon.service(self._access)
            if not running.is_running:
                return [f"{daemon.UNIT}: wanted active, found {running.state}"]
            if running.main_pid != main_pid:
                return [f"{daemon.UNIT}: wanted main process {main_pid}, found {running.main_pid}"]
            try:
                differences = self._differences(document, before, main_pid)
            except CommandError as exc:  # ipvsadm complains of a service that goes while it lists it
                differences = [f"the kernel's table could not be looked at: {exc}"]
            if not differences:
                break
        return differences

    def _differences(self, document: Mapping[str, Any], before: Mapping[str, Any], main_pid: int) -> list[str]:
        found: list[str] = []
        if document.get("vrrp_instances"):
            try:
                dump = daemon.dump_instances(self._access, main_pid, self._pause)
            except daemon.NoDump as exc:
                found.append(f"VRRP process: {exc}")
            else:
                found += live.instance_differences(document, dump)
                found += live.new_faults(self._able, dump)
        wanted, old = live.wanted_services(document), _services_of(before)
        if not wanted and not old:
            return found
        blind = self._blind(document)
        if blind:
            warning = f"{blind}, so it was not seen whether the kernel has the virtual servers"
            self._outcome.warnings += [] if warning in self._outcome.warnings else [warning]
            return found
        table = check(self._access.run, ("ipvsadm", "--save", "--numeric"))
        return found + live.service_differences(wanted, old, live.kernel_services(table))

    def _blind(self, document: Mapping[str, Any]) -> str:
        """Why the kernel's table cannot be seen, or nothing."""
        if document.get("net_namespace") or document.get("net_namespace_ipvs"):
            return "keepalived is in another network namespace"
        return "" if self._access.has_program("ipvsadm") else "ipvsadm is not installed"

    def _roll_back(self, failed: Mapping[str, Any], main_pid: int) -> str:
        """Go back to the last good file. :return: what became of it."""
        good = self._last_good()
        if good is None:
            return "There is no other good file to go back to"
        try:
            self._access.write(self._path, good)
        except OSError as exc:
            return f"The last good file could not be written back: {exc}"
        service = daemon.service(self._access)
        document = parse(good.text).document
        if service.is_running:
            differences = self._reload_and_look(document, failed, service.main_pid)
        else:
            # It ran before, so it is to run again; and until it does, its VIPs stay where they are.
            differences = self._start()
            service = daemon.service(self._access)
            differences = differences or self._look(document, failed, service.main_pid)
        if differences:
            return f"The last good file is back in place, but keepalived does not run with it: {'; '.join(differences)}"
        died = "" if service.main_pid == main_pid else ", in a new process"
        return f"The last good file is back in place, and keepalived runs with it{died}"

    def _last_good(self) -> File | None:
        bad = self._access.read(self._path)
        for file in (self._access.read(self._path + LAST_GOOD), self._current):
            if file is not None and (bad is None or file.text != bad.text) and self._is_good(file.text):
                return File(file.text)
        return None

    def _start(self) -> list[str]:
        self._outcome.commands.append(" ".join(daemon.START))
        completed = self._access.run(daemon.START, None)
        return [] if completed.rc == 0 else [f"systemctl start failed: {completed.stderr.strip()}"]


def _services_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The services of a file that somebody else may have written, so that it need not be well-formed."""
    try:
        return live.wanted_services(document)
    except (KeyError, ValueError):
        return {}
