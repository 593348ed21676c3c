# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of a cluster with its plan: a healthy one has no fault, and each fault has exactly its lines."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_plan import plan
from ansible_collections.lautan.lvs.plugins.plugin_utils._cluster_state import compare, expected_table

VIP4, VIP6 = "198.18.0.100", "fd00:c612::100"
DESCRIPTION: dict[str, Any] = {
    "cluster": {
        "lvs_domain": "conference.lab.example",
        "lvs_networks": ["198.18.0.0/24", "fd00:c612::/64"],
        "lvs_vips": [VIP4, VIP6],
        "lvs_conference": False,
    },
    "directors": [
        {"name": "director1", "lvs_address": "198.18.0.11", "lvs_address6": "fd00:c612::11"},
        {"name": "director2", "lvs_address": "198.18.0.12", "lvs_address6": "fd00:c612::12"},
    ],
    "real_servers": [
        {"name": "rs1", "lvs_address": "198.18.0.21", "lvs_address6": "fd00:c612::21"},
        {"name": "rs2", "lvs_address": "198.18.0.22", "lvs_address6": "fd00:c612::22", "lvs_weight": 10},
    ],
}

# As ipvsadm 1.31 prints it.
TABLE = """\
-A -t 198.18.0.100:80 -s mh -b mh-fallback,mh-port
-a -t 198.18.0.100:80 -r 198.18.0.21:80 -g -w 1
-a -t 198.18.0.100:80 -r 198.18.0.22:80 -g -w 10
-A -t 198.18.0.100:443 -s mh -b mh-fallback,mh-port
-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1
-a -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 10
-A -t [fd00:c612::100]:80 -s mh -b mh-fallback,mh-port
-a -t [fd00:c612::100]:80 -r [fd00:c612::21]:80 -g -w 1
-a -t [fd00:c612::100]:80 -r [fd00:c612::22]:80 -g -w 10
-A -t [fd00:c612::100]:443 -s mh -b mh-fallback,mh-port
-a -t [fd00:c612::100]:443 -r [fd00:c612::21]:443 -g -w 1
-a -t [fd00:c612::100]:443 -r [fd00:c612::22]:443 -g -w 10
"""
MAC = {"director1": "02:00:c6:12:00:0b", "director2": "02:00:c6:12:00:0c"}
FOREIGN = "02:00:c6:12:00:15"


def in_step(table: str) -> dict[str, Any]:
    """What was seen of the table of a director whose kernel has what keepalived means."""
    lines = table.splitlines()
    return {"table": lines, "drift": {"changed": False, "differences": [], "unread": [], "expected": lines}}


def links(director: str, *vips: str) -> list[dict[str, Any]]:
    """What ``ip -json address`` says, cut down to what is used of it and to what might be mistaken for it."""
    last = {"director1": "11", "director2": "12"}[director]
    addresses = [f"198.18.0.{last}", f"fd00:c612::{last}", *vips]
    return [
        {"ifname": "lo", "address": "00:00:00:00:00:00", "addr_info": [{"local": "127.0.0.1"}]},
        {"ifname": "eth0", "address": MAC[director], "addr_info": [{"local": address} for address in addresses]},
        {"ifname": "sit0"},
    ]


def arping(*macs: str) -> str:
    """What arping of iputils says of VIP4."""
    replies = "".join(f"Unicast reply from {VIP4} [{mac.upper()}]  0.641ms\n" for mac in macs)
    return f"ARPING {VIP4} from 198.18.0.12 eth0\n{replies}Sent 2 probes\nReceived {len(macs)} response(s)\n"


def request(vip: str, server: str = "rs1", status: int = 200, error: str = "") -> dict[str, Any]:
    return {"vip": vip, "status": status, "server": server if status else "", "error": error}


def vrrp(
    *states: str, orphaned: tuple[str, ...] = (), daemons: tuple[str, ...] = ("master", "backup")
) -> dict[str, Any]:
    """What the module vrrp_info says, of one instance for each state."""
    return {
        "instances": [
            {"name": f"lvs_{50 + number}", "state": state, "addresses_orphaned": list(orphaned)}
            for number, state in enumerate(states)
        ],
        "sync_daemons": [{"role": role} for role in daemons],
    }


