# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Find what has to be done so that a host is what is wanted. A pure function: nothing is read or written here."""

from __future__ import annotations

import difflib
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Iterable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip import parse, render
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    ARP_ANNOUNCE,
    ARP_IGNORE,
    FIREWALL_DROP_IN,
    GUARD_FILE,
    GUARD_TABLE,
    HOOK_FILE,
    IFUPDOWN,
    IP,
    NETWORKD,
    NETWORKD_DIRECTORY,
    SYSCTL_FILE,
    SYSCTLS,
    UNIT,
    UNIT_FILE,
    Address,
    Command,
    File,
    Host,
    Plan,
    RemoveFile,
    State,
    Step,
    Unit,
    Wanted,
    WriteFile,
    ip_command,
    order,
    vip_address,
    vip_attributes,
)
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.observe import arp_keys, promote_keys

_PACKAGES = {"ip": "iproute2", "nft": "nftables", "sysctl": "procps", "systemctl": "systemd"}
# The largest value that does no harm. arp_ignore 4 to 7 are reserved and work as 0, 8 answers for no address at all;
# arp_announce above 2 works as 0; arp_notify announces all addresses, scope host included.
_LIMITS = {"arp_ignore": ARP_IGNORE, "arp_announce": ARP_ANNOUNCE, "arp_notify": 0}


def read_options(interface: str, addresses: Sequence[str]) -> tuple[Wanted, list[str]]:
    """Give what the options say, and what is wrong with them."""
    vips: dict[IP, str] = {}
    mistakes = []
    for position, text in enumerate(addresses):
        name = f"addresses[{position}]={text!r}"
        try:
            ip = ip_address(text)
        except ValueError:
            mistakes.append(f"{name}: {_why_no_address(text)}")
            continue
        kind = _kind(ip)
        if kind:
            mistakes.append(f"{name}: is {kind}, which cannot be a VIP")
        elif "%" in text:
            mistakes.append(f"{name}: must not name an interface")
        elif ip in vips:
            mistakes.append(f"{name}: is the same address as {vips[ip]}")
        else:
            vips[ip] = name
    return Wanted(interface, tuple(sorted(vips, key=order))), mistakes


def _why_no_address(text: str) -> str:
    try:
        ip_interface(text)
    except ValueError:
        return "is not an IPv4 or IPv6 address"
    return "must not have a prefix length; a VIP is always one address"


def _kind(ip: IP) -> str | None:
    if ip.version == 6 and ip.ipv4_mapped is not None:  # type: ignore[union-attr]
        return "an IPv4-mapped address"
    for kind, yes in (
        ("the unspecified address", ip.is_unspecified),
        ("a loopback address", ip.is_loopback),
        ("a link-local address", ip.is_link_local),
        ("a multicast address", ip.is_multicast),
        ("the broadcast address", str(ip) == "255.255.255.255"),
    ):
        if yes:
            return kind
    return None


def make_plan(wanted: Wanted, host: Host, mistakes: Iterable[str] = ()) -> Plan:
    """Plan the smallest change.

    :param mistakes: what is known to be wrong with the options.
    :raises Mistakes: with those, and with all that is wrong with the host.
    """
    problems = [*mistakes, *_problems(wanted, host)]
    if problems:
        raise Mistakes(problems)
    return _Planner(wanted, host).plan()


def recorded(host: Host) -> set[IP]:
    """The VIPs that the module put on this host in an earlier run."""
    texts = [file.text for path, file in host.files.items() if _is_boot_file(path)]
    return {ip for text in texts for ip in parse.recorded_vips(text)}


def _is_boot_file(path: str) -> bool:
    return path == HOOK_FILE or path.startswith(f"{NETWORKD_DIRECTORY}/")


def manager_of(wanted: Wanted, host: Host) -> str | None:
    """Who configures the interface, of those that are supported."""
    link = host.networkd.get(wanted.interface)
    if link is not None and link.is_managed:
        return NETWORKD
    return IFUPDOWN if host.ifupdown else None


# ---- what is wrong


def _problems(wanted: Wanted, host: Host) -> list[str]:
    missing = [
        f"the program {name} was not found on the host: install the package {_PACKAGES[name]}"
        for name in sorted(_needed_programs(wanted, host) & host.missing_programs)
    ]
    name = f"interface={wanted.interface!r}"
    if "ip" in host.missing_programs:
        return missing
    link = host.links.get(wanted.interface)
    if link is None:
        close = difflib.get_close_matches(wanted.interface, host.links, n=1)
        others = ", ".join(sorted(other for other, found in host.links.items() if not found.loopback)) or "none"
        hint = f"did you mean {close[0]!r}? " if close else ""
        return [*missing, f"{name}: the host has no such interface; {hint}it has {others}"]
    if link.loopback:
        return [*missing, f"{name}: is a loopback interface; VIPs belong on the interface to the LAN"]
    if not wanted.vips:
        return missing
    return [
        *missing,
        *(f"{name}: {problem}" for problem in _manager_problems(wanted, host)),
        *(f"{name}: {problem}" for problem in _arp_problems(wanted, host)),
        *(f"{name}: {problem}" for problem in _address_problems(wanted, host)),
    ]


