# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options to the host, on a fake host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.ensure import ensure
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    FIREWALL_DROP_IN,
    GUARD_FILE,
    HOOK_FILE,
    SYSCTL_FILE,
    UNIT_FILE,
)
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.observe import observe
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.plan import read_options, state_of
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._real_server_vip.fake_host import (
    DROP_IN,
    LINK_FILE,
    OTHER4,
    OTHER6,
    VIP4,
    VIP6,
    FakeHost,
    ReadOnlyError,
)

NETWORKD_FILES = sorted([DROP_IN, FIREWALL_DROP_IN, GUARD_FILE, SYSCTL_FILE, UNIT_FILE])
ADD4 = f"ip address add {VIP4}/32 dev eth0 scope host"
ADD6 = f"ip -6 address add {VIP6}/128 dev eth0 nodad preferred_lft 0"
ARP = ["sysctl -w net.ipv4.conf.all.arp_ignore=3", "sysctl -w net.ipv4.conf.all.arp_announce=2"]
GUARD = [
    "nft -f /etc/lvs-real-server.nft",
    "systemctl --quiet daemon-reload",
    "systemctl --quiet enable lvs-real-server.service",
    "systemctl --quiet start lvs-real-server.service",
]
UNGUARD = [
    "systemctl --quiet disable lvs-real-server.service",
    "systemctl --quiet stop lvs-real-server.service",
    "systemctl --quiet daemon-reload",
    "nft delete table ip6 lvs_real_server",
]


@pytest.fixture(params=["networkd", "ifupdown"])
def host(request):
    return FakeHost(request.param)


def run(host, *addresses, interface="eth0", check=False, executed=None):
    executed = [] if executed is None else executed
    return ensure(host, interface, addresses, check, executed, lambda seconds: None)


def four_runs(host, *addresses):
    """Check, do, check, do. Only the second may write, and it does what the first predicted."""
    host.read_only = True
    predicted = run(host, *addresses, check=True)
    host.read_only = False
    executed = []
    done = run(host, *addresses, executed=executed)
    host.read_only = True
    assert predicted == done
    assert predicted.steps
    assert executed == predicted.commands
    assert not run(host, *addresses, check=True).steps
    assert not run(host, *addresses).steps
    host.read_only = False
    wanted, _mistakes = read_options("eth0", addresses)
    assert state_of(observe(host, wanted), done.watched) == done.after
    return done


def mistakes_of(host, *addresses, interface="eth0"):
    host.read_only = True
    with pytest.raises(Mistakes) as info:
        run(host, *addresses, interface=interface)
    return info.value.mistakes


def test_bare_host(host):
    plan = four_runs(host, VIP4, VIP6)
    assert plan.commands == [*ARP, *GUARD, ADD4, ADD6]
    if plan.manager == "networkd":
        assert plan.files == NETWORKD_FILES
    else:
        assert host.managed[HOOK_FILE].mode == 0o755
        assert DROP_IN not in plan.files
    assert host.info(VIP4)["scope"] == "host"


def test_ipv4_alone_needs_neither_nft_nor_systemd():
    host = FakeHost("ifupdown")
    host.programs -= {"nft", "systemctl", "networkctl"}
    assert four_runs(host, VIP4).commands == [*ARP, ADD4]


def test_the_order_of_the_addresses_has_no_meaning(host):
    four_runs(host, VIP6, VIP4, OTHER4)
    host.read_only = True
    assert not run(host, OTHER4, VIP4, VIP6).steps


def test_another_spelling_of_an_address_is_the_same(host):
    four_runs(host, VIP6)
    host.read_only = True
    assert not run(host, "2001:0DB8:9:0::100").steps


def test_protection_comes_before_what_it_protects(host):
    steps = run(host, VIP4, VIP6, check=True).steps
    texts = [getattr(step, "path", None) or str(step) for step in steps]
    boot = HOOK_FILE if host.ifupdown else DROP_IN
    for first in (SYSCTL_FILE, *ARP, GUARD_FILE, UNIT_FILE, FIREWALL_DROP_IN, *GUARD):
        assert texts.index(first) < texts.index(boot) < texts.index(ADD4)


