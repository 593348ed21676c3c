# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's wiring: one network namespace that is the switch of every segment and the router between them.

Bridges, ports of nodes and taps all live in that namespace, so the host's own network has just one more interface, and
deleting the namespace deletes the lab's network.
"""

from __future__ import annotations

import json
from pathlib import Path

from .process import run, succeeds
from .topology import NETWORKS, RUN, UPLINK, Node

NAMESPACE = "lautan-lab"
_HOST_LINK = "lautan-lab"
_NAT_TABLE = "lautan_lab"
_SAVED_FORWARDING = RUN / "ip_forward.before"
# The controller's and the router's addresses on the uplink.
_HOST4, _ROUTER4 = UPLINK.ipv4[1], UPLINK.ipv4[2]
_HOST6, _ROUTER6 = UPLINK.ipv6[1], UPLINK.ipv6[2]


def inside(argv: list[str]) -> list[str]:
    """``argv``, to be run in the router's namespace."""
    return ["ip", "netns", "exec", NAMESPACE, *argv]


def _ip(*words: str, check: bool = True) -> str:
    return run(["ip", "-n", NAMESPACE, *words], check=check)


def is_up() -> bool:
    """Tell whether the whole wiring is there; :func:`up` makes the packet filter's table last."""
    return succeeds(["ip", "-n", NAMESPACE, "link", "show", "uplink"]) and succeeds(
        ["nft", "list", "table", "ip", _NAT_TABLE]
    )


def up() -> None:
    """Make the switches, the router and the uplink. Starts over when an earlier call was interrupted."""
    if is_up():
        return
    down()
    run(["ip", "netns", "add", NAMESPACE])
    settings = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.default.accept_dad=0"]
    # Switches must not show bridged frames to the router's packet filter, where br_netfilter is present.
    if Path("/proc/sys/net/bridge").exists():
        settings += [f"net.bridge.bridge-nf-call-{which}=0" for which in ("iptables", "ip6tables", "arptables")]
    run(inside(["sysctl", "-qw", *settings]))
    _ip("link", "set", "lo", "up")
    for network in NETWORKS:
        # Without an address of its own a bridge has the lowest of its ports', and every neighbour would lose the router
        # when that port goes.
        options = ("type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        _ip("link", "add", network.name, "address", network.mac, *options)
        _ip("link", "set", network.name, "up")
        for address in network.gateways:
            _ip("address", "add", address, "dev", network.name, *(["nodad"] if ":" in address else []))
    _uplink()


def _uplink() -> None:
    """Connect the router with this machine: the controller reaches the nodes, the nodes reach the package archive."""
    run(["ip", "link", "add", _HOST_LINK, "type", "veth", "peer", "name", "uplink", "netns", NAMESPACE])
    run(["ip", "address", "add", f"{_HOST4}/{UPLINK.ipv4.prefixlen}", "dev", _HOST_LINK])
    run(["ip", "address", "add", f"{_HOST6}/{UPLINK.ipv6.prefixlen}", "dev", _HOST_LINK, "nodad"])
    run(["ip", "link", "set", _HOST_LINK, "up"])
    _ip("address", "add", f"{_ROUTER4}/{UPLINK.ipv4.prefixlen}", "dev", "uplink")
    _ip("address", "add", f"{_ROUTER6}/{UPLINK.ipv6.prefixlen}", "dev", "uplink", "nodad")
    _ip("link", "set", "uplink", "up")
    _ip("route", "add", "default", "via", str(_HOST4))
    for network in NETWORKS:
        run(["ip", "route", "replace", str(network.ipv4), "via", str(_ROUTER4)])
        run(["ip", "route", "replace", str(network.ipv6), "via", str(_ROUTER6)])
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    if not _SAVED_FORWARDING.exists():
        RUN.mkdir(parents=True, exist_ok=True)
        _SAVED_FORWARDING.write_text(forwarding.read_text())
    forwarding.write_text("1\n")
    # The way out may have a smaller MTU than the lab's Ethernet.
    sources = ", ".join(str(network.ipv4) for network in NETWORKS)
    rules = f"""
        table ip {_NAT_TABLE} {{
            chain out {{
                type nat hook postrouting priority srcnat;
                ip saddr {{ {sources} }} oifname != "{_HOST_LINK}" masquerade;
            }}
            chain mss {{
                type filter hook forward priority mangle;
                iifname "{_HOST_LINK}" tcp flags syn tcp option maxseg size set rt mtu;
            }}
        }}
    """
    run(["nft", "-f", "-"], stdin=rules)


def down() -> None:
    """Remove everything :func:`up` made and put the host's forwarding back as it was."""
    run(["nft", "delete", "table", "ip", _NAT_TABLE], check=False)
    run(["ip", "link", "delete", _HOST_LINK], check=False)
    # Also the mere file that is left of it where /run outlives a reboot.
    run(["ip", "netns", "delete", NAMESPACE], check=False)
    if _SAVED_FORWARDING.exists():
        Path("/proc/sys/net/ipv4/ip_forward").write_text(_SAVED_FORWARDING.read_text())
        _SAVED_FORWARDING.unlink()


def add_tap(node: Node) -> None:
    """Make the switch port of a virtual machine."""
    _ip("link", "delete", node.name, check=False)
    _ip("tuntap", "add", "dev", node.name, "mode", "tap")
    _ip("link", "set", node.name, "master", node.network.name, "up")


def remove_port(node: Node) -> None:
    """Remove a node's switch port, if there is one."""
    _ip("link", "delete", node.name, check=False)


def set_port(node: Node, state: str) -> None:
    """Set a node's switch port ``up`` or ``down``; a container sees its carrier come and go.

    :raises LabError: when the node is off: it has no port then.
    """
    _ip("link", "set", node.name, state)


def port_exists(name: str) -> bool:
    """Tell whether the switch has a port of this name."""
    return succeeds(["ip", "-n", NAMESPACE, "link", "show", "dev", name])


def attach_port(node: Node) -> None:
    """Put a node's port, if there is one, on its switch."""
    _ip("link", "set", node.name, "promisc", "off", "master", node.network.name, check=False)


def port_state(node: Node) -> str:
    """The state of a node's port: ``up``, ``down``, or ``absent`` while the node is off."""
    links = json.loads(_ip("-json", "link", "show", "dev", node.name, check=False) or "[]")
    if not links:
        return "absent"
    return "up" if "UP" in links[0]["flags"] else "down"
