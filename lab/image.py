# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one Debian image of the lab, for containers and virtual machines alike.

mmdebstrap builds a bare Debian (no keepalived, no nginx: installing them is the roles' work). From that tree come the
container image, and, where directors are virtual machines, a disk with the modules of their kernel.
Everything is cached under the hash of the recipe, so that a changed recipe is a new image.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import isolation
from .kernel import Kernel
from .process import LabError, run, step, succeeds

RELEASES = ("bookworm", "trixie")

# An operator's bare Debian: an init, ssh, Python for Ansible, the usual network tools, and both ways in which Debian
# configures a network; each node uses one of them.
PACKAGES = [
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "netbase", "ca-certificates", "less", "sudo"),
    *("openssh-server", "python3", "python3-apt", "iproute2", "iputils-ping", "nftables", "curl", "ifupdown"),
]

# Nodes are short-lived: nobody logs in on a console, and apt must not work behind a test's back.
MASKED_UNITS = (
    "getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer "
    "e2scrub_all.timer e2scrub_reap.service fstrim.timer"
)
DISK_SIZE = "4G"


@dataclass(frozen=True)
class Image:
    """One built image: where its parts are."""

    release: str
    directory: Path

    @property
    def container(self) -> str:
        """The name of the container image in podman's storage."""
        return f"localhost/lautan-lab:{self.directory.name}"

    @property
    def kernel(self) -> Path:
        """The program that is a virtual machine."""
        return self.directory / "linux"

    @property
    def disk(self) -> Path:
        """The raw root file system of virtual machines; what a machine writes goes elsewhere."""
        return self.directory / "disk.raw"


def recipe(release: str, root: str) -> list[str]:
    """The mmdebstrap command that makes ``root``, from its default archive unless LAB_MIRROR names one."""
    hooks = [
        'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf',
        ': > "$1"/etc/machine-id',
        f'chroot "$1" systemctl mask {MASKED_UNITS}',
        'chroot "$1" systemctl enable systemd-networkd.service',
        # It waits for every link of every network manager; nothing here needs network-online.target.
        'chroot "$1" systemctl disable systemd-networkd-wait-online.service',
        # mmdebstrap empties apt's lists but leaves them looking fresh, so that cache_valid_time would skip the update.
        'touch -d @0 "$1"/var/lib/apt/lists',
        # Identity of a virtual machine (host name, addresses, keys) comes on a second disk that holds a plain tar.
        'printf "%s\\n" "[Unit]" "Description=Take the node\'s identity from the seed disk"'
        ' "DefaultDependencies=no" "ConditionPathExists=/dev/ubdb" "ConditionPathExists=!/etc/lab-seeded"'
        ' "Wants=dev-ubdb.device" "After=dev-ubdb.device systemd-remount-fs.service"'
        ' "Before=sysinit.target systemd-sysctl.service"'
        ' "[Service]" "Type=oneshot" "RemainAfterExit=yes"'
        ' "ExecStart=/bin/tar -xf /dev/ubdb -C / --no-overwrite-dir"'
        " \"ExecStart=/bin/sh -c 'hostname -F /etc/hostname; touch /etc/lab-seeded'\""
        ' "[Install]" "WantedBy=sysinit.target" > "$1"/etc/systemd/system/lab-seed.service',
        'chroot "$1" systemctl enable lab-seed.service',
    ]
    command = [
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude=/usr/share/{where}/*" for where in ("man", "doc", "locale", "info")),
    ]
    command += [f"--customize-hook={hook}" for hook in hooks]
    command += [release, root]
    if mirror := os.environ.get("LAB_MIRROR"):
        command.append(mirror)
    return command


def ensure(release: str, kernel: Kernel | None, cache: Path) -> Image:
    """Return the image for ``release``, building what is not in ``cache`` yet.

    :param kernel: that of virtual machines, for which there has to be a disk.
    :raises LabError: for an unknown release, or when the build fails.
    """
    if release not in RELEASES:
        raise LabError(f"LAB_RELEASE={release!r} is none of {', '.join(RELEASES)}")
    parts = [*recipe(release, "ROOT"), DISK_SIZE, kernel.directory.name if kernel else ""]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    image = Image(release, cache / f"{release}-{key}")
    if not image.directory.exists():
        with step(f"build the {release} image (once; kept in {cache})"):
            _build(image, kernel)
    if not succeeds([*isolation.podman(), "image", "exists", image.container]):
        with step("import the image into podman"):
            run(
                [*isolation.podman(), "import", "--quiet", "--change", 'CMD ["/sbin/init"]']
                + ["--change", "STOPSIGNAL=SIGRTMIN+3", str(image.directory / "root.tar"), image.container]
            )
    return image


def _build(image: Image, kernel: Kernel | None) -> None:
    """Build in a directory of its own and rename it when it is whole, so that an interrupt leaves no half image."""
    cache = image.directory.parent
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob("building-*"):
        shutil.rmtree(left_over)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    # mmdebstrap's apt drops its privileges while it downloads and must be able to pass.
    work.chmod(0o755)
    root = work / "root"
    run(recipe(image.release, str(root)))
    run(["tar", "-C", str(root), "-cf", str(work / "root.tar"), "."])
    if kernel:
        shutil.copy(kernel.program, work / "linux")
        shutil.copytree(kernel.modules, root, dirs_exist_ok=True, symlinks=True)
        run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-m", "0", "-d", str(root), str(work / "disk.raw"), DISK_SIZE])
    shutil.rmtree(root)
    os.rename(work, image.directory)


def purge(cache: Path) -> None:
    """Remove every cached image, of this recipe and of earlier ones."""
    names = run([*isolation.podman(), "images", "--format", "{{.Repository}}:{{.Tag}}"]).split()
    for name in names:
        if name.startswith("localhost/lautan-lab:"):
            run([*isolation.podman(), "rmi", "--force", name])
    if cache.exists():
        shutil.rmtree(cache)
