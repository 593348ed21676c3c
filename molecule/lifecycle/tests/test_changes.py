# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster is to be another one, and then again what it was: other services, another forwarding method."""

from __future__ import annotations

import json

import pytest

from lab import cluster, conference, fleet, process, topology
from lab.ansible import unfolded

pytestmark = pytest.mark.long

NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]
REAL_SERVERS = [node for node in NODES.values() if node.role == "real_servers"]
DOMAIN = cluster.cluster_facts()["lvs_domain"]
VIPS = cluster.cluster_facts()["lvs_vips"]


def entries(director: topology.Node) -> set[str]:
    """Virtual services and real servers of one director."""
    return set(cluster.table(director).splitlines())


def test_one_more_service(run, trusting_client):
    """What real servers serve on a port of its own is offered on each VIP, and checked; and then no more."""
    port, before = 8800, [entries(director) for director in DIRECTORS]
    services = [
        {"name": "https", "port": 443, "check": "https"},
        {"name": "http", "port": 80, "check": "http"},
        {"name": "extra", "port": port, "check": "http", "check_path": "/"},
    ]
    more = ("-e", json.dumps({"lvs_services": services}))

    def ask(vip: str) -> str:
        place = f"[{vip}]" if ":" in vip else vip
        return trusting_client.run(f"curl --silent --max-time 3 http://{place}:{port}/").stdout.strip()

    assert {ask(vip) for vip in VIPS} == {""}
    serve = (
        "mkdir -p /run/lab-extra && hostname > /run/lab-extra/index.html && systemd-run --quiet --collect"
        f" --unit=lab-extra --working-directory=/run/lab-extra python3 -m http.server --bind :: {port}"
    )
    try:
        for server in REAL_SERVERS:
            process.run(fleet.ssh(server, serve))
        for name in ("preflight", "site", "verify"):
            run(name, *more)
        for director, then in zip(DIRECTORS, before, strict=True):
            added = entries(director) - then
            assert all(f":{port} " in line for line in added)
            assert len([line for line in added if line.startswith("-A ")]) == len(VIPS)
            assert len([line for line in added if line.startswith("-a ")]) == len(VIPS) * len(REAL_SERVERS)
        names = {server.name for server in REAL_SERVERS}
        assert all({ask(vip) for _ in range(24)} == names for vip in VIPS)
        # It is checked: one that serves it no more is out, for this service alone.
        gone = REAL_SERVERS[0]
        process.run(fleet.ssh(gone, "systemctl stop lab-extra.service"))
        own = f" -r {gone.address}:{port} "
        process.wait_until(lambda: not any(own in cluster.table(each) for each in DIRECTORS), "it to be out", 20)
        assert cluster.in_service(DIRECTORS, gone)
    finally:
        for server in REAL_SERVERS:
            process.run(fleet.ssh(server, "systemctl stop lab-extra.service; rm -r -f /run/lab-extra"), check=False)
        run("site")
    conference.wait_whole()
    assert [entries(director) for director in DIRECTORS] == before
    assert {ask(vip) for vip in VIPS} == {""}


def test_nat_and_back(playbook, run, verified, ansible, addresses, get):
    """As docs/runbooks/forwarding.md does it in the lab. Answers come through the director that is active."""
    facts = ("-e", "lvs_forwarding=nat", "-e", "lvs_conference=false")

    def route(ipv4: str, ipv6: str) -> None:
        """Another default route for all real servers."""
        for command in (f"ip route replace default via {ipv4}", f"ip -6 route replace default via {ipv6}"):
            status, out = ansible("ansible", "real_servers", "-m", "ansible.builtin.command", "-a", command)
            assert status == 0, out
            assert out.count(" | CHANGED ") == len(REAL_SERVERS), out

    def holding_vips() -> list[str]:
        return [
            server.name for server in REAL_SERVERS if {entry["local"] for entry in addresses(server.name)} & set(VIPS)
        ]

    def answering() -> set[str]:
        answers = [get(f"https://{DOMAIN}/lb-ok", vip) for vip in VIPS for _ in range(12)]
        assert {status for status, _, _ in answers} == {200}
        return {headers["x-real-server"] for _, headers, _ in answers}

    names = {server.name for server in REAL_SERVERS}
    assert holding_vips() == sorted(names)
    try:
        run("site", *facts)
        status, out = playbook("verify", *facts)
        assert status != 0
        assert "and not to the active director" in unfolded(out)
        route("198.18.0.90", "fd00:c612::90")
        verified(*facts)
        assert holding_vips() == []
        for director in DIRECTORS:
            lines = [line for line in entries(director) if line.startswith("-a ")]
            assert lines
            assert all(" -m " in line for line in lines), lines
        assert answering() == names
        run("site")
        route("198.18.0.254", "fd00:c612::fe")
    except BaseException:
        # Whatever their routes are, a boot brings the old ones back.
        for server in REAL_SERVERS:
            fleet.kill(server)
        fleet.start(REAL_SERVERS)
        run("site")
        raise
    conference.wait_whole()
    verified()
    assert holding_vips() == sorted(names)
    assert not any(" -m " in line for director in DIRECTORS for line in entries(director))
    assert answering() == names
    # They go on routing until they boot.
    fleet.reboot([cluster.active_director()])
    cluster.wait_whole()
    fleet.reboot([director for director in DIRECTORS if director != cluster.active_director()])
    conference.wait_whole()
    assert [process.run(fleet.ssh(each, "cat /proc/sys/net/ipv4/ip_forward")) for each in DIRECTORS] == ["0\n"] * 2
