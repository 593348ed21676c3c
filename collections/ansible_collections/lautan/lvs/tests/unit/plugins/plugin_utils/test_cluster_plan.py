# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure plan: what it derives, which mistakes it finds, and that it does both for any input."""

from __future__ import annotations

import copy
import ipaddress
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils import _cluster_plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import SCHEDULERS
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import PlanError, Unusable
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import Description, plan

GOOD: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "Meet.Example.org",
        "lvs_networks": ["198.18.0.0/24", "2001:DB8:0::/64"],
        "lvs_vips": ["198.18.0.100", "2001:db8::0:64"],
        "lvs_vrids_taken": [1, "51"],
        "lvs_conference": False,
        "lvs_tls_certificate": "/etc/lvs/cert.pem",
        "lvs_tls_private_key": "/etc/lvs/key.pem",
    },
    "directors": [
        {"name": "d1", "ansible_host": "198.18.0.1", "lvs_address6": "2001:db8::1"},
        {"name": "d2", "ansible_host": "d2.lan", "lvs_address": "198.18.0.2", "lvs_address6": "2001:db8::2"},
    ],
    "real_servers": [
        {"name": "rs1", "ansible_host": "198.18.0.11", "lvs_address6": "2001:DB8::11"},
        {"name": "rs2", "ansible_host": "198.18.0.12", "lvs_address6": "2001:db8::12", "lvs_weight": "0"},
        {
            "name": "198.18.0.13",
            "lvs_address6": "2001:db8::13",
            "lvs_weight": 10,
            "lvs_media_ports": "30000-30199",
        },
    ],
}


def good() -> dict[str, Any]:
    return copy.deepcopy(GOOD)


def mistakes_of(description: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan(description)
    assert caught.value.mistakes
    assert all("\n" not in mistake for mistake in caught.value.mistakes)
    return caught.value.mistakes


# --- what is derived ---------------------------------------------------------------------------------------------


def test_whole_plan() -> None:
    servers4 = [("rs1", "198.18.0.11", 1), ("rs2", "198.18.0.12", 0), ("198.18.0.13", "198.18.0.13", 10)]
    servers6 = [("rs1", "2001:db8::11", 1), ("rs2", "2001:db8::12", 0), ("198.18.0.13", "2001:db8::13", 10)]

    def service(check: str, port: int, family: str, vip: str, servers: list[tuple[str, str, int]]) -> dict[str, Any]:
        return {
            "name": f"{check}-{family}",
            "vip": vip,
            "family": family,
            "port": port,
            "protocol": "tcp",
            "scheduler": "mh",
            "persistence": 0,
            "one_packet": False,
            "check": check,
            "check_path": f"/lb-ok/{vip}",
            "check_content": None,
            "quorum": 1,
            "sorry_server": None,
            "real_servers": [
                {"name": name, "address": address, "port": port, "weight": weight} for name, address, weight in servers
            ],
        }

    vips = [
        {"address": "198.18.0.100", "family": "ipv4", "host_prefix": 32, "network": "198.18.0.0/24"},
        {"address": "2001:db8::64", "family": "ipv6", "host_prefix": 128, "network": "2001:db8::/64"},
    ]

    def instances(priority: int) -> list[dict[str, Any]]:
        return [{"name": "lvs_50", "vrid": 50, "priority": priority, "vips": vips}]

    expected = {
        "domain": "meet.example.org",
        "vips": vips,
        "forwarding": "dr",
        "gateways": [],
        "networks": {"ipv4": "198.18.0.0/24", "ipv6": "2001:db8::/64"},
        "vrrp": {"instances": [{"name": "lvs_50", "vrid": 50, "home": "d1", "vips": ["198.18.0.100", "2001:db8::64"]}]},
        "scheduler": "mh",
        "directors": [
            {"name": "d1", "address": "198.18.0.1", "address6": "2001:db8::1", "vrrp_instances": instances(254)},
            {"name": "d2", "address": "198.18.0.2", "address6": "2001:db8::2", "vrrp_instances": instances(253)},
        ],
        "real_servers": [
            {
                "name": "rs1",
                "address": "198.18.0.11",
                "address6": "2001:db8::11",
                "weight": 1,
                "media": {"first": 20000, "last": 20999, "mark": 1001},
            },
            {
                "name": "rs2",
                "address": "198.18.0.12",
                "address6": "2001:db8::12",
                "weight": 0,
                "media": {"first": 21000, "last": 21999, "mark": 1002},
            },
            {
                "name": "198.18.0.13",
                "address": "198.18.0.13",
                "address6": "2001:db8::13",
                "weight": 10,
                "media": {"first": 30000, "last": 30199, "mark": 1003},
            },
        ],
        "virtual_services": [
            service("https", 443, "ipv4", "198.18.0.100", servers4),
            service("http", 80, "ipv4", "198.18.0.100", servers4),
            service("https", 443, "ipv6", "2001:db8::64", servers6),
            service("http", 80, "ipv6", "2001:db8::64", servers6),
        ],
        "vacant_places": [],
        "media_services": [],
        "conference": None,
        "monitoring": {"hosts": [], "port": 9100},
    }
    derived = plan(GOOD)
    assert json.loads(json.dumps(derived)) == derived
    assert [*derived.pop("firewall")] == ["d1", "d2", "rs1", "rs2", "198.18.0.13"]
    assert derived == expected


def test_description_object_and_mapping_are_the_same() -> None:
    assert plan(Description(**GOOD)) == plan(GOOD)


def test_plan_leaves_the_description_alone() -> None:
    description = good()
    plan(description)
    assert description == GOOD


def test_smallest_cluster() -> None:
    derived = plan(
        {
            "cluster": {"lvs_domain": "lvs", "lvs_networks": ["10.0.0.0/8"], "lvs_vips": ["10.1.1.1"]},
            "directors": [{"name": "10.0.0.1"}],
            "real_servers": [{"name": "rs", "lvs_address": "10.0.0.2"}],
        }
    )
    assert derived["networks"] == {"ipv4": "10.0.0.0/8"}
    (director,) = derived["directors"]
    (instance,) = director.pop("vrrp_instances")
    assert director == {"name": "10.0.0.1", "address": "10.0.0.1", "address6": None}
    assert (instance["priority"], [vip["address"] for vip in instance["vips"]]) == (254, ["10.1.1.1"])


def test_several_vips_of_a_family_have_distinct_service_names() -> None:
    description = good()
    description["cluster"]["lvs_vips"] = ["198.18.0.100", "198.18.0.101", "2001:db8::64", "198.18.0.102"]
    assert [service["name"] for service in plan(description)["virtual_services"]] == [
        *("https-ipv4", "http-ipv4", "https-ipv4-2", "http-ipv4-2"),
        *("https-ipv6", "http-ipv6", "https-ipv4-3", "http-ipv4-3"),
    ]


def test_virtual_ips_of_ipv4_only() -> None:
    description = good()
    description["cluster"] |= {"lvs_vips": ["198.18.0.100"], "lvs_networks": ["198.18.0.0/24"]}
    for host_facts in (*description["directors"], *description["real_servers"]):
        del host_facts["lvs_address6"]
    assert [service["name"] for service in plan(description)["virtual_services"]] == ["https-ipv4", "http-ipv4"]


def test_given_ports_move_no_other_server() -> None:
    before = plan(GOOD)["real_servers"]
    description = good()
    description["real_servers"][0]["lvs_media_ports"] = "40000-40003"
    after = plan(description)["real_servers"]
    assert after[0]["media"] == {"first": 40000, "last": 40003, "mark": 1001}
    assert after[1:] == before[1:]


def test_removing_a_server_moves_nobody_with_ports_of_their_own() -> None:
    description = good()
    for server, ports in zip(description["real_servers"], ["20000-20999", "21000-21999", "22000-22999"], strict=True):
        server["lvs_media_ports"] = ports
    del description["real_servers"][0]
    media = [server["media"] for server in plan(description)["real_servers"]]
    assert [(ports["first"], ports["last"]) for ports in media] == [(21000, 21999), (22000, 22999)]


def pool(*names: str, vacant: tuple[int, ...] = (), leaving: str = "") -> dict[str, Any]:
    """The plan of a conference on these real servers. The number in a name is that in its address."""
    description = good()
    description["cluster"] |= {"lvs_networks": ["198.18.0.0/24"], "lvs_vips": ["198.18.0.100"]}
    description["cluster"] |= {"lvs_conference": True, "lvs_vacant_places": list(vacant)}
    for director in description["directors"]:
        del director["lvs_address6"]
    description["real_servers"] = [{"name": name, "lvs_address": f"198.18.0.{20 + int(name[2:])}"} for name in names]
    return plan(description | {"leaving": leaving})


def of_each(derived: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {server["name"]: server["media"] for server in derived["real_servers"]}


def test_real_server_that_is_added_moves_nobody() -> None:
    before, after = of_each(pool("rs1", "rs2", "rs3")), of_each(pool("rs1", "rs2", "rs3", "rs4"))
    assert after.pop("rs4") == {"first": 23000, "last": 23999, "mark": 1004}
    assert after == before


@pytest.mark.parametrize(("leaving", "vacant"), [("rs1", [1]), ("rs2", [2]), ("rs3", [3]), ("rs4", [])], ids=str)
def test_real_server_that_leaves_moves_nobody(leaving: str, vacant: list[int]) -> None:
    names = ["rs1", "rs2", "rs3", "rs4"]
    before, after = of_each(pool(*names)), pool(*names, leaving=leaving)
    del before[leaving]
    assert of_each(after) == before
    assert leaving not in json.dumps(after)
    # Nor does what its administrator is told to do then: delete it, and name its place.
    assert after["vacant_places"] == vacant
    names.remove(leaving)
    assert pool(*names, vacant=tuple(vacant)) == after


def test_vacant_places_are_kept_when_another_one_leaves() -> None:
    """rs2 has left the second place. When the last one leaves as well, there is none before the last one any more."""
    names = ["rs1", "rs3", "rs4"]
    assert pool(*names, vacant=(2,), leaving="rs1")["vacant_places"] == [1, 2]
    assert pool(*names, vacant=(2,), leaving="rs4")["vacant_places"] == [2]
    assert pool("rs1", "rs3", vacant=(2,), leaving="rs3")["vacant_places"] == []


@pytest.mark.parametrize(
    ("leaving", "says"),
    [
        ("rs9", "leaving='rs9': is not in group 'real_servers'"),
        ("d1", "leaving='d1': is not in group 'real_servers'"),
        ("rs1", "leaving='rs1': is the only host in group 'real_servers'"),
    ],
)
def test_who_cannot_leave(leaving: str, says: str) -> None:
    description = good() | {"leaving": leaving}
    del description["real_servers"][1:]
    assert says in mistakes_of(description)


@pytest.mark.parametrize("place", [0, -1, "second", 1.0, 65536])
def test_places_are_counted_from_1(place: Any) -> None:
    description = good()
    description["cluster"]["lvs_vacant_places"] = [place]
    (mistake,) = mistakes_of(description)
    assert mistake.startswith(f"lvs_vacant_places[0]={place!r}: must be a whole number from 1 to 65535")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("lvs_vrid", " 7 ", 7), ("lvs_vrid", "255", 255), ("lvs_vrid", 2, 2), ("lvs_vrid", None, 50)],
)
def test_integers_may_be_text(name: str, value: Any, read: int) -> None:
    description = good()
    description["cluster"][name] = value
    (instance,) = plan(description)["vrrp"]["instances"]
    assert (instance["vrid"], instance["name"]) == (read, f"lvs_{read}")


