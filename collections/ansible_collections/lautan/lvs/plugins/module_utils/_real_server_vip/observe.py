# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Read a host through the few operations of HostAccess. Nothing here writes."""

from __future__ import annotations

from typing import Iterable, Protocol, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip import parse, render
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    DROP_IN_NAME,
    FIREWALL_DROP_IN,
    FIREWALL_UNIT,
    GUARD_FILE,
    GUARD_TABLE,
    HOOK_FILE,
    NETWORKD_DIRECTORY,
    NETWORKD_LINKS,
    SYSCTL_DIRECTORIES,
    SYSCTL_FILE,
    SYSCTLS,
    UNIT,
    UNIT_FILE,
    File,
    GuardPart,
    Host,
    Link,
    NetworkdLink,
    SysctlSetting,
    Unit,
    Wanted,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed, check

PROGRAMS = ("ip", "nft", "sysctl", "systemctl")


class HostAccess(Protocol):
    """What this needs from a host. Files are named by absolute paths; OSError is the caller's to handle."""

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed: ...

    def has_program(self, name: str) -> bool: ...

    def read(self, path: str) -> str | None:
        """Give the text of a file, or None if there is no such file."""

    def stat(self, path: str) -> tuple[int, int, int]:
        """Give mode, user and group of a file that exists."""

    def names(self, directory: str) -> list[str]:
        """Give the names in a directory, none if there is no such directory."""

    def exists(self, path: str) -> bool: ...

    def write(self, path: str, file: File) -> None:
        """Put a file in place atomically."""

    def remove(self, path: str) -> None:
        """Remove a file, and the directory of drop-in files that it was the last of."""


def arp_keys(interface: str) -> dict[str, str]:
    """The names of the ARP sysctls of an interface by their last part. A dot in the interface's name is a slash."""
    name = interface.replace(".", "/")
    return {key: f"net.ipv4.conf.{name}.{key}" for key in ("arp_ignore", "arp_announce", "arp_notify")}


def promote_keys(interfaces: Iterable[str]) -> list[str]:
    names = ["all", *(name.replace(".", "/") for name in interfaces)]
    return [f"net.ipv4.conf.{name}.promote_secondaries" for name in names]


def observe(access: HostAccess, wanted: Wanted) -> Host:
    """Read everything that decides what is to be done.

    :raises CommandError: when a program that only reads fails.
    """
    missing = frozenset(name for name in PROGRAMS if not access.has_program(name))
    links, addresses = ({}, ()) if "ip" in missing else parse.ip_addresses(check(access.run, _IP_ADDRESS))
    files = _files(access)
    networkd = _networkd(access, links)
    needs_guard = bool(wanted.vips6)
    return Host(
        links=links,
        addresses=addresses,
        sysctls=_sysctls(access, links),
        boot_sysctls=_boot_sysctls(access, wanted.interface),
        files=files,
        guard=None if "nft" in missing else _guard(access),
        unit=_unit(access) if "systemctl" not in missing and (needs_guard or UNIT_FILE in files) else Unit(),
        networkd=networkd,
        ifupdown=wanted.interface in links and _ifupdown(access, wanted.interface),
        network_manager=_network_manager(access, links.get(wanted.interface)),
        missing_programs=missing,
    )


_IP_ADDRESS = ("ip", "-json", "-details", "address")


def _files(access: HostAccess) -> dict[str, File]:
    """Those of the module's own files that exist."""
    directories = [name for name in sorted(access.names(NETWORKD_DIRECTORY)) if name.endswith(".network.d")]
    drop_ins = [f"{NETWORKD_DIRECTORY}/{name}/{DROP_IN_NAME}" for name in directories]
    files = {}
    for path in (SYSCTL_FILE, GUARD_FILE, UNIT_FILE, FIREWALL_DROP_IN, HOOK_FILE, *drop_ins):
        text = access.read(path)
        if text is not None:
            files[path] = File(text, *access.stat(path))
    return files


def _sysctls(access: HostAccess, links: dict[str, Link]) -> dict[str, int | None]:
    keys = [*SYSCTLS, "net.ipv4.conf.all.arp_notify", *promote_keys(links)]
    for name in links:
        keys += arp_keys(name).values()
    return {key: _sysctl(access, key) for key in keys}


def _sysctl(access: HostAccess, key: str) -> int | None:
    text = access.read("/proc/sys/" + key.translate(str.maketrans("./", "/.")))
    return int(text) if text and text.strip().isdigit() else None


def _boot_sysctls(access: HostAccess, interface: str) -> tuple[SysctlSetting, ...]:
    paths: dict[str, str] = {}
    for directory in SYSCTL_DIRECTORIES:
        for name in access.names(directory):
            if name.endswith(".conf"):
                paths.setdefault(name, f"{directory}/{name}")
    # The module's own file counts as what it is going to be.
    paths[SYSCTL_FILE.rsplit("/", 1)[-1]] = SYSCTL_FILE
    texts = {path: access.read(path) or "" for path in paths.values()}
    texts[SYSCTL_FILE] = render.sysctl_file()
    files = [(paths[name], texts[paths[name]]) for name in sorted(paths)]
    keys = [*SYSCTLS, *arp_keys("all").values(), *arp_keys("default").values(), *arp_keys(interface).values()]
    return parse.sysctl_settings(files, dict.fromkeys(keys))


def _guard(access: HostAccess) -> tuple[GuardPart, ...] | None:
    if not parse.has_guard(check(access.run, ("nft", "-j", "list", "tables", "ip6"))):
        return None
    return parse.guard(check(access.run, ("nft", "-j", "list", "table", "ip6", GUARD_TABLE)))


def _unit(access: HostAccess) -> Unit:
    properties = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload"
    return parse.unit(check(access.run, ("systemctl", "show", properties, UNIT, FIREWALL_UNIT)))


def _networkd(access: HostAccess, links: dict[str, Link]) -> dict[str, NetworkdLink]:
    """What networkd says of each interface; nothing if it does not run, for its files stay behind when it stops."""
    found = {}
    for link in links.values():
        text = access.read(f"{NETWORKD_LINKS}/{link.index}")
        if text is not None:
            found[link.name] = parse.networkd_link(text)
    if not any(link.is_managed for link in found.values()):
        return found
    # No systemctl, no networkd.
    if not access.has_program("systemctl"):
        return {}
    shown = check(access.run, ("systemctl", "show", "--property=ActiveState", "systemd-networkd.service"))
    return found if parse.key_values(shown).get("ActiveState") == "active" else {}


def _ifupdown(access: HostAccess, interface: str) -> bool:
    """Whether ifupdown has brought the interface up: then ``ifquery --state`` prints it, else it ends with 1."""
    if not access.has_program("ifquery"):
        return False
    argv = ("ifquery", "--state", interface)
    completed = access.run(argv, None)
    if completed.rc not in (0, 1) or completed.stderr.strip():
        raise CommandError(argv, completed)
    return completed.rc == 0 and interface in parse.key_values(completed.stdout)


def _network_manager(access: HostAccess, link: Link | None) -> bool:
    """Whether NetworkManager has a record of the interface and does not say that it leaves it alone."""
    text = access.read(f"/run/NetworkManager/devices/{link.index}") if link else None
    return text is not None and parse.key_values(text).get("managed") != "false"
