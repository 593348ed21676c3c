# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""How an action on the controller gets at the host of its task: one remote command for each thing that it wants."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Sequence

from ansible.plugins.action import ActionBase

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed

_NOT_FOUND = 127
# getent(1)
_NO_SUCH_KEY = 2
# What fits into a command line with ease; MAX_ARG_STRLEN is 128 KiB.
_SHORT = 8192

# Before and after what the program prints, and at the end of everything. What is outside was said by others: a shell
# that greets, sudo. A status of 255 would look as if ssh had lost the host, and where there is a terminal, stderr is
# not apart from stdout: so both come as text.
_MARK = "=== lautan.lvs ==="
_SCRIPT = (
    f"export {{environment}} LANGUAGE=C LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; exec 3>&1; "
    f"echo '{_MARK}'; said=$({{command}} 2>&1 >&3 3>&-); printf '{_MARK}%s %s{_MARK}' \"$?\" \"$said\""
)


class RemoteHost:
    """HostAccess over the connection of an action, with become and environment of its task."""

    def __init__(self, action: ActionBase) -> None:
        self._action = action
        # A document has the same name again and again.
        self.port_of = functools.cache(self._port_of)

    @property
    def release(self) -> str:
        return self.run(("uname", "-r")).stdout.strip()

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        command, data = self._fed(shlex.join(argv), stdin or "")
        environment = self._action._compute_environment_string()
        script = _SCRIPT.format(environment=environment, command=command)
        # With the shell named, Ansible does not start another program after it.
        done = self._action._low_level_execute_command(script, in_data=data, executable="/bin/sh")
        # A terminal ends lines with both.
        parts = done["stdout"].replace("\r\n", "\n").split(_MARK)
        if len(parts) != 4:
            said = done["stderr"].strip() or done["stdout"].strip() or "the host did not answer"
            return Completed(done["rc"] or 1, "", said)
        rc, _space, said = parts[2].partition(" ")
        if int(rc) == _NOT_FOUND:
            said = f"the program {argv[0]} was not found"
        return Completed(int(rc), parts[1].removeprefix("\n"), said)

    def read(self, path: str) -> str | None:
        done = self.run(("cat", path))
        if done.rc == 0:
            return done.stdout
        if done.stderr.endswith(("No such file or directory", "Not a directory")):
            return None
        raise OSError(done.stderr)

    def exists(self, path: str) -> bool:
        return self.run(("test", "-e", path)).rc == 0

    def _port_of(self, name: str, protocol: str) -> int:
        done = self.run(("getent", "services", f"{name}/{protocol}"))
        if done.rc == _NO_SUCH_KEY:
            raise ValueError(name)
        found = re.match(r"\S+\s+([0-9]+)/", done.stdout)
        if found is None:
            raise OSError(done.stderr)
        return int(found[1])

    def _fed(self, command: str, text: str) -> tuple[str, bytes | None]:
        """Give the command that has this text for its standard input, and what of it is to be sent along."""
        if not text:
            return command, None
        if self._action._connection.is_pipelining_enabled():
            return command, text.encode()
        if len(text) <= _SHORT:
            return f"printf %s {shlex.quote(text)} | {command}", None
        shell = self._action._connection._shell
        path = shell.join_path(shell.tmpdir or self._action._make_tmp_path(), "input")
        # Ansible removes it with the directory, after the task.
        self._action._transfer_data(path, text)
        return f"{command} < {shlex.quote(path)}", None