def test_a_vip_more(host):
    run(host, VIP4)
    assert four_runs(host, VIP4, VIP6).commands == [*GUARD, ADD6]


def test_a_vip_less(host):
    run(host, VIP4, OTHER4, VIP6, OTHER6)
    commands = four_runs(host, VIP4, VIP6).commands
    reload = [] if host.ifupdown else ["networkctl reload"]
    assert commands == [
        f"ip address del {OTHER4}/32 dev eth0",
        f"ip -6 address del {OTHER6}/128 dev eth0",
        GUARD[0],
        *reload,
    ]


def test_networkd_rereads_its_files_after_the_new_vips_are_there():
    """It would add them itself, and one of the two would fail."""
    host = FakeHost()
    run(host, VIP4)
    commands = four_runs(host, OTHER4).commands
    assert commands[-2:] == [f"ip address add {OTHER4}/32 dev eth0 scope host", "networkctl reload"]


def test_nothing_left(host):
    run(host, VIP4, VIP6)
    commands = four_runs(host).commands
    reload = [] if host.ifupdown else ["networkctl reload"]
    assert commands == [
        f"ip address del {VIP4}/32 dev eth0",
        f"ip -6 address del {VIP6}/128 dev eth0",
        *reload,
        *UNGUARD,
    ]
    assert not host.managed


def test_nothing_to_remove(host):
    host.read_only = True
    plan = run(host)
    assert (plan.steps, plan.files) == ((), [])


def test_nothing_left_with_a_manager_that_is_not_supported():
    host = FakeHost()
    run(host, VIP4)
    host.text[LINK_FILE] = "ADMIN_STATE=unmanaged\n"
    plan = four_runs(host)
    assert (plan.manager, host.managed) == (None, {})


def test_what_others_added_stays(host):
    """keepalived's VIP is no real server's: it is of scope global."""
    run(host, VIP4)
    host.drop(VIP4)
    host.add(f"{VIP4}/32")
    run(host)
    assert f"{VIP4}/32" in host.addresses()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(f"{VIP4}/32", "eth0", {})], [f"ip address del {VIP4}/32 dev eth0", ADD4]),
        ([(f"{VIP4}/24", "eth0", {"secondary": True})], [ADD4, f"ip address del {VIP4}/24 dev eth0"]),
        ([(f"{VIP4}/32", "lo", {"scope": "host"})], [ADD4, f"ip address del {VIP4}/32 dev lo"]),
        (
            [(f"{VIP6}/128", "eth0", {"nodad": True})],
            [f"ip -6 address change {VIP6}/128 dev eth0 nodad preferred_lft 0"],
        ),
        ([(f"{VIP6}/64", "eth0", {})], [f"ip -6 address del {VIP6}/64 dev eth0", ADD6]),
        ([(f"{VIP6}/128", "eth0", {"dadfailed": True})], [f"ip -6 address del {VIP6}/128 dev eth0", ADD6]),
        ([(f"{VIP6}/128", "lo", {})], [ADD6, f"ip -6 address del {VIP6}/128 dev lo"]),
    ],
)
def test_a_vip_in_another_place_or_form_is_moved(host, found, expected):
    for address, interface, more in found:
        host.add(address, interface, **more)
    vip = found[0][0].split("/")[0]
    commands = [command for command in four_runs(host, vip).commands if command.startswith("ip ")]
    assert commands == expected
    assert not any(address.startswith(vip) for address in host.addresses("lo"))


def test_a_vip_both_right_and_wrong(host):
    run(host, VIP4)
    host.add(f"{VIP4}/32", "lo", scope="host")
    assert four_runs(host, VIP4).commands == [f"ip address del {VIP4}/32 dev lo"]


@pytest.mark.parametrize("last", ["arp_ignore", "arp_announce"])
def test_live_setting_that_was_changed(host, last):
    run(host, VIP4)
    host.set_sysctl(f"net.ipv4.conf.all.{last}", 0)
    assert four_runs(host, VIP4).commands == [command for command in ARP if last in command]


