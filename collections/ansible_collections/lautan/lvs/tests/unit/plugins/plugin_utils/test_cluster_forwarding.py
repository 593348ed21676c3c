# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How packets get to real servers: what the plan makes of each method, and which mistakes it finds."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import PlanError
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan

VIPS = ["192.0.2.100", "2001:db8::100"]
GATEWAYS = ["192.0.2.99", "2001:db8::99"]
DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "meet.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": VIPS,
        "lvs_conference": False,
    },
    "directors": [
        {"name": "d1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"},
        {"name": "d2", "lvs_address": "192.0.2.12", "lvs_address6": "2001:db8::12"},
    ],
    "real_servers": [{"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21"}],
}
NAT = {"lvs_forwarding": "nat", "lvs_nat_gateways": GATEWAYS}
WEB = {"name": "web", "port": 80}


def described(rs1: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= facts
    description["real_servers"][0] |= rs1 or {}
    return description


def faults(rs1: dict[str, Any] | None = None, **facts: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan(described(rs1, **facts))
    return caught.value.mistakes


def test_direct_routing_is_the_default() -> None:
    assert plan(described()) == plan(described(lvs_forwarding="dr"))
    assert plan(described())["forwarding"] == "dr"


@pytest.mark.parametrize("method", ["dr", "tun"])
def test_gateways_are_for_nat_only(method: str) -> None:
    assert plan(described(lvs_forwarding=method)) == plan(described(**NAT | {"lvs_forwarding": method}))
    assert plan(described(**NAT | {"lvs_forwarding": method}))["gateways"] == []


def test_gateways_move_with_the_virtual_ips() -> None:
    derived = plan(described(**NAT))
    assert derived["gateways"] == GATEWAYS
    assert derived["vrrp"]["instances"][0]["vips"] == VIPS + GATEWAYS
    for director in derived["directors"]:
        (instance,) = director["vrrp_instances"]
        assert [vip["address"] for vip in instance["vips"]] == VIPS + GATEWAYS
        assert instance["vips"][-1]["host_prefix"] == 128
    # Clients are offered nothing there.
    assert [vip["address"] for vip in derived["vips"]] == VIPS
    assert {service["vip"] for service in derived["virtual_services"]} == set(VIPS)


def test_no_gateway_for_a_family_without_virtual_ip() -> None:
    facts = {"lvs_networks": ["192.0.2.0/24"], "lvs_vips": VIPS[:1], "lvs_nat_gateways": GATEWAYS[:1]}
    description = described(lvs_forwarding="nat", **facts)
    for host in description["directors"] + description["real_servers"]:
        del host["lvs_address6"]
    assert plan(description)["gateways"] == GATEWAYS[:1]


def test_nat_asks_real_servers_for_no_virtual_ip() -> None:
    assert {service["check_path"] for service in plan(described(**NAT))["virtual_services"]} == {"/lb-ok"}
    tunnelled = plan(described(lvs_forwarding="tun"))["virtual_services"]
    assert {service["check_path"] for service in tunnelled} == {f"/lb-ok/{vip}" for vip in VIPS}


def test_nat_changes_the_port() -> None:
    services = plan(described(**NAT, lvs_services=[WEB | {"real_port": "8080"}]))["virtual_services"]
    assert [(service["port"], service["real_servers"][0]["port"]) for service in services] == [(80, 8080)] * 2


def test_a_tunnel_ends_anywhere() -> None:
    far = {"lvs_address": "203.0.113.21", "lvs_address6": "2001:db8:1::21"}
    sorry = [WEB | {"sorry_server": "198.51.100.1"}]
    (server,) = plan(described(far, lvs_forwarding="tun", lvs_services=sorry))["real_servers"]
    assert (server["address"], server["address6"]) == (far["lvs_address"], far["lvs_address6"])
    assert len(faults(far, lvs_services=sorry)) == len(faults(far, **NAT, lvs_services=sorry)) == 3


MISTAKES: list[tuple[dict[str, Any], str]] = [
    *(
        (
            {"lvs_forwarding": value},
            f"lvs_forwarding={value!r}: must be one of dr nat tun: direct routing, NAT, tunnels",
        )
        for value in ("DR", "masq", "", 0, True, ["dr"], {})
    ),
    ({"lvs_forwarding": "nat"}, "lvs_nat_gateways is not set: it needs an IPv4 and an IPv6 address of the active"),
    (NAT | {"lvs_nat_gateways": []}, "lvs_nat_gateways=[]: has no IPv4 and an IPv6 address of the active director"),
    (NAT | {"lvs_nat_gateways": GATEWAYS[:1]}, "lvs_nat_gateways=['192.0.2.99']: has no IPv6 address of the active"),
    (NAT | {"lvs_nat_gateways": "192.0.2.99"}, "lvs_nat_gateways='192.0.2.99': must be a list, for example"),
    (NAT | {"lvs_nat_gateways": [*GATEWAYS, "x"]}, "lvs_nat_gateways[2]='x': is not an IP address"),
    (NAT | {"lvs_nat_gateways": ["x"]}, "lvs_nat_gateways[0]='x': is not an IP address"),
    (NAT | {"lvs_nat_gateways": [*GATEWAYS, GATEWAYS[0]]}, "lvs_nat_gateways[2]='192.0.2.99': is the same address as"),
    (
        NAT | {"lvs_nat_gateways": [*GATEWAYS, "192.0.2.98"]},
        "lvs_nat_gateways[2]='192.0.2.98': is a second IPv4 gateway",
    ),
    (
        NAT | {"lvs_nat_gateways": ["192.0.2.100", GATEWAYS[1]]},
        "lvs_nat_gateways[0]='192.0.2.100': is lvs_vips[0], a virtual IP, as well",
    ),
    (
        NAT | {"lvs_nat_gateways": [GATEWAYS[0], "2001:db8::12"]},
        "lvs_nat_gateways[1]='2001:db8::12': is the address of host 'd2'",
    ),
    (
        NAT | {"lvs_services": [WEB | {"sorry_server": "192.0.2.99"}]},
        "lvs_nat_gateways[0]='192.0.2.99': is lvs_services[0].sorry_server, as well",
    ),
    # Also of another method: they may stay in the description.
    ({"lvs_nat_gateways": ["192.0.3.99"]}, "lvs_nat_gateways[0]='192.0.3.99': is outside 192.0.2.0/24"),
    ({"lvs_nat_gateways": ["192.0.2.21"]}, "lvs_nat_gateways[0]='192.0.2.21': is the address of host 'rs1'"),
    *(
        (
            {"lvs_forwarding": method, "lvs_services": [WEB | {"real_port": 8080}]},
            "lvs_services[0].real_port=8080: is not the service's port, 80, and only lvs_forwarding=nat can change it",
        )
        for method in ("dr", "tun")
    ),
    (NAT | {"lvs_services": [WEB | {"real_port": 0}]}, "lvs_services[0].real_port=0: must be a whole number from 1 to"),
    (
        NAT | {"lvs_services": [WEB | {"protocol": "udp", "check": "none", "real_port": 20001}]},
        "lvs_services[0].real_port=20001: is one of the UDP ports for media of host 'rs1', 20000-20999",
    ),
]


@pytest.mark.parametrize(("facts", "says"), MISTAKES, ids=[says[:70] for _facts, says in MISTAKES])
def test_one_mistake(facts: dict[str, Any], says: str) -> None:
    found = faults(**facts)
    assert len(found) == 1, found
    assert found[0].startswith(says)


def test_nat_has_one_home() -> None:
    description = described(**NAT, lvs_vips=[*VIPS, "192.0.2.101"])
    description["directors"][1]["lvs_home_vips"] = ["192.0.2.101"]
    with pytest.raises(PlanError) as caught:
        plan(description)
    assert caught.value.mistakes == [
        "lvs_forwarding='nat': needs all virtual IPs at home on one director, the one that is the gateway, not on hosts"
        " 'd1', 'd2' (lvs_home_vips)"
    ]
    description["cluster"]["lvs_forwarding"] = "tun"
    assert len(plan(description)["vrrp"]["instances"]) == 2


@pytest.mark.parametrize("address", ["127.0.0.1", "224.0.0.1", "0.0.0.0", "169.254.0.1"])
def test_no_tunnel_to_nobody(address: str) -> None:
    (mistake,) = faults({"lvs_address": address}, lvs_forwarding="tun")
    assert mistake == f"lvs_address='{address}' on host 'rs1': is no address that packets could be sent to in a tunnel"


def test_all_mistakes_at_once() -> None:
    facts = {
        "lvs_nat_gateways": ["x", "192.0.2.11"],
        "lvs_forwarding": "ipip",
        "lvs_services": [WEB | {"real_port": -1}],
    }
    assert [mistake.split("=")[0] for mistake in faults(**facts)] == [
        *("lvs_forwarding", "lvs_services[0].real_port", "lvs_nat_gateways[0]", "lvs_nat_gateways[1]"),
    ]
