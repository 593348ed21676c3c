# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services in a plan: what becomes of them, and that each mistake in them is named, once and with all others."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_checks import SCHEDULERS
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_facts import PlanError
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_services import CHECKS, KEYS

DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "meet.example.org",
        "lvs_networks": ["192.0.2.0/24", "2001:db8::/64"],
        "lvs_vips": ["192.0.2.100", "2001:db8::100"],
        "lvs_conference": False,
    },
    "directors": [{"name": "d1", "lvs_address": "192.0.2.11", "lvs_address6": "2001:db8::11"}],
    "real_servers": [
        {"name": "rs1", "lvs_address": "192.0.2.21", "lvs_address6": "2001:db8::21"},
        {"name": "rs2", "lvs_address": "192.0.2.22", "lvs_address6": "2001:db8::22", "lvs_weight": 2},
    ],
}

TCP = {"name": "web", "port": 8080}
UDP = {"name": "turn", "protocol": "udp", "port": 3478, "check": "stun"}


def described(*services: Any, **facts: Any) -> dict[str, Any]:
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= {"lvs_services": list(services), **facts}
    return description


def virtual_services(*services: Any, **facts: Any) -> list[dict[str, Any]]:
    return plan(described(*services, **facts))["virtual_services"]


def mistakes_of(description: dict[str, Any]) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan(description)
    assert all("\n" not in mistake for mistake in caught.value.mistakes)
    return caught.value.mistakes


def faults(*services: Any, **facts: Any) -> list[str]:
    return mistakes_of(described(*services, **facts))


# --- what is derived ---------------------------------------------------------------------------------------------


def test_every_key() -> None:
    service = {
        "name": "web",
        "protocol": "tcp",
        "port": "8080",
        "real_port": 8080,
        "scheduler": "wlc",
        "persistence": "300",
        "one_packet": False,
        "check": "https",
        "check_path": "/health?deep=1",
        "check_content": '"up"',
        "quorum": 3,
        "sorry_server": ["192.0.2.50", "[2001:DB8:0::50]:8080"],
    }
    assert set(service) == set(KEYS)
    first, second = virtual_services(service)
    expected = {
        "name": "web-ipv4",
        "vip": "192.0.2.100",
        "family": "ipv4",
        "port": 8080,
        "protocol": "tcp",
        "scheduler": "wlc",
        "persistence": 300,
        "one_packet": False,
        "check": "https",
        "check_path": "/health?deep=1",
        "check_content": '"up"',
        "quorum": 3,
        "sorry_server": "192.0.2.50",
        "real_servers": [
            {"name": "rs1", "address": "192.0.2.21", "port": 8080, "weight": 1},
            {"name": "rs2", "address": "192.0.2.22", "port": 8080, "weight": 2},
        ],
    }
    assert first == expected
    assert second == expected | {
        "name": "web-ipv6",
        "vip": "2001:db8::100",
        "family": "ipv6",
        "sorry_server": "2001:db8::50",
        "real_servers": [
            {"name": "rs1", "address": "2001:db8::21", "port": 8080, "weight": 1},
            {"name": "rs2", "address": "2001:db8::22", "port": 8080, "weight": 2},
        ],
    }


def test_defaults_of_tcp() -> None:
    service = virtual_services(TCP, lvs_scheduler="lc")[0]
    assert [service[key] for key in KEYS if key not in ("name", "port", "real_port")] == [
        *("tcp", "lc", 0, False, "tcp", None, None, 1, None),
    ]


def test_defaults_are_those_of_a_cluster_that_names_no_service() -> None:
    stated = virtual_services(
        {"name": "https", "port": 443, "check": "https"}, {"name": "http", "port": 80, "check": "http"}
    )
    assert stated == plan(DESCRIPTION)["virtual_services"]


@pytest.mark.parametrize(
    ("service", "paths"),
    [
        ({"port": 443, "check": "https"}, ["/lb-ok/192.0.2.100", "/lb-ok/2001:db8::100"]),
        ({"port": 80, "check": "http"}, ["/lb-ok/192.0.2.100", "/lb-ok/2001:db8::100"]),
        # HTTP/3 beside HTTPS: it is the same nginx that is asked.
        ({"port": 443, "protocol": "udp", "check": "https"}, ["/lb-ok/192.0.2.100", "/lb-ok/2001:db8::100"]),
        ({"port": 443, "check": "https", "check_path": "/lb-ok"}, ["/lb-ok"] * 2),
        ({"port": 443, "check": "tcp"}, [None] * 2),
        ({"port": 8443, "check": "https"}, ["/lb-ok"] * 2),
        ({"port": 80, "check": "https"}, ["/lb-ok"] * 2),
    ],
)
def test_role_web_is_asked_for_the_virtual_ip(service: dict[str, Any], paths: list[str | None]) -> None:
    assert [each["check_path"] for each in virtual_services({"name": "web"} | service)] == paths


