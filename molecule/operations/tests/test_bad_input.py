# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators are told when an operation cannot be, and that the cluster serves meanwhile.

An update whose third host fails is in test_operations.py: it takes long to get there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lab import cluster, fleet, measure, process, topology
from lab.ansible import AS_OPERATORS, unfolded
from lab.cluster import weights

pytestmark = pytest.mark.long

NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]
LOCK = "/var/lib/lautan-operation"


@pytest.fixture(scope="session")
def ansible_settings() -> dict[str, str]:
    """Those of operators: what ends after a task or two is not worth what it takes to keep Python running."""
    return AS_OPERATORS


def test_switchover_to_a_dead_director(playbook, lab):
    """It is said of whom, the other one serves on, and is not locked."""
    active = cluster.active_director()
    dead = next(director for director in DIRECTORS if director != active)
    results = []

    def do() -> None:
        lab("cut", dead.name)
        results.append(playbook("switchover", "-e", f"to={dead.name}"))

    try:
        seen = measure.under_load("switchover to a dead director", do, after=1, interval=0.1)
        assert cluster.active_director() == active
        left = process.run(fleet.ssh(active, f"ls {LOCK} || :"))
    finally:
        lab("restore", dead.name)
        cluster.wait_whole()
    assert results[0][0] != 0
    assert "There can be no switchover:" in results[0][1]
    assert f"{dead.name}: does not answer on ssh" in unfolded(results[0][1])
    assert left == ""
    assert seen.unnoticed, seen


def test_drain_of_a_dead_real_server_without_a_director(playbook, run, lab):
    """An operator has to say that the director does not matter. The other one is told, and undrain tells both."""
    active, server = cluster.active_director(), NODES["rs3"]
    (dead,) = [director for director in DIRECTORS if director != active]
    try:
        for node in (dead, server):
            lab("cut", node.name)
        status, out = playbook("drain", "-e", f"host={server.name}")
        assert status != 0
        assert f"{dead.name} does not answer on ssh, and would not know." in unfolded(out)
        assert not drained(active, server)
        out = run("drain", "-e", f"host={server.name}", "-e", "force=true")
        assert re.search(rf"{server.name} is drained( \(.+?\))?, and does not answer on ssh\.", unfolded(out))
        assert drained(active, server)
    finally:
        for node in (server, dead):
            lab("restore", node.name)
        process.wait_until(lambda: process.succeeds(fleet.ssh(dead, "true")), f"{dead.name} to answer", timeout=60)
        run("undrain", "-e", f"host={server.name}")
        cluster.wait_whole()
    assert {frozenset(weights(director, server)) for director in DIRECTORS} == {frozenset({1})}


# Operations, with what they are told. Drain is in test_operations.py, where one director only knows of somebody.
OPERATIONS = {
    "update": [],
    "switchover": [],
    "site": [],
    "drill": ["-e", "fault=reboot", "-e", f"confirm={cluster.cluster_facts()['lvs_domain']}", "-e", "force=true"],
}


@pytest.fixture
def somebody_at_work():
    """Somebody else's lock on all directors."""
    lock = {
        "owner": "siti@desk",
        "process": "1 Thu Jan 1 00:00:00 1970",
        "since": time.time() - 600,
        "name": "drain rs1",
    }
    for director in DIRECTORS:
        process.run(fleet.ssh(director, f"cat > {LOCK}"), stdin=json.dumps(lock))
    yield lock
    for director in DIRECTORS:
        process.run(fleet.ssh(director, f"rm {LOCK}"))


def test_two_operators_at_once(playbook, somebody_at_work):
    """Each operation refuses, and changes nothing."""
    active = cluster.active_director()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: playbook(name, *OPERATIONS[name]), OPERATIONS))
    for name, (status, out) in zip(OPERATIONS, results, strict=True):
        assert status != 0, name
        assert "siti@desk is at work: drain rs1, for " in unfolded(out), (name, out)
        assert "changed: [" not in out, name
    kept = [json.loads(process.run(fleet.ssh(director, f"cat {LOCK}"))) for director in DIRECTORS]
    assert kept == [somebody_at_work] * len(DIRECTORS)
    assert cluster.active_director() == active


@contextmanager
def controller_without_network():
    """No ssh from this machine to any host of the cluster."""
    rules = """
        table inet lautan_test_cut {
            chain out { type filter hook output priority 0; ip daddr LAN tcp dport 22 drop; }
        }
    """
    process.run(["nft", "-f", "-"], stdin=rules.replace("LAN", str(topology.LAN.ipv4)))
    try:
        yield
    finally:
        process.run(["nft", "delete", "table", "inet", "lautan_test_cut"])


def drained(director: topology.Node, server: topology.Node) -> bool:
    return process.run(fleet.ssh(director, f"cat /etc/keepalived/drain_{server.name} || :")).startswith("-1")


def test_the_controller_loses_its_network_in_the_middle_of_a_drain(playbook, tmp_path):
    """The playbook ends, the cluster serves, and undrain goes on from wherever it has come to."""
    server, ended = NODES["rs2"], []
    command = [str(topology.ROOT / ".venv/bin/ansible-playbook"), "playbooks/drain.yml", "-e", f"host={server.name}"]

    def do() -> None:
        with open(tmp_path / "out", "wb") as out:
            drain = subprocess.Popen(command, cwd=topology.ROOT, stdout=out, stderr=out, start_new_session=True)
        try:
            process.wait_until(lambda: drained(DIRECTORS[0], server), f"{DIRECTORS[0].name} to be told", timeout=90)
            with controller_without_network():
                # It notices by itself that nobody answers any more.
                ended.append(drain.wait(timeout=120))
        finally:
            if drain.poll() is None:
                os.killpg(drain.pid, signal.SIGKILL)
                drain.wait()

    try:
        seen = measure.under_load("drain without network", do, after=1, interval=0.1)
        names = [json.loads(process.run(fleet.ssh(director, f"cat {LOCK}")))["name"] for director in DIRECTORS]
    finally:
        status, out = playbook("undrain", "-e", f"host={server.name}")
    assert status == 0, out
    assert ended[0] != 0, (tmp_path / "out").read_text()
    assert names == [f"drain {server.name}"] * len(DIRECTORS)
    assert seen.unnoticed, seen
    assert not any(drained(director, server) for director in DIRECTORS)
    assert [process.run(fleet.ssh(director, f"ls {LOCK} || :")) for director in DIRECTORS] == ["", ""]
    cluster.wait_whole()
