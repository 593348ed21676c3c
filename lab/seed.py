# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a node of the common image a certain machine: its name, addresses and ssh keys, as a tar file."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from .process import LabError, run
from .topology import STATE, Node

SSH = STATE / "ssh"
USER_KEY = SSH / "id_ed25519"
KNOWN_HOSTS = SSH / "known_hosts"


def make_keys(nodes: Iterable[Node]) -> None:
    """Make the key to log in with and each node's host key, once, and note the host keys as known."""
    SSH.mkdir(parents=True, exist_ok=True)
    SSH.chmod(0o700)
    lines = []
    _make_key(USER_KEY, "lautan-lab")
    for node in nodes:
        key = _host_key(node)
        _make_key(key, node.name)
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        lines += [f"{name} {public}\n" for name in (node.address, node.address6, node.name)]
    KNOWN_HOSTS.write_text("".join(lines))


def _host_key(node: Node) -> Path:
    return SSH / f"host_{node.name}"


def _make_key(path: Path, comment: str) -> None:
    if not path.with_suffix(".pub").exists():
        path.unlink(missing_ok=True)  # half a pair is what an interrupt leaves
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def name_servers() -> list[str]:
    """This machine's own name servers; a stub on loopback is of no use to a node.

    :raises LabError: when there is none: packages could not be installed.
    """
    for source in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        if Path(source).exists():
            found = re.findall(r"^nameserver\s+(\S+)", Path(source).read_text(), re.MULTILINE)
            if usable := [server for server in found if not server.startswith("127.") and ":" not in server]:
                return usable
    raise LabError("this machine has no name server that a node could ask (/etc/resolv.conf)")


def seed(node: Node, more_files: dict[str, str], links: dict[str, str]) -> bytes:
    """The tar file that a node unpacks over its root directory before it boots.

    :param more_files: text by path, beside what every node gets.
    :param links: symbolic links, target by path.
    """
    gateway4, gateway6 = (address.split("/")[0] for address in node.network.gateways)
    host_key = _host_key(node)
    files: dict[str, tuple[str, int]] = {
        "etc/hostname": (f"{node.name}\n", 0o644),
        "etc/hosts": (f"127.0.0.1 localhost\n::1 localhost\n{node.address} {node.name}\n", 0o644),
        "etc/resolv.conf": ("".join(f"nameserver {server}\n" for server in name_servers()), 0o644),
        "root/.ssh/authorized_keys": (USER_KEY.with_suffix(".pub").read_text(), 0o600),
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_text(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key.with_suffix(".pub").read_text(), 0o644),
    }
    prefix4, prefix6 = node.network.ipv4.prefixlen, node.network.ipv6.prefixlen
    if node.manager == "networkd":
        files["etc/systemd/network/10-lan.network"] = (
            "[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\n"
            f"Address={node.address}/{prefix4}\nAddress={node.address6}/{prefix6}\n"
            f"Gateway={gateway4}\nGateway={gateway6}\n",
            0o644,
        )
    else:
        files["etc/network/interfaces"] = (
            "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\nauto eth0\n"
            f"iface eth0 inet static\n    address {node.address}/{prefix4}\n    gateway {gateway4}\n"
            f"iface eth0 inet6 static\n    address {node.address6}/{prefix6}\n    gateway {gateway6}\n"
            "    accept_ra 0\n",
            0o644,
        )
    return _tar(files | {name: (text, 0o644) for name, text in more_files.items()}, links)


def _tar(files: dict[str, tuple[str, int]], links: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode in (("root/.ssh", 0o700),):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            archive.addfile(directory)
        for name, (content, mode) in files.items():
            data = content.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()