HEALTHY: dict[str, Any] = {
    "directors": {
        "director1": {
            "keepalived": "active",
            "addresses": links("director1", VIP4, VIP6),
            **in_step(TABLE),
            "vrrp": vrrp("MASTER"),
            "arping": arping(),
            "other": [],
        },
        "director2": {
            "keepalived": "active",
            "addresses": links("director2"),
            **in_step(TABLE),
            "vrrp": vrrp("BACKUP"),
            "arping": arping(MAC["director1"], MAC["director1"]),
            "other": [],
        },
    },
    "real_servers": {name: {"differences": [], "tunnel": {}, "routes": {}, "web": []} for name in ("rs1", "rs2")},
    "firewalls": {name: [] for name in ("director1", "director2", "rs1", "rs2")},
    "metrics": {},
    "conferences": {"rs1": [], "rs2": []},
    "closed": [],
    "served": [request(vip, server) for vip in (VIP4, VIP6) for server in ("rs2", "rs1", "rs2")],
}

Observation = dict[str, Any]
Change = Callable[[Observation], object]


def judged(*changes: Change, **facts: Any) -> dict[str, list[str]]:
    """Compare the healthy observation, changed by ``changes``, with the plan, changed by ``facts`` of the cluster."""
    seen = copy.deepcopy(HEALTHY)
    for change in changes:
        change(seen)
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"] |= facts
    return compare(plan(description), **seen)


def director(name: str, **values: Any) -> Change:
    return lambda seen: seen["directors"][name].update(values)


def drifted(name: str, table: str, *differences: str, expected: str = TABLE) -> Change:
    """The kernel has another table than keepalived means."""
    drift = {"changed": True, "differences": list(differences), "unread": [], "expected": expected.splitlines()}
    return director(name, table=table.splitlines(), drift=drift)


def holding(director1: tuple[str, ...], director2: tuple[str, ...]) -> Change:
    """Give VIPs to directors; who holds VIP4 answers ARP for it, but nobody hears himself."""

    def change(seen: Observation) -> None:
        held = {"director1": director1, "director2": director2}
        for name, vips in held.items():
            others = [MAC[other] for other in held if other != name and VIP4 in held[other]]
            seen["directors"][name] |= {"addresses": links(name, *vips), "arping": arping(*others)}

    return change


PLAN = plan(DESCRIPTION)


def test_a_healthy_cluster_has_no_fault() -> None:
    assert judged()["faults"] == []


@pytest.mark.parametrize(
    "change",
    [
        director("director1", **in_step("\n" + TABLE.replace(" -g ", "  -g  ").replace("\n", " \n"))),
        director("director1", **in_step("\n".join(reversed(TABLE.splitlines())))),
        holding((), (VIP4, VIP6)),
    ],
    ids=["white space", "another order", "the other director"],
)
def test_what_is_no_fault(change: Change) -> None:
    assert judged(change)["faults"] == []


def test_only_mh_has_flags() -> None:
    table = TABLE.replace("-s mh -b mh-fallback,mh-port", "-s wlc")
    changes = [director(name, **in_step(table)) for name in MAC]
    assert judged(*changes, lvs_scheduler="wlc")["faults"] == []


SERVICES = [
    {"name": "turn", "protocol": "udp", "port": 3478, "check": "stun", "one_packet": True, "scheduler": "rr"},
    {"name": "web", "port": 80, "check": "http", "persistence": 300, "quorum": 11, "sorry_server": "198.18.0.50"},
]
# As ipvsadm 1.31 prints it: print_service_entry() in ipvsadm.c.
TABLE_OF_SERVICES = """\
-A -u 198.18.0.100:3478 -s rr -o
-a -u 198.18.0.100:3478 -r 198.18.0.21:3478 -g -w 1
-a -u 198.18.0.100:3478 -r 198.18.0.22:3478 -g -w 10
-A -t 198.18.0.100:80 -s mh -p 300 -b mh-fallback
-a -t 198.18.0.100:80 -r 198.18.0.21:80 -g -w 1
-a -t 198.18.0.100:80 -r 198.18.0.22:80 -g -w 10
-A -u [fd00:c612::100]:3478 -s rr -o
-a -u [fd00:c612::100]:3478 -r [fd00:c612::21]:3478 -g -w 1
-a -u [fd00:c612::100]:3478 -r [fd00:c612::22]:3478 -g -w 10
-A -t [fd00:c612::100]:80 -s mh -p 300 -b mh-fallback
-a -t [fd00:c612::100]:80 -r [fd00:c612::21]:80 -g -w 1
-a -t [fd00:c612::100]:80 -r [fd00:c612::22]:80 -g -w 10
"""


def test_services_of_the_operator() -> None:
    changes = [director(name, **in_step(TABLE_OF_SERVICES)) for name in MAC]
    assert judged(*changes, lvs_services=SERVICES)["faults"] == []


