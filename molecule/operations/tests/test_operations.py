# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations of the runbooks, while a client sends requests and people see each other. Each leaves the cluster whole.

Limits of time are wide: they tell an operation that goes on unnoticed from one that does not. The figures to quote are
in docs/figures.md.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from lab import cluster, conference, fleet, process, topology
from lab.ansible import unfolded
from lab.cluster import weights

ROOM = "class-1a"  # that of the fixture `people`
NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]


def connections(server: topology.Node) -> list[str]:
    """The other ends of the connections that clients have to the VIPs of a real server."""
    said = process.run(fleet.ssh(server, "ss --no-header --tcp --numeric state established"))
    vips = cluster.cluster_facts()["lvs_vips"]
    ends = [[end.rpartition(":")[0].strip("[]") for end in line.split()[-2:]] for line in said.splitlines()]
    return [peer for local, peer in ends if local in vips and peer not in vips]


@pytest.fixture
def none_stays_drained(run):
    """Whatever becomes of a test, its real server is not the next one's trouble."""
    yield
    for server in (node for node in NODES.values() if node.role == "real_servers"):
        if 0 in weights(DIRECTORS[0], server):
            run("undrain", "-e", f"host={server.name}", "-e", "break_lock=true")


def test_drain_and_undrain(run, unnoticed, none_stays_drained, people):
    """The real server that has the people's room is taken out of service, reboots, and is taken back."""
    server = conference.owner(ROOM)
    said: list[str] = []

    def drain() -> None:
        said.append(run("drain", "-e", f"host={server.name}", "-e", "reason='siti, new disk'"))

    unnoticed(f"drain {server.name}", drain, people)
    assert [weights(director, server) for director in DIRECTORS] == [{0}, {0}]
    assert connections(server) == []
    assert conference.owner(ROOM) != server
    assert conference.wait_until_together(ROOM, ["Alice", "Bob"]) != server.name
    # The countdown has told of none in the end; before the first look, people may have followed their room already.
    assert "0 people in rooms, 0 connections" in said[0]
    told = [process.run(fleet.ssh(director, f"cat /etc/keepalived/drain_{server.name}")) for director in DIRECTORS]
    assert told == ["-1 siti, new disk\n"] * 2

    # So that no browser keeps the processors busy. How people follow a room back is tried in the scenario conference.
    for someone in people:
        someone.leave()
    # It stays drained: keepalived reads its configuration again, and the real server reboots.
    process.run(fleet.ssh(DIRECTORS[0], "systemctl reload keepalived.service"))
    fleet.reboot([server])
    assert conference.owner(ROOM) != server
    process.wait_until(lambda: weights(DIRECTORS[0], server) == {0}, f"{server.name} to be healthy again", timeout=30)

    unnoticed(f"undrain {server.name}", lambda: run("undrain", "-e", f"host={server.name}"))
    assert [weights(director, server) for director in DIRECTORS] == [{1}, {1}]
    assert conference.owner(ROOM) == server


def test_too_few_would_be_left(playbook):
    """Nothing is drained, and the reason is told of each service."""
    status, out = playbook("drain", "-e", "host=rs1", "-e", "minimum=3")
    assert status != 0
    assert "2 other real servers in service, and minimum=3" in unfolded(out)
    assert [weights(director, NODES["rs1"]) for director in DIRECTORS] == [{1}, {1}]


@pytest.mark.parametrize("host", ["rs9", "director1", ""])
def test_host_that_is_no_real_server(playbook, host):
    status, out = playbook("drain", "-e", f"host={host}")
    assert status != 0
    assert f"host={host}: is not a real server; those are rs1, rs2, rs3." in unfolded(out)


def test_somebody_else_is_at_work(playbook):
    lock = {"owner": "siti@desk", "process": "1 Thu Jan 1 00:00:00 1970", "since": time.time() - 600, "name": "update"}
    # One director knows; the other one must not be left with a lock of who was refused.
    here, there = DIRECTORS
    process.run(fleet.ssh(there, "cat > /var/lib/lautan-operation"), stdin=json.dumps(lock))
    try:
        status, out = playbook("drain", "-e", "host=rs1")
        left = process.run(fleet.ssh(here, "ls /var/lib/lautan-operation || :"))
        kept = json.loads(process.run(fleet.ssh(there, "cat /var/lib/lautan-operation")))
    finally:
        process.run(fleet.ssh(there, "rm /var/lib/lautan-operation"))
    assert (left, kept) == ("", lock)
    assert status != 0
    assert re.search(r"siti@desk is at work: update, for 1[01] min\. Nothing was changed\.", unfolded(out))
    assert [weights(director, NODES["rs1"]) for director in DIRECTORS] == [{1}, {1}]


def test_switchover(run, unnoticed):
    """Whichever director stands by takes over."""
    active, began = cluster.active_director(), time.time()
    unnoticed("switchover", lambda: run("switchover"))
    assert cluster.switched_over(active, began)


