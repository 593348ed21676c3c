# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is a QEMU virtual machine, because this machine's kernel lacks what the node needs (IPVS)."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

from . import network
from .image import Image
from .process import LabError, run, wait_until
from .topology import RUN, STATE, Node

MEMORY_MIB = 768
# A director of a real cluster has a processor of its own. Where one is emulated beside browsers, health checks and
# adverts are late as soon as everything is busy, and real servers and VIPs go for no reason. So it is preferred, two
# times and a half; more would leave browsers too little.
NICE = -4
IDENTITY_LINKS: dict[str, str] = {}
IDENTITY_FILES: dict[str, str] = {}


def _disk(node: Node) -> Path:
    return STATE / "nodes" / f"{node.name}.qcow2"


def _seed(node: Node) -> Path:
    return STATE / "nodes" / f"{node.name}.seed"


def _image_link(node: Node) -> Path:
    """Which image the disk stands on: its kernel boots the machine."""
    return STATE / "nodes" / f"{node.name}.image"


def _pid_file(node: Node) -> Path:
    return RUN / f"{node.name}.pid"


def console(node: Node) -> Path:
    """Everything the machine wrote to its serial console since it was switched on."""
    return RUN / f"{node.name}.console"


def has_kvm() -> bool:
    """Tell whether QEMU can use hardware virtualisation.

    The processor's flags decide: where they are withheld, a /dev/kvm may exist all the same and hang the guest.
    """
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return bool(flags) and bool({"vmx", "svm"} & set(flags[1].split())) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def exists(node: Node) -> bool:
    return _disk(node).exists() and _image_link(node).exists()


def _pid(node: Node) -> int | None:
    """The process that is this machine; a pid that another program has got since is not."""
    try:
        pid = int(_pid_file(node).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(_pid_file(node)).encode() in command else None


def is_running(node: Node) -> bool:
    return _pid(node) is not None


def create(node: Node, image: Image, seed: bytes) -> None:
    """Make the node, switched off: a disk on top of the image's, and its identity (a tar file) on a second one."""
    remove(node)
    _disk(node).parent.mkdir(parents=True, exist_ok=True)
    _seed(node).write_bytes(seed)
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(_disk(node))])
    _image_link(node).symlink_to(image.directory)


def start(node: Node) -> None:
    network.add_tap(node)
    boot = _image_link(node)
    # What protects a kernel from its programs costs an emulated processor a tenth of its speed. Here is nobody to fear.
    # And QEMU keeps translated code under the address it ran at: programs at random ones are translated anew each time,
    # and starting one takes three times as long.
    accelerator, options = ["-accel", "tcg,thread=multi", "-cpu", "max,-la57,-smap,-smep,-umip"], " norandmaps"
    is_emulated = not has_kvm()
    if not is_emulated:
        accelerator, options = ["-accel", "kvm", "-cpu", "host"], ""
    command = ["nice", "-n", str(NICE)] if is_emulated else []
    command += ["qemu-system-x86_64", "-name", node.name, "-machine", "q35", *accelerator]
    # There could be a second processor: where not, QEMU before 8.1 leaves the guest's memory barriers out of emulated
    # code, and a virtio device may miss the last thing put into its queue: network or disk stand still for ever.
    command += ["-smp", "1,maxcpus=2"]
    command += ["-m", str(MEMORY_MIB), "-nodefaults", "-display", "none"]
    command += ["-kernel", str(boot / "vmlinuz"), "-initrd", str(boot / "initrd.img")]
    # One network card that is called eth0 as in the containers.
    command += ["-append", f"root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off quiet{options}"]
    command += ["-drive", f"file={_disk(node)},if=virtio,format=qcow2,cache=unsafe"]
    command += ["-drive", f"file={_seed(node)},if=virtio,format=raw,read-only=on"]
    command += ["-netdev", f"tap,id=lan,ifname={node.name},script=no,downscript=no"]
    command += ["-device", f"virtio-net-pci,id=eth0,netdev=lan,mac={node.mac}", "-device", "virtio-rng-pci"]
    command += ["-serial", f"file:{console(node)}", "-qmp", f"unix:{_qmp_socket(node)},server=on,wait=off"]
    command += ["-pidfile", str(_pid_file(node)), "-daemonize"]
    run(network.inside(command))
    session = Path(f"/proc/{_pid(node)}/autogroup")
    if is_emulated and session.exists():  # the kernel may share out by sessions first: sched(7)
        with suppress(PermissionError):  # some hosts withhold CAP_SYS_NICE from root; nice(1) has said so
            session.write_text(str(NICE))


def kill(node: Node) -> None:
    """Take the power away."""
    pid = _pid(node)
    if pid is None:
        raise LabError(f"{node.name} is off already")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(node), f"{node.name} to be off", timeout=10, interval=0.01)
    network.remove_port(node)


def set_link(node: Node, state: str) -> None:
    """Plug (``up``) or unplug (``down``) the network card's cable: the guest sees its carrier come and go.

    :raises LabError: when the machine is off or QEMU refuses.
    """
    _qmp(node, "set_link", {"name": "eth0", "up": state == "up"})


def _qmp_socket(node: Node) -> Path:
    return RUN / f"{node.name}.qmp"


def _qmp(node: Node, command: str, arguments: dict) -> None:
    """Send one command of the QEMU Machine Protocol."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(_qmp_socket(node)))
        except OSError as error:
            raise LabError(f"{node.name} is off ({error})") from error
        with connection.makefile("rw") as stream:
            stream.readline()  # the greeting
            for message in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(message) + "\n")
                stream.flush()
                while "event" in (answer := json.loads(stream.readline())):
                    pass
                if "error" in answer:
                    raise LabError(f"{node.name}: QEMU refuses {command}: {answer['error'].get('desc')}")


def remove(node: Node) -> None:
    if is_running(node):
        kill(node)
    network.remove_port(node)
    for path in (_disk(node), _seed(node), _image_link(node), _pid_file(node), _qmp_socket(node), console(node)):
        path.unlink(missing_ok=True)