@pytest.mark.parametrize(
    "scheduler",
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos"],
)
def test_every_scheduler(scheduler: str) -> None:
    description = good()
    description["cluster"]["lvs_scheduler"] = scheduler
    derived = plan(description)
    assert derived["scheduler"] == scheduler
    assert {service["scheduler"] for service in derived["virtual_services"]} == {scheduler}


def test_known_other_variables_are_left_alone() -> None:
    description = good()
    description["cluster"]["lvs_plan"] = "anything"
    description["directors"][0] |= {"lvs_plan": 1, "some_variable": [], "ansible_port": 22}
    assert plan(description) == plan(GOOD)


@pytest.mark.parametrize(
    ("networks", "address", "vip"),
    [
        (["198.18.0.10/31"], "198.18.0.10", "198.18.0.11"),
        (["198.18.0.10/31"], "198.18.0.11", "198.18.0.10"),
        (["198.18.0.0/24", "2001:db8::10/127"], "198.18.0.1", "2001:db8::10"),
    ],
)
def test_networks_of_two_addresses_reserve_none(networks: list[str], address: str, vip: str) -> None:
    found = mistakes_of(
        {
            "cluster": {"lvs_domain": "lvs", "lvs_networks": networks, "lvs_vips": [vip]},
            "directors": [{"name": "d1", "lvs_address": address}],
        }
    )
    assert not [mistake for mistake in found if "is the network address" in mistake or "is the broadcast" in mistake]


def test_the_limits_themselves_are_allowed() -> None:
    description = good()
    description["cluster"] |= {
        "lvs_domain": ".".join(["a" * 63] * 3 + ["b" * 61]),
        "lvs_networks": ["198.18.0.0/16", "2001:db8::/64"],
        "lvs_media_first_port": 1024,
        "lvs_media_ports_per_server": 4,
    }
    description["directors"] = [
        {"name": f"d{n}", "lvs_address": f"198.18.1.{n}", "lvs_address6": f"2001:db8::1:{n:x}"} for n in range(250)
    ]
    description["real_servers"][0]["lvs_weight"] = 65535
    description["real_servers"][2]["lvs_media_ports"] = "65532-65535"
    derived = plan(description)
    assert len(derived["domain"]) == 253
    assert priorities(derived) == {"lvs_50": list(range(254, 4, -1))}
    assert [server["media"]["last"] for server in derived["real_servers"]] == [1027, 1031, 65535]

    description["cluster"]["lvs_media_first_port"] = 65528
    description["real_servers"][2]["lvs_media_ports"] = "1024-1027"
    assert [server["media"]["last"] for server in plan(description)["real_servers"]] == [65531, 65535, 1027]


# --- homes -------------------------------------------------------------------------------------------------------

VIPS = ["198.18.0.100", "2001:db8::64", "198.18.0.101", "2001:db8::65", "198.18.0.102"]


