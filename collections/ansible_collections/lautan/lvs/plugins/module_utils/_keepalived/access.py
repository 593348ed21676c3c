# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What is needed from a host, so that tests can play one."""

from __future__ import annotations

from typing import Protocol, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed


class HostAccess(Protocol):
    """Files are named by absolute paths; OSError is the caller's to handle."""

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed: ...

    def has_program(self, name: str) -> bool: ...

    def read(self, path: str) -> File | None:
        """Give a file, or None if there is no such file."""

    def identity(self, path: str) -> tuple[int, int] | None:
        """Give the inode and the time of the last change, in nanoseconds, or None if there is no such file."""

    def write(self, path: str, file: File) -> None:
        """Put a file in place: all of it, or nothing and the old one stays."""

    def write_candidate(self, text: str) -> str:
        """Put a text where nobody but root reads it, for keepalived to try. Give its path."""

    def remove(self, path: str) -> None: ...

    def is_alive(self, pid: int) -> bool: ...

    def signal(self, pid: int, number: int) -> None: ...
