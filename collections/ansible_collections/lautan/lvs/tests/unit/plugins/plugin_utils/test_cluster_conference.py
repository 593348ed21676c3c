# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conference in a plan: rooms, media services, TURN, and that each mistake is named, once and with all others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import PlanError
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan

VIPS = ["192.0.2.100", "2001:db8::100", "192.0.2.101"]
DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "meet.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": VIPS,
    },
    "directors": [{"name": "d1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"}],
    "real_servers": [
        {"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21", "lvs_weight": 0},
        {"name": "rs2", "lvs_address": "192.0.2.22", "lvs_address6": "2001:db8::22", "lvs_media_ports": "30000-30059"},
    ],
}
ROOM = {"name": "maths"}
NAT = {"lvs_forwarding": "nat", "lvs_nat_gateways": ["192.0.2.99", "2001:db8::99"]}
SERVICE = {"name": "web", "port": 443}


def described(**facts: Any) -> dict[str, Any]:
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= facts
    return description


def planned(**facts: Any) -> dict[str, Any]:
    return plan(described(**facts))


def mistakes(**facts: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        planned(**facts)
    assert all("\n" not in mistake for mistake in caught.value.mistakes)
    return caught.value.mistakes


# --- what is derived ---------------------------------------------------------------------------------------------


def test_conference() -> None:
    room = {"name": "a-1", "title": "Übung", "pin": "0042", "moderator_pin": "s3 cret"[:2], "people": "15"}
    assert planned(lvs_rooms=[ROOM, room | {"bitrate": 64000}])["conference"] == {
        "rooms": [
            {"name": "maths", "title": "maths", "pin": None, "secret": None, "publishers": 12, "bitrate": 600000},
            {"name": "a-1", "title": "Übung", "pin": "0042", "secret": "s3", "publishers": 15, "bitrate": 64000},
        ],
        "turn_domain": "turn.meet.example.org",
        "turn_relay": {"first": 49152, "last": 51151},
        "rooms_ring": [{"name": "rs1", "address": "192.0.2.21"}, {"name": "rs2", "address": "192.0.2.22"}],
    }


def test_each_real_server_has_a_media_service_for_each_family() -> None:
    """Also one that gets no new connections: those who are there must be able to go on."""

    def service(server: str, family: str, mark: int, first: int, last: int, address: str) -> dict[str, Any]:
        return {
            "name": f"media-{server}-{family}",
            "mark": mark,
            "family": family,
            "vips": [vip for vip in VIPS if (":" in vip) == (family == "ipv6")],
            "first": first,
            "last": last,
            "real_server": {"name": server, "address": address},
        }

    assert planned()["media_services"] == [
        service("rs1", "ipv4", 1001, 20000, 20999, "192.0.2.21"),
        service("rs2", "ipv4", 1002, 30000, 30059, "192.0.2.22"),
        service("rs1", "ipv6", 1001, 20000, 20999, "2001:db8::21"),
        service("rs2", "ipv6", 1002, 30000, 30059, "2001:db8::22"),
    ]


def test_an_existing_description_gets_additions_only() -> None:
    with_it, without = planned(), planned(lvs_conference=False)
    new = ("virtual_services", "media_services", "conference", "firewall")
    assert {key: value for key, value in with_it.items() if key not in new} == {
        key: value for key, value in without.items() if key not in new
    }
    assert (without["media_services"], without["conference"]) == ([], None)
    added = [service for service in with_it["virtual_services"] if service not in without["virtual_services"]]
    assert [service for service in with_it["virtual_services"] if service not in added] == without["virtual_services"]
    assert [(each["name"], each["vip"], each["protocol"], each["port"], each["check"]) for each in added] == [
        (f"{name}-{family}", vip, "tcp", port, "tcp")
        for family, vip in (("ipv4", VIPS[0]), ("ipv6", VIPS[1]), ("ipv4-2", VIPS[2]))
        for name, port in (("turn", 3478), ("turns", 5349))
    ]


@pytest.mark.parametrize(
    ("service", "added"),
    [
        ({"port": 3478}, ["turns"]),
        # A TURN server of the operator's own: the port is for it, whatever it speaks.
        ({"name": "turn", "port": 3478, "protocol": "udp", "check": "stun"}, ["turns"]),
        ({"port": 5349}, ["turn"]),
        ({"port": 443}, ["turn", "turns"]),
    ],
)
def test_no_turn_where_the_operator_has_something(service: dict[str, Any], added: list[str]) -> None:
    services = planned(lvs_services=[{"name": "own"} | service])["virtual_services"]
    assert [each["name"].rpartition("-")[0] for each in services if each["vip"] == VIPS[0]][1:] == added


@pytest.mark.parametrize("value", [False, "false", "False"])
def test_no_conference(value: Any) -> None:
    rooms = [ROOM | {"people": 2}]
    assert planned(lvs_conference=value, lvs_rooms=rooms, **NAT)["conference"] is None
    assert planned(lvs_conference=value, lvs_forwarding="tun")["media_services"] == []


def test_turn_domain() -> None:
    assert planned(lvs_turn_domain="Relay.Example.org")["conference"]["turn_domain"] == "relay.example.org"
    assert planned(lvs_conference=False, lvs_domain=".".join(["a" * 63] * 3 + ["b" * 61]))["conference"] is None


# --- mistakes ----------------------------------------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str]] = [
    *(({"lvs_conference": value}, f"lvs_conference={value!r}: must be true or false") for value in ("yes", 1, [], "")),
    (NAT, "lvs_conference=True: needs lvs_forwarding=dr, and that is nat; set lvs_conference: false"),
    ({"lvs_forwarding": "tun"}, "lvs_conference=True: needs lvs_forwarding=dr, and that is tun"),
    ({"lvs_turn_domain": "192.0.2.1"}, "lvs_turn_domain='192.0.2.1': is an IP address"),
    ({"lvs_turn_domain": "a b"}, "lvs_turn_domain='a b': is not a host name"),
    ({"lvs_turn_domain": ""}, "lvs_turn_domain='': is not a host name"),
    ({"lvs_turn_domain": 7}, "lvs_turn_domain=7: is not a host name"),
    ({"lvs_turn_domain": "MEET.example.org"}, "lvs_turn_domain='MEET.example.org': is lvs_domain as well"),
    ({"lvs_services": [SERVICE | {"name": "turns"}]}, "lvs_services[0].name='turns': is the name of the conference's"),
    ({"lvs_rooms": {"name": "maths"}}, "lvs_rooms: must be a list"),
    ({"lvs_rooms": ["maths"]}, "lvs_rooms[0]: must be a dictionary, for example"),
    ({"lvs_rooms": [{}]}, "lvs_rooms[0].name is not set: each room needs one"),
    *(
        ({"lvs_rooms": [{"name": name}]}, f"lvs_rooms[0].name={name!r}: must consist of a-z")
        for name in ("", "Maths", "-a", "a_b", "a b", "a\n", 7, "ä", ["a"])
    ),
    ({"lvs_rooms": [{"name": "x" * 64}]}, "lvs_rooms[0].name='xxx"),
    ({"lvs_rooms": [ROOM, {"name": "b"}, ROOM]}, "lvs_rooms[2].name='maths': is the name of lvs_rooms[0] as well"),
    *(
        ({"lvs_rooms": [ROOM | {"title": title}]}, f"lvs_rooms[0].title={title!r}: must be text of 1 to 100")
        for title in ("", "a\nb", 7, "a\u2028b", "\ud800")
    ),
    ({"lvs_rooms": [ROOM | {"title": "x" * 101}]}, "lvs_rooms[0].title='xxx"),
    *(
        ({"lvs_rooms": [ROOM | {key: value}]}, f"lvs_rooms[0].{key}: must be text of 1 to 64 ASCII characters")
        for key in ("pin", "moderator_pin")
        for value in (1234, "", "a b", "ä", "x" * 65, ["a"], True)
    ),
    ({"lvs_rooms": [ROOM | {"pin": "a", "moderator_pin": "a"}]}, "lvs_rooms[0].moderator_pin: is the pin as well"),
    *(
        (
            {"lvs_rooms": [ROOM | {"people": value}]},
            f"lvs_rooms[0].people={value!r}: must be a whole number from 2 to 50",
        )
        for value in (1, 51, "many", True, 2.5)
    ),
    *(
        (
            {"lvs_rooms": [ROOM | {"bitrate": value}]},
            f"lvs_rooms[0].bitrate={value!r}: must be a whole number from 64000",
        )
        for value in (63999, 4000001, "512k")
    ),
    (
        {"lvs_rooms": [ROOM | {"people": 16}]},
        "lvs_rooms[0].people=16: takes 64 UDP ports, and host 'rs2' has 60 for media, 30000-30059",
    ),
    ({"lvs_rooms": [ROOM | {"pn": "tango"}]}, "lvs_rooms[0].pn: is no key of a room; did you mean pin?"),
    ({"lvs_rooms": [ROOM | {7: "tango"}]}, "lvs_rooms[0].7: is no key of a room; the keys are name title pin"),
]