def at_home(*homes: list[str] | None, vips: list[str] | None = None, **facts: Any) -> dict[str, Any]:
    """The good cluster with more virtual IPs, of which each director has some at home, and with a third director."""
    description = good()
    description["cluster"] |= {"lvs_vips": VIPS if vips is None else vips, "lvs_vrids_taken": [], **facts}
    description["directors"].append({"name": "d3", "lvs_address": "198.18.0.3", "lvs_address6": "2001:db8::3"})
    for director, home in zip(description["directors"], homes, strict=False):
        director["lvs_home_vips"] = home
    return description


def priorities(derived: dict[str, Any]) -> dict[str, list[int]]:
    """By VRRP instance, the priorities of the directors in their order."""
    found: dict[str, list[int]] = {}
    for director in derived["directors"]:
        for instance in director["vrrp_instances"]:
            found.setdefault(instance["name"], []).append(instance["priority"])
    return found


def instances(derived: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    return [(item["vrid"], item["home"], item["vips"]) for item in derived["vrrp"]["instances"]]


def test_each_director_may_be_the_home_of_some() -> None:
    derived = plan(at_home(None, ["2001:DB8:0::65", "198.18.0.101"], ["198.18.0.102"]))
    assert instances(derived) == [
        (50, "d1", ["198.18.0.100", "2001:db8::64"]),
        # In the order of lvs_vips and in canonical spelling, as everywhere.
        (51, "d2", ["198.18.0.101", "2001:db8::65"]),
        (52, "d3", ["198.18.0.102"]),
    ]
    assert priorities(derived) == {"lvs_50": [254, 253, 252], "lvs_51": [253, 254, 252], "lvs_52": [253, 252, 254]}


def test_every_director_has_every_virtual_ip() -> None:
    derived = plan(at_home(["198.18.0.102"], ["198.18.0.101", "2001:db8::65"]))
    for director in derived["directors"]:
        of_director = [vip for instance in director["vrrp_instances"] for vip in instance["vips"]]
        assert sorted(vip["address"] for vip in of_director) == sorted(VIPS)
        assert all(vip in derived["vips"] for vip in of_director)
    assert derived["vips"] == plan(at_home())["vips"]
    assert derived["virtual_services"] == plan(at_home())["virtual_services"]


@pytest.mark.parametrize("homes", [(), ([], []), (VIPS,), (VIPS[:1],)], ids=str)
def test_without_homes_all_is_as_one(homes: tuple[list[str], ...]) -> None:
    derived = plan(at_home(*homes))
    assert instances(derived) == [(50, "d1", VIPS)]
    assert priorities(derived) == {"lvs_50": [254, 253, 252]}


def test_director_that_is_no_home_takes_no_vrid() -> None:
    derived = plan(at_home([], VIPS[:2], VIPS[2:]))
    assert instances(derived) == [(50, "d2", VIPS[:2]), (51, "d3", VIPS[2:])]
    assert priorities(derived) == {"lvs_50": [253, 254, 252], "lvs_51": [253, 252, 254]}


def test_the_last_vrids() -> None:
    assert [vrid for vrid, _home, _vips in instances(plan(at_home(None, VIPS[2:3], VIPS[4:], lvs_vrid=253)))] == [
        *(253, 254, 255)
    ]


RULE = "directors speak VRRP over IPv4, and the adverts of each home must name one"


@pytest.mark.parametrize(
    ("description", "lines"),
    [
        (
            at_home(None, ["198.18.0.101", "198.18.0.200", "198.18.0.1/24", 7]),
            [
                "lvs_home_vips[1]='198.18.0.200' on host 'd2': is not in lvs_vips",
                "lvs_home_vips[2]='198.18.0.1/24' on host 'd2': must be an address without a prefix length: 198.18.0.1",
                "lvs_home_vips[3]=7 on host 'd2': is not an IP address",
            ],
        ),
        (
            at_home(["198.18.0.100"], ["198.18.0.101", "2001:db8:0::64", "2001:db8::64"], ["198.18.0.100"]),
            [
                "lvs_home_vips[2]='2001:db8::64' on host 'd2': is in the list twice",
                "lvs_home_vips[0]='198.18.0.100' on host 'd3': is at home on host 'd1' already;"
                " a virtual IP has one home",
            ],
        ),
        (
            at_home("198.18.0.100"),
            ["lvs_home_vips='198.18.0.100' on host 'd1': must be a list, for example ['198.18.0.101']"],
        ),
        # A home without IPv4
        (
            at_home(None, ["2001:db8::65"]),
            [f"lvs_home_vips=['2001:db8::65'] on host 'd2': has no IPv4 address: {RULE}"],
        ),
        (
            at_home(None, ["198.18.0.100", "198.18.0.101"], ["198.18.0.102"]),
            [
                "lvs_home_vips is not set on host 'd1': this is the home of what no director names,"
                f" ['2001:db8::64', '2001:db8::65'], which has no IPv4 address: {RULE}"
            ],
        ),
        (
            at_home(["2001:db8::64"], ["198.18.0.100", "198.18.0.101"], ["198.18.0.102"]),
            [f"lvs_home_vips=['2001:db8::64'] on host 'd1': has no IPv4 address: {RULE}"],
        ),
        # VRIDs
        (
            at_home(None, ["198.18.0.101"], ["198.18.0.102"], lvs_vrids_taken=[1, "51"]),
            [
                "lvs_vrid=50: gives the virtual IPs of host 'd2' the VRID 51, which is taken by another VRRP router on"
                " the segment, see lvs_vrids_taken[1]"
            ],
        ),
        (
            at_home(None, ["198.18.0.101"], ["198.18.0.102"], lvs_vrid=254, lvs_vrids_taken=[254]),
            [
                "lvs_vrid=254: is taken by another VRRP router on the segment, see lvs_vrids_taken[0]",
                "lvs_vrid=254: gives the virtual IPs of host 'd3' the VRID 256, which is above 255 (a VRRP router ID,"
                " RFC 5798, 5.2.3); each home needs one",
            ],
        ),
        (
            at_home(None, ["198.18.0.101"], ["198.18.0.102"], lvs_vrid=255),
            [
                "lvs_vrid=255: gives the virtual IPs of host 'd2' the VRID 256, which is above 255 (a VRRP router ID,"
                " RFC 5798, 5.2.3); each home needs one",
            ],
        ),
        # What follows from another mistake is not reported.
        (at_home(None, ["2001:db8::65", "2001:db8::64", "nonsense"]), ["lvs_home_vips[2]='nonsense' on host 'd2': "]),
        (at_home(None, ["198.18.0.101"], vips=["198.18.0.100", "198.18.0.1o1"]), ["lvs_vips[1]='198.18.0.1o1': "]),
        (at_home(None, ["2001:db8::65"], vips=["198.18.0.1oo", "2001:db8::65"]), ["lvs_vips[0]='198.18.0.1oo': "]),
        (at_home(None, ["2001:db8::65"], vips=VIPS[1:2] + VIPS[3:4]), ["lvs_vips=['2001:db8::64', '2001:db8::65']: "]),
        (at_home(None, ["198.18.0.101"], vips="198.18.0.101"), ["lvs_vips='198.18.0.101': must be a list"]),
        (at_home(Unusable("lvs_home_vips on host 'd1': bad")), ["lvs_home_vips on host 'd1': bad"]),
    ],
)
def test_mistakes_in_homes(description: dict[str, Any], lines: list[str]) -> None:
    found = mistakes_of(description)
    assert len(found) == len(lines), found
    for mistake, line in zip(found, lines, strict=True):
        assert mistake.startswith(line)


def test_home_that_is_listed_twice_is_one_mistake() -> None:
    description = at_home(None, ["198.18.0.101"])
    description["directors"].append(description["directors"][1])
    assert mistakes_of(description) == ["group 'directors' has host 'd2' more than once"]


def test_homes_are_for_directors() -> None:
    description = good()
    for real_server in description["real_servers"][:2]:
        real_server["lvs_home_vips"] = ["198.18.0.100"]
    assert mistakes_of(description) == [
        f"lvs_home_vips=['198.18.0.100'] on host '{name}': is a variable of directors, and this is a real server"
        for name in ("rs1", "rs2")
    ]


# --- mistakes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One mistake: how to make it, what its line must say, and which facts decide on it."""

    title: str
    make: Callable[[dict[str, Any]], object]
    says: tuple[str, ...]
    # What the mistake changes, and what else its message depends on. Two cases that touch the same are not combined.
    changes: frozenset[str]
    needs: frozenset[str] = frozenset()
    also: int = 0  # number of further lines that are a true consequence


def cluster(name: str, value: Any, *says: str, needs: str = "", changes: str = "", also: int = 0) -> Case:
    return Case(
        f"{name}={value!r:.60}",
        lambda description: description["cluster"].__setitem__(name, value),
        says,
        frozenset([name, *changes.split()]),
        frozenset(needs.split()),
        also,
    )


def host(position: str, name: str, value: Any, *says: str, needs: str = "", changes: str = "", also: int = 0) -> Case:
    """``position`` is d or r for director or real server, and its index."""
    group = {"d": "directors", "r": "real_servers"}[position[0]]
    return Case(
        f"{position}.{name}={value!r:.60}",
        lambda description: description[group][int(position[1])].__setitem__(name, value),
        says,
        frozenset([f"{position}.{name}", *changes.split()]),
        frozenset(needs.split()),
        also,
    )


ADDRESSES = "d0.ansible_host d0.lvs_address d1.lvs_address r0.ansible_host r0.lvs_address r1.ansible_host"
ADDRESSES6 = "d0.lvs_address6 d1.lvs_address6 r0.lvs_address6 r1.lvs_address6"
NETWORKS = "lvs_networks"

CASES = [
    # lvs_domain
    cluster("lvs_domain", None, "lvs_domain is not set: "),
    cluster("lvs_domain", "", "lvs_domain='': is not a host name (RFC 1123"),
    cluster("lvs_domain", "198.18.0.100", "lvs_domain='198.18.0.100': is an IP address"),
    cluster("lvs_domain", "2001:db8::1", "lvs_domain='2001:db8::1': is an IP address"),
    cluster("lvs_domain", "meet_me.example.org", "lvs_domain='meet_me.example.org': is not a host name"),
    cluster("lvs_domain", "-a.example.org", "lvs_domain='-a.example.org': is not a host name"),
    cluster("lvs_domain", "a.example.org\n", "lvs_domain='a.example.org\\n': is not a host name"),
    cluster("lvs_domain", "a..org", "lvs_domain='a..org': is not a host name"),
    cluster("lvs_domain", "a.org.", "lvs_domain='a.org.': is not a host name"),
    cluster("lvs_domain", "*.example.org", "lvs_domain='*.example.org': is not a host name"),
    cluster("lvs_domain", "300.1.2.3", "lvs_domain='300.1.2.3': is not a host name"),
    cluster("lvs_domain", "schön.example.org", "lvs_domain='schön.example.org': is not a host name", "xn--"),
    cluster("lvs_domain", "a" * 64 + ".org", "lvs_domain='aaaa", "is not a host name"),
    cluster("lvs_domain", ".".join(["abcdefg"] * 32), "lvs_domain='abcdefg.", "is not a host name"),
    cluster("lvs_domain", ".".join(["b" * 63] * 3 + ["c" * 62]), "lvs_domain='bbbb", "is not a host name"),
    cluster("lvs_domain", 7, "lvs_domain=7: is not a host name"),
    # lvs_networks
    cluster("lvs_networks", None, "lvs_networks is not set: ", also=0),
    cluster("lvs_networks", [], "lvs_networks=[]: has no IPv4 network", also=7),
    cluster("lvs_networks", "198.18.0.0/24", "lvs_networks='198.18.0.0/24': must be a list"),
    cluster(
        "lvs_networks",
        ["198.18.0.7/24", "2001:db8::/64"],
        "lvs_networks[0]='198.18.0.7/24': has host bits set; probably 198.18.0.0/24 was meant",
    ),
    cluster("lvs_networks", ["198.18.0.0/24", "2001:db8::1/64"], "[1]='2001:db8::1/64': ", "2001:db8::/64 was meant"),
    cluster("lvs_networks", ["198.18.0.0", "2001:db8::/64"], "lvs_networks[0]='198.18.0.0': is not a network in CIDR"),
    cluster("lvs_networks", ["198.18.0.0/33", "2001:db8::/64"], "lvs_networks[0]='198.18.0.0/33': is not a network"),
    cluster("lvs_networks", ["198.18/24", "2001:db8::/64"], "lvs_networks[0]='198.18/24': is not a network"),
    cluster("lvs_networks", ["198.18.0.0/24", 5], "lvs_networks[1]=5: is not a network"),
    cluster(
        "lvs_networks",
        ["198.18.0.0/24", "2001:db8::/64", "198.18.1.0/24"],
        "lvs_networks[2]='198.18.1.0/24': is a second IPv4 network beside 198.18.0.0/24",
    ),
    cluster("lvs_networks", ["224.0.0.0/24", "2001:db8::/64"], "lvs_networks[0]='224.0.0.0/24': ", "unicast", also=6),
    cluster("lvs_networks", ["198.18.0.0/24", "fe80::/64"], "lvs_networks[1]='fe80::/64': ", "unicast", also=6),
    # lvs_vips
    cluster("lvs_vips", None, "lvs_vips is not set: at least one"),
    cluster("lvs_vips", [], "lvs_vips is not set: at least one"),
    cluster("lvs_vips", "198.18.0.100", "lvs_vips='198.18.0.100': must be a list"),
    cluster("lvs_vips", ["198.18.0.100", "2001:db8::64", "vip"], "lvs_vips[2]='vip': is not an IP address"),
    cluster("lvs_vips", ["2001:db8::64", 42], "lvs_vips[1]=42: is not an IP address"),
    cluster("lvs_vips", ["2001:db8::64", "198.18.100"], "lvs_vips[1]='198.18.100': is not an IP address"),
    cluster("lvs_vips", ["2001:db8::64", "198.18.0.010"], "lvs_vips[1]='198.18.0.010': is not an IP address"),
    cluster("lvs_vips", ["2001:db8::64%eth0"], "lvs_vips[0]='2001:db8::64%eth0': is not an IP address"),
    cluster(
        "lvs_vips",
        ["2001:db8::64", "198.18.0.100/32"],
        "lvs_vips[1]='198.18.0.100/32': must be an address without a prefix length: 198.18.0.100",
    ),
    cluster(
        "lvs_vips", ["2001:db8::64", "10.0.0.1"], "lvs_vips[1]='10.0.0.1': is outside 198.18.0.0/24", needs=NETWORKS
    ),
    cluster(
        "lvs_vips",
        ["198.18.0.100", "2001:db9::1"],
        "lvs_vips[1]='2001:db9::1': is outside 2001:db8::/64",
        needs=NETWORKS,
    ),
    cluster(
        "lvs_vips",
        ["2001:db8::64", "198.18.0.0"],
        "lvs_vips[1]='198.18.0.0': is the network address of 198.18.0.0/24",
        needs=NETWORKS,
    ),
    cluster(
        "lvs_vips",
        ["2001:db8::64", "198.18.0.255"],
        "lvs_vips[1]='198.18.0.255': is the broadcast address of 198.18.0.0/24",
        needs=NETWORKS,
    ),
    cluster(
        "lvs_vips",
        ["198.18.0.100", "2001:db8::"],
        "lvs_vips[1]='2001:db8::': is the network address of 2001:db8::/64",
        needs=NETWORKS,
    ),
    cluster(
        "lvs_vips",
        ["2001:db8::64", "198.18.0.2"],
        "lvs_vips[1]='198.18.0.2': is the address of host 'd2'",
        needs=ADDRESSES,
    ),
    cluster(
        "lvs_vips",
        ["198.18.0.100", "2001:db8:0:0::11"],
        "lvs_vips[1]='2001:db8:0:0::11': is the address of host 'rs1'",
        needs=ADDRESSES6,
    ),
    cluster(
        "lvs_vips",
        ["198.18.0.100", "2001:db8::64", "2001:DB8:0::64"],
        "lvs_vips[2]='2001:DB8:0::64': is the same address as lvs_vips[1]='2001:db8::64'",
    ),
    cluster(
        "lvs_vips",
        ["2001:db8::64", "2001:db8::65"],
        "lvs_vips=['2001:db8::64', '2001:db8::65']: has no IPv4 address: directors speak VRRP over IPv4",
    ),
    cluster(
        "lvs_vips", ["198.18.0.100"], "lvs_networks='2001:db8::/64': an IPv6 network needs an IPv6", needs=NETWORKS
    ),
    Case(
        "IPv6 VIP without an IPv6 network",
        lambda description: description["cluster"].__setitem__("lvs_networks", ["198.18.0.0/24"]),
        ("lvs_vips[1]='2001:db8::0:64': is an IPv6 address, and lvs_networks has no IPv6 network",),
        frozenset(["lvs_networks"]),
        frozenset(["lvs_vips"]),
        5,
    ),
    # VRRP
    cluster("lvs_vrid", 0, "lvs_vrid=0: must be a whole number from 1 to 255 (a VRRP router ID, RFC 5798"),
    cluster("lvs_vrid", "256", "lvs_vrid='256': must be a whole number from 1 to 255"),
    cluster("lvs_vrid", True, "lvs_vrid=True: must be a whole number"),
    cluster("lvs_vrid", 50.0, "lvs_vrid=50.0: must be a whole number"),
    cluster("lvs_vrid", "5O", "lvs_vrid='5O': must be a whole number"),
    cluster("lvs_vrid", "\u0665\u0660", "lvs_vrid='\u0665\u0660': must be a whole number"),  # 50 in Arabic digits
    cluster(
        "lvs_vrid", 51, "lvs_vrid=51: is taken by another VRRP router", "lvs_vrids_taken[1]", needs="lvs_vrids_taken"
    ),
    cluster("lvs_vrids_taken", [50], "lvs_vrid=50: is taken", "lvs_vrids_taken[0]", needs="lvs_vrid"),
    cluster("lvs_vrids_taken", 51, "lvs_vrids_taken=51: must be a list"),
    cluster("lvs_vrids_taken", [7, 300], "lvs_vrids_taken[1]=300: must be a whole number from 1 to 255"),
    cluster("lvs_vrids_taken", [7, "7"], "lvs_vrids_taken[1]='7': is in the list twice, see lvs_vrids_taken[0]"),
    # scheduler
    cluster(
        "lvs_scheduler", "wlcc", "lvs_scheduler='wlcc': is no IPVS scheduler", "rr wrr lc wlc", "did you mean wlc?"
    ),
    cluster("lvs_scheduler", "MH", "lvs_scheduler='MH': is no IPVS scheduler", "did you mean mh?"),
    cluster("lvs_scheduler", ["mh"], "lvs_scheduler=['mh']: is no IPVS scheduler"),
    # forwarding; more of them in test_cluster_forwarding
    cluster("lvs_forwarding", "tunnel", "lvs_forwarding='tunnel': must be one of dr nat tun"),
    cluster("lvs_nat_gateways", ["192.0.2.1"], "lvs_nat_gateways[0]='192.0.2.1': is outside", needs=NETWORKS),
    # services; more of them in test_cluster_services
    cluster("lvs_services", [], "lvs_services=[]: a cluster needs at least one service"),
    cluster("lvs_services", [{"name": "web"}], "lvs_services[0].port is not set: the service's port is required"),
    cluster("lvs_services", Unusable("lvs_services: cannot be read"), "lvs_services: cannot be read"),
    # TLS
    cluster(
        "lvs_tls_certificate",
        None,
        "lvs_tls_private_key='/etc/lvs/key.pem': needs lvs_tls_certificate as well",
        needs="lvs_tls_private_key",
    ),
    cluster(
        "lvs_tls_private_key",
        None,
        "lvs_tls_certificate='/etc/lvs/cert.pem': needs lvs_tls_private_key as well",
        needs="lvs_tls_certificate",
    ),
    *(
        cluster(
            name, value, f"{name}={value!r}: must be an absolute path and begin with '/', not with '~'", needs=other
        )
        for name, other in itertools.permutations(["lvs_tls_certificate", "lvs_tls_private_key"])
        for value in ("", " ", 1, "tls/site.pem", "./site.pem", "~/site.pem", " /etc/site.pem")
    ),
    # media ports
    cluster("lvs_media_first_port", 1023, "lvs_media_first_port=1023: must be a whole number from 1024 to 65535"),
    cluster("lvs_media_first_port", "media", "lvs_media_first_port='media': must be a whole number"),
    cluster(
        "lvs_media_first_port",
        "64000",
        "lvs_media_first_port=64000: with lvs_media_ports_per_server=1000 gives host 'rs2' ports 65000-65999, above",
        needs="lvs_media_ports_per_server r1.lvs_media_ports",
    ),
    cluster(
        "lvs_media_ports_per_server", 3, "lvs_media_ports_per_server=3: must be a whole number from 4 to", "two people"
    ),
    cluster("lvs_media_ports_per_server", False, "lvs_media_ports_per_server=False: must be a whole number"),
    *(
        host("r2", "lvs_media_ports", value, f"lvs_media_ports={value!r} on host '198.18.0.13': must be first-last")
        for value in ("30000", "30000:30199", "a-b", "-5-7", "1-2-3", 30000, [30000, 30199], "")
    ),
    host(
        "r2",
        "lvs_media_ports",
        "30199-30000",
        "lvs_media_ports='30199-30000' on host '198.18.0.13': ",
        "after its last",
    ),
    host("r2", "lvs_media_ports", "1000-1100", "'1000-1100' on host '198.18.0.13': must be within 1024-65535"),
    host("r2", "lvs_media_ports", "65000-65536", "'65000-65536' on host '198.18.0.13': must be within 1024-65535"),
    host("r2", "lvs_media_ports", "30000-30000", "'30000-30000' on host '198.18.0.13': must hold at least 4 UDP ports"),
    host("r2", "lvs_media_ports", "30000-30002", "'30000-30002' on host '198.18.0.13': must hold at least 4 UDP ports"),
    host(
        "r2",
        "lvs_media_ports",
        "21999-22500",
        "lvs_media_ports='21999-22500' on host '198.18.0.13': overlaps 21000-21999 of host 'rs2' (by its place",
        needs="lvs_media_first_port lvs_media_ports_per_server r1.lvs_media_ports",
    ),
    host(
        "r0",
        "lvs_media_ports",
        "30199-30300",
        "lvs_media_ports='30000-30199' on host '198.18.0.13': overlaps 30199-30300 of host 'rs1'",
        needs="r2.lvs_media_ports",
    ),
    # homes
    host("d1", "lvs_home_vips", "198.18.0.100", "lvs_home_vips='198.18.0.100' on host 'd2': must be a list"),
    host("d1", "lvs_home_vips", [0], "lvs_home_vips[0]=0 on host 'd2': is not an IP address"),
    host(
        "d1",
        "lvs_home_vips",
        ["2001:db8::64"],
        "lvs_home_vips=['2001:db8::64'] on host 'd2': has no IPv4 address",
        # A second VRID follows, 51, which is taken.
        also=1,
        needs="lvs_vips lvs_vrid lvs_vrids_taken lvs_networks",
    ),
    host(
        "d1",
        "lvs_home_vips",
        ["198.18.0.200"],
        "lvs_home_vips[0]='198.18.0.200' on host 'd2': is not in lvs_vips",
        needs="lvs_vips",
    ),
    host("r1", "lvs_home_vips", ["198.18.0.100"], "lvs_home_vips=['198.18.0.100'] on host 'rs2': is a variable of d"),
    # weights
    host("r0", "lvs_weight", 65536, "lvs_weight=65536 on host 'rs1': must be a whole number from 0 to 65535"),
    host("r0", "lvs_weight", "-1", "lvs_weight='-1' on host 'rs1': must be a whole number from 0 to 65535"),
    host("r0", "lvs_weight", True, "lvs_weight=True on host 'rs1': must be a whole number"),
    Case(
        "all drained",
        lambda description: [server.__setitem__("lvs_weight", 0) for server in description["real_servers"]],
        ("lvs_weight=0: is the weight of every real server (hosts 'rs1', 'rs2', '198.18.0.13')",),
        frozenset(["r0.lvs_weight", "r1.lvs_weight", "r2.lvs_weight"]),
    ),
    # addresses of hosts
    host("d0", "lvs_address", "d1.lan", "lvs_address='d1.lan' on host 'd1': is not an IP address"),
    host("d0", "lvs_address", "198.18.0.1/24", "'198.18.0.1/24' on host 'd1': ", "without a prefix length: 198.18.0.1"),
    host("d0", "lvs_address", "2001:db8::1", "lvs_address='2001:db8::1' on host 'd1': must be an IPv4 address"),
    host("d0", "lvs_address", "198.19.0.1", "lvs_address='198.19.0.1' on host 'd1': is outside", needs=NETWORKS),
    host("d0", "lvs_address", "198.18.0.0", "lvs_address='198.18.0.0' on host 'd1': is the network", needs=NETWORKS),
    host(
        "r0",
        "lvs_address",
        "198.18.0.12",
        "lvs_address='198.18.0.12' on host 'rs2': is the address of host 'rs1' as well",
        needs=ADDRESSES,
    ),
    host(
        "d0",
        "ansible_host",
        "d1.lan",
        "lvs_address is not set on host 'd1': ansible_host='d1.lan' is no IPv4 address",
        "the host's address on the LAN segment",
        needs="d0.lvs_address",
    ),
    host(
        "d0",
        "ansible_host",
        None,
        "lvs_address is not set on host 'd1': the host name 'd1' is no IPv4 address",
        needs="d0.lvs_address",
    ),
    host("d0", "ansible_host", "fd00::1", "on host 'd1': ansible_host='fd00::1' is no IPv4", needs="d0.lvs_address"),
    host(
        "d0",
        "ansible_host",
        "192.0.2.1",
        "lvs_address='192.0.2.1' on host 'd1': is outside 198.18.0.0/24",
        "it is ansible_host, so set lvs_address",
        needs=f"{NETWORKS} d0.lvs_address",
    ),
    host(
        "r1",
        "lvs_address6",
        None,
        "lvs_address6 is not set on host 'rs2': the IPv6 address lvs_vips[1]='2001:db8::0:64' needs it",
        needs="lvs_vips",
    ),
    host("r1", "lvs_address6", "198.18.0.12", "lvs_address6='198.18.0.12' on host 'rs2': must be an IPv6 address"),
    host("r1", "lvs_address6", "fd00::12", "lvs_address6='fd00::12' on host 'rs2': is outside", needs=NETWORKS),
    host(
        "r1",
        "lvs_address6",
        "2001:db8:0::2",
        "lvs_address6='2001:db8::2' on host 'rs2': is the address of host 'd2' as well",
        needs=ADDRESSES6,
    ),
    # names
    cluster(
        "lvs_vip", "198.18.0.100", "lvs_vip='198.18.0.100': is no variable of this collection; did you mean lvs_vips?"
    ),
    host("d0", "lvs_adress", "x", "lvs_adress='x' on host 'd1': is no variable", "did you mean lvs_address?"),
    host("d0", "lvs_zzz", 1, "lvs_zzz=1 on host 'd1': is no variable of this collection"),
    host("d0", "lvs_vrid", 5, "lvs_vrid=5 on host 'd1': is a variable of the cluster, not of one host"),
    cluster("lvs_weight", 5, "lvs_weight=5: is a variable of one host, not of the cluster"),
    # values that could not be collected
    cluster("lvs_vrid", Unusable("lvs_vrid on host 'd1': cannot be read"), "lvs_vrid on host 'd1': cannot be read"),
    cluster("lvs_vips", Unusable("lvs_vips: cannot be read"), "lvs_vips: cannot be read"),
    cluster("lvs_networks", Unusable("lvs_networks: cannot be read"), "lvs_networks: cannot be read"),
    cluster("lvs_domain", Unusable("lvs_domain: cannot be read"), "lvs_domain: cannot be read"),
    cluster("lvs_scheduler", Unusable("lvs_scheduler: cannot be read"), "lvs_scheduler: cannot be read"),
    cluster(
        "lvs_tls_certificate",
        Unusable("lvs_tls_certificate: bad"),
        "lvs_tls_certificate: bad",
        needs="lvs_tls_private_key",
    ),
    host(
        "d0", "ansible_host", Unusable("ansible_host: cannot be read"), "ansible_host: cannot", needs="d0.lvs_address"
    ),
    host("r2", "lvs_media_ports", Unusable("lvs_media_ports: bad"), "lvs_media_ports: bad"),
]

# These change which hosts there are, on which most other mistakes depend.
GROUP_CASES = [
    Case(
        "no director",
        lambda description: description.__setitem__("directors", []),
        ("group 'directors' has no host: a cluster needs at least one director",),
        frozenset(),
    ),
    Case(
        "no real server",
        lambda description: description.pop("real_servers"),
        ("group 'real_servers' has no host: a cluster needs at least one real server",),
        frozenset(),
    ),
    Case(
        "host in both groups",
        lambda description: description["real_servers"].append(description["directors"][0]),
        ("host 'd1' is in group 'directors' and in group 'real_servers'",),
        frozenset(),
    ),
    Case(
        "host listed twice",
        lambda description: description["directors"].append(description["directors"][0]),
        ("group 'directors' has host 'd1' more than once",),
        frozenset(),
    ),
    Case(
        "251 directors",
        lambda description: (
            description["directors"].extend(
                {"name": f"x{n}", "lvs_address": f"198.18.0.{n}", "lvs_address6": f"2001:db8::1:{n:x}"}
                for n in itertools.chain(range(3, 11), range(14, 100), range(101, 255))
            )
            or description["directors"].append(
                {"name": "y", "lvs_address": "198.18.1.1", "lvs_address6": "2001:db8::2:1"}
            )
            or description["cluster"].__setitem__("lvs_networks", ["198.18.0.0/23", "2001:db8::/64"])
        ),
        ("group 'directors' has 251 hosts: ", "250 directors"),
        frozenset(),
    ),
]


@pytest.mark.parametrize("case", CASES + GROUP_CASES, ids=lambda case: case.title)
def test_one_mistake(case: Case) -> None:
    description = good()
    case.make(description)
    found = mistakes_of(description)
    matching = [mistake for mistake in found if all(part in mistake for part in case.says)]
    assert len(matching) == 1, found
    # Nothing else is reported but what truly follows: a mistake is not echoed by false ones.
    assert len(found) == 1 + case.also, found


def test_every_pair_of_mistakes_reports_both() -> None:
    alone: dict[Case, list[str]] = {}
    for case in CASES:
        description = good()
        case.make(description)
        alone[case] = [line for line in mistakes_of(description) if all(part in line for part in case.says)]
    pairs = 0
    for one, other in itertools.combinations(CASES, 2):
        if one.changes & (other.changes | other.needs) or other.changes & one.needs:
            continue
        description = good()
        one.make(description)
        other.make(description)
        found = mistakes_of(description)
        pairs += 1
        for case in (one, other):
            for line in alone[case]:
                assert line in found, (one.title, other.title, found)
    assert pairs > 3000


def test_all_mistakes_in_one_go() -> None:
    """The cases that do not touch each other's facts, all of them together."""
    description = good()
    chosen: list[Case] = []
    for case in CASES:
        if not any(case.changes & (other.changes | other.needs) or other.changes & case.needs for other in chosen):
            chosen.append(case)
            case.make(description)
    found = mistakes_of(description)
    assert len(chosen) >= 15
    for case in chosen:
        assert [line for line in found if all(part in line for part in case.says)], (case.title, found)


def test_no_mistake_is_reported_twice() -> None:
    description = good()
    description["cluster"]["lvs_vips"] = Unusable("lvs_vips: cannot be read")
    assert mistakes_of(description) == ["lvs_vips: cannot be read"]


def test_values_that_nobody_tried_to_read_are_left_unchecked() -> None:
    description = {"cluster": {name: Unusable() for name in _cluster_plan.CLUSTER_VARIABLES}}
    assert mistakes_of(description) == [
        "group 'directors' has no host: a cluster needs at least one director",
        "group 'real_servers' has no host: a cluster needs at least one real server",
    ]


def test_names_of_groups_are_the_operators() -> None:
    found = mistakes_of(Description(directors_group="edge", real_servers_group="media"))
    assert found[0].startswith("group 'edge' has no host")
    assert found[1].startswith("group 'media' has no host")


@pytest.mark.parametrize(
    ("mistakes", "heading"),
    [(["a"], "The cluster description has 1 mistake:"), (["a", "b"], "The cluster description has 2 mistakes:")],
)
def test_text_of_the_error(mistakes: list[str], heading: str) -> None:
    assert str(PlanError(mistakes)).splitlines() == [heading, *(f"- {mistake}" for mistake in mistakes)]


@pytest.mark.parametrize(
    ("description", "says"),
    [
        (None, "description=None: must be a mapping"),
        ([], "description=[]: must be a mapping"),
        ({"vips": []}, "unknown key 'vips'"),
        ({"cluster": []}, "cluster=[]: must be a mapping"),
        ({"directors": "d1"}, "directors='d1': must be a list"),
        ({"directors": ["d1"]}, "directors[0]='d1': must be a mapping with a name"),
        ({"real_servers": [{"name": ""}]}, "real_servers[0]={'name': ''}: must be a mapping with a name"),
        ({"directors_group": 1}, "directors_group=1: must be a string"),
    ],
)
def test_shape(description: Any, says: str) -> None:
    assert any(says in mistake for mistake in mistakes_of(description))


def test_long_and_deep_values_stay_readable() -> None:
    deep: list[Any] = []
    for _level in range(5000):
        deep = [deep]
    for value in ("x" * 10000, deep, 10**5000, {str(n): "y" * 1000 for n in range(1000)}, ["z" * 500] * 500):
        description = good()
        description["cluster"]["lvs_scheduler"] = value
        (mistake,) = mistakes_of(description)
        assert mistake.startswith("lvs_scheduler=")
        assert len(mistake) < 2500


def test_without_netaddr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster_plan, "NETADDR_IMPORT_ERROR", ImportError("No module named 'netaddr'"))
    with pytest.raises(ImportError, match="netaddr"):
        plan(GOOD)


