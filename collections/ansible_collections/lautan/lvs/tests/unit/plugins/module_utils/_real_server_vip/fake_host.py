# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that exists only in memory. It begins as captured from a real one, and it obeys the commands of the module.

``read_only`` makes every write an error: what runs in check mode, or a second time, must not even try.
"""

from __future__ import annotations

import json
import re
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    GUARD_FILE,
    UNIT,
    UNIT_FILE,
    File,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed

FIXTURES = Path(__file__).parent / "fixtures"
FOREVER = 2**32 - 1
OK = Completed(0, "", "")

VIP4, VIP6 = "198.18.9.100", "2001:db8:9::100"
OTHER4, OTHER6 = "198.18.9.101", "2001:db8:9::101"
NETWORK_FILE = "/etc/systemd/network/10-lan.network"
DROP_IN = f"{NETWORK_FILE}.d/60-lvs-vip.conf"
LINK_FILE = "/run/systemd/netif/links/2"

_RULE = re.compile(
    r"icmpv6 type (?P<type>\S+) (?:@th,64,128 (?P<target>\S+) counter drop"
    r"|ip6 saddr (?P<saddr>\S+) counter ip6 saddr set (?P<own>\S+)) comment"
)


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


class ReadOnlyError(AssertionError):
    """Something was about to be changed that must not be."""


class FakeHost:
    """HostAccess without a host: a bare Debian 12 with one LAN interface."""

    def __init__(self, manager: str = "networkd") -> None:
        self.read_only = False
        self.programs = {"ip", "nft", "sysctl", "systemctl", "networkctl", "ifquery"}
        self.interfaces = [self._bare(entry) for entry in json.loads(fixture("debian12-ip.json"))]
        self.text = {f"/proc/sys/net/ipv4/conf/{name}/{key}": "0\n" for name in ("all", "lo", "eth0") for key in _KEYS}
        self.managed: dict[str, File] = {}
        self.guard: list[dict] | None = None
        self.unit = {"ActiveState": "inactive", "UnitFileState": "disabled", "NeedDaemonReload": "no"}
        self.loaded = False
        self.networkd_active = True
        self.ifupdown = manager == "ifupdown"
        # What networkd read of when it started: it puts that back on the interface when it likes to.
        self.remembered: set[str] = set()
        self.commands: list[str] = []
        self.lose: set[str] = set()
        self.text[LINK_FILE] = fixture(
            "debian12-networkd-link.txt" if manager == "networkd" else "unmanaged-networkd-link.txt"
        )

    @staticmethod
    def _bare(entry: dict) -> dict:
        vips = (VIP4, VIP6)
        return {**entry, "addr_info": [info for info in entry["addr_info"] if info["local"] not in vips]}

    # ---- what tests look at and spoil

    def addresses(self, interface: str = "eth0") -> list[str]:
        infos = next(entry for entry in self.interfaces if entry["ifname"] == interface)["addr_info"]
        return [f"{info['local']}/{info['prefixlen']}" for info in infos]

    def info(self, ip: str, interface: str = "eth0") -> dict:
        infos = next(entry for entry in self.interfaces if entry["ifname"] == interface)["addr_info"]
        return next(info for info in infos if info["local"] == ip)

    def add(self, address: str, interface: str = "eth0", **more: object) -> None:
        ip, _slash, prefix = address.partition("/")
        entry = next(entry for entry in self.interfaces if entry["ifname"] == interface)
        info = {"family": "inet" if ip_address(ip).version == 4 else "inet6", "local": ip, "prefixlen": int(prefix)}
        info.update({"scope": "global", "valid_life_time": FOREVER, "preferred_life_time": FOREVER}, **more)
        entry["addr_info"].append(info)

    def drop(self, ip: str, interface: str = "eth0") -> None:
        entry = next(entry for entry in self.interfaces if entry["ifname"] == interface)
        entry["addr_info"] = [info for info in entry["addr_info"] if info["local"] != ip]

    def set_sysctl(self, key: str, value: int) -> None:
        self.text["/proc/sys/" + key.replace(".", "/")] = f"{value}\n"

    # ---- HostAccess

    def has_program(self, name: str) -> bool:
        return name in self.programs

    def read(self, path: str) -> str | None:
        return self.managed[path].text if path in self.managed else self.text.get(path)

    def stat(self, path: str) -> tuple[int, int, int]:
        file = self.managed[path]
        return file.mode, file.uid, file.gid

    def names(self, directory: str) -> list[str]:
        paths = [path[len(directory) + 1 :] for path in (*self.managed, *self.text) if path.startswith(directory + "/")]
        return sorted({path.split("/")[0] for path in paths})

    def write(self, path: str, file: File) -> None:
        self._writing(f"write {path}")
        self.managed[path] = file
        if path.startswith("/etc/systemd/system/"):
            self.unit["NeedDaemonReload"] = "yes"

    def remove(self, path: str) -> None:
        self._writing(f"remove {path}")
        del self.managed[path]
        if path.startswith("/etc/systemd/system/"):
            self.unit["NeedDaemonReload"] = "yes"

    def run(self, argv, stdin=None) -> Completed:
        line = " ".join(argv)
        reader = self._reader(line, stdin)
        if reader is not None:
            return reader
        self._writing(line)
        self.commands.append(line)
        if any(line.startswith(lost) for lost in self.lose):
            return OK
        program = {"ip": self._ip, "sysctl": self._set, "nft": self._nft, "systemctl": self._systemctl}
        if line == "networkctl reload":
            self.remembered = set()
            return OK
        return program[argv[0]](list(argv))

    def _writing(self, what: str) -> None:
        if self.read_only:
            raise ReadOnlyError(what)

    def _reader(self, line: str, stdin: str | None) -> Completed | None:
        if line == "ip -json -details address":
            return Completed(0, json.dumps(self.interfaces), "")
        if line == "nft -j list tables ip6":
            name = "debian12-nft-tables.json"
            return Completed(0, fixture(name) if self.guard is not None else '{"nftables": []}', "")
        if line == "nft -j list table ip6 lvs_real_server":
            return Completed(0, json.dumps({"nftables": self.guard}), "")
        if line == "nft -c -f -":
            return Completed(0, "", "") if stdin and "table ip6" in stdin else Completed(1, "", "Error: syntax error")
        if line.startswith("systemctl show") and line.endswith("systemd-networkd.service"):
            return Completed(0, f"ActiveState={'active' if self.networkd_active else 'inactive'}\n", "")
        if line.startswith("systemctl show"):
            shown = {"LoadState": "loaded" if self.loaded else "not-found", **self.unit}
            other = "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nNeedDaemonReload=no\n"
            return Completed(0, "".join(f"{key}={value}\n" for key, value in shown.items()) + "\n" + other, "")
        if line.startswith("ifquery --state"):
            return Completed(0, fixture("ifquery-state-eth0.txt"), "") if self.ifupdown else Completed(1, "", "")
        return None

    # ---- programs that change something

    def _ip(self, argv: list[str]) -> Completed:
        words = argv[argv.index("address") + 1 :]
        verb, address, _dev, interface, *attributes = words
        ip = address.split("/")[0]
        entry = next(entry for entry in self.interfaces if entry["ifname"] == interface)
        version = ip_address(ip).version
        there = [
            info
            for info in entry["addr_info"]
            if info["local"] == ip and (version == 6 or f"{ip}/{info['prefixlen']}" == address)
        ]
        if verb == "add" and there:
            return Completed(2, "", "Error: ipv4: Address already assigned.\n")
        if verb in ("del", "change") and not there:
            return Completed(2, "", "RTNETLINK answers: Cannot assign requested address\n")
        for info in there:
            entry["addr_info"].remove(info)
        if verb != "del":
            more = {"scope": "host"} if "host" in attributes else {}
            if "nodad" in attributes:
                more = {"nodad": True, "deprecated": True, "preferred_life_time": 0}
            self.add(address, interface, **more)
        return OK

    def _set(self, argv: list[str]) -> Completed:
        key, value = argv[2].split("=")
        self.set_sysctl(key, int(value))
        return Completed(0, f"{key} = {value}\n", "")

    def _nft(self, argv: list[str]) -> Completed:
        if argv[1:] == ["delete", "table", "ip6", "lvs_real_server"]:
            self.guard = None
            return OK
        text = self.managed[GUARD_FILE].text
        items: list[dict] = [{"table": {"family": "ip6", "name": "lvs_real_server"}}]
        for name, kind, priority in (("input", "filter", -300), ("output", "route", -150)):
            chain = {"name": name, "type": kind, "hook": name, "prio": priority, "policy": "accept"}
            items.append({"chain": {"family": "ip6", "table": "lvs_real_server", **chain}})
            part = text[text.index(f"chain {name} ") :].split("}")[0]
            items += [{"rule": {"chain": name, "expr": _expressions(match)}} for match in _RULE.finditer(part)]
        self.guard = items
        return OK

    def _systemctl(self, argv: list[str]) -> Completed:
        verb = argv[2]
        if verb == "daemon-reload":
            self.loaded = UNIT_FILE in self.managed
            self.unit["NeedDaemonReload"] = "no"
        elif not self.loaded or argv[3] != UNIT:
            return Completed(1, "", f"Unit {argv[3]} not loaded.\n")
        elif verb in ("enable", "disable"):
            self.unit["UnitFileState"] = verb + "d"
        elif verb in ("start", "stop"):
            self.unit["ActiveState"] = {"start": "active", "stop": "inactive"}[verb]
        return OK


_KEYS = ("arp_ignore", "arp_announce", "arp_notify", "promote_secondaries")


def _expressions(match: re.Match) -> list[dict]:
    source = {"payload": {"protocol": "ip6", "field": "saddr"}}
    target = {"payload": {"base": "th", "offset": 64, "len": 128}}
    kind = {"payload": {"protocol": "icmpv6", "field": "type"}}
    found = match.groupdict()
    second = (target, found["target"]) if found["target"] else (source, str(IPv6Address(found["saddr"])))
    action = {"drop": None} if found["target"] else {"mangle": {"key": source, "value": found["own"]}}
    return [
        {"match": {"op": "==", "left": kind, "right": found["type"]}},
        {"match": {"op": "==", "left": second[0], "right": second[1]}},
        {"counter": {"packets": 7, "bytes": 504}},
        action,
    ]
