# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What this needs of a host, and how the host on which the module runs gives it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Protocol, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed, module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class HostAccess(Protocol):
    """Files are named by absolute paths; OSError is the caller's to handle."""

    @property
    def release(self) -> str:
        """The release of the running kernel."""

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed: ...

    def read(self, path: str) -> str | None:
        """Give the text of a file, or None if there is no such file."""

    def exists(self, path: str) -> bool: ...

    def port_of(self, name: str, protocol: str) -> int:
        """Look up the name of a port; ValueError if there is none."""


class LocalHost:
    """HostAccess to the host on which the module runs."""

    def __init__(self, module: AnsibleModule) -> None:
        self.run = module_runner(module)

    @property
    def release(self) -> str:
        return os.uname().release

    def read(self, path: str) -> str | None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def port_of(self, name: str, protocol: str) -> int:
        return port_of(name, protocol)


def port_of(name: str, protocol: str) -> int:
    """Look up the name of a port in services(5)."""
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        raise ValueError(name) from None
