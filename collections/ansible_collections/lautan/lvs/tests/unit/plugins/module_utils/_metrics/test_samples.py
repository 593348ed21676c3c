# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of the answers of the modules' code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._metrics import director, program, real_server
from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import Sample, Samples
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import Connections

VIP = "192.0.2.100"
SERVICE = {
    "name": "https-ipv4",
    "vip": VIP,
    "protocol": "tcp",
    "port": 443,
    "real_servers": [
        {"name": name, "address": f"192.0.2.2{number}", "port": 443}
        for number, name in enumerate(("rs1", "rs2", "rs3"), 1)
    ],
}


def values(samples: Samples) -> dict[tuple[str, ...], float]:
    """By the name and the values of the labels, which are none of Prometheus' own."""
    found = list(samples)
    assert not {"instance", "job", "role"} & {label for each in found for label in each.labels}
    return {(each.name.removeprefix("lautan_"), *each.labels.values()): each.value for each in found}


def instance(name: str, state: str, held: list[str], since: float | None = 7.5) -> Any:
    addresses = {"addresses": [VIP], "addresses_excluded": ["2001:db8::100"], "addresses_held": held}
    return SimpleNamespace(name=name, state=state, last_transition=since, **addresses)


def test_vrrp() -> None:
    instances = [instance("lvs_50", "MASTER", [VIP, "2001:db8::100"]), instance("lvs_51", "FAULT", [], None)]
    assert values(director.vrrp(True, instances)) == {
        ("keepalived_up",): 1,
        ("vrrp_master", "lvs_50"): 1,
        ("vrrp_ready", "lvs_50"): 1,
        ("vrrp_last_transition_timestamp_seconds", "lvs_50"): 7.5,
        ("vip_held", "lvs_50", VIP): 1,
        ("vip_held", "lvs_50", "2001:db8::100"): 1,
        ("vrrp_master", "lvs_51"): 0,
        ("vrrp_ready", "lvs_51"): 0,
        ("vip_held", "lvs_51", VIP): 0,
        ("vip_held", "lvs_51", "2001:db8::100"): 0,
    }


@pytest.mark.parametrize(("state", "ready"), [("BACKUP", 1), ("INIT", 0), ("STOPPED", 0)])
def test_who_stands_by_is_ready_and_no_master(state: str, ready: int) -> None:
    found = values(director.vrrp(state != "STOPPED", [instance("lvs_50", state, [])]))
    assert (found["vrrp_ready", "lvs_50"], found["vrrp_master", "lvs_50"]) == (ready, 0)
    assert found[("keepalived_up",)] == (state != "STOPPED")


def seen(weights: dict[str, int], **more: Any) -> dict[str, Any]:
    """What ipvs_info tells, of one service whose real servers have these weights."""
    key = {"protocol": "tcp", "address": VIP, "port": 443}
    reals = [{"address": f"192.0.2.2{name[2:]}", "port": 443, "weight": weight} for name, weight in weights.items()]
    counters = [{"address": real["address"], "port": 443, "active_connections": 5} for real in reals]
    return {
        "sync_daemons": [{"role": "master"}],
        "services": [{"fwmark": 1001, "family": "ipv4", "real_servers": []}, {**key, "real_servers": reals}],
        "counters": [{**key, "connections": 12, "bytes_in": 3400, "real_servers": counters}],
        **more,
    }


def test_ipvs() -> None:
    """One takes connections, one is drained, and one has failed. A sorry server is none of them."""
    found = values(director.ipvs(seen({"rs1": 3, "rs2": 0, "rs9": 1}), [SERVICE], 2))
    own = ("https-ipv4", VIP)
    assert found == {
        ("sync_daemon_up", "master"): 1,
        ("sync_daemon_up", "backup"): 0,
        ("pool_minimum",): 2,
        ("service_connections_total", *own): 12,
        ("service_bytes_in_total", *own): 3400,
        ("pool_size", *own): 1,
        ("real_server_up", *own, "rs1"): 1,
        ("real_server_up", *own, "rs2"): 1,
        ("real_server_up", *own, "rs3"): 0,
        ("real_server_weight", *own, "rs1"): 3,
        ("real_server_weight", *own, "rs2"): 0,
        ("real_server_weight", *own, "rs3"): 0,
        ("real_server_connections", *own, "rs1"): 5,
        ("real_server_connections", *own, "rs2"): 5,
        ("real_server_connections", *own, "rs3"): 0,
    }


def test_a_service_that_is_missing_is_told_as_one_without_real_servers() -> None:
    found = values(director.ipvs(seen({}, services=[], counters=[]), [SERVICE], 1))
    assert found["pool_size", "https-ipv4", VIP] == 0
    assert [value for key, value in found.items() if key[0] == "real_server_up"] == [0, 0, 0]


def test_drift() -> None:
    assert values(director.drift(["one", "another"])) == {("ipvs_drift",): 2}


def test_drained() -> None:
    assert values(director.drained({"rs1": 5.5, "rs2": None})) == {
        ("real_server_drained", "rs1"): 1,
        ("real_server_drained_timestamp_seconds", "rs1"): 5.5,
        ("real_server_drained", "rs2"): 0,
    }


def test_connections_of_clients() -> None:
    assert values(real_server.connections(Connections(total=10, websockets=3, turn=2))) == {
        ("client_connections", "websocket"): 3,
        ("client_connections", "turn"): 2,
        ("client_connections", "other"): 5,
    }


def test_janus() -> None:
    rooms = [{"name": "maths", "participants": ["a", "b"]}, {"name": "art", "participants": []}]
    assert values(real_server.janus({"running": True, "people": 2, "rooms": rooms})) == {
        ("janus_up",): 1,
        ("people",): 2,
        ("room_people", "maths"): 2,
        ("room_people", "art"): 0,
    }
    assert values(real_server.janus({"running": False, "people": 0, "rooms": []})) == {("janus_up",): 0, ("people",): 0}


SOCKETS = """\
UNCONN 0      0               192.0.2.100:20000      0.0.0.0:*
UNCONN 0      0               192.0.2.100:20999      0.0.0.0:*
UNCONN 0      0        [2001:db8::100]:20000           [::]:*
UNCONN 0      0               192.0.2.100:19999      0.0.0.0:*
UNCONN 0      0               192.0.2.100:21000      0.0.0.0:*
ESTAB  0      0          192.0.2.21%eth0:68        192.0.2.1:67
"""


@pytest.mark.parametrize(("text", "used"), [("", 0), (SOCKETS, 2)])
def test_ports_are_counted_where_most_are_in_use(text: str, used: int) -> None:
    assert values(real_server.media_ports(text, 20000, 20999)) == {("media_ports",): 1000, ("media_ports_used",): used}


def test_a_part_that_fails_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Even if it had told something already."""

    def broken() -> Samples:
        yield Sample("lautan_people", 1)
        raise LookupError("no such thing")

    found = values(program.samples({"people": broken, "drift": lambda: director.drift([])}))
    assert found.pop(("metrics_timestamp_seconds",)) > 1.7e9
    assert found == {("collector_success", "people"): 0, ("ipvs_drift",): 0, ("collector_success", "drift"): 1}
    assert capsys.readouterr().err == "people: LookupError: no such thing\n"
