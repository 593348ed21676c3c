# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A director that exists only in memory: files, systemd, keepalived and the kernel's IPVS table.

``read_only`` makes every write an error: what runs in check mode, or a second time, must not even try.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.live import wanted_services
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules_vrrp import version_of
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed

FIXTURES = Path(__file__).parent / "fixtures"
OK = Completed(0, "", "")

PATH = "/etc/keepalived/keepalived.conf"
LAST_GOOD = f"{PATH}.last-good"
CANDIDATE = "/root/.ansible/tmp/keepalived.conf.abc"
MAIN_PID = 812
DUMP = f"/proc/{MAIN_PID}/root/tmp/keepalived.json"


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def document() -> dict:
    """The data of an ordinary director."""
    return parse(fixture("director.conf")).document


VRRP_PID = "/run/vrrp.pid"


class ReadOnlyError(AssertionError):
    """Something was about to be changed that must not be."""


class FakeDirector:
    """HostAccess without a host."""

    def __init__(self, running: bool = True) -> None:
        self.read_only = False
        self.programs = {"keepalived", "systemctl", "ipvsadm", "ip"}
        self.files: dict[str, File] = {}
        self.modified: dict[str, tuple[int, float]] = {}
        self.clock = 1_764_000_000.0
        self.inode = 1
        self.commands: list[str] = []
        self.signals: list[tuple[int, int]] = []
        self.version = fixture("debian12-version.txt")
        # What keepalived --config-test gives, by a word in the candidate
        self.test_results: dict[str, Completed] = {}
        # What goes wrong when keepalived reads a file with this word in it: dies, its VRRP process dies, refuses, loses
        self.dies_of: set[str] = set()
        self.vrrp_dies_of: set[str] = set()
        self.refuses: set[str] = set()
        self.faulty_of: set[str] = set()  # has all instances in FAULT
        self.lost_services: set[str] = set()
        self.lost_instances: set[str] = set()
        self.fails: dict[str, Completed] = {}
        self.silent = False
        self.full: set[str] = set()
        self.state, self.main_pid, self.state_changed = "inactive", 0, 0.0
        self.document: dict = {}
        self.table: dict[str, str] = {}
        if running:
            self.put(PATH, fixture("director.conf"))
            self.start()
            self.commands.clear()

    # ---- what tests look at and spoil

    def put(self, path: str, text: str, mode: int = 0o640) -> None:
        self.clock += 1
        self.inode += 1
        self.files[path] = File(text, mode)
        self.modified[path] = (self.inode, self.clock)

    def start(self) -> None:
        self.state, self.main_pid = "active", MAIN_PID if not self.main_pid else self.main_pid + 1
        self.table = {}
        self.put(VRRP_PID, f"{self.main_pid + 1000}\n")
        self._take(self.files[PATH].text)

    def _take(self, text: str) -> None:
        self.clock += 1
        self.state_changed = self.clock
        if any(word in text for word in self.dies_of):
            self.state, self.main_pid = "failed", 0
            return
        if any(word in text for word in self.refuses):
            return
        if any(word in text for word in self.vrrp_dies_of):
            self.put(VRRP_PID, f"{int(self.files[VRRP_PID].text) + 1}\n")
        old = wanted_services(self.document) if self.document else {}
        self.faulty = any(word in text for word in self.faulty_of)
        self.document = parse(text).document
        for name in old:
            self.table.pop(name, None)
        self.table.update(wanted_services(self.document))
        for name in self.lost_services:
            self.table.pop(name, None)

    # ---- HostAccess

    def has_program(self, name: str) -> bool:
        return name in self.programs

    def read(self, path: str) -> File | None:
        return self.files.get(path)

    def identity(self, path: str) -> tuple[int, int] | None:
        found = self.modified.get(path)
        return None if found is None else (found[0], int(found[1] * 1e9))

    def write(self, path: str, file: File) -> None:
        self._writing(f"write {path}")
        if path in self.full:
            raise OSError(28, "No space left on device", path)
        self.put(path, file.text, file.mode)

    def write_candidate(self, text: str) -> str:
        self.put(CANDIDATE, text, 0o600)
        return CANDIDATE

    def remove(self, path: str) -> None:
        del self.files[path]

    def is_alive(self, pid: int) -> bool:
        return pid == self.main_pid

    def signal(self, pid: int, number: int) -> None:
        if pid != self.main_pid:
            raise ProcessLookupError(pid)
        self.signals.append((pid, number))
        if not self.silent:
            self.put(f"/proc/{self.main_pid}/root/tmp/keepalived.json", json.dumps(self.dump()), 0o600)

    def run(self, argv, stdin=None) -> Completed:
        line = " ".join(argv)
        if line == "keepalived --version":
            return Completed(0, "", self.version)
        if line == "keepalived --signum=JSON":
            return Completed(0, "36\n", "")
        if line == f"keepalived --config-test --use-file={CANDIDATE}":
            text = self.files[CANDIDATE].text
            return next((result for word, result in self.test_results.items() if word in text), OK)
        if line.startswith("systemctl show"):
            return Completed(0, self._show(), "")
        if line == "ipvsadm --save --numeric":
            return Completed(0, self._save(), "")
        self._writing(line)
        self.commands.append(line)
        if line in self.fails:
            return self.fails[line]
        if line == "systemctl reload keepalived.service" and self.state == "active":
            self._take(self.files[PATH].text)
            return OK
        if line == "systemctl start keepalived.service":
            self.start()
            return OK
        raise AssertionError(f"unexpected command: {line}")

    def _writing(self, what: str) -> None:
        if self.read_only:
            raise ReadOnlyError(what)

    def _show(self) -> str:
        stamp = datetime.fromtimestamp(self.state_changed, timezone.utc).strftime("%a %Y-%m-%d %H:%M:%S.%f UTC")
        return (
            f"MainPID={self.main_pid}\nLoadState=loaded\nActiveState={self.state}\nSubState=running\n"
            f"StateChangeTimestamp={stamp}\n"
        )

    def _save(self) -> str:
        flags = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}
        lines = []
        for name, scheduler in self.table.items():
            kind, rest = name.split(" ", 1)
            if kind == "fwmark":
                mark, family = rest.split()
                lines.append(f"-A -f {mark}{' -6' if family == 'inet6' else ''} -s {scheduler}")
            else:
                lines.append(f"-A {flags[kind]} {rest} -s {scheduler} -b flag-2")
        return "".join(f"{line}\n" for line in lines)

    def dump(self) -> list[dict]:
        """As vrrp_json_data_dump() of keepalived writes it, the parts that matter."""
        defaults = self.document.get("global_defs", {})
        return [
            {
                "data": {
                    "iname": item["name"],
                    "state": 3 if self.faulty else 1,
                    "ifp_ifname": item["interface"],
                    "vrid": item["virtual_router_id"],
                    "version": version_of(item, defaults),
                    "base_priority": item["priority"],
                    "adver_int": float(item["advert_int"]),
                    "nopreempt": bool(item.get("nopreempt")),
                    "vips": [f"{_shown(ip)} dev eth0 scope global" for ip in item["virtual_ipaddress"]],
                    "evips": [f"{_shown(ip)} dev eth0" for ip in item.get("virtual_ipaddress_excluded", [])],
                },
                "stats": {},
            }
            for item in self.document.get("vrrp_instances", [])
            if item["name"] not in self.lost_instances
        ]


def _shown(item) -> str:
    """keepalived leaves the prefix length of a single address out."""
    ip = field(item, "ip")
    return ip[:-3] if ip.endswith("/32") else ip
