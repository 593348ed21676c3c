# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role makes of a plan: keepalived's configuration as data, and the packet filter."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome, make_candidate
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import OLDEST
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.quoting import split_escaped
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.track_file import Tracking, find_tracking
from ansible_collections.lautan.lvs.plugins.modules.vrrp_switchover import DOCUMENTATION
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import rendered, variables_of

VIPS = ["198.18.0.100", "fd00:c612::100", "198.18.0.101", "fd00:c612::101", "198.18.0.102"]
OF_DIRECTOR2 = ["198.18.0.101", "fd00:c612::101"]


def description(*homes: list[str]) -> dict[str, Any]:
    return {
        "cluster": {
            "lvs_domain": "conference.lab.example",
            "lvs_networks": ["198.18.0.0/24", "fd00:c612::/64"],
            "lvs_vips": VIPS,
        },
        "directors": [
            {"name": f"director{n}", "lvs_address": f"198.18.0.1{n}", "lvs_address6": f"fd00:c612::1{n}", **more}
            for n, more in enumerate([{"lvs_home_vips": home} for home in homes] or [{}, {}], 1)
        ],
        "real_servers": [{"name": "rs1", "lvs_address": "198.18.0.21", "lvs_address6": "fd00:c612::21"}],
    }


# Of a director that finds all real servers dead: with a priority of 154 or 153, it gives way to the other one.
BLIND = ("lvs_no_real_servers", "/etc/keepalived/no_real_servers", -100)


def text(template: str, director: int, *homes: list[str]) -> str:
    return rendered(template, variables_of(plan(description(*homes)), director))


def configuration(director: int, *homes: list[str]) -> dict[str, Any]:
    """keepalived's configuration as the module keepalived_config would write it."""
    outcome = Outcome()
    candidate = make_candidate(yaml.safe_load(text("keepalived.yml.j2", director, *homes)), OLDEST, outcome)
    assert outcome.warnings == []
    return dict(candidate.document)


def routers(document: dict[str, Any]) -> list[tuple[str, int, int, list[str]]]:
    return [
        (item["name"], item["virtual_router_id"], item["priority"], item["track_file"])
        for item in document["vrrp_instances"]
    ]


