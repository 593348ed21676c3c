# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of the lab, whatever each of them is made of: make, start, break, mend, remove."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType

from . import container, image, isolation, kernel, machine, network, schools, seed, wire
from .process import LabError, run, say, step, succeeds, wait_until
from .topology import CACHE, ROUTER, RUN, STATE, Node, nodes

# A virtual machine takes some seconds to boot, a container one. Beside all others on a busy computer it is more.
_BOOT_SECONDS = 120


@cache
def _kernel_has_ipvs() -> bool:
    """Tell whether this machine's kernel has IPVS, loading it where it is a module."""
    return succeeds(["modprobe", "ip_vs"]) or Path("/proc/net/ip_vs").exists()


def kind(node: Node) -> ModuleType:
    """The module that drives this node: only directors need a kernel with IPVS."""
    return machine if node.role == "directors" and not _kernel_has_ipvs() else container


def _marker(node: Node) -> Path:
    """Written when the node is whole, with the image it was made from."""
    return STATE / "nodes" / f"{node.name}.made"


def ssh(node: Node, *command: str) -> list[str]:
    """The ssh command that runs ``command`` on the node, or a shell without one."""
    options = {
        "UserKnownHostsFile": str(seed.KNOWN_HOSTS),
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "ConnectTimeout": "5",
        # A node that loses its power in the middle of a command never says goodbye.
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
    }
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-i", str(seed.USER_KEY), *words, f"root@{node.address}", *command]


def up() -> None:
    """Bring the whole lab up; what is up already is left alone.

    :raises LabError: when something is in the way.
    """
    if os.geteuid() != 0:
        raise LabError("the lab makes networks, containers and virtual machines: run it as root")
    fleet = nodes()
    releases = _releases(os.environ.get("LAB_RELEASE") or "bookworm", fleet)
    for directory in (STATE / "nodes", RUN):
        directory.mkdir(parents=True, exist_ok=True)
    with step("network"):
        network.up()
        container.install_hook()
        seed.make_keys(fleet.values())
    machines = [node for node in fleet.values() if kind(node) is machine]
    linux = kernel.ensure(CACHE) if machines else None
    debian = {release: image.ensure(release, linux, CACHE) for release in sorted(set(releases.values()))}
    for node in fleet.values():
        _ensure_running(node, debian[releases[node.name]])
    what = f"{len(fleet)} nodes ({len(machines)} virtual machines)" if machines else f"{len(fleet)} nodes"
    with step(f"boot {what}"):
        wait_ready(fleet.values())


def _releases(text: str, names: Iterable[str]) -> dict[str, str]:
    """The Debian release of each node, from ``bookworm`` or, for a cluster in mid-upgrade, ``bookworm,rs1=trixie``.

    :raises LabError: when there is no such node.
    """
    first, *others = text.split(",")
    releases = dict.fromkeys(names, first)
    for other in others:
        name, _, release = other.partition("=")
        if name not in releases:
            raise LabError(f"LAB_RELEASE={text!r}: {name!r} is none of {', '.join(releases)}")
        releases[name] = release
    return releases


def _ensure_running(node: Node, debian: image.Image) -> None:
    driver = kind(node)
    if not driver.exists(node) or not _marker(node).exists() or _marker(node).read_text() != str(debian.directory):
        say(f"make {node.name}")
        _marker(node).unlink(missing_ok=True)
        driver.create(node, debian, seed.seed(node, driver.IDENTITY_FILES, driver.IDENTITY_LINKS))
        _marker(node).write_text(str(debian.directory))
    if not driver.is_running(node):
        driver.start(node)


def _boot(node: Node) -> str:
    """When PID 1 of the node started, empty while the node does not answer; it changes with each boot."""
    return run(
        ssh(node, "systemctl show --value --property=UserspaceTimestampMonotonic,UserspaceTimestamp"), check=False
    ).strip()


def _system_state(node: Node) -> str:
    return run(ssh(node, "timeout 20 systemctl is-system-running --wait"), check=False).strip()


