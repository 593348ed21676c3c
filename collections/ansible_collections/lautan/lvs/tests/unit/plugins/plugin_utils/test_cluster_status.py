# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status of a cluster: what it says of each state, and that one screen shows it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_status import cluster_status, status_lines

NOW = 1_764_000_000.0  # 2025-11-24T16:00:00Z
VIP = "198.18.0.100"
PLAN = plan(
    {
        "cluster": {
            "lvs_domain": "conference.lab.example",
            "lvs_networks": ["198.18.0.0/24"],
            "lvs_vips": [VIP],
            "lvs_rooms": [{"name": "blue", "title": "The blue room"}, {"name": "red"}],
        },
        "directors": [
            {"name": "director1", "lvs_address": "198.18.0.11"},
            {"name": "director2", "lvs_address": "198.18.0.12"},
        ],
        "real_servers": [
            {"name": "rs1", "lvs_address": "198.18.0.21"},
            {"name": "rs2", "lvs_address": "198.18.0.22"},
        ],
    }
)


def director(state: str, *held: str) -> dict[str, Any]:
    servers = {"rs1": "198.18.0.21", "rs2": "198.18.0.22"}
    counts = {"active_connections": 3, "rates": {"connections": 2}}
    key = {"protocol": "tcp", "address": VIP, "port": 443}
    return {
        "seen": {
            "vrrp": {
                "instances": [{"state": state, "addresses_held": list(held), "last_transition": NOW - 3600}],
                "connections": 7,
            },
            "drains": {"rs1": "0", "rs2": "0"},
            "drained_since": {"rs1": int(NOW) - 60, "rs2": int(NOW) - 60},
        },
        "ipvs": {
            "services": [{**key, "real_servers": [{"address": each, "weight": 1} for each in servers.values()]}],
            "counters": [
                {
                    **key,
                    "rates": {"connections": 4, "bytes_in": 1000},
                    "real_servers": [{"address": each, **counts} for each in servers.values()],
                }
            ],
            "kernel": "6.1.0",
        },
        "updates": "0",
    }


def real_server(**rooms: int) -> dict[str, Any]:
    connections = {"total": 5, "websockets": 2, "turn": 1, "other": 2}
    info = {"connections": connections, "people": sum(rooms.values()), "rooms": rooms}
    return {"info": info, "updates": "4", "certificate_expires": NOW + 30.5 * 86400}


@pytest.fixture
def seen() -> dict[str, Any]:
    only_https = copy.deepcopy(PLAN)
    only_https["virtual_services"] = [each for each in PLAN["virtual_services"] if each["port"] == 443]
    return {
        "plan": only_https,
        "state": {"faults": [], "summary": []},
        "directors": {"director1": director("MASTER", VIP), "director2": director("BACKUP")},
        "real_servers": {"rs1": real_server(blue=2), "rs2": real_server()},
        "now": NOW,
    }


def test_a_healthy_cluster(seen):
    found = cluster_status(**seen)
    assert (found["ok"], found["people"], found["time"]) == (True, 2, "2025-11-24T16:00:00Z")
    assert found["vips"] == [{"address": VIP, "holders": ["director1"], "since": "2025-11-24T15:00:00Z"}]
    assert [(each["name"], each["state"]) for each in found["directors"]] == [
        ("director1", "MASTER"),
        ("director2", "BACKUP"),
    ]
    (service,) = found["services"]
    assert (service["active_connections"], service["connections_per_second"]) == (6, 4)
    assert [each["weight"] for each in service["real_servers"]] == [1, 1]
    assert [(each["state"], each["certificate_days"]) for each in found["real_servers"]] == [("in service", 30)] * 2
    assert [(each["name"], each["people"], each["real_servers"]) for each in found["rooms"]] == [
        ("blue", 2, ["rs1"]),
        ("red", 0, []),
    ]


def test_drained(seen):
    for each in seen["directors"].values():
        each["seen"]["drains"]["rs1"] = "-1 siti, new disk"
    rs1, rs2 = cluster_status(**seen)["real_servers"]
    assert (rs1["state"], rs1["reason"], rs1["since"]) == ("drained", "siti, new disk", "2025-11-24T15:59:00Z")
    assert (rs2["state"], rs2["reason"], rs2["since"]) == ("in service", "", None)
    assert "  rs1 is drained since 2025-11-24T15:59:00Z: siti, new disk" in status_lines(cluster_status(**seen))


def test_down(seen):
    seen["directors"]["director1"]["ipvs"]["services"][0]["real_servers"].pop()
    rs2 = cluster_status(**seen)["real_servers"][1]
    assert (rs2["state"], rs2["down_in"]) == ("down", 1)
    assert "  rs2 is out of 1 virtual services" in status_lines(cluster_status(**seen))


def test_silent(seen):
    seen["real_servers"]["rs2"] = None
    seen["directors"]["director2"] = None
    found = cluster_status(**seen)
    assert found["real_servers"][1]["state"] == "silent"
    assert found["directors"][1]["state"] == "silent"
    assert any(line.split() == ["director2", "silent", *["-"], "0", "-", "-"] for line in status_lines(found))


def test_nobody_answers(seen):
    seen["directors"] = dict.fromkeys(seen["directors"])
    seen["real_servers"] = dict.fromkeys(seen["real_servers"])
    seen["state"]["faults"] = ["director1: does not answer on ssh"]
    found = cluster_status(**seen)
    assert found["vips"] == [{"address": VIP, "holders": [], "since": None}]
    lines = status_lines(found)
    assert lines[0] == "https://conference.lab.example/   1 FAULTS   0 people   2025-11-24T16:00:00Z"
    assert f"VIP {VIP:24} NO DIRECTOR" in lines
    assert lines[-1] == "! director1: does not answer on ssh"


def test_keepalived_that_does_not_tell(seen):
    seen["directors"]["director1"]["seen"]["vrrp"] = {"msg": "no new file"}
    assert cluster_status(**seen)["directors"][0]["state"] == "unknown"


def test_two_masters(seen):
    seen["directors"]["director2"] = director("MASTER", VIP)
    (vip,) = cluster_status(**seen)["vips"]
    assert (vip["holders"], vip["since"]) == (["director1", "director2"], None)


def test_one_screen(seen):
    lines = status_lines(cluster_status(**seen))
    assert len(lines) < 30
    assert max(map(len, lines)) <= 120
    assert "rooms: The blue room 2 on rs1 (2 in all)" in lines