def test_sorry_server_is_named() -> None:
    """All real servers are out then."""
    sorry = (
        re.sub(r"-a -t 198.18.0.100:80 -r 198.18.0.2[12]:80 -g -w (1|10)\n", "", TABLE_OF_SERVICES)
        + "-a -t 198.18.0.100:80 -r 198.18.0.50:80 -g -w 1\n"
    )
    changes = [director("director1", **in_step(sorry)), director("director2", **in_step(TABLE_OF_SERVICES))]
    assert judged(*changes, lvs_services=SERVICES)["faults"] == [
        "director1: IPVS table: missing `-a -t 198.18.0.100:80 -r 198.18.0.21:80 -g -w 1`:"
        " rs1 in web-ipv4 (is it healthy?)",
        "director1: IPVS table: missing `-a -t 198.18.0.100:80 -r 198.18.0.22:80 -g -w 10`:"
        " rs2 in web-ipv4 (is it healthy?)",
        "director1: IPVS table: unexpected `-a -t 198.18.0.100:80 -r 198.18.0.50:80 -g -w 1`:"
        " sorry server of web-ipv4, which has lost its quorum of 11",
    ]


FAULTS: dict[str, tuple[Change, list[str]]] = {
    "keepalived failed": (
        director("director2", keepalived="failed"),
        ["director2: keepalived is failed"],
    ),
    "the director that stands by could not take over": (
        director("director2", vrrp=vrrp("FAULT")),
        ["director2: VRRP instance lvs_50 is FAULT, and cannot take over"],
    ),
    "VRRP instance that keepalived does not have": (
        director("director2", vrrp=vrrp()),
        ["director2: VRRP instance lvs_50 is not there, and cannot take over"],
    ),
    "VIP that keepalived left behind": (
        director("director2", vrrp=vrrp("BACKUP", orphaned=(VIP6,))),
        [f"director2: {VIP6} is here, though VRRP instance lvs_50 is BACKUP"],
    ),
    "connections that are not shared": (
        director("director1", vrrp=vrrp("MASTER", daemons=("backup",))),
        ["director1: no master sync daemon runs, so connections are not shared"],
    ),
    "keepalived that does not tell of VRRP": (
        director("director1", vrrp={"msg": "it is silent", "failed": False}),
        ["director1: VRRP: it is silent"],
    ),
    "kernel setting that somebody changed": (
        director("director1", other=["net.ipv4.vs.sloppy_tcp is not 1"]),
        ["director1: net.ipv4.vs.sloppy_tcp is not 1"],
    ),
    "real server taken out": (
        director("director1", **in_step(TABLE.replace("-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1\n", ""))),
        [
            "director1: IPVS table: missing `-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1`:"
            " rs1 in https-ipv4 (is it healthy?)"
        ],
    ),
    "weight 10 is not weight 1": (
        director(
            "director1", **in_step(TABLE.replace("[fd00:c612::21]:80 -g -w 1\n", "[fd00:c612::21]:80 -g -w 10\n"))
        ),
        [
            "director1: IPVS table: missing `-a -t [fd00:c612::100]:80 -r [fd00:c612::21]:80 -g -w 1`:"
            " rs1 in http-ipv6 (is it healthy?)",
            "director1: IPVS table: unexpected `-a -t [fd00:c612::100]:80 -r [fd00:c612::21]:80 -g -w 10`",
        ],
    ),
    "weight 1 is not weight 10": (
        director("director1", **in_step(TABLE.replace("198.18.0.22:443 -g -w 10\n", "198.18.0.22:443 -g -w 1\n"))),
        [
            "director1: IPVS table: missing `-a -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 10`:"
            " rs2 in https-ipv4 (is it healthy?)",
            "director1: IPVS table: unexpected `-a -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 1`",
        ],
    ),
    "virtual service with other flags": (
        director(
            "director2", **in_step(TABLE.replace(":443 -s mh -b mh-fallback,mh-port", ":443 -s mh -b mh-port", 1))
        ),
        [
            "director2: IPVS table: missing `-A -t 198.18.0.100:443 -s mh -b mh-fallback,mh-port`:"
            " virtual service https-ipv4",
            "director2: IPVS table: unexpected `-A -t 198.18.0.100:443 -s mh -b mh-port`",
        ],
    ),
    "service of somebody else": (
        director("director2", **in_step(TABLE + "-A -u 198.18.0.100:53 -s rr\n")),
        ["director2: IPVS table: unexpected `-A -u 198.18.0.100:53 -s rr`"],
    ),
    "table changed by hand": (
        drifted("director2", TABLE.replace("198.18.0.21:443 -g -w 1\n", "198.18.0.21:443 -g -w 7\n"), "it differs"),
        ["director2: IPVS table differs from keepalived: it differs"],
    ),
    "keepalived has another configuration, and the table was changed by hand": (
        drifted(
            "director2",
            "",
            "it differs",
            expected=TABLE.replace("198.18.0.21:443 -g -w 1\n", "198.18.0.21:443 -g -w 2\n"),
        ),
        [
            "director2: IPVS table differs from keepalived: it differs",
            "director2: IPVS table: missing `-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1`:"
            " rs1 in https-ipv4 (is it healthy?)",
            "director2: IPVS table: unexpected `-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 2`",
        ],
    ),
    "file that keepalived has not read": (
        lambda seen: seen["directors"]["director1"]["drift"].update(unread=["virtual server -t 192.0.2.1:80: is new"]),
        ["director1: keepalived does not run with what its file says: virtual server -t 192.0.2.1:80: is new"],
    ),
    "keepalived does not tell": (
        director(
            "director1",
            table=TABLE.replace("-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1\n", "").splitlines(),
            drift={
                "differences": ["in part"],
                "unread": [],
                "msg": "Nothing was changed: it is silent",
                "failed": False,
            },
        ),
        [
            "director1: IPVS table: not compared with keepalived: it is silent",
            "director1: IPVS table: missing `-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 1`:"
            " rs1 in https-ipv4 (is it healthy?)",
        ],
    ),
    "keepalived stopped": (
        director("director2", keepalived="inactive", table=[], drift={"changed": False, "skipped": True}),
        [
            "director2: keepalived is inactive",
            *(f"director2: IPVS table: missing `{line}`: {meaning}" for line, meaning in expected_table(PLAN).items()),
        ],
    ),
    "real server answers ARP, too": (
        director("director2", arping=arping(MAC["director1"], FOREIGN)),
        [f"director2: {FOREIGN} answers ARP for {VIP4} and is not its director's"],
    ),
    "real server answers ARP alone": (
        director("director2", arping=arping(FOREIGN)),
        [f"director2: {FOREIGN} answers ARP for {VIP4} and is not its director's"],
    ),
    "the holder hears somebody": (
        director("director1", arping=arping(FOREIGN)),
        [f"director1: {FOREIGN} answers ARP for {VIP4} and is not its director's"],
    ),
    "nobody answers ARP": (
        director("director2", arping=arping()),
        [f"director2: nobody answers ARP for {VIP4}"],
    ),
    "VIPs on no director": (
        holding((), ()),
        [
            f"{VIP4}: on 0 directors (none) instead of exactly one",
            f"{VIP6}: on 0 directors (none) instead of exactly one",
        ],
    ),
    "VIPs on two directors": (
        holding((VIP4, VIP6), (VIP4, VIP6)),
        [
            f"{VIP4}: on 2 directors (director1, director2) instead of exactly one",
            f"{VIP6}: on 2 directors (director1, director2) instead of exactly one",
        ],
    ),
    "one VIP on no director": (
        holding((VIP4,), ()),
        [
            f"{VIP6}: on 0 directors (none) instead of exactly one",
            "VRRP instance lvs_50: its VIPs are not together on one director",
        ],
    ),
    "VIPs on different directors": (
        holding((VIP6,), (VIP4,)),
        ["VRRP instance lvs_50: its VIPs are not together on one director"],
    ),
    "real server differs": (
        lambda seen: seen["real_servers"]["rs2"].update(differences=["sysctl -w a=1", "ip address add b"]),
        ["rs2: VIPs: `sysctl -w a=1` is missing", "rs2: VIPs: `ip address add b` is missing"],
    ),
    "web server": (
        lambda seen: seen["real_servers"]["rs1"].update(web=["curl: (7) Failed to connect to 198.18.0.100"]),
        ["rs1: web server: curl: (7) Failed to connect to 198.18.0.100"],
    ),
    "requests without an answer": (
        lambda seen: seen["served"].extend(request(VIP6, status=0, error=f"({n}) timed out") for n in (28, 28, 7)),
        [f"{VIP6}: 3 of 6 HTTPS requests failed: (28) timed out"],
    ),
    "requests answered with another status": (
        lambda seen: seen["served"].extend([request(VIP4, status=503), request(VIP6, status=502)]),
        [
            f"{VIP4}: 1 of 4 HTTPS requests failed: status 503",
            f"{VIP6}: 1 of 4 HTTPS requests failed: status 502",
        ],
    ),
    "director off": (
        lambda seen: seen["directors"].update(director2=None),
        ["director2: does not answer on ssh"],
    ),
    "real server off": (
        lambda seen: seen["real_servers"].update(rs1=None),
        ["rs1: does not answer on ssh"],
    ),
}


