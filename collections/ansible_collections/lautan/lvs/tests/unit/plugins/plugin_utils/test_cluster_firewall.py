# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each host lets in: no less than it needs, and no more."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import PlanError
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan

VIP, VIP6 = "192.0.2.100", "2001:db8::100"
DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "meet.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": [VIP, VIP6],
    },
    "directors": [
        {"name": "d1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"},
        {"name": "d2", "lvs_address": "192.0.2.12", "lvs_address6": "2001:db8::12"},
    ],
    "real_servers": [
        {"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21"},
        {"name": "rs2", "lvs_address": "192.0.2.22", "lvs_address6": "2001:db8::22"},
    ],
}
D4, D6 = ["192.0.2.11", "192.0.2.12"], ["2001:db8::11", "2001:db8::12"]
WEB = {"name": "web", "port": 443}


def rules(host: str, **facts: Any) -> list[tuple[Any, ...]]:
    """The rules of a host without comments and families."""
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= facts
    found = plan(description)["firewall"][host]
    for rule in found:
        addresses = rule["sources"] + rule["destinations"]
        assert {":" in address for address in addresses} == {rule["family"] == "ipv6"}
    return [(rule["protocol"], rule["sources"], rule["destinations"], rule["ports"]) for rule in found]


def test_a_director() -> None:
    services = ["80", "443", "3478", "5349"]
    assert rules("d1") == [
        ("tcp", [], [VIP], services),
        ("tcp", [], [VIP6], services),
        ("udp", [], [VIP], ["20000-20999", "21000-21999"]),
        ("udp", [], [VIP6], ["20000-20999", "21000-21999"]),
        ("vrrp", ["192.0.2.12"], ["192.0.2.11"], []),
        ("udp", ["192.0.2.12"], ["224.0.0.81"], ["8848"]),
    ]


def test_a_real_server() -> None:
    services = ["80", "443", "3478", "5349"]
    assert rules("rs1") == [
        ("tcp", [], [VIP], services),
        ("tcp", [], [VIP6], services),
        ("udp", [], [VIP], ["20000-20999"]),
        ("udp", [], [VIP6], ["20000-20999"]),
        ("tcp", D4, ["192.0.2.21"], services),
        ("ipip", D4, ["192.0.2.21"], []),
        ("tcp", ["192.0.2.22"], ["192.0.2.21"], ["8188"]),
        ("udp", [VIP, "192.0.2.22"], ["192.0.2.21"], ["49152-51151"]),
        ("tcp", D6, ["2001:db8::21"], services),
        ("ip6ip6", D6, ["2001:db8::21"], []),
        ("udp", [VIP6, "2001:db8::22"], ["2001:db8::21"], ["49152-51151"]),
    ]


def test_metrics_are_for_those_who_collect_them() -> None:
    """Wherever they are; also one that is a host of the cluster itself."""
    description = copy.deepcopy(DESCRIPTION)
    description["monitoring"] = [{"name": "m1", "ansible_host": "198.51.100.1"}, description["real_servers"][1]]
    derived = plan(description)
    assert derived["monitoring"] == {
        "hosts": [{"name": "m1", "address": "198.51.100.1"}, {"name": "rs2", "address": "192.0.2.22"}],
        "port": 9100,
    }
    sources = {"d1": ["198.51.100.1", "192.0.2.22"], "rs2": ["198.51.100.1"]}
    for host, own in (("d1", "192.0.2.11"), ("rs2", "192.0.2.22")):
        assert derived["firewall"][host][:-1] == plan(DESCRIPTION)["firewall"][host]
        assert derived["firewall"][host][-1] == {
            "comment": "monitoring",
            "family": "ipv4",
            "protocol": "tcp",
            "sources": sources[host],
            "destinations": [own],
            "ports": ["9100"],
        }
    assert "m1" not in derived["firewall"]


@pytest.mark.parametrize(
    ("facts", "mistake"),
    [
        ({"ansible_host": "m1.example.org"}, "lvs_address is not set on host 'm1': ansible_host='m1.example.org'"),
        ({"lvs_address": "rs1"}, "lvs_address='rs1' on host 'm1': is not an IP address"),
        ({"lvs_address": VIP}, f"lvs_vips[0]='{VIP}': is the address of host 'm1'"),
        ({"lvs_address": "192.0.2.21"}, "lvs_address='192.0.2.21' on host 'm1': is the address of host 'rs1' as well"),
        ({"ansible_host": "198.51.100.1", "lvs_adress": "x"}, "lvs_adress='x' on host 'm1': is no variable of this"),
    ],
)
def test_who_cannot_collect_metrics(facts: dict[str, Any], mistake: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan({**DESCRIPTION, "monitoring": [{"name": "m1", **facts}]})
    assert [line for line in caught.value.mistakes if line.startswith(mistake)], caught.value.mistakes
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(("host", "own"), [("d1", []), ("rs1", [("tcp", D4, ["192.0.2.21"], ["443"])])])
def test_without_conference(host: str, own: list[tuple[Any, ...]]) -> None:
    found = rules(host, lvs_conference=False, lvs_services=[WEB])
    assert found[:2] == [("tcp", [], [VIP], ["443"]), ("tcp", [], [VIP6], ["443"])]
    assert found[2:3] == own or host == "d1"
    assert {port for rule in found for port in rule[3]} == {"443"} | ({"8848"} if host == "d1" else set())


def test_checks_come_from_directors_and_speak_what_they_ask() -> None:
    services = [
        {"name": "turn", "protocol": "udp", "port": 3478, "check": "stun"},
        {"name": "quic", "protocol": "udp", "port": 443, "check": "https"},
        {"name": "syslog", "protocol": "udp", "port": 514, "check": "none"},
    ]
    found = rules("rs1", lvs_conference=False, lvs_services=services)
    assert found[0] == ("udp", [], [VIP], ["443", "514", "3478"])
    assert found[2:4] == [("tcp", D4, ["192.0.2.21"], ["443"]), ("udp", D4, ["192.0.2.21"], ["3478"])]


def test_with_nat_clients_come_to_the_real_server_s_own_address() -> None:
    nat = {"lvs_forwarding": "nat", "lvs_nat_gateways": ["192.0.2.99", "2001:db8::99"], "lvs_conference": False}
    found = rules("rs1", lvs_services=[WEB | {"real_port": 8443}], **nat)
    assert ("tcp", [], ["192.0.2.21"], ["8443"]) in found
    assert ("tcp", [], ["2001:db8::21"], ["8443"]) in found
    assert ("tcp", [], [VIP], ["443"]) in rules("d1", lvs_services=[WEB], **nat)


def test_alone() -> None:
    """No peers, no other real server, no IPv6."""
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= {"lvs_networks": ["192.0.2.0/24"], "lvs_vips": [VIP], "lvs_services": [WEB]}
    for group in ("directors", "real_servers"):
        del description[group][1:]
        del description[group][0]["lvs_address6"]
    derived = plan(description)["firewall"]
    assert [rule["comment"] for rule in derived["d1"]] == ["services", "media"]
    assert [rule["comment"] for rule in derived["rs1"]] == [
        *("services", "media", "health checks", "tunnels from directors"),
    ]
    assert {rule["family"] for of_host in derived.values() for rule in of_host} == {"ipv4"}
