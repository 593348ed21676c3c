# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/drill.yml breaks what it says, reports what another client notices as well, and makes it good."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import cluster, fleet, measure, process, topology
from lab.ansible import kept_python, unfolded

pytestmark = pytest.mark.long

NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]
DOMAIN = cluster.cluster_facts()["lvs_domain"]
VIPS = cluster.cluster_facts()["lvs_vips"]
LOCK = "/var/lib/lautan-operation"
MEANT = ["-e", f"confirm={DOMAIN}", "-e", json.dumps({"drill_window": ["Mon-Sun 00:00-24:00"]})]


def locks() -> list[str]:
    return [process.run(fleet.ssh(director, f"cat {LOCK} 2> /dev/null || :")) for director in DIRECTORS]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "drills.jsonl"


@pytest.fixture
def drill(playbook, log):
    """Run a drill; returns its exit status and output."""
    return lambda *arguments: playbook("drill", "-e", f"log={log}", *arguments)


def test_a_director_and_a_real_server(drill, log, ansible):
    """Another client has noticed the same. Later, the reports make the same table again."""
    before, victim, results = cluster.active_director(), "rs1", []
    words = [*MEANT, "-e", "fault=keepalived-stopped,nginx-stopped", "-e", "drill_seconds=8"]
    seen = measure.under_load("drill", lambda: results.append(drill(*words)), interval=0.1)
    print(f"\ndrill: {seen}")
    status, out = results[0]
    assert status == 0, out
    director, server = (json.loads(line) for line in log.read_text().splitlines())

    assert (director["fault"], director["victim"]) == ("keepalived-stopped", before.name)
    (other,) = (each.name for each in DIRECTORS if each != before)
    assert director["before"] == {vip: [before.name] for vip in VIPS}
    assert director["after"] == {vip: [other] for vip in VIPS}
    # They may have moved since, together.
    together = [{vip: [name] for vip in VIPS} for name in (before.name, other)]
    assert server["before"] in together
    assert server["after"] in together
    assert (director["load"]["failed"], director["load"]["held"]) == (0, "alive")
    row = re.compile(rf"^ *keepalived-stopped +{before.name} +{before.name} -> {other} .* well$", re.MULTILINE)
    assert row.search(out)
    lines = f"lookup('ansible.builtin.file', '{log}').splitlines() | map('from_json') | lautan.lvs.drill_lines"
    table = ["-m", "ansible.builtin.debug", "-a", "msg={{ " + lines + " | join('\\n') }}"]
    status, again = ansible("ansible", "localhost", *table)
    assert status == 0, again
    # The last in what it printed: before, there is the report of the first fault alone, whose columns may be narrower.
    assert row.search(again).group().strip() == row.findall(out)[-1].strip()

    assert (server["fault"], server["victim"]) == ("nginx-stopped", victim)
    answers = [set(each["answered"]) for each in server["load"]["seconds"]]
    assert any(victim not in names and len(names) == 2 for names in answers)
    assert victim in answers[0] | answers[1]
    assert victim in set().union(*answers[-4:])

    longest = max(each["load"]["gap"] for each in (director, server))
    assert abs(seen.gap - longest) < 0.7, (seen, longest)
    failed = server["load"]["failed"]
    assert failed > 0
    assert seen.failed <= failed + 2, (seen, failed)  # this client asks half as often
    for each in (director, server):
        assert 8 <= each["whole"] < 120
        assert each["missed"] == []
    assert locks() == ["", ""]
    cluster.wait_whole()


def test_every_fault(drill, log):
    """Each that is possible happens, and the cluster is whole after each."""
    status, out = drill(*MEANT, "-e", "fault=all", "-e", "drill_seconds=8")
    print(out.rpartition("TASK [Tell what clients have noticed]")[2])
    assert status == 0, out
    reports = [json.loads(line) for line in log.read_text().splitlines()]
    happened = {(each["fault"], NODES[each["victim"]].role) for each in reports if not each["skipped"]}
    assert happened == {
        *((name, "directors") for name in ("keepalived-stopped", "keepalived-killed", "adverts-lost")),
        *((name, "real_servers") for name in ("nginx-stopped", "frozen", "janus-killed")),
        *((name, role) for name in ("cable", "reboot") for role in ("directors", "real_servers")),
        ("crash", "directors"),  # containers have no kernel that could
    }
    assert re.search(r"^ *crash +rs1 .*left out", out, re.MULTILINE)
    assert all(each["missed"] == [] for each in reports)
    assert locks() == ["", ""]
    cluster.wait_whole()


def test_it_must_be_meant_and_be_the_time_for_it(drill):
    """All reasons at once, before any host is asked."""
    status, out = drill("-e", "fault=crash,fire")
    assert status != 0
    out = unfolded(out)
    assert f"say that you mean this cluster with -e confirm={DOMAIN}" in out
    assert "the inventory has no hours for drills; -e force=true for now" in out
    assert "fault=fire: is none of keepalived-stopped, " in out
    assert "PLAY [Directors]" not in out


def test_nobody_may_be_in_rooms(drill, person, log):
    someone = person("Alice", "alice")
    someone.enter("class-1a")
    status, out = drill(*MEANT, "-e", "fault=reboot")
    assert status != 0
    assert "Nothing was broken, as people are in rooms: class-1a." in unfolded(out)
    assert not log.exists()
    assert locks() == ["", ""]


def start(log: Path, *arguments: str) -> subprocess.Popen:
    """Start a drill whose controller can be killed."""
    command = [str(topology.ROOT / ".venv/bin/ansible-playbook"), "playbooks/drill.yml", "-e", f"log={log}", *arguments]
    with open(log.with_suffix(".out"), "wb") as out:
        return subprocess.Popen(
            command,
            cwd=topology.ROOT,
            env=os.environ | kept_python(),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def test_the_controller_dies_while_something_is_broken(playbook, log, tmp_path, monkeypatch):
    """The host makes it good by itself, and others are told who was at work."""
    victim, director = NODES["rs3"], cluster.active_director()
    controller = start(log, *MEANT, "-e", "fault=cable", "-e", f"host={victim.name}", "-e", "drill_seconds=15")
    try:
        process.wait_until(
            lambda: controller.poll() is not None or not cluster.in_service([director], victim),
            f"{victim.name} to be out of service",
            timeout=150,
            interval=1,
        )
        at = time.time()
        assert controller.poll() is None, log.with_suffix(".out").read_text()
        # Nothing gets through to it.
        assert not process.succeeds(fleet.ssh(victim, "true"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(controller.pid, signal.SIGKILL)
        controller.wait()
        # The load would go on for some minutes.
        process.run(fleet.ssh(NODES["client"], "rm -f /tmp/lautan-drill-*"))
    process.wait_until(lambda: cluster.in_service([director], victim), f"{victim.name} to be back", 60, interval=1)
    assert time.time() - at < 45
    assert process.run(fleet.ssh(victim, "nft list tables; systemctl is-active lautan-drill || :")).count("drill") == 0
    assert not log.exists()

    # Another operator, on another controller.
    (tmp_path / "hostname").write_text("#!/bin/sh\necho desk\n")
    (tmp_path / "hostname").chmod(0o755)
    with monkeypatch.context() as other:
        other.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        status, told = playbook("drain", "-e", "host=rs1")
    assert status != 0
    assert re.search(r"\S+@\S+ is at work: drill cable, for \d+ min\. Nothing was changed\.", unfolded(told))
    assert ["drill cable" in lock for lock in locks()] == [True, True]
    for each in DIRECTORS:
        process.run(fleet.ssh(each, f"rm {LOCK}"))
    cluster.wait_whole()