@pytest.mark.parametrize(("change", "lines"), FAULTS.values(), ids=FAULTS)
def test_one_fault(change: Change, lines: list[str]) -> None:
    assert judged(change)["faults"] == lines


def test_no_service_that_can_be_asked() -> None:
    def nothing_asked(seen: Observation) -> None:
        seen["served"] = []

    services = [{"name": "web", "port": 80, "check": "http"}]
    assert (
        "no VIP was asked, as none offers HTTPS on port 443" in judged(nothing_asked, lvs_services=services)["summary"]
    )


def test_all_hosts_off() -> None:
    def off(seen: Observation) -> None:
        for group in ("directors", "real_servers"):
            seen[group] = dict.fromkeys(seen[group])
        seen["served"] = []

    result = judged(off)
    assert result["faults"] == [
        *(f"{name}: does not answer on ssh" for name in ("director1", "director2", "rs1", "rs2")),
        f"{VIP4}: on 0 directors (none) instead of exactly one",
        f"{VIP6}: on 0 directors (none) instead of exactly one",
    ]
    assert result["summary"] == [
        "https://conference.lab.example/",
        f"{VIP4} on no director, answered by nobody",
        f"{VIP6} on no director, answered by nobody",
        "standby: none",
    ]


def test_summary_of_a_healthy_cluster() -> None:
    assert judged()["summary"] == [
        "https://conference.lab.example/",
        f"{VIP4} on director1, answered by rs1, rs2",
        f"{VIP6} on director1, answered by rs1, rs2",
        "standby: director2",
    ]