def wait_ready(fleet: Iterable[Node]) -> None:
    """Wait until every node answers on ssh and systemd has started everything.

    :raises LabError: naming the node, and the units that failed on it.
    """
    # All at once, as each may have to be waited for.
    with ThreadPoolExecutor() as pool:
        list(pool.map(_wait_ready, fleet))


def _wait_ready(node: Node) -> None:
    states = []

    def is_up() -> bool:
        states.append(_system_state(node))
        return states[-1] in ("running", "degraded")

    wait_until(is_up, f"{node.name} to boot", timeout=_BOOT_SECONDS)
    if states[-1] == "degraded":
        failed = run(ssh(node, "systemctl --failed --plain --no-legend"), check=False).split("\n")
        say(f"{node.name}: failed at boot: " + ", ".join(line.split()[0] for line in failed if line))
    set_clock(node)


def set_clock(node: Node) -> None:
    """Set the node's clock to this machine's, to some hundredths of a second.

    A container has no other, and a virtual machine begins with it; a test may have changed that one's.

    :raises LabError: when it does not answer, or refuses.
    """
    if kind(node) is not machine:
        return
    with subprocess.Popen(
        # The time is told when somebody waits for it: to log in takes long.
        ssh(node, "echo; read -r now; date --set=@$now"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        command.stdout.readline()
        command.communicate(f"{time.time():.3f}\n")
    if command.returncode != 0:
        raise LabError(f"{node.name}: its clock could not be set")


def down() -> None:
    """Remove every node, the schools and the network. The images stay, see :func:`image.purge`."""
    with step("remove the lab"):
        for node in nodes().values():
            wire.make_good(node)
            for driver in (machine, container):
                driver.remove(node)
            _marker(node).unlink(missing_ok=True)
        schools.down()
        network.down()
        isolation.remove()


def kill(node: Node) -> None:
    """Cut the node's power."""
    wire.make_good(node)
    kind(node).kill(node)


def start(chosen: Iterable[Node]) -> None:
    """Switch nodes on and wait until they have booted.

    :raises LabError: when a node was never made.
    """
    for node in chosen:
        if not kind(node).exists(node):
            raise LabError(f"there is no {node.name} yet: `lab/lab up` makes it")
        if not kind(node).is_running(node):
            kind(node).start(node)
    wait_ready(chosen)


def reboot(chosen: Iterable[Node]) -> None:
    """Reboot nodes from within, all at the same time, and wait until they have booted."""
    before = {node: _boot(node) for node in chosen}
    for node, boot in before.items():
        if not boot:
            raise LabError(f"{node.name} does not answer: `lab/lab start {node.name}` switches it on")
    for node in before:
        # The connection may end before ssh can say how.
        run(ssh(node, "systemctl reboot"), check=False)
    for node, boot in before.items():
        wait_until(
            lambda node=node, boot=boot: _boot(node) not in ("", boot), f"{node.name} to reboot", timeout=_BOOT_SECONDS
        )
    wait_ready(before)


def set_cable(node: Node, state: str) -> None:
    """Cut (``down``) or mend (``up``) a node's network cable."""
    if network.port_state(node) == "absent":
        raise LabError(f"{node.name} is off: it has no cable")
    network.set_port(node, state)


def install_anew(node: Node) -> None:
    """Make a node as bare as it was in the beginning, with the same name, addresses and host key."""
    if kind(node).is_running(node):
        kill(node)
    _marker(node).unlink(missing_ok=True)
    up()


def status(fleet: Iterable[Node]) -> list[tuple[str, ...]]:
    """One row per node: name, what it is, power, cable, address."""
    rows = []
    for node in fleet:
        driver = kind(node)
        power = "absent" if not driver.exists(node) else "on" if driver.is_running(node) else "off"
        cable = "bad" if wire.is_bad(node) else network.port_state(node)
        what = "virtual machine" if driver is machine else "container"
        rows.append((node.name, what, power, cable, str(node.address), str(node.address6)))
    return rows


def enter(name: str, command: list[str]) -> list[str]:
    """The command line that runs ``command`` (or a shell) on a node or in the router."""
    if name == ROUTER:
        return network.inside(command or [os.environ.get("SHELL", "/bin/sh")])
    return ssh(nodes()[name], *command)
