# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The running keepalived: what systemd says of it, and what it says of itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, check

UNIT = "keepalived.service"
RELOAD = ("systemctl", "reload", UNIT)
START = ("systemctl", "start", UNIT)

_SHOW = (
    "systemctl",
    "show",
    "--timestamp=us+utc",
    "--property=LoadState,ActiveState,SubState,MainPID,StateChangeTimestamp",
    UNIT,
)

# How often, and how many seconds apart, is looked for a dump that was asked for.
_LOOKS = 400
_PAUSE = 0.005

Pause = Callable[[float], None]


CHECKER = "checker process"
# Where keepalived notes its processes for VRRP and for checkers, without and with use_pid_dir.
_CHILDREN = {
    "VRRP process": ("/run/vrrp.pid", "/run/keepalived/vrrp.pid"),
    CHECKER: ("/run/checkers.pid", "/run/keepalived/checkers.pid"),
}


class NoDump(Exception):  # noqa: N818  # it says why
    """A process of keepalived did not tell its state."""


@dataclass(frozen=True)
class Service:
    """What systemd says. ``changed`` is when the unit last changed its state: at the last start or reload."""

    state: str
    main_pid: int
    changed: float | None

    @property
    def is_running(self) -> bool:
        return self.state in ("active", "reloading") and self.main_pid > 0


def service(access: HostAccess) -> Service:
    """:raises CommandError: if systemctl fails."""
    values = dict(line.split("=", 1) for line in check(access.run, _SHOW).splitlines() if "=" in line)
    main_pid = values.get("MainPID", "0")
    return Service(
        state=values.get("ActiveState", "unknown"),
        main_pid=int(main_pid) if main_pid.isdigit() else 0,
        changed=_timestamp(values.get("StateChangeTimestamp", "")),
    )


def children(access: HostAccess) -> dict[str, str]:
    """The process ids of keepalived's processes for VRRP and for checkers, of those that there are."""
    found = {name: next(filter(None, map(access.read, paths)), None) for name, paths in _CHILDREN.items()}
    return {name: file.text.strip() for name, file in found.items() if file is not None}


def _timestamp(text: str) -> float | None:
    """As ``--timestamp=us+utc`` writes it: ``Tue 2026-11-24 01:30:00.123456 UTC``."""
    match = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC", text)
    if match is None:
        return None
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in match.group(1) else "%Y-%m-%d %H:%M:%S"
    return datetime.strptime(match.group(1), form).replace(tzinfo=timezone.utc).timestamp()


class Dump:
    """How one keepalived tells its state. To be asked again and again, it is found out once.

    :raises CommandError: if keepalived does not say what the signal is.
    """

    def __init__(self, access: HostAccess, main_pid: int) -> None:
        self._access, self._main_pid = access, main_pid
        self._path = temporary_path(access, main_pid, "keepalived.json")
        self._number = _signal_number(access)

    def instances(self, pause: Pause) -> list[dict[str, Any]]:
        """Have the VRRP process write its state, and read that.

        A keepalived without VRRP instances writes nothing.

        :raises NoDump: if nothing new and complete came in time.
        """
        before = self._access.identity(self._path)
        try:
            self._access.signal(self._main_pid, self._number)
        except ProcessLookupError:
            raise NoDump(f"process {self._main_pid} has ended") from None
        for _look in range(_LOOKS):
            # The file is replaced, not written over: what has another identity is new.
            if self._access.identity(self._path) not in (before, None):
                file = self._access.read(self._path)
                found = None if file is None else instances_in(file.text)
                if found is not None:
                    return found
            if not self._access.is_alive(self._main_pid):
                raise NoDump(f"process {self._main_pid} has ended")
            pause(_PAUSE)
        raise NoDump(f"no new {self._path} after {_LOOKS * _PAUSE:.0f} seconds")


def dump_instances(access: HostAccess, main_pid: int, pause: Pause) -> list[dict[str, Any]]:
    """:raises NoDump: if the VRRP process does not tell its state."""
    return Dump(access, main_pid).instances(pause)


def instances_in(text: str) -> list[dict[str, Any]] | None:
    """The instances in a dump of json_version 1 or 2; None if it is not complete."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    found = found.get("vrrp") if isinstance(found, dict) else found
    return found if isinstance(found, list) else None


def _signal_number(access: HostAccess) -> int:
    argv = ("keepalived", "--signum=JSON")
    completed = access.run(argv, None)
    number = (completed.stdout.strip() or completed.stderr.strip()).split("\n")[0]
    if completed.rc != 0 or not number.isdigit():
        raise CommandError(argv, completed)
    return int(number)


def temporary_path(access: HostAccess, pid: int, name: str) -> str:
    """Where a process writes a file of this name, as it is seen from outside: it may have its own /tmp, or TMPDIR."""
    environment = access.read(f"/proc/{pid}/environ")
    variables = dict(
        entry.split("=", 1) for entry in (environment.text if environment else "").split("\0") if "=" in entry
    )
    directory = variables.get("TMPDIR", "")
    directory = directory if directory.startswith("/") else "/tmp"
    return f"/proc/{pid}/root{directory}/{name}"
