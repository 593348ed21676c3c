# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real director, and exceptions turned into failures of the module."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.explain import explain
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Incomplete, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import glue
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import NoDump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table.ensure import (
    Outcome,
    Unsettled,
    Wanted,
    ensure,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class LocalHost(glue.LocalHost):
    """HostAccess to the host on which the module runs."""

    def read_own(self, path: str) -> str | None:
        try:
            # Without O_NONBLOCK a pipe that somebody put there would wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != 0 or status.st_nlink != 1:
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def has_open(self, pid: int, path: str) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            wanted = os.stat(path)
            for name in os.listdir(f"/proc/{pid}/fd"):
                # It may be closed meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.stat(f"/proc/{pid}/fd/{name}"), wanted):
                        return True
        return False


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    outcome = Outcome()
    wanted = Wanted(module.params["path"], module.params["purge"])

    def result() -> dict[str, Any]:
        return {
            "changed": bool(outcome.commands),
            "commands": outcome.commands,
            "differences": outcome.differences,
            "unread": outcome.unread,
        }

    def fail(message: str, **details: Any) -> None:
        unchanged = "" if outcome.commands else "Nothing was changed: "
        module.fail_json(msg=f"{unchanged}{message}", **result(), **details)

    try:
        ensure(LocalHost(module), wanted, module.check_mode, outcome, time.sleep)
    except Mistakes as exc:
        fail(str(exc), errors=exc.mistakes)
    except NoDump as exc:
        fail(f"keepalived does not tell which real servers it has in service: {exc}")
    except Unsettled as exc:
        fail(str(exc))
    except NotReached as exc:
        fail(f"the table is not what keepalived means it to be: {exc}", errors=exc.differences)
    except Incomplete as exc:
        fail(f"ipvsadm failed: {exc}", not_applied=exc.not_applied)
    except CommandError as exc:
        message = explain(exc, os.uname().release)
        fail(message, cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except (ParseError, OSError) as exc:
        fail(f"the director could not be read: {exc}")
    else:
        details: dict[str, Any] = {"expected": render.table_lines(outcome.meant or {})}
        if module._diff:
            details["diff"] = _diff(outcome)
        module.exit_json(**result(), **details)


def _diff(outcome: Outcome) -> dict[str, str]:
    tables = (("before", outcome.before or {}), ("after", outcome.after))
    texts = {
        when: "".join(f"{line}\n" for line in render.sorted_lines(outcome.affected, table)) for when, table in tables
    }
    return {"before_header": "ipvsadm -Sn", "after_header": "ipvsadm -Sn", **texts}
