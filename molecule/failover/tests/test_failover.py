# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster while its parts lose their power. Each test leaves the cluster whole.

Limits are wide: they tell a cluster that works from one that does not, on a slow and busy machine. The figures to quote
come from `lab/lab measure`.
"""

from __future__ import annotations

import ipaddress
import re
import time

import pytest

from lab import cluster, fleet, measure, process, topology
from lab.ansible import play
from lab.faults import DIRECTOR_FAULTS
from tools import measure_keepalived

VIPS = ("198.18.0.100", "fd00:c612::100")
NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]


@pytest.fixture
def whole_again():
    """Switch every node on again and wait until every real server is in service on every director."""
    yield
    fleet.start(list(NODES.values()))
    cluster.wait_whole()


def test_director_loses_power_and_comes_back(whole_again):
    """The other one takes over, and keeps what it has."""
    victim = cluster.active_director()
    seen = measure.hurt_director(DIRECTOR_FAULTS["director"], victim)
    assert seen.requests > 500
    assert seen.gap < 1.5
    assert seen.failed == 0, seen
    assert seen.held_alive, seen
    survivor = next(node for node in DIRECTORS if node != victim)

    def held() -> list[str]:
        return re.findall(r"\S+(?=/)", process.run(fleet.ssh(survivor, "ip -brief address show")))

    assert set(VIPS) <= set(held())
    back = DIRECTOR_FAULTS["return"]
    seen = measure.under_load(back.what, lambda: back.do(victim), after=back.after)
    assert seen.unnoticed, seen
    assert set(VIPS) <= set(held())


# What a client may notice of each fault: the longest gap, in seconds. No request may fail, and no connection break.
# And who holds the VIPs in the end: the same director, the other one, one of them, or both.
EXPECTED = {
    "handover": (0.5, "other"),
    "panic": (1.5, "other"),
    "cable": (1.5, "other"),
    "keepalived-killed": (1, "other"),
    "keepalived-stopped": (1, "other"),
    "loss": (1.5, "one"),
    "split": (1.5, "both"),
    "reunion": (1, "one"),
    "clock": (1, "same"),
    "busy": (2, "one"),
}
# Of faults that nobody may notice: what the director says if it happened.
TRACES = {
    "loss": ("nft list table inet lautan_drill", r"counter packets [1-9]"),
    "clock": ("echo $((($(date +%s) - NOW) / 60))", r"^(59|60)$"),
    "busy": ("tail -n 1 /run/lab-busy", r"\b0m([3-9]|\d\d)\."),  # of the processor's time that its children had
}


def test_every_fault_is_tried():
    # The other ones have tests of their own, a planned switchover in the scenario operations. Both directors lose their
    # power with all other nodes.
    assert {*EXPECTED, "director", "return", "both", "switchover"} == set(DIRECTOR_FAULTS)


@pytest.mark.parametrize("name", EXPECTED)
def test_fault_of_the_active_director(name):
    longest, holder = EXPECTED[name]
    victim = cluster.active_director()
    try:
        seen = measure.hurt_director(DIRECTOR_FAULTS[name], victim)
        if holder == "one":
            # While adverts are lost, there may be none or two for a moment.
            process.wait_until(lambda: len(cluster.vip_holders()) == 1, "one director to hold the VIP", timeout=10)
        holding = {node.name for node in cluster.vip_holders()}
        command, trace = TRACES.get(name, ("", ""))
        said = process.run(fleet.ssh(victim, command.replace("NOW", f"{time.time():.0f}"))) if command else ""
    finally:
        DIRECTOR_FAULTS[name].undo(victim)
        cluster.wait_whole()
    assert re.search(trace, said), said
    other = {node.name for node in DIRECTORS} - {victim.name}
    if holder != "one":
        assert holding == {"same": {victim.name}, "other": other, "both": {victim.name, *other}}[holder]
    assert seen.requests > 500
    assert seen.gap < longest, seen
    assert seen.failed == 0, seen
    assert seen.held_alive, seen


def configure(director: topology.Node, **variables: object) -> None:
    """Run role director as site.yml does, but with these variables."""
    role = {"name": "lautan.lvs.director", "tasks_from": "configure"}
    plan = str(topology.ROOT / "playbooks/vars/plan.yml")
    play(
        director,
        [
            {"name": "Plan", "ansible.builtin.include_vars": plan},
            {"name": "Configure", "ansible.builtin.include_role": role, "vars": variables},
        ],
    )


def test_configuration_that_keepalived_would_die_of_is_refused(node):
    """A priority out of range and a virtual router id that does not exist, under load: nobody notices."""
    director = cluster.active_director()
    vips = [
        {"address": VIPS[0], "family": "ipv4", "host_prefix": 32, "network": "198.18.0.0/24"},
        {"address": VIPS[1], "family": "ipv6", "host_prefix": 128, "network": "fd00:c612::/64"},
    ]
    instance = {"name": "lvs_50", "vrid": 999, "priority": 300, "vips": vips}
    files = "md5sum /etc/keepalived/keepalived.conf /etc/systemd/system/lvs-sync.service; ipvsadm --list --daemon"
    before = node(director.name).check_output(files)
    said = []

    def do() -> None:
        with pytest.raises(process.LabError) as refusal:
            configure(director, director_vrrp_instances=[instance])
        said.append(" ".join(str(refusal.value).split()))

    seen = measure.under_load("bad configuration", do)
    assert "priority=300" in said[0]
    assert "virtual_router_id=999" in said[0]
    assert node(director.name).check_output(files) == before
    assert seen.unnoticed, seen


def test_changed_configurations_under_load():
    """Two good ones and two bad ones: nobody notices. tools/measure_keepalived.py tries a hundred."""
    outcomes, seen = measure_keepalived.change_under_load(changes=4, invalid=2)
    assert [each.change.valid for each in outcomes].count(True) == 2
    assert [(each.change.kind, each.faults) for each in outcomes if each.faults] == []
    assert seen.requests > 500
    assert seen.unnoticed, seen


def test_systemd_networkd_leaves_the_vips_alone(node):
    """Nobody notices a restart of it on the active director, and nothing that it does removes a VIP."""
    active = next(each for each in DIRECTORS if each.manager == "networkd")
    if cluster.active_director() != active:
        DIRECTOR_FAULTS["handover"].do(cluster.active_director())
    process.wait_until(lambda: cluster.vip_holders() == [active], f"{active.name} to hold the VIP", timeout=10)
    host = node(active.name)
    seen = measure.under_load(
        "restart of systemd-networkd",
        lambda: host.check_output("systemctl restart systemd-networkd.service"),
        after=15,
    )
    assert seen.unnoticed, seen
    changes = host.check_output(
        "ip -oneline monitor address > /tmp/changes & monitor=$!; sleep 2;"
        " systemctl restart systemd-networkd.service; sleep 5;"
        " touch /etc/systemd/network/10-lan.network; networkctl reload; sleep 5;"
        " networkctl reconfigure eth0; sleep 5;"
        " kill $monitor; cat /tmp/changes; rm /tmp/changes"
    )
    # Version 252 took the host's own IPv6 address away for two seconds.
    cluster.wait_whole()
    assert f" {active.address}/" in changes
    assert [line for line in changes.splitlines() if any(f" {vip}/" in line for vip in VIPS)] == []


@pytest.mark.long
def test_director_that_reboots_stays_standby(holders):
    """Nobody preempts: a standby director that reboots takes nothing over, and nobody notices.

    That one which comes back after a power cut does not is a part of another test.
    """
    before = holders(VIPS[0])
    standby = next(node for node in DIRECTORS if node.name not in before)
    seen = measure.under_load(f"reboot of {standby.name}", lambda: fleet.reboot([standby]), after=20)
    assert seen.unnoticed, seen
    assert holders(VIPS[0]) == before


@pytest.mark.parametrize("vip", [VIPS[0], pytest.param(VIPS[1], marks=pytest.mark.long)])
def test_real_server_loses_power(whole_again, vip):
    server = NODES["rs2"]
    seen = measure.under_load(f"power cut of {server.name}", lambda: fleet.kill(server), vip, after=15)
    assert seen.requests > 800
    # Sent later than this after the fault, every request was answered, and at once. It takes 1.7 s.
    assert seen.last_hurt is None or seen.last_hurt < 4, seen
    assert seen.gap < 1.5, seen
    assert seen.held_alive or seen.held_server == server.name
    assert not cluster.in_service(DIRECTORS[:1], server)
    assert not cluster.in_service(DIRECTORS[1:], server)


def test_real_server_dies_in_the_middle_of_health_checks(whole_again, lab):
    """keepalived before 2.3.2 stands still for 5 s and more then, if the directors' packet filter does not help it.

    And 2.2.7 waits for a TLS handshake for a quarter of an hour. On a slow line most of the time one of the checks of
    its four services is under way.
    """
    server = NODES["rs2"]
    lab("link", server.name, "--delay", "60")
    time.sleep(3)  # several rounds of checks
    for director in DIRECTORS:
        fleet.set_clock(director)
    # A director may be too late for two in a row on a busy computer, and makes up for it with the next.
    process.wait_until(lambda: cluster.in_service(DIRECTORS, server), f"{server.name} to be in service", timeout=10)
    at = time.time()
    fleet.kill(server)
    # It takes 1.7 s. To ask a director meanwhile keeps it from its work; later, its journal tells.
    time.sleep(5)
    for director in DIRECTORS:
        # On such a line it may just have been out, by itself.
        told = cluster.journal(director, at - 10)
        events = re.findall(rf"^(\S+) .* (Adding|Removing) service \[{server.address}\]:tcp:443 ", told, re.MULTILINE)
        assert [what for moment, what in events if float(moment) - at < 4][-1:] == ["Removing"], told
        assert not cluster.in_service([director], server)


def test_sorry_server_answers_while_there_is_no_quorum(whole_again, trusting_client):
    """rs3 is the sorry server of the two others, which are needed both. One of them loses its power, and comes back."""
    director = cluster.active_director()
    service = {
        "name": "http",
        "vip": VIPS[0],
        "family": "ipv4",
        "protocol": "tcp",
        "port": 80,
        "scheduler": "mh",
        "check": "http",
        "quorum": 2,
        "sorry_server": str(NODES["rs3"].address),
        "real_servers": [
            {"name": name, "address": str(NODES[name].address), "port": 80, "weight": 1} for name in ("rs1", "rs2")
        ],
    }

    domain = cluster.cluster_facts()["lvs_domain"]
    ask = (
        f"curl --silent --max-time 5 --http1.1 --header 'Connection: close' --resolve {domain}:80:{VIPS[0]} "
        f"--output /dev/null --write-out '%header{{x-real-server}}\\n' 'http://{domain}/lb-ok?[1-12]'"
    )

    def answering() -> set[str]:
        """The real servers that answer, each request on a connection of its own; an empty one where none did."""
        return set(trusting_client.run(ask).stdout.split("\n")[:-1])

    configure(director, director_virtual_services=[service])
    try:
        process.wait_until(lambda: answering() == {"rs1", "rs2"}, "both real servers to answer", timeout=10)
        fleet.kill(NODES["rs1"])
        process.wait_until(lambda: answering() == {"rs3"}, "the sorry server to answer alone", timeout=10)
        fleet.start([NODES["rs1"]])
        process.wait_until(lambda: answering() == {"rs1", "rs2"}, "both real servers to answer again", timeout=30)
    finally:
        configure(director)


# What role real_server has put there, for whoever puts it back.
VIP_ATTRIBUTES = {"198.18.0.100": "scope host", "fd00:c612::100": "nodad preferred_lft 0"}


@pytest.mark.parametrize("vip", [VIPS[0], pytest.param(VIPS[1], marks=pytest.mark.long)])
def test_real_server_that_lost_a_vip_is_out_of_the_services_of_that_vip(whole_again, get, vip):
    server = NODES["rs2"]

    def services(director) -> set[tuple[str, str]]:
        """VIP and port of nginx' services in which a director forwards to the real server."""
        table = process.run(fleet.ssh(director, "ipvsadm --save --numeric"))
        found = re.findall(r"^-a -t \[?(.+?)]?:(80|443) -r \[?(.+?)]?:\d+ ", table, re.MULTILINE)
        return {(of, port) for of, port, address in found if address in (str(server.address), str(server.address6))}

    def wait_for(expected: set[tuple[str, str]], timeout: float) -> None:
        what = f"{server.name} to be in service for {sorted(expected)} on every director"
        process.wait_until(lambda: [services(each) for each in DIRECTORS] == [expected] * 2, what, timeout)

    every = {(each, port) for each in VIPS for port in ("80", "443")}
    wait_for(every, timeout=30)
    place = f"{ipaddress.ip_interface(vip)} dev eth0"
    process.run(fleet.ssh(server, f"ip address del {place}"))
    try:
        wait_for({service for service in every if service[0] != vip}, timeout=8)  # it takes 0.9 s, and to ask both
        answers = [get(f"https://{cluster.cluster_facts()['lvs_domain']}/", vip) for _ in range(12)]
        assert {status for status, _, _ in answers} == {200}
        assert server.name not in {headers["x-real-server"] for _, headers, _ in answers}
    finally:
        process.run(fleet.ssh(server, f"ip address add {place} {VIP_ATTRIBUTES[vip]}"))
    wait_for(every, timeout=10)  # 1.6 s


def test_cluster_comes_back_by_itself_after_all_lost_power(playbook):
    every = [node for node in NODES.values() if node.role != "clients"]
    for node in every:
        fleet.kill(node)
    fleet.start(every)
    deadline = time.monotonic() + 90
    while (result := playbook("verify"))[0] != 0:
        assert time.monotonic() < deadline, result[1]
