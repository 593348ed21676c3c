#!/usr/bin/env python3
# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure lautan.lvs.ipvs_table on a director of the lab: what its changes cost, and whether a client notices them.

Needs a lab on which playbooks/site.yml ran.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from lab import cluster, fleet, measure, process, topology  # noqa: E402
from lab.ansible import in_namespace, play  # noqa: E402
from lab.topology import Node  # noqa: E402

# A VIP of its own, so that the table that keepalived fills stays as it is.
VIP = "198.18.0.101"
# A table of its own, for the same reason.
NAMESPACE = "lautan-ipvs-cost"
SERVICES, REAL_SERVERS = 1000, 16


def _by_role(role: str) -> list[Node]:
    return [node for node in topology.nodes().values() if node.role == role]


# --- Changes under load ---


def documents(servers: list[str], changes: int) -> Iterator[list[dict]]:
    """Documents of one service, each with one change: a weight, a real server that joins, or one that leaves.

    The first real server is never touched. One that leaves has had the weight 0 before, so that its requests are done.
    """
    chance = random.Random(7)
    weights = {servers[0]: 10}
    for _ in range(changes):
        server = chance.choice(servers[1:])
        now = weights.get(server)
        if now is None:
            weights[server] = chance.randint(1, 20)
        elif now == 0 and chance.random() < 0.5:
            del weights[server]
        else:
            weights[server] = chance.choice([w for w in (0, 0, *range(1, 21)) if w != now])
        real_servers = [{"address": address, "weight": weight} for address, weight in weights.items()]
        service = {"protocol": "tcp", "address": VIP, "port": 443, "scheduler": "mh"}
        yield [service | {"scheduler_flags": ["mh-port", "mh-fallback"], "real_servers": real_servers}]


@contextmanager
def _service_of_its_own(director: Node, servers: list[Node]) -> Iterator[None]:
    holders = [(director, "")] + [(server, "scope host") for server in servers]
    try:
        for node, scope in holders:
            # The packet filter does not know it.
            accept = f"nft insert rule inet lautan_firewall input ip daddr {VIP} accept"
            process.run(fleet.ssh(node, f"ip address replace {VIP}/32 dev eth0 {scope} && {accept}"))
        # The other director may have had it when this ran before, and the router remembers.
        process.run(fleet.ssh(director, f"arping -q -c 1 -U -I eth0 {VIP}"))
        service = f"-A -t {VIP}:443 -s mh -b mh-port,mh-fallback\\n"
        first = f"-a -t {VIP}:443 -r {servers[0].address}:443 -g -w 10\\n"
        process.run(fleet.ssh(director, f"printf -- '{service}{first}' | ipvsadm -R"))
        yield
    finally:
        process.run(fleet.ssh(director, f"ipvsadm -D -t {VIP}:443"), check=False)
        for node, _ in holders:
            close = "systemctl reload lautan-firewall.service"
            process.run(fleet.ssh(node, f"ip address delete {VIP}/32 dev eth0; {close}"), check=False)


def change_under_load(changes: int) -> measure.Noticed:
    """Change a service of the active director again and again while the client asks it.

    :raises LabError: if a change failed.
    """
    director, servers = cluster.active_director(), _by_role("real_servers")
    every = list(documents([str(server.address) for server in servers], changes))
    task = {
        "name": "Change",
        "lautan.lvs.ipvs_table": {"services": "{{ item }}", "purge": "real_servers"},
        "loop": every,
        "loop_control": {"label": ""},
        "register": "done",
    }
    each_changed = "done.results | rejectattr('changed') | list == []"
    told = {"name": "Insist on a change each time", "ansible.builtin.assert": {"that": each_changed}}
    with _service_of_its_own(director, servers):
        return measure.under_load(f"{changes} changes", lambda: play(director, [task, told]), VIP)


# --- Cost ---


def _rules() -> str:
    lines = []
    for number in range(SERVICES):
        place = f"-t 10.{number // 250}.{number % 250}.1:80"
        lines.append(f"-A {place} -s wlc")
        lines += [f"-a {place} -r 10.200.{number % 250}.{server + 1}:80 -g -w 1" for server in range(REAL_SERVERS)]
    return "".join(f"{line}\n" for line in lines)


def _services() -> list[dict]:
    return [
        {
            "protocol": "tcp",
            "address": f"10.{number // 250}.{number % 250}.1",
            "port": 80,
            "real_servers": [{"address": f"10.200.{number % 250}.{server + 1}"} for server in range(REAL_SERVERS)],
        }
        for number in range(SERVICES)
    ]


