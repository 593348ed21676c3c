# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a director keeps systemd-networkd from removing the VIPs."""

from __future__ import annotations

import json
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import evaluated
from ansible_collections.lautan.lvs.tests.unit.roles.rendering import ROLES

FIXTURES = Path(__file__).parent / "fixtures"
# What systemd-networkd says of an interface that it leaves alone.
UNMANAGED = {"Index": 1, "Name": "lo", "AdministrativeState": "unmanaged", "OnlineState": None}


def task(module: str) -> dict[str, Any]:
    """The last task of the file that uses this module."""
    tasks = yaml.safe_load((ROLES / "director" / "tasks/networkd.yml").read_text(encoding="utf-8"))
    return next(each for each in reversed(tasks) if f"ansible.builtin.{module}" in each)


def network_file(asked: dict[str, Any]) -> str:
    return evaluated("__director_network_file", {"__director_networkd": asked})


@pytest.mark.parametrize("release", ["debian12", "debian13"])
def test_file_of_the_interface(release: str) -> None:
    said = (FIXTURES / f"{release}-networkctl.json").read_text(encoding="utf-8")
    assert network_file({"stdout": said}) == "10-lan.network"


def test_file_of_netplan_is_in_another_directory() -> None:
    said = json.dumps({"Name": "eth0", "NetworkFile": "/run/systemd/network/10-netplan-eth0.network"})
    assert network_file({"stdout": said}) == "10-netplan-eth0.network"


@pytest.mark.parametrize(
    "asked", [{"skipped": True}, {"stdout": json.dumps(UNMANAGED)}, {"stdout": json.dumps({"NetworkFile": None})}]
)
def test_interface_of_somebody_else(asked: dict[str, Any]) -> None:
    assert network_file(asked) == ""
    for module in ("file", "copy"):
        assert not evaluated(task(module)["when"], {"__director_networkd": asked})


@pytest.mark.parametrize(("state", "asks"), [("active", True), ("inactive", False), ("failed", False)])
def test_one_that_is_stopped_is_not_asked(state: str, asks: bool) -> None:
    """Because the question would start it."""
    ask = task("command")
    assert "networkctl" in ask["ansible.builtin.command"]["argv"]
    assert evaluated(ask["when"], {"__director_networkd_state": {"stdout": state}}) is asks


def test_addresses_of_both_families_are_kept() -> None:
    """``static`` would not keep IPv6 VIPs."""
    drop_in = ConfigParser()
    drop_in.read_string(task("copy")["ansible.builtin.copy"]["content"])
    assert drop_in["Network"]["KeepConfiguration"] == "yes"
