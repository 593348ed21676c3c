# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a director, done for real, and undone: what a drill does, and what takes a lab."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_faults import FAULTS, HEAR_ADVERTS, lose_adverts

from . import ansible, cluster, fleet
from .process import run, wait_until
from .topology import Node, nodes


def _on(command: str) -> Callable[[Node], None]:
    return lambda node: run(fleet.ssh(node, command)) and None


def _panic(node: Node) -> None:
    # A moment later, so that nobody waits for the answer of a machine that has stopped. There may be none even so.
    run(fleet.ssh(node, "(sleep 1; echo c > /proc/sysrq-trigger) < /dev/null > /dev/null 2>&1 &"), check=False)


def _nothing(node: Node) -> None:
    pass


def _power_on(node: Node) -> None:
    fleet.start([node])


def _power_off_and_be_replaced(node: Node) -> None:
    fleet.kill(node)
    wait_until(lambda: len(cluster.vip_holders()) == 1, "the other director to take over", timeout=10)


def _power_cycle_directors(_: Node) -> None:
    directors = [node for node in nodes().values() if node.role == "directors"]
    for node in directors:
        fleet.kill(node)
    fleet.start(directors)


def _switch_over(_: Node) -> None:
    ansible.playbook("playbooks/switchover.yml")


def _be_apart(node: Node) -> None:
    _on(FAULTS["adverts-lost"].do)(node)
    wait_until(lambda: len(cluster.vip_holders()) == 2, "both directors to hold the VIP", timeout=10)
    time.sleep(2)  # what the second one has to announce, it announces within a second


# What a planned switchover does in the end, without the modules that look at both directors before.
_GIVE_AWAY = "echo 1 > /etc/keepalived/switchover; sleep 0.5; echo 0 > /etc/keepalived/switchover"

_together = _on(HEAR_ADVERTS)


@dataclass(frozen=True)
class Fault:
    """Something that happens to the director that holds the VIPs."""

    what: str
    do: Callable[[Node], None]
    undo: Callable[[Node], None] = _nothing
    first: Callable[[Node], None] = _nothing  # what must have happened before
    after: float = 9  # how many seconds until the cluster has settled


DIRECTOR_FAULTS = {
    "switchover": Fault("planned switchover", _switch_over),
    "handover": Fault("gives the VIPs away", _on(_GIVE_AWAY)),
    "director": Fault("power cut", fleet.kill, _power_on),
    "panic": Fault("kernel panic", _panic, _power_on),
    "return": Fault("boots again", _power_on, first=_power_off_and_be_replaced, after=20),
    "both": Fault("both lose power", _power_cycle_directors, after=20),
    **{
        name: Fault(what, _on(FAULTS[name].do), _on(FAULTS[name].undo))
        for name, what in (("keepalived-killed", "keepalived killed"), ("keepalived-stopped", "keepalived stopped"))
    },
    "cable": Fault("cable cut", lambda node: fleet.set_cable(node, "down"), lambda node: fleet.set_cable(node, "up")),
    "split": Fault("directors apart", _on(FAULTS["adverts-lost"].do), _together),
    "reunion": Fault("no more apart", _together, first=_be_apart),
    "loss": Fault("20 % of adverts lost", _on(lose_adverts(20)), _together),
    "clock": Fault(
        "clock jumps by an hour",
        _on("date --set '1 hour'"),
        fleet.set_clock,
    ),
    "busy": Fault(
        "processor busy",
        _on("for each in 1 2 3 4; do timeout 8 sh -c 'while :; do :; done' & done; wait; times > /run/lab-busy"),
    ),
}
