# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a director keeps systemd-networkd from removing the VIPs."""

from __future__ import annotations

import json
import subprocess
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


def network_file(asked: dict[str, Any]) -> str:
    return evaluated("__director_network_file", {"__director_networkd": asked})


@pytest.mark.parametrize("release", ["debian12", "debian13"])
def test_file_of_the_interface(release: str) -> None:
    said = (FIXTURES / f"{release}-networkctl.json").read_text(encoding="utf-8")
    assert network_file({"stdout": said}) == "10-lan.network"


def test_file_of_netplan_is_in_another_directory() -> None:
    said = json.dumps({"Name": "eth0", "NetworkFile": "/run/systemd/network/10-netplan-eth0.network"})
    assert network_file({"stdout": said}) == "10-netplan-eth0.network"


# Nothing is said where systemd-networkd does not run.
@pytest.mark.parametrize("said", ["", json.dumps(UNMANAGED), json.dumps({"NetworkFile": None})])
def test_interface_of_somebody_else(said: str) -> None:
    assert network_file({"stdout": said}) == ""


@pytest.mark.parametrize(("state", "asks"), [("active", True), ("inactive", False), ("failed", False)])
def test_one_that_is_stopped_is_not_asked(state: str, asks: bool, tmp_path: Path) -> None:
    """Because the question would start it."""
    tasks = yaml.safe_load((ROLES / "director" / "tasks/configure.yml").read_text(encoding="utf-8"))
    (question,) = (each["ansible.builtin.shell"]["cmd"] for each in tasks if "networkctl" in str(each))
    for program, says in (("systemctl", state), ("networkctl", "{}")):
        (tmp_path / program).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / program).chmod(0o755)
    command = question.replace("{{ __director_interface | quote }}", "eth0")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ("{}\n" if asks else "")


def test_addresses_of_both_families_are_kept() -> None:
    """``static`` would not keep IPv6 VIPs."""
    said = (FIXTURES / "debian12-networkctl.json").read_text(encoding="utf-8")
    file = evaluated("__director_networkd_file", {"__director_networkd": {"stdout": said}})
    assert file["path"] == "/etc/systemd/network/10-lan.network.d/60-lvs-director.conf"
    drop_in = ConfigParser()
    drop_in.read_string(file["content"])
    assert drop_in["Network"]["KeepConfiguration"] == "yes"
