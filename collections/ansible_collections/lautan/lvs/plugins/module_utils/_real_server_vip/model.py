# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What a real server is made of, as plain values: addresses, the neighbour guard, files, who manages an interface."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Mapping, Tuple, Union

IP = Union[IPv4Address, IPv6Address]

SYSCTL_FILE = "/etc/sysctl.d/60-lvs-real-server.conf"
GUARD_FILE = "/etc/lvs-real-server.nft"
UNIT = "lvs-real-server.service"
UNIT_DIRECTORY = "/etc/systemd/system"
UNIT_FILE = f"{UNIT_DIRECTORY}/{UNIT}"
FIREWALL_UNIT = "nftables.service"
FIREWALL_DROP_IN = f"{UNIT_DIRECTORY}/{FIREWALL_UNIT}.d/lvs-real-server.conf"
HOOK_FILE = "/etc/network/if-up.d/lvs-vip"
NETWORKD_DIRECTORY = "/etc/systemd/network"
NETWORKD_LINKS = "/run/systemd/netif/links"
DROP_IN_NAME = "60-lvs-vip.conf"
# As sysctl.d(5) has them: a file in an earlier directory replaces those of the same name in later ones.
SYSCTL_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")

GUARD_TABLE = "lvs_real_server"

# Documentation/networking/ip-sysctl.rst of the kernel. 3: no reply for addresses of scope host.
# 2: always the best local address as the source of ARP requests, so never the VIP.
ARP_IGNORE = 3
ARP_ANNOUNCE = 2
SYSCTLS: Mapping[str, int] = {
    "net.ipv4.conf.all.arp_ignore": ARP_IGNORE,
    "net.ipv4.conf.all.arp_announce": ARP_ANNOUNCE,
}

NETWORKD = "networkd"
IFUPDOWN = "ifupdown"


def order(ip: IP) -> tuple[int, int]:
    """Sort key: IPv4 first, then by number."""
    return ip.version, int(ip)


def ip_command(ip: IP) -> list[str]:
    """The beginning of an ip(8) command about addresses of this family."""
    return ["ip", "address"] if ip.version == 4 else ["ip", "-6", "address"]


def vip_attributes(ip: IP) -> list[str]:
    """What follows ``dev INTERFACE`` when a VIP is added.

    IPv4: scope host is what arp_ignore=3 and source address selection go by. IPv6 has no such scope: a preferred
    lifetime of 0 keeps the VIP from being chosen as a source. Without nodad the kernel would ask for it first, and the
    director would say that it has it.
    """
    return ["scope", "host"] if ip.version == 4 else ["nodad", "preferred_lft", "0"]


@dataclass(frozen=True)
class Address:
    """One address on one interface, as the kernel has it."""

    interface: str
    ip: IP
    prefix: int
    scope: str
    permanent: bool
    preferred: bool
    flags: frozenset[str] = frozenset()

    @property
    def is_vip(self) -> bool:
        """Whether it is exactly what this module makes of a VIP."""
        if self.prefix != self.ip.max_prefixlen or not self.permanent:
            return False
        if self.ip.version == 4:
            return self.scope == "host"
        return not self.preferred and "nodad" in self.flags and not self.is_unusable

    @property
    def is_unusable(self) -> bool:
        """Whether duplicate address detection found a duplicate or still goes on."""
        return bool(self.flags & {"tentative", "dadfailed"})

    @property
    def is_own_candidate(self) -> bool:
        """Whether the host may use it as its own (real) address."""
        return self.scope == "global" and self.preferred and not self.is_unusable and "temporary" not in self.flags

    def __str__(self) -> str:
        words = [f"{self.ip}/{self.prefix}", "dev", self.interface, "scope", self.scope, *sorted(self.flags)]
        words += [] if self.preferred else ["preferred_lft", "0"]
        return " ".join(words + ([] if self.permanent else ["temporary lifetime"]))


def vip_address(ip: IP, interface: str) -> Address:
    """The address that a VIP is to become."""
    if ip.version == 4:
        return Address(interface, ip, 32, "host", permanent=True, preferred=True)
    return Address(interface, ip, 128, "global", permanent=True, preferred=False, flags=frozenset({"nodad"}))


@dataclass(frozen=True)
class Link:
    """A network interface."""

    name: str
    index: int
    loopback: bool


@dataclass(frozen=True)
class NetworkdLink:
    """What systemd-networkd says of an interface."""

    admin_state: str
    network_file: str | None

    @property
    def is_managed(self) -> bool:
        return self.admin_state in ("configured", "configuring") and self.network_file is not None

    @property
    def drop_in(self) -> str:
        """The drop-in file that belongs to the .network file, wherever that is."""
        return drop_in_file((self.network_file or "").rsplit("/", 1)[-1])


