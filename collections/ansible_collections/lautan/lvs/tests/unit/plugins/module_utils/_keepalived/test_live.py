# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for and what is there."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import live
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    FakeDirector,
    document,
    fixture,
)


def test_the_kernel_s_table():
    found = live.kernel_services(fixture("debian12-ipvsadm-save.txt"))
    assert len(found) == 15
    assert found["fwmark 4294967295 inet"] == "rr"
    assert found["fwmark 22 inet6"] == "sh"
    assert found["TCP 198.18.9.100:443"] == "mh"
    assert found["SCTP 198.18.9.100:36412"] == "wlc"
    assert found["TCP [fd00::100]:80"] == "wrr"
    assert found["UDP 198.18.9.101:5060"] == "lblcr"
    assert found["TCP 198.18.9.101:0"] == "nq"


def service(**more):
    return {"lvs_sched": "rr", "real_servers": [{"ip": "192.0.2.1"}], **more}


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ({"ip": "192.0.2.9", "port": 80, "protocol": "UDP"}, ["UDP 192.0.2.9:80"]),
        ({"ip": "2001:db8::9", "protocol": "TCP"}, ["TCP [2001:db8::9]:0"]),
        ({"fwmark": 7}, ["fwmark 7 inet"]),
        ({"fwmark": 7, "real_servers": [{"ip": "2001:db8::1"}]}, ["fwmark 7 inet6"]),
        ({"fwmark": 7, "ip_family": "inet6"}, ["fwmark 7 inet6"]),
        ({"ip": "192.0.2.9", "port": 80, "protocol": "TCP", "ha_suspend": True}, []),
        (
            {"group": "g", "protocol": "TCP"},
            [
                "TCP 192.0.2.9:80",
                "TCP 192.0.2.254:81",
                "TCP 192.0.2.255:81",
                "TCP 192.0.2.20:82",
                "TCP 192.0.2.21:82",
                "TCP [2001:db8::f]:83",
                "TCP [2001:db8::10]:83",
                "fwmark 5 inet6",
                "fwmark 6 inet",
            ],
        ),
    ],
)
def test_wanted_services(item, names):
    members = [
        {"ip": "192.0.2.9", "port": 80},
        {"ip": "192.0.2.254-255", "port": 81},
        {"ip": "192.0.2.20/31", "port": 82},
        {"ip": "2001:db8::f-10", "port": 83},
        {"fwmark": 5, "family": "inet6"},
        {"fwmark": 6},
    ]
    groups = [{"name": "g", "members": members}]
    wanted = live.wanted_services({"virtual_servers": [service(**item)], "virtual_server_groups": groups})
    assert sorted(wanted) == sorted(names)


def test_service_differences():
    wanted = {"a": "rr", "b": "rr", "c": "rr"}
    found = {"a": "rr", "b": "wlc", "old": "rr", "theirs": "rr"}
    assert live.service_differences(wanted, {"a": "rr", "old": "rr"}, found) == [
        "virtual server c: is not in the kernel",
        "virtual server b: scheduler wanted rr, found wlc",
        "virtual server old: was removed from the configuration, but is in the kernel still",
    ]


def test_instances_that_are_as_asked():
    assert live.instance_differences(document(), FakeDirector().dump()) == []


@pytest.mark.parametrize(
    ("key", "value", "difference"),
    [
        ("vrid", 52, "virtual_router_id wanted 51, found 52"),
        ("version", 2, "version wanted 3, found 2"),
        ("base_priority", 100, "priority wanted 254, found 100"),
        ("adver_int", 1.0, "advert_int wanted 0.1, found 1.0"),
        ("nopreempt", False, "nopreempt wanted True, found False"),
        ("vips", [], "virtual_ipaddress wanted ['192.0.2.100'], found []"),
        ("evips", ["2001:db8::101/64 dev eth0"], "wanted ['2001:db8::100'], found ['2001:db8::101']"),
    ],
)
def test_instance_that_is_not(key, value, difference):
    dump = FakeDirector().dump()
    dump[0]["data"][key] = value
    (line,) = live.instance_differences(document(), dump)
    assert line.startswith("VRRP instance lvs_51: ")
    assert line.endswith(difference)


def test_instances_too_few_and_too_many():
    dump = FakeDirector().dump()
    other = copy.deepcopy(dump[0])
    other["data"]["iname"] = "b"
    assert live.instance_differences(document(), [other]) == [
        "VRRP instance lvs_51: does not run",
        "VRRP instance b: runs, but was not asked for",
    ]