# --- any input ---------------------------------------------------------------------------------------------------

# How fast a busy computer is must not decide on the outcome.
NAMES = sorted(_cluster_plan.CLUSTER_VARIABLES | _cluster_plan.HOST_VARIABLES | {"lvs_plan", "lvs_vip", "ansible_host"})
# Values that get far into the checks, beside plain rubbish.
SPICE = st.sampled_from(
    ["198.18.0.1", "198.18.0.0/24", "2001:db8::/64", "2001:db8::1", "20000-20999", "50", "mh", "a.org", "1/2/3", "::/0"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | SPICE
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
FACTS = st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON, max_size=8)
HOSTS = st.lists(st.builds(lambda facts, name: {**facts, "name": name}, FACTS, st.text() | SPICE), max_size=4)
DESCRIPTIONS = st.fixed_dictionaries({"cluster": FACTS, "directors": HOSTS, "real_servers": HOSTS})


@settings(max_examples=600)
@given(JSON | DESCRIPTIONS | st.dictionaries(st.sampled_from(["cluster", "directors", "real_servers"]), JSON))
def test_nothing_but_plan_error_is_ever_raised(description: Any) -> None:
    try:
        derived = plan(description)
    except PlanError as exc:
        lines = exc.mistakes
    else:
        lines = [json.dumps(derived)]
    assert lines
    assert all(line and "\n" not in line for line in lines)


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Any]:
    """A valid description, of one or both address families."""
    ipv6 = draw(st.booleans())
    directors, servers = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    vips4, vips6 = draw(st.integers(1, 3)), draw(st.integers(1, 3)) if ipv6 else 0
    count = directors + servers + vips4
    base4 = draw(st.integers(1, 223).filter(lambda octet: octet != 127)) << 24 | draw(st.integers(0, 0xFFFF)) << 8
    network4 = ipaddress.ip_network((base4, 24)) if base4 >> 16 != 0xA9FE else ipaddress.ip_network("10.0.0.0/24")
    addresses4 = [
        str(network4[n]) for n in draw(st.lists(st.integers(1, 254), min_size=count, max_size=count, unique=True))
    ]
    network6 = ipaddress.ip_network((0x2001_0DB8 << 96 | draw(st.integers(0, 0xFFFF)) << 64, 64))
    count6 = directors + servers + vips6
    offsets6 = draw(st.lists(st.integers(1, 2**64 - 1), min_size=count6, max_size=count6, unique=True))
    # All spellings of one address mean the same.
    addresses6 = [draw(st.sampled_from([str(network6[n]), network6[n].exploded.upper()])) for n in offsets6]

    def facts(position: int, name: str) -> dict[str, Any]:
        place = draw(st.sampled_from(["lvs_address", "ansible_host", "name"]))
        result: dict[str, Any] = {"name": name, place: addresses4[position]}
        if ipv6:
            result["lvs_address6"] = addresses6[position]
        return result

    cluster_facts: dict[str, Any] = {
        "lvs_domain": draw(st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,6}){0,3}", fullmatch=True)),
        "lvs_networks": draw(st.permutations([str(network4), str(network6)] if ipv6 else [str(network4)])),
        "lvs_vips": draw(
            st.permutations(addresses4[directors + servers :] + (addresses6[directors + servers :] if ipv6 else []))
        ),
    }
    size = draw(st.integers(4, 500))
    optional = {
        "lvs_vrid": st.sampled_from([1, "77", 251]),
        "lvs_vrids_taken": st.lists(st.integers(100, 200), unique=True),
        "lvs_scheduler": st.sampled_from(SCHEDULERS),
        "lvs_media_first_port": st.integers(1024, 30000).map(lambda port: draw(st.sampled_from([port, str(port)]))),
        "lvs_media_ports_per_server": st.just(size),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            cluster_facts[name] = draw(values)
    real_servers = [facts(directors + n, f"rs{n}") for n in range(servers)]
    for position, server in enumerate(real_servers):
        if position and draw(st.booleans()):
            server["lvs_weight"] = draw(st.sampled_from([0, 1, "10", 65535]))
        if draw(st.booleans()):
            # Above all derived ranges: 30000 + 12 * 1000, as so many each server has by default.
            first = 42000 + position * 300
            server["lvs_media_ports"] = f"{first}-{first + draw(st.integers(3, 299))}"
    described = [facts(n, f"d{n}") for n in range(directors)]
    # Each IPv4 one may be at home anywhere, and IPv6 ones where an IPv4 one is.
    homes = {vip: draw(st.integers(0, directors - 1)) for vip in addresses4[directors + servers :]}
    homes |= {vip: draw(st.sampled_from(sorted(homes.values()))) for vip in addresses6[directors + servers :]}
    for vip, home in homes.items():
        if home or draw(st.booleans()):
            described[home].setdefault("lvs_home_vips", []).append(vip)
    if all(homes.values()):
        described[0]["lvs_home_vips"] = []
    return {"cluster": cluster_facts, "directors": described, "real_servers": real_servers}


@settings(max_examples=300)
@given(clusters())
def test_a_valid_cluster_always_plans(description: dict[str, Any]) -> None:
    derived = plan(description)

    assert derived == plan(copy.deepcopy(description))
    assert json.dumps(derived) == json.dumps(plan(json.loads(json.dumps(description))))

    assert [host["name"] for host in derived["directors"]] == [host["name"] for host in description["directors"]]
    assert [host["name"] for host in derived["real_servers"]] == [host["name"] for host in description["real_servers"]]
    vips = [vip["address"] for vip in derived["vips"]]
    moving = derived["vrrp"]["instances"]
    assert sorted(vip for instance in moving for vip in instance["vips"]) == sorted(vips)
    assert (
        len({instance["vrid"] for instance in moving}) == len({instance["home"] for instance in moving}) == len(moving)
    )
    for instance in moving:
        assert 1 <= instance["vrid"] <= 255
        assert instance["vips"] == [vip for vip in vips if vip in instance["vips"]]
        assert any("." in vip for vip in instance["vips"])
        ranking = dict(
            zip([host["name"] for host in derived["directors"]], priorities(derived)[instance["name"]], strict=True)
        )
        assert sorted(ranking.values(), reverse=True) == list(range(254, 254 - len(ranking), -1))
        assert ranking[instance["home"]] == 254
    for director in description["directors"]:
        for text in director.get("lvs_home_vips", []):
            address = str(ipaddress.ip_address(text))
            assert [instance["home"] for instance in moving if address in instance["vips"]] == [director["name"]]

    ports = [set(range(server["media"]["first"], server["media"]["last"] + 1)) for server in derived["real_servers"]]
    assert len(set().union(*ports)) == sum(len(of_server) for of_server in ports)
    assert all(of_server and min(of_server) >= 1024 and max(of_server) <= 65535 for of_server in ports)
    marks = [server["media"]["mark"] for server in derived["real_servers"]]
    assert marks == list(range(1001, 1001 + len(marks)))

    assert len(derived["vips"]) == len(description["cluster"]["lvs_vips"])
    for vip in derived["vips"]:
        assert ipaddress.ip_address(vip["address"]) in ipaddress.ip_network(vip["network"])
        assert vip["address"] == str(ipaddress.ip_address(vip["address"]))
    names = [service["name"] for service in derived["virtual_services"]]
    assert len(set(names)) == len(names) == 4 * len(derived["vips"])
    for service in derived["virtual_services"]:
        version = {"ipv4": 4, "ipv6": 6}[service["family"]]
        assert ipaddress.ip_address(service["vip"]).version == version
        assert len(service["real_servers"]) == len(description["real_servers"])
        for server in service["real_servers"]:
            assert ipaddress.ip_address(server["address"]).version == version
            assert server["port"] == service["port"]


@settings(max_examples=200)
@given(
    clusters(),
    st.text(max_size=10),  # repr() of it is never so long that the message would shorten it
    st.sampled_from(["lvs_domain", "lvs_scheduler", "lvs_vrid", "lvs_media_first_port"]),
)
def test_a_mistake_in_any_cluster_names_variable_and_value(description: dict[str, Any], text: str, name: str) -> None:
    value = f"{text} x"  # a blank within makes it wrong for each of these variables; outside it would be stripped
    description["cluster"][name] = value
    found = mistakes_of(description)
    assert len(found) == 1
    assert found[0].startswith(f"{name}={value!r}: ")