def drop_in_file(network: str) -> str:
    """:param network: the name of a .network file, without directory."""
    return f"{NETWORKD_DIRECTORY}/{network}.d/{DROP_IN_NAME}"


@dataclass(frozen=True)
class File:
    """A regular file: its text, its permissions, and who owns it."""

    text: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class SysctlSetting:
    """One line of the sysctl.d files, in the order in which they are applied at boot."""

    path: str
    key: str
    value: str


@dataclass(frozen=True)
class Unit:
    """What systemd says of the unit that loads the guard at boot.

    ``needs_reload`` is also true if systemd has not yet read the drop-in for nftables.service.
    """

    loaded: bool = False
    active: bool = False
    enabled: bool = False
    needs_reload: bool = False

    def __str__(self) -> str:
        if not self.loaded:
            return "absent"
        stale = ", older than its file" if self.needs_reload else ""
        return f"{'enabled' if self.enabled else 'disabled'}, {'active' if self.active else 'inactive'}{stale}"


# One rule of the guard in words: what it does, and with which addresses. Chains are told the same way.
GuardPart = Tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What the host is to be."""

    interface: str
    vips: tuple[IP, ...]

    @property
    def vips6(self) -> tuple[IP, ...]:
        return tuple(ip for ip in self.vips if ip.version == 6)


@dataclass(frozen=True)
class Host:
    """What the host is, as far as it matters here."""

    links: Mapping[str, Link]
    addresses: tuple[Address, ...]
    sysctls: Mapping[str, int | None]
    boot_sysctls: tuple[SysctlSetting, ...]
    files: Mapping[str, File]
    guard: tuple[GuardPart, ...] | None
    unit: Unit
    networkd: Mapping[str, NetworkdLink]
    ifupdown: bool
    network_manager: bool
    missing_programs: frozenset[str]


@dataclass(frozen=True)
class Command:
    """A step that is a command."""

    argv: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(shlex.quote(word) for word in self.argv)


@dataclass(frozen=True)
class WriteFile:
    """A step that puts a file in place, with its directory."""

    path: str
    file: File


@dataclass(frozen=True)
class RemoveFile:
    """A step that removes a file, and its directory too if that is a drop-in directory which is now empty."""

    path: str


Step = Union[Command, WriteFile, RemoveFile]


@dataclass(frozen=True)
class State:
    """The part of a host that the module answers for, in a form made to be compared and shown."""

    live: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)

    def differences(self, found: State) -> list[str]:
        """One line for each thing in which ``found`` is not this state."""
        lines = [
            f"{name}: wanted {self.live.get(name, 'nothing')}, found {found.live.get(name, 'nothing')}"
            for name in sorted({*self.live, *found.live})
            if self.live.get(name) != found.live.get(name)
        ]
        for path in sorted({*self.files, *found.files}):
            ours, theirs = self.files.get(path), found.files.get(path)
            if ours is None:
                lines.append(f"{path}: wanted no such file, found one")
            elif theirs is None:
                lines.append(f"{path}: wanted a file, found none")
            elif ours.text != theirs.text:
                lines.append(f"{path}: wanted other contents than those found")
            elif ours != theirs:
                lines.append(
                    f"{path}: wanted mode {ours.mode:04o} owner {ours.uid}:{ours.gid},"
                    f" found mode {theirs.mode:04o} owner {theirs.uid}:{theirs.gid}"
                )
        return lines


@dataclass(frozen=True)
class Plan:
    """What to do, and what the host is before and after."""

    manager: str | None
    steps: tuple[Step, ...]
    before: State
    after: State
    watched: tuple[IP, ...]

    @property
    def commands(self) -> list[str]:
        return [str(step) for step in self.steps if isinstance(step, Command)]

    @property
    def files(self) -> list[str]:
        return sorted(self.after.files)

    @property
    def diff(self) -> list[dict[str, str]]:
        """The changes in the form that Ansible shows."""
        entries = []
        for path in sorted({*self.before.files, *self.after.files}):
            old, new = self.before.files.get(path), self.after.files.get(path)
            if old != new:
                entries.append(_diff(path, _show(old, new), _show(new, old)))
        if self.before.live != self.after.live:
            entries.append(_diff("live state", _lines(self.before.live), _lines(self.after.live)))
        return entries


def _diff(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _show(file: File | None, other: File | None) -> str:
    if file is None:
        return ""
    if other is not None and (file.mode, file.uid, file.gid) != (other.mode, other.uid, other.gid):
        return f"mode {file.mode:04o} owner {file.uid}:{file.gid}\n{file.text}"
    return file.text


def _lines(live: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in sorted(live.items()))