def test_null_means_not_set() -> None:
    assert virtual_services(dict.fromkeys(KEYS) | TCP) == virtual_services(TCP)


def test_what_is_stated_takes_the_place_of_the_default() -> None:
    assert [service["port"] for service in virtual_services(TCP)] == [8080, 8080]


def test_each_virtual_ip_offers_each_service() -> None:
    vips = ["192.0.2.100", "2001:db8::100", "192.0.2.101"]
    assert [(service["vip"], service["name"]) for service in virtual_services(TCP, UDP, lvs_vips=vips)] == [
        ("192.0.2.100", "web-ipv4"),
        ("192.0.2.100", "turn-ipv4"),
        ("2001:db8::100", "web-ipv6"),
        ("2001:db8::100", "turn-ipv6"),
        ("192.0.2.101", "web-ipv4-2"),
        ("192.0.2.101", "turn-ipv4-2"),
    ]


def test_tcp_and_udp_may_share_a_port() -> None:
    assert len(virtual_services(UDP, {"name": "turn-tcp", "port": 3478})) == 4


@pytest.mark.parametrize("check", ["http", "https", "tcp", "none"])
def test_a_udp_service_may_be_checked_over_tcp(check: str) -> None:
    """As with HTTP/3 beside HTTPS, or DNS on both."""
    assert virtual_services(UDP | {"check": check})[0]["check"] == check


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("192.0.2.50", ("192.0.2.50", None)),
        ("192.0.2.50:8080", ("192.0.2.50", None)),
        ("2001:db8:0::50", (None, "2001:db8::50")),
        ("[2001:db8::50]", (None, "2001:db8::50")),
        ("[2001:db8::50]:8080", (None, "2001:db8::50")),
        (["2001:db8::50", "192.0.2.50:8080"], ("192.0.2.50", "2001:db8::50")),
        ([], (None, None)),
    ],
)
def test_ways_to_write_a_sorry_server(value: Any, found: tuple[str | None, str | None]) -> None:
    services = virtual_services(TCP | {"sorry_server": value})
    assert tuple(service["sorry_server"] for service in services) == found


def test_quorum_may_be_all_weights() -> None:
    assert virtual_services(TCP | {"quorum": 3})[0]["quorum"] == 3


@pytest.mark.parametrize("port", [19999, 22000])
def test_udp_ports_beside_those_for_media(port: int) -> None:
    assert virtual_services(UDP | {"port": port})[0]["port"] == port


def test_tcp_ports_are_not_media_ports() -> None:
    assert virtual_services(TCP | {"port": 20000})[0]["port"] == 20000


# --- mistakes ----------------------------------------------------------------------------------------------------

