# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to start podman so that systemd runs as PID 1 on this host.

systemd in a container needs the unified cgroup hierarchy. On a host with a hybrid or legacy one, podman runs in a
private mount namespace that has cgroup2 on /sys/fs/cgroup. It must be one lasting namespace, as podman's own mounts
live in it.
"""

from __future__ import annotations

import fcntl
from functools import cache
from pathlib import Path

from .process import run, succeeds
from .topology import RUN

_NAMESPACE = RUN / "mount" / "namespace"
_CONFIG = RUN / "containers.conf"

# A container's default limits are the runtime's, and raising them needs CAP_SYS_RESOURCE, which some hosts withhold.
_CONTAINERS_CONF = f"""\
[containers]
pids_limit = 0
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
hooks_dir = ["{RUN}/hooks"]
"""


def _fs_type(path: Path) -> str:
    return run(["stat", "-fc", "%T", str(path)], check=False).strip()


@cache
def podman() -> list[str]:
    """The command line that begins every podman call of the lab."""
    RUN.mkdir(parents=True, exist_ok=True)
    if not _CONFIG.exists() or _CONFIG.read_text() != _CONTAINERS_CONF:
        _CONFIG.write_text(_CONTAINERS_CONF)
    command = ["env", f"CONTAINERS_CONF={_CONFIG}", "podman"]
    if _fs_type(Path("/sys/fs/cgroup")) != "cgroup2fs":
        _make_namespace()
        command = ["nsenter", f"--mount={_NAMESPACE}", *command]
    return command


def _make_namespace() -> None:
    """Pin a mount namespace that has cgroup2, and that sees the network namespaces this host makes later (slave)."""
    directory = _NAMESPACE.parent
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _fs_type(_NAMESPACE) == "nsfs":
            return
        if not succeeds(["mountpoint", "-q", str(directory)]):
            # A namespace can be pinned only on a mount that is not shared.
            run(["mount", "--bind", str(directory), str(directory)])
        run(["mount", "--make-private", str(directory)])
        _NAMESPACE.touch()
        run(
            ["unshare", f"--mount={_NAMESPACE}", "--propagation", "slave", "sh", "-euc"]
            + ["umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup"]
        )


def remove() -> None:
    """Give the mount namespace back."""
    if succeeds(["mountpoint", "-q", str(_NAMESPACE.parent)]):
        run(["umount", "--recursive", str(_NAMESPACE.parent)])
    podman.cache_clear()
