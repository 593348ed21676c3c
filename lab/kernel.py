# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of virtual machines: Debian's Linux, built as a program of this machine (User-Mode Linux).

It needs no help of a processor, runs programs at the speed of this one, and is as real as any: IPVS, netfilter and all
else is the code that other machines have. Debian builds one itself, without ``table inet`` of nftables.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .process import run, step

# Whatever release nodes have, as one kernel serves all.
_RELEASE, _SOURCE = "bookworm", "linux-source-6.1"
_PACKAGES = (_SOURCE, "gcc", "libc6-dev", "make", "flex", "bison", "bc", "xz-utils", "kmod", "patch")
_FILES = tuple(Path(__file__).with_name(name) for name in ("kernel.config", "kernel.patch", "build-kernel"))


@dataclass(frozen=True)
class Kernel:
    """A kernel that was built: where its parts are."""

    directory: Path

    @property
    def program(self) -> Path:
        return self.directory / "linux"

    @property
    def modules(self) -> Path:
        """What belongs into the root file system: lib/modules."""
        return self.directory / "modules"


def _recipe(root: str) -> list[str]:
    """The mmdebstrap command that makes ``root``, a Debian in which the kernel is built."""
    command = [
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=minbase",
        f"--include={','.join(_PACKAGES)}",
    ]
    command += [f"--customize-hook=copy-in {' '.join(map(str, _FILES))} /usr/src"]
    command += ['--customize-hook=chroot "$1" sh -c "cd /usr/src && ./build-kernel"']
    return [*command, _RELEASE, root, *filter(None, [os.environ.get("LAB_MIRROR")])]


def ensure(cache: Path) -> Kernel:
    """Return the kernel, building it if it is not in ``cache`` yet.

    :raises LabError: when the build fails.
    """
    parts = [*_PACKAGES, *(path.read_text() for path in _FILES)]
    kernel = Kernel(cache / f"kernel-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}")
    if not kernel.directory.exists():
        with step(f"build the kernel of virtual machines (once; kept in {cache})"):
            _build(kernel)
    return kernel


def _build(kernel: Kernel) -> None:
    """Build in a directory of its own and rename it when it is whole, so that an interrupt leaves no half kernel."""
    cache = kernel.directory.parent
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob("kernel-building-*"):
        shutil.rmtree(left_over)
    work = Path(tempfile.mkdtemp(prefix="kernel-building-", dir=cache))
    work.chmod(0o755)  # mmdebstrap's apt drops its privileges while it downloads
    root = work / "root"
    run(_recipe(str(root)))
    for part in ("linux", "modules"):
        shutil.move(root / "usr/src" / part, work / part)
    shutil.rmtree(root)
    os.rename(work, kernel.directory)