def _task_seconds(director: Node, tasks: list[dict], services: list[dict], sharing: str) -> dict[str, float]:
    """Run tasks in the namespace; gives the median of what those of the same name took, as the controller sees it."""
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        report = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit", "JUNIT_OUTPUT_DIR": directory}
        variables = in_namespace(NAMESPACE) | {"services": services}
        play(director, [{"name": "Cost", "vars": variables, "block": tasks}], report | {"ANSIBLE_SSH_ARGS": sharing})
        (file,) = Path(directory).glob("*.xml")
        for task, case in zip(tasks, ElementTree.parse(file).iter("testcase"), strict=True):
            taken.setdefault(task["name"], []).append(float(case.attrib["time"]))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def cost(runs: int) -> None:
    """Print what a table of 17,000 rules costs, each figure as a ratio to what ipvsadm alone takes.

    All is wall time on the controller, of tasks and of ssh with ipvsadm, over the same connection, which is there
    before: each has the way to the director and back in it.
    """
    director = next(node for node in _by_role("directors") if node != cluster.active_director())
    place = tempfile.mkdtemp()
    sharing = f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={place}/ssh"

    def ask(command: str, stdin: str | None = None) -> str:
        _ssh, *arguments = fleet.ssh(director, command)
        return process.run(["ssh", *sharing.split(), *arguments], stdin=stdin)

    def inside(command: str, stdin: str | None = None) -> str:
        return ask(f"ip netns exec {NAMESPACE} {command}", stdin)

    def timed(command: str, stdin: str | None = None, before: str = "true") -> float:
        times = []
        for _ in range(runs):
            inside(before)
            began = time.monotonic()
            inside(command, stdin)
            times.append(time.monotonic() - began)
        return statistics.median(times)

    edits = "".join(f"-e -t 10.0.{n}.1:80 -r 10.200.{n}.1:80 -g -w 2\n" for n in range(10))
    table, real_servers = {"services": "{{ services }}", "purge": "table"}, SERVICES * REAL_SERVERS
    tasks = [
        {"name": "clear", "ansible.builtin.raw": "ipvsadm -C"},
        {"name": "build", "lautan.lvs.ipvs_table": table},
        {"name": "no change", "lautan.lvs.ipvs_table": table},
        {"name": "edit", "ansible.builtin.raw": f"printf -- '{edits}' | ipvsadm -R"},
        {"name": "ten changes", "lautan.lvs.ipvs_table": table},
        {"name": "insist", "ansible.builtin.raw": f"test $(ipvsadm -Sn | grep -c -- ' -w 1$') = {real_servers}"},
        {"name": "nothing", "ansible.builtin.raw": "true"},
    ]
    try:
        ask(f"ip netns delete {NAMESPACE} 2>/dev/null; ip netns add {NAMESPACE}")
        inside("ip link set lo up")
        build = timed("ipvsadm -R", _rules(), "ipvsadm -C")
        read = timed("ipvsadm -Sn")
        nothing = timed("true")
        took = _task_seconds(director, tasks * runs, _services(), sharing)
    finally:
        ask(f"ip netns delete {NAMESPACE}")
        process.run(["ssh", *sharing.split(), "-O", "exit", *fleet.ssh(director)[1:]], check=False)
        shutil.rmtree(place)
    print(f"{director.name}, 17,000 rules; seconds as the controller sees them, median of {runs}")
    for name, seconds in {
        "ssh true": nothing,
        "ssh ipvsadm -R": build,
        "ssh ipvsadm -Sn": read,
        "task: true": took["nothing"],
        "task: ipvs_table from nothing": took["build"],
        "task: ipvs_table, no change": took["no change"],
        "task: ipvs_table, ten changes": took["ten changes"],
    }.items():
        print(f"  {name:32} {seconds:8.2f} s")
    print(f"  build / ipvsadm -R               {took['build'] / build:8.2f}")
    print(f"  no change / ipvsadm -Sn          {took['no change'] / read:8.2f}")
    print(f"  ten changes / no change          {took['ten changes'] / took['no change']:8.2f}")


def one_task_per_rule(rules: int = 50) -> float:
    """Seconds per rule, when each is a task of its own."""
    director = next(node for node in _by_role("directors") if node != cluster.active_director())
    task: dict = {
        "name": "One real server",
        "lautan.lvs.ipvs_real_server": {"fwmark": 4000000001, "real_server": "10.9.9.{{ item }}"},
        "loop": list(range(1, rules + 1)),
    }
    process.run(fleet.ssh(director, "ipvsadm -A -f 4000000001 -s rr"))
    try:
        began = time.monotonic()
        play(director, [task])
        return (time.monotonic() - began) / rules
    finally:
        process.run(fleet.ssh(director, "ipvsadm -D -f 4000000001"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    changes = what.add_parser("changes", help="change a service while a client uses it")
    changes.add_argument("--runs", type=int, default=100, help="how many changes (100)")
    costs = what.add_parser("cost", help="compare ipvs_table with ipvsadm on 1,000 services of 16 real servers")
    costs.add_argument("--runs", type=int, default=5, help="how often each is timed (5)")
    arguments = parser.parse_args()
    if arguments.what == "changes":
        print(change_under_load(arguments.runs))
    else:
        cost(arguments.runs)
        per_rule = one_task_per_rule()
        total = per_rule * SERVICES * (REAL_SERVERS + 1)
        print(f"  one task per rule: {per_rule:.2f} s each, {total / 3600:.1f} h for all of them (from 50 rules)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
