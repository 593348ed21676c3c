# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip import parse, render
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import SYSCTL_FILE, Unit, vip_address
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._real_server_vip.fake_host import (
    VIP4,
    VIP6,
    fixture,
)

RELEASES = {"debian12": "198.18.9.21", "debian13": "198.18.9.23"}


@pytest.mark.parametrize("release", RELEASES)
def test_addresses_of_a_real_server(release):
    links, addresses = parse.ip_addresses(fixture(f"{release}-ip.json"))
    assert (links["lo"].loopback, links["eth0"].loopback, links["eth0"].index) == (True, False, 2)
    vips = [address for address in addresses if address.is_vip and address.interface == "eth0"]
    assert {str(address.ip) for address in vips} == {VIP4, VIP6}
    own = [address for address in addresses if address.is_own_candidate]
    assert {str(address.ip) for address in own} == {RELEASES[release], RELEASES[release].replace("198.18.9.", _V6)}


_V6 = "2001:db8:9::"


@pytest.mark.parametrize("ip", [VIP4, VIP6])
def test_the_goal_is_what_the_kernel_then_shows(ip):
    _links, addresses = parse.ip_addresses(fixture("debian12-ip.json"))
    assert vip_address(ip_address(ip), "eth0") in addresses


@pytest.mark.parametrize(
    "change",
    [
        {"prefixlen": 64},
        {"preferred_life_time": 4294967295},
        {"nodad": False},
        {"tentative": True},
        {"dadfailed": True},
        {"valid_life_time": 3600},
    ],
)
def test_an_ipv6_vip_in_another_form_is_none(change):
    assert not _one_address(VIP6, change).is_vip


@pytest.mark.parametrize("change", [{"prefixlen": 24}, {"scope": "global"}, {"scope": "link"}])
def test_an_ipv4_vip_in_another_form_is_none(change):
    assert not _one_address(VIP4, change).is_vip


def _one_address(ip, change):
    entries = json.loads(fixture("debian12-ip.json"))
    info = next(info for info in entries[1]["addr_info"] if info["local"] == ip)
    info.update(change)
    _links, addresses = parse.ip_addresses(json.dumps(entries))
    return next(address for address in addresses if str(address.ip) == ip)


@pytest.mark.parametrize("change", [{"temporary": True}, {"tentative": True}, {"preferred_life_time": 0}])
def test_what_cannot_be_the_own_address(change):
    assert _one_address("2001:db8:9::21", {}).is_own_candidate
    assert not _one_address("2001:db8:9::21", change).is_own_candidate


@pytest.mark.parametrize("release", RELEASES)
def test_networkd_link(release):
    link = parse.networkd_link(fixture(f"{release}-networkd-link.txt"))
    assert link.is_managed
    assert link.drop_in == "/etc/systemd/network/10-lan.network.d/60-lvs-vip.conf"


def test_networkd_link_that_it_leaves_alone():
    assert not parse.networkd_link(fixture("unmanaged-networkd-link.txt")).is_managed


def test_drop_in_of_a_network_file_outside_etc():
    link = parse.networkd_link("ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-eth0.network\n")
    assert link.drop_in == "/etc/systemd/network/10-netplan-eth0.network.d/60-lvs-vip.conf"


@pytest.mark.parametrize("release", RELEASES)
def test_guard_that_nft_shows_is_the_one_that_was_rendered(release):
    own = ip_address(RELEASES[release].replace("198.18.9.", _V6))
    shown = parse.guard(fixture(f"{release}-nft-table.json"))
    assert shown == render.guard([ip_address(VIP6)], own)
    assert parse.has_guard(fixture(f"{release}-nft-tables.json"))


def _without(items):
    return [item for item in items if "rule" not in item] + [item for item in items if "rule" in item][1:]


def _other_hook(items):
    return [{"chain": {**item["chain"], "hook": "forward"}} if "chain" in item else item for item in items]


def _other_verdict(items):
    return json.loads(json.dumps(items).replace('{"drop": null}', '{"accept": null}'))


