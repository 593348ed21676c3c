# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told when the first deployment cannot work, and that no host was touched in vain."""

from __future__ import annotations

import re

import pytest
import yaml

from lab import topology
from lab.ansible import AS_OPERATORS, unfolded

CLUSTER = ("director1", "director2", "rs1", "rs2", "rs3")


@pytest.fixture(scope="session")
def ansible_settings() -> dict[str, str]:
    """Those of operators, as what they are told is tried."""
    return AS_OPERATORS


@pytest.fixture
def inventory(tmp_path):
    """Write a variant of the lab's inventory; returns the arguments that make a playbook use it."""

    def write(change_hosts=lambda groups: None, **facts) -> tuple[str, ...]:
        hosts = yaml.safe_load(topology.INVENTORY.read_text())
        change_hosts(hosts["all"]["children"])
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
        (tmp_path / "group_vars").mkdir(exist_ok=True)
        described = yaml.safe_load((topology.INVENTORY.parent / "group_vars/all.yml").read_text())
        (tmp_path / "group_vars/all.yml").write_text(yaml.safe_dump(described | facts))
        return ("-i", str(tmp_path / "hosts.yml"))

    return write


@pytest.fixture
def bare(node):
    """Whether the hosts are still as Debian made them."""

    def check(names=CLUSTER) -> None:
        for name in names:
            installed = node(name).check_output("dpkg-query --show --showformat='${Package}\n'").split()
            assert not {"keepalived", "ipvsadm", "nginx"} & set(installed), name

    return check


def test_every_mistake_in_the_description_is_told_at_once(playbook, inventory, bare):
    facts = {"lvs_vrids_taken": [50], "lvs_scheduler": "hash", "lvs_domian": "x"}
    changed = inventory(lvs_vips=["203.0.113.9", "fd00:c612::100"], **facts)
    status, out = playbook("site", *changed)
    assert status != 0
    out = unfolded(out)
    for variable, value in (("lvs_vips", "203.0.113.9"), ("lvs_vrid", "50"), ("lvs_scheduler", "hash")):
        assert re.search(rf"{variable}\S*='?\[?'?{re.escape(value)}", out), variable
    assert "lvs_domian" in out
    assert "4 mistakes" in out
    assert "PLAY [Hosts]" not in out
    bare()


def test_missing_group(playbook, inventory):
    def without_directors(groups):
        del groups["directors"]

    status, out = playbook("site", *inventory(without_directors))
    assert status != 0
    assert re.search(r"directors.{0,40}(missing|no host|empty)", unfolded(out)), out


def test_name_that_does_not_resolve(playbook, inventory, bare):
    # A label of 64 characters: no name server has to be asked, which may answer late or never.
    name = f"rs2.{'x' * 64}.invalid"

    def rename(groups):
        groups["real_servers"]["hosts"]["rs2"] |= {"ansible_host": name, "lvs_address": "198.18.0.22"}

    status, out = playbook("site", *inventory(rename))
    assert status != 0
    assert f"Could not resolve hostname {name}" in unfolded(out), out
    bare()


def test_host_that_cannot_be_reached_stops_everything(playbook, lab, bare):
    lab("cut", "rs3")
    try:
        status, out = playbook("site", "--timeout", "5")
    finally:
        lab("restore", "rs3")
    assert status != 0
    assert re.search(r"rs3.*(No route to host|timed out)", unfolded(out)), out
    bare()


def test_full_disk(playbook, node):
    """A director's disk that is really full; the other hosts' packages may be there, but no half of a package."""
    director = node("director2")
    free = int(director.check_output("df --output=avail --block-size=1M /var").split()[-1])
    director.check_output(f"fallocate --length {free - 20}M /var/filler")
    try:
        status, out = playbook("site")
    finally:
        director.check_output("rm /var/filler")
    assert status != 0
    assert re.search(
        r"director2: /var has \d+ MiB free and installing keepalived.{0,60}needs \d+ MiB", unfolded(out)
    ), out
    assert director.check_output("dpkg --audit") == ""
    assert not director.package("keepalived").is_installed


def test_archive_that_does_not_answer(playbook, node):
    server = node("rs1")
    assert not server.package("nginx").is_installed
    server.check_output(
        "mv /etc/apt/sources.list /root && echo deb http://198.18.0.254/debian bookworm main > /etc/apt/sources.list"
    )
    try:
        status, out = playbook("site", "--limit", "rs1")
    finally:
        server.check_output("mv /root/sources.list /etc/apt/sources.list")
    assert status != 0
    assert re.search(
        r"rs1: nginx\b.* could not be installed: .*Does `apt-get update` work on this host", unfolded(out)
    ), out


def test_interrupted_installation_is_finished(playbook, node):
    """What a power cut in the middle of dpkg leaves; the cluster scenario then deploys onto this host."""
    server = node("rs1")
    # Archives have their moments.
    server.check_output("for each in 1 2 3; do apt-get update --error-on=any && break; sleep 3; done")
    server.check_output("apt-get -o Acquire::Retries=3 --yes --download-only install nginx")
    server.check_output("dpkg --unpack /var/cache/apt/archives/*.deb")
    assert "nginx" in server.check_output("dpkg --audit")
    status, out = playbook("site", "--limit", "rs1")
    assert status == 0, out
    assert server.check_output("dpkg --audit") == ""
