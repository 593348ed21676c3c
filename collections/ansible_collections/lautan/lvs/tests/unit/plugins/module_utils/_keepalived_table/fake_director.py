# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A director that exists only in memory: systemd, keepalived's checker process, and ipvsadm with a kernel.

Its keepalived says what a real one wrote: the fixtures ``debian12-check-data.txt`` and ``debian13-check-data.txt`` are
from keepalived 2.2.7 and 2.3.3 with ``everything.conf``, some checks of which fail. ``everything-table.txt`` is what
the kernel then has. It was written by hand from keepalived's sources, not by the collection.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm

FIXTURES = Path(__file__).parent / "fixtures"

PATH = "/etc/keepalived/keepalived.conf"
MAIN_PID, CHECKER_PID = 812, 815
PID_FILE = "/run/checkers.pid"
STATUS = f"/proc/{CHECKER_PID}/status"
DUMP = f"/proc/{CHECKER_PID}/root/tmp/keepalived_check.data"


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


class FakeDirector:
    """HostAccess without a host, and without anything that writes files: there is nothing to be written."""

    def __init__(self, data: str = "debian12-check-data.txt") -> None:
        self.ipvsadm = FakeIpvsadm().load(fixture("everything-table.txt"))
        self.files = {
            PATH: fixture("everything.conf"),
            PID_FILE: f"{CHECKER_PID}\n",
            STATUS: f"Name:\tkeepalived\nPid:\t{CHECKER_PID}\nPPid:\t{MAIN_PID}\nUid:\t0\t0\t0\t0\n",
        }
        self.state = "active"
        # What keepalived will say, each time or, one after the other, what is in ``says``
        self.data = fixture(data)
        self.says: list[str] = []
        # What is in the file, with its inode; and what comes next, after it was looked for so often
        self.dump: tuple[int, str] | None = None
        self.pending: tuple[int, str] | None = None
        self.late = 0
        # How often a file is looked at before keepalived has finished it, and inodes of files that are not root's
        self.unfinished = 0
        self.foreign: set[int] = set()
        self.silent = False
        self.dies = False
        self.alive = True
        self.signals: list[tuple[int, int]] = []
        self.seconds = 0.0

    @property
    def read_only(self) -> bool:
        return self.ipvsadm.read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self.ipvsadm.read_only = value

    # ---- what tests look at and spoil

    def table(self) -> set[str]:
        return set(self.ipvsadm.save())

    def by_hand(self, *lines: str) -> FakeDirector:
        """What an operator types, with or without ipvsadm before it."""
        before, self.read_only = self.read_only, False
        self.ipvsadm.load("\n".join(lines))
        self.read_only = before
        return self

    def set_health(self, real: str, **values: int) -> None:
        """Change what keepalived says of a real server, wherever it is one: ``alive``, ``RS set``, ``WEIGHT``."""
        self.data = with_health(self.data, real, **values)

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    # ---- HostAccess

    def run(self, argv, stdin=None) -> Completed:
        if argv[:2] == ("systemctl", "show"):
            pid = MAIN_PID if self.state == "active" else 0
            return Completed(0, f"MainPID={pid}\nActiveState={self.state}\nStateChangeTimestamp=\n", "")
        return self.ipvsadm.run(argv, stdin)

    def read(self, path: str) -> File | None:
        return File(self.files[path]) if path in self.files else None

    def identity(self, path: str) -> tuple[int, int] | None:
        assert path == DUMP, path
        if self.pending is not None:
            if not self.late:
                self.dump, self.pending = self.pending, None
            else:
                self.late -= 1
        return None if self.dump is None else (self.dump[0], 0)

    def is_alive(self, pid: int) -> bool:
        assert pid == CHECKER_PID
        return self.alive

    def signal(self, pid: int, number: int) -> None:
        assert number == signal.SIGUSR1
        if not self.alive:
            raise ProcessLookupError(pid)
        self.signals.append((pid, number))
        if self.dies:
            self.alive = False
        elif not self.silent:
            self.pending = (1000 + len(self.signals), self.says.pop(0) if self.says else self.data)

    def has_open(self, pid: int, path: str) -> bool:
        assert (pid, path) == (CHECKER_PID, DUMP)
        if self.unfinished:
            self.unfinished -= 1
            return True
        return False

    def read_own(self, path: str) -> str | None:
        assert path == DUMP
        assert self.dump is not None
        return None if self.dump[0] in self.foreign else self.dump[1]


def with_health(data: str, real: str, **values: int) -> str:
    """:param real: the address of a real server."""

    def changed(match: re.Match[str]) -> str:
        text = match[0]
        for name, value in values.items():
            text, count = re.subn(rf"(?m)(^   |, ){name} = \d+", rf"\g<1>{name} = {value}", text)
            assert count == 1, name
        return text

    block = rf"   RIP = {re.escape(real)},.*?   reloaded = \d"
    data, count = re.subn(block, changed, data, flags=re.DOTALL)
    assert count, real
    return data