@pytest.mark.parametrize("spoil", ["mode", "text", "owner"])
def test_file_that_was_changed(host, spoil):
    run(host, VIP4)
    path = HOOK_FILE if host.ifupdown else DROP_IN
    file = host.managed[path]
    changes = {"mode": {"mode": 0o600}, "text": {"text": file.text + "#\n"}, "owner": {"uid": 1000}}
    host.managed[path] = replace(file, **changes[spoil])
    plan = four_runs(host, VIP4)
    assert plan.commands == []
    assert host.managed[path] == file
    assert plan.diff[0]["before"] != plan.diff[0]["after"]


def test_guard_that_was_flushed(host):
    run(host, VIP6)
    host.guard = None
    assert four_runs(host, VIP6).commands == [GUARD[0]]


@pytest.mark.parametrize("position", [-1, -2, -3, 1])
def test_guard_that_lost_a_part(host, position):
    run(host, VIP6)
    del host.guard[position]
    if position == 1:
        host.guard.insert(0, {"rule": {"chain": "input", "expr": [{"accept": None}]}})
    assert four_runs(host, VIP6).commands == [GUARD[0]]


@pytest.mark.parametrize(
    ("key", "value", "commands"),
    [
        ("ActiveState", "inactive", [GUARD[3]]),
        ("ActiveState", "failed", [GUARD[3]]),
        ("UnitFileState", "disabled", [GUARD[2]]),
        ("NeedDaemonReload", "yes", [GUARD[1]]),
    ],
)
def test_unit_that_was_changed(host, key, value, commands):
    run(host, VIP6)
    host.unit[key] = value
    assert four_runs(host, VIP6).commands == commands


def test_own_address_that_changed(host):
    run(host, VIP6)
    host.drop("2001:db8:9::21")
    host.add("2001:db8:9::77/64")
    assert four_runs(host, VIP6).commands == [GUARD[0]]
    assert "saddr set 2001:db8:9::77" in host.managed[GUARD_FILE].text


def test_choice_of_the_own_address(host):
    """A lasting one before one that a router gave, never a temporary one, and never a VIP."""
    host.add("2001:db8:9::5/64", valid_life_time=3600, dynamic=True)
    host.add("2001:db8:9::6/64", temporary=True)
    host.add(f"{VIP6}/64")
    run(host, VIP6)
    assert "saddr set 2001:db8:9::21" in host.managed[GUARD_FILE].text


def test_manager_that_changed():
    host = FakeHost("networkd")
    run(host, VIP4)
    host.ifupdown, host.networkd_active = True, False
    plan = four_runs(host, VIP4)
    assert (plan.manager, plan.commands) == ("ifupdown", [])
    assert sorted(host.managed) == [HOOK_FILE, SYSCTL_FILE]
    host.networkd_active = True
    plan = four_runs(host, VIP4)
    assert (plan.manager, sorted(host.managed)) == ("networkd", sorted([DROP_IN, SYSCTL_FILE]))


def test_network_file_that_changed():
    host = FakeHost("networkd")
    run(host, VIP4)
    host.text[LINK_FILE] = host.text[LINK_FILE].replace("10-lan", "20-lan")
    plan = four_runs(host, VIP4)
    assert (plan.commands, sorted(host.managed)) == ([], sorted([DROP_IN.replace("10-lan", "20-lan"), SYSCTL_FILE]))


# ---- what is wrong


def test_all_bad_addresses_at_once(host):
    bad = [f"{VIP4}/32", "x", "fe80::1", "224.0.0.1", "127.0.0.1", "0.0.0.0", "::ffff:198.18.9.1", VIP4, VIP4, "1.2.3"]
    mistakes = mistakes_of(host, *bad)
    assert [mistake.split("=")[0] for mistake in mistakes] == [f"addresses[{i}]" for i in (0, 1, 2, 3, 4, 5, 6, 8, 9)]
    assert mistakes[0] == f"addresses[0]='{VIP4}/32': must not have a prefix length; a VIP is always one address"
    assert "prefix" not in mistakes[1]


