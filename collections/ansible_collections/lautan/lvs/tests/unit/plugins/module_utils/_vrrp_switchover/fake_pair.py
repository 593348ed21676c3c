# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directors that exist only in memory, on a LAN with a time of its own, which passes while they are asked.

They do with VRRP what keepalived 2.2.7 does: vrrp_state_leave_master(), vrrp_state_leave_fault(),
vrrp_state_backup() and vrrp_state_goto_master() in vrrp.c, process_track_file() in track_file.c.
"""

from __future__ import annotations

import contextlib
import json
from ipaddress import ip_interface

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.entries import field
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.gather import gather
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import Busy
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import value_of
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    PATH,
    FakeDirector,
    fixture,
)

FILE = "/etc/keepalived/switchover"
FILE_52 = f"{FILE}_52"
VIPS = ["192.0.2.100", "2001:db8::100"]
INTERVAL = 0.1
TICK = 0.001
# Between an event and keepalived's doing something about it
LATENCY = 0.002
NUMBERS = {"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}
NEVER = float("inf")

TABLE = (
    "-A -t 192.0.2.100:443 -s mh -b mh-fallback,mh-port\n"
    "-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1\n"
    "-a -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 10\n"
    "-a -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 0\n"
    "-A -f 21 -6 -s rr -o\n"
    "-a -f 21 -6 -r [2001:db8::21]:0 -g -w 1\n"
)

TRACK_FILE = f"track_file lvs_switchover {{\n file {FILE}\n weight 0\n init_file 0 overwrite\n}}\n"


class Lan:
    """The segment, and the time."""

    def __init__(self, *more: int) -> None:
        self.time = 1000.0
        numbers = (11, 12, *more)
        addresses = [f"192.0.2.{number}" for number in numbers]
        self.directors = [
            Director(self, address, [other for other in addresses if other != address], 254 - index)
            for index, address in enumerate(addresses)
        ]
        self.directors[0].router.become_master()
        # Long enough for the others to have heard it
        self.advance(1)

    def add_instance(self, own_file: bool) -> None:
        """A second VRRP instance, lvs_52, in which the director with the lowest priority has the highest.

        :param own_file: whether it tracks a file of its own, so that it can move on its own.
        """
        for director, priority in zip(self.directors, sorted(each.effective_priority for each in self.directors)):
            director.add_instance(priority, own_file)
        self.advance(1)

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time += TICK
            for director in self.directors:
                director.step()

    def send(self, sender: Router, priority: int) -> None:
        for director in self.directors:
            for router in director.routers.values():
                if router is not sender and router.vrid == sender.vrid:
                    router.receive(priority)

    @property
    def masters(self) -> list[str]:
        """Of the first instance."""
        return self.masters_of("lvs_51")

    def masters_of(self, name: str) -> list[str]:
        return [director.address for director in self.directors if director.routers[name].state == "MASTER"]


class Router:
    """A VRRP instance as keepalived runs it on one director."""

    def __init__(self, director: Director, configured: dict, files: list[str]) -> None:
        self.director, self.files = director, files
        self.vrid, self.priority = configured["virtual_router_id"], configured["priority"]
        self.addresses = [
            str(ip_interface(field(item, "ip")).ip)
            for item in configured["virtual_ipaddress"] + configured["virtual_ipaddress_excluded"]
        ]
        self.state, self.held = "BACKUP", False
        self.deadline, self.next_advert = director.lan.time + self.down_interval, 0.0
        self.received = self.heard_priority = self.became_master = 0
        self.pushed = False  # what keepalived last made of the files
        self.deaf = False  # never takes over

    @property
    def skew(self) -> float:
        return (256 - self.priority) / 256 * INTERVAL

    @property
    def down_interval(self) -> float:
        return 3 * INTERVAL + self.skew

    def step(self) -> None:
        now = self.director.lan.time
        if self.state == "MASTER" and now >= self.next_advert:
            self.next_advert = now + INTERVAL
            self.director.lan.send(self, self.priority)
        if self.state == "BACKUP" and now >= self.deadline and not self.deaf:
            self.become_master()

    def track(self) -> None:
        before, self.pushed = self.pushed, any(self.director.value(path) for path in self.files)
        if not self.director.heeds or before == self.pushed or self.director.broken:
            return
        if self.pushed:
            self.fault()
        else:
            self.state, self.deadline = "BACKUP", self.director.lan.time + self.down_interval

    def fault(self) -> None:
        if self.state == "MASTER":
            self.director.lan.send(self, 0)
            self.held = self.director.clings
        self.state = "FAULT"

    def become_master(self) -> None:
        self.state, self.held = "MASTER", True
        self.became_master += 1
        self.next_advert = self.director.lan.time

    def receive(self, priority: int) -> None:
        if self.director.state != "active" or self.state == "FAULT":
            return
        if priority == 0 and self.director.misses_zero:
            return
        self.received += 1
        if self.state == "MASTER":
            if priority > self.priority:
                self.state, self.held, self.deadline = "BACKUP", False, self.director.lan.time + self.down_interval
        elif priority == 0:
            self.deadline = self.director.lan.time + LATENCY + self.skew
        elif self.director.nopreempt or priority >= self.priority:
            self.deadline = self.director.lan.time + self.down_interval
            self.heard_priority = priority


class Director(FakeDirector):
    """DirectorAccess without a host. Whatever is asked of it takes time."""

    def __init__(self, lan: Lan, address: str, peers: list[str], priority: int) -> None:
        super().__init__(running=False)
        self.lan, self.address, self.peers = lan, address, peers
        self.configure(("priority 254", f"priority {priority}"))
        self.start()
        self.commands.clear()
        self.put(FILE, "0\n")
        self.put("/proc/net/ip_vs", "")
        self.nopreempt = True
        self.look_at = NEVER  # when keepalived will look at the files again
        self.ipvs, self.connections, self.daemons = TABLE, 0, ""
        # What goes wrong
        self.misses_zero = False  # loses adverts of priority 0
        self.heeds = True  # tracks the files
        self.clings = False  # does not get rid of the addresses
        self.broken = False  # is in FAULT for another reason
        self.busy = False  # another run is at work
        self.unwritable: set[str] = set()  # overwrite, remove
        self.values: list[int] = []  # what was in the files
        self.trap = None  # called before each operation

    def configure(self, *replacements: tuple[str, str]) -> None:
        text = fixture("director.conf").replace("unicast_src_ip 192.0.2.11", f"unicast_src_ip {self.address}")
        text = text.replace("        192.0.2.12\n", "".join(f"        {peer}\n" for peer in self.peers))
        text = text.replace("    nopreempt\n", "    nopreempt\n    track_file {\n        lvs_switchover\n    }\n")
        text = TRACK_FILE + text
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        self.put(PATH, text)

    def add_instance(self, priority: int, own_file: bool) -> None:
        text = self.files[PATH].text
        block = text[text.index("vrrp_instance lvs_51") : text.index("virtual_server ")]
        block = block.replace("lvs_51", "lvs_52").replace("router_id 51", "router_id 52").replace("::100", "::101")
        block = block.replace(".100/", ".101/").replace(f"priority {self.effective_priority}", f"priority {priority}")
        if own_file:
            block = TRACK_FILE.replace("lvs_switchover", "lvs_switchover_52").replace(FILE, FILE_52) + block.replace(
                "        lvs_switchover\n", "        lvs_switchover_52\n"
            )
            self.put(FILE_52, "0\n")
        self.put(PATH, text + block)
        self.start()

    # ---- keepalived

    def start(self) -> None:
        super().start()
        paths = {item["name"]: item["file"] for item in self.document["track_files"]}
        self.routers = {
            item["name"]: Router(self, item, [paths[name] for name in item["track_file"]])
            for item in self.document["vrrp_instances"]
        }

    @property
    def router(self) -> Router:
        """The first one, which most tests are about."""
        return self.routers["lvs_51"]

    @property
    def vrrp(self) -> str:
        return self.router.state

    @vrrp.setter
    def vrrp(self, state: str) -> None:
        self.router.state = state

    @property
    def held(self) -> bool:
        return self.router.held

    @property
    def deaf(self) -> bool:
        return self.router.deaf

    @deaf.setter
    def deaf(self, value: bool) -> None:
        self.router.deaf = value

    @property
    def became_master(self) -> int:
        return self.router.became_master

    @property
    def effective_priority(self) -> int:
        return self.router.priority

    @effective_priority.setter
    def effective_priority(self, priority: int) -> None:
        self.router.priority = priority

    def value(self, path: str) -> int:
        file = self.files.get(path)
        return value_of(file and file.text)

    def step(self) -> None:
        if self.state != "active":
            return
        if self.lan.time >= self.look_at:
            self.look_at = NEVER
            for router in self.routers.values():
                router.track()
        for router in self.routers.values():
            router.step()

    def dump(self) -> list[dict]:
        entries = super().dump()
        for entry in entries:
            router = self.routers[entry["data"]["iname"]]
            entry["data"].update(
                state=NUMBERS[router.state],
                effective_priority=router.priority,
                master_priority=router.heard_priority,
                master_adver_int=INTERVAL,
                last_transition=self.lan.time,
                nopreempt=self.nopreempt,
            )
            entry["stats"] = {"advert_rcvd": router.received, "become_master": router.became_master}
        return entries

    # ---- what it tells the other directors' modules

    def told(self, **changes) -> dict:
        """One of the module's peers."""
        info = gather(self, PATH, self.pause)
        vrrp = {
            "changed": False,
            "running": info.running,
            "state": info.state,
            "main_pid": info.main_pid,
            "version": info.version,
            "instances": [instance.as_dict() for instance in info.instances],
            "sync_daemons": [daemon.as_dict() for daemon in info.sync_daemons],
            "connections": info.connections,
        }
        told = {"address": self.address, "vrrp": vrrp, "table": self.ipvs}
        return {**told, **changes}

    # ---- DirectorAccess

    def _passes(self, seconds: float) -> None:
        if self.trap is not None:
            self.trap()
        self.lan.advance(seconds)

    def now(self) -> float:
        return self.lan.time

    def pause(self, seconds: float) -> None:
        self._passes(seconds)

    def read(self, path):
        self._passes(0)
        return super().read(path)

    def signal(self, pid: int, number: int) -> None:
        self._passes(0.002)
        super().signal(pid, number)

    def overwrite(self, path: str, text: str) -> None:
        self._passes(0)
        self._writing(f"overwrite {path}")
        if "overwrite" in self.unwritable:
            raise OSError(28, "No space left on device", path)
        self.put(path, text)
        self.values.append(value_of(text))
        self.look_at = self.lan.time + LATENCY

    def remove(self, path: str) -> None:
        self._passes(0)
        self._writing(f"remove {path}")
        if "remove" in self.unwritable:
            raise OSError(30, "Read-only file system", path)
        self.files.pop(path, None)
        self.values.append(0)
        self.look_at = self.lan.time + LATENCY

    @contextlib.contextmanager
    def alone(self, directory: str):
        assert directory == "/etc/keepalived"
        if self.busy:
            raise Busy
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    @contextlib.contextmanager
    def shielded(self):
        yield

    def run(self, argv, stdin=None) -> Completed:
        self._passes(0.01)
        line = " ".join(argv)
        if line in self.fails:
            return self.fails[line]
        if line == "ip -json address":
            held = [ip for router in self.routers.values() if router.held for ip in router.addresses]
            local = [self.address, *held]
            return Completed(
                0, json.dumps([{"ifname": "eth0", "addr_info": [{"local": address} for address in local]}]), ""
            )
        if line == "ipvsadm --list --daemon":
            return Completed(0, self.daemons, "")
        if line == "ipvsadm --save --numeric":
            return Completed(0, self.ipvs, "")
        if line == "ipvsadm --list --timeout":
            return Completed(0, "Timeout (tcp tcpfin udp): 900 60 60\n", "")
        if argv[:3] == ("awk", "-v", "least=840") and argv[-1] == "/proc/net/ip_vs_conn":
            return Completed(0, f"{self.connections}\n", "")
        return super().run(argv, stdin)
