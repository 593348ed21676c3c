# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of the rules in the plan, and of those that an operator adds."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import rendered

VIPS = ["192.0.2.100", "2001:db8::100"]


def lines(*rules: dict[str, Any], **more: Any) -> list[str]:
    variables = {"firewall_rules": list(rules), "firewall_vips": VIPS, **more}
    return [line.strip() for line in rendered("firewall", "lautan-firewall.nft.j2", variables).splitlines()]


def rule(protocol: str = "tcp", family: str = "ipv4", **more: Any) -> dict[str, Any]:
    return {"comment": "x", "family": family, "protocol": protocol, **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(ports=["80", "443"]), "tcp dport { 80, 443 }"),
        (
            rule("udp", sources=["192.0.2.1", "192.0.2.2"], destinations=["192.0.2.9"], ports=["20000-20199"]),
            "ip saddr { 192.0.2.1, 192.0.2.2 } ip daddr { 192.0.2.9 } udp dport { 20000-20199 }",
        ),
        (rule("vrrp", sources=["192.0.2.1"]), "ip saddr { 192.0.2.1 } meta l4proto 112"),
        (rule("ipip", sources=[], destinations=[], ports=[]), "meta l4proto 4"),
        (rule("ip6ip6", "ipv6", sources=["2001:db8::1"]), "ip6 saddr { 2001:db8::1 } meta l4proto 41"),
        (rule("udp"), "meta l4proto udp"),
    ],
)
def test_a_rule(given: dict[str, Any], expected: str) -> None:
    line = f'meta nfproto {given["family"]} {expected} accept comment "x"'
    assert line in lines(given)
    assert line in lines(firewall_extra_rules=[given])


def test_what_is_not_let_in_is_dropped() -> None:
    found = lines(rule(ports=["80"]))
    (head,) = [line for line in found if "hook input" in line]
    assert head == "type filter hook input priority filter; policy drop;"
    # Nothing that would let in everything.
    accepting = [line for line in found if line.endswith("accept") or " accept comment" in line]
    assert all(len(line.split()) > 1 for line in accepting)


def test_ssh_from_anywhere_or_from_somewhere() -> None:
    def ssh(**more: Any) -> list[str]:
        return [line for line in lines(**more) if line.endswith('"ssh"')]

    assert ssh() == [
        'ip saddr 0.0.0.0/0 tcp dport 22 accept comment "ssh"',
        'ip6 saddr ::/0 tcp dport 22 accept comment "ssh"',
    ]
    assert ssh(ansible_port=2222)[0] == 'ip saddr 0.0.0.0/0 tcp dport 2222 accept comment "ssh"'
    networks = ["192.0.2.0/24", "192.0.2.7"]
    assert ssh(firewall_ssh_networks=networks) == [
        f'ip saddr {network} tcp dport 22 accept comment "ssh"' for network in networks
    ]


@pytest.mark.parametrize(
    ("vips", "expected"),
    [
        (
            VIPS,
            [
                "ip daddr { 192.0.2.100 }",
                "ip6 daddr { 2001:db8::100 }",
                "ip saddr { 192.0.2.100 }",
                "ip6 saddr { 2001:db8::100 }",
            ],
        ),
        (VIPS[:1], ["ip daddr { 192.0.2.100 }", "ip saddr { 192.0.2.100 }"]),
    ],
)
def test_connections_to_vips_are_not_tracked(vips: list[str], expected: list[str]) -> None:
    found = [line for line in lines(firewall_vips=vips) if line.endswith("notrack")]
    assert found == [f"{words} notrack" for words in expected]


def test_path_mtu_and_neighbours_get_through() -> None:
    text = "\n".join(lines())
    for kind in ("destination-unreachable", "packet-too-big", "nd-neighbor-solicit", "nd-neighbor-advert"):
        assert kind in text
