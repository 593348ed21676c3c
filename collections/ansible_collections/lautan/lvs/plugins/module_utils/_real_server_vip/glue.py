# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real host, and exceptions turned into failures of the module."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.ensure import ensure
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import (
    NETWORKD_DIRECTORY,
    UNIT_DIRECTORY,
    File,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed, module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class LocalHost:
    """HostAccess to the host on which the module runs."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._run = module_runner(module)

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        return self._run(argv, stdin)

    def has_program(self, name: str) -> bool:
        return self._module.get_bin_path(name) is not None

    def read(self, path: str) -> str | None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def stat(self, path: str) -> tuple[int, int, int]:
        status = os.stat(path)
        return status.st_mode & 0o7777, status.st_uid, status.st_gid

    def names(self, directory: str) -> list[str]:
        try:
            return os.listdir(directory)
        except FileNotFoundError:
            return []

    def write(self, path: str, file: File) -> None:
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            os.makedirs(directory)
            # Whatever the umask: networkd reads it as a user of its own.
            os.chmod(directory, 0o755)
        descriptor, temporary = tempfile.mkstemp(dir=self._module.tmpdir)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(file.text)
        self._module.atomic_move(temporary, path)
        self._module.set_owner_if_different(path, file.uid, changed=False)
        self._module.set_group_if_different(path, file.gid, changed=False)
        self._module.set_mode_if_different(path, file.mode, changed=False)

    def remove(self, path: str) -> None:
        os.unlink(path)
        directory = os.path.dirname(path)
        if directory.endswith(".d") and os.path.dirname(directory) in (NETWORKD_DIRECTORY, UNIT_DIRECTORY):
            try:
                os.rmdir(directory)
            except OSError as exc:
                if exc.errno != errno.ENOTEMPTY:
                    raise


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    executed: list[str] = []

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, changed=bool(executed), commands=executed, **details)

    interface, addresses = module.params["interface"], module.params["addresses"]
    try:
        plan = ensure(LocalHost(module), interface, addresses, module.check_mode, executed, time.sleep)
    except Mistakes as exc:
        fail(f"Nothing was changed: {exc}", errors=exc.mistakes)
    except CommandError as exc:
        fail(f"A command failed: {exc}", cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except NotReached as exc:
        fail(f"All commands succeeded, but the host differs from what was wanted: {exc}", errors=exc.differences)
    except OSError as exc:
        fail(f"A file could not be read or written: {exc}")
    else:
        result = {
            "changed": bool(plan.steps),
            "commands": plan.commands,
            "manager": plan.manager,
            "files": plan.files,
        }
        if module._diff:
            result["diff"] = plan.diff
        module.exit_json(**result)
