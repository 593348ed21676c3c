# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the modules for IPVS settings and the rest: outcomes and exceptions turned into results of the module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.explain import advice
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import Outcome, Progress
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(module: AnsibleModule, ensure: Callable[[Progress], Outcome]) -> None:
    """Do what the module was asked for, and end it."""
    progress = Progress()

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, changed=progress.changed, commands=progress.commands, **details)

    try:
        outcome = ensure(progress)
    except Mistakes as exc:
        fail(f"Nothing was changed: {exc}", errors=exc.mistakes)
    except CommandError as exc:
        known = advice(exc, os.uname().release) if exc.argv[0] == "ipvsadm" else ""
        message = f"A command failed. {known}. ({exc})" if known else f"A command failed: {exc}"
        fail(message, cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except NotReached as exc:
        fail(f"All commands succeeded, but the result differs from what was wanted: {exc}", errors=exc.differences)
    except OSError as exc:
        hint = " Only root may: set become: true." if isinstance(exc, PermissionError) and os.geteuid() != 0 else ""
        fail(f"A file could not be read or written: {exc}.{hint}")
    except ParseError as exc:
        fail(f"Not understood: {exc}")
    else:
        result = {"changed": outcome.changed, "commands": list(outcome.commands)}
        if module._diff:
            result["diff"] = list(outcome.diff)
        module.exit_json(**result)
