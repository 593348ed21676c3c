# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is a podman container with systemd as PID 1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from . import isolation, network
from .image import Image
from .process import run, succeeds
from .topology import RUN, Node

# Containers share this machine's devices, and udev in one of them would act on all of them. So there is none, and
# networkd must not wait for it: it takes a read-only /sys as the sign. Nor is there a seed disk to wait for.
IDENTITY_LINKS = {
    f"etc/systemd/system/{unit}": "/dev/null"
    for unit in (
        "systemd-udevd.service",
        "systemd-udev-trigger.service",
        "systemd-udev-settle.service",
        "lab-seed.service",
    )
}
IDENTITY_FILES = {"etc/systemd/system/systemd-networkd.service.d/no-udev.conf": "[Service]\nReadOnlyPaths=/sys\n"}


def _podman(*words: str, check: bool = True, stdin: bytes | None = None) -> str:
    return run([*isolation.podman(), *words], check=check, stdin=stdin)


def install_hook() -> None:
    """Tell podman to plug a node's cable whenever the node starts."""
    hooks = RUN / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    # A copy, because containers outlive this checkout.
    shutil.copy(Path(__file__).parent / "plug-cable", hooks / "plug-cable")
    hook = {
        "version": "1.0.0",
        "hook": {"path": str(hooks / "plug-cable"), "args": ["plug-cable"]},
        "when": {"annotations": {"^lautan\\.lab\\.node$": ".*"}},
        "stages": ["createRuntime"],
    }
    (hooks / "plug-cable.json").write_text(json.dumps(hook))


def exists(node: Node) -> bool:
    """Tell whether the node was made. One whose processes ended without podman's notice cannot be started again."""
    return succeeds([*isolation.podman(), "container", "exists", node.name]) and _recorded(node) == _alive(node)


def is_running(node: Node) -> bool:
    return _recorded(node) and _alive(node)


def _recorded(node: Node) -> bool:
    """Tell whether podman's records say that the node runs."""
    return _podman("inspect", "--format", "{{.State.Running}}", node.name, check=False).strip() == "true"


def _alive(node: Node) -> bool:
    """Tell whether the node's PID 1 is there and no zombie. A pid that another program has got since is not."""
    pid = _podman("inspect", "--format", "{{.State.Pid}}", node.name, check=False).strip()
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return name in ("init", "systemd") and rest.split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def create(node: Node, image: Image, seed: bytes) -> None:
    """Make the node, switched off, with its identity (a tar file) in place."""
    remove(node)
    command = ["create", "--name", node.name, "--hostname", node.name, "--privileged", "--systemd=always"]
    # A reboot from within ends PID 1; the machine starts again. `podman kill` and `stop` keep it off.
    command += ["--restart", "always", "--network", "none"]
    for key, value in (("node", node.name), ("mac", node.mac), ("network", node.network.name)):
        command += ["--annotation", f"lautan.lab.{key}={value}"]
    # The node's own /etc/hosts decides, as on any host.
    command += ["--no-hosts"]
    if node.role == "directors":
        # Only where this machine's kernel has IPVS; its modules are loaded from within, as on any host.
        command += ["--volume", "/lib/modules:/lib/modules:ro"]
    _podman(*command, image.container, "/sbin/init")
    _podman("cp", "-", f"{node.name}:/", stdin=seed)


def start(node: Node) -> None:
    _podman("start", node.name)


def kill(node: Node) -> None:
    """Take the power away. The cable goes first: the dying processes' sockets must not say goodbye to anybody."""
    network.set_port(node, "down")
    _podman("kill", "--signal", "KILL", node.name)
    network.remove_port(node)


def remove(node: Node) -> None:
    _podman("rm", "--force", "--time", "1", "--ignore", node.name)
    network.remove_port(node)