# A service, and how its one mistake begins.
MISTAKES: list[tuple[Any, str]] = [
    ("https", "lvs_services[0]='https': must be a dictionary, for example {name: https"),
    (443, "lvs_services[0]=443: must be a dictionary"),
    (None, "lvs_services[0]=None: must be a dictionary"),
    # keys
    (TCP | {"prot": 80}, "lvs_services[0].prot=80: is no key of a service; did you mean port?"),
    (TCP | {"server_port": 80}, "lvs_services[0].server_port=80: is no key of a service; did you mean real_port?"),
    (TCP | {"zzz": 1}, "lvs_services[0].zzz=1: is no key of a service; the keys are name protocol port"),
    (TCP | {"a\nb": 1}, "lvs_services[0].'a\\nb'=1: is no key"),
    (TCP | {443: "x"}, "lvs_services[0].443='x': is no key"),
    (TCP | {10**5000: "x"}, "lvs_services[0].<a number of"),
    # name
    ({"port": 80}, "lvs_services[0].name is not set: each service needs one"),
    *(
        (TCP | {"name": name}, f"lvs_services[0].name={name!r}: must consist of letters, digits")
        for name in ("", "a b", "-a", "a\n", "ä", 7, True, ["web"])
    ),
    (TCP | {"name": "x" * 64}, "lvs_services[0].name='xxx"),
    # protocol
    (TCP | {"protocol": "sctp"}, "lvs_services[0].protocol='sctp': must be one of tcp udp; SCTP is not supported"),
    (TCP | {"protocol": "TCP"}, "lvs_services[0].protocol='TCP': must be one of tcp udp"),
    (TCP | {"protocol": ["udp"]}, "lvs_services[0].protocol=['udp']: must be one of tcp udp"),
    # port
    ({"name": "web"}, "lvs_services[0].port is not set: the service's port is required"),
    *(
        (TCP | {"port": port}, f"lvs_services[0].port={port!r}: must be a whole number from 1 to 65535")
        for port in (0, 65536, -1, "http", "80-90", True, 80.0, [80])
    ),
    (
        UDP | {"port": 20000},
        "lvs_services[0].port=20000: is one of the UDP ports for media of host 'rs1', 20000-20999",
    ),
    (UDP | {"port": 21999}, "lvs_services[0].port=21999: is one of the UDP ports for media of host 'rs2', 21000-21999"),
    # scheduling
    (TCP | {"scheduler": "wlcc"}, "lvs_services[0].scheduler='wlcc': is no IPVS scheduler"),
    (TCP | {"persistence": -1}, "lvs_services[0].persistence=-1: must be a whole number from 0 to 2678400 (seconds"),
    (TCP | {"persistence": 2678401}, "lvs_services[0].persistence=2678401: must be a whole number"),
    (TCP | {"persistence": True}, "lvs_services[0].persistence=True: must be a whole number"),
    (TCP | {"one_packet": True}, "lvs_services[0].one_packet=True: is for UDP only"),
    (UDP | {"one_packet": "yes"}, "lvs_services[0].one_packet='yes': must be true or false"),
    (UDP | {"one_packet": 1}, "lvs_services[0].one_packet=1: must be true or false"),
    # check
    (UDP | {"check": None}, "lvs_services[0].check is not set: a UDP service must say how it is checked: http"),
    (TCP | {"check": "ping"}, "lvs_services[0].check='ping': must be one of http https tcp stun none"),
    (TCP | {"check": False}, "lvs_services[0].check=False: must be one of http https tcp stun none"),
    (TCP | {"check": "stun"}, "lvs_services[0].check='stun': asks over UDP, so that it needs protocol udp"),
    *(
        (TCP | {"check": "http", "check_path": path}, f"lvs_services[0].check_path={path!r}: must begin with /")
        for path in ("", "lb-ok", "http://x/", "/a b", "/a\n", '/"', "/a#b", "/$_PWD", "/~SEQ(a,1,2)", "/ä", 7, {})
    ),
    (TCP | {"check": "http", "check_path": "/" + "a" * 256}, "lvs_services[0].check_path='/aaa"),
    (TCP | {"check_path": "/x"}, "lvs_services[0].check_path='/x': is for the checks http and https only, not for tcp"),
    (
        UDP | {"check_path": "/x"},
        "lvs_services[0].check_path='/x': is for the checks http and https only, not for stun",
    ),
    *(
        (TCP | {"check": "https", "check_content": text}, f"lvs_services[0].check_content={text!r}: must be 1 to 200")
        for text in ("", "a\nb", "ä", "\x7f", 7, ["ok"])
    ),
    (TCP | {"check": "https", "check_content": "x" * 201}, "lvs_services[0].check_content='xxx"),
    (TCP | {"check_content": "ok"}, "lvs_services[0].check_content='ok': is for the checks http and https only"),
    # quorum
    *(
        (TCP | {"quorum": quorum}, f"lvs_services[0].quorum={quorum!r}: must be a whole number from 1 to")
        for quorum in (0, -1, True, "half", 2**32)
    ),
    (
        TCP | {"quorum": 4},
        "lvs_services[0].quorum=4: is more than the weights (lvs_weight) of all real servers together, 3",
    ),
    # sorry server
    (TCP | {"sorry_server": 7}, "lvs_services[0].sorry_server=7: must be an address or a list of addresses"),
    (TCP | {"sorry_server": {}}, "lvs_services[0].sorry_server={}: must be an address or a list of addresses"),
    *(
        (TCP | {"sorry_server": text}, f"lvs_services[0].sorry_server={text!r}: is not an IP address; write address")
        for text in ("", "sorry.example.org", "192.0.2", "192.0.2.50:", "192.0.2.50:http", "[192.0.2.50]:8080", "[::1")
    ),
    (
        TCP | {"sorry_server": "192.0.2.50/24"},
        "lvs_services[0].sorry_server='192.0.2.50/24': must be an address without a prefix length: 192.0.2.50",
    ),
    (TCP | {"sorry_server": ["192.0.2.50", 7]}, "lvs_services[0].sorry_server[1]=7: is not an IP address"),
    (
        TCP | {"sorry_server": ["192.0.2.50", "192.0.2.51"]},
        "lvs_services[0].sorry_server[1]='192.0.2.51': is a second IPv4 sorry server beside 192.0.2.50",
    ),
    (
        TCP | {"sorry_server": "192.0.2.50:80"},
        "lvs_services[0].sorry_server='192.0.2.50:80': has another port than the service, 8080",
    ),
    (
        TCP | {"sorry_server": ["192.0.2.50", "2001:db8::21"]},
        "lvs_services[0].sorry_server[1]='2001:db8::21': is the address of host 'rs1'; a sorry server must be another",
    ),
    (TCP | {"sorry_server": "192.0.3.50"}, "lvs_services[0].sorry_server='192.0.3.50': is outside 192.0.2.0/24"),
    (TCP | {"sorry_server": "fd00::1"}, "lvs_services[0].sorry_server='fd00::1': is outside 2001:db8::/64"),
    (TCP | {"sorry_server": "192.0.2.255"}, "lvs_services[0].sorry_server='192.0.2.255': is the broadcast address"),
    (
        TCP | {"sorry_server": "192.0.2.22"},
        "lvs_services[0].sorry_server='192.0.2.22': is the address of host 'rs2'; a",
    ),
    (
        TCP | {"sorry_server": "2001:db8::11"},
        "lvs_services[0].sorry_server='2001:db8::11': is the address of host 'd1'",
    ),
    (
        TCP | {"sorry_server": "192.0.2.100"},
        "lvs_services[0].sorry_server='192.0.2.100': is the address of lvs_vips[0], a virtual IP",
    ),
    (
        TCP | {"check": "none", "sorry_server": "192.0.2.50"},
        "lvs_services[0].sorry_server='192.0.2.50': would never be used",
    ),
]


