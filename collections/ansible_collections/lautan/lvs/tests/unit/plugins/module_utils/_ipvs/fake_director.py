# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A director that exists only in memory: IPVS behind ipvsadm, systemd, a few files, and a reboot as Debian does it.

``read_only`` makes every write an error: what runs in check mode, or a second time, must not even try.
What it prints is held against a capture from a real director in test_fake_director.py.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed

FIXTURES = Path(__file__).parent / "fixtures"
OK = Completed(0, "", "")
INVALID = "Invalid operation.  Possibly wrong module version, address not unicast, ...\n"

RULES, DEFAULTS = "/etc/ipvsadm.rules", "/etc/default/ipvsadm"
KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf"

_DAEMON_DEFAULTS = (("--syncid", 0), ("--mcast-port", 8848), ("--mcast-ttl", 1))
_SERVER = re.compile(r"-a (?P<option>\S+) (?P<service>\S+)(?P<six> -6)? -r (?P<server>\S+)")
_THRESHOLDS = re.compile(r" -x (\d+) -y (\d+)$")


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


class ReadOnlyError(AssertionError):
    """Something was about to be changed that must not be."""


class FakeDirector:
    def __init__(self) -> None:
        self.read_only = False
        self.interfaces = {"lo": 65536, "eth0": 1500, "eth1": 9000}
        self.timeouts = [900, 120, 300]
        self.daemons: dict[str, str] = {}
        # As ipvsadm -R takes them, sorted as the kernel would print them.
        self.table: list[str] = []
        self.files = {
            RULES: File("# empty rules file for ipvsadm\n", 0o644),
            DEFAULTS: File(fixture("debian13-default-ipvsadm.txt"), 0o644),
        }
        self.enabled = {"ipvsadm": "disabled", "keepalived": "enabled"}
        self.active = {"ipvsadm": "inactive", "keepalived": "active"}
        self.sysv = False
        self.commands: list[str] = []
        self.processes: list[str] = []
        # What succeeds without effect, and what fails with which words, by the beginning of the command.
        self.lose: set[str] = set()
        self.broken: dict[str, str] = {}

    # ---- HostAccess

    def read(self, path: str) -> str | None:
        return self.files[path].text if path in self.files else None

    def file(self, path: str) -> File | None:
        return self.files.get(path)

    def glob(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if fnmatch(path, pattern))

    def write(self, path: str, file: File) -> None:
        self._writing(f"write {path}")
        self.files[path] = file

    def run(self, argv, stdin=None) -> Completed:
        line = " ".join(argv)
        self.processes.append(line)
        for beginning, message in self.broken.items():
            if line.startswith(beginning):
                return Completed(255, "", message)
        if argv[0] == "systemctl":
            return self._systemctl(*argv[1:])
        assert argv[0] == "ipvsadm", line
        if list(argv[1:]) == ["-R"]:
            return self._restore(stdin)
        if argv[1] == "-L":
            return self._ipvsadm(list(argv[1:]))
        self._writing(line)
        if any(line.startswith(lost) for lost in self.lose):
            self.commands.append(line)
            return OK
        completed = self._ipvsadm(list(argv[1:]))
        if completed.rc == 0:
            self.commands.append(line)
        return completed

    # ---- what only a test does

    def reboot(self) -> Completed:
        """Forget all, and do what the distribution does at boot."""
        self.timeouts, self.daemons, self.table = [900, 120, 300], {}, []
        if self.enabled["ipvsadm"] != "enabled":
            return OK
        return self.start()

    def start(self) -> Completed:
        """What the service of the distribution does when it starts."""
        settings = dict(re.findall(r'^(\w+)="?(\w*)"?', self.files[DEFAULTS].text, re.MULTILINE))
        completed = OK
        if settings.get("AUTO") == "true":
            self.table = []
            lines = [line for line in self.files[RULES].text.splitlines(True) if not line.startswith("#")]
            completed = self._restore("".join(lines))
        assert settings.get("DAEMON") == "none"
        return completed

    # ---- ipvsadm

    def _restore(self, stdin: str) -> Completed:
        """ipvsadm -R: goes on after a failure, and its status is that of the last line."""
        last, stdout, stderr = OK, "", ""
        for line in stdin.splitlines():
            if line.strip():
                last = self._ipvsadm(line.split())
                stdout, stderr = stdout + last.stdout, stderr + last.stderr
        return Completed(last.rc, stdout, stderr)

    def _ipvsadm(self, words: list[str]) -> Completed:
        line = " ".join(words)
        if line == "-L --timeout":
            return self._said("Timeout (tcp tcpfin udp): {} {} {}\n".format(*self.timeouts))
        if line == "-L --daemon":
            return self._said("".join(self.daemons[role] for role in ("master", "backup") if role in self.daemons))
        if line == "-S -n":
            return self._said("".join(f"{self._saved(rule)}\n" for rule in self.table))
        if line == "-L -n --thresholds":
            return self._said(self._listing())
        if self.read_only:
            raise ReadOnlyError(line)
        if words[0] == "--set":
            self.timeouts = [int(new) or old for new, old in zip(words[1:], self.timeouts, strict=True)]
            return OK
        if words[0] == "--start-daemon":
            return self._start_daemon(dict(zip(words[::2], words[1::2], strict=True)))
        if words[0] == "--stop-daemon":
            return OK if self.daemons.pop(words[1], None) else Completed(255, "", "No daemon is running\n")
        assert words[0] in ("-A", "-a"), line
        if self.daemons and self._is_mixed(line):
            return Completed(255, "", INVALID)
        self.table.append(line)
        return OK

    @staticmethod
    def _said(text: str) -> Completed:
        return Completed(0, text, "")

    def _start_daemon(self, options: dict[str, str]) -> Completed:
        """As ip_vs_genl_new_daemon and start_sync_thread of the kernel do."""
        role, interface = options["--start-daemon"], options["--mcast-interface"]
        group = options.get("--mcast-group", "224.0.0.81")
        if any(map(self._is_mixed, self.table)):
            return Completed(255, "", INVALID)
        if interface not in self.interfaces:
            return Completed(255, "", "No such device\n")
        if role in self.daemons:
            return Completed(255, "", "Daemon has already run\n")
        headers = 48 if ":" in group else 28
        mtu = 1500 if role == "master" else min(max(self.interfaces[interface], 1500), 65535)
        maxlen = int(options.get("--sync-maxlen", mtu - headers))
        maxlen = min(max(maxlen, 1 if role == "master" else 1024), 65535 - headers)
        syncid, port, ttl = (options.get(name, default) for name, default in _DAEMON_DEFAULTS)
        self.daemons[role] = (
            f"{role} sync daemon (mcast={interface}, syncid={syncid}, maxlen={maxlen}, group={group}"
            f", port={port}, ttl={ttl})\n"
        )
        return OK

    @staticmethod
    def _is_mixed(rule: str) -> bool:
        match = _SERVER.match(rule)
        return bool(match) and ("[" in match["service"] or bool(match["six"])) != ("[" in match["server"])

    @staticmethod
    def _saved(rule: str) -> str:
        """Without thresholds, and marks from 2**31 on as negative numbers."""
        rule = _THRESHOLDS.sub("", rule)
        return re.sub(r"(?<= -f )\d{10}", lambda match: str(int(match[0]) - 2**32), rule)

    def _listing(self) -> str:
        lines = ["IP Virtual Server version 1.2.1 (size=4096)"]
        lines += ["Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn "]
        lines += ["  -> RemoteAddress:Port"]
        kinds = {"-t": "TCP ", "-u": "UDP ", "--sctp-service": "SCTP", "-f": "FWM "}
        for rule in self.table:
            match = _SERVER.match(rule)
            if match:
                thresholds = _THRESHOLDS.search(rule)
                upper, lower = thresholds.groups() if thresholds else ("0", "0")
                lines.append(f"  -> {match['server']:<28} {upper:<10} {lower:<10} {0:<10} {0:<10}")
            else:
                _verb, option, service, *rest = self._saved(rule).split()
                family = " IPv6" if rest[0] == "-6" else ""
                lines.append(f"{kinds[option]} {service}{family} {rest[rest.index('-s') + 1]}")
        return "".join(f"{line}\n" for line in lines)

    # ---- systemd

    def _systemctl(self, verb: str, unit: str) -> Completed:
        name = unit.removesuffix(".service")
        redirected = ""
        if self.sysv and name == "ipvsadm":
            redirected = "ipvsadm.service is not a native service, redirecting to systemd-sysv-install.\n"
        if verb == "is-active":
            active = self.active.get(name, "inactive")
            return Completed(0 if active == "active" else 3, f"{active}\n", "")
        if verb == "is-enabled":
            state = self.enabled.get(name)
            if state is None:
                return Completed(4, "not-found\n", "")
            return Completed(0 if state == "enabled" else 1, f"{state}\n", redirected)
        line = f"systemctl {verb} {unit}"
        self._writing(line)
        self.commands.append(line)
        assert verb in ("enable", "disable"), verb
        if line not in self.lose:
            self.enabled[name] = f"{verb}d"
        return Completed(0, "", redirected or "Created symlink /etc/systemd/...\n")

    def _writing(self, what: str) -> None:
        if self.read_only:
            raise ReadOnlyError(what)


def captured_table(mixed: bool = False) -> list[str]:
    """The table of the captured director, as ipvsadm -R takes it."""
    lines = [line for line in fixture("debian12-table-timeouts-daemons.txt").splitlines() if line[:3] in ("-A ", "-a ")]
    lines = [line.replace(" -f -1 ", " -f 4294967295 ") for line in lines]
    first = lines.index("-a -t 198.18.9.100:443 -r 198.18.9.21:443 -g -w 1")
    lines[first] += " -x 100 -y 80"
    return [line for line in lines if mixed or not FakeDirector._is_mixed(line)]