@pytest.mark.long
def test_switchover_to_a_director_and_home(run, unnoticed):
    """The first director is the home of the VIPs, which have been taken away from there. Twice is as good as once."""
    home, away = DIRECTORS
    run("switchover", "-e", f"to={home.name}")
    for to, goal in ((away.name, away), ("home", home)):
        assert cluster.active_director() != goal
        unnoticed(f"switchover to {to}", lambda to=to: run("switchover", "-e", f"to={to}"))
        assert cluster.active_director() == goal
        assert "nothing was changed." in unfolded(run("switchover", "-e", f"to={to}"))
        assert cluster.active_director() == goal


def test_status(playbook, run, tmp_path):
    """rs1 was drained by hand, and its rooms were forgotten: it is shown, and the command ends with an error."""
    files = {what: tmp_path / f"status.{what}" for what in ("json", "html")}
    holder = cluster.active_director().name
    for director in DIRECTORS:
        process.run(fleet.ssh(director, "echo '-1 siti, new disk' > /etc/keepalived/drain_rs1"))
    try:
        arguments = [word for what, file in files.items() for word in ("-e", f"{what}={file}")]
        status, out = playbook("status", *arguments)
    finally:
        for director in DIRECTORS:
            process.run(fleet.ssh(director, "echo 0 > /etc/keepalived/drain_rs1"))
    assert status != 0
    fault = "rs1: is drained, but takes rooms: run playbooks/drain.yml or playbooks/undrain.yml again"
    assert f"! {fault}" in out
    told = json.loads(files["json"].read_text())
    assert (told["ok"], told["faults"]) == (False, [fault])
    # VIPs may have moved meanwhile, once.
    assert [(vip["address"], vip["holders"]) for vip in told["vips"]] in (
        [(vip, [name]) for vip in cluster.cluster_facts()["lvs_vips"]]
        for name in (holder, cluster.active_director().name)
    )
    servers = {each["name"]: (each["state"], each["reason"]) for each in told["real_servers"]}
    assert servers == {"rs1": ("drained", "siti, new disk"), "rs2": ("in service", ""), "rs3": ("in service", "")}
    assert {
        (server["name"], server["weight"]) for service in told["services"] for server in service["real_servers"]
    } == {("rs1", 0), ("rs2", 1), ("rs3", 1)}
    assert {room["name"] for room in told["rooms"]} == set(conference.rooms())
    page = files["html"].read_text()
    assert fault in page
    # It is a page of its own: nothing is loaded.
    assert not re.search(r"<script|<link|<img|url\(|src=|href=", page)

    # As soon as it takes connections again, all is well.
    every = [{1}] * len(DIRECTORS)
    process.wait_until(lambda: [weights(each, NODES["rs1"]) for each in DIRECTORS] == every, "rs1 to be back", 20)
    before = cluster.active_director().name
    out = run("status")
    holder = rf"({before}|{cluster.active_director().name})"
    assert "No fault." in out
    assert re.search(rf"^ *https://{cluster.cluster_facts()['lvs_domain']}/ +OK ", out, re.MULTILINE), out
    for vip in cluster.cluster_facts()["lvs_vips"]:
        assert re.search(rf"^ *VIP {re.escape(vip)} +{holder} since ", out, re.MULTILINE), out


# What each host gets a newer version of. Their programs are stopped and started by it.
NEWER = {"directors": ["keepalived"], "real_servers": ["nginx", "janus", "coturn"]}
# Makes an archive of packages on a node, with those that it has, under a higher version. It is the only one for some
# time: nothing else is upgraded, and nobody far away has to answer.
ARCHIVE = """
set -e
rm -rf /srv/lautan-test
mkdir -p /srv/lautan-test
cd /srv/lautan-test
for package in PACKAGES; do
    # What is known is an earlier run's archive, which is gone, if there was one.
    [ -n "$(apt-cache madison $package)" ] || apt-get update --quiet > /dev/null
    # Not the one that an earlier run has made, which no archive has.
    version=$(apt-cache madison $package | cut -d '|' -f 2 | tr -d ' ' | head -n 1)
    apt-get download --quiet $package=$version 2> /dev/null
done
for package in *.deb; do
    dpkg-deb --raw-extract $package tree
    sed -i 's/^Version: .*/&+SUFFIX/' tree/DEBIAN/control
    rm $package
    dpkg-deb -Znone --root-owner-group --build tree ${package%%_*}.deb > /dev/null
    rm -r tree
done
for package in *.deb; do
    dpkg-deb --field $package
    echo "Filename: ./$package"
    echo "Size: $(stat --format=%s $package)"
    echo "SHA256: $(sha256sum $package | cut -d ' ' -f 1)"
    echo
done > Packages
mkdir /etc/apt/lautan-away
find /etc/apt/sources.list /etc/apt/sources.list.d -type f -exec mv -t /etc/apt/lautan-away {} +
echo 'deb [trusted=yes] file:/srv/lautan-test ./' > /etc/apt/sources.list
"""
AWAY = """
set -e
rm -r /srv/lautan-test /etc/apt/sources.list
find /etc/apt/lautan-away -type f -name sources.list -exec mv -t /etc/apt {} +
find /etc/apt/lautan-away -type f -exec mv -t /etc/apt/sources.list.d {} +
rmdir /etc/apt/lautan-away
"""