def _needed_programs(wanted: Wanted, host: Host) -> set[str]:
    needed = {"ip"}
    if wanted.vips:
        needed.add("sysctl")
    if wanted.vips6:
        needed |= {"nft", "systemctl"}
    return needed | ({"systemctl"} if {UNIT_FILE, FIREWALL_DROP_IN} & {*host.files} else set())


def _manager_problems(wanted: Wanted, host: Host) -> list[str]:
    if manager_of(wanted, host) is None:
        link = host.networkd.get(wanted.interface)
        found = []
        if host.network_manager:
            found.append("NetworkManager")
        if link is not None and link.network_file is not None:
            found.append(f"systemd-networkd, whose state for it is {link.admin_state!r}")
        said = f"is managed by {' and '.join(found)}" if found else "is managed by nothing that could be found"
        return [f"{said}; supported are systemd-networkd (state configured or configuring) and ifupdown (brought up)"]
    link = host.networkd.get(wanted.interface)
    if link is None or not link.is_managed:
        return []
    sharing = sorted(
        other for other, its in host.networkd.items() if its.network_file == link.network_file and its.is_managed
    )
    if sharing == [wanted.interface]:
        return []
    return [
        f"{link.network_file} configures {' and '.join(sharing)}, and each would get the VIPs;"
        " write a .network file for this interface alone"
    ]


def _arp_problems(wanted: Wanted, host: Host) -> list[str]:
    """The kernel goes by the maximum of the value for all interfaces and the value for this one."""
    if len(wanted.vips6) == len(wanted.vips):
        return []
    problems = []
    for last, key in arp_keys(wanted.interface).items():
        for name in (key, arp_keys("all")[last]):
            value = host.sysctls.get(name)
            if name not in SYSCTLS and value is not None and value > _LIMITS[last]:
                problems.append(f"{name} is {value}, and {_harm(last, value)}; it must be at most {_LIMITS[last]}")
    keys = {key: last for name in ("all", "default", wanted.interface) for last, key in arp_keys(name).items()}
    for setting in host.boot_sysctls:
        if setting.path == SYSCTL_FILE:
            continue
        last = keys[setting.key]
        value = int(setting.value) if setting.value.isdigit() else None
        if setting.key not in SYSCTLS:
            if value is not None and value > _LIMITS[last]:
                said = f"{setting.path} sets {setting.key}={value} at boot, and {_harm(last, value)}"
                problems.append(f"{said}; it must be at most {_LIMITS[last]}")
        elif value != SYSCTLS[setting.key] and _basename(setting.path) > _basename(SYSCTL_FILE):
            problems.append(
                f"{setting.path} sets {setting.key}={setting.value} at boot, after {SYSCTL_FILE};"
                f" it must be {SYSCTLS[setting.key]}"
            )
    return problems


def _harm(last: str, value: int) -> str:
    if last == "arp_notify":
        return "the host announces its addresses, VIPs included, when the link comes up"
    if last == "arp_ignore" and value >= 8:
        return "the host answers for no address at all, its own included"
    return "the kernel takes it for 0"


def _address_problems(wanted: Wanted, host: Host) -> list[str]:
    problems = []
    for version in sorted({ip.version for ip in wanted.vips}):
        if not _own_addresses(wanted, host, version):
            problems.append(f"has no IPv{version} address of its own beside the VIPs, one of global scope")
    lost = _lost_secondaries(wanted, host)
    for vip, others in lost.items():
        problems.append(
            f"{vip} cannot be replaced: the kernel would remove {', '.join(others)} with it,"
            " because promote_secondaries is 0"
        )
    return problems


def _own_addresses(wanted: Wanted, host: Host, version: int) -> list[Address]:
    """The host's own addresses on the interface: lasting ones first, then by number, so that the choice is stable."""
    vips = {*wanted.vips, *recorded(host)}
    own = [
        address
        for address in host.addresses
        if address.interface == wanted.interface and address.ip.version == version and address.ip not in vips
        if address.is_own_candidate
    ]
    return sorted(own, key=lambda address: (not address.permanent, order(address.ip)))


