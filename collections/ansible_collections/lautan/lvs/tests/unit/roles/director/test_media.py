# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the directors get of the media services in the plan: marks, and what IPVS does with them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import lines_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules import checked
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.configured import virtual_servers
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.meant import meant_table
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.model import Health, Running
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_state import expected_table
from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import evaluated, rendered, variables_of

DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "conference.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": ["192.0.2.100", "2001:db8::100", "192.0.2.101"],
    },
    "directors": [
        {"name": "director1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"},
        {"name": "director2", "lvs_address": "192.0.2.12", "lvs_address6": "2001:db8::12"},
    ],
    "real_servers": [
        {"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21", "lvs_weight": 0},
        {"name": "rs2", "lvs_address": "192.0.2.22", "lvs_address6": "2001:db8::22", "lvs_media_ports": "30000-30029"},
    ],
}
PLAN = plan(DESCRIPTION)
VARIABLES = variables_of(PLAN)
SERVICE = """\
virtual_server fwmark 1001 {
    ip_family inet6
    lvs_sched rr
    ops
    lvs_method DR
    real_server 2001:db8::21 {
        weight 1
    }
}
"""


def configuration() -> dict[str, Any]:
    """The configuration in normal form, against which keepalived_config has no objection and no warning."""
    faults = Faults((2, 2, 7))
    document = checked(yaml.safe_load(rendered("keepalived.yml.j2", VARIABLES)), faults)
    assert (faults.lines, faults.warnings) == ([], [])
    return document


def test_virtual_servers() -> None:
    services = [service for service in configuration()["virtual_servers"] if "fwmark" in service]
    assert [(service["fwmark"], service["ip_family"]) for service in services] == [
        *((1001, "inet"), (1002, "inet"), (1001, "inet6"), (1002, "inet6")),
    ]
    text = "".join(f"{line.text}\n" for line in lines_of({"virtual_servers": [services[2]]})[1:]).lstrip("\n")
    assert text == SERVICE


def test_the_table_that_keepalived_means_is_the_one_that_verify_expects() -> None:
    running = [
        Running(each, True, {real: Health(True, True, member.forwarding.weight) for real, member in servers.items()})
        for each in virtual_servers(configuration())
        for servers in [each.real_servers]
    ]
    assert sorted(table_lines(meant_table(running, {}))) == sorted(expected_table(PLAN))


def test_each_port_has_one_mark_and_only_on_virtual_ips() -> None:
    text = rendered("lvs-director.nft.j2", VARIABLES)
    (elements,) = re.findall(r"map media {.*?elements = {(.*?)}", text, re.DOTALL)
    assert elements.split() == ["20000-20999", ":", "1001,", "30000-30029", ":", "1002,"]
    assert re.findall(r"(\S+ daddr {.*) meta mark set udp dport map @media", text) == [
        "ip daddr { 192.0.2.100, 192.0.2.101 }",
        "ip6 daddr { 2001:db8::100 }",
    ]
    # What finds no service is dropped, as it is for others.
    guard = text[text.index("hook input priority 200") :]
    assert all(f"daddr {vip['address']} meta l4proto {{ tcp, udp }} counter drop" in guard for vip in PLAN["vips"])


def test_without_conference() -> None:
    variables = variables_of(plan({**DESCRIPTION, "cluster": DESCRIPTION["cluster"] | {"lvs_conference": False}}))
    assert "media" not in rendered("lvs-director.nft.j2", variables)
    assert "fwmark" not in rendered("keepalived.yml.j2", variables)
    assert evaluated("__director_modules", variables) == ["ip_vs", "ip_vs_mh"]
    assert evaluated("__director_modules", VARIABLES) == ["ip_vs", "ip_vs_mh", "ip_vs_rr"]