def test_summary_names_nobody_for_failed_requests() -> None:
    """A real server that answers with an error does not serve, and a director with one VIP does not stand by."""
    result = judged(
        holding((VIP4,), (VIP6,)),
        lambda seen: seen.update(served=[request(VIP4, "rs1", status=503), request(VIP6, "rs2")]),
    )
    assert result["summary"] == [
        "https://conference.lab.example/",
        f"{VIP4} on director1, answered by nobody",
        f"{VIP6} on director2, answered by rs2",
        "standby: none",
    ]


# ---- VIPs of several homes

VIP4_2, VIP6_2 = "198.18.0.101", "fd00:c612::101"
MOVED = {VIP4: VIP4_2, VIP6: VIP6_2}


def judged_with_homes(director1: tuple[str, ...], director2: tuple[str, ...]) -> dict[str, list[str]]:
    """Compare with a plan in which director1 is the home of VIP4 and VIP6, director2 that of VIP4_2 and VIP6_2."""
    description = copy.deepcopy(DESCRIPTION)
    description["cluster"]["lvs_vips"] = [VIP4, VIP6, VIP4_2, VIP6_2]
    description["directors"][1]["lvs_home_vips"] = [VIP4_2, VIP6_2]
    seen = copy.deepcopy(HEALTHY)
    seen["served"] += [{**each, "vip": MOVED[each["vip"]]} for each in seen["served"]]
    held = {"director1": director1, "director2": director2}
    for name, vips in held.items():
        more = TABLE.replace(VIP4, VIP4_2).replace(f"[{VIP6}]", f"[{VIP6_2}]")
        replies = "".join(
            f"Unicast reply from {vip} [{MAC[other].upper()}]  0.641ms\n"
            for vip in MOVED.keys() | MOVED.values()
            for other in held
            if ":" not in vip and other != name and vip in held[other]
        )
        states = vrrp(*("MASTER" if vip in vips else "BACKUP" for vip in (VIP4, VIP4_2)))
        seen["directors"][name] |= {"addresses": links(name, *vips), "arping": replies, **in_step(TABLE + more)}
        seen["directors"][name]["vrrp"] = states
    return compare(plan(description), **seen)


def test_all_at_home() -> None:
    assert judged_with_homes((VIP4, VIP6), (VIP4_2, VIP6_2)) == {
        "faults": [],
        "summary": [
            "https://conference.lab.example/",
            f"{VIP4} on director1 (home director1), answered by rs1, rs2",
            f"{VIP6} on director1 (home director1), answered by rs1, rs2",
            f"{VIP4_2} on director2 (home director2), answered by rs1, rs2",
            f"{VIP6_2} on director2 (home director2), answered by rs1, rs2",
            "standby: none",
        ],
    }


def test_not_at_home_is_no_fault() -> None:
    assert judged_with_homes((VIP4, VIP6, VIP4_2, VIP6_2), ()) == {
        "faults": [],
        "summary": [
            "https://conference.lab.example/",
            f"{VIP4} on director1 (home director1), answered by rs1, rs2",
            f"{VIP6} on director1 (home director1), answered by rs1, rs2",
            f"{VIP4_2} on director1 (home director2), answered by rs1, rs2",
            f"{VIP6_2} on director1 (home director2), answered by rs1, rs2",
            "standby: director2",
            f"not at home: {VIP4_2}, {VIP6_2}",
        ],
    }