@pytest.mark.parametrize(("service", "says"), MISTAKES, ids=[says[:60] for _service, says in MISTAKES])
def test_one_mistake(service: Any, says: str) -> None:
    found = faults(service)
    assert len(found) == 1, found
    assert found[0].startswith(says)


def test_all_mistakes_of_all_services_at_once() -> None:
    """Each of these services gets a name and a port of its own; those that are wrong in them stay wrong."""
    services, expected = [], []
    for index, (service, says) in enumerate(MISTAKES):
        if isinstance(service, dict):
            fresh = {"name": f"s{index}", "port": 1000 + index}
            service = service | {key: value for key, value in fresh.items() if f".{key}" not in says.split(":")[0]}
            # The message of another port names the service's.
            says = says.replace("the service, 8080", f"the service, {1000 + index}")
        services.append(service)
        expected.append(says.replace("[0]", f"[{index}]", 1))
    found = faults(*services)
    for says in expected:
        assert [line for line in found if line.startswith(says)], says
    assert len(expected) == len(MISTAKES) > 80


@pytest.mark.parametrize("value", ["https", {"name": "https"}, 443])
def test_services_must_be_a_list(value: Any) -> None:
    description = described()
    description["cluster"]["lvs_services"] = value
    (mistake,) = mistakes_of(description)
    assert mistake.startswith(f"lvs_services={value!r}: must be a list, for example [{{name: https")


def test_no_service() -> None:
    assert faults() == [
        "lvs_services=[]: a cluster needs at least one service, for example [{name: https, port: 443, check: https}]"
    ]


def test_names_and_ports_are_unique() -> None:
    assert faults(TCP, TCP | {"port": 81}, TCP | {"name": "other", "protocol": "tcp", "check": "none"}) == [
        "lvs_services[1].name='web': is the name of lvs_services[0] as well",
        "lvs_services[2].port=8080: is the TCP port of lvs_services[0] as well",
    ]


def test_sorry_server_of_a_family_without_virtual_ip() -> None:
    description = described(TCP | {"sorry_server": "2001:db8::50"}, lvs_vips=["192.0.2.100"])
    description["cluster"]["lvs_networks"] = ["192.0.2.0/24"]
    for host in (*description["directors"], *description["real_servers"]):
        del host["lvs_address6"]
    assert mistakes_of(description) == [
        "lvs_services[0].sorry_server='2001:db8::50': is an IPv6 address, and lvs_vips has no IPv6 address"
    ]


