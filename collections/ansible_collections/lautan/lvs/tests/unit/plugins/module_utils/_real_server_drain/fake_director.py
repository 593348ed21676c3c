# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A director that exists only in memory, with a kernel that does what keepalived makes of its drain files."""

from __future__ import annotations

import contextlib

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm

PATH = "/etc/keepalived/keepalived.conf"
FILE = "/etc/keepalived/drain_rs1"

TRACK_FILE = """\
track_file lvs_drain_rs1 {
    file /etc/keepalived/drain_rs1
    init_file 0
}
"""
CONFIGURATION = """\
virtual_server 192.0.2.100 443 {
    lvs_sched mh
    lvs_method DR
    protocol TCP
    delay_loop 1
    real_server 192.0.2.21 443 {
        weight 3
        FILE_CHECK {
            track_file lvs_drain_rs1
            weight 3
        }
        TCP_CHECK {
        }
    }
    real_server 192.0.2.22 443 {
        weight 1
        TCP_CHECK {
        }
    }
}
virtual_server 2001:db8::100 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 1
    real_server 2001:db8::21 8080 {
        weight 1
        FILE_CHECK {
            track_file lvs_drain_rs1
            weight 1
        }
        TCP_CHECK {
        }
    }
    real_server 2001:db8::22 8080 {
        weight 1
        TCP_CHECK {
        }
    }
}
"""
TABLE = """\
-A -t 192.0.2.100:443 -s mh
-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 3
-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 1
-A -t [2001:db8::100]:80 -s rr
-a -t [2001:db8::100]:80 -r [2001:db8::21]:8080 -m -w 1
-a -t [2001:db8::100]:80 -r [2001:db8::22]:8080 -m -w 1
"""
OWN = {"-t 192.0.2.100:443 -r 192.0.2.21:443 -g": 3, "-t [2001:db8::100]:80 -r [2001:db8::21]:8080 -m": 1}


class FakeDirector:
    """DirectorAccess without a host."""

    def __init__(self) -> None:
        self.ipvsadm = FakeIpvsadm().load(TABLE)
        self.files = {PATH: File(TRACK_FILE + CONFIGURATION), FILE: File("0\n"), "/proc/net/ip_vs": File("")}
        self.state = "active"
        self.heeds = True  # goes by the file
        self.read_only = False
        self.writes: list[str] = []
        self.time = 0.0

    def replace(self, old: str, new: str) -> None:
        text = self.files[PATH].text
        assert old in text
        self.files[PATH] = File(text.replace(old, new))

    def by_hand(self, *lines: str) -> None:
        self.ipvsadm.load("\n".join(lines))

    def weights(self) -> list[int]:
        """Those of rs1 in the kernel."""
        lines = self.ipvsadm.save()
        return [int(line.split()[-1]) for line in lines for real in OWN if line.startswith(f"-a {real} ")]

    # ---- DirectorAccess

    def run(self, argv, stdin=None) -> Completed:
        if argv[:2] == ("systemctl", "show"):
            pid = 812 if self.state == "active" else 0
            return Completed(0, f"MainPID={pid}\nActiveState={self.state}\nStateChangeTimestamp=\n", "")
        return self.ipvsadm.run(argv, stdin)

    def read(self, path: str) -> File | None:
        return self.files.get(path)

    def identity(self, path: str) -> tuple[int, int] | None:
        return (1, 1_764_000_000_000_000_000) if path in self.files else None

    def write(self, path: str, file: File) -> None:
        assert not self.read_only, path
        self.writes.append(file.text)
        self.files[path] = file
        if not self.heeds or self.state != "active":
            return
        present = [line.rpartition(" -w ")[0] for line in self.ipvsadm.save()]
        for real, weight in OWN.items():
            if f"-a {real}" in present:
                self.by_hand(f"-e {real} -w {0 if file.text.startswith('-1') else weight}")

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds

    @contextlib.contextmanager
    def alone(self, directory: str):
        yield
