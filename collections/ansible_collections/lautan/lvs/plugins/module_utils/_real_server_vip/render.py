# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The texts of the files, and the guard that is in one of them."""

from __future__ import annotations

import shlex
from ipaddress import IPv6Address
from typing import Iterable

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    FIREWALL_UNIT,
    GUARD_FILE,
    GUARD_TABLE,
    IP,
    SYSCTLS,
    GuardPart,
    ip_command,
    vip_attributes,
)

_MANAGED = "# Written by the Ansible module lautan.lvs.real_server_vip; changes here are lost.\n"

DROP_SOLICITATION = "drop solicitations for"
REWRITE_SOLICITATION = "solicit from another address than"
DROP_ADVERTISEMENT = "drop advertisements of"

GUARD_CHAINS: tuple[GuardPart, ...] = (
    ("chain", "input", "filter", "input", "-300", "accept"),
    ("chain", "output", "route", "output", "-150", "accept"),
)
_CHAIN = "\t\ttype {2} hook {3} priority {4}; policy {5};"


def sysctl_file() -> str:
    return _MANAGED + "".join(f"{key}={value}\n" for key, value in SYSCTLS.items())


def guard(vips: Iterable[IP], own: IP) -> tuple[GuardPart, ...]:
    """The guard of these IPv6 VIPs on a host with this address of its own."""
    parts = list(GUARD_CHAINS)
    for vip in vips:
        parts.append(("input", DROP_SOLICITATION, str(vip)))
        parts.append(("output", REWRITE_SOLICITATION, str(vip), str(own)))
        parts.append(("output", DROP_ADVERTISEMENT, str(vip)))
    return tuple(sorted(parts))


def guard_file(parts: tuple[GuardPart, ...]) -> str:
    """The guard for nft(8). Loading the file replaces the table in one transaction."""
    rules = {chain: [_rule(part) for part in parts if part[0] == chain] for chain in ("input", "output")}
    lines = [
        f"table ip6 {GUARD_TABLE}",
        f"delete table ip6 {GUARD_TABLE}",
        f"table ip6 {GUARD_TABLE} {{",
        "\t# Nobody learns this host's link-layer address for a VIP. @th,64,128 is the target of a neighbour message.",
        "\tchain input {",
        _CHAIN.format(*GUARD_CHAINS[0]),
        *rules["input"],
        "\t}",
        "\t# The kernel would solicit from the VIP when it answers a client, and advertise it when a link comes up.",
        "\tchain output {",
        _CHAIN.format(*GUARD_CHAINS[1]),
        *rules["output"],
        "\t}",
        "}",
    ]
    return f"#!/usr/sbin/nft -f\n{_MANAGED}\n" + "\n".join(lines) + "\n"


def _rule(part: GuardPart) -> str:
    _chain, what, vip = part[:3]
    target = f"@th,64,128 {int(IPv6Address(vip)):#034x}"
    if what == DROP_SOLICITATION:
        rule = f"icmpv6 type nd-neighbor-solicit {target} counter drop"
    elif what == DROP_ADVERTISEMENT:
        rule = f"icmpv6 type nd-neighbor-advert {target} counter drop"
    else:
        rule = f"icmpv6 type nd-neighbor-solicit ip6 saddr {vip} counter ip6 saddr set {part[3]}"
    return f'\t\t{rule} comment "{vip}"'


def unit_file() -> str:
    """The unit that loads the guard before there is a network."""
    return f"""\
{_MANAGED}
[Unit]
Description=Neighbour guard of the virtual IPs of an LVS real server
Documentation=man:nft(8)
DefaultDependencies=no
Conflicts=shutdown.target
Wants=network-pre.target
Before=network-pre.target shutdown.target
# Its configuration begins with "flush ruleset".
After={FIREWALL_UNIT}

[Service]
Type=oneshot
RemainAfterExit=yes
StandardInput=null
ProtectSystem=full
ProtectHome=true
ExecStart=/usr/sbin/nft -f {GUARD_FILE}
ExecReload=/usr/sbin/nft -f {GUARD_FILE}

[Install]
WantedBy=sysinit.target
"""


def firewall_drop_in() -> str:
    """The drop-in by which nftables.service loads the guard again whenever it has flushed all tables.

    PartOf= and ReloadPropagatedFrom= in the unit above would not do: they pass on a restart and a reload, but neither
    the first start nor a stop, both of which flush too.
    """
    load = f"-/usr/sbin/nft -f {GUARD_FILE}"
    return f"{_MANAGED}\n[Service]\nExecStartPost={load}\nExecReload={load}\nExecStopPost={load}\n"


def networkd_drop_in(vips: Iterable[IP]) -> str:
    """The drop-in for the .network file of the interface: systemd.network(5)."""
    sections = []
    for vip in vips:
        section = f"[Address]\nAddress={vip}/{vip.max_prefixlen}\n"
        section += "Scope=host\n" if vip.version == 4 else "DuplicateAddressDetection=none\nPreferredLifetime=0\n"
        sections.append(section)
    return _MANAGED + "\n" + "\n".join(sections)


def ifupdown_hook(vips: Iterable[IP], interface: str) -> str:
    """The script that ifupdown runs after it has brought an interface up: interfaces(5)."""
    commands = "".join(f"{shlex.join(replace_command(vip, interface))}\n" for vip in vips)
    return f"""\
#!/bin/sh
{_MANAGED}\
# ifup calls this for each interface and for each address family, so it must do no harm when it is called again.
[ "$IFACE" = {shlex.quote(interface)} ] || exit 0

{commands}\

# A failure is in the journal of networking.service. It must not make ifup give up the whole interface.
exit 0
"""


def replace_command(vip: IP, interface: str) -> list[str]:
    head = ip_command(vip)
    return [*head, "replace", f"{vip}/{vip.max_prefixlen}", "dev", interface, *vip_attributes(vip)]