@pytest.mark.parametrize(
    "facts",
    [{"lvs_vips": ["192.0.2.100", "2001:db8::x"]}, {"lvs_vips": None}, {"lvs_vips": "192.0.2.100"}],
    ids=["one unreadable", "not set", "no list"],
)
def test_a_mistake_in_the_virtual_ips_is_not_echoed(facts: dict[str, Any]) -> None:
    (mistake,) = faults(TCP | {"sorry_server": "2001:db8::50"}, **facts)
    assert mistake.startswith("lvs_vips")


def test_a_missing_network_is_not_echoed() -> None:
    for networks in (["2001:db8::/64"], ["192.0.2.0", "2001:db8::/64"]):
        wrong = faults(TCP, lvs_networks=networks)
        assert faults(TCP | {"sorry_server": "192.0.2.50"}, lvs_networks=networks) == wrong


def test_a_wrong_scheduler_of_the_cluster_is_not_echoed() -> None:
    (mistake,) = faults(TCP, UDP, lvs_scheduler="none")
    assert mistake.startswith("lvs_scheduler='none'")


@pytest.mark.parametrize("weight", [-1, 0])
def test_wrong_weights_are_not_echoed(weight: int) -> None:
    description = described(TCP | {"quorum": 3})
    for host in description["real_servers"]:
        host["lvs_weight"] = weight
    assert all(mistake.startswith("lvs_weight") for mistake in mistakes_of(description))


def test_draining_below_the_quorum_is_a_mistake() -> None:
    description = described(TCP | {"quorum": 2})
    description["real_servers"][1]["lvs_weight"] = 0
    assert mistakes_of(description) == [
        "lvs_services[0].quorum=2: is more than the weights (lvs_weight) of all real servers together, 1"
    ]


# --- any input ---------------------------------------------------------------------------------------------------

VALUES = st.sampled_from(
    [
        None,
        "tcp",
        "udp",
        "stun",
        "http",
        "none",
        80,
        "80",
        0,
        True,
        "/",
        "192.0.2.50",
        "[2001:db8::50]:80",
        [],
        {},
        "\n",
    ]
) | st.lists(st.text(max_size=3) | st.sampled_from(["192.0.2.50", "2001:db8::50", "192.0.2.51:80"]), max_size=3)
ENTRIES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5) | st.integers(), VALUES | st.text(max_size=20))


@settings(max_examples=300)
@given(st.lists(ENTRIES | VALUES, max_size=4))
def test_nothing_but_plan_error_is_ever_raised(services: list[Any]) -> None:
    try:
        lines = [service["name"] for service in virtual_services(*services)]
    except PlanError as exc:
        lines = exc.mistakes
    assert lines
    assert all(line and "\n" not in line for line in lines)


@st.composite
def valid_services(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Services with any options that go together."""
    services = []
    places = itertools.product(["tcp", "udp"], [*range(1, 20), 443, 19999, 65535])
    chosen = draw(st.lists(st.sampled_from(list(places)), min_size=1, max_size=6, unique=True))
    for index, (protocol, port) in enumerate(chosen):
        check = draw(st.sampled_from([check for check in CHECKS if check != "stun" or protocol == "udp"]))
        options: dict[str, st.SearchStrategy[Any]] = {
            "scheduler": st.sampled_from(SCHEDULERS),
            "persistence": st.sampled_from([0, "1", 2678400]),
            "quorum": st.sampled_from([1, "2", 3]),
        }
        if protocol == "udp":
            options["one_packet"] = st.booleans()
        if check in ("http", "https"):
            options["check_path"] = st.from_regex(r"/[a-z0-9/?&=._-]{0,20}", fullmatch=True)
            options["check_content"] = st.text(
                st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=50
            )
        if check != "none":
            options["sorry_server"] = st.sampled_from(["192.0.2.50", f"192.0.2.50:{port}", ["2001:db8::50"]])
        given_options = draw(st.fixed_dictionaries({}, optional=options))
        services.append({"name": f"s{index}", "protocol": protocol, "port": port, "check": check, **given_options})
    return services


@settings(max_examples=150)
@given(valid_services())
def test_valid_services_always_plan(services: list[dict[str, Any]]) -> None:
    derived = virtual_services(*services)
    assert len(derived) == 2 * len(services)
    assert len({service["name"] for service in derived}) == len(derived)
    for stated, service in zip(services * 2, derived, strict=True):
        for key, value in stated.items():
            if key in ("name", "sorry_server"):
                continue
            assert str(service[key]) == str(value), key
        assert all(server["port"] == stated["port"] for server in service["real_servers"])
