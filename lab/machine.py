# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is a virtual machine, because this machine's kernel lacks what the node needs (IPVS): User-Mode Linux."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from . import network
from .image import Image
from .process import LabError, run, wait_until
from .topology import RUN, STATE, Node

MEMORY_MIB = 768
# A director of a real cluster has a processor of its own. Beside browsers, health checks and adverts would be late as
# soon as everything is busy, and real servers and VIPs go for no reason. So it is preferred, two times and a half.
NICE = -4
IDENTITY_LINKS: dict[str, str] = {}
IDENTITY_FILES: dict[str, str] = {}


def _disk(node: Node) -> Path:
    """What differs from the image's disk."""
    return STATE / "nodes" / f"{node.name}.cow"


def _seed(node: Node) -> Path:
    return STATE / "nodes" / f"{node.name}.seed"


def _image_link(node: Node) -> Path:
    """Which image the disk stands on."""
    return STATE / "nodes" / f"{node.name}.image"


def _pid_file(node: Node) -> Path:
    return RUN / f"{node.name}.pid"


def console(node: Node) -> Path:
    """Everything the machine wrote to its console since it was switched on."""
    return RUN / f"{node.name}.console"


def exists(node: Node) -> bool:
    return _image_link(node).exists()


def _name(node: Node) -> str:
    """The word on the machine's command line that tells which it is."""
    return f"umid={node.name}"


def _pid(node: Node) -> int | None:
    """The process that is this machine; a pid that another program has got since is not."""
    try:
        pid = int(_pid_file(node).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if _name(node).encode() in command else None


def is_running(node: Node) -> bool:
    return _pid(node) is not None


def create(node: Node, image: Image, seed: bytes) -> None:
    """Make the node, switched off: a disk on top of the image's, and its identity (a tar file) on a second one."""
    remove(node)
    _seed(node).parent.mkdir(parents=True, exist_ok=True)
    _seed(node).write_bytes(seed)
    _image_link(node).symlink_to(image.directory)


def start(node: Node) -> None:
    network.add_tap(node)
    image = Image("", _image_link(node).resolve())
    # What it keeps there of itself is of the machine that has lost its power.
    shutil.rmtree(RUN / "uml" / node.name, ignore_errors=True)
    command = [str(image.kernel), _name(node), f"uml_dir={RUN}/uml", f"mem={MEMORY_MIB}M"]
    command += [f"ubd0={_disk(node)},{image.disk}", f"ubd1r={_seed(node)}", "root=/dev/ubda", "rw", "quiet"]
    # One network card that is called eth0 as in the containers.
    command += [f"eth0=tuntap,{node.name},{node.mac}", "con=null", "con0=null,fd:1"]
    # It does not leave its session by itself. That is also how its processes are found when it loses its power.
    begin = 'echo $$ > "$0"; exec "$@" < /dev/null > "${0%.pid}.console" 2>&1'
    _pid_file(node).unlink(missing_ok=True)
    run(
        ["setsid", "--fork", "sh", "-c", begin, str(_pid_file(node)), "nice", "-n", str(NICE), *network.inside(command)]
    )
    wait_until(lambda: is_running(node), f"{node.name} to be on (see `lab/lab console {node.name}`)", 10, interval=0.01)
    session = Path(f"/proc/{_pid(node)}/autogroup")
    if session.exists():  # the kernel may share out by sessions first: sched(7)
        with suppress(PermissionError):  # some hosts withhold CAP_SYS_NICE from root; nice(1) has said so
            session.write_text(str(NICE))


def kill(node: Node) -> None:
    """Take the power away, from the machine and from the programs on it, which are processes of their own."""
    pid = _pid(node)
    if pid is None:
        raise LabError(f"{node.name} is off already")
    os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(node), f"{node.name} to be off", timeout=10, interval=0.01)
    network.remove_port(node)


def remove(node: Node) -> None:
    if is_running(node):
        kill(node)
    network.remove_port(node)
    for path in (_disk(node), _seed(node), _image_link(node), _pid_file(node), console(node)):
        path.unlink(missing_ok=True)
