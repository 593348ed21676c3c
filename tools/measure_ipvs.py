#!/usr/bin/env python3
# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure lautan.lvs.ipvs_table on a director of the lab: what its changes cost, and whether a client notices them.

Needs a lab on which playbooks/site.yml ran.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lab import cluster, fleet, measure, process, topology  # noqa: E402
from lab.topology import Node  # noqa: E402
from tools.play import play  # noqa: E402

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
            process.run(fleet.ssh(node, f"ip address replace {VIP}/32 dev eth0 {scope}"))
        # The other director may have had it when this ran before, and the router remembers.
        process.run(fleet.ssh(director, f"arping -q -c 1 -U -I eth0 {VIP}"))
        service = f"-A -t {VIP}:443 -s mh -b mh-port,mh-fallback\\n"
        first = f"-a -t {VIP}:443 -r {servers[0].address}:443 -g -w 10\\n"
        process.run(fleet.ssh(director, f"printf -- '{service}{first}' | ipvsadm -R"))
        yield
    finally:
        process.run(fleet.ssh(director, f"ipvsadm -D -t {VIP}:443"), check=False)
        for node, _ in holders:
            process.run(fleet.ssh(node, f"ip address delete {VIP}/32 dev eth0"), check=False)


def change_under_load(changes: int) -> measure.Noticed:
    """Change a service of the active director again and again while the client asks it.

    :raises LabError: if a change failed, or the load ended before the last change.
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
    ended = []
    with _service_of_its_own(director, servers):

        def do() -> None:
            play(director, [task, told])
            ended.append(time.time())

        seconds = 10 + 5.0 * changes  # under software emulation a change takes three or four
        began = time.time()
        noticed = measure.under_load(f"{changes} changes", do, VIP, after=seconds)
        if ended[0] > began + seconds:
            raise process.LabError(f"the changes took {ended[0] - began:.0f} s, longer than the load")
    return noticed


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


def cost(runs: int) -> None:
    """Print what a table of 17,000 rules costs, each figure as a ratio to what ipvsadm alone takes."""
    director = next(node for node in _by_role("directors") if node != cluster.active_director())

    def ask(command: str, stdin: str | None = None) -> str:
        done = subprocess.run(fleet.ssh(director, command), input=stdin, capture_output=True, text=True, check=True)
        return done.stdout

    def timed(command: str, before: str = "true") -> float:
        inside = f"ip netns exec {NAMESPACE} bash -c {json.dumps(f'{before}; TIMEFORMAT=%R; time {{ {command} ; }}')}"
        times = []
        for _ in range(runs):
            done = subprocess.run(fleet.ssh(director, inside), capture_output=True, text=True, check=True)
            times.append(float(done.stderr.split()[-1]))
        return statistics.median(times)

    ask(f"ip netns delete {NAMESPACE} 2>/dev/null; ip netns add {NAMESPACE} && ip -netns {NAMESPACE} link set lo up")
    ask("cat > /root/ipvs-cost.rules", _rules())
    edits = "".join(f"-e -t 10.0.{n}.1:80 -r 10.200.{n}.1:80 -g -w 2\n" for n in range(10))
    ask("cat > /root/ipvs-cost.edits", edits)
    ask("rm -rf /root/ipvs-cost && mkdir /root/ipvs-cost")
    keep = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_PIPELINING": "0", "ANSIBLE_REMOTE_TMP": "/root/ipvs-cost"}
    # In check mode: it is only to bring the module to the director, as a file.
    table = {"services": _services(), "purge": "table"}
    play(director, [{"name": "Table", "lautan.lvs.ipvs_table": table, "check_mode": True}], keep)
    program = ask("ls /root/ipvs-cost/*/AnsiballZ_ipvs_table.py").strip()
    ask(f'sed -i \'s/"_ansible_check_mode": true/"_ansible_check_mode": false/\' {program}')
    module = f"python3 {program} > /root/ipvs-cost.out || cat /root/ipvs-cost.out"
    try:
        figures = {
            "ipvsadm -R, 17,000 rules": timed("ipvsadm -R < /root/ipvs-cost.rules", "ipvsadm -C"),
            "ipvsadm -Sn": timed("ipvsadm -Sn > /dev/null"),
            "an empty table, by the module": timed(module, "ipvsadm -C"),
            "no change": timed(module),
            "ten changed rules": timed(module, "ipvsadm -R < /root/ipvs-cost.edits"),
            "python3, nothing else": timed("python3 -c pass"),
        }
        held = ask(f"ip netns exec {NAMESPACE} ipvsadm -Sn | wc -l").strip()
        print(f"{director.name}: {held} rules in the end; median of {runs}")
        for name, seconds in figures.items():
            print(f"  {name:32} {seconds:8.2f} s")
        build, read = figures["ipvsadm -R, 17,000 rules"], figures["ipvsadm -Sn"]
        print(f"  build / ipvsadm -R               {figures['an empty table, by the module'] / build:8.2f}")
        print(f"  no change / ipvsadm -Sn          {figures['no change'] / read:8.2f}")
        print(f"  ten changes / no change          {figures['ten changed rules'] / figures['no change']:8.2f}")
    finally:
        ask(f"ip netns delete {NAMESPACE}; rm -rf /root/ipvs-cost*")


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
    costs = what.add_parser("cost", help="compare the module with ipvsadm on 1,000 services of 16 real servers")
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