def _other_target(items):
    return json.loads(json.dumps(items).replace("20010db8000900000000000000000100", "20010db8000900000000000000000101"))


def _negated(items):
    return json.loads(json.dumps(items).replace('"op": "=="', '"op": "!="', 1))


def _more(items):
    rule = {"chain": "input", "expr": [{"accept": None}]}
    return [*items, {"rule": rule}]


@pytest.mark.parametrize("spoil", [_without, _other_hook, _other_verdict, _other_target, _negated, _more])
def test_a_guard_that_was_spoilt_differs(spoil):
    good = json.loads(fixture("debian12-nft-table.json"))["nftables"]
    assert parse.guard(json.dumps({"nftables": spoil(good)})) != parse.guard(json.dumps({"nftables": good}))


def test_no_guard():
    assert not parse.has_guard('{"nftables": [{"table": {"family": "inet", "name": "lvs_real_server"}}]}')


def test_unit():
    text = fixture("debian12-systemctl-show.txt")
    assert parse.unit(text) == Unit(loaded=True, active=True, enabled=True)
    first, second = text.split("\n\n")
    stale = second.replace("NeedDaemonReload=no", "NeedDaemonReload=yes")
    assert parse.unit(f"{first}\n\n{stale}").needs_reload
    assert parse.unit("LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n") == Unit()


VIPS = [ip_address(VIP4), ip_address(VIP6)]


@pytest.mark.parametrize("text", [render.networkd_drop_in(VIPS), render.ifupdown_hook(VIPS, "eth0")])
def test_what_was_recorded_is_found_again(text):
    assert parse.recorded_vips(text) == {*VIPS}


def test_what_is_no_address_was_not_recorded():
    assert parse.recorded_vips("[Address]\nAddress=nonsense/32\n") == set()


def test_ifupdown_hook():
    lines = render.ifupdown_hook(VIPS, "eth0").splitlines()
    assert lines[0] == "#!/bin/sh"
    assert '[ "$IFACE" = eth0 ] || exit 0' in lines
    assert f"ip address replace {VIP4}/32 dev eth0 scope host" in lines
    assert f"ip -6 address replace {VIP6}/128 dev eth0 nodad preferred_lft 0" in lines


def test_networkd_drop_in():
    sections = render.networkd_drop_in(VIPS).split("[Address]\n")[1:]
    assert sections == [
        f"Address={VIP4}/32\nScope=host\n\n",
        f"Address={VIP6}/128\nDuplicateAddressDetection=none\nPreferredLifetime=0\n",
    ]


KEY = "net.ipv4.conf.all.arp_ignore"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"{KEY}=1", "1"),
        (f"{KEY} = 1 ", "1"),
        (f" -{KEY}=1", "1"),
        ("net/ipv4/conf/all/arp_ignore=1", "1"),
        ("net.ipv4.conf.*.arp_ignore=1", "1"),
        (f"# {KEY}=1", None),
        (f"; {KEY}=1", None),
        ("net.ipv4.conf.eth0.arp_ignore=1", None),
        ("nonsense", None),
    ],
)
def test_sysctl_lines(line, value):
    settings = parse.sysctl_settings([("/etc/sysctl.d/x.conf", f"{line}\n")], [KEY])
    assert [setting.value for setting in settings] == ([] if value is None else [value])


def test_a_pattern_does_not_count_for_what_is_named_in_full():
    files = [(SYSCTL_FILE, render.sysctl_file()), ("/etc/sysctl.d/99.conf", "net.ipv4.conf.*.arp_ignore=1\n")]
    settings = parse.sysctl_settings(files, [KEY, "net.ipv4.conf.eth0.arp_ignore"])
    assert [(setting.key, setting.value) for setting in settings] == [
        (KEY, "3"),
        ("net.ipv4.conf.eth0.arp_ignore", "1"),
    ]


def test_a_dot_in_the_name_of_an_interface():
    key = "net.ipv4.conf.eth0/5.arp_ignore"
    for line in (f"{key}=8", "net/ipv4/conf/eth0.5/arp_ignore=8"):
        assert parse.sysctl_settings([("x", line)], [key])