def test_at_each_other_s_home() -> None:
    found = judged_with_homes((VIP4_2, VIP6_2), (VIP4, VIP6))
    assert found["faults"] == []
    assert found["summary"][-2:] == ["standby: none", f"not at home: {VIP4}, {VIP6}, {VIP4_2}, {VIP6_2}"]


def test_instance_that_is_torn_apart() -> None:
    found = judged_with_homes((VIP4, VIP6, VIP6_2), (VIP4_2,))
    assert found["faults"] == ["VRRP instance lvs_51: its VIPs are not together on one director"]
    assert found["summary"][-1] == f"not at home: {VIP6_2}"


def test_each_vip_of_each_home_is_on_exactly_one_director() -> None:
    found = judged_with_homes((VIP4, VIP6, VIP4_2, VIP6_2), (VIP4_2, VIP6_2))
    assert found["faults"] == [
        f"{vip}: on 2 directors (director1, director2) instead of exactly one" for vip in (VIP4_2, VIP6_2)
    ]
    assert found["summary"][-1] == f"not at home: {VIP4_2}, {VIP6_2}"


# ---- tunnels and NAT

OPTIONS = {"nat": "-m", "tun": "-i"}
GATEWAY4, GATEWAY6 = "198.18.0.99", "fd00:c612::99"
TUNNEL = {
    "devices": ["tunl0", "ip6tnl0"],
    "up": ["lo", "eth0", "tunl0", "ip6tnl0"],
    "rp_filter": {"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.tunl0.rp_filter": "0"},
    "unit": "active enabled",
}
ROUTES = {
    gateway: f'[{{"dst":"{somebody}","gateway":"{gateway}","dev":"eth0","prefsrc":"x","flags":[],"cache":[]}}]\n'
    for gateway, somebody in ((GATEWAY4, "203.0.113.1"), (GATEWAY6, "2001:db8:ffff::1"))
}


def forwarded(method: str, *changes: Change, **facts: Any) -> dict[str, list[str]]:
    """Compare a healthy cluster of this method, changed by ``changes``, with its plan."""
    table = TABLE.replace(" -g ", f" {OPTIONS[method]} ")

    def healthy(seen: Observation) -> None:
        more = (GATEWAY4, GATEWAY6) if method == "nat" else ()
        holding((VIP4, VIP6, *more), ())(seen)
        replies = [arping(MAC["director1"]).replace(VIP4, address) for address in (VIP4, *more[:1])]
        seen["directors"]["director2"]["arping"] = "".join(replies)
        for each in seen["directors"].values():
            each.update(in_step(table))
        for each in seen["real_servers"].values():
            each.update(copy.deepcopy({"routes": ROUTES} if method == "nat" else {"tunnel": TUNNEL}))

    return judged(healthy, *changes, lvs_forwarding=method, lvs_nat_gateways=[GATEWAY4, GATEWAY6], **facts)


def real_server(name: str, part: str, **values: Any) -> Change:
    return lambda seen: seen["real_servers"][name][part].update(values)


@pytest.mark.parametrize("method", OPTIONS)
def test_a_healthy_cluster_of_each_method(method: str) -> None:
    assert forwarded(method)["faults"] == []


def test_type_of_tunnel_that_is_the_default_may_be_named() -> None:
    """As ipvsadm 1.31 does with Linux 6.1, and the module keepalived_table."""
    table = re.sub(r" -g (-w \d+)", r" -i \1 --tun-type ipip", TABLE)
    assert forwarded("tun", director("director1", **in_step(table)))["faults"] == []
    gue = in_step(table.replace("ipip", "gue --tun-port 6080", 1))
    assert forwarded("tun", director("director1", **gue))["faults"] == [
        "director1: IPVS table: missing `-a -t 198.18.0.100:80 -r 198.18.0.21:80 -i -w 1`:"
        " rs1 in http-ipv4 (is it healthy?)",
        "director1: IPVS table: unexpected"
        " `-a -t 198.18.0.100:80 -r 198.18.0.21:80 -i -w 1 --tun-type gue --tun-port 6080`",
    ]


@pytest.mark.parametrize("method", OPTIONS)
def test_table_of_another_method(method: str) -> None:
    found = forwarded(method, director("director1", **in_step(TABLE)))["faults"]
    assert len(found) == 2 * TABLE.count(" -g ")
    assert f"-r 198.18.0.21:443 {OPTIONS[method]} -w 1`: rs1 in https-ipv4" in found[0]