def test_interface_and_addresses_at_once(host):
    mistakes = mistakes_of(host, "x", interface="eth1")
    assert len(mistakes) == 2
    assert "addresses[0]='x'" in mistakes[0]
    assert mistakes[1].startswith("interface='eth1': the host has no such interface")
    assert "'eth0'" in mistakes[1]


def test_loopback_interface(host):
    assert "loopback" in mistakes_of(host, VIP4, interface="lo")[0]


@pytest.mark.parametrize(("vip", "own"), [(VIP4, "198.18.9.21"), (VIP6, "2001:db8:9::21")])
def test_no_own_address(host, vip, own):
    host.drop(own)
    assert "address of its own" in mistakes_of(host, vip)[0]


@pytest.mark.parametrize("own", ["198.18.9.21", "2001:db8:9::21"])
def test_the_own_address_is_no_vip(host, own):
    assert "address of its own" in mistakes_of(host, own)[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("eth0.arp_ignore", 8), ("eth0.arp_ignore", 4), ("eth0.arp_announce", 3), ("eth0.arp_notify", 1)]
    + [("all.arp_notify", 1)],
)
def test_live_setting_that_defeats_the_own(host, key, value):
    run(host, VIP4)
    host.set_sysctl(f"net.ipv4.conf.{key}", value)
    (mistake,) = mistakes_of(host, VIP4)
    assert f"net.ipv4.conf.{key} is {value}," in mistake


@pytest.mark.parametrize(("key", "value"), [("eth0.arp_ignore", 2), ("eth0.arp_announce", 2), ("eth0.arp_ignore", 3)])
def test_live_setting_that_does_no_harm(host, key, value):
    host.set_sysctl(f"net.ipv4.conf.{key}", value)
    four_runs(host, VIP4)


@pytest.mark.parametrize(
    ("path", "line", "harmful"),
    [
        ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.conf.all.arp_ignore=1", True),
        ("/usr/lib/sysctl.d/70-x.conf", "net.ipv4.conf.all.arp_announce = 1", True),
        ("/etc/sysctl.d/10-x.conf", "net.ipv4.conf.all.arp_ignore=1", False),
        ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.conf.all.arp_ignore=3", False),
        ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.conf.*.arp_ignore=1", False),
        ("/etc/sysctl.d/10-x.conf", "net.ipv4.conf.eth0.arp_ignore=8", True),
        ("/etc/sysctl.d/10-x.conf", "net.ipv4.conf.default.arp_ignore=8", True),
        ("/etc/sysctl.d/10-x.conf", "net.ipv4.conf.eth0.arp_ignore=1", False),
        ("/etc/sysctl.d/README", "net.ipv4.conf.eth0.arp_ignore=8", False),
    ],
)
def test_setting_that_would_come_at_boot(host, path, line, harmful):
    host.text[path] = line + "\n"
    if harmful:
        (mistake,) = mistakes_of(host, VIP4)
        assert path in mistake
    else:
        four_runs(host, VIP4)


def test_arp_does_not_matter_to_ipv6(host):
    host.set_sysctl("net.ipv4.conf.eth0.arp_ignore", 8)
    four_runs(host, VIP6)


def test_no_nft(host):
    host.programs.discard("nft")
    (mistake,) = mistakes_of(host, VIP6)
    assert "install the package nftables" in mistake


def test_no_supported_manager():
    host = FakeHost()
    host.text[LINK_FILE] = "ADMIN_STATE=unmanaged\n"
    assert "by nothing that could be found; supported are" in mistakes_of(host, VIP4)[0]
    host.text["/run/NetworkManager/devices/2"] = "[device]\nmanaged=true\n"
    assert "by NetworkManager; supported are" in mistakes_of(host, VIP4)[0]


def test_networkd_that_failed():
    host = FakeHost()
    host.text[LINK_FILE] = host.text[LINK_FILE].replace("ADMIN_STATE=configured", "ADMIN_STATE=failed")
    assert "'failed'" in mistakes_of(host, VIP4)[0]


