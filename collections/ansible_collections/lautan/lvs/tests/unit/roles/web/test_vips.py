# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx tells of the virtual IPs: that it answers on each of them on this host."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.tests.unit.roles.rendering import rendered

PLAN = plan(
    {
        "cluster": {
            "lvs_domain": "conference.example.org",
            "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
            "lvs_vips": ["192.0.2.100", "2001:DB8:0::100", "192.0.2.101"],
        },
        "directors": [{"name": "director1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"}],
        "real_servers": [{"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21"}],
    }
)


def servers(**variables: Any) -> dict[int, str]:
    """The text of each server in nginx.conf, by its port."""
    text = rendered(
        "web",
        "nginx.conf.j2",
        {
            "inventory_hostname": "rs1",
            "ansible_managed": "",
            "web_domain": PLAN["domain"],
            **variables,
        },
    )
    blocks = re.findall(r"^    server {\n(.*?)^    }\n", text, re.MULTILINE | re.DOTALL)
    return {int(re.search(r"listen (\d+) ", block)[1]): block for block in blocks}


# What playbooks/vars/plan.yml hands over.
VARIABLES = {
    "web_vips": [vip["address"] for vip in PLAN["vips"]],
    "web_check_networks": list(PLAN["networks"].values()),
}
LOCATION = re.compile(r"location = (\S+) {\s*proxy_bind (\S+);\s*proxy_pass (\S+);\s*}")


def test_what_directors_ask_is_asked_from_the_virtual_ip_to_the_virtual_ip() -> None:
    expected: dict[int, list[tuple[str, str, str]]] = {}
    for service in PLAN["virtual_services"]:
        if service["check"] == "tcp":
            continue  # TURN
        vip = service["vip"]
        host = f"[{vip}]" if service["family"] == "ipv6" else vip
        told = (service["check_path"], vip, f"{service['check']}://{host}/lb-ok")
        expected.setdefault(service["port"], []).append(told)
    assert {port: LOCATION.findall(text) for port, text in servers(**VARIABLES).items()} == expected


@pytest.mark.parametrize("port", [80, 443])
def test_what_is_asked_there_is_a_constant(port: int) -> None:
    """A location that passes on what it is asked, and is asked what it passes on, would never come to an end."""
    (answer,) = re.findall(r"location = /lb-ok {(.*?)}", servers(**VARIABLES)[port], re.DOTALL)
    assert 'return 200 "ok\\n";' in answer


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize(
    ("variables", "allowed"), [(VARIABLES, ["192.0.2.0/24", "2001:db8::/64"]), ({}, [])], ids=["the segment", "nobody"]
)
def test_nobody_else_may_ask(variables: dict[str, Any], allowed: list[str], port: int) -> None:
    (head,) = re.findall(r"location /lb-ok/ {(.*?)(?:location|return)", servers(**variables)[port], re.DOTALL)
    assert re.findall(r"(?:allow|deny) [^;]+;", head) == [*(f"allow {network};" for network in allowed), "deny all;"]