def _lost_secondaries(wanted: Wanted, host: Host) -> dict[str, list[str]]:
    """Deleting an IPv4 address deletes the secondary ones of its network, unless the kernel may promote them."""
    lost: dict[str, list[str]] = {}
    for address in host.addresses:
        if address.ip.version != 4 or address.ip not in wanted.vips or "secondary" in address.flags:
            continue
        if address == vip_address(address.ip, wanted.interface):
            continue
        if any(host.sysctls.get(key) for key in promote_keys([address.interface])):
            continue
        network = _network(address)
        others = [
            str(other.ip)
            for other in host.addresses
            if other.interface == address.interface and "secondary" in other.flags and _network(other) == network
        ]
        if others:
            lost[f"{address.ip}/{address.prefix} on {address.interface}"] = others
    return lost


def _network(address: Address) -> object:
    return ip_interface(f"{address.ip}/{address.prefix}").network


def _basename(path: str) -> str:
    return path.rsplit("/", 1)[-1]


# ---- what is to be done


class _Planner:
    def __init__(self, wanted: Wanted, host: Host) -> None:
        self.wanted = wanted
        self.host = host
        self.manager = manager_of(wanted, host)
        self.leaving = recorded(host) - {*wanted.vips}
        self.watched = tuple(sorted({*wanted.vips, *self.leaving}, key=order))
        own = _own_addresses(wanted, host, 6) if wanted.vips6 else []
        self.guard = render.guard(wanted.vips6, own[0].ip) if own else None
        self.files = self._wanted_files()

    def plan(self) -> Plan:
        # What protects comes before what it protects, and goes after it. A VIP that leaves is off the interface before
        # the file that tells of it is gone, so that a run that breaks off can be repeated.
        guarding, unguarding = (self._guard_steps(), []) if self.guard else ([], self._guard_steps())
        steps = [
            *(self._arp_steps() if self.wanted.vips else []),
            *self._leaving_steps(),
            *guarding,
            *self._boot_steps(),
            *self._address_steps(),
            *self._forget_steps(),
            *unguarding,
            *([] if self.wanted.vips else self._file_steps(SYSCTL_FILE)),
        ]
        before = state_of(self.host, self.watched)
        return Plan(self.manager, tuple(steps), before, self._after(), self.watched)

    def _wanted_files(self) -> dict[str, File]:
        if not self.wanted.vips:
            return {}
        files = {SYSCTL_FILE: File(render.sysctl_file())}
        if self.guard:
            files[GUARD_FILE] = File(render.guard_file(self.guard))
            files[UNIT_FILE] = File(render.unit_file())
            files[FIREWALL_DROP_IN] = File(render.firewall_drop_in())
        if self.manager == NETWORKD:
            drop_in = self.host.networkd[self.wanted.interface].drop_in
            files[drop_in] = File(render.networkd_drop_in(self.wanted.vips))
        else:
            files[HOOK_FILE] = File(render.ifupdown_hook(self.wanted.vips, self.wanted.interface), 0o755)
        return files

    def _file_steps(self, path: str) -> list[Step]:
        ours, theirs = self.files.get(path), self.host.files.get(path)
        if ours == theirs:
            return []
        return [RemoveFile(path) if ours is None else WriteFile(path, ours)]

    def _arp_steps(self) -> list[Step]:
        steps = self._file_steps(SYSCTL_FILE)
        for key, value in SYSCTLS.items():
            if self.host.sysctls.get(key) != value:
                steps.append(Command(("sysctl", "-w", f"{key}={value}")))
        return steps

    def _leaving_steps(self) -> list[Step]:
        return [_delete(address) for address in self.host.addresses if self._is_leaving(address)]

    def _is_leaving(self, address: Address) -> bool:
        """Only what the module made: the same address in another form is somebody else's, keepalived's for one."""
        return address.ip in self.leaving and address.is_vip

    def _guard_steps(self) -> list[Step]:
        steps = self._file_steps(GUARD_FILE)
        units = [*self._file_steps(UNIT_FILE), *self._file_steps(FIREWALL_DROP_IN)]
        if self.guard is None:
            if UNIT_FILE in self.host.files:
                steps += [_systemctl("disable", UNIT), _systemctl("stop", UNIT)]
            steps += [*units, _systemctl("daemon-reload")] if units else []
            if self.host.guard is not None:
                steps.append(Command(("nft", "delete", "table", "ip6", GUARD_TABLE)))
            return steps
        if self.host.guard != self.guard:
            steps.append(Command(("nft", "-f", GUARD_FILE)))
        steps += units
        state = self.host.unit
        if units or state.needs_reload or not state.loaded:
            steps.append(_systemctl("daemon-reload"))
        if not state.enabled:
            steps.append(_systemctl("enable", UNIT))
        if not state.active:
            steps.append(_systemctl("start", UNIT))
        return steps

    def _boot_steps(self) -> list[Step]:
        paths = {path for path in (*self.host.files, *self.files) if _is_boot_file(path)}
        return [step for path in sorted(paths) for step in self._file_steps(path)]

    def _forget_steps(self) -> list[Step]:
        """Have networkd forget VIPs that it once read of, or it puts them back when a lost carrier returns.

        For new VIPs no reload: they are there already, and networkd 252 takes the host's own address and its routes
        away for some milliseconds whenever it rereads a file that has changed. When it must be, it comes after the new
        VIPs, because networkd would add them at the same time.
        """
        remembered = any(self._networkd_remembers(path) for path in self.host.files if _is_boot_file(path))
        return [Command(("networkctl", "reload"))] if remembered else []

    def _networkd_remembers(self, path: str) -> bool:
        if path not in {link.drop_in for link in self.host.networkd.values() if link.is_managed}:
            return False
        old, new = self.host.files.get(path), self.files.get(path)
        return bool(parse.recorded_vips(old.text if old else "") - parse.recorded_vips(new.text if new else ""))

    def _address_steps(self) -> list[Step]:
        steps: list[Step] = []
        for vip in self.wanted.vips:
            goal = vip_address(vip, self.wanted.interface)
            found = [address for address in self.host.addresses if address.ip == vip]
            right = [address for address in found if address.interface == goal.interface and address.is_vip]
            wrong = [address for address in found if address not in right]
            if not right:
                # In the way is what the kernel takes for the same address; the rest goes when the VIP is in place.
                in_the_way = [address for address in wrong if _clash(address, goal)]
                wrong = [address for address in wrong if address not in in_the_way]
                steps += self._place(goal, in_the_way)
            steps += [_delete(address) for address in wrong]
        return steps

    @staticmethod
    def _place(goal: Address, in_the_way: list[Address]) -> list[Step]:
        verb = "add"
        if goal.ip.version == 6 and any(_can_change(address) for address in in_the_way):
            verb, in_the_way = "change", []
        words = [*ip_command(goal.ip), verb, f"{goal.ip}/{goal.prefix}", "dev", goal.interface]
        place = Command((*words, *vip_attributes(goal.ip)))
        return [*(_delete(address) for address in in_the_way), place]

    def _after(self) -> State:
        addresses = [
            address
            for address in self.host.addresses
            if address.ip not in self.wanted.vips and not self._is_leaving(address)
        ]
        goals = [vip_address(vip, self.wanted.interface) for vip in self.wanted.vips]
        reached = replace(
            self.host,
            addresses=(*addresses, *goals),
            sysctls={**self.host.sysctls, **(SYSCTLS if self.wanted.vips else {})},
            guard=self.guard,
            unit=Unit(loaded=True, active=True, enabled=True) if self.guard else Unit(),
            files=self.files,
        )
        return state_of(reached, self.watched)