@pytest.mark.parametrize(("facts", "start"), MISTAKES, ids=[start for _facts, start in MISTAKES])
def test_one_mistake(facts: dict[str, Any], start: str) -> None:
    (mistake,) = mistakes(**facts)
    assert mistake.startswith(start)


def test_all_mistakes_at_once() -> None:
    rooms = [{"title": "", "people": 1}, {"name": "A"}, ROOM | {"pin": 1}, {"name": "maths", "bitrate": 0}]
    starts = [mistake.partition(":")[0].partition(" ")[0] for mistake in mistakes(lvs_conference=2, lvs_rooms=rooms)]
    assert starts == [
        "lvs_conference=2",
        *("lvs_rooms[0].name", "lvs_rooms[0].title=''", "lvs_rooms[0].people=1"),
        *("lvs_rooms[1].name='A'", "lvs_rooms[2].pin", "lvs_rooms[3].bitrate=0", "lvs_rooms[3].name='maths'"),
    ]


def test_no_mistake_shows_a_pin() -> None:
    rooms = [ROOM | {"pin": "tan go", "moderator_pin": "tängo", "pim": "tango"}, "tango"]
    found = mistakes(lvs_rooms=rooms)
    assert len(found) == 4
    assert not any("tan" in mistake or "tän" in mistake for mistake in found)
