# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Which virtual IPs are at home on which director, and the VRRP instances that follow from it.

One instance for each director that is the home of any: its virtual IPs move together, and those of another home move
on their own. What is wrong is reported as in _cluster_checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import Host, Vip
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import (
    Facts,
    Unusable,
    hosts_shown,
    ip_address,
    shown,
    why_no_address,
)

if TYPE_CHECKING:
    import netaddr

# RFC 5798, 5.2.3 (unchanged in RFC 9568): 0 is no virtual router.
VRID_RANGE: Final = (1, 255)
# RFC 5798, 5.2.4: 255 belongs to the owner of the address (no director owns a VIP), 0 is said by a master that leaves.
# A backup waits (256 - priority) / 256 of an advertisement interval after a master has left (RFC 5798, 6.1), so
# priorities near the top make a planned switchover many times faster than the customary 150 and 100.
HIGHEST_PRIORITY: Final = 254
MAX_DIRECTORS: Final = 250

_NO_IPV4: Final = "no IPv4 address: directors speak VRRP over IPv4, and the adverts of each home must name one"


@dataclass(frozen=True)
class Instance:
    """A VRRP instance: its VRID, the director that is its home, its virtual IPs in the order of ``lvs_vips``."""

    vrid: int
    home: str
    vips: Sequence[Vip]

    @property
    def name(self) -> str:
        return f"lvs_{self.vrid}"

    def priorities(self, directors: Sequence[str]) -> dict[str, int]:
        """The priority of each director: its home first, the others in their order."""
        ranked = sorted(directors, key=lambda name: name != self.home)
        return {name: HIGHEST_PRIORITY - rank for rank, name in enumerate(ranked)}


def read_instances(
    cluster: Facts, vips: Sequence[Vip], directors: Sequence[Host], real_servers: Sequence[Host]
) -> list[Instance]:
    """The VRRP instances, in the order of the directors that are their homes."""
    directors = list({host.name: host for host in directors}.values())
    for host in real_servers:
        value = host.facts.value("lvs_home_vips")
        # A host in both groups was reported as such.
        if value is not None and not isinstance(value, Unusable) and host.name not in {each.name for each in directors}:
            host.facts.wrong("lvs_home_vips", value, "is a variable of directors, and this is a real server")
    homes = _read_homes(cluster, vips, directors)
    vrids = _read_vrids(cluster, list(homes))
    return [Instance(vrid, home, homes[home]) for home, vrid in vrids.items()]


def _read_homes(cluster: Facts, vips: Sequence[Vip], directors: Sequence[Host]) -> dict[str, list[Vip]]:
    """The virtual IPs of each director that is the home of any. Those that nobody names are the first director's."""
    if not directors:
        return {}
    values = cluster.value("lvs_vips")
    complete = isinstance(values, (list, tuple)) and None not in map(ip_address, values)
    addresses = {vip.address for vip in vips}
    named: dict[netaddr.IPAddress, str] = {}
    doubtful: set[str] = set()  # the directors whose lists may mean something else than they say
    for host in directors:
        for label, value in host.facts.elements("lvs_home_vips", "['198.18.0.101']") or []:
            address = ip_address(value)
            if address is not None and address in addresses and address not in named:
                named[address] = host.name
                continue
            doubtful.add(host.name)
            # Among elements of lvs_vips that could not be read may be the one that is meant.
            if address is None or complete or address in named:
                host.facts.wrong(label, value, _why_not_at_home(value, address, host.name, named))
    groups = {
        host.name: [vip for vip in vips if named.get(vip.address, directors[0].name) == host.name] for host in directors
    }
    # Without any IPv4 address lvs_vips itself was reported.
    if complete and 4 in {address.version for address in addresses}:
        for host in directors:
            if host.name not in doubtful:
                _check_ipv4(host, groups[host.name], named)
    return {name: group for name, group in groups.items() if group}


def _why_not_at_home(
    value: object, address: netaddr.IPAddress | None, host: str, named: Mapping[netaddr.IPAddress, str]
) -> str:
    if address is None:
        return why_no_address(value)
    if address not in named:
        return "is not in lvs_vips"
    if named[address] == host:
        return "is in the list twice"
    return f"is at home on {hosts_shown([named[address]])} already; a virtual IP has one home"


def _check_ipv4(host: Host, group: Sequence[Vip], named: Mapping[netaddr.IPAddress, str]) -> None:
    if not group or 4 in {vip.address.version for vip in group}:
        return
    value: Any = host.facts.value("lvs_home_vips")
    if value:
        host.facts.wrong("lvs_home_vips", value, f"has {_NO_IPV4}")
    else:
        rest = shown([vip.text for vip in group])
        host.facts.missing("lvs_home_vips", f"this is the home of what no director names, {rest}, which has {_NO_IPV4}")


def _read_vrids(cluster: Facts, homes: Sequence[str]) -> dict[str, int]:
    """The virtual router ID of each home, counted up from ``lvs_vrid``. No other VRRP router on the segment may use it.

    Without any home, which was reported, ``lvs_vrid`` is checked nevertheless.
    """
    rule = "a VRRP router ID, RFC 5798, 5.2.3"
    first = cluster.integer("lvs_vrid", VRID_RANGE, rule)
    taken: dict[int, str] = {}
    for label, value in cluster.elements("lvs_vrids_taken", "[1, 51]") or []:
        number = cluster.checked_integer(label, value, VRID_RANGE, rule)
        if number is None:
            continue
        if number in taken:
            cluster.wrong(label, value, f"is in the list twice, see {taken[number]}")
            continue
        taken[number] = label
    if first is None:
        return {}
    vrids = {home: first + position for position, home in enumerate(homes)}
    for home, vrid in (vrids or {"": first}).items():
        gives = "" if vrid == first else f"gives the virtual IPs of {hosts_shown([home])} the VRID {vrid}, which "
        if vrid == VRID_RANGE[1] + 1:  # and those behind it: one mistake
            cluster.wrong("lvs_vrid", first, f"{gives}is above {VRID_RANGE[1]} ({rule}); each home needs one")
        if vrid in taken:
            what = f"{gives}is taken by another VRRP router on the segment, see {taken[vrid]}"
            cluster.wrong("lvs_vrid", first, what)
    return vrids