@pytest.fixture
def newer_packages():
    """An archive of newer packages on every host; returns the end of their versions."""
    hosts = [node for node in NODES.values() if node.role in NEWER]
    suffix = f"newer{time.time():.0f}"
    for host in hosts:
        script = ARCHIVE.replace("PACKAGES", " ".join(NEWER[host.role])).replace("SUFFIX", suffix)
        process.run(fleet.ssh(host, script))
    yield suffix
    for host in hosts:
        process.run(fleet.ssh(host, AWAY))


@pytest.mark.long
@pytest.mark.parametrize("stops", [False, True])
def test_rolling_update(playbook, run, unnoticed, newer_packages, stops):
    """Every host gets newer packages, one after the other. Nobody notices, nor that directors switch over for it.

    Or the third host's archive is damaged: the update stops there, and the next one goes on when that is mended, and
    may reboot what needs it.
    """
    third = NODES["rs1"]
    damage = (
        "cd /srv/lautan-test && cp Packages good && sed --in-place 's/^SHA256: ......../SHA256: 00000000/' Packages"
    )
    if stops:
        process.run(fleet.ssh(third, damage))

    def update() -> None:
        active, began = cluster.active_director(), time.time()
        if stops:
            status, out = playbook("update", "-e", "reboot=never")
            assert status != 0
            why = r"rs1: packages could not be brought up to date: .* the others serve\."
            assert re.search(why, unfolded(out))
            assert cluster.switched_over(active, began)
            active, began = cluster.active_director(), time.time()
            states = {name: frozenset(weights(active, NODES[name])) for name in ("rs1", "rs2", "rs3")}
            assert states == {"rs1": frozenset({0}), "rs2": frozenset({1}), "rs3": frozenset({1})}
            process.run(fleet.ssh(third, "cd /srv/lautan-test && cp good Packages"))
        run("update", *([] if stops else ["-e", "reboot=never"]))
        assert cluster.switched_over(active, began)

    unnoticed("update", update)
    for host in (node for node in NODES.values() if node.role in NEWER):
        show = "dpkg-query --show --showformat '${Version}\\n' " + " ".join(NEWER[host.role])
        versions = process.run(fleet.ssh(host, show)).split()
        assert len(versions) == len(NEWER[host.role])
        assert all(version.endswith(newer_packages) for version in versions), versions
    cluster.wait_whole()
    assert all(process.run(fleet.ssh(director, "ls /var/lib/lautan-operation || :")) == "" for director in DIRECTORS)
    assert {frozenset(weights(director, NODES[name])) for director in DIRECTORS for name in ("rs1", "rs2", "rs3")} == {
        frozenset({1})
    }


@pytest.mark.long
def test_reboot(run, unnoticed):
    """Every host boots anew, one after the other, and directors switch over for it."""
    hosts = [node for node in NODES.values() if node.role in NEWER]
    ask = "systemctl show --value --property=UserspaceTimestamp"  # a container has its kernel's other moments

    def boots() -> list[str]:
        return [process.run(fleet.ssh(host, ask)).strip() for host in hosts]

    active, before, began = cluster.active_director(), boots(), time.time()
    unnoticed("reboot", lambda: run("reboot"))
    after = boots()
    assert "" not in before + after
    assert [host.name for host, then, now in zip(hosts, before, after, strict=True) if then == now] == []
    assert cluster.switched_over(active, began)
    cluster.wait_whole()
    servers = [node for node in hosts if node.role == "real_servers"]
    assert [weights(director, server) for director in DIRECTORS for server in servers] == [{1}] * 2 * len(servers)
    assert all(process.run(fleet.ssh(director, "ls /var/lib/lautan-operation || :")) == "" for director in DIRECTORS)


@pytest.mark.long
def test_another_release_of_debian(playbook, run, unnoticed, verified):
    """Directors go from Debian 12 to 13. The lab must be made anew afterwards; so this comes last."""
    ask = ". /etc/os-release && echo $VERSION_CODENAME"
    if {process.run(fleet.ssh(director, ask)).strip() for director in DIRECTORS} != {"bookworm"}:
        pytest.skip("this lab does not run Debian 12 (LAB_RELEASE)")
    status, out = playbook("update", "-e", "release=forky")
    assert status != 0
    assert "runs bookworm, and was not touched. After it comes trixie." in unfolded(out)

    def upgrade() -> None:
        run("update", "-e", "release=trixie")
        run("site")

    unnoticed("release", upgrade)
    for director in DIRECTORS:
        assert process.run(fleet.ssh(director, ask)).strip() == "trixie"
        assert process.run(fleet.ssh(director, "dpkg-query -W -f '${Version}' keepalived")).startswith("1:2.3.")
    assert process.run(fleet.ssh(NODES["rs1"], ask)).strip() == "bookworm"
    cluster.wait_whole()
    verified()