def addresses(instance: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The ones that adverts name, and the others."""
    found = [[item["ip"] for item in instance[key]] for key in ("virtual_ipaddress", "virtual_ipaddress_excluded")]
    return found[0], found[1]


def test_one_instance_for_all() -> None:
    document = configuration(0)
    assert routers(document) == [("lvs_50", 50, 254, ["lvs_switchover", BLIND[0]])]
    assert [(item["name"], item["file"]) for item in document["track_files"]] == [
        BLIND[:2],
        ("lvs_switchover", "/etc/keepalived/switchover"),
        ("lvs_drain_rs1", "/etc/keepalived/drain_rs1"),
    ]
    assert addresses(document["vrrp_instances"][0]) == (
        ["198.18.0.100/32"],
        ["fd00:c612::100/128", "198.18.0.101/32", "fd00:c612::101/128", "198.18.0.102/32"],
    )
    assert routers(configuration(1)) == [("lvs_50", 50, 253, ["lvs_switchover", BLIND[0]])]


def test_an_instance_for_each_home() -> None:
    one, two = (configuration(director, [], OF_DIRECTOR2) for director in (0, 1))
    files = {"lvs_50": ["lvs_switchover_50", BLIND[0]], "lvs_51": ["lvs_switchover_51", BLIND[0]]}
    assert routers(one) == [("lvs_50", 50, 254, files["lvs_50"]), ("lvs_51", 51, 253, files["lvs_51"])]
    assert routers(two) == [("lvs_50", 50, 253, files["lvs_50"]), ("lvs_51", 51, 254, files["lvs_51"])]
    for document, own, peer in ((one, "198.18.0.11", "198.18.0.12"), (two, "198.18.0.12", "198.18.0.11")):
        assert [(item["name"], item["file"], item.get("weight")) for item in document["track_files"]] == [
            BLIND,
            ("lvs_switchover_50", "/etc/keepalived/switchover_50", 0),
            ("lvs_switchover_51", "/etc/keepalived/switchover_51", 0),
            ("lvs_drain_rs1", "/etc/keepalived/drain_rs1", None),
        ]
        # An IPv6 address cannot be named, and each instance names the first IPv4 one of its own.
        assert [addresses(item) for item in document["vrrp_instances"]] == [
            (["198.18.0.100/32"], ["fd00:c612::100/128", "198.18.0.102/32"]),
            (["198.18.0.101/32"], ["fd00:c612::101/128"]),
        ]
        for item in document["vrrp_instances"]:
            assert (item["state"], item["nopreempt"], item["advert_int"]) == ("BACKUP", True, 0.1)
            assert (item["unicast_src_ip"], item["unicast_peer"]) == (own, [peer])


@pytest.mark.parametrize("homes", [(), ([], OF_DIRECTOR2)], ids=str)
def test_every_director_serves_every_vip(homes: tuple[list[str], ...]) -> None:
    one, two = (configuration(director, *homes) for director in (0, 1))
    assert one["virtual_servers"] == two["virtual_servers"]
    assert {item["ip"] for item in one["virtual_servers"] if "ip" in item} == set(VIPS)


def test_each_service_tells_when_nobody_answers() -> None:
    """The shell that is started for it gets one word, as keepalived takes the command apart (keepalived.conf(5))."""
    services = [service for service in configuration(0)["virtual_servers"] if "ip" in service]
    assert services
    for event, value in (("up", 0), ("down", 1)):
        commands = {tuple(split_escaped(service[f"quorum_{event}"]["command"])) for service in services}
        assert commands == {("/bin/sh", "-c", f"echo {value} > {BLIND[1]}")}
        assert {service[f"quorum_{event}"]["user"] for service in services} == {"root"}


@pytest.mark.parametrize(("director", "other"), [(0, "198.18.0.12"), (1, "198.18.0.11")])
def test_connections_are_learnt_from_the_other_director_only(director: int, other: str) -> None:
    (rule,) = [line.strip() for line in text("lvs-director.nft.j2", director).splitlines() if "8848" in line]
    assert rule == f"ip daddr 224.0.0.81 udp dport 8848 ip saddr != {{ {other} }} counter drop"


@pytest.mark.parametrize("director", [0, 1])
@pytest.mark.parametrize("homes", [(), ([], OF_DIRECTOR2)], ids=str)
def test_every_director_guards_every_vip(director: int, homes: tuple[list[str], ...]) -> None:
    lines = [line.split() for line in text("lvs-director.nft.j2", director, *homes).splitlines()]
    guarded = [
        words[2] for words in lines if words[1:2] == ["daddr"] and words[3:4] == ["meta"] and words[-1:] == ["drop"]
    ]
    assert sorted(guarded) == sorted(VIPS)


@pytest.mark.parametrize(
    ("homes", "found"),
    [
        ((), [Tracking("lvs_switchover", "/etc/keepalived/switchover", ["lvs_50"])]),
        (
            ([], OF_DIRECTOR2),
            [
                Tracking("lvs_switchover_50", "/etc/keepalived/switchover_50", ["lvs_50"]),
                Tracking("lvs_switchover_51", "/etc/keepalived/switchover_51", ["lvs_51"]),
            ],
        ),
    ],
    ids=str,
)
def test_switchovers_find_the_file_of_each_instance(homes: tuple[list[str], ...], found: list[Tracking]) -> None:
    pattern = yaml.safe_load(DOCUMENTATION)["options"]["track_file"]["default"]
    mistakes: list[str] = []
    assert find_tracking(configuration(0, *homes), pattern, "keepalived.conf", mistakes) == found
    assert mistakes == []
