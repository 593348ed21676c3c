# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster on the lab's nodes is at the moment, seen from its directors."""

from __future__ import annotations

import re

import yaml

from . import fleet
from .process import LabError, run, wait_until
from .topology import INVENTORY, Node, nodes


def cluster_facts() -> dict:
    """The lab's description of the cluster, as the operator wrote it."""
    return yaml.safe_load((INVENTORY.parent / "group_vars" / "all.yml").read_text())


def authority() -> str:
    """The certificate of the authority that signed the cluster's certificate, as PEM text."""
    path = INVENTORY.parent / "secrets" / "tls" / "ca.crt"
    if not path.exists():
        raise LabError(f"{path} is missing: the cluster was never deployed (make site)")
    return path.read_text()


def active_director() -> Node:
    """The director that holds the VIP.

    :raises LabError: when not exactly one does.
    """
    vip, holders = cluster_facts()["lvs_vips"][0], vip_holders()
    if len(holders) != 1:
        raise LabError(f"{vip} is on {len(holders)} directors: {', '.join(node.name for node in holders) or 'none'}")
    return holders[0]


def vip_holders() -> list[Node]:
    """The directors that have the first VIP, of those that answer."""
    vip = cluster_facts()["lvs_vips"][0]
    every = [node for node in nodes().values() if node.role == "directors"]
    return [node for node in every if vip in run(fleet.ssh(node, "ip -brief address show"), check=False)]


def journal(director: Node, since: float) -> str:
    """What keepalived said since a moment, each line with its own; both in seconds since 1970."""
    return run(fleet.ssh(director, f"journalctl --unit=keepalived --output=short-unix --since=@{since:.0f}"))


def switched_over(active: Node, since: float) -> bool:
    """Tell whether a director gave the VIPs away since a moment, as planned switchovers do, and another took them.

    Who holds them afterwards does not tell: a standby that stands still for a moment, as this machine is busy, has
    heard no advert, and takes over.
    """
    others = [node for node in nodes().values() if node.role == "directors" and node != active]
    return "Entering FAULT STATE" in journal(active, since) and any(
        "Entering MASTER STATE" in journal(other, since) for other in others
    )


def where() -> str:
    """One line for people: the cluster's address and which director serves it."""
    facts = cluster_facts()
    address = f"https://{facts['lvs_domain']}/ at {', '.join(facts['lvs_vips'])}"
    try:
        return f"{address}, served by {active_director().name}"
    except LabError as error:
        return f"{address}: not served ({error})"


def in_service(directors: list[Node], server: Node) -> bool:
    """Tell whether every director forwards to the real server."""
    return all(_entry(server) in table(director) for director in directors)


def table(director: Node) -> str:
    """The director's IPVS table, as ipvsadm saves it; empty if it does not answer."""
    return run(fleet.ssh(director, "ipvsadm --save --numeric"), check=False)


def weights(director: Node, server: Node) -> set[int]:
    """The weights of a real server in the virtual services for TCP of one director."""
    entries = re.findall(r"^-a -t \S+ -r \[?(.+?)]?:\d+ .*-w (\d+)$", table(director), re.MULTILINE)
    return {int(weight) for address, weight in entries if address in (str(server.address), str(server.address6))}


def _entry(server: Node) -> str:
    return f" -r {server.address}:443 "


def wait_whole() -> None:
    """Wait until one director holds the VIP and every director forwards to every real server.

    :raises LabError: when that does not come about.
    """
    directors = [node for node in nodes().values() if node.role == "directors"]
    wait_until(lambda: len(vip_holders()) == 1, "exactly one director to hold the VIP", timeout=90)
    servers = [node for node in nodes().values() if node.role == "real_servers"]

    def is_whole() -> bool:
        tables = [table(director) for director in directors]
        return all(_entry(server) in each for server in servers for each in tables)

    wait_until(is_whole, "every real server to be in service on every director", timeout=90)
