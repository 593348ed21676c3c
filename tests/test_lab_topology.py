# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/topology.py: the nodes of the lab, as its inventory has them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.process import LabError
from lab.topology import CLIENTS, INVENTORY, LAN, nodes


def test_the_lab_has_eight_nodes_on_their_networks() -> None:
    found = nodes()
    assert [(node.name, node.role, str(node.address), str(node.address6)) for node in found.values()] == [
        ("director1", "directors", "198.18.0.11", "fd00:c612::11"),
        ("director2", "directors", "198.18.0.12", "fd00:c612::12"),
        ("rs1", "real_servers", "198.18.0.21", "fd00:c612::21"),
        ("rs2", "real_servers", "198.18.0.22", "fd00:c612::22"),
        ("rs3", "real_servers", "198.18.0.23", "fd00:c612::23"),
        ("monitor", "monitoring", "198.18.0.41", "fd00:c612::41"),
        ("rs4", "spares", "198.18.0.24", "fd00:c612::24"),
        ("client", "clients", "198.18.1.31", "fd00:c612:0:1::31"),
    ]
    assert all(name == node.name for name, node in found.items())
    assert [node.network for node in found.values()] == [LAN] * 7 + [CLIENTS]


def test_mac_addresses_show_the_ipv4_address() -> None:
    assert nodes()["director1"].mac == "02:00:c6:12:00:0b"
    assert len({node.mac for node in nodes().values()}) == 8


def test_both_managers_occur_in_both_roles() -> None:
    """The roles must work with systemd-networkd and with ifupdown; only what the lab has is ever tried."""
    for role in ("directors", "real_servers"):
        assert {node.manager for node in nodes().values() if node.role == role} == {"networkd", "ifupdown"}


def test_gateways_are_the_routers_and_nobody_elses() -> None:
    assert LAN.gateways == ("198.18.0.254/24", "fd00:c612::fe/64")
    taken = {str(address) for node in nodes().values() for address in (node.address, node.address6)}
    assert not taken & {address.split("/")[0] for network in (LAN, CLIENTS) for address in network.gateways}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"lvs_address6": "fd00:c612::22"}, "rs2 needs ansible_host and lvs_address6"),
        ({"ansible_host": "198.18.0.22"}, "rs2 needs ansible_host and lvs_address6"),
        (None, "rs2 needs ansible_host and lvs_address6"),
        ({"ansible_host": "rs2.lan", "lvs_address6": "fd00:c612::22"}, "rs2 needs .*'rs2.lan'"),
        ({"ansible_host": "198.18.0.22", "lvs_address6": "198.18.0.22"}, "rs2 needs .*'198.18.0.22'"),
        (
            {"ansible_host": "192.0.2.22", "lvs_address6": "fd00:c612::22"},
            "rs2 at 192.0.2.22, fd00:c612::22 is on none of the lab's networks",
        ),
        (
            {"ansible_host": "198.18.0.22", "lvs_address6": "fd00:c612:0:1::22"},
            "rs2 at 198.18.0.22, fd00:c612:0:1::22 is on none of the lab's networks",
        ),
    ],
)
def test_a_host_that_cannot_be_a_node_is_named(tmp_path: Path, variables: dict[str, str] | None, says: str) -> None:
    inventory = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))
    inventory["all"]["children"]["real_servers"]["hosts"]["rs2"] = variables
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    with pytest.raises(LabError, match=f"^{path}: {says}"):
        nodes(path)