def state_of(host: Host, watched: Iterable[IP]) -> State:
    """Give the state of what the module answers for, these VIPs among it."""
    live = {key: str(host.sysctls.get(key)) for key in SYSCTLS}
    for vip in watched:
        found = sorted(_shown(address) for address in host.addresses if address.ip == vip)
        live[f"address {vip}"] = ", ".join(found) or "none"
    for part in host.guard or ():
        live[f"nft ip6 {GUARD_TABLE} {' '.join(part)}"] = "present"
    live[UNIT] = str(host.unit)
    return State(live, host.files)


def _shown(address: Address) -> str:
    # However it got there, the VIP as it is to be is told in the same words.
    return str(vip_address(address.ip, address.interface) if address.is_vip else address)


def _systemctl(verb: str, *words: str) -> Command:
    # It tells on stderr of the links that it makes, unless it is quiet.
    return Command(("systemctl", "--quiet", verb, *words))


def _delete(address: Address) -> Command:
    return Command((*ip_command(address.ip), "del", f"{address.ip}/{address.prefix}", "dev", address.interface))


def _clash(address: Address, goal: Address) -> bool:
    """Whether the kernel would refuse to add ``goal`` because of ``address``: for IPv6 the prefix does not count."""
    return address.interface == goal.interface and (goal.ip.version == 6 or address.prefix == goal.prefix)


def _can_change(address: Address) -> bool:
    """Whether ip(8) can make a VIP of this IPv6 address without taking it away."""
    return address.prefix == 128 and not address.is_unusable and address.scope == "global"
