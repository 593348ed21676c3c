# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break a node while a client uses the cluster, and say what the client noticed."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.lautan.lvs.plugins.module_utils._probe import judge as probe

from . import fleet
from .cluster import active_director, authority, cluster_facts, wait_whole
from .faults import DIRECTOR_FAULTS, Fault
from .process import LabError, say
from .topology import ROOT, Node, nodes

# The load is the collection's: `playbooks/drill.yml` has it, too.
_PROGRAM = ROOT / "collections/ansible_collections/lautan/lvs/plugins/module_utils/_probe/load.py"
# Load before the fault, and after it is done: time for the cluster to notice and to settle.
_BEFORE_SECONDS, _AFTER_SECONDS = 3.0, 9.0
_INTERVAL = 0.02
_TIMEOUT = 4.0


@dataclass(frozen=True)
class Noticed(probe.Noticed):
    """What the client noticed of one fault, in seconds."""

    fault: str
    at: float  # when it happened

    @property
    def last_hurt(self) -> float | None:
        """How long after the fault the last failed or slow request was sent."""
        return None if self.hurt_until is None else self.hurt_until - self.at

    @property
    def fate(self) -> str:
        """What became of the held connection."""
        return probe.fate(self.held_alive, self.held_server, self.fault.partition(":")[0])

    @property
    def unnoticed(self) -> bool:
        """Nothing failed or broke. One packet that a busy machine loses is asked for again after a second."""
        return self.failed == 0 and self.held_alive and self.slow < 20 and self.gap < 1


class Probe:
    """The client's load, running in the background until it is ended."""

    def __init__(self, client: Node, vip: str, interval: float = _INTERVAL) -> None:
        config = {"address": vip, "port": 443, "host": cluster_facts()["lvs_domain"], "path": "/lb-ok"}
        config |= {"ca": authority(), "interval": interval, "timeout": _TIMEOUT}
        command = shlex.join(["python3", "-W", "error", "-c", _PROGRAM.read_text(), json.dumps(config)])
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self._process = subprocess.Popen(fleet.ssh(client, command), bufsize=0, **pipes)
        # When the first request is over; to log in takes its time.
        self._process.stderr.readline()

    def end(self) -> dict:
        """End the load and return what it saw.

        :raises LabError: when the probe itself failed.
        """
        out, err = self._process.communicate()  # closes its standard input
        if self._process.returncode != 0:
            raise LabError(f"the probe failed: {err.decode(errors='replace').strip()}")
        return json.loads(out)


def judge(fault: str, at: float, seen: dict) -> Noticed:
    """Turn what the probe saw into what the client noticed of the fault that happened at time ``at``.

    :raises LabError: when there is nothing to judge.
    """
    try:
        return Noticed(**vars(probe.judge(seen)), fault=fault, at=at)
    except probe.NotServed as error:
        raise LabError("the cluster did not serve before the fault") from error


def under_load(
    fault: str,
    do: Callable[[], None],
    vip: str | None = None,
    after: float = _AFTER_SECONDS,
    interval: float = _INTERVAL,
) -> Noticed:
    """Run the load, ``do`` the fault in the middle of it, and say what the client noticed.

    :param vip: the VIP that is asked; the first one by default.
    :param after: how many seconds the load goes on when ``do`` has ended, however long that took.
    :param interval: seconds between two requests.
    """
    vip = vip or cluster_facts()["lvs_vips"][0]
    client = next(node for node in nodes().values() if node.role == "clients")
    probe = Probe(client, vip, interval)
    try:
        time.sleep(_BEFORE_SECONDS)
        at = time.time()
        do()
        time.sleep(after)
    finally:
        seen = probe.end()
    return judge(fault, at, seen)


def hurt_director(fault: Fault, victim: Node) -> Noticed:
    """Do something to a director, under load."""
    fault.first(victim)
    return under_load(f"{victim.name}: {fault.what}", lambda: fault.do(victim), after=fault.after)


def kill_real_server(server: Node) -> Noticed:
    """Cut the power of a real server, under load."""
    return under_load(f"{server.name}: power cut", lambda: fleet.kill(server))


def measure(what: str, runs: int) -> None:
    """Break the same thing ``runs`` times, mending it in between, and print a table with median and worst."""
    servers = [node for node in nodes().values() if node.role == "real_servers"]
    noticed = []
    for number in range(runs):
        if fault := DIRECTOR_FAULTS.get(what):
            victim = active_director()
            seen = hurt_director(fault, victim)
        else:
            victim = servers[number % len(servers)]
            seen = kill_real_server(victim)
        noticed.append(seen)
        say(f"run {number + 1} of {runs}: {seen.fault}: gap {seen.gap:.3f} s, {seen.failed} failed")
        if fault:
            fault.undo(victim)
        else:
            fleet.start([victim])
        wait_whole()
    _print_table(noticed)


def _print_table(noticed: list[Noticed]) -> None:
    heads = ("fault", "gap s", "failed", "slow", "last hurt s", "held", "held gap s", "first error")
    row = "{:35} {:>7} {:>8} {:>5} {:>12} {:>13} {:>11}  {}"
    print(row.format(*heads))
    for each in noticed:
        last = "-" if each.last_hurt is None else f"{each.last_hurt:.2f}"
        failed, gap, held_gap = f"{each.failed}/{each.requests}", f"{each.gap:.3f}", f"{each.held_gap:.3f}"
        print(row.format(each.fault, gap, failed, each.slow, last, each.fate, held_gap, each.error))
    for name, choose in (("median", statistics.median), ("worst", max)):
        gap, held_gap = (f"{choose(getattr(each, what) for each in noticed):.3f}" for what in ("gap", "held_gap"))
        failed, slow = (f"{choose(getattr(each, what) for each in noticed):g}" for what in ("failed", "slow"))
        last = f"{choose(each.last_hurt or 0.0 for each in noticed):.2f}"
        print(row.format(name, gap, failed, slow, last, "", held_gap, ""))
    lost = sum(each.fate == "lost" for each in noticed)
    print(f"held connections lost though their real server lived: {lost} of {len(noticed)}")
