# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real server gets to unpack tunnels: the packet filter, the unit, kernel modules."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import evaluated, rendered

DIRECTORS4, DIRECTORS6 = ["192.0.2.11", "192.0.2.12"], ["2001:db8::11", "2001:db8::12"]


def variables(*sources: str, **more: Any) -> dict[str, Any]:
    vips = ["192.0.2.100", "2001:db8::100"] if any(":" in source for source in sources) else ["192.0.2.100"]
    return {"real_server_tunnel_sources": list(sources), "real_server_vips": vips, **more}


def lines(template: str, *sources: str, **more: Any) -> list[str]:
    return [line.strip() for line in rendered("real_server", template, variables(*sources, **more)).splitlines()]


@pytest.mark.parametrize(
    ("sources", "devices"),
    [([], []), (DIRECTORS4, ["tunl0"]), (DIRECTORS6, ["ip6tnl0"]), (DIRECTORS6 + DIRECTORS4, ["tunl0", "ip6tnl0"])],
)
def test_a_device_for_each_family(sources: list[str], devices: list[str]) -> None:
    tunnels = evaluated("real_server", "__real_server_tunnels", variables(*sources))
    assert [tunnel["device"] for tunnel in tunnels] == devices


def test_only_directors_get_in() -> None:
    found = lines("lvs-tunnel.nft.j2", *DIRECTORS4, *DIRECTORS6)
    assert [line for line in found if line.endswith("counter drop")] == [
        "meta l4proto 4 ip saddr != { 192.0.2.11, 192.0.2.12 } counter drop",
        "meta l4proto 41 ip6 saddr != { 2001:db8::11, 2001:db8::12 } counter drop",
    ]


@pytest.mark.parametrize(("more", "sizes"), [({}, (1440, 1400)), ({"real_server_tunnel_mtu": 9000}, (8940, 8900))])
def test_clients_are_told_what_fits(more: dict[str, Any], sizes: tuple[int, int]) -> None:
    """RFC 9293, 3.7.1: the MTU without the headers of IP and TCP; RFC 2003 and RFC 2473: one more IP header."""
    found = lines("lvs-tunnel.nft.j2", *DIRECTORS4, *DIRECTORS6, **more)
    assert [line for line in found if "maxseg" in line] == [
        f"ip saddr 192.0.2.100 tcp flags syn tcp option maxseg size set {sizes[0]}",
        f"ip6 saddr 2001:db8::100 tcp flags syn tcp option maxseg size set {sizes[1]}",
    ]


def test_the_filter_is_there_before_the_device() -> None:
    unit = {
        "nft_table_name": "lvs-tunnel",
        "nft_table_description": "Tunnels",
        "nft_table_start": evaluated("real_server", "__real_server_tunnels_up", variables(*DIRECTORS4)),
        "nft_table_stop": evaluated("real_server", "__real_server_tunnels_down", variables(*DIRECTORS4)),
    }
    found = [line.partition("=") for line in rendered("nft_table", "unit.service.j2", unit).splitlines()]
    started = ["/usr/sbin/nft -f /etc/lvs-tunnel.nft", "/usr/sbin/ip link set tunl0 up"]
    assert [value for key, _equals, value in found if key == "ExecStart"] == started
    assert [value for key, _equals, value in found if key == "ExecReload"] == started
    stopped = [value for key, _equals, value in found if key == "ExecStop"]
    assert stopped == ["-/usr/sbin/ip link set tunl0 down", "-/usr/sbin/nft delete table inet lvs_tunnel"]
