# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real host, and exceptions turned into failures of the module."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.diff import diff_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File, NotReached, mask_values
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.validate import secrets_of
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed, module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# Not on every file system: errors that open(2) gives for O_TMPFILE then.
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)


class LocalHost:
    """HostAccess to the host on which the module runs."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._run = module_runner(module)

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        return self._run(argv, stdin)

    def has_program(self, name: str) -> bool:
        return self._module.get_bin_path(name) is not None

    def read(self, path: str) -> File | None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                status = os.fstat(file.fileno())
                return File(file.read(), status.st_mode & 0o7777, status.st_uid, status.st_gid)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None

    def identity(self, path: str) -> tuple[int, int] | None:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        return status.st_ino, status.st_mtime_ns

    def write(self, path: str, file: File) -> None:
        replace_file(path, file)

    def write_candidate(self, text: str) -> str:
        descriptor, path = tempfile.mkstemp(dir=self._module.tmpdir, prefix="keepalived.conf.")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
        return path

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def is_alive(self, pid: int) -> bool:
        return os.path.exists(f"/proc/{pid}")

    def signal(self, pid: int, number: int) -> None:
        os.kill(pid, number)


def replace_file(path: str, file: File) -> None:
    """Put a file in place: whoever reads it reads all of the old one or all of the new one, even after a power cut.

    :raises OSError: if that was not possible; the old file is as it was.
    """
    path = os.path.realpath(path)
    directory = os.path.dirname(path)
    temporary = os.path.join(directory, f".{os.path.basename(path)}.new")
    # What a run left behind that was cut short
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _nameless(directory, temporary) as (descriptor, link):
            data = file.text.encode("utf-8", "surrogateescape")
            while data:
                data = data[os.write(descriptor, data) :]
            os.fchmod(descriptor, file.mode)
            os.fchown(descriptor, file.uid, file.gid)
            os.fsync(descriptor)
            if link:
                # With src_dir_fd Python calls linkat(2), which can follow this symbolic link; link(2) does not.
                os.link(f"/proc/self/fd/{descriptor}", temporary, src_dir_fd=handle, follow_symlinks=True)
        os.rename(temporary, path)
        os.fsync(handle)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.close(handle)


@contextlib.contextmanager
def _nameless(directory: str, temporary: str) -> Iterator[tuple[int, bool]]:
    """A new file that has no name yet, and vanishes if it never gets one; with a name where that is not possible."""
    link = True
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as exc:
        if exc.errno not in _NO_TMPFILE:
            raise
        link = False
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor, link
    finally:
        os.close(descriptor)


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    config, path = module.params["config"], module.params["path"]
    secrets = secrets_of(config)
    # Whatever is returned, the arguments among it: these are hidden.
    module.no_log_values.update(secrets)
    outcome = Outcome()
    wanted = Wanted(path, config, module.params["on_foreign_change"])

    def result() -> dict[str, Any]:
        for warning in outcome.warnings:
            module.warn(mask_values(warning, secrets))
        return {"changed": outcome.changed, "commands": outcome.commands, "version": outcome.version}

    def fail(message: str, **details: Any) -> None:
        errors = [mask_values(line, secrets) for line in details.pop("errors", [])]
        if errors:
            details["errors"] = errors
        module.fail_json(msg=mask_values(message, secrets), **result(), **details)

    try:
        ensure(LocalHost(module), wanted, module.check_mode, outcome, time.sleep)
    except Mistakes as exc:
        fail(f"Nothing was changed: {exc}", errors=exc.mistakes)
    except NotReached as exc:
        fail(f"keepalived is not what was wanted: {exc}", errors=exc.differences, rolled_back=exc.rolled_back)
    except CommandError as exc:
        fail(f"A command failed: {exc}", cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except OSError as exc:
        fail(f"A file could not be read or written{'' if outcome.changed else f'; {path} is as it was'}: {exc}")
    else:
        details: dict[str, Any] = {"running": outcome.running}
        if module._diff:
            details["diff"] = diff_of(path, outcome)
        module.exit_json(**result(), **details)
