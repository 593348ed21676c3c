# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the directors get of each method by which packets get to real servers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome, make_candidate
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import OLDEST
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import evaluated, rendered, variables_of

VIPS, GATEWAYS = ["192.0.2.100", "2001:db8::100"], ["192.0.2.99", "2001:db8::99"]
METHODS = ["dr", "nat", "tun"]


def variables(method: str, families: int = 2) -> dict[str, Any]:
    d1, d2, rs1 = (
        {"name": name, **dict(zip(["lvs_address", "lvs_address6"], addresses[:families], strict=False))}
        for name, addresses in (
            ("d1", ["192.0.2.11", "2001:db8::11"]),
            ("d2", ["192.0.2.12", "2001:db8::12"]),
            ("rs1", ["192.0.2.21", "2001:db8::21"]),
        )
    )
    cluster = {
        "lvs_domain": "conference.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"][:families],
        "lvs_vips": VIPS[:families],
        "lvs_conference": False,
        "lvs_services": [{"name": "web", "port": 80, "sorry_server": "192.0.2.50"}],
        "lvs_forwarding": method,
        "lvs_nat_gateways": GATEWAYS[:families],
    }
    return variables_of(plan({"cluster": cluster, "directors": [d1, d2], "real_servers": [rs1]}))


def configuration(method: str) -> dict[str, Any]:
    """keepalived's configuration as the module keepalived_config would write it."""
    outcome = Outcome()
    candidate = make_candidate(yaml.safe_load(rendered("keepalived.yml.j2", variables(method))), OLDEST, outcome)
    assert outcome.warnings == []
    return dict(candidate.document)


@pytest.mark.parametrize("method", METHODS)
def test_keepalived_is_told(method: str) -> None:
    servers = configuration(method)["virtual_servers"]
    assert {server["lvs_method"] for server in servers} == {method.upper()}
    assert [server.get("sorry_server_lvs_method") for server in servers] == [method.upper(), None]


@pytest.mark.parametrize(("method", "more"), [("dr", []), ("nat", GATEWAYS), ("tun", [])])
def test_gateways_move_and_are_not_named(method: str, more: list[str]) -> None:
    (instance,) = configuration(method)["vrrp_instances"]
    assert [item["ip"] for item in instance["virtual_ipaddress"]] == ["192.0.2.100/32"]
    excluded = [item["ip"].rpartition("/")[0] for item in instance["virtual_ipaddress_excluded"]]
    assert excluded == [VIPS[1], *more]


@pytest.mark.parametrize(
    ("method", "families", "routes"),
    [("dr", 2, []), ("tun", 2, []), ("nat", 1, ["ip_forward"]), ("nat", 2, ["ip_forward", "forwarding"])],
)
def test_directors_route_only_for_nat(method: str, families: int, routes: list[str]) -> None:
    sysctls = evaluated("__director_sysctls", variables(method, families))
    assert [key.rpartition(".")[2] for key in sysctls if "forward" in key] == routes
    assert {sysctls[key] for key in sysctls if "forward" in key} == ({"1"} if routes else set())
    assert sysctls["net.ipv4.vs.sloppy_tcp"] == "1"


@pytest.mark.parametrize("method", METHODS)
def test_real_servers_are_not_sent_past_the_director(method: str) -> None:
    text = rendered("lvs-director.nft.j2", variables(method))
    assert ("icmp type redirect counter drop" in text) == (method == "nat")
    assert ("icmpv6 type nd-redirect counter drop" in text) == (method == "nat")
