# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/seed.py: the tar file that makes a node of the common image a certain machine."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lab import seed
from lab.topology import nodes

NETWORKD, IFUPDOWN = "etc/systemd/network/10-lan.network", "etc/network/interfaces"


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are none, and name servers that are nobody's."""
    monkeypatch.setattr(seed, "SSH", tmp_path)
    monkeypatch.setattr(seed, "USER_KEY", tmp_path / "id_ed25519")
    monkeypatch.setattr(seed, "name_servers", lambda: ["192.0.2.1", "192.0.2.2"])
    for name in ("id_ed25519", "host_rs2", "host_rs3", "host_client"):
        (tmp_path / name).write_text(f"private {name}\n", encoding="utf-8")
        (tmp_path / f"{name}.pub").write_text(f"public {name}\n", encoding="utf-8")


def members(node: str, more_files: dict[str, str] | None = None, links: dict[str, str] | None = None) -> dict:
    """The members of a node's seed by name, each with its content."""
    data = seed.seed(nodes()[node], more_files or {}, links or {})
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {info.name: (info, archive.extractfile(info) if info.isfile() else None) for info in archive}
        assert len(found) == len(archive.getnames())  # nothing is there twice
        return {name: (info, file.read().decode() if file else None) for name, (info, file) in found.items()}


def test_every_file_has_its_mode_and_belongs_to_root() -> None:
    found = members("rs2")
    assert {name: oct(info.mode) for name, (info, _content) in found.items()} == {
        "root/.ssh": "0o700",
        "root/.ssh/authorized_keys": "0o600",
        "etc/ssh/ssh_host_ed25519_key": "0o600",
        "etc/ssh/ssh_host_ed25519_key.pub": "0o644",
        "etc/hostname": "0o644",
        "etc/hosts": "0o644",
        "etc/resolv.conf": "0o644",
        NETWORKD: "0o644",
    }
    assert {(info.uid, info.gid) for info, _content in found.values()} == {(0, 0)}
    assert found["root/.ssh"][0].isdir()
    # tar makes a missing directory with a mode of its own choice.
    assert list(found).index("root/.ssh") < list(found).index("root/.ssh/authorized_keys")


def test_name_keys_and_name_servers() -> None:
    content = {name: content for name, (_info, content) in members("rs2").items()}
    assert content["etc/hostname"] == "rs2\n"
    assert "198.18.0.22 rs2\n" in content["etc/hosts"]
    assert content["etc/resolv.conf"] == "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
    assert content["root/.ssh/authorized_keys"] == "public id_ed25519\n"
    assert content["etc/ssh/ssh_host_ed25519_key"] == "private host_rs2\n"
    assert content["etc/ssh/ssh_host_ed25519_key.pub"] == "public host_rs2\n"
    assert "private id_ed25519\n" not in content.values()  # the key to log in with stays on this machine


def test_systemd_networkd() -> None:
    found = members("rs2")
    assert IFUPDOWN not in found
    assert found[NETWORKD][1].splitlines() == [
        "[Match]",
        "Name=eth0",
        "",
        "[Network]",
        "IPv6AcceptRA=no",
        "Address=198.18.0.22/24",
        "Address=fd00:c612::22/64",
        "Gateway=198.18.0.254",
        "Gateway=fd00:c612::fe",
    ]


def test_ifupdown() -> None:
    found = members("rs3")
    assert NETWORKD not in found
    assert found[IFUPDOWN][1].splitlines() == [
        "source /etc/network/interfaces.d/*",
        "",
        "auto lo",
        "iface lo inet loopback",
        "",
        "auto eth0",
        "iface eth0 inet static",
        "    address 198.18.0.23/24",
        "    gateway 198.18.0.254",
        "iface eth0 inet6 static",
        "    address fd00:c612::23/64",
        "    gateway fd00:c612::fe",
        "    accept_ra 0",
    ]


def test_a_node_on_another_network_has_its_gateways() -> None:
    lines = members("client")[NETWORKD][1].splitlines()
    assert lines[-2:] == ["Gateway=198.18.1.254", "Gateway=fd00:c612:0:1::fe"]


def test_more_files_and_links() -> None:
    found = members("rs2", {"etc/fstab": "none\n", "etc/hostname": "other\n"}, {"etc/localtime": "/usr/share/zone"})
    assert found["etc/fstab"][1] == "none\n"
    assert found["etc/fstab"][0].mode == 0o644
    assert found["etc/hostname"][1] == "other\n"  # what is added goes before what every node gets
    assert found["etc/localtime"][0].issym()
    assert found["etc/localtime"][0].linkname == "/usr/share/zone"
