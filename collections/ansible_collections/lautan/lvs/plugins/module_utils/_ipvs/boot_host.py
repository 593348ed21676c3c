# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The host on which the module runs: programs, and files that are put in place atomically."""

from __future__ import annotations

import glob
import os
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.lautan.lvs.plugins.module_utils._runner import module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class File(NamedTuple):
    """A regular file: its text, its permissions, and who owns it."""

    text: str
    mode: int
    uid: int = 0
    gid: int = 0


class LocalHost:
    """HostAccess to the host on which the module runs."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.run = module_runner(module)

    def read(self, path: str) -> str | None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def file(self, path: str) -> File | None:
        text = self.read(path)
        if text is None:
            return None
        status = os.stat(path)
        return File(text, status.st_mode & 0o7777, status.st_uid, status.st_gid)

    def glob(self, pattern: str) -> list[str]:
        return sorted(glob.glob(pattern))

    def write(self, path: str, file: File) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._module.tmpdir)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(file.text)
        self._module.atomic_move(temporary, path)
        self._module.set_owner_if_different(path, file.uid, changed=False)
        self._module.set_group_if_different(path, file.gid, changed=False)
        self._module.set_mode_if_different(path, file.mode, changed=False)
