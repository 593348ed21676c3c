# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Ask keepalived's checker process how its virtual servers are. It writes that to a file when it gets SIGUSR1.

The signal goes to that one process. From the main process it would reach the others, too, and the VRRP process would
write a file of its own, with passwords in it.
"""

from __future__ import annotations

import signal

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import daemon
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table import dump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.access import HostAccess
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import Running

_FILE = "keepalived_check.data"

# How often, and how many seconds apart, is looked for the file. A checker process that closes the connection to a real
# server that has just died may stand still for five seconds: keepalived before 2.3.2, issue 2271.
_LOOKS = 1000
_PAUSE = 0.01


class Checker:
    """The checker process of a keepalived that runs.

    :raises NoDump: if there is none.
    """

    def __init__(self, access: HostAccess, main_pid: int, pause: daemon.Pause) -> None:
        self._access, self._pause = access, pause
        self._pid = _checker_pid(access, main_pid)
        self._path = daemon.temporary_path(access, self._pid, _FILE)

    def look(self) -> list[Running]:
        """:raises NoDump: if it does not tell, or nothing that can be understood."""
        try:
            return dump.running(self._text())
        except dump.DumpError as exc:
            raise daemon.NoDump(f"{self._path} is not understood: {exc}") from None

    def _text(self) -> str:
        before = self._access.identity(self._path)
        try:
            self._access.signal(self._pid, signal.SIGUSR1)
        except ProcessLookupError:
            raise daemon.NoDump(f"the checker process, {self._pid}, has ended") from None
        for _look in range(_LOOKS):
            # A new file takes the name of the old one before anything is written to it, and is complete when it is
            # closed. What anybody else puts there under that name does not count.
            identity = self._access.identity(self._path)
            if identity not in (before, None) and not self._access.has_open(self._pid, self._path):
                text = self._access.read_own(self._path)
                # Nor does one that takes the place of that, because somebody else asks, too.
                if text is not None and self._access.identity(self._path) == identity:
                    return text
            if not self._access.is_alive(self._pid):
                raise daemon.NoDump(f"the checker process, {self._pid}, has ended")
            self._pause(_PAUSE)
        raise daemon.NoDump(f"no new {self._path} after {_LOOKS * _PAUSE:.0f} seconds")


def _checker_pid(access: HostAccess, main_pid: int) -> int:
    """What the file says must be a child of the main process: SIGUSR1 ends a program that does not expect it."""
    text = daemon.children(access).get(daemon.CHECKER, "")
    status = access.read(f"/proc/{text}/status") if text.isdigit() else None
    if status is None or f"\nPPid:\t{main_pid}\n" not in status.text:
        raise daemon.NoDump(f"the checker process of process {main_pid} was not found")
    return int(text)
