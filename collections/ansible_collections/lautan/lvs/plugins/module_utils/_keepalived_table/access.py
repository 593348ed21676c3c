# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What is needed from a host, so that tests can play one."""

from __future__ import annotations

from typing import Protocol

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import access


class HostAccess(access.HostAccess, Protocol):
    """Files are named by absolute paths; OSError is the caller's to handle."""

    def read_own(self, path: str) -> str | None:
        """Give the text of a regular file that only root can have made; None if there is no such file there."""

    def has_open(self, pid: int, path: str) -> bool:
        """Whether this process has this file open; not, if there is no such process or file."""
