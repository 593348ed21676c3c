# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/benchmark.yml measures all ways, leaves hosts as they were, and shows what disturbed it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time

import pytest

from lab import cluster, fleet, process, topology
from lab.ansible import unfolded

NODES = topology.nodes()
HOSTS = [node for node in NODES.values() if node.role in ("directors", "real_servers", "clients")]
LOCK = "/var/lib/lautan-operation"
# What a benchmark touches, as programs say that know nothing of it. Counters and weights are none of its doing.
LOOK = """
command -v ipvsadm > /dev/null && ipvsadm --save --numeric | sed 's/ -w [0-9]*$//' | sort
command -v nft > /dev/null && nft --terse --stateless list ruleset
ss --no-header --tcp --listening --numeric | awk '{ print $4 }' | sort
tc qdisc show
ip rule show
ip -4 route show table all | grep -v ' table local '
sysctl --all --pattern 'ipv4.conf.*forwarding'
dpkg-query --show
ls -d /run/lautan-benchmark /var/lib/lautan-benchmark 2> /dev/null
systemctl list-units --plain --no-legend --all 'lautan-benchmark*'
cat /var/lib/lautan-operation 2> /dev/null
true
"""


def look() -> dict[str, list[str]]:
    return {host.name: process.run(fleet.ssh(host, "sh -s"), stdin=LOOK).splitlines() for host in HOSTS}


def measure(playbook, place, *words: str) -> tuple[int, str, dict]:
    status, out = playbook("benchmark", "-e", f"report={place}", *words)
    results = place / "results.json"
    return status, out, json.loads(results.read_text()) if results.exists() else {}


@pytest.fixture(scope="module")
def before():
    cluster.wait_whole()
    # What hosts did in a run is told from their clocks, which a playbook that rebooted some has not set.
    for host in HOSTS:
        fleet.set_clock(host)
    return look()


def test_quick(playbook, before, tmp_path):
    begin = time.time()
    status, out, results = measure(playbook, tmp_path)
    seconds = time.time() - begin
    print(f"\nquick: {seconds:.0f} s")
    assert status == 0, out
    assert seconds < 360, "quick is to take less than five minutes, on a machine with nothing else to do"

    assert {path.name for path in tmp_path.iterdir()} >= {"index.html", "results.csv", "results.json", "summary.txt"}
    # By what, how, and with how many real servers: each in all rounds.
    samples = results["samples"]
    ways = {(each["workload"], each["path"], each["servers"]) for each in samples if each["round"] == 3}
    assert ways == {(each["workload"], each["path"], each["servers"]) for each in samples if each["round"] == 1}
    for workload in ("small", "download"):
        assert {way[1] for way in ways if way[0] == workload} == {"direct", "dr", "nat", "haproxy", "nginx"}
    assert {way[2] for way in ways if way[:2] == ("download", "dr")} == {1, 2, 3}
    assert {way[0] for way in ways} == {"small", "download", "connect", "tls", "signalling"}
    assert [each for each in samples if each["error"] or not each["answered"]] == []
    failed = {f"{each['workload']} {each['path']}": each["failed"] for each in samples if each["failed"]}
    assert sum(failed.values()) * 1000 < sum(each["answered"] for each in samples), failed

    # All of its real servers answered, and those of a witness are known of every host.
    for each in samples:
        assert {"load", "director", "rs1", "rs2", "rs3"} <= set(each["busy"]), each
        if each["path"] != "direct" and each["workload"] in ("small", "download"):
            assert len(each["by_server"]) == each["servers"], each
    # With direct routing, what clients get does not go through the director; with the others it does.
    share = {
        path: [s["director_bytes"] / s["bytes"] for s in samples if (s["workload"], s["path"]) == ("download", path)]
        for path in ("dr", "nat", "haproxy", "nginx")
    }
    # What a host sent is known four times a second, and a run lasts one: these shares are no figures, but far apart.
    assert max(share.pop("dr")) < 0.2, share
    assert min(min(each) for each in share.values()) > 0.5, share
    assert before == look()
    cluster.wait_whole()


@pytest.mark.long
def test_it_can_be_taken_away_by_itself(playbook, before):
    """A controller that dies leaves everything; -e only=restore takes it away, however often."""
    command = [str(topology.ROOT / ".venv/bin/ansible-playbook"), "playbooks/benchmark.yml"]
    run = subprocess.Popen(command, cwd=topology.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = NODES["rs1"]
    try:
        process.wait_until(
            lambda: process.succeeds(fleet.ssh(server, "systemctl is-active --quiet lautan-benchmark-web")),
            "a benchmark to have begun",
            timeout=240,
            interval=1,
        )
    finally:
        run.kill()
        run.wait()
    assert look() != before
    # From the same controller: it is known that the one before has gone.
    for changes in (True, False):
        status, out = playbook("benchmark", "-e", "only=restore")
        assert status == 0, out
        assert ("changed=0" not in next(line for line in out.splitlines() if line.startswith("rs1 "))) is changes
        assert look() == before


def test_nothing_is_measured_that_cannot_be(playbook, before):
    words = ["-e", "profile=slow", "-e", "benchmark_port=80", "-e", json.dumps({"benchmark_leave_out": ["dr"]})]
    status, out = playbook("benchmark", *words)
    assert status != 0
    out = unfolded(out)
    assert "profile=slow: is none of quick, full" in out
    assert "benchmark_port=80: must be 1024 to 65535" in out
    assert "benchmark_leave_out: dr is none of" in out
    assert "PLAY [Directors]" not in out
    assert look() == before


SMALL = {
    "quick": {
        "rounds": 3,
        "seconds": 2,
        "warmup": 1,
        "closed": {"small": ["direct", "dr"], "download": ["dr"]},
        "open": {},
    }
}


@pytest.mark.long
def test_a_slow_real_server_shows(playbook, lab, before, tmp_path):
    lab("link", "rs2", "--rate", "8")
    try:
        status, out, results = measure(
            playbook, tmp_path, "-e", json.dumps({"benchmark_profiles": SMALL}), "-e", "note='rs2 has a slow link'"
        )
    finally:
        lab("restore", "rs2")
    assert status == 0, out
    assert results["made"]["notes"][0] == "rs2 has a slow link"
    summary = (tmp_path / "summary.txt").read_text()
    assert "rs2 has a slow link" in summary
    assert "rs2 answered " in summary
    assert look() == before


@pytest.mark.long
def test_a_noisy_neighbour_shows(playbook, before, tmp_path):
    """Somebody takes the whole machine in the second round."""
    noise = "import time; time.sleep({}); end = time.time() + 600\nwhile time.time() < end: pass"
    burners = [subprocess.Popen([sys.executable, "-c", noise.format(90)]) for _ in range(4)]
    try:
        status, out, _results = measure(playbook, tmp_path, "-e", json.dumps({"benchmark_profiles": SMALL}))
    finally:
        for burner in burners:
            with contextlib.suppress(ProcessLookupError):
                burner.kill()
            burner.wait()
    assert status == 0, out
    summary = (tmp_path / "summary.txt").read_text()
    assert "Noise" in summary or "too noisy" in summary
    assert look() == before