def test_network_file_for_several_interfaces():
    host = FakeHost()
    host.interfaces.append({**host.interfaces[1], "ifname": "eth1", "ifindex": 3, "addr_info": []})
    host.text["/run/systemd/netif/links/3"] = host.text[LINK_FILE]
    assert "configures eth0 and eth1" in mistakes_of(host, VIP4)[0]


@pytest.mark.parametrize("promote", [0, 1])
def test_addresses_that_the_kernel_would_remove_too(host, promote):
    host.drop("198.18.9.21")
    host.add(f"{VIP4}/24")
    host.add("198.18.9.21/24", secondary=True)
    host.set_sysctl("net.ipv4.conf.eth0.promote_secondaries", promote)
    if promote:
        four_runs(host, VIP4)
    else:
        assert "198.18.9.21 with it" in mistakes_of(host, VIP4)[0]


# ---- what goes wrong


def test_command_that_fails(host):
    real = host.run

    def broken(argv, stdin=None):
        return Completed(2, "", "RTNETLINK answers: Operation not permitted\n") if "add" in argv else real(argv, stdin)

    host.run = broken
    executed = []
    with pytest.raises(CommandError, match="Operation not permitted") as info:
        run(host, VIP4, executed=executed)
    assert (info.value.argv, info.value.rc) == (ADD4.split(), 2)
    assert executed == ARP


def test_complaint_of_a_command_that_succeeds(host):
    real = host.run
    host.run = lambda argv, stdin=None: Completed(0, "", "bad\n") if argv[0] == "sysctl" else real(argv, stdin)
    with pytest.raises(CommandError, match="bad"):
        run(host, VIP4)


def test_guard_that_nft_does_not_accept(host):
    real = host.run
    host.run = lambda argv, stdin=None: Completed(1, "", "no") if argv[:2] == ("nft", "-c") else real(argv, stdin)
    host.read_only = True
    with pytest.raises(CommandError, match="nft -c"):
        run(host, VIP4, VIP6)


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("ip address add", f"address {VIP4}: wanted {VIP4}/32 dev eth0 scope host, found none"),
        ("sysctl", "net.ipv4.conf.all.arp_ignore: wanted 3, found 0"),
        ("systemctl --quiet start", "lvs-real-server.service: wanted enabled, active, found enabled, inactive"),
    ],
)
def test_command_without_effect(host, lost, named):
    host.lose.add(lost)
    with pytest.raises(NotReached) as info:
        run(host, VIP4, VIP6)
    assert named in info.value.differences


def test_file_that_is_not_as_written(host):
    real = host.write
    host.write = lambda path, file: real(path, replace(file, mode=0o600))
    with pytest.raises(NotReached, match=f"{SYSCTL_FILE}: wanted mode 0644 owner 0:0, found mode 0600 owner 0:0"):
        run(host, VIP4)


def test_networkd_is_given_time():
    """It takes its own address and the VIPs away for a moment when it rereads its files."""
    host = FakeHost()
    run(host, VIP4, OTHER4)
    host.lose.add("networkctl reload")
    pauses = []
    real = host.run

    def away(argv, stdin=None):
        if tuple(argv) == ("networkctl", "reload"):
            host.drop(VIP4)
        return real(argv, stdin)

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            host.add(f"{VIP4}/32", scope="host")

    host.run = away
    ensure(host, "eth0", [VIP4], False, [], pause)
    assert len(pauses) == 3


def test_the_fake_host_does_refuse():
    host = FakeHost()
    host.read_only = True
    with pytest.raises(ReadOnlyError):
        run(host, VIP4)


def test_options_are_sorted_and_normalised():
    wanted, mistakes = read_options("eth0", [VIP6, "198.18.9.9", "198.18.9.10"])
    assert (wanted.vips, mistakes) == (
        tuple(map(ip_address, ("198.18.9.9", "198.18.9.10", VIP6))),
        [],
    )