def test_port_and_sorry_server_of_nat() -> None:
    services = [{"name": "web", "port": 80, "real_port": 8080, "sorry_server": "198.18.0.50"}]
    lines = [line for line in TABLE.replace(" -g ", " -m ").splitlines() if "0:80" in line or "]:80" in line]
    lines = [re.sub(r"(-r \S+):80 ", r"\1:8080 ", line) for line in lines]
    sorry = "-a -t 198.18.0.100:80 -r 198.18.0.50:80 -m -w 1"
    changes = [director(name, **in_step("\n".join(lines))) for name in MAC]
    changes.append(director("director1", **in_step("\n".join([*lines, sorry]))))
    assert forwarded("nat", *changes, lvs_services=services)["faults"] == [
        f"director1: IPVS table: unexpected `{sorry}`: sorry server of web-ipv4, which has lost its quorum of 1"
    ]


def test_gateways_in_the_summary() -> None:
    assert forwarded("nat")["summary"][3:] == [
        f"{GATEWAY4} on director1, gateway",
        f"{GATEWAY6} on director1, gateway",
        "standby: director2",
    ]


@pytest.mark.parametrize(
    ("method", "change", "lines"),
    [
        ("tun", real_server("rs1", "tunnel", up=["lo", "eth0", "tunl0"]), ["rs1: tunnel: ip6tnl0 is not up"]),
        (
            "tun",
            real_server("rs2", "tunnel", rp_filter={"net.ipv4.conf.all.rp_filter": "2"}),
            [
                "rs2: tunnel: net.ipv4.conf.all.rp_filter is 2: packets are dropped, as their answers go another way",
            ],
        ),
        (
            "tun",
            real_server("rs1", "tunnel", unit="active disabled"),
            ["rs1: tunnel: lvs-tunnel.service is active disabled"],
        ),
        (
            "nat",
            real_server("rs1", "routes", **{GATEWAY4: ROUTES[GATEWAY4].replace(GATEWAY4, "198.18.0.254")}),
            [
                "rs1: answers go to 198.18.0.254 and not to the active director: its default route must be 198.18.0.99",
            ],
        ),
        (
            "nat",
            real_server("rs2", "routes", **{GATEWAY6: ""}),
            [
                "rs2: answers go to nowhere and not to the active director: its default route must be fd00:c612::99",
            ],
        ),
        (
            "nat",
            real_server("rs2", "routes", **{GATEWAY4: '[{"dst":"203.0.113.1","dev":"eth0"}]'}),
            ["rs2: answers go to nobody and not to the active director: its default route must be 198.18.0.99"],
        ),
        (
            "nat",
            director("director1", addresses=links("director1", VIP4, VIP6, GATEWAY4)),
            [
                "fd00:c612::99: on 0 directors (none) instead of exactly one",
                "VRRP instance lvs_50: its VIPs are not together on one director",
            ],
        ),
        (
            "nat",
            director("director2", arping=arping(MAC["director1"]) + arping(FOREIGN).replace(VIP4, GATEWAY4)),
            [f"director2: {FOREIGN} answers ARP for {GATEWAY4} and is not its director's"],
        ),
    ],
)
def test_one_fault_of_a_method(method: str, change: Change, lines: list[str]) -> None:
    assert forwarded(method, change)["faults"] == lines


# As ipvsadm 1.31 prints it.
MEDIA = [
    *("-A -f 1001 -s rr -o", "-a -f 1001 -r 198.18.0.21:0 -g -w 1"),
    *("-A -f 1002 -s rr -o", "-a -f 1002 -r 198.18.0.22:0 -g -w 1"),
    *("-A -f 1001 -6 -s rr -o", "-a -f 1001 -6 -r [fd00:c612::21]:0 -g -w 1"),
    *("-A -f 1002 -6 -s rr -o", "-a -f 1002 -6 -r [fd00:c612::22]:0 -g -w 1"),
]


def test_packet_filter_of_one_host() -> None:
    def change(seen: Observation) -> None:
        seen["firewalls"] |= {"rs1": ["lets everything in"], "rs2": None}

    assert judged(change)["faults"] == ["rs1: packet filter: lets everything in"]


def test_conference_on_one_host() -> None:
    def change(seen: Observation) -> None:
        seen["conferences"] |= {"rs2": ["janus is failed", "Janus does not answer"]}

    assert judged(change)["faults"] == ["rs2: conference: janus is failed", "rs2: conference: Janus does not answer"]


def test_media_services() -> None:
    services = [{"name": "https", "port": 443, "check": "https"}, {"name": "http", "port": 80, "check": "http"}]
    # The ports of TURN are taken, so that media is all that the conference adds.
    taken = [{"name": f"own{port}", "port": port} for port in (3478, 5349)]
    facts = {"lvs_conference": True, "lvs_services": services + taken}
    own = "".join(
        f"-A -t {vip}:{port} -s mh -b mh-fallback,mh-port\n"
        f"-a -t {vip}:{port} -r {net}21{end}:{port} -g -w 1\n-a -t {vip}:{port} -r {net}22{end}:{port} -g -w 10\n"
        for vip, net, end in ((VIP4, "198.18.0.", ""), (f"[{VIP6}]", "[fd00:c612::", "]"))
        for port in (3478, 5349)
    )
    table = TABLE + own + "".join(f"{line}\n" for line in MEDIA)
    both = [director(name, **in_step(table)) for name in ("director1", "director2")]
    assert judged(*both, **facts)["faults"] == []
    without = "\n".join(line for line in table.splitlines() if not line.startswith("-a -f 1002 -r"))
    (fault,) = judged(*both, director("director1", **in_step(without)), **facts)["faults"]
    assert fault == ("director1: IPVS table: missing `-a -f 1002 -r 198.18.0.22:0 -g -w 1`: rs2 in media-rs2-ipv4")


# ---- real servers that are drained


def drained_table(name: str) -> str:
    """The table with weight 0 for this real server."""
    last = {"rs1": "21", "rs2": "22"}[name]
    return re.sub(rf"^(-a .*:{last}]?:\d+ -g|-a .*[.]{last}:\d+ -g) -w \d+$", r"\1 -w 0", TABLE, flags=re.MULTILINE)


def drained_on(*names: str, reason: str = "-1 siti, new disk") -> Change:
    def change(seen: Observation) -> None:
        for name, found in seen["directors"].items():
            found["drains"] = {"rs1": reason if name in names else "0", "rs2": "0"}
            if name in names:
                found |= in_step(drained_table("rs1"))

    return change


@pytest.mark.parametrize(
    ("reason", "told"), [("-1 siti, new disk", "rs1 (siti, new disk)"), ("-1", "rs1")], ids=["reason", "no reason"]
)
def test_a_drained_real_server_is_no_fault(reason: str, told: str) -> None:
    found = judged(drained_on("director1", "director2", reason=reason))
    assert found["faults"] == []
    assert f"drained: {told}" in found["summary"]


def test_drained_on_one_director_only() -> None:
    assert judged(drained_on("director1"))["faults"] == [
        "rs1: drained on director1 and not on director2: run playbooks/drain.yml or playbooks/undrain.yml again"
    ]


def test_drained_and_keepalived_does_not_go_by_it() -> None:
    def change(seen: Observation) -> None:
        for found in seen["directors"].values():
            found["drains"] = {"rs1": "-1"}

    faults = judged(change)["faults"]
    assert any("missing `-a -t 198.18.0.100:80 -r 198.18.0.21:80 -g -w 0`" in line for line in faults)
    assert any("unexpected `-a -t 198.18.0.100:80 -r 198.18.0.21:80 -g -w 1`" in line for line in faults)


def with_conference(*closed: str) -> Callable[[Observation], list[str]]:
    """Judge only what is said of rs1 and rs2 where there are rooms."""

    def judge(seen: Observation) -> list[str]:
        description = copy.deepcopy(DESCRIPTION)
        description["cluster"]["lvs_conference"] = True
        found = compare(plan(description), **{**seen, "closed": list(closed)})
        return [line for line in found["faults"] if "rooms" in line]

    return judge


@pytest.mark.parametrize(
    ("where", "closed", "faults"),
    [
        ([], [], []),
        (["director1", "director2"], ["rs1"], []),
        ([], ["rs1"], ["rs1: is in service, but takes no rooms"]),
        (["director1", "director2"], [], ["rs1: is drained, but takes rooms"]),
    ],
)
def test_rooms_go_with_it(where: list[str], closed: list[str], faults: list[str]) -> None:
    seen = copy.deepcopy(HEALTHY)
    drained_on(*where)(seen)
    again = ": run playbooks/drain.yml or playbooks/undrain.yml again"
    assert with_conference(*closed)(seen) == [line + again for line in faults]


def test_a_host_that_tells_no_metrics_is_a_fault() -> None:
    def change(seen: Observation) -> None:
        seen["metrics"] |= {"director1": [], "rs1": ["lautan-metrics.timer is inactive"]}

    assert judged(change)["faults"] == ["rs1: monitoring: lautan-metrics.timer is inactive"]
